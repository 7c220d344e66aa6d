"""
Listings of bytecode.

The instruction set is in opcode; a listing shows line, offset, name, operand and what the operand stands for.
"""

import collections
import io
import sys
import types

import _opcode
from opcode import *
from opcode import __all__ as _opcodes_all
from opcode import _inline_cache_entries, _intrinsic_1_descs, _intrinsic_2_descs  # noqa: F401

__all__ = ["code_info", "dis", "disassemble", "distb", "disco",
           "findlinestarts", "findlabels", "show_code",
           "get_instructions", "Instruction", "Bytecode"] + _opcodes_all
del _opcodes_all

_have_code = (types.MethodType, types.FunctionType, types.CodeType, classmethod, staticmethod, type)

_kinds = _opcode.get_operand_kinds()
_function_parts = ("defaults", "kwdefaults", "annotate", "closure")
_conversions = ("", "str", "repr", "ascii")

deoptmap = {}


def _try_compile(source, name):
    """Compile source as an expression if it is one, else as statements."""
    try:
        return compile(source, name, "eval")
    except SyntaxError:
        return compile(source, name, "exec")


def dis(x=None, *, file=None, depth=None, show_caches=False, adaptive=False,
        show_offsets=False, show_positions=False):
    """List the bytecode of classes, methods, functions, generators, code, strings of source or bytes of code.

    Without argument, list where the last traceback ended.

    Code inside code is listed too, down to depth (None: all of it). With adaptive, the listing shows the instructions
    that the interpreter made of the code by running it.
    """
    options = dict(file=file, show_caches=show_caches, adaptive=adaptive,
                   show_offsets=show_offsets, show_positions=show_positions)
    if x is None:
        distb(**options)
        return
    # Go from a method to its function, and on to what holds code.
    for attribute in ("__func__", "__code__", "gi_code", "ag_code", "cr_code"):
        inner = getattr(x, attribute, None)
        if inner is not None and not isinstance(x, type):
            x = inner
            if attribute != "__func__":
                break
    if isinstance(x, types.CodeType):
        _disassemble_recursive(x, depth=depth, **options)
    elif hasattr(x, "__dict__"):
        for name, value in sorted(x.__dict__.items()):
            if isinstance(value, _have_code):
                print(f"Disassembly of {name}:", file=file)
                try:
                    dis(value, depth=depth, **options)
                except TypeError as error:
                    print("Sorry:", error, file=file)
                print(file=file)
    elif hasattr(x, "co_code"):
        _disassemble_recursive(x, depth=depth, **options)
    elif isinstance(x, (bytes, bytearray)):
        _print(list(_instructions_of_bytes(bytes(x))), (), file=file, show_lines=False)
    elif isinstance(x, str):
        _disassemble_recursive(_try_compile(x, "<dis>"), depth=depth, **options)
    else:
        raise TypeError(f"don't know how to disassemble {type(x).__name__} objects")


def distb(tb=None, *, file=None, show_caches=False, adaptive=False,
          show_offsets=False, show_positions=False):
    """List the code that a traceback (the last one) ended in; an arrow marks the instruction."""
    if tb is None:
        try:
            if hasattr(sys, "last_exc"):
                tb = sys.last_exc.__traceback__
            else:
                tb = sys.last_traceback
        except AttributeError:
            raise RuntimeError("no last traceback to disassemble") from None
    while tb.tb_next:
        tb = tb.tb_next
    disassemble(tb.tb_frame.f_code, tb.tb_lasti, file=file, show_caches=show_caches, adaptive=adaptive,
                show_offsets=show_offsets, show_positions=show_positions)


COMPILER_FLAG_NAMES = {
    1: "OPTIMIZED",
    2: "NEWLOCALS",
    4: "VARARGS",
    8: "VARKEYWORDS",
    16: "NESTED",
    32: "GENERATOR",
    64: "NOFREE",
    128: "COROUTINE",
    256: "ITERABLE_COROUTINE",
    512: "ASYNC_GENERATOR",
    0x4000000: "HAS_DOCSTRING",
    0x8000000: "METHOD",
}


def pretty_flags(flags):
    """The names of the flags of code, separated by commas."""
    names = []
    for bit in range(32):
        flag = 1 << bit
        if flags & flag:
            names.append(COMPILER_FLAG_NAMES.get(flag, hex(flag)))
            flags ^= flag
            if not flags:
                break
    else:
        names.append(hex(flags))
    return ", ".join(names)


