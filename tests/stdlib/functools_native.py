# partial, reduce, cmp_to_key, lru_cache.
import functools
from functools import Placeholder as _
from functools import cmp_to_key, lru_cache, partial, reduce


def raises(exc, message, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except exc as error:
        if message is not None:
            assert str(error) == message, (str(error), message)
        return
    raise AssertionError(f"{function} did not raise {exc}")


def f(*a, **k):
    return a, k


p = partial(f, 1, x=2)
assert p(3, y=4) == ((1, 3), {"x": 2, "y": 4}) and p(x=5) == ((1,), {"x": 5}) and p.func is f and p.args == (1,) and p.keywords == {"x": 2}
assert partial(p, 2, y=3)() == ((1, 2), {"x": 2, "y": 3}) and partial(p, 2).func is f
assert partial(f, _, 2)(1) == ((1, 2), {}) and partial(partial(f, _, 2, _, 3), 9)(8) == ((9, 2, 8, 3), {})
raises(TypeError, "missing positional arguments in 'partial' call; expected at least 1, got 0", partial(f, _, 2))
raises(TypeError, "trailing Placeholders are not allowed", partial, f, 1, _)
raises(TypeError, "Placeholder cannot be passed as a keyword argument", partial, f, x=_)
raises(TypeError, "the first argument must be callable", partial, 1)
assert repr(partial(len, 1, x="a")) == "functools.partial(<built-in function len>, 1, x='a')" and repr(_) == "Placeholder"
p.note = 5
assert p.note == 5 and p.__reduce__()[2][3] == {"note": 5}


class S(partial):
    pass


assert type(S(f)) is S and S(f, 1)(2) == ((1, 2), {})


class C:
    m = partial(f, 7)


assert C().m()[0][0] == 7

assert reduce(lambda a, b: a + b, [1, 2, 3]) == 6 and reduce(lambda a, b: a + b, [], initial=5) == 5 and reduce(max, [1], 10) == 10
raises(TypeError, "reduce() of empty iterable with no initial value", reduce, f, [])
raises(TypeError, "reduce() arg 2 must support iteration", reduce, f, 1)

assert sorted([3, 1, 2], key=cmp_to_key(lambda a, b: b - a)) == [3, 2, 1]
K = cmp_to_key(lambda a, b: a - b)
assert K(1) < K(2) and K(1) == K(1) and K(obj=5).obj == 5
raises(TypeError, "other argument must be K instance", lambda: K(1) < 1)

calls = []


@lru_cache(maxsize=2)
def g(x, y=0):
    calls.append(x)
    return x * 10


assert [g(1), g(2), g(1), g(3), g(1), g(2)] == [10, 20, 10, 30, 10, 20] and calls == [1, 2, 3, 2]
info = g.cache_info()
assert tuple(info) == (2, 4, 2, 2) and g.cache_parameters() == {"maxsize": 2, "typed": False} and g.__wrapped__.__name__ == "g"
g.cache_clear()
assert tuple(g.cache_info()) == (0, 0, 2, 0)
raises(TypeError, "unhashable type: 'list'", g, [])


@lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


assert fib(80) == 23416728348467685 and fib.cache_info().misses == 81


@lru_cache(maxsize=0)
def none(x):
    return x


assert none(1) == 1 == none(1) and tuple(none.cache_info()) == (0, 2, 0, 0)


@lru_cache(typed=True)
def typed(x):
    return type(x)


assert typed(3) is int and typed(3.0) is float and typed(x=3) is int


@functools.cache
def big(n):
    return n


@lru_cache(maxsize=100)
def many(n):
    return -n


for n in range(3000):
    assert many(n) == -n and many(n // 2) == -(n // 2)
assert many.cache_info().currsize == 100


class M:
    @lru_cache
    def m(self, x):
        return x


assert M().m(5) == 5 and functools.singledispatch(lambda x: 1)(5) == 1
print("ok")
