# types.GenericAlias, typing.Union, types.SimpleNamespace.
import types


def error(kind, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as e:
        assert type(e) is kind, (type(e), e)
        return str(e)
    raise AssertionError(f"{kind.__name__} not raised")


G = list[int]
assert type(G) is types.GenericAlias and repr(G) == "list[int]"
assert G.__origin__ is list and G.__args__ == (int,) and G.__parameters__ == ()
assert G() == [] and G == list[int] and hash(G) == hash(list[int]) and G != list[str]
assert repr(dict[str, list[int | None]]) == "dict[str, list[int | None]]"
assert repr(tuple[int, ...]) == "tuple[int, ...]" and repr(list[()]) == "list[()]"
assert repr(list["int"]) == "list['int']" and repr(list[None]) == "list[None]" and repr(list[[int, str]]) == "list[[int, str]]"
assert G.append is list.append
assert G.__reduce__() == (types.GenericAlias, (list, (int,)))
(star,) = tuple[int]
assert repr(star) == "*tuple[int]" and star.__unpacked__ and star != tuple[int]
assert error(TypeError, lambda: G[int]) == "list[int] is not a generic class"
generic = "argument 2 cannot be a parameterized generic"
assert error(TypeError, isinstance, [], G) == "isinstance() " + generic
assert error(TypeError, issubclass, list, G) == "issubclass() " + generic
assert error(TypeError, types.GenericAlias) == "GenericAlias expected 2 arguments, got 0"


class L(list[int]):
    pass


assert L.__orig_bases__ == (G,) and L.__bases__ == (list,) and L([1]) == [1]

U = int | str
assert repr(U) == "int | str" and U.__args__ == (int, str) and type(U) is types.UnionType
assert U == str | int and hash(U) == hash(str | int) and (U | int) == U and (int | int) is int
assert repr(None | int) == "None | int" and repr(G | None) == "list[int] | None"
assert isinstance(1, U) and isinstance(None, int | None) and not isinstance(1.0, U) and issubclass(bool, U)
assert U.__origin__ is types.UnionType
assert error(TypeError, lambda: int | 1) == "unsupported operand type(s) for |: 'type' and 'int'"
assert error(TypeError, isinstance, 1.0, int | G) == "isinstance() " + generic
assert error(TypeError, issubclass, 1, U) == "issubclass() arg 1 must be a class"
assert error(TypeError, type(U)) == "cannot create 'typing.Union' instances"
assert error(TypeError, lambda: U[int]) == "int | str is not a generic class"

N = types.SimpleNamespace
n = N(a=1, b="x")
assert repr(n) == "namespace(a=1, b='x')" and n == N(b="x", a=1) and n != N(a=1) and repr(N()) == "namespace()"
assert N({"q": 1}, z=2).__dict__ == {"q": 1, "z": 2} and N([("k", 1)]).k == 1
n.c = 3
del n.a
assert n.__dict__ == {"b": "x", "c": 3} and n.__reduce__() == (N, (), n.__dict__)
assert N(a=1, b=2).__replace__(b=3) == N(a=1, b=3)
n.n = n
assert repr(n) == "namespace(b='x', c=3, n=namespace(...))"
assert error(TypeError, N, 1, 2) == "SimpleNamespace expected at most 1 argument, got 2"
assert error(TypeError, N, {1: 2}) == "keywords must be strings"
assert error(TypeError, hash, n) == "unhashable type: 'types.SimpleNamespace'"