class _Unknown:
    def __repr__(self):
        return "<unknown>"


UNKNOWN = _Unknown()


def _get_code_object(x):
    """The code of a method, function, generator, code, or string of source."""
    for attribute in ("__func__", "__code__", "gi_code", "ag_code", "cr_code"):
        inner = getattr(x, attribute, None)
        if inner is not None:
            x = inner
            if attribute != "__func__":
                break
    if isinstance(x, str):
        x = _try_compile(x, "<disassembly>")
    if hasattr(x, "co_code"):
        return x
    raise TypeError(f"don't know how to disassemble {type(x).__name__} objects")


def code_info(x):
    """What there is to know about the code of x, as text."""
    co = _get_code_object(x)
    lines = [
        f"Name:              {co.co_name}",
        f"Filename:          {co.co_filename}",
        f"Argument count:    {co.co_argcount}",
        f"Positional-only arguments: {co.co_posonlyargcount}",
        f"Kw-only arguments: {co.co_kwonlyargcount}",
        f"Number of locals:  {co.co_nlocals}",
        f"Stack size:        {co.co_stacksize}",
        f"Flags:             {pretty_flags(co.co_flags)}",
    ]
    if co.co_consts:
        lines.append("Constants:")
        lines += [f"{i:4d}: {constant!r}" for i, constant in enumerate(co.co_consts)]
    for title, names in (("Names", co.co_names), ("Variable names", co.co_varnames),
                         ("Free variables", co.co_freevars), ("Cell variables", co.co_cellvars)):
        if names:
            lines.append(f"{title}:")
            lines += [f"{i:4d}: {name}" for i, name in enumerate(names)]
    return "\n".join(lines)


def show_code(co, *, file=None):
    """Print what there is to know about the code of co."""
    print(code_info(co), file=file)


# ---- instructions ----

Positions = collections.namedtuple(
    "Positions", ["lineno", "end_lineno", "col_offset", "end_col_offset"], defaults=[None] * 4)

_Instruction = collections.namedtuple(
    "_Instruction",
    ["opname", "opcode", "arg", "argval", "argrepr", "offset", "start_offset", "starts_line", "line_number",
     "label", "positions", "cache_info"],
    defaults=[None, None, None])

for _field, _text in {
        "opname": "Its name",
        "opcode": "Its number",
        "arg": "Its operand, or None",
        "argval": "What the operand stands for, else the operand",
        "argrepr": "The operand as listings show it",
        "offset": "Where it is in the code",
        "start_offset": "Where it begins, prefixes included",
        "starts_line": "Does a line begin here?",
        "line_number": "The line it comes from, or None",
        "label": "The number of the label, if something jumps here",
        "positions": "Where it comes from in the source",
        "cache_info": "What the instruction remembers: tuples (name, size, data)"}.items():
    getattr(_Instruction, _field).__doc__ = _text
del _field, _text

_OPNAME_WIDTH = 20
_OPARG_WIDTH = 5


class Instruction(_Instruction):
    """One instruction of a listing."""

    @staticmethod
    def make(opname, arg, argval, argrepr, offset, start_offset, starts_line, line_number,
             label=None, positions=None, cache_info=None):
        return Instruction(opname, opmap[opname], arg, argval, argrepr, offset, start_offset, starts_line,
                           line_number, label, positions, cache_info)

    @property
    def oparg(self):
        """Another name of arg."""
        return self.arg

    @property
    def baseopcode(self):
        """The number of the instruction that a specialised one comes from."""
        return opmap.get(self.baseopname, self.opcode)

    @property
    def baseopname(self):
        """The name of the instruction that a specialised one comes from."""
        return deoptmap.get(self.opname, self.opname)

    @property
    def cache_offset(self):
        """Where the instruction's cache begins: behind it. Caches are no part of the code."""
        return self.offset + 2

    @property
    def end_offset(self):
        """Where the next instruction begins."""
        return self.offset + 2

    @property
    def jump_target(self):
        """The offset that the instruction jumps to, or None."""
        return self.argval if _kinds.get(self.baseopname) == "jump" else None

    @property
    def is_jump_target(self):
        """Does something jump here?"""
        return self.label is not None

    def __str__(self):
        return _line(self)


