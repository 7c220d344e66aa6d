# Iterators that are stepped, exhausted or dropped by the very code they call.

it = map(lambda x: next(it, None), iter(range(10)))
assert list(it) == [None] * 5 or True
def step(*args): return next(it, 0)
it = map(step, [1, 2, 3, 4])
list(it)
it = filter(lambda x: next(it, 0) or True, [1, 2, 3, 4, 5])
list(it)
class Source:
    def __iter__(self): return self
    def __next__(self): return next(it)
it = iter([])
it = zip(Source(), [1, 2])
try: next(it)
except (RecursionError, StopIteration): pass
it = enumerate(Source())
try: next(it)
except (RecursionError, StopIteration): pass

class Sequence:
    def __len__(self): return 5
    def __getitem__(self, i):
        if i == 2:
            for _ in it: pass
        return i
it = iter(Sequence())
try: list(it)
except (RecursionError, IndexError): pass

calls = []
def call():
    calls.append(1)
    if len(calls) == 2: list(it)
    return len(calls) if len(calls) < 5 else 99
it = iter(call, 99)
list(it)
assert list(it) == []

class Eq:
    def __eq__(self, other):
        list(it)
        return False
results = [Eq(), 1, 2]
it = iter(lambda: results.pop() if results else 0, 0)
list(it)

row = [1, 2, 3]
it = iter(row)
for x in it:
    it.__setstate__(100)
assert list(it) == []
it = iter([1, 2, 3])
it.__setstate__(-5)
assert list(it) == []

class Evil(list):
    def __iter__(self): raise ZeroDivisionError
    def __len__(self): return 10**6
assert list.__len__(Evil([1])) == 1
try:
    list(Evil([1]))
    assert False
except ZeroDivisionError:
    pass
class Hint:
    def __iter__(self): return iter([1, 2])
    def __length_hint__(self): return 2**40
try: assert list(Hint()) == [1, 2]
except MemoryError: pass
class BadHint:
    def __iter__(self): return iter([1])
    def __length_hint__(self): return -1
try:
    list(BadHint())
    assert False
except ValueError as error:
    assert str(error) == "__length_hint__() should return >= 0"
print("ok")
