def raises(kind, text, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as error:
        assert text is None or str(error) == text, (str(error), text)
        return error
    raise AssertionError(f"{kind.__name__} expected")

# enumerate
assert list(enumerate("ab")) == [(0, "a"), (1, "b")] and list(enumerate("ab", 5)) == [(5, "a"), (6, "b")] and list(enumerate(iterable="a", start=-1)) == [(-1, "a")]
assert list(enumerate("abc", 2**61 - 1)) == [(2**61 - 1, "a"), (2**61, "b"), (2**61 + 1, "c")] and list(enumerate("ab", 2**100)) == [(2**100, "a"), (2**100 + 1, "b")]
raises(TypeError, "enumerate() missing required argument 'iterable'", enumerate)
raises(TypeError, "'foo' is an invalid keyword argument for enumerate()", enumerate, [], foo=1)
raises(TypeError, "enumerate() takes at most 2 arguments (3 given)", enumerate, [], 1, 2)
raises(TypeError, "'float' object cannot be interpreted as an integer", enumerate, [], 1.5)

# zip
assert list(zip()) == [] and list(zip("ab")) == [("a",), ("b",)] and list(zip("abc", [1, 2])) == [("a", 1), ("b", 2)] and list(zip("a", "b", "c")) == [("a", "b", "c")]
assert list(zip("ab", "cd", strict=True)) == [("a", "c"), ("b", "d")]
raises(ValueError, "zip() argument 2 is longer than argument 1", list, zip([1], [1, 2], strict=True))
raises(ValueError, "zip() argument 2 is shorter than argument 1", list, zip([1, 2], [1], strict=True))
raises(ValueError, "zip() argument 3 is shorter than arguments 1-2", list, zip([1, 2], [1, 2], [1], strict=True))
raises(TypeError, "'int' object is not iterable", zip, 1)
raises(TypeError, "zip() got an unexpected keyword argument 'foo'", zip, foo=1)

# map, filter
assert list(map(str, [1, 2])) == ["1", "2"] and list(map(lambda a, b: a + b, [1, 2, 3], [10, 20])) == [11, 22]
raises(TypeError, "map() must have at least two arguments.", map, str)
raises(ValueError, "map() argument 2 is longer than argument 1", list, map(lambda *a: a, [1], [1, 2], strict=True))
assert list(filter(None, [0, 1, "", "a", []])) == [1, "a"] and list(filter(lambda x: x > 1, [1, 2, 3])) == [2, 3] and list(filter(bool, [0, 5])) == [5]
raises(TypeError, "filter expected 2 arguments, got 1", filter, None)
it = map(lambda x: 1 / x, [1, 0, 2])
assert next(it) == 1.0
raises(ZeroDivisionError, None, next, it)
assert next(it) == 0.5

# reversed
class Sequence:
    def __len__(self): return 3
    def __getitem__(self, i): return i * 10
assert list(reversed(Sequence())) == [20, 10, 0] and list(reversed("abc")) == ["c", "b", "a"] and list(reversed((1, 2))) == [2, 1]
raises(TypeError, "'set' object is not reversible", reversed, {1})
raises(TypeError, "reversed expected 1 argument, got 0", reversed)
class Blocked:
    __reversed__ = None
    def __len__(self): return 0
    def __getitem__(self, i): raise IndexError
raises(TypeError, "'Blocked' object is not reversible", reversed, Blocked())
it = reversed(Sequence())
assert it.__length_hint__() == 3 and next(it) == 20 and it.__length_hint__() == 2

# sequence iterator
class Old:
    def __getitem__(self, i):
        if i > 2: raise IndexError
        return i
it = iter(Old())
assert list(it) == [0, 1, 2] and list(it) == [] and type(it).__name__ == "iterator" and 1 in Old() and 5 not in Old()
class Stop:
    def __getitem__(self, i): raise StopIteration
assert list(iter(Stop())) == []

# callable iterator
numbers = iter([1, 2, 3, 4])
assert list(iter(lambda: next(numbers), 3)) == [1, 2]
it = iter(lambda: next(iter([])), 0)
assert list(it) == []
raises(TypeError, "iter(v, w): v must be callable", iter, 1, 2)
raises(TypeError, "'int' object is not an iterator", next, 1)
assert next(iter([]), 5) == 5
raises(StopIteration, "", next, iter([]))
class Odd:
    def __iter__(self): return 5
raises(TypeError, "iter() returned non-iterator of type 'int'", iter, Odd())

# pickling protocol
import copy
for it in (iter([1, 2, 3]), iter((1, 2)), iter(range(4)), enumerate("ab"), zip("ab", "cd"), map(str, [1]), filter(None, [1]), reversed([1, 2]), iter({1: 2}), iter({5})):
    reduced = it.__reduce__()
    assert type(reduced) is tuple and callable(reduced[0])
print("ok")