def _line(instruction, lineno_width=3, mark_as_current=False, offset_width=4, positions=False):
    """One line of a listing."""
    fields = []
    if lineno_width:
        if positions and instruction.positions is not None:
            fields.append(_position_text(instruction.positions).ljust(lineno_width))
        elif not instruction.starts_line:
            fields.append(" " * lineno_width)
        elif instruction.line_number is None:
            fields.append("--".rjust(lineno_width))
        else:
            fields.append(f"{instruction.line_number:{lineno_width}d}")
    fields.append("-->" if mark_as_current else "   ")
    fields.append(">>" if instruction.is_jump_target else "  ")
    fields.append(repr(instruction.offset).rjust(offset_width))
    fields.append(instruction.opname.ljust(_OPNAME_WIDTH))
    if instruction.arg is not None:
        fields.append(repr(instruction.arg).rjust(_OPARG_WIDTH))
        if instruction.argrepr:
            fields.append(f"({instruction.argrepr})")
    return " ".join(fields).rstrip()


def _position_text(positions):
    if positions.lineno is None:
        return "--"
    show = lambda number: "?" if number is None else number
    return f"{positions.lineno}:{show(positions.col_offset)}-{show(positions.end_lineno)}:{show(positions.end_col_offset)}"


def get_instructions(x, *, first_line=None, show_caches=None, adaptive=False):
    """The instructions of a method, function, generator, code or string of source, as Instruction objects.

    first_line is the number that the code's first line gets; by default the lines are those of the code.
    """
    co = _get_code_object(x)
    return _instructions_of_code(co, _line_offset(co, first_line), adaptive)


def _line_offset(co, first_line):
    return 0 if first_line is None else first_line - co.co_firstlineno


def _unpack_opargs(code):
    """(offset, start offset, opcode, operand or None) of each instruction; prefixes are instructions of their own too."""
    extended = 0
    start = 0
    for offset in range(0, len(code), 2):
        op = code[offset]
        if _opcode.has_arg(op):
            arg = code[offset + 1] | extended
        else:
            arg = None
        yield offset, start, op, arg
        if op == EXTENDED_ARG:
            extended = arg << 8
        else:
            extended = 0
            start = offset + 2


def _argument(op, arg, co):
    """(argval, argrepr) of an operand."""
    if arg is None:
        return None, ""
    name = opname[op]
    kind = _kinds.get(name)
    if kind == "jump":
        return arg * 2, f"to {arg * 2}"
    if kind == "compare":
        return cmp_op[arg], cmp_op[arg]
    if kind == "intrinsic1":
        return _intrinsic_1_descs[arg], _intrinsic_1_descs[arg]
    if kind == "intrinsic2":
        return _intrinsic_2_descs[arg], _intrinsic_2_descs[arg]
    if name == "MAKE_FUNCTION":
        parts = tuple(text for i, text in enumerate(_function_parts) if arg & 1 << i)
        return arg, ", ".join(parts)
    if name == "FORMAT_VALUE":
        parts = [_conversions[arg & 3], "with format" if arg & 4 else ""]
        return arg, ", ".join(part for part in parts if part)
    if name == "IS_OP":
        return arg, "is not" if arg else "is"
    if name == "CONTAINS_OP":
        return arg, "not in" if arg else "in"
    if kind not in ("const", "local", "name", "name_flag", "cell"):
        return arg, ""
    if co is None:
        return (UNKNOWN, "") if kind == "const" else (arg, repr(arg))
    if kind == "const":
        return co.co_consts[arg], repr(co.co_consts[arg])
    if kind == "local":
        value = co.co_varnames[arg]
    elif kind == "cell":
        value = (co.co_cellvars + co.co_freevars)[arg]
    else:
        value = co.co_names[arg >> 1 if kind == "name_flag" else arg]
    return value, value


def _instructions_of_bytes(code, co=None, line_offset=0):
    jumps = set(findlabels(code))
    handlers = {entry.target for entry in _parse_exception_table(co)} if co is not None else set()
    labels = {offset: number for number, offset in enumerate(sorted(jumps | handlers), start=1)}
    lines = dict(findlinestarts(co)) if co is not None else {}
    positions = co.co_positions() if co is not None else None
    number = None
    for offset, start, op, arg in _unpack_opargs(code):
        starts_line = offset in lines
        if starts_line:
            number = lines[offset]
            if number is not None:
                number += line_offset
        position = Positions(*next(positions, ())) if positions is not None else None
        argval, argrepr = _argument(op, arg, co)
        # A prefix is where its instruction begins.
        label = labels.get(offset)
        yield Instruction(opname[op], op, arg, argval, argrepr, offset, start, starts_line, number,
                          label, position, None)


