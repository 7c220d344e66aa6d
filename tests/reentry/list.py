# Comparisons, conversions and destructors that change the very list that is being worked on. Nothing may crash; where the
# outcome is defined it must be the usual one.

class Eq:
    def __init__(self, action, answer=False): self.action, self.answer = action, answer
    def __eq__(self, other):
        self.action()
        return self.answer
    __hash__ = None

def victim(n=8):
    row = []
    return row

for answer in (False, True):
    for change in ("clear", "append", "replace", "pop"):
        def act():
            if change == "clear": row.clear()
            elif change == "append" and len(row) < 100: row.append(1)
            elif change == "replace": row[:] = [1.5] * 3
            elif change == "pop" and row: row.pop()
        for operation in ("in", "index", "count", "remove", "==", "<"):
            row = [Eq(act, answer), Eq(act, answer), 5, "x"]
            try:
                if operation == "in": 99 in row
                elif operation == "index": row.index(99)
                elif operation == "count": row.count(99)
                elif operation == "remove": row.remove(99)
                elif operation == "==": row == [1, 2, 3, 4]
                else: row < [1, 2, 3, 4]
            except (ValueError, TypeError, IndexError):
                pass

row = [Eq(lambda: row.clear(), True)]
row.remove(5)
assert row == []

# destructors
class Del:
    def __init__(self, action): self.action = action
    def __del__(self): self.action()
row = [Del(lambda: row.append(1)), Del(lambda: row.clear())]
row.clear()
row = [Del(lambda: row.append("late"))]
row[0] = 5
assert row == [5, "late"]
row = [Del(lambda: row.clear()), 1, 2, 3]
row[0:2] = ["a"]
assert row == []
row = [1, Del(lambda: row.insert(0, "new")), 2]
del row[1]
assert row == ["new", 1, 2]
row = [1, Del(lambda: row.insert(0, "new")), 2]
row.pop(1)
assert row == ["new", 1, 2]
row = [Del(lambda: row.extend([1, 2])) for _ in range(5)]
del row[::2]
assert len(row) == 8 and row.count(1) == 3
row = [Del(lambda: row.append(0))]
row *= 0
assert row == [0]
row = [Del(lambda: row.append(0))]
row.__init__([7])
assert 0 in row

# iterables that change the target
row = [1, 2]
def generator():
    for i in range(3):
        row.append("g")
        yield i
row.extend(generator())
assert row == [1, 2, "g", 0, "g", 1, "g", 2]
row = [1, 2, 3, 4]
def shrink():
    row.clear()
    yield 9
row[1:3] = shrink()
assert row == [9]
row = [1, 2, 3]
def once():
    if len(row) < 10: row.append(len(row))
    yield from ()
row[::2] = list(once()) + [7, 7] if False else [7] * 2
assert row == [7, 2, 7]

class Index:
    def __init__(self, i, action): self.i, self.action = i, action
    def __index__(self):
        self.action()
        return self.i
row = [1, 2, 3]
try: row[Index(2, lambda: row.clear())]
except IndexError: pass
row = [1, 2, 3]
assert row[Index(0, lambda: row.clear()):] == []
row = [1, 2, 3, 4]
row[Index(0, lambda: row.clear()):3] = [5]
assert row == [5]
row = [1, 2, 3, 4]
del row[Index(0, lambda: row.pop())::2]
assert row == [2]
row = [1, 2, 3]
row.insert(Index(100, lambda: row.clear()), "x")
assert row == ["x"]
row = [1, 2, 3]
try: row.pop(Index(2, lambda: row.clear()))
except IndexError: pass
row = [1, 2]
row * Index(2, lambda: row.clear()) == []
row = [1, 2, 3]
assert [x for x in row if not row.clear()] == [1]

# repr
class Repr:
    def __init__(self, action): self.action = action
    def __repr__(self):
        self.action()
        return "r"
row = [Repr(lambda: row.clear()), 1, 2]
assert repr(row) == "[r]"
row = [Repr(lambda: row.append(1) if len(row) < 3 else None)]
assert repr(row) == "[r, 1, 1]" or repr(row).startswith("[r")

# iterators
row = [1, 2, 3]
it = iter(row)
next(it); row.clear()
assert list(it) == []
it = reversed(row := [1, 2, 3])
row.clear()
assert list(it) == [] and it.__length_hint__() == 0
class Truth:
    def __init__(self, action): self.action = action
    def __bool__(self):
        self.action()
        return False
class EqTruth:
    def __eq__(self, other): return Truth(row.clear)
row = [EqTruth(), EqTruth()]
assert 5 not in row
print("ok")
