"""compile() of trees: what they do, and what is refused."""
import ast


def value(source):
    return eval(compile(ast.parse(source, mode="eval"), "<x>", "eval"))


for source in (
    "1 + 2", "-5", "10**30 + 123456789012345678901234567890", "f'{3!r:>{4}}{1 + 1=}b' 'c'",
    "[x for x in range(4) if x % 2]", "(lambda a, *b, c=2, **k: (a, b, c, k))(1, 2, 3, d=4)",
    "{**{1: 2}, 3: 4}", "1 < 2 < 3 and 'x' or b'y'", "(1, 'a', None, True, ..., 2.5, 3j)",
    "[*range(3)][::-1]", "t'a{1 + 1!r:x}b'.interpolations[0].expression", "any(x for x in [0, 1])",
):
    assert value(source) == eval(source), source

program = """
class A[T](metaclass=type):
    "doc"
    x: int = 3
    def f(self, a, /, b=1, *c, d=5, **k):
        try:
            raise ValueError(a)
        except ValueError as e:
            r = str(e)
        finally:
            r += "!"
        match [1, {"k": 2}]:
            case [x, {"k": y, **z}] if y:
                r += f"{x}{y}"
        return r, b, c, d, k
type L[X] = list[X]
result = A().f("q", 2, 3, z=1), A.__doc__
"""
space = {"__name__": "m"}
exec(compile(ast.parse(program), "<x>", "exec"), space)
assert space["result"] == (("q!12", 2, (3,), 5, {"z": 1}), "doc")

place = dict(lineno=1, col_offset=0)


def refused(error, text, node, mode="eval"):
    try:
        compile(ast.Expression(node) if mode == "eval" else ast.Module([node]), "<x>", mode)
    except error as e:
        assert str(e) == text, str(e)
    else:
        raise AssertionError(text)


one = ast.Constant(1, **place)
refused(TypeError, 'required field "lineno" missing from expr', ast.Name("x"))
refused(ValueError, "expression must have Load context but has Store instead", ast.Name("x", ast.Store(), **place))
refused(TypeError, "AST identifier must be of type str", ast.Name(3, **place))
refused(ValueError, "BoolOp with less than 2 values", ast.BoolOp(ast.And(), [], **place))
refused(TypeError, "got an invalid type in Constant: list", ast.Constant([], **place))
refused(ValueError, "AST node line range (5, 3) is not valid", ast.Constant(1, lineno=5, col_offset=0, end_lineno=3, end_col_offset=1))
refused(ValueError, "empty targets on Delete", ast.Delete([], **place), "exec")
refused(ValueError, "empty body on If", ast.If(one, [], **place), "exec")
refused(ValueError, "Try has neither except handlers nor finalbody", ast.Try([ast.Pass(**place)], **place), "exec")
refused(SyntaxError, "'return' outside function (<x>, line 1)", ast.Return(**place), "exec")
print("ok")

# ---- await outside of functions ----
import inspect

ASYNC = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
for text in (
    "async for i in x: pass",
    "async with x as y: pass",
    "a = [i async for i in x]",
    "a = [await i for i in x]",
    "if a:\n    async for i in x:\n        pass",
    "assert not await x",
):
    for mode in ("exec", "single"):
        for optimize in (0, 1, 2):
            code = compile(text + "\n", "?", mode, flags=ASYNC, optimize=optimize)
            assert code.co_flags & inspect.CO_COROUTINE, (text, mode, optimize)
            try:
                compile(text + "\n", "?", mode, optimize=optimize)
            except SyntaxError as error:
                assert " outside " in error.msg, error.msg
            else:
                raise AssertionError(text)
for text in (
    "def f(): await x",
    "def f(): [i async for i in x]",
    "lambda: [await i for i in x]",
    "class C: [await i for i in x]",
    "async def f():\n    class C: [i async for i in x]",
    "type T = [await i for i in x]",
):
    for flags in (0, ASYNC):
        try:
            compile(text, "?", "exec", flags=flags)
        except SyntaxError as error:
            assert " outside " in error.msg, error.msg
        else:
            raise AssertionError(text)


async def numbers():
    yield 1
    yield 2


names = {"numbers": numbers}
waiting = eval(compile("async for i in numbers(): last = i\nall = [i async for i in numbers()]", "?", "exec", flags=ASYNC), names)
try:
    waiting.send(None)
except StopIteration:
    assert (names["last"], names["all"]) == (2, [1, 2])
