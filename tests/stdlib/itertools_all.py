# itertools: results, laziness, reuse of sources, errors.
import itertools
from itertools import *


def raises(exc, message, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except exc as error:
        if message is not None:
            assert str(error) == message, (str(error), message)
        return
    raise AssertionError(f"{function} did not raise {exc}")


assert list(accumulate([1, 2, 3], initial=10)) == [10, 11, 13, 16] and list(accumulate([3, 1, 2], max)) == [3, 3, 3] and list(accumulate([])) == []
assert list(batched("abcdefg", 3)) == [("a", "b", "c"), ("d", "e", "f"), ("g",)]
raises(ValueError, "batched(): incomplete batch", list, batched("abcdefg", 3, strict=True))
raises(ValueError, "n must be at least one", batched, [], 0)
assert list(chain("ab", [1], ())) == ["a", "b", 1] and list(chain.from_iterable([[1], [2, 3]])) == [1, 2, 3]
raises(TypeError, "'int' object is not iterable", list, chain([1], 2))
assert list(combinations(range(4), 2)) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] and list(combinations([1], 2)) == [] and list(combinations([], 0)) == [()]
assert list(combinations_with_replacement("ab", 2)) == [("a", "a"), ("a", "b"), ("b", "b")] and list(combinations_with_replacement([], 1)) == []
assert len(list(permutations(range(5)))) == 120 and list(permutations("abc", 2)) == [("a", "b"), ("a", "c"), ("b", "a"), ("b", "c"), ("c", "a"), ("c", "b")]
assert list(permutations([1, 2], 3)) == [] and list(permutations([])) == [()] and list(permutations([1, 2], 0)) == [()]
assert list(product("ab", repeat=2)) == [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")] and list(product()) == [()] and list(product([1], [])) == []
raises(ValueError, "r must be non-negative", combinations, [1], -1)
raises(TypeError, "Expected int as r", permutations, [1], "x")
raises(ValueError, "repeat argument cannot be negative", product, [1], repeat=-1)
raises(MemoryError, None, product, range(10), repeat=10**15)
assert list(compress("abcd", [1, 0, 1])) == ["a", "c"]
assert list(islice(count(5, 2), 3)) == [5, 7, 9] and list(islice(count(1.5), 2)) == [1.5, 2.5] and repr(count(5)) == "count(5)" and repr(count(5, 2)) == "count(5, 2)"
assert list(islice(count(2**62 - 1), 3)) == [2**62 - 1, 2**62, 2**62 + 1] and list(islice(count(2**61 - 1), 2)) == [2**61 - 1, 2**61]
raises(TypeError, "a number is required", count, "x")
assert list(islice(cycle("ab"), 5)) == ["a", "b", "a", "b", "a"] and list(cycle([])) == []
assert list(dropwhile(lambda x: x < 3, [1, 2, 3, 1])) == [3, 1] and list(takewhile(lambda x: x < 3, [1, 2, 3, 1])) == [1, 2]
assert list(filterfalse(None, [0, 1, "", 2])) == [0, ""] and list(filterfalse(lambda x: x % 2, range(5))) == [0, 2, 4]
assert [(k, list(g)) for k, g in groupby("aabbb")] == [("a", ["a", "a"]), ("b", ["b", "b", "b"])] and [k for k, g in groupby("aabc")] == ["a", "b", "c"]
groups = groupby([1, 1, 2, 2])
first = next(groups)[1]
second = next(groups)[1]
assert list(first) == [] and list(second) == [2, 2]
assert [(k, list(g)) for k, g in groupby([1, 3, 2, 4], key=lambda x: x % 2)] == [(1, [1, 3]), (0, [2, 4])]
assert list(islice(range(10), 2, 8, 3)) == [2, 5] and list(islice(range(10), None)) == list(range(10)) and list(islice(range(5), 3)) == [0, 1, 2]
source = iter(range(10))
assert list(islice(source, 3)) == [0, 1, 2] and next(source) == 3
assert list(islice(source, 1, None, 2)) == [5, 7, 9]
raises(ValueError, "Stop argument for islice() must be None or an integer: 0 <= x <= sys.maxsize.", islice, [], -1)
raises(ValueError, "Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.", islice, [], -1, 5)
raises(ValueError, "Step for islice() must be a positive integer or None.", islice, [], 0, 1, 0)
assert list(pairwise("abcd")) == [("a", "b"), ("b", "c"), ("c", "d")] and list(pairwise("a")) == []
assert list(repeat(1, 3)) == [1, 1, 1] and repr(repeat(1, 3)) == "repeat(1, 3)" and repr(repeat("x")) == "repeat('x')" and repeat(1, 4).__length_hint__() == 4 and list(repeat(1, -5)) == []
assert list(starmap(pow, [(2, 3), [3, 2]])) == [8, 9]
a, b = tee(iter(range(200)))
assert list(a) == list(range(200)) == list(b)
a, b, c = tee("abc", 3)
assert next(a) == "a" and list(b) == ["a", "b", "c"] and list(a) == ["b", "c"] and list(c) == ["a", "b", "c"]
a, b = tee(range(3))
next(a)
a2, a3 = tee(a)
assert list(a2) == [1, 2] == list(a3) == list(a) and list(b) == [0, 1, 2] and tee([1], 0) == ()
raises(ValueError, "n must be >= 0", tee, [], -1)
assert list(zip_longest("ab", "c", fillvalue=0)) == [("a", "c"), ("b", 0)] and list(zip_longest()) == [] and list(zip_longest([1, 2, 3], [4])) == [(1, 4), (2, None), (3, None)]
raises(TypeError, "zip_longest() got an unexpected keyword argument", zip_longest, [1], foo=0)


# A source that raises: the error passes, and what follows still comes.
class Bad:
    def __init__(self):
        self.n = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.n += 1
        if self.n == 2:
            raise KeyError("x")
        if self.n > 4:
            raise StopIteration
        return self.n


it = accumulate(Bad())
assert next(it) == 1
raises(KeyError, "'x'", next, it)
assert list(it) == [4, 8]


class Sub(chain):
    pass


assert type(Sub([1])) is Sub and list(Sub([1], [2])) == [1, 2] and type(Sub.from_iterable([[1]])) is Sub
assert chain.__module__ == "itertools" and chain.__name__ == "chain"
# A long chain of tee blocks dies without recursion.
a, b = tee(range(100000))
sum(a)
del a, b
print("ok")
