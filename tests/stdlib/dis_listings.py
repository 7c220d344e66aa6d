# Listings of bytecode.
import contextlib
import dis
import io
import sys

namespace = {}
exec(compile("\ndef foo(x, y):\n    return x * y + 17\n", "<input>", "exec"), namespace)
foo = namespace["foo"]


def listing(x, **options):
    with io.StringIO() as out:
        dis.dis(x, file=out, **options)
        return out.getvalue()


assert dis.Instruction._fields == ("opname", "opcode", "arg", "argval", "argrepr", "offset", "start_offset",
                                   "starts_line", "line_number", "label", "positions", "cache_info")
instructions = list(dis.get_instructions(foo))
assert [i.argval for i in instructions if i.opname == "LOAD_CONST"] in ([17], [])
assert instructions[-1].opname == "RETURN_VALUE"
assert all(i.opcode == dis.opmap[i.opname] for i in instructions)
moved = list(dis.get_instructions(foo, first_line=100))
assert moved[-1].line_number == instructions[-1].line_number + 98
assert isinstance(instructions[0], dis.Instruction) and instructions[-1].jump_target is None
assert dis.code_info(foo).startswith("Name:              foo\nFilename:          <input>\nArgument count:    2\n")
assert dis.pretty_flags(3) == "OPTIMIZED, NEWLOCALS"
assert dis.COMPILER_FLAG_NAMES[32] == "GENERATOR"
assert repr(dis.Bytecode(foo)).startswith("Bytecode(<function foo at ")
assert dis.Bytecode("x = 1").codeobj.co_filename == "<disassembly>"
assert [line for _, line in dis.findlinestarts(foo.__code__)][-1] == 3
for wrong in (5, object()):
    try:
        listing(wrong)
    except TypeError as error:
        assert str(error) == f"don't know how to disassemble {type(wrong).__name__} objects"
    else:
        raise AssertionError
assert "Disassembly of <code object inner" in listing("def inner(): pass")
assert "Disassembly of" not in listing("def inner(): pass", depth=0)


class Some:
    def __init__(self):
        self.value = 1

    def method(self):
        return self


assert listing(Some).startswith("Disassembly of __init__:\n")
assert listing(Some().method) == listing(Some.method)

if sys.implementation.name == "taipan":
    assert listing(foo) == """\
  3           0 LOAD_FAST                0 (x)
              2 LOAD_FAST                1 (y)
              4 BINARY_MULTIPLY
              6 LOAD_CONST               1 (17)
              8 BINARY_ADD
             10 RETURN_VALUE
"""
    assert dis.Bytecode(foo).dis() == listing(foo)
    assert listing(foo.__code__.co_code).split("\n")[3] == "          6 LOAD_CONST               1"

    def loop(rows):
        try:
            for row in rows:
                print(row)
        except ValueError:
            pass

    text = listing(loop)
    assert ">>" in text and "(to " in text and text.count("\n\n") >= 3 and "ExceptionTable:\n" in text
    jump = next(i for i in dis.get_instructions(loop) if i.opname == "JUMP_ABSOLUTE")
    assert jump.argval == jump.jump_target == 2 * jump.arg in dis.findlabels(loop.__code__.co_code)
    target = next(i for i in dis.get_instructions(loop) if i.offset == jump.argval)
    assert target.is_jump_target and str(target).lstrip().startswith(">>")

    # What the interpreter runs: pairs are fused, attribute loads specialised.
    assert "  0 LOAD_FAST_LOAD_FAST      1 (x, y)\n" in listing(foo, adaptive=True)

    def attribute(some):
        some.value
        return some.value

    some = Some()
    for _ in range(100):
        attribute(some)
    assert "LOAD_FAST_ATTR_SLOT" in listing(attribute, adaptive=True)
    assert "LOAD_FAST_ATTR_SLOT" not in listing(attribute)
    assert "CACHE" in listing(attribute, adaptive=True, show_caches=True)

    # A traceback's last instruction is marked.
    def fail():
        return 1 / 0

    try:
        fail()
    except ZeroDivisionError as error:
        with io.StringIO() as out:
            dis.distb(error.__traceback__, file=out)
            marked = [line for line in out.getvalue().split("\n") if "-->" in line]
    assert len(marked) == 1 and "BINARY_TRUE_DIVIDE" in marked[0]

with contextlib.redirect_stdout(io.StringIO()) as out:
    dis.show_code(foo)
assert out.getvalue() == dis.code_info(foo) + "\n"
assert [tuple(row) for row in dis._find_imports(compile("from a import b, c\nimport d.e", "", "exec"))] == \
    [("a", 0, ("b", "c")), ("d.e", 0, None)]
assert set(dis._find_store_names(compile("a = 1\ndef f(): b = 1", "", "exec"))) == {"a", "f"}
