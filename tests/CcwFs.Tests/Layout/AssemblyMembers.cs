using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Runtime.CompilerServices;

namespace CcwFs.Tests.Layout;

/// <summary>
/// The methods and properties of assemblies and which of them their code uses (ECMA-335, partition II for the tables, III for the instructions).
/// Overloads count as one, and so do a type and its generic instances. What is private the compiler sees to; what is virtual is called by whoever
/// knows the base.
/// </summary>
internal sealed class AssemblyMembers
{
    private static readonly Dictionary<ushort, OpCode> s_codes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => (ushort)code.Value);

    private readonly SortedSet<string> _declared = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _constants = new(StringComparer.Ordinal);
    private readonly HashSet<string> _used = [];

    /// <summary>Methods and getters, as Namespace.Type.Member, that no method but themselves names.</summary>
    internal IEnumerable<string> Unused => _declared.Where(member => !_used.Contains(member))
        .Select(member => member.Replace(".get_", ".", StringComparison.Ordinal));

    /// <summary>Constants, as Namespace.Type.Member: the compiler leaves no trace of their use.</summary>
    internal IEnumerable<string> Constants => _constants;

    /// <summary>Reads one more assembly.</summary>
    internal void Add(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        MetadataReader reader = file.GetMetadataReader();
        foreach (TypeDefinition type in reader.TypeDefinitions.Select(reader.GetTypeDefinition))
        {
            bool isMade = IsMade(reader, type.GetCustomAttributes());
            foreach (MethodDefinitionHandle handle in type.GetMethods())
            {
                MethodDefinition method = reader.GetMethodDefinition(handle);
                string name = reader.GetString(method.Name), key = NameOf(reader, handle);
                if (!isMade && IsJudged(reader, method, name))
                    _declared.Add(key);
                if (method.RelativeVirtualAddress != 0 && name != "PrintMembers") // a record prints all it has
                    ReadCode(reader, file.GetMethodBody(method.RelativeVirtualAddress).GetILReader(), key);
            }
            bool isEnum = !type.BaseType.IsNil && NameOf(reader, type.BaseType) == "System.Enum";
            if (!isMade && !isEnum)
            {
                _constants.UnionWith(type.GetFields().Where(handle => IsJudged(reader.GetFieldDefinition(handle).Attributes))
                    .Select(handle => NameOf(reader, handle)));
            }
        }
    }

    private static bool IsJudged(FieldAttributes field) =>
        (field & FieldAttributes.Literal) != 0 && (field & FieldAttributes.FieldAccessMask) != FieldAttributes.Private;

    private static bool IsJudged(MetadataReader reader, MethodDefinition method, string name) =>
        (method.Attributes & MethodAttributes.MemberAccessMask) != MethodAttributes.Private
        && (method.Attributes & MethodAttributes.Virtual) == 0
        && (name.StartsWith("get_", StringComparison.Ordinal)
            || !(method.Attributes.HasFlag(MethodAttributes.SpecialName) || IsMade(reader, method.GetCustomAttributes())))
        && !name.Contains('<', StringComparison.Ordinal)
        && name is not ("Main" or "GetEnumerator" or "Equals" or "MoveNext" or "get_Current");

    /// <summary>The compiler has made it.</summary>
    private static bool IsMade(MetadataReader reader, CustomAttributeHandleCollection attributes) => attributes
        .Select(handle => NameOf(reader, reader.GetCustomAttribute(handle).Constructor))
        .Any(name => name.Contains(nameof(CompilerGeneratedAttribute), StringComparison.Ordinal)
            || name.Contains(nameof(System.CodeDom.Compiler.GeneratedCodeAttribute), StringComparison.Ordinal));

    private void ReadCode(MetadataReader reader, BlobReader code, string self)
    {
        while (code.RemainingBytes > 0)
        {
            ushort number = code.ReadByte();
            if (number == 0xFE)
                number = (ushort)((number << 8) | code.ReadByte());
            switch (s_codes[number].OperandType)
            {
                case OperandType.InlineNone:
                    break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                    code.Offset += 1;
                    break;
                case OperandType.InlineVar:
                    code.Offset += 2;
                    break;
                case OperandType.InlineI8 or OperandType.InlineR:
                    code.Offset += 8;
                    break;
                case OperandType.InlineSwitch:
                    int cases = code.ReadInt32();
                    code.Offset += 4 * cases;
                    break;
                case OperandType.InlineMethod or OperandType.InlineTok:
                    string name = NameOf(reader, (EntityHandle)MetadataTokens.Handle(code.ReadInt32()));
                    if (name != self)
                        _used.Add(name);
                    break;
                default:
                    code.Offset += 4;
                    break;
            }
        }
    }

    private static string NameOf(MetadataReader reader, EntityHandle handle)
    {
        switch (handle.Kind)
        {
            case HandleKind.MethodDefinition:
                MethodDefinition method = reader.GetMethodDefinition((MethodDefinitionHandle)handle);
                return $"{NameOf(reader, method.GetDeclaringType())}.{reader.GetString(method.Name)}";
            case HandleKind.FieldDefinition:
                FieldDefinition field = reader.GetFieldDefinition((FieldDefinitionHandle)handle);
                return $"{NameOf(reader, field.GetDeclaringType())}.{reader.GetString(field.Name)}";
            case HandleKind.MemberReference:
                MemberReference member = reader.GetMemberReference((MemberReferenceHandle)handle);
                return $"{NameOf(reader, member.Parent)}.{reader.GetString(member.Name)}";
            case HandleKind.MethodSpecification:
                return NameOf(reader, reader.GetMethodSpecification((MethodSpecificationHandle)handle).Method);
            case HandleKind.TypeDefinition:
                TypeDefinition type = reader.GetTypeDefinition((TypeDefinitionHandle)handle);
                bool isOuter = type.GetDeclaringType().IsNil;
                return Joined(isOuter ? reader.GetString(type.Namespace) : NameOf(reader, type.GetDeclaringType()), reader.GetString(type.Name));
            case HandleKind.TypeReference:
                TypeReference reference = reader.GetTypeReference((TypeReferenceHandle)handle);
                bool isNested = reference.ResolutionScope.Kind == HandleKind.TypeReference;
                string space = isNested ? NameOf(reader, reference.ResolutionScope) : reader.GetString(reference.Namespace);
                return Joined(space, reader.GetString(reference.Name));
            case HandleKind.TypeSpecification:
                BlobReader signature = reader.GetBlobReader(reader.GetTypeSpecification((TypeSpecificationHandle)handle).Signature);
                if (signature.ReadSignatureTypeCode() != SignatureTypeCode.GenericTypeInstance)
                    return "";
                signature.ReadCompressedInteger(); // a class or a value
                return NameOf(reader, signature.ReadTypeHandle());
            default:
                return "";
        }
    }

    private static string Joined(string around, string name) => around.Length == 0 ? name : $"{around}.{name}";
}
