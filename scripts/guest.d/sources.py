"""Writes apt sources (deb822) for one architecture, taken from the machine's own: sources.py ARCHITECTURE OUTPUT

Of the machine's entries, those of the distribution itself (its code name or stable/testing/…, component main) with the suite's backports
beside it; keys and options stay. For the machine's own architecture all other entries stay too, so that packages it has come from where
they came from. Whether a suite exists for an architecture only the archive knows: what is not there is apt's warning.
"""
import glob
import re
import sys

RELEASES = {"stable", "oldstable", "testing", "unstable", "sid"}
OPTION_NAMES = {"signed-by": "Signed-By", "trusted": "Trusted", "check-valid-until": "Check-Valid-Until", "by-hash": "By-Hash"}


def stanzas(text):
    """The entries of a .sources file: a dictionary each, names in lower case, continuation lines kept."""
    for block in re.split(r"\n\s*\n", "\n".join(l for l in text.splitlines() if not l.startswith("#"))):
        fields, name = {}, None
        for line in block.splitlines():
            if line[:1] in (" ", "\t") and name:
                fields[name] += "\n" + line
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields:
            yield fields


def one_line_entries(text):
    """The entries of a .list file, in the same form."""
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*([^#]*)", line)
        if not match:
            continue
        options, uri, suite, components = match.groups()
        fields = {"types": "deb", "uris": uri, "suites": suite, "components": components.strip()}
        for option in (options or "").split():
            name, _, value = option.partition("=")
            if name.lower() in OPTION_NAMES:
                fields[name.lower()] = value.replace(",", " ")
        yield fields


def entries():
    for path in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*.list"))]:
        yield from read(path, one_line_entries)
    for path in sorted(glob.glob("/etc/apt/sources.list.d/*.sources")):
        yield from read(path, stanzas)


def read(path, parse):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return [f for f in parse(file.read()) if "deb" in f.get("types", "").split() and f.get("enabled", "yes").lower() != "no"]
    except OSError:
        return []


def code_name():
    with open("/etc/os-release", encoding="utf-8") as file:
        match = re.search(r'^VERSION_CODENAME="?([^"\n]*)', file.read(), re.M)
    return match.group(1) if match else ""


def main(architecture, output):
    import subprocess
    native = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    releases = RELEASES | {code_name()}
    written = []
    for fields in entries():
        suites = fields.get("suites", "").split()
        own = [s for s in suites if s in releases] if "main" in fields.get("components", "").split() else []
        wanted = [] if architecture != native else list(suites)
        wanted += [s for suite in own for s in (suite, suite + "-backports") if s not in wanted]
        if not wanted:
            continue
        lines = [("Types", "deb"), ("URIs", fields.get("uris", "")), ("Suites", " ".join(wanted)), ("Architectures", architecture)]
        if fields.get("components"):
            lines.append(("Components", "main" if architecture != native else fields["components"]))
        lines += [(OPTION_NAMES[n], fields[n]) for n in OPTION_NAMES if n in fields]
        written.append("".join(f"{name}: {value}\n" for name, value in lines))
    with open(output, "w", encoding="utf-8") as file:
        file.write("\n".join(written))


main(*sys.argv[1:])
