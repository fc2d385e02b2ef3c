namespace CcwFs.Tests.Layout;

/// <summary>The search for circles of files, on sources that are made for it.</summary>
public sealed class SourceCirclesTests
{
    [Fact]
    public void Two_files_that_name_each_others_types_are_a_circle() => Assert.Equal(["a.cs b.cs"], Circles(
        ("a.cs", "namespace R;\ninternal sealed class A(B other);"),
            ("b.cs", "namespace R;\ninternal enum E { One }\ninternal sealed record B(A? Other);"), ("c.cs", "namespace R;\nclass C : A;")));

    [Fact]
    public void A_way_round_three_files_is_one_circle() => Assert.Equal(["a.cs b.cs c.cs"], Circles(
        ("a.cs", "namespace R;\nclass A { B b; }"), ("b.cs", "namespace R;\nstruct B { C c; }"), ("c.cs", "namespace R;\ninterface C { A Get(); }"),
            ("d.cs", "namespace R;\nclass D { A a; }")));

    [Fact]
    public void The_parts_of_a_type_are_a_circle() => Assert.Equal(["a.1.cs a.cs"], Circles(
        ("a.cs", "namespace R;\npartial class A { }"), ("a.1.cs", "namespace R;\npartial class A { }")));

    [Theory]
    [InlineData("// B")]
    [InlineData("/* B */")]
    [InlineData("/// <see cref=\"B\"/>")]
    [InlineData("string text = \"B\";")]
    [InlineData("string text = \"\\\"B\";")]
    [InlineData("string text = @\"\\\"; char c = '\"'; string other = \"B\";")]
    [InlineData("string text = $\"{x:X8} {{B}} B\";")]
    [InlineData("string text = \"\"\"say \"B\" \"\"\";")]
    [InlineData("string text = $$\"\"\"{B} {{x}} B\"\"\";")]
    [InlineData("int x = y.B;")]
    [InlineData("int x = y?.B ?? M().B;")]
    public void What_only_looks_like_a_type_is_none(string code) => Assert.Empty(Known(code));

    [Theory]
    [InlineData("B b;")]
    [InlineData("R.B b;")]
    [InlineData("var x = new List<B>();")]
    [InlineData("var x = B.Make();")]
    [InlineData("string text = $\"{B.Make()}\";")]
    [InlineData("string text = $\"{(x ? \"}\" : B.Make())}\";")]
    [InlineData("string text = $$\"\"\"{x} {{B.Make()}}\"\"\";")]
    [InlineData("string text = \"\" + B.Make();")]
    [InlineData("string text = @\"\"\"\" + B.Make();")]
    public void A_type_is_found(string code) => Assert.Equal(["b.cs"], Known(code));

    [Theory]
    [InlineData("namespace R.Near;\nclass A { B b; }", "b.cs")]
    [InlineData("using R.Far;\nnamespace R.Near;\nclass A { B b; }", "b.cs")]
    [InlineData("using R.Far;\nnamespace Q;\nclass A { B b; }", "far.cs")]
    [InlineData("namespace Q;\nclass A { B b; }", "")]
    [InlineData("namespace R;\nclass A { Far.B b; }", "far.cs")]
    public void A_name_means_what_the_compiler_takes_it_for(string source, string known) =>
        Assert.Equal(known, string.Join(' ', SourceCircles.Graph(With(source))["a.cs"]));

    private static IEnumerable<string> Circles(params (string File, string Source)[] files) =>
        SourceCircles.Of(files.ToDictionary(f => f.File, f => f.Source)).Select(circle => string.Join(' ', circle));

    private static HashSet<string> Known(string code) => SourceCircles.Graph(With($"namespace R;\nclass A\n{{\n    {code}\n}}"))["a.cs"];

    private static Dictionary<string, string> With(string source) => new()
    {
        ["a.cs"] = source, ["b.cs"] = "namespace R;\npublic static class B;",
            ["far.cs"] = "namespace R.Far;\ninternal readonly record struct B(int Value);",
    };
}
