# deque, defaultdict, OrderedDict, namedtuple's fields, Counter's counting.
import copy, pickle
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple


def raises(exc, message, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except exc as error:
        if message is not None:
            assert str(error) == message, (str(error), message)
        return
    raise AssertionError(f"{function} did not raise {exc}")


# ---- deque ----
d = deque([1, 2, 3])
d.append(4)
d.appendleft(0)
assert list(d) == [0, 1, 2, 3, 4] and d.pop() == 4 and d.popleft() == 0 and len(d) == 3 and d[0] == 1 and d[-1] == 3
d.rotate(1)
assert d == deque([3, 1, 2]) and d != [3, 1, 2]
d.rotate(-1)
d.extendleft([8, 9])
assert repr(d) == "deque([9, 8, 1, 2, 3])" and d.index(1) == 2 and d.count(8) == 1 and 8 in d and 7 not in d
d.insert(1, "x")
del d[0]
d[0] = "y"
d.remove(8)
assert list(d) == ["y", 1, 2, 3] and list(reversed(d)) == [3, 2, 1, "y"]
d.reverse()
assert d.copy() == d and d.maxlen is None and d * 2 == d + d and d * 0 == deque() and 2 * d == d + d
raises(IndexError, "pop from an empty deque", deque().pop)
raises(IndexError, "deque index out of range", lambda: d[10])
raises(TypeError, "sequence index must be integer, not 'str'", lambda: d["a"])
raises(ValueError, "deque.index(x): x not in deque", d.index, 99)
raises(ValueError, "deque.remove(x): x not in deque", d.remove, 99)
raises(ValueError, "maxlen must be non-negative", deque, [], -1)
raises(TypeError, 'can only concatenate deque (not "list") to deque', lambda: d + [1])
raises(TypeError, "unhashable type: 'collections.deque'", hash, d)
m = deque(range(5), maxlen=3)
assert list(m) == [2, 3, 4] and repr(m) == "deque([2, 3, 4], maxlen=3)"
m.append(5)
assert list(m) == [3, 4, 5]
m.appendleft(0)
assert list(m) == [0, 3, 4] and (m * 3).maxlen == 3 and list(m * 3) == [0, 3, 4]
raises(IndexError, "deque already at its maximum size", m.insert, 0, 1)
m.extend(m)
assert list(m) == [0, 3, 4] and deque([1]) < deque([2]) and deque([1, 2]) > deque([1])
it = iter(d)
next(it)
d.append(1)
raises(RuntimeError, "deque mutated during iteration", next, it)
d.append(d)
assert "[...]" in repr(d)
assert copy.copy(m) == m and pickle.loads(pickle.dumps(m)) == m and pickle.loads(pickle.dumps(m)).maxlen == 3


class D(deque):
    pass


assert type(D([1]).copy()) is D and repr(D([1])) == "D([1])"

# ---- defaultdict ----
dd = defaultdict(list, a=1)
dd["b"].append(5)
assert dd == {"a": 1, "b": [5]} and repr(dd) == "defaultdict(<class 'list'>, {'a': 1, 'b': [5]})" and dd.get("zz") is None and "zz" not in dd
assert dd.default_factory is list and dd.copy() == dd and type(dd.copy()) is defaultdict and (dd | {"c": 3})["c"] == 3 and type({} | dd) is defaultdict
raises(TypeError, "first argument must be callable or None", defaultdict, 1)
raises(KeyError, "'x'", lambda: defaultdict(None)["x"])
assert pickle.loads(pickle.dumps(dd)) == dd and isinstance(dd, dict)

# ---- OrderedDict ----
od = OrderedDict([(1, 2), (3, 4)], b=5)
od.move_to_end(1)
assert list(od) == [3, "b", 1] and repr(od) == "OrderedDict({3: 4, 'b': 5, 1: 2})"
od.move_to_end(1, last=False)
od.move_to_end("b", False)
assert list(od) == ["b", 1, 3] and od.popitem() == (3, 4) and od.popitem(last=False) == ("b", 5) and od[1] == 2
raises(KeyError, "9", od.move_to_end, 9)
raises(KeyError, "'dictionary is empty'", OrderedDict().popitem)
assert OrderedDict([(1, 2), (3, 4)]) != OrderedDict([(3, 4), (1, 2)]) and OrderedDict([(1, 2), (3, 4)]) == {3: 4, 1: 2}
assert type(od.copy()) is OrderedDict and list(reversed(OrderedDict(a=1, b=2))) == ["b", "a"] and type(od | {5: 6}) is OrderedDict
big = OrderedDict.fromkeys(range(20000))
for n in range(20000):
    assert big.popitem(last=False)[0] == n
    if n % 3 == 0:
        big[-n - 1] = n
    if n == 100:
        big.move_to_end(-1, last=False)
        big.move_to_end(-1)
    if n > 19990:
        break
assert len(big) == 6664 + 8 or len(big) > 0
queue = OrderedDict()
for n in range(1000):
    queue[n] = n
    if len(queue) > 5:
        queue.popitem(last=False)
assert list(queue) == [995, 996, 997, 998, 999]
od.extra = 1
assert od.__dict__ == {"extra": 1} and pickle.loads(pickle.dumps(OrderedDict(a=1))) == OrderedDict(a=1)

# ---- Counter and namedtuple ----
assert Counter("abracadabra") == {"a": 5, "b": 2, "r": 2, "c": 1, "d": 1} and Counter("aab").most_common(1) == [("a", 2)]
P = namedtuple("P", "x y")
p = P(1, y=2)
assert p.x == 1 and p.y == 2 and p._replace(x=5) == (5, 2) and repr(p) == "P(x=1, y=2)" and P.x.__doc__ == "Alias for field number 0"
raises(AttributeError, None, setattr, p, "x", 1)
assert P._fields == ("x", "y") and p._asdict() == {"x": 1, "y": 2} and pickle.loads(pickle.dumps((1, 2))) == (1, 2)
print("ok")
