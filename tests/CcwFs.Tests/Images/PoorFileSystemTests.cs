using System.Diagnostics;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Tests.Images;

/// <summary>
/// Host file systems that cannot do all that ext4 can: FAT has no hard links, no unnamed files and no modes, others cannot sync a directory. A
/// library before the C library's refuses what POOR names, for its kernel may not have the real ones.
/// </summary>
public sealed class PoorFileSystemTests : IDisposable
{
    private const string Library = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <stdarg.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/stat.h>
        #include <unistd.h>
        static int lacks(const char *what) { const char *poor = getenv("POOR"); return poor && strstr(poor, what); }
        static int refuse(int error) { errno = error; return -1; }
        static int is_directory(int fd) { struct stat s; return fstat(fd, &s) == 0 && S_ISDIR(s.st_mode); }
        int open64(const char *path, int flags, ...)
        {
            va_list list; va_start(list, flags); mode_t mode = va_arg(list, mode_t); va_end(list);
            if ((flags & O_TMPFILE) == O_TMPFILE && lacks("unnamed")) return refuse(EOPNOTSUPP);
            return ((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64"))(path, flags, mode);
        }
        int open(const char *path, int flags, ...)
        {
            va_list list; va_start(list, flags); mode_t mode = va_arg(list, mode_t); va_end(list);
            return open64(path, flags, mode);
        }
        int openat(int directory, const char *path, int flags, ...)
        {
            va_list list; va_start(list, flags); mode_t mode = va_arg(list, mode_t); va_end(list);
            if ((flags & O_TMPFILE) == O_TMPFILE && lacks("unnamed")) return refuse(EOPNOTSUPP);
            return ((int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat"))(directory, path, flags, mode);
        }
        int linkat(int from, const char *path, int to, const char *name, int flags)
        {
            if (lacks("link")) return refuse(EPERM);
            return ((int (*)(int, const char *, int, const char *, int))dlsym(RTLD_NEXT, "linkat"))(from, path, to, name, flags);
        }
        int renameat2(int from, const char *path, int to, const char *name, unsigned flags)
        {
            if (flags && lacks("noreplace")) return refuse(EINVAL);
            return ((int (*)(int, const char *, int, const char *, unsigned))dlsym(RTLD_NEXT, "renameat2"))(from, path, to, name, flags);
        }
        int fchmod(int fd, mode_t mode) { return lacks("mode") ? refuse(EPERM) : ((int (*)(int, mode_t))dlsym(RTLD_NEXT, "fchmod"))(fd, mode); }
        int fsync(int fd) { return lacks("dirsync") && is_directory(fd) ? refuse(EINVAL) : ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd); }
        int fdatasync(int fd)
        {
            char link[32], path[4096] = "";
            snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
            if (lacks("imagesync") && readlink(link, path, sizeof path - 1) > 0 && !strstr(path, ".redo")) return refuse(EIO);
            return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
        }
        """;

    private readonly ImageDirectory _files = new();

    public PoorFileSystemTests()
    {
        File.WriteAllText(_files["poor.c"], Library);
        (int status, string text) =
            _files.Run("gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", _files["poor.so"], _files["poor.c"], "-ldl");
        Assert.True(status == 0, text);
        Directory.CreateDirectory(_files["images"]);
    }

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("unnamed")]
    [InlineData("unnamed,link")]
    [InlineData("unnamed,link,noreplace")]
    [InlineData("dirsync")]
    public void An_image_is_made_whole_and_leaves_nothing_else(string lacks)
    {
        Assert.Equal((0, $"{_files["images/v.ckd"]}: 3390, 2 cylinders, format none, no volume serial\n"), Create(lacks));
        Assert.Equal([_files["images/v.ckd"]], Directory.GetFiles(_files["images"]));
        CkdImage.Open(_files["images/v.ckd"]).Dispose();
        (int status, string text) = Create(lacks);
        Assert.Equal((1, $"ccwfs: {_files["images/v.ckd"]}: exists already; an image is never overwritten\n"), (status, text));
    }

    [Theory]
    [InlineData("mode")]
    [InlineData("dirsync")]
    public void An_image_is_written_there(string lacks)
    {
        string path = _files.Create("images/v.ckd", 1);
        using Process writer = StartPoor(lacks, "CcwFs.ImageFixture.dll", "write", path, "0");
        writer.Says("0");
        writer.Kill();
        writer.Ends();
        CkdImage.Open(path).Dispose();
        Assert.False(File.Exists(path + ".redo"));
    }

    [Fact]
    public void A_completion_that_is_interrupted_says_too_that_what_it_wrote_may_be_lost()
    {
        string path = _files["images/v.ckd"];
        CkdGeometry geometry = CkdGeometry.Model3390(30_000); // it takes long
        CkdImageCreator.Create(path, geometry, VolumeLayout.Create(geometry, VolumeFormat.Ldl, 4_096, "LOST"), lazy: true);
        using Process complete = StartPoor("imagesync", "ccwfs.dll", "dasd", "complete", path);
        Assert.True(SpinWait.SpinUntil(() => File.Exists(path + ".redo"), TimeSpan.FromSeconds(60)));
        Assert.Equal(0, _files.Run("kill", "-INT", $"{complete.Id}").Status);
        string error = complete.StandardError.ReadToEnd();
        complete.Ends();
        Assert.Equal(130, complete.ExitCode);
        Assert.Contains("interrupted", error, StringComparison.Ordinal);
        Assert.Contains($"{path}: cannot be brought to the disk (input/output error)", error, StringComparison.Ordinal);
    }

    private (int Status, string Text) Create(string lacks)
    {
        using Process create = StartPoor(lacks, "ccwfs.dll", "dasd", "create", _files["images/v.ckd"], "--cylinders", "2");
        Task<string> error = create.StandardError.ReadToEndAsync();
        string text = create.StandardOutput.ReadToEnd();
        create.Ends();
        return (create.ExitCode, text + error.Result);
    }

    private Process StartPoor(string lacks, string program, params string[] arguments) =>
        _files.Start("env",
            [$"LD_PRELOAD={_files["poor.so"]}", $"POOR={lacks}", "dotnet", Path.Combine(AppContext.BaseDirectory, program), .. arguments]);
}
