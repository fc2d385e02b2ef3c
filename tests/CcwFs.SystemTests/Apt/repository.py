"""Makes apt repositories of a recorded list: repository.py LIST DIRECTORY ARCHITECTURE

A list holds stanzas as apt's own. One that begins with Suite is the Release file of a suite; "Libraries" are NAME=VERSION of packages of it without
dependencies (what is behind them is cut off). The others are packages of the suite before them. DIRECTORY/dists/SUITE holds the result; a suite
that has a slash in its name in sources has one here.
"""
import hashlib
import os
import re
import sys


def package(name, version, architecture, fields=""):
    return f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\n{fields}Filename: {name}.deb\nSize: 1\nSHA256: {'0' * 64}\n"


def main(path, directory, architecture):
    suites = []
    with open(path, encoding="utf-8") as file:
        text = "".join(line for line in file if not line.startswith("#"))
    for stanza in filter(None, re.split(r"\n\s*\n", text.strip())):
        fields = dict(re.findall(r"^([A-Za-z0-9-]+): (.*)", stanza, re.M))
        if "Suite" in fields:
            libraries = fields.pop("Libraries", "").split()
            suites.append((fields, [package(*l.split("="), architecture) for l in libraries]))
        else:
            name, version = fields.pop("Package"), fields.pop("Version")
            suites[-1][1].append(package(name, version, architecture, "".join(f"{k}: {v}\n" for k, v in fields.items())))
    for release, packages in suites:
        top = os.path.join(directory, "dists", release.pop("Directory", release["Codename"]))
        body = "\n".join(packages).encode()
        index = f"main/binary-{architecture}/Packages"
        os.makedirs(os.path.dirname(os.path.join(top, index)))
        with open(os.path.join(top, index), "wb") as file:
            file.write(body)
        with open(os.path.join(top, "Release"), "w", encoding="utf-8") as file:
            file.write("".join(f"{k}: {v}\n" for k, v in release.items()))
            file.write(f"Architectures: {architecture}\nComponents: main\nSHA256:\n {hashlib.sha256(body).hexdigest()} {len(body)} {index}\n")


main(*sys.argv[1:])