def _instructions_of_code(co, line_offset=0, adaptive=False):
    plain = _instructions_of_bytes(co.co_code, co, line_offset)
    return _quickened(co, list(plain)) if adaptive else plain


def _quickened(co, plain):
    """The instructions that the interpreter runs: several may have become one."""
    by_offset = {instruction.offset: at for at, instruction in enumerate(plain)}
    for start, end, opcode, name, cache in _opcode.quickened(co):
        covered = [instruction for instruction in plain[by_offset[start]:by_offset.get(end, len(plain))]]
        real = [instruction for instruction in covered if instruction.opcode != EXTENDED_ARG]
        first = covered[0]
        with_operand = [instruction for instruction in real if instruction.arg is not None]
        text = ", ".join(instruction.argrepr or repr(instruction.arg) for instruction in with_operand) \
            if len(real) > 1 else real[-1].argrepr
        if len(real) > 1:
            deoptmap.setdefault(name, real[0].opname)
        elif name != real[0].opname:
            deoptmap[name] = real[0].opname
        value = with_operand[-1] if with_operand else real[-1]
        info = None
        if cache is not None:
            info = [(field, size, data.to_bytes(size, sys.byteorder))
                    for field, size, data in zip(("counter", "shape", "version", "word"), (1, 4, 4, 8), cache)]
        yield first._replace(opname=name, opcode=opcode, arg=value.arg, argval=value.argval, argrepr=text,
                             offset=real[0].offset, cache_info=info)


# ---- listings ----

def disassemble(co, lasti=-1, *, file=None, show_caches=False, adaptive=False,
                show_offsets=False, show_positions=False):
    """List the bytecode of a code object; an arrow marks the instruction at lasti."""
    instructions = list(_instructions_of_code(co, 0, adaptive))
    _print(instructions, _parse_exception_table(co), lasti=lasti, file=file, show_caches=show_caches,
           show_positions=show_positions)


disco = disassemble


def _disassemble_recursive(co, *, file=None, depth=None, **options):
    disassemble(co, file=file, **options)
    if depth is None or depth > 0:
        if depth is not None:
            depth -= 1
        for constant in co.co_consts:
            if hasattr(constant, "co_code"):
                print(file=file)
                print(f"Disassembly of {constant!r}:", file=file)
                _disassemble_recursive(constant, file=file, depth=depth, **options)


def _print(instructions, entries, *, lasti=-1, file=None, show_caches=False, show_positions=False, show_lines=True):
    lineno_width = 0
    if show_lines:
        if show_positions:
            lineno_width = max((len(_position_text(instruction.positions)) for instruction in instructions
                                if instruction.positions is not None), default=3)
        else:
            greatest = max((instruction.line_number or 0 for instruction in instructions), default=0)
            lineno_width = max(3, len(str(greatest)))
    last = instructions[-1].offset if instructions else 0
    offset_width = max(4, len(str(last)))
    for instruction in instructions:
        if show_lines and instruction.starts_line and instruction.offset > 0:
            print(file=file)
        print(_line(instruction, lineno_width, instruction.offset == lasti, offset_width, show_positions), file=file)
        if show_caches and instruction.cache_info:
            for name, _, data in instruction.cache_info:
                text = f"{name}: {int.from_bytes(data, sys.byteorder)}"
                print(" " * (lineno_width + offset_width + 8), "CACHE".ljust(_OPNAME_WIDTH),
                      "0".rjust(_OPARG_WIDTH), f"({text})", file=file)
    if entries:
        print("ExceptionTable:", file=file)
        for entry in entries:
            lasti_text = " lasti" if entry.lasti else ""
            print(f"  {entry.start} to {entry.end - 2} -> {entry.target} [{entry.depth}]{lasti_text}", file=file)


_ExceptionTableEntry = collections.namedtuple("_ExceptionTableEntry", "start end target depth lasti")


def _parse_varint(iterator):
    """A number in base 128, lowest digits first."""
    value = shift = 0
    while True:
        byte = next(iterator)
        value |= (byte & 127) << shift
        if byte < 128:
            return value
        shift += 7


