# Comparisons, keys and destructors that change the very list that is being sorted. While it is sorted the list is empty to everybody
# else; whatever happens, each element is there once at the end.
class Lt:
    def __init__(self, n, action): self.n, self.action = n, action
    def __lt__(self, other):
        self.action()
        return self.n < other.n
lengths = []
row = [Lt(i % 3, lambda: lengths.append(len(row))) for i in range(10)]
row.sort()
assert set(lengths) == {0} and [x.n for x in row] == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2]
row = [Lt(i, lambda: row.append(1)) for i in range(3)]
try:
    row.sort()
    assert False
except ValueError as error:
    assert str(error) == "list modified during sort"
assert len(row) == 3
row = [Lt(i, lambda: row.clear()) for i in range(3)]
row.sort()
assert len(row) == 3
def boom(): raise ZeroDivisionError
row = [Lt(3 - i, boom) for i in range(3)]
try: row.sort()
except ZeroDivisionError: pass
assert sorted(x.n for x in row) == [1, 2, 3]
row = [3, 1, 2]
def key(x):
    assert row == []
    return x
row.sort(key=key)
assert row == [1, 2, 3]
def bad_key(x):
    row.append(9)
    return x
try:
    row.sort(key=bad_key)
    assert False
except ValueError:
    pass
assert row == [1, 2, 3]
def failing(x): raise KeyError
try: row.sort(key=failing)
except KeyError: pass
assert row == [1, 2, 3]
class Rogue:
    def __lt__(self, other): return True
row = [Rogue() for _ in range(200)]
row.sort()
assert len(set(map(id, row))) == 200
import random
random.seed(5)
class Coin:
    def __lt__(self, other): return random.random() < 0.5
row = [Coin() for _ in range(500)]
row.sort(); row.sort(reverse=True)
assert len(set(map(id, row))) == 500

# min, max, sorted and merging take the same care
row = [Lt(i, lambda: row.clear()) for i in range(5)]
assert max(row).n in range(5) and row == []
row = [Lt(i, lambda: row.append(0)) for i in range(3)]
assert [x.n for x in sorted(row)] == [0, 1, 2]

# elements that die while they are compared
class Dying:
    def __init__(self, n): self.n = n
    def __lt__(self, other):
        other.victims.clear()
        return self.n < other.n
    def __del__(self): deaths.append(self.n)
deaths = []
row = [Dying(i) for i in range(50)]
Dying.victims = row
row.sort(reverse=True)
assert [x.n for x in row] == list(range(49, -1, -1)) and deaths == []
row.clear()
assert sorted(deaths) == list(range(50))

# the comparison changes its own class, so that the specialised comparison is no longer the right one
class Fickle:
    calls = 0
    def __init__(self, n): self.n = n
    def __lt__(self, other):
        Fickle.calls += 1
        if Fickle.calls == 5: Fickle.__lt__ = lambda self, other: self.n > other.n
        return self.n < other.n
row = [Fickle(i) for i in range(40)]
row.sort()
assert sorted(x.n for x in row) == list(range(40))
class Number(int):
    def __lt__(self, other):
        if Number.__lt__ is not int.__lt__: del Number.__lt__
        return int(self) < int(other)
row = [Number(i * 7 % 11) for i in range(11)]
row.sort()
assert row == list(range(11))

# elements become something else in the middle
class A:
    def __init__(self, n): self.n = n
    def __lt__(self, other):
        other.__class__ = B
        return self.n < other.n
class B(A):
    def __lt__(self, other): raise TypeError("became B")
row = [A(3), A(2), A(1), A(0)]
try: row.sort()
except TypeError as error: assert str(error) == "became B"
assert sorted(x.n for x in row) == [0, 1, 2, 3]

# the key function changes the list, frees what it got, or sorts again
row = [[3], [1], [2]]
def sort_again(x):
    row.sort()
    return x[0]
row.sort(key=sort_again)
assert row == [[1], [2], [3]]
class KeyDies:
    def __init__(self, n): self.n = n
    def __lt__(self, other):
        keys.clear()
        return self.n < other.n
keys = []
def remember(x):
    keys.append(KeyDies(x))
    return keys[-1]
row = list(range(20, 0, -1))
row.sort(key=remember)
assert row == list(range(1, 21))

# a truth value that raises, and one that meddles
class Truth:
    def __init__(self, action): self.action = action
    def __bool__(self):
        self.action()
        return True
class Odd:
    def __init__(self, action): self.action = action
    def __lt__(self, other): return Truth(self.action)
row = [Odd(boom) for _ in range(4)]
try: row.sort()
except ZeroDivisionError: pass
assert len(row) == 4
row = [Odd(lambda: row.extend([1, 2])) for _ in range(4)]
try: row.sort()
except ValueError as error: assert str(error) == "list modified during sort"
assert len(row) == 4

# numbers in raw storage, and a key that makes them something else
row = [2.5, 1.5, 0.5] * 10
class Rich(float):
    def __lt__(self, other):
        row.append("x")
        return float(self) < float(other)
try:
    row.sort(key=Rich)
    assert False
except ValueError as error:
    assert str(error) == "list modified during sort"
assert row == [0.5] * 10 + [1.5] * 10 + [2.5] * 10
