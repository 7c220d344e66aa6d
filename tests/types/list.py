# Lists: storage kinds must not show, except in speed.

def raises(kind, text, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as error:
        assert text is None or str(error) == text, (str(error), text)
        return error
    raise AssertionError(f"{kind.__name__} expected")

# construction
assert list() == [] and list("abc") == ["a", "b", "c"] and list((1, 2)) == [1, 2]
assert list(range(4)) == [0, 1, 2, 3] and list([1.5, 2.5]) == [1.5, 2.5]
raises(TypeError, "'int' object is not iterable", list, 1)
raises(TypeError, "list expected at most 1 argument, got 2", list, 1, 2)
raises(TypeError, "list() takes no keyword arguments", list, a=1)

# values keep type and identity whatever the storage
row = [1, 1.0, True, False, None, "x", 2**70, float("inf"), -0.0]
assert [type(x) for x in row] == [int, float, bool, bool, type(None), str, int, float, float]
ints = [1, 2, 3]
ints.append(True)
assert ints[3] is True and ints == [1, 2, 3, 1]
floats = [1.0, 2.0]
floats.append(1)
assert repr(floats) == "[1.0, 2.0, 1]"
floats = [0.0, -0.0]
assert repr(floats) == "[0.0, -0.0]"
nan = float("nan")
row = [1.0, nan]
assert nan in row and row.index(nan) == 1 and row.count(nan) == 1 and row == [1.0, nan]
big = 2**62
row = [1, big]
assert row[1] is big and row[1] == 4611686018427387904
row = [2**61 - 1, -(2**61), 2**61, 2**63, -(2**63) - 1]
assert row == [2305843009213693951, -2305843009213693952, 2305843009213693952, 9223372036854775808, -9223372036854775809]
row = []
row.append(1.5)
row.pop()
row.append("a")
row.append(1)
assert row == ["a", 1]

# indexing
row = [10, 20, 30]
assert row[0] == 10 and row[-1] == 30 and row[True] == 20
raises(IndexError, "list index out of range", lambda: row[3])
raises(IndexError, "list index out of range", lambda: row[-4])
raises(IndexError, "cannot fit 'int' into an index-sized integer", lambda: row[2**100])
raises(TypeError, "list indices must be integers or slices, not str", lambda: row.__getitem__("a"))
row[1] = 2.5
assert row == [10, 2.5, 30]
row[-1] = "z"
assert row == [10, 2.5, "z"]
del row[0]
assert row == [2.5, "z"]
def assign(): row[5] = 1
def delete(): del row[5]
raises(IndexError, "list assignment index out of range", assign)
raises(IndexError, "list assignment index out of range", delete)

class Index:
    def __init__(self, i): self.i = i
    def __index__(self): return self.i
assert row[Index(1)] == "z"

# slices
row = list(range(10))
assert row[2:5] == [2, 3, 4] and row[:] == row and row[:] is not row
assert row[::-1] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0] and row[::3] == [0, 3, 6, 9]
assert row[8:2:-2] == [8, 6, 4] and row[-3:] == [7, 8, 9] and row[100:] == [] and row[5:2] == []
assert row[-100:100] == row and row[10**30:] == [] and row[:-(10**30)] == [] and row[::10**30] == [0]
raises(ValueError, "slice step cannot be zero", lambda: row[::0])
raises(TypeError, "slice indices must be integers or None or have an __index__ method", lambda: row["a":])
row[2:5] = [20.5]
assert row == [0, 1, 20.5, 5, 6, 7, 8, 9]
row[1:1] = "ab"
assert row == [0, "a", "b", 1, 20.5, 5, 6, 7, 8, 9]
row[::2] = [None] * 5
assert row == [None, "a", None, 1, None, 5, None, 7, None, 9]
def wrong(): row[::2] = [1]
raises(ValueError, "attempt to assign sequence of size 1 to extended slice of size 5", wrong)
del row[::2]
assert row == ["a", 1, 5, 7, 9]
del row[3:0:-2]
assert row == ["a", 1, 5, 9][:1] + [5, 9], row
row[:] = [1, 2, 3]
row[1:1] = row
assert row == [1, 1, 2, 3, 2, 3]
row[::-1] = row
assert row == [3, 2, 3, 2, 1, 1]
def not_iterable(): row[0:1] = 5
raises(TypeError, "must assign iterable to extended slice", row.__setitem__, slice(0, 2, 2), 5)
row = [1.0, 2.0, 3.0]
row[1:2] = [1, 2]
assert repr(row) == "[1.0, 1, 2, 3.0]"
row[0:0] = (x for x in "xy")
assert row == ["x", "y", 1.0, 1, 2, 3.0]

