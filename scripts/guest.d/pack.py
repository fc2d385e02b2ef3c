"""Makes the guest's kernel and initramfs of unpacked packages: pack.py UNPACKED INIT OUTPUT

OUTPUT/kernel and OUTPUT/initramfs: a cpio archive (newc format, Documentation/driver-api/early-userspace/buffer-format.rst), not compressed,
because the guest's processor is emulated and the host's disk is not the bottleneck. OUTPUT/initramfs-fio is the same with fio and what that
needs besides, as a second archive behind the first: the kernel unpacks both. The initramfs holds the programs named below, the shared libraries
they need, the kernel modules named below and those they need, decompressed, and modules.dep in the form that busybox reads.
"""
import glob
import lzma
import os
import re
import shutil
import stat
import struct
import subprocess
import sys

PROGRAMS = """
bash busybox cmp dd find gawk seq head sed grep mke2fs e2fsck dumpe2fs sfdisk fstrim ioping
chccwdev chchp chreipl chzdev cio_ignore dasdfmt dasdinfo dasdview fdasd lschp lscss lsdasd lsreipl lszdev tunedasd zipl
""".split()
# With libraries larger than everything else: each in an initramfs of its own.
LARGE = ["fio"]
# Names that scripts expect, where a program is not the one that busybox has under its own name.
LINKS = {"awk": "gawk", "mkfs.ext4": "mke2fs", "fsck.ext4": "e2fsck"}
DATA = ["usr/lib/s390-tools", "etc/mke2fs.conf", "etc/zipl.conf"]
MODULES = """
dasd_mod dasd_eckd_mod dasd_fba_mod dasd_diag_mod ext4 crc32c_generic virtio_blk loop fuse
tape tape_34xx tape_class ctcm vmur
""".split()
DASD_MAJOR, MINORS, DASDS = 94, 4, 8  # Documentation/admin-guide/devices.txt; eight volumes are arbitrary
DIRECTORIES = "dev proc sys run tmp mnt root etc var/lock boot usr/bin usr/sbin usr/lib".split()
SAME = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib"}


def fail(message):
    sys.exit(f"ccwfs: {message}")


class Archive:
    """A cpio archive in the making, behind a copy of the one `before`; a path is written once, and never one that is in that."""

    def __init__(self, path, before=None):
        if before:
            shutil.copyfile(before._file.name, path)
        self._file, self._seen = open(path, "ab" if before else "wb"), set(before._seen) if before else set()

    def add(self, path, mode, data=b"", device=(0, 0)):
        if path in self._seen:
            return False
        parent = os.path.dirname(path)
        if parent:
            self.add(parent, stat.S_IFDIR | 0o755)
        self._seen.add(path)
        self._entry(path, mode, data, device)
        return True

    def close(self):
        self._entry("TRAILER!!!", 0, b"", (0, 0))
        self._file.close()

    def _entry(self, path, mode, data, device):
        name = path.encode() + b"\0"
        fields = [len(self._seen), mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0]
        head = b"070701" + b"".join(b"%08X" % f for f in fields) + name
        self._file.write(head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4))


class Tree:
    """The unpacked packages, as after the merge of /bin, /sbin and /lib into /usr."""

    def __init__(self, root):
        self._files = {}
        for top, names, files in os.walk(root):
            for name in files + [n for n in names if os.path.islink(os.path.join(top, n))]:
                full = os.path.join(top, name)
                self._files[merged(os.path.relpath(full, root))] = full
        self._libraries = {}
        for path in sorted(p for p in self._files if p.startswith("usr/lib/")):
            self._libraries.setdefault(os.path.basename(path), []).append(path)

    def find(self, path):
        return self._files.get(path)

    def program(self, name):
        return next((p for p in (f"usr/bin/{name}", f"usr/sbin/{name}") if p in self._files), None)

    def below(self, prefix):
        return sorted(p for p in self._files if p == prefix or p.startswith(prefix + "/"))

    def library(self, name):
        """Where it is: where the loader looks, else in a directory that only its users name (RUNPATH)."""
        found = [p for p in self._libraries.get(name, ()) if re.match(r"usr/lib/(s390x-linux-gnu/)?[^/]*$", p)]
        return next(iter(found or self._libraries.get(name, ())), None)


def merged(path):
    first, _, rest = path.partition("/")
    return f"{SAME[first]}/{rest}" if first in SAME and rest else path


def needs(path):
    """The shared libraries that an ELF file names."""
    with open(path, "rb") as file:
        if file.read(4) != b"\x7fELF":
            return []
    said = subprocess.run(["readelf", "-dl", path], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"\(NEEDED\).*\[(.*)\]", said)
    return found + [os.path.basename(i) for i in re.findall(r"program interpreter: (.*)\]", said)]


