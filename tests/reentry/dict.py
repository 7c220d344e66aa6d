# Keys whose __eq__ and __hash__ change the dict in which they are looked up.

class Key:
    """All keys collide; comparing runs an action."""
    def __init__(self, action=None, answer=False): self.action, self.answer = action, answer
    def __hash__(self): return 7
    def __eq__(self, other):
        if self.action and not getattr(self, "busy", False):
            self.busy = True
            try: self.action()
            finally: self.busy = False
        return self.answer or self is other

d = {}
def clear(): d.clear()
def grow():
    for i in range(50): d[i] = i
def shrink():
    for k in [k for k in list(d) if type(k) is int]: d.pop(k, None)
def replace():
    d.clear()
    d[Key()] = "other"

for action in (clear, grow, shrink, replace):
    for answer in (False, True):
        for operation in range(9):
            d = {Key(action, answer): 1, Key(action, answer): 2, "s": 3, 7: 4}
            probe = Key()
            try:
                if operation == 0: d[probe]
                elif operation == 1: d[probe] = 5
                elif operation == 2: del d[probe]
                elif operation == 3: probe in d
                elif operation == 4: d.setdefault(probe, 6)
                elif operation == 5: d.pop(probe)
                elif operation == 6: d.get(probe)
                elif operation == 7: d == {Key(): 1, Key(): 2, "s": 3, 7: 4}
                else: d.update({probe: 1, Key(): 2})
            except (KeyError, RuntimeError):
                pass
            assert len(d) == len(list(d)) == len(list(d.items()))
            for k in list(d): d.pop(k, None)

# a key that goes away while it is compared
d = {}
k = Key(lambda: d.pop(k, None) and None)
k.answer = False
d[k] = 1
assert d.get(Key()) is None

# hash with effects
class Hash:
    def __init__(self, action): self.action = action
    def __hash__(self):
        self.action()
        return 1
d = {1: "one"}
d[Hash(lambda: d.clear())] = 2
assert len(d) == 1
d = {1: "one"}
try: d[Hash(lambda: d.clear())]
except KeyError: pass
class Failing:
    def __hash__(self): raise ZeroDivisionError
try:
    d[Failing()]
    assert False
except ZeroDivisionError:
    pass
class Comparing:
    def __hash__(self): return 1
    def __eq__(self, other): raise ZeroDivisionError
d = {1: 2}
for operation in (lambda: d[Comparing()], lambda: Comparing() in d, lambda: d.pop(Comparing(), None), lambda: d.setdefault(Comparing(), 1)):
    try:
        operation()
        assert False
    except ZeroDivisionError:
        pass
assert d == {1: 2}

# destructors
class Del:
    def __init__(self, action): self.action = action
    def __del__(self): self.action()
d = {"a": Del(lambda: d.update(b=1))}
d["a"] = 5
assert d == {"a": 5, "b": 1}
d = {"a": Del(lambda: d.update(b=1))}
del d["a"]
assert d == {"b": 1}
d = {i: Del(lambda: d.__setitem__("x", 1)) for i in range(20)}
d.clear()
assert d == {"x": 1}
d = {"a": Del(lambda: d.clear())}
d.pop("a")
assert d == {}

# iteration and merging
class Source:
    def keys(self): return iter([1, 2, 3])
    def __getitem__(self, key):
        d.clear()
        return key
d = {9: 9}
d.update(Source())
assert d == {3: 3}
other = {}
other = {Key(lambda: other.clear()): 1, Key(lambda: other.clear()): 2}
d = {Key(): 0}
try: d.update(other)
except RuntimeError as error: assert str(error) == "dict mutated during update"
def pairs():
    d.clear()
    yield 1, 2
    d.clear()
    yield 3, 4
d = {5: 5}
d.update(pairs())
assert d == {3: 4}
class Repr:
    def __repr__(self):
        d.clear()
        return "r"
d = {1: Repr(), 2: 2}
assert repr(d) == "{1: r}"
class Value:
    def __eq__(self, other):
        d.clear()
        return True
d = {1: Value(), 2: Value()}
assert (d == {1: 1, 2: 2}) in (True, False)
d = {1: 1, 2: 2, 3: 3}
items = d.items()
assert not items.isdisjoint([(1, 1)])
d = {1: Value()}
assert (1, 5) in d.items() and d == {}

# views against sets
d = {Key(clear): 1, Key(clear): 2}
d.keys() & {Key(), Key()}
d = {Key(clear): 1, Key(clear): 2}
d.keys() == {Key(), Key()}

# removing all and adding while iterating backwards
d = dict.fromkeys(range(10))
it = reversed(d)
next(it)
for i in range(10): del d[i]
for i in range(10): d[i + 100] = 1
try: list(it)
except RuntimeError: pass
print("ok")