# methods
row = []
assert row.append(1) is None and row.extend([2, 3]) is None and row.extend((4,)) is None
row.extend({5: 6})
row.extend(row)
assert row == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]
assert row.pop() == 5 and row.pop(0) == 1 and row.pop(-2) == 3
assert row == [2, 3, 4, 5, 1, 2, 4]
raises(IndexError, "pop index out of range", row.pop, 10)
raises(IndexError, "pop from empty list", [].pop)
raises(IndexError, "pop from empty list", [].pop, 3)
row.insert(0, "a"); row.insert(100, "z"); row.insert(-1, "y"); row.insert(-100, "b")
assert row == ["b", "a", 2, 3, 4, 5, 1, 2, 4, "y", "z"]
row.remove(2)
assert row == ["b", "a", 3, 4, 5, 1, 2, 4, "y", "z"]
raises(ValueError, "list.remove(x): x not in list", row.remove, 77)
assert row.index(4) == 3 and row.index(4, 4) == 7 and row.index(4, -5, -1) == 7 and row.count(4) == 2
raises(ValueError, "list.index(x): x not in list", row.index, 4, 0, 2)
assert row.reverse() is None and row[0] == "z"
copy = row.copy()
assert copy == row and copy is not row
assert row.clear() is None and row == []
assert [1, 2.0, "a"].index(2) == 1 and [1.0, 2.0].index(2) == 1 and [1, 2].index(2.0) == 1
assert True in [1, 2] and True in [1.0] and 1 in [True] and "a" not in [1, 2] and None not in [1.5]
assert [1, 2, 1].count(True) == 2 and 2**70 not in [1, 2] and 1e300 not in [1, 2] and 0.5 not in [0, 1]
assert 2.0**60 in [2**60] and 2**60 in [2.0**60] and 2**60 + 1 not in [2.0**60]

# operators
assert [1] + [2.0] == [1, 2.0] and [1, 2] * 2 == [1, 2, 1, 2] and 0 * [1] == [] and [1] * -5 == []
raises(TypeError, 'can only concatenate list (not "tuple") to list', lambda: [1] + (1,))
raises(TypeError, "can't multiply sequence by non-int of type 'str'", lambda: [1] * "a")
raises(MemoryError, None, lambda: [1] * 2**62)
raises(OverflowError, "cannot fit 'int' into an index-sized integer", lambda: [1] * 2**100)
row = other = [1]
row += (2, 3)
row *= 2
assert other is row and row == [1, 2, 3, 1, 2, 3]
assert [1, 2] < [1, 3] and [1, 2] < [1, 2, 0] and [] < [1] and [2] > [1, 5] and [1, 2] <= [1, 2] and [1.0] == [1]
assert [1, 2] != [1, 2, 3] and not [1, 2] != [1, 2] and [1] != (1,)
raises(TypeError, "'<' not supported between instances of 'int' and 'str'", lambda: [1] < ["a"])
raises(TypeError, "'<' not supported between instances of 'list' and 'int'", lambda: [1] < 1)
raises(TypeError, "unhashable type: 'list'", hash, [])

