/* Stands in front of the C library (LD_PRELOAD) and lets chosen calls on chosen files fail. The file that FAILING names holds the orders, so that a test
   can change them while the program runs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct orders {
    volatile int32_t error;   /* errno to give; 0: nothing fails */
    volatile int32_t skip;    /* calls to let pass first */
    volatile int32_t times;   /* calls to refuse; -1: all */
    volatile int32_t partial; /* bytes that a refused write writes all the same */
    volatile int32_t hits;    /* calls that were refused */
    char call[12];            /* "pwrite" or "sync" */
    char suffix[64];          /* how the file's path ends */
};

static struct orders *orders(void)
{
    static struct orders *mapped;
    const char *path = getenv("FAILING");
    if (mapped || !path)
        return mapped;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    void *memory = mmap(NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return mapped = memory == MAP_FAILED ? NULL : memory;
}

static int refuses(const char *call, int fd)
{
    struct orders *o = orders();
    char link[32], path[4096];
    if (!o || !o->error || strcmp(o->call, call))
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    size_t suffix = strlen(o->suffix);
    if (length < (ssize_t)suffix || memcmp(path + length - suffix, o->suffix, suffix))
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
    return o->error;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset)
{
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real)
        real = dlsym(RTLD_NEXT, "pwrite64");
    int error = refuses("pwrite", fd);
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

static int sync_with(const char *name, int fd)
{
    int error = refuses("sync", fd);
    if (error) {
        errno = error;
        return -1;
    }
    return ((int (*)(int))dlsym(RTLD_NEXT, name))(fd);
}

int fsync(int fd) { return sync_with("fsync", fd); }
int fdatasync(int fd) { return sync_with("fdatasync", fd); }
