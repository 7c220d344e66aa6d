# Elements whose __eq__ and __hash__ change the set in which they are looked up.

class Key:
    def __init__(self, action=None, answer=False): self.action, self.answer = action, answer
    def __hash__(self): return 7
    def __eq__(self, other):
        if self.action and not getattr(self, "busy", False):
            self.busy = True
            try: self.action()
            finally: self.busy = False
        return self.answer or self is other

s = set()
def clear(): s.clear()
def grow(): s.update(range(100))
def replace():
    s.clear()
    s.add(Key())

for action in (clear, grow, replace):
    for answer in (False, True):
        for operation in range(14):
            s = {Key(action, answer), Key(action, answer), 7, "s"}
            t = {Key(), Key(), 7}
            probe = Key()
            try:
                if operation == 0: probe in s
                elif operation == 1: s.add(probe)
                elif operation == 2: s.remove(probe)
                elif operation == 3: s.discard(probe)
                elif operation == 4: s | t
                elif operation == 5: s & t
                elif operation == 6: s - t
                elif operation == 7: s ^ t
                elif operation == 8: s |= t
                elif operation == 9: s &= t
                elif operation == 10: s -= t
                elif operation == 11: s ^= t
                elif operation == 12: s == t
                else: t <= s, s <= t, s.isdisjoint(t), t.isdisjoint(s)
            except (KeyError, RuntimeError):
                pass
            assert len(s) == len(list(s))
            while s: s.pop()

class Hash:
    def __hash__(self):
        s.clear()
        return 1
s = {1, 2}
s.add(Hash())
assert len(s) == 1
class Del:
    def __init__(self, action): self.action = action
    def __del__(self): self.action()
s = {Del(lambda: s.add(5))}
s.clear()
assert s == {5}
s = {Del(lambda: s.add(5))}
s.pop()
assert s == {5}
def generator():
    s.clear()
    yield 1
    s.clear()
    yield 2
s = {9}
s.update(generator())
assert s == {2}
s = {1, 2, 3}
s.difference_update(x for x in (s.clear(), 1))
assert s == set()
s = {1, 2, 3}
s.intersection_update(x for x in (1, s.clear() or 2))
s.symmetric_difference_update(x for x in (1, s.clear() or 2))
class Repr:
    def __repr__(self):
        s.clear()
        return "r"
s = {Repr()}
assert repr(s) == "{r}" and s == set()
class Comparing:
    def __hash__(self): return 1
    def __eq__(self, other): raise ZeroDivisionError
s = {1}
for operation in (lambda: s.add(Comparing()), lambda: Comparing() in s, lambda: s.discard(Comparing())):
    try:
        operation()
        assert False
    except ZeroDivisionError:
        pass
assert s == {1}
print("ok")