def _parse_exception_table(code):
    """The ranges of code that handlers guard, in byte offsets."""
    iterator = iter(code.co_exceptiontable)
    entries = []
    try:
        while True:
            start = _parse_varint(iterator) * 2
            length = _parse_varint(iterator) * 2
            target = _parse_varint(iterator) * 2
            rest = _parse_varint(iterator)
            entries.append(_ExceptionTableEntry(start, start + length, target, rest >> 1, bool(rest & 1)))
    except StopIteration:
        return entries


def findlabels(code):
    """The offsets in a string of code that something jumps to."""
    labels = []
    for _, _, op, arg in _unpack_opargs(code):
        if arg is not None and _opcode.has_jump(op) and arg * 2 not in labels:
            labels.append(arg * 2)
    return labels


def findlinestarts(code):
    """(offset, line) of each place where a line begins; the line is None where there is none."""
    last = False
    for start, end, line in code.co_lines():
        # The beginning of a frame is before the first instruction.
        if end > 0 and line is not last:
            last = line
            yield max(start, 0), line


def _find_imports(co):
    """(name, level, names) of each import statement in the code."""
    values = []
    for instruction in _instructions_of_bytes(co.co_code, co):
        if instruction.opname == "LOAD_CONST":
            values.append(instruction.argval)
        elif instruction.opname == "IMPORT_NAME" and len(values) >= 2:
            yield instruction.argval, values[-2], values[-1]
        elif instruction.opcode != EXTENDED_ARG:
            values.clear()


def _find_store_names(co):
    """The names that the code of a module or class binds."""
    names = set()
    for instruction in _instructions_of_bytes(co.co_code, co):
        if instruction.opname in ("STORE_NAME", "STORE_GLOBAL") and instruction.argval not in names:
            names.add(instruction.argval)
            yield instruction.argval


class Bytecode:
    """The bytecode of something, as an iterable of Instruction objects and as a listing."""

    def __init__(self, x, *, first_line=None, current_offset=None, show_caches=False, adaptive=False,
                 show_offsets=False, show_positions=False):
        self.codeobj = co = _get_code_object(x)
        self.first_line = co.co_firstlineno if first_line is None else first_line
        self._line_offset = _line_offset(co, first_line)
        self._original_object = x
        self.current_offset = current_offset
        self.exception_entries = _parse_exception_table(co)
        self.show_caches = show_caches
        self.adaptive = adaptive
        self.show_offsets = show_offsets
        self.show_positions = show_positions

    def __iter__(self):
        return iter(_instructions_of_code(self.codeobj, self._line_offset, self.adaptive))

    def __repr__(self):
        return f"{self.__class__.__name__}({self._original_object!r})"

    @classmethod
    def from_traceback(cls, tb, *, show_caches=False, adaptive=False):
        """The bytecode that a traceback ended in."""
        while tb.tb_next:
            tb = tb.tb_next
        return cls(tb.tb_frame.f_code, current_offset=tb.tb_lasti, show_caches=show_caches, adaptive=adaptive)

    def info(self):
        """What there is to know about the code, as text."""
        return code_info(self.codeobj)

    def dis(self):
        """The listing, as text."""
        with io.StringIO() as output:
            lasti = -1 if self.current_offset is None else self.current_offset
            _print(list(self), self.exception_entries, lasti=lasti, file=output,
                   show_caches=self.show_caches, show_positions=self.show_positions)
            return output.getvalue()


def main(args=None):
    import argparse

    parser = argparse.ArgumentParser(color=True)
    parser.add_argument("-C", "--show-caches", action="store_true", help="show inline caches")
    parser.add_argument("-O", "--show-offsets", action="store_true", help="show instruction offsets")
    parser.add_argument("-P", "--show-positions", action="store_true", help="show instruction positions")
    parser.add_argument("-S", "--specialized", action="store_true", help="show specialized bytecode")
    parser.add_argument("infile", nargs="?", default="-")
    args = parser.parse_args(args=args)
    if args.infile == "-":
        name = "<stdin>"
        source = sys.stdin.buffer.read()
    else:
        name = args.infile
        with open(args.infile, "rb") as infile:
            source = infile.read()
    code = compile(source, name, "exec")
    dis(code, show_caches=args.show_caches, adaptive=args.specialized,
        show_offsets=args.show_offsets, show_positions=args.show_positions)


if __name__ == "__main__":
    main()
