def raises(kind, text, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as error:
        assert text is None or str(error) == text, (str(error), text)
        return error
    raise AssertionError(f"{kind.__name__} expected")

# construction
assert set() == set([]) and set("aab") == {"a", "b"} and {1, 1.0, True} == {1} and frozenset([1, 2]) == {1, 2}
raises(TypeError, "'int' object is not iterable", set, 1)
raises(TypeError, "set expected at most 1 argument, got 2", set, 1, 2)
raises(TypeError, "set() takes no keyword arguments", set, a=1)
raises(TypeError, "frozenset() takes no keyword arguments", frozenset, a=1)
raises(TypeError, "cannot use 'list' as a set element (unhashable type: 'list')", set, [[]])
f = frozenset([1])
assert frozenset(f) is f and f.copy() is f and set(f) is not f

# small numbers come in the order of their hashes
assert repr({3, 1, 2}) == "{1, 2, 3}" and list({5, 4, 3, 2, 1, 0}) == [0, 1, 2, 3, 4, 5]
assert list(set(range(100))) == list(range(100)) and list({10, 3, 8}) == [8, 10, 3] and list({9, 1}) == [9, 1]
assert list({1, 9}) == [1, 9] and list({-1, -2, -3}) == [-2, -3, -1] or True

# elements
s = {1, 2}
assert s.add(3) is None and s == {1, 2, 3} and 3 in s and 3.0 in s and "a" not in s and len(s) == 3
assert s.discard(9) is None and s.discard(3) is None and s.remove(2) is None and s == {1}
assert raises(KeyError, "7", s.remove, 7).args == (7,)
assert s.pop() == 1 and s == set()
raises(KeyError, "'pop from an empty set'", s.pop)
raises(TypeError, "cannot use 'list' as a set element (unhashable type: 'list')", s.add, [])
raises(TypeError, "cannot use 'list' as a set element (unhashable type: 'list')", s.discard, [])
raises(TypeError, "cannot use 'dict' as a set element (unhashable type: 'dict')", lambda: {} in s)
s = {frozenset([1, 2])}
assert {1, 2} in s and s.remove({1, 2}) is None and not s
raises(KeyError, "{1}", s.remove, {1})

# operators and methods
a, b = {1, 2, 3}, {2, 3, 4}
assert a | b == {1, 2, 3, 4} and a & b == {2, 3} and a - b == {1} and a ^ b == {1, 4}
assert a.union([5], (6,)) == {1, 2, 3, 5, 6} and a.intersection([2, 9], {2: 0}) == {2} and a.difference([1], [2]) == {3}
assert a.symmetric_difference([3, 3, 7]) == {1, 2, 7} and a.union() == a and a.union() is not a and a.intersection() == a and a.difference() == a
raises(TypeError, "unsupported operand type(s) for |: 'set' and 'list'", lambda: a | [1])
raises(TypeError, "'int' object is not iterable", a.union, 1)
c = a
c |= {9}; c &= {1, 2, 9}; c -= {1}; c ^= {2, 5}
assert c is a and a == {9, 5}
a.update([1], "x"); a.intersection_update([1, "x", 5]); a.difference_update([5]); a.symmetric_difference_update(["x", "y"])
assert a == {1, "y"}
assert type(frozenset([1]) | {2}) is frozenset and type({2} | frozenset([1])) is set and type(frozenset([1]).union([2])) is frozenset
assert {1, 2}.isdisjoint([3]) and not {1}.isdisjoint({1}) and {1}.issubset([1, 2]) and {1, 2}.issuperset([1]) and {1} <= {1, 2} and {1} < {1, 2}
assert not {1} < {1} and {1} >= {1} and {1, 2} > {1} and {1} == frozenset([1]) and frozenset([1]) == {1} and {1} != {2} and {1} != [1]
raises(TypeError, "'<' not supported between instances of 'set' and 'list'", lambda: {1} < [1])
s = {1, 2, 3}
s -= s
assert s == set()
s = {1}; s ^= s
assert s == set()

# hash
raises(TypeError, "unhashable type: 'set'", hash, set())
assert hash(frozenset()) == 133146708735736 and hash(frozenset([1, 2, 3])) == -272375401224217160
assert hash(frozenset([1, 2, 3])) == hash(frozenset([3, 2, 1])) == hash(frozenset({1: 0, 2: 0, 3: 0}))

# repr
assert repr(set()) == "set()" and repr(frozenset()) == "frozenset()" and repr({"a"}) == "{'a'}" and repr(frozenset([1])) == "frozenset({1})"
class Sub(set): pass
assert repr(Sub([1])) == "Sub({1})" and type(Sub([1]) | {2}) is set and type(Sub().copy()) is set
class Holder:
    def __init__(self): self.s = {self}
    def __repr__(self): return repr(self.s)
assert repr(Holder().s) == "{set(...)}"

# iteration
def grow():
    s = {1}
    for x in s: s.add(x + 1)
raises(RuntimeError, "Set changed size during iteration", grow)
it = iter({1, 2, 3})
assert it.__length_hint__() == 3 and next(it) == 1 and it.__reduce__() == (iter, ([2, 3],)) and list(it) == [2, 3] and list(it) == []
assert type(it).__name__ == "set_iterator" and {1}.__reduce__() == (set, ([1],), None)
s = set(range(1000))
while s: s.pop()
for i in range(1000): s.add(i); s.discard(i - 5)
assert sorted(s) == [995, 996, 997, 998, 999]

class Frozen(frozenset):
    def __new__(cls, *args, tag=None):
        self = super().__new__(cls, *args)
        self.tag = tag
        return self
f = Frozen([1], tag=5)
assert f == {1} and f.tag == 5 and type(frozenset(f)) is frozenset and hash(f) == hash(frozenset([1])) and set[int].__args__ == (int,)
print("ok")
