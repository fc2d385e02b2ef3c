namespace CcwFs.Tests.Layout;

/// <summary>The sizes of types, on sources that are made for it.</summary>
public sealed class SourceTypesTests
{
    [Theory]
    [InlineData("private readonly int _a;", 1)]
    [InlineData("private int _a, _b = 1, _c;", 3)]
    [InlineData("private Dictionary<int, string> _a = new Dictionary<int, string>();", 1)]
    [InlineData("private readonly Func<int, int, int> _a;", 1)]
    [InlineData("private readonly (int A, int B) _a = (1, 2);", 1)]
    [InlineData("[Flag(1, 2)] internal volatile int A; // B", 1)]
    [InlineData("private readonly int[] _a = { 1, 2 };", 1)]
    [InlineData("private readonly Func<int, int> _a = b => { return b; };", 1)]
    [InlineData("public event Action? Done;", 1)]
    [InlineData("public int A { get; private set; } = 2;", 1)]
    [InlineData("public required int A { get; init; }", 1)]
    [InlineData("public int A { get; set => field = value; }", 1)]
    [InlineData("public int A { get { return 1; } }", 0)]
    [InlineData("public int A => _b;", 0)]
    [InlineData("private const int A = 1, B = 2;", 0)]
    [InlineData("private static readonly int[] s_a = [];", 0)]
    [InlineData("public abstract int A { get; }", 0)]
    [InlineData("private int A(int b = 1, int c = 2) => b switch { 1 => 2, _ => 3 };", 0)]
    [InlineData("private void A<T>(T b) where T : class { int c = 1; }", 0)]
    [InlineData("private partial void A(int b);", 0)]
    [InlineData("internal enum B { One, Two }", 0)]
    [InlineData("private sealed class B { private int _a; }", 0)]
    public void Fields_are_what_an_instance_keeps(string member, int fields) =>
        Assert.Equal(fields, Sizes($"namespace R;\nclass A\n{{\n    {member}\n}}")["R.A"].Fields);

    [Theory]
    [InlineData("class A(int b);", 0)]
    [InlineData("class A(int b) { private int _c = b; }", 1)]
    [InlineData("class A(int b, Dictionary<int, int> c = null) : B(b) { int D => c[0]; void E() { Use(b); } }", 2)]
    [InlineData("record A(int B, int C);", 2)]
    [InlineData("readonly record struct A(int B = 1) { public int C => B; }", 1)]
    public void Parameters_that_members_use_are_kept(string type, int fields) => Assert.Equal(fields, Sizes($"namespace R;\n{type}")["R.A"].Fields);

    [Fact]
    public void Parts_are_added()
    {
        Dictionary<string, TypeSize> sizes = Sizes(
            "namespace R;\n\npartial class A(int b)\n{\n\n    // text\n    int _c;\n}\n",
            "namespace R;\npartial class A\n{\n    int D() => b;\n    class E\n    {\n        int _f;\n    }\n}\n");
        Assert.Equal(new TypeSize("R.A", 13, 2), sizes["R.A"]);
        Assert.Equal(new TypeSize("R.A.E", 4, 1), sizes["R.A.E"]);
    }

    [Fact]
    public void Lines_of_texts_and_comments_count() => Assert.Equal(
        9,
        Sizes("namespace R;\nclass A\n{\n    /* one\n       two */\n    string _b = \"\"\"\n        three\n        four\n        \"\"\";\n}\n")
            ["R.A"].Lines);

    private static Dictionary<string, TypeSize> Sizes(params string[] sources) => SourceTypes.Of(sources).ToDictionary(type => type.Name);
}
