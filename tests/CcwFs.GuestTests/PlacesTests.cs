namespace CcwFs.GuestTests;

public sealed class PlacesTests
{
    [Fact]
    public void The_program_is_built() => Assert.NotEmpty(AppContext.BaseDirectory);
}