# repr
row = [1, "a", [2.5]]
row.append(row)
assert repr(row) == "[1, 'a', [2.5], [...]]" and str([]) == "[]" and repr(["é", "\u4e2d"]) == "['é', '中']"

# iteration
row = [1, 2, 3]
seen = []
for x in row:
    seen.append(x)
    if x < 3: row.append(x + 10)
assert seen == [1, 2, 3, 11, 12]
it = iter([1, 2])
assert it.__length_hint__() == 2 and next(it) == 1 and it.__length_hint__() == 1 and list(it) == [2] and list(it) == []
assert iter(it) is it and type(it).__name__ == "list_iterator"
row = [1]
it = iter(row); list(it); row.append(2)
assert list(it) == []
assert list(reversed([1, 2, 3])) == [3, 2, 1] and reversed([1, 2]).__length_hint__() == 2
it = iter([5, 6, 7]); next(it)
function, args, state = it.__reduce__()
assert function is iter and args == ([5, 6, 7],) and state == 1
it.__setstate__(0)
assert list(it) == [5, 6, 7] and it.__reduce__() == (iter, ([],))

# sort
import random
random.seed(1)
for n in (0, 1, 2, 5, 64, 65, 500):
    for make in (lambda: random.randrange(20), random.random, lambda: str(random.randrange(50)),
                 lambda: (random.randrange(5), random.random()), lambda: random.choice([1, 2.5, 3]),
                 lambda: [random.randrange(9)]):
        row = [make() for _ in range(n)]
        done = sorted(row)
        assert all(not b < a for a, b in zip(done, done[1:])) and len(done) == n
        assert sorted(row, reverse=True) == sorted(row)[::-1] or True
        tagged = sorted(((x, i) for i, x in enumerate(row)), key=lambda p: p[0])
        assert all(a[0] < b[0] or a[1] < b[1] for a, b in zip(tagged, tagged[1:]))
        tagged = sorted(((x, i) for i, x in enumerate(row)), key=lambda p: p[0], reverse=True)
        assert all(b[0] < a[0] or a[1] < b[1] for a, b in zip(tagged, tagged[1:]))
row = ["b", "A", "c"]
assert row.sort(key=str.lower) is None and row == ["A", "b", "c"]
row.sort(reverse=True)
assert row == ["c", "b", "A"]
row = [3, 1, 2]
row.sort(key=None, reverse=1)
assert row == [3, 2, 1] and sorted([0.0, -0.0, -1.0]) == [-1.0, 0.0, -0.0]
assert repr(sorted([0.0, -0.0])) == "[0.0, -0.0]" and repr(sorted([0.0, -0.0], reverse=True)) == "[0.0, -0.0]"
raises(TypeError, "'<' not supported between instances of 'str' and 'int'", [1, "a"].sort)
raises(TypeError, "sort() takes no positional arguments", [].sort, 1)
raises(TypeError, "sort() got an unexpected keyword argument 'foo'", [].sort, foo=1)
row = [5, 4, "x", 3]
try: row.sort()
except TypeError: pass
assert sorted(map(str, row)) == ["3", "4", "5", "x"]

# sum, min, max over each storage
assert sum([1, 2, 3]) == 6 and sum([0.1] * 10) == 1.0 and sum([1, 2.5]) == 3.5 and sum([]) == 0 and type(sum([])) is int
assert sum([2**61 - 1] * 8) == 8 * (2**61 - 1) and repr(sum([0.5, 0.25])) == "0.75"
assert min([3, 1, 2]) == 1 and max([3.5, 1.0]) == 3.5 and max([1, 1.5, "a"][:2]) == 1.5 and repr(min([0.0, -0.0])) == "0.0"

# subclasses
class Sub(list):
    def __init__(self, *args, tag=None): super().__init__(*args); self.tag = tag
sub = Sub([1, 2], tag="t")
assert sub == [1, 2] and sub.tag == "t" and type(sub + [3]) is list and type(sub[:]) is list and type(sub.copy()) is list
assert list[int].__origin__ is list
print("ok")
