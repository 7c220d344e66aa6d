"""Builtin functions: results, defaults, messages."""


def message(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except BaseException as error:
        return type(error).__name__ + ": " + str(error)
    return "no error"


# ---- numbers ----
assert bin(10) == "0b1010" and bin(-10) == "-0b1010" and oct(8) == "0o10" and hex(255) == "0xff"
assert hex(2**100) == "0x10000000000000000000000000" and hex(-(2**70)) == "-0x400000000000000000"
assert abs(-3) == 3 and abs(-2.5) == 2.5 and divmod(-7, 2) == (-4, 1) and pow(2, 10) == 1024 and pow(2, 10, 7) == 2
assert round(2.5) == 2 and round(2.675, 2) == 2.67 and round(1234, -2) == 1200 and type(round(2.0, None)) is int
assert chr(97) == "a" and ord("a") == 97 and ord(b"a") == 97 and chr(0x1F600) == "\U0001f600"
assert sum([1, 2, 3]) == 6 and sum([0.1] * 10) == 1.0 and sum([1, 2.5, 3]) == 6.5 and sum([], 5) == 5
assert sum([[1], [2]], []) == [1, 2] and sum((2**62, 2**62)) == 2**63 and sum([1j, 2, 0.5]) == 2.5 + 1j
assert sum(range(100000)) == 4999950000 and sum([True, True]) == 2
assert message(sum, ["a"], "") == "TypeError: sum() can't sum strings [use ''.join(seq) instead]"
assert message(sum, ["a"]) == "TypeError: unsupported operand type(s) for +: 'int' and 'str'"
assert max(1, 3, 2) == 3 and min([4, 2, 8]) == 2 and max("abc", "zz", key=len) == "abc" and max([], default=7) == 7
assert max([1, 1.0]) is not None and type(max([1, 1.0])) is int and type(max(1.0, 1)) is float
assert message(max, []) == "ValueError: max() iterable argument is empty"
assert message(max, 1, 2, default=0) == (
    "TypeError: Cannot specify a default for max() with multiple positional arguments")

# ---- iteration ----
assert all([]) and not any([]) and any([0, 1]) and not all([1, 0])
assert list(iter([1, 2])) == [1, 2]
values = [1, 2, 3]
assert list(iter(lambda: values.pop(), 1)) == [3, 2]
assert next(iter([1])) == 1 and next(iter([]), "d") == "d"
assert message(next, iter([])) == "StopIteration: "


def generator():
    yield 1
    return 5


g = generator()
next(g)
try:
    next(g)
except StopIteration as stop:
    assert stop.value == 5
assert sorted([3, 1, 2], reverse=True) == [3, 2, 1] and sorted("bA", key=str.lower) == ["A", "b"]


class Stops:
    def __next__(self):
        raise StopIteration(3)


assert next(Stops(), 4) == 4

# ---- attributes and classes ----
class A:
    x = 1


a = A()
assert getattr(a, "x") == 1 and getattr(a, "y", 2) == 2 and hasattr(a, "x") and not hasattr(a, "y")
setattr(a, "y", 3)
assert vars(a) == {"y": 3}
delattr(a, "y")
assert vars(a) == {} and "x" in dir(a) and dir(A) == sorted(dir(A))
assert callable(len) and callable(A) and not callable(a)
assert isinstance(1, (str, int)) and issubclass(bool, int) and isinstance(1, int | str)


class Bad:
    def __getattr__(self, name):
        raise ValueError(name)


assert message(hasattr, Bad(), "q") == "ValueError: q"

# ---- eval, exec, compile ----
assert eval("1 + 2") == 3 and eval("  x", {"x": 4}) == 4 and eval("x + y", {"x": 1}, {"y": 2}) == 3
namespace = {}
exec("def f(n):\n    return n * 2\nv = f(21)", namespace)
assert namespace["v"] == 42 and "__builtins__" in namespace
exec(compile("w = 1", "<s>", "exec"), namespace)
assert namespace["w"] == 1 and eval(compile("2 ** 3", "e", "eval")) == 8
assert compile("x", "name", "eval").co_filename == "name"


def local():
    q = 5
    exec("q = 6")
    return q, eval("q"), sorted(locals())


assert local() == (5, 5, ["q"])


def closes():
    z = 1

    def inner():
        return z, locals()

    return inner


assert closes()() == (1, {"z": 1})
assert message(exec, closes().__code__) == "TypeError: code object requires a closure of exactly length 1"
exec(closes().__code__, closure=closes().__closure__)


class Mapping:
    def __getitem__(self, key):
        return key.upper()


assert eval("abc", {}, Mapping()) == "ABC"
try:
    compile("a b", "f.py", "exec")
except SyntaxError as error:
    assert (error.filename, error.lineno, error.offset, error.text) == ("f.py", 1, 1, "a b") or error.text == "a b\n"
    assert error.msg == "invalid syntax"
assert message(compile, "1", "f", "x") == "ValueError: compile() mode must be 'exec', 'eval' or 'single'"
assert eval(b"1 + 1") == 2 and eval(bytearray(b"3")) == 3
assert eval("__debug__") is True
assert exec(compile("c: undefined", "f", "exec", 0x1000000)) is None

# ---- text ----
assert repr("a") == "'a'" and ascii("\xfc") == "'\\xfc'" and format(3.14159, ".2f") == "3.14" and format("x") == "x"
assert hash(1) == hash(1.0) == hash(True) and len({1: 2}) == 1 and id(a) == id(a)

# ---- the class statement ----
class Meta(type):
    @classmethod
    def __prepare__(cls, name, bases, **kwargs):
        return {"prepared": kwargs}

    def __new__(cls, name, bases, namespace, **kwargs):
        return super().__new__(cls, name, bases, namespace)

    def __init__(cls, name, bases, namespace, **kwargs):
        super().__init__(name, bases, namespace)


class WithMeta(metaclass=Meta, flag=1):
    def own(self):
        return __class__


assert WithMeta.prepared == {"flag": 1} and WithMeta().own() is WithMeta


class Entries:
    def __mro_entries__(self, bases):
        return (A,)


class Through(Entries()):
    pass


assert Through.__bases__ == (A,) and isinstance(Through.__orig_bases__[0], Entries)

# ---- asynchronous ----
class Source:
    def __init__(self, n):
        self.n = n

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.n == 0:
            raise StopAsyncIteration
        self.n -= 1
        return self.n


def run(coroutine):
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value


async def use():
    source = aiter(Source(2))
    return await anext(source), await anext(source, "d"), await anext(source, "d")


assert run(use()) == (1, 0, "d")
assert message(aiter, 3) == "TypeError: 'int' object is not an async iterable"
print("ok")
