using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace CcwFs.Linux;

/// <summary>
/// Where this room's functions are looked up: in the process's global scope, as a C program's are, and not in the C library alone. So a library that
/// stands in front of it (LD_PRELOAD: fault injection, tracing) sees our calls too.
/// </summary>
internal static class LibraryScope
{
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "It must be said before the first call into the C library, whoever makes it.")]
    internal static void Set() => NativeLibrary.SetDllImportResolver(typeof(LibraryScope).Assembly, Resolve);

    private static nint Resolve(string library, Assembly assembly, DllImportSearchPath? search) =>
        library == "libc" ? NativeLibrary.GetMainProgramHandle() : 0;
}
