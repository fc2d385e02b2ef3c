/* Stands in front of the C library (LD_PRELOAD) and lets chosen calls on chosen files fail. The file that FAILING names holds the orders, so that a test
   can change them while the program runs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define HANG -1

struct orders {
    volatile int32_t error;   /* errno to give; 0: nothing fails; HANG: as a disk that does not answer, until this changes */
    volatile int32_t skip;    /* calls to let pass first */
    volatile int32_t times;   /* calls to refuse; -1: all */
    volatile int32_t partial; /* bytes that a refused write writes all the same */
    volatile int32_t hits;    /* calls that were refused */
    char call[12];            /* its name without a 64 at its end, "sync" for fsync and fdatasync, or "" for all */
    char suffix[64];          /* how the file's path ends */
    char directory[128];      /* how it begins */
    volatile int32_t calls;   /* calls that these words fit, whether they were refused or not */
    char refused[12];         /* the one that was refused last */
};

static struct orders *orders(void)
{
    static struct orders *mapped;
    const char *path = getenv("FAILING");
    if (mapped || !path)
        return mapped;
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    void *memory = mmap(NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return mapped = memory == MAP_FAILED ? NULL : memory;
}

/* What a descriptor is, a path, or a path from a directory. */
static int resolve(int fd, const char *path, char *real, size_t size)
{
    char link[64];
    int length = 0;
    if (path && path[0] == '/' && strncmp(path, "/proc/self/fd/", 14)) {
        snprintf(real, size, "%s", path);
        return 1;
    }
    if (path && path[0] == '/')
        snprintf(link, sizeof link, "%s", path);
    else if (fd >= 0)
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    else
        return 0;
    length = syscall(SYS_readlinkat, AT_FDCWD, link, real, size - 1);
    if (length < 0)
        return 0;
    real[length] = 0;
    if (path && path[0] && path[0] != '/')
        snprintf(real + length, size - length, "/%s", path);
    return 1;
}

static int refuses(const char *call, int fd, const char *file)
{
    struct orders *o = orders();
    char path[4096];
    int kept = errno;
    if (!o || (!o->error && !o->directory[0]) || (o->call[0] && strcmp(o->call, call)) || !resolve(fd, file, path, sizeof path))
        return errno = kept, 0;
    errno = kept;
    size_t length = strlen(path), suffix = strlen(o->suffix);
    if (strncmp(path, o->directory, strlen(o->directory)) || length < suffix || strcmp(path + length - suffix, o->suffix))
        return 0;
    __atomic_add_fetch(&o->calls, 1, __ATOMIC_SEQ_CST);
    if (!o->error)
        return 0;
    if (o->skip > 0) {
        o->skip--;
        return 0;
    }
    if (o->times == 0)
        return 0;
    if (o->times > 0)
        o->times--;
    o->hits++;
    snprintf(o->refused, sizeof o->refused, "%s", call);
    while (o->error == HANG)
        usleep(10000);
    return o->error;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* A call with nothing more to it: refused, or done. */
#define PASS(type, name, call, fd, path, parameters, arguments)                                                                                              \
    type name parameters                                                                                                                                     \
    {                                                                                                                                                        \
        int error = refuses(call, fd, path);                                                                                                                 \
        if (!error)                                                                                                                                          \
            return REAL(name) arguments;                                                                                                                     \
        errno = error;                                                                                                                                       \
        return -1;                                                                                                                                           \
    }

PASS(ssize_t, pread, "pread", fd, NULL, (int fd, void *to, size_t length, off_t at), (fd, to, length, at))
PASS(ssize_t, pread64, "pread", fd, NULL, (int fd, void *to, size_t length, off64_t at), (fd, to, length, at))
PASS(int, fsync, "sync", fd, NULL, (int fd), (fd))
PASS(int, fdatasync, "sync", fd, NULL, (int fd), (fd))
PASS(int, syncfs, "syncfs", fd, NULL, (int fd), (fd))
PASS(off_t, lseek, "lseek", fd, NULL, (int fd, off_t at, int from), (fd, at, from))
PASS(int, fallocate, "fallocate", fd, NULL, (int fd, int mode, off_t at, off_t length), (fd, mode, at, length))
PASS(int, ftruncate, "ftruncate", fd, NULL, (int fd, off_t length), (fd, length))
PASS(int, fchown, "fchown", fd, NULL, (int fd, uid_t user, gid_t group), (fd, user, group))
PASS(int, fchmod, "fchmod", fd, NULL, (int fd, mode_t mode), (fd, mode))
PASS(int, flock, "flock", fd, NULL, (int fd, int how), (fd, how))
PASS(int, fstatfs, "fstatfs", fd, NULL, (int fd, struct statfs *status), (fd, status))
PASS(int, statfs, "statfs", -1, path, (const char *path, struct statfs *status), (path, status))
PASS(int, access, "access", -1, path, (const char *path, int mode), (path, mode))
PASS(ssize_t, readlink, "readlink", -1, path, (const char *path, char *to, size_t length), (path, to, length))
PASS(int, unlinkat, "unlinkat", at, path, (int at, const char *path, int flags), (at, path, flags))
PASS(int, linkat, "linkat", to_at, to, (int at, const char *path, int to_at, const char *to, int flags), (at, path, to_at, to, flags))
PASS(int, statx, "statx", at, path, (int at, const char *path, int flags, unsigned int mask, struct statx *to), (at, path, flags, mask, to))

int openat(int at, const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = va_arg(more, mode_t);
    va_end(more);
    int error = refuses("open", at, path);
    if (!error)
        return syscall(SYS_openat, at, path, flags, mode);
    errno = error;
    return -1;
}

int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = va_arg(more, mode_t);
    va_end(more);
    return openat(AT_FDCWD, path, flags, mode);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset)
{
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real)
        real = REAL(pwrite64);
    int error = refuses("pwrite", fd, NULL);
    if (!error)
        return real(fd, bytes, length, offset);
    size_t partial = orders()->partial;
    if (partial && partial < length)
        real(fd, bytes, partial, offset);
    errno = error;
    return -1;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    return pwrite64(fd, bytes, length, offset);
}
