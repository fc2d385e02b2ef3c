"""Writes apt sources (deb822) for one architecture, taken from the machine's own: sources.py ARCHITECTURE OUTPUT [ROOT]

Of the machine's entries, those of the distribution itself (its code name or stable/testing/…, component main) with the suite's backports
beside it; keys and options stay. For the machine's own architecture all other entries stay too, so that packages it has come from where
they came from. Whether a suite exists for an architecture only the archive knows: what is not there is apt's warning.

A distribution other than Debian has no packages of Debian's: for another architecture it is Debian's archive. Ubuntu 24.04 has no QEMU
that is new enough: the archive is added in which Ubuntu keeps newer ones for it.

ARCHITECTURE "plain": the distribution's own entries alone, as on a machine that was just installed. ROOT is where etc is, in place of /.
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


DEBIAN = {"uris": "http://deb.debian.org/debian", "suites": "trixie", "components": "main", "signed-by": "/usr/share/keyrings/debian-archive-keyring.gpg"}
NEWER = {
    ("ubuntu", "noble"): {"uris": "http://ubuntu-cloud.archive.canonical.com/ubuntu", "suites": "noble-updates/flamingo", "components": "main",
                          "signed-by": "/usr/share/keyrings/ubuntu-cloud-keyring.gpg"},
}


def entries(root):
    for path in [root + "/etc/apt/sources.list", *sorted(glob.glob(root + "/etc/apt/sources.list.d/*.list"))]:
        yield from read(path, one_line_entries)
    for path in sorted(glob.glob(root + "/etc/apt/sources.list.d/*.sources")):
        yield from read(path, stanzas)


def read(path, parse):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return [f for f in parse(file.read()) if "deb" in f.get("types", "").split() and f.get("enabled", "yes").lower() != "no"]
    except OSError:
        return []


def system(root):
    """ID and code names as /etc/os-release has them; one that is made of Debian or Ubuntu names theirs too."""
    with open(root + "/etc/os-release", encoding="utf-8") as file:
        fields = dict(re.findall(r'^([A-Z_]+)="?([^"\n]*)', file.read(), re.M))
    return fields.get("ID", ""), [fields[n] for n in ("VERSION_CODENAME", "UBUNTU_CODENAME", "DEBIAN_CODENAME") if fields.get(n)]


def stanza(fields, suites, components, architecture):
    lines = [("Types", "deb"), ("URIs", fields.get("uris", "")), ("Suites", " ".join(suites))]
    lines += [("Architectures", architecture)] if architecture else []
    lines += [("Components", components)] if components else []
    lines += [(OPTION_NAMES[n], fields[n]) for n in OPTION_NAMES if n in fields]
    return "".join(f"{name}: {value}\n" for name, value in lines)


def plain(found, codes):
    for fields in found:
        own = [s for s in fields.get("suites", "").split() if re.split("[-/]", s)[0] in RELEASES | set(codes) and "backports" not in s]
        if own:
            yield stanza(fields, own, fields.get("components"), None)


def chosen(found, identity, codes, architecture, native):
    if architecture != native and identity != "debian":
        yield stanza(DEBIAN, [DEBIAN["suites"]], DEBIAN["components"], architecture)
        return
    releases = RELEASES | set(codes)
    for fields in found:
        suites = fields.get("suites", "").split()
        own = [s for s in suites if s in releases] if "main" in fields.get("components", "").split() else []
        wanted = [] if architecture != native else list(suites)
        wanted += [s for suite in own for s in (suite, suite + "-backports") if s not in wanted]
        if wanted:
            yield stanza(fields, wanted, fields.get("components") and ("main" if architecture != native else fields["components"]), architecture)
    if architecture == native:
        for newer in (NEWER[k] for k in NEWER if k[0] == identity and k[1] in codes):
            yield stanza(newer, [newer["suites"]], newer["components"], architecture)


def main(architecture, output, root=""):
    import subprocess
    native = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    identity, codes = system(root)
    found = list(entries(root))
    with open(output, "w", encoding="utf-8") as file:
        file.write("\n".join(plain(found, codes) if architecture == "plain" else chosen(found, identity, codes, architecture, native)))


main(*sys.argv[1:])
