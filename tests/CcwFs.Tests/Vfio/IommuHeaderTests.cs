using System.Runtime.InteropServices;
using CcwFs.Tests.Linux;
using CcwFs.Vfio;
using CcwFs.Vfio.Endpoint;

namespace CcwFs.Tests.Vfio;

/// <summary>
/// The structures of iommufd against a C compiler. Where the machine has linux/iommufd.h (Linux 6.2 and newer; Debian 12 has not), its structures,
/// sizes and numbers are checked, and IOMMU_IOAS_MAP_FILE where it knows that. Where it has not, the members are declared here in C as the kernel
/// documents them (Documentation/userspace-api/iommufd.rst), and what is checked is that our layout is what C makes of them.
/// </summary>
public sealed class IommuHeaderTests
{
    private const string Declarations = """
        #include <stddef.h>
        #include <linux/types.h>
        #include <linux/ioctl.h>
        #if __has_include(<linux/iommufd.h>)
        #include <linux/iommufd.h>
        #else
        struct iommu_destroy { __u32 size, id; };
        struct iommu_ioas_alloc { __u32 size, flags, out_ioas_id; };
        struct iommu_iova_range { __aligned_u64 start, last; };
        struct iommu_ioas_iova_ranges { __u32 size, ioas_id, num_iovas, __reserved; __aligned_u64 allowed_iovas, out_iova_alignment; };
        struct iommu_ioas_map { __u32 size, flags, ioas_id, __reserved; __aligned_u64 user_va, length, iova; };
        struct iommu_ioas_unmap { __u32 size, ioas_id; __aligned_u64 iova, length; };
        #define IOMMU_DESTROY _IO(';', 0x80)
        #define IOMMU_IOAS_ALLOC _IO(';', 0x81)
        #define IOMMU_IOAS_IOVA_RANGES _IO(';', 0x84)
        #define IOMMU_IOAS_MAP _IO(';', 0x85)
        #define IOMMU_IOAS_UNMAP _IO(';', 0x86)
        #define IOMMU_IOAS_MAP_FIXED_IOVA 1
        #define IOMMU_IOAS_MAP_WRITEABLE 2
        #define IOMMU_IOAS_MAP_READABLE 4
        #endif
        #ifndef IOMMU_GET_HW_INFO
        struct iommu_hw_info { __u32 size, flags, dev_id, data_len; __aligned_u64 data_uptr; __u32 out_data_type, __reserved; __aligned_u64 out_capabilities; };
        #define IOMMU_GET_HW_INFO _IO(';', 0x8a)
        #endif
        #ifndef IOMMU_IOAS_MAP_FILE
        struct iommu_ioas_map_file { __u32 size, flags, ioas_id; __s32 fd; __aligned_u64 start, length, iova; };
        #define IOMMU_IOAS_MAP_FILE _IO(';', 0x8f)
        #endif
        #define END(type, member) (offsetof(struct type, member) + sizeof(((struct type *)0)->member))

        """;

    // The last member that each ioctl needs (drivers/iommu/iommufd/main.c).
    private static readonly (string Name, string Structure, string Last, IommufdIoctl Command)[] s_ioctls =
    [
        ("IOMMU_DESTROY", "iommu_destroy", "id", IommufdIoctl.Destroy),
        ("IOMMU_IOAS_ALLOC", "iommu_ioas_alloc", "out_ioas_id", IommufdIoctl.IoasAlloc),
        ("IOMMU_IOAS_IOVA_RANGES", "iommu_ioas_iova_ranges", "out_iova_alignment", IommufdIoctl.IoasIovaRanges),
        ("IOMMU_IOAS_MAP", "iommu_ioas_map", "iova", IommufdIoctl.IoasMap),
        ("IOMMU_IOAS_MAP_FILE", "iommu_ioas_map_file", "iova", IommufdIoctl.IoasMapFile),
        ("IOMMU_IOAS_UNMAP", "iommu_ioas_unmap", "length", IommufdIoctl.IoasUnmap),
        ("IOMMU_GET_HW_INFO", "iommu_hw_info", "__reserved", IommufdIoctl.GetHwInfo),
    ];

    private static readonly (string Structure, Type Type, (string C, string Ours)[] Members)[] s_structures =
    [
        ("iommu_destroy", typeof(IommuDestroy), [("size", "Size"), ("id", "Id")]),
        ("iommu_ioas_alloc", typeof(IommuIoasAlloc), [("flags", "Flags"), ("out_ioas_id", "OutIoasId")]),
        ("iommu_iova_range", typeof(IommuIovaRange), [("start", "Start"), ("last", "Last")]),
        ("iommu_ioas_iova_ranges", typeof(IommuIoasIovaRanges),
            [("ioas_id", "IoasId"), ("num_iovas", "NumIovas"), ("__reserved", "Reserved"), ("allowed_iovas", "AllowedIovas"),
                ("out_iova_alignment", "OutIovaAlignment")]),
        ("iommu_ioas_map", typeof(IommuIoasMap),
            [("flags", "Flags"), ("ioas_id", "IoasId"), ("__reserved", "Reserved"), ("user_va", "UserVa"), ("length", "Length"), ("iova", "Iova")]),
        ("iommu_ioas_map_file", typeof(IommuIoasMapFile),
            [("flags", "Flags"), ("ioas_id", "IoasId"), ("fd", "Fd"), ("start", "Start"), ("length", "Length"), ("iova", "Iova")]),
        ("iommu_ioas_unmap", typeof(IommuIoasUnmap), [("ioas_id", "IoasId"), ("iova", "Iova"), ("length", "Length")]),
        ("iommu_hw_info", typeof(IommuHwInfo),
            [("flags", "Flags"), ("dev_id", "DeviceId"), ("data_len", "DataLength"), ("data_uptr", "DataPointer"), ("out_data_type", "OutDataType"),
                ("out_capabilities", "OutCapabilities")]),
    ];

    [Fact]
    public void Structures_sizes_and_numbers_are_those_of_C()
    {
        (int status, string output) = CCompiler.Judge(Declarations, Facts());
        Assert.True(status == 0, output);
    }

    [Fact]
    public void Each_wrong_fact_is_found()
    {
        foreach ((string expression, long value) in Facts().Where((_, i) => i % 7 == 0))
            Assert.NotEqual(0, CCompiler.Judge(Declarations, [(expression, value + 1)]).Status);
    }

    private static List<(string Expression, long Value)> Facts()
    {
        List<(string, long)> facts =
        [
            ("IOMMU_IOAS_MAP_FIXED_IOVA", (long)IoasMapFlags.FixedIova),
            ("IOMMU_IOAS_MAP_WRITEABLE", (long)IoasMapFlags.Writeable),
            ("IOMMU_IOAS_MAP_READABLE", (long)IoasMapFlags.Readable),
        ];
        foreach ((string name, string structure, string last, IommufdIoctl command) in s_ioctls)
        {
            object[] row = IommuIoctlTests.Rows.Single(row => row[0].Equals(command));
            (int size, int minSize) = ((int)row[1], (int)row[2]);
            facts.AddRange([(name, (long)command), ($"sizeof(struct {structure})", size), ($"END({structure}, {last})", minSize)]);
        }
        foreach ((string structure, Type type, (string C, string Ours)[] members) in s_structures)
        {
            facts.Add(($"sizeof(struct {structure})", Marshal.SizeOf(type)));
            facts.AddRange(members.Select(m => ($"offsetof(struct {structure}, {m.C})", (long)Marshal.OffsetOf(type, m.Ours))));
        }
        return facts;
    }
}