def put(archive, tree, path):
    """Adds a file, what its link points to, and the libraries it needs."""
    full = tree.find(path)
    if os.path.islink(full):
        target = os.readlink(full)
        if archive.add(path, stat.S_IFLNK | 0o777, target.encode()):
            absolute = merged(os.path.normpath(os.path.join("/" + os.path.dirname(path), target)).lstrip("/"))
            if tree.find(absolute):
                put(archive, tree, absolute)
        return
    with open(full, "rb") as file:
        data = file.read()
    if not archive.add(path, stat.S_IFREG | (os.stat(full).st_mode & 0o755), data):
        return
    for name in needs(full):
        library = tree.library(name) or fail(f"no package of the guest holds {name}, which {path} needs")
        put(archive, tree, library)


def put_modules(archive, tree):
    """Adds the modules and what they need; gives nothing for one that this kernel has built in or has not at all."""
    paths = {}
    for path in tree.below("usr/lib/modules"):
        match = re.match(r"(.*/([^/]*))\.ko(\.xz|\.zst|)$", path)
        if match:
            paths[match.group(2).replace("-", "_")] = (match.group(1) + ".ko", path, match.group(3))
    wanted, order, aliases = list(MODULES), {}, []
    while wanted:
        name = wanted.pop(0).replace("-", "_")
        if name in order or name not in paths:
            continue
        target, path, packing = paths[name]
        with open(tree.find(path), "rb") as file:
            data = file.read()
        if packing == ".xz":
            data = lzma.decompress(data)
        elif packing == ".zst":
            data = subprocess.run(["zstd", "-dc"], input=data, capture_output=True, check=True).stdout
        aliases += [f"alias {a.decode()} {name}\n" for a in re.findall(rb"\0alias=([^\0]*)(?=\0)", data)]
        before = re.search(rb"\0depends=([^\0]*)\0", b"\0" + data)
        order[name] = [n.replace("-", "_") for n in before.group(1).decode().split(",") if n] if before else []
        wanted += order[name]
        archive.add(target, stat.S_IFREG | 0o644, data)
    if not {"dasd_eckd_mod", "ext4"} <= order.keys():
        fail("the guest's kernel has no module dasd_eckd_mod or ext4")
    release = os.path.relpath(paths["ext4"][0], "usr/lib/modules").split("/")[0]
    lines = [f"{relative(name, paths, release)}: {' '.join(relative(n, paths, release) for n in closure(name, order))}".rstrip() for name in order]
    archive.add(f"usr/lib/modules/{release}/modules.dep", stat.S_IFREG | 0o644, ("\n".join(lines) + "\n").encode())
    archive.add(f"usr/lib/modules/{release}/modules.alias", stat.S_IFREG | 0o644, "".join(aliases).encode())


def relative(name, paths, release):
    return os.path.relpath(paths[name][0], f"usr/lib/modules/{release}")


def closure(name, order, seen=None):
    """What must be loaded before a module, the last to load first, as depmod writes it."""
    seen = [] if seen is None else seen
    for other in order[name]:
        if other in order and other not in seen:
            seen.append(other)
            closure(other, order, seen)
    return seen


def main(unpacked, init, output):
    tree = Tree(unpacked)
    kernels = glob.glob(unpacked + "/boot/vmlinuz-*") or fail("the kernel's package holds no kernel")
    archive = Archive(output + "/initramfs")
    for directory in DIRECTORIES:
        archive.add(directory, stat.S_IFDIR | 0o755)
    for link, target in SAME.items():
        archive.add(link, stat.S_IFLNK | 0o777, target.encode())
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    for name in PROGRAMS:
        put(archive, tree, tree.program(name) or fail(f"no package of the guest holds {name}"))
    for link, target in LINKS.items():
        archive.add(f"usr/bin/{link}", stat.S_IFLNK | 0o777, ("/" + tree.program(target)).encode())
    archive.add("usr/sbin/modprobe", stat.S_IFLNK | 0o777, b"/usr/bin/busybox")  # where the kernel looks for it
    for number in range(DASDS * MINORS):
        # What udev would make; the driver gives its numbers in order.
        name = "dasd" + chr(ord("a") + number // MINORS) + (str(number % MINORS) if number % MINORS else "")
        archive.add(f"etc/block/{DASD_MAJOR}:{number}", stat.S_IFLNK | 0o777, f"../{name}".encode())
    for path in (p for prefix in DATA for p in tree.below(prefix)):
        put(archive, tree, path)
    put_modules(archive, tree)
    with open(init, "rb") as file:
        archive.add("init", stat.S_IFREG | 0o755, file.read())
    archive.close()
    for name in LARGE:
        more = Archive(f"{output}/initramfs-{name}", archive)
        put(more, tree, tree.program(name) or fail(f"no package of the guest holds {name}"))
        more.close()
    with open(sorted(kernels)[-1], "rb") as file, open(output + "/kernel", "wb") as copy:
        copy.write(file.read())


main(*sys.argv[1:])
