using CcwFs.Linux;
using CcwFs.Vfio.Endpoint;
using Mono.Unix.Native;

namespace CcwFs.Tests.Vfio;

/// <summary>What clients may have: nobody at a limit is in anybody else's way.</summary>
public sealed class ClientAccountsTests
{
    private const uint Root = 0, Owner = 7, First = 1000, Second = 1001, Third = 1002, Fourth = 1003;

    private static readonly ClientLimits s_limits = new(new SystemLimits(Descriptors: 1600, Threads: 1600, Mappings: 1600, Memory: 6400));

    private readonly ClientAccounts _accounts = new(s_limits, Owner);

    public static TheoryData<Resource, Errno, Errno> Refusals => new()
    {
        { Resource.Files, Errno.EMFILE, Errno.ENFILE },
        { Resource.Descriptors, Errno.ENOMEM, Errno.ENOMEM },
        { Resource.Threads, Errno.ENOMEM, Errno.ENOMEM },
        { Resource.Mappings, Errno.ENOMEM, Errno.ENOMEM },
        { Resource.MappedBytes, Errno.ENOMEM, Errno.ENOMEM },
        { Resource.Memory, Errno.ENOMEM, Errno.ENOMEM },
        { Resource.Calls, Errno.EBUSY, Errno.EBUSY },
        { Resource.Waiting, Errno.ENOMEM, Errno.ENOMEM },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void A_process_is_refused_before_its_user_and_a_user_before_the_others(Resource resource, Errno ofProcess, Errno ofUser)
    {
        long process = s_limits.OfProcess(resource), user = s_limits.OfUser(resource);
        using var client = new IommuTestClient();
        ClientAccount one = _accounts.Of(First, (uint)client.Pid), same = _accounts.Of(First, (uint)client.Pid), any = _accounts.Of(First);
        Assert.Equal(0, one.TryTake(resource, process));
        Assert.Equal(-(int)ofProcess, same.TryTake(resource));
        Assert.Equal(0, any.TryTake(resource, user - process));
        Assert.Equal(-(int)ofUser, any.TryTake(resource));
        Assert.Equal(0, _accounts.Of(Second).TryTake(resource, user));
        Assert.Equal(0, _accounts.Of(Owner).TryTake(resource));
        one.Give(resource, process);
        Assert.Equal(0, same.TryTake(resource));
    }

    [Fact]
    public void All_users_together_leave_enough_for_root_and_the_owner_and_these_for_ccwfs()
    {
        foreach (uint user in (uint[])[First, Second])
            Assert.Equal(0, _accounts.Of(user).TryTake(Resource.Descriptors, 400));
        Assert.Equal(-(int)Errno.ENOMEM, _accounts.Of(Third).TryTake(Resource.Descriptors));
        Assert.Equal(0, _accounts.Of(Root).TryTake(Resource.Descriptors, 300));
        Assert.Equal(0, _accounts.Of(Owner).TryTake(Resource.Descriptors, 100));
        Assert.Equal(-(int)Errno.ENOMEM, _accounts.Of(Root).TryTake(Resource.Descriptors)); // three quarters of 1600
        _accounts.Of(First).Give(Resource.Descriptors, 400);
        Assert.Equal(0, _accounts.Of(Fourth).TryTake(Resource.Descriptors, 400));
    }

    [Fact]
    public void Who_has_given_all_back_is_forgotten()
    {
        ClientAccount account = _accounts.Of(First, (uint)Environment.ProcessId);
        Assert.Equal((0, 0), (account.TryTake(Resource.Files), account.TryTake(Resource.Memory, 100)));
        account.Give(Resource.Memory, 100);
        Assert.Equal(1, _accounts.Users);
        account.Give(Resource.Files);
        Assert.Equal(0, _accounts.Users);
    }

    [Fact]
    public void The_systems_own_limits_are_read()
    {
        SystemLimits limits = SystemLimits.Read();
        Assert.InRange(limits.Descriptors, 64, long.MaxValue);
        Assert.InRange(limits.Threads, 64, long.MaxValue);
        Assert.Equal(long.Parse(File.ReadAllText("/proc/sys/vm/max_map_count"), System.Globalization.CultureInfo.InvariantCulture), limits.Mappings);
        Assert.InRange(limits.Memory, 1 << 20, long.MaxValue);
    }
}
