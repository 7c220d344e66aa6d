"""Races: threads that use the same containers, classes, closures, generators at the same time lose nothing that Python promises to
keep. `thread_races.py THREADS STEPS SECONDS` goes on for so long.
"""

import collections
import gc
import heapq
import queue
import random
import sys
import threading
import time
import weakref

THREADS, STEPS, SECONDS = (int(text) for text in (*sys.argv[1:], "3", "150", "0")[:3]) if len(sys.argv) > 3 else (3, 150, 0)


def gang(*functions):
    """Runs functions at the same time, each in a thread of its own; passes on what they raise."""
    barrier = threading.Barrier(len(functions))
    errors = []

    def run(function):
        barrier.wait()
        try:
            function()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def each(function):
    """Runs function(number) in as many threads as there are to be."""
    gang(*[lambda number=number: function(number) for number in range(THREADS)])


def lists():
    row = []
    each(lambda own: [row.append((own, step)) for step in range(STEPS)])
    assert sorted(row) == [(own, step) for own in range(THREADS) for step in range(STEPS)]

    taken = []

    def take(own):
        while True:
            try:
                taken.append(row.pop())
            except IndexError:
                return

    each(take)
    assert len(taken) == len(set(taken)) == THREADS * STEPS and row == []

    mixed = []

    def mix(own):
        for step in range(STEPS):
            mixed.append(step)
            mixed.append(float(step))
            mixed.append(str(step))
            mixed.append([step])
            try:
                assert type(mixed[step % 7]) in (int, float, str, list)
                mixed[step % 5] = step * 1.5
                mixed.pop(step % 3)
                mixed.insert(step % 4, own)
            except IndexError:
                pass
            if step % 50 == 0:
                mixed.reverse()
                mixed[:] = mixed[:20]
                mixed.copy().sort(key=repr)
                for item in mixed[:5]:
                    str(item)
                del mixed[10:]

    each(mix)

    numbers = [1.5] * 50

    def shrink_and_grow(own):
        for step in range(STEPS):
            numbers.clear()
            numbers.extend([2.5] * 20 if step % 2 else ["text"] * 20)
            for index in (0, 5, -1):
                try:
                    assert numbers[index] in (2.5, "text")
                except IndexError:
                    pass

    each(shrink_and_grow)


def dicts():
    table = {}

    def write(own):
        for step in range(STEPS):
            table[own, step] = step
            table[f"name{step % 50}"] = own
            table[step] = step

    each(write)
    assert len(table) == THREADS * STEPS + STEPS + min(50, STEPS)
    assert all(table[own, step] == step for own in range(THREADS) for step in range(STEPS))

    popped = []
    each(lambda own: popped.extend(x for x in (table.pop((own, step), None) for step in range(STEPS)) if x is not None))
    assert len(popped) == THREADS * STEPS

    firsts = {}
    winners = []
    each(lambda own: winners.append([firsts.setdefault(step, [own, step]) for step in range(STEPS)]))
    assert all(row[step] is winners[0][step] for row in winners for step in range(STEPS))

    busy = {}

    def change(own):
        chance = random.Random(own)
        for step in range(STEPS):
            key = chance.randrange(40)
            busy[key] = [key]
            found = busy.get(key)
            assert found is None or found == [key]
            busy[str(key)] = key
            assert busy.get(str(key), key) == key
            busy.pop(chance.randrange(40), None)
            if step % 40 == 0:
                assert all(value == [key] or value == int(key) for key, value in busy.copy().items())
            if step % 90 == 0:
                busy.clear()

    each(change)


def sets_deques_heaps():
    members = set()

    def add(own):
        for step in range(STEPS):
            members.add((own, step))
            members.add(step % 30)
            members.discard((step * 7) % 30)
            assert (own, step) in members

    each(add)
    assert len([item for item in members if type(item) is tuple]) == THREADS * STEPS

    ends = collections.deque()

    def push(own):
        for step in range(STEPS):
            ends.append(step)
            ends.appendleft(step)
            ends.pop()
            ends.append((own, step))

    each(push)
    assert len(ends) == 2 * THREADS * STEPS

    heap = []
    each(lambda own: [heapq.heappush(heap, own * STEPS + step) for step in range(STEPS)])
    drawn = []
    each(lambda own: drawn.append([heapq.heappop(heap) for step in range(STEPS)]))
    assert heap == [] and sorted(x for row in drawn for x in row) == list(range(THREADS * STEPS))
    assert all(row == sorted(row) for row in drawn)

    for line in (queue.SimpleQueue(), queue.Queue()):
        got = []
        each(lambda own: ([line.put((own, step)) for step in range(STEPS)], got.extend(line.get() for step in range(STEPS))))
        assert len(set(got)) == THREADS * STEPS


class Thing:
    pass


class Slotted:
    __slots__ = ("a", "b")


def attributes():
    thing, slotted = Thing(), Slotted()

    def use(own):
        for step in range(STEPS):
            setattr(thing, f"x{step % 20}", [own, step])
            thing.y = [step]
            slotted.a = [own]
            for name in ("x3", "y", "x19"):
                assert type(getattr(thing, name, [])) is list
            assert len(slotted.a) == 1
            if step % 30 == 0:
                for name in ("y", "x19"):
                    try:
                        delattr(thing, name)
                    except AttributeError:
                        pass
            if step % 70 == 0:
                assert thing.__dict__ is vars(thing)
            other = Thing()
            other.p, other.q, other.me = 1, [2], other
            assert (other.p, other.q, other.me) == (1, [2], other)

    each(use)


class Base:
    value = 0

    def method(self):
        return 1


class Derived(Base):
    pass


class Sibling(Base):
    def method(self):
        return 2


def classes():
    things = [Derived() for _ in range(10)]

    def use():
        for step in range(STEPS * 2):
            thing = things[step % 10]
            assert thing.method() in (1, 2, 3)
            assert type(thing.value) is int and type(Derived.value) is int
            assert type(thing) in (Derived, Sibling)

    def change():
        for step in range(STEPS // 3):
            Base.value = step
            Base.method = (lambda answer: lambda self: answer)(step % 3 + 1)
            Derived.__len__ = lambda self: 3
            assert len(things[0]) == 3 if type(things[0]) is Derived else True
            del Derived.__len__
            things[step % 10].__class__ = (Sibling, Derived)[step % 2]

    gang(change, *[use] * max(1, THREADS - 1))


def closures_and_generators():
    def counter():
        count = 0

        def add():
            nonlocal count
            count += 1
            return count

        return add

    add = counter()
    each(lambda own: [add() for _ in range(STEPS)])
    assert 0 < add() <= THREADS * STEPS + 1

    def numbers():
        yield from range(STEPS)

    source, got = numbers(), []

    def draw(own):
        while True:
            try:
                got.append(next(source))
            except ValueError:
                time.sleep(0)
            except StopIteration:
                return

    each(draw)
    assert sorted(got) == list(range(STEPS))

    # Begun by one thread, ended by others.
    begun = [numbers() for _ in range(THREADS)]
    assert [next(one) for one in begun] == [0] * THREADS
    rest = []
    each(lambda own: rest.append(list(begun[own])))
    assert rest == [list(range(1, STEPS))] * THREADS


def ends():
    ended = []

    class Mortal:
        def __init__(self, name):
            self.name = name

        def __del__(self):
            ended.append(self.name)

    # Made by one thread, given up by another.
    line = queue.SimpleQueue()

    def give(own):
        for step in range(STEPS):
            line.put(Mortal((own, step)))
            line.get()

    each(give)
    gc.collect()
    assert sorted(ended) == [(own, step) for own in range(THREADS) for step in range(STEPS)]

    # What a module names dies at once, though threads run.
    go, done = threading.Event(), threading.Event()
    globals()["mortal"] = Mortal("global")

    def forget():
        go.wait()
        ended.clear()
        del globals()["mortal"]
        done.set()

    thread = threading.Thread(target=forget)
    thread.start()
    go.set()
    done.wait()
    assert ended == ["global"]
    thread.join()

    # Cycles, weak references.
    def tangle(own):
        for step in range(STEPS):
            thing = Thing()
            thing.me, row = thing, [thing]
            row.append(row)
            reference = weakref.ref(thing)
            assert reference() is thing
            if step % 60 == 0:
                gc.collect()

    each(tangle)

    known = weakref.WeakValueDictionary()

    def meet(own):
        for step in range(STEPS):
            thing = Thing()
            thing.number = step % 10
            known[step % 10] = thing
            found = known.get((step + 1) % 10)
            assert found is None or found.number == (step + 1) % 10

    each(meet)


def texts():
    def make(own):
        text = ""
        for step in range(STEPS):
            text += str(step)
            assert sys.intern(f"word{step % 100}") is sys.intern(f"word{step % 100}")
        assert text == "".join(map(str, range(STEPS)))

    each(make)


def locks():
    total, lock, again = 0, threading.Lock(), threading.RLock()

    def count(own):
        nonlocal total
        for _ in range(STEPS):
            with lock, again, again:
                total += 1

    each(count)
    assert total == THREADS * STEPS


KINDS = [
    lists,
    dicts,
    sets_deques_heaps,
    attributes,
    classes,
    closures_and_generators,
    ends,
    texts,
    locks,
]

finish = time.monotonic() + SECONDS
rounds = 0
while True:
    for kind in KINDS:
        kind()
    rounds += 1
    if time.monotonic() >= finish:
        break
if SECONDS:
    gc.collect()
    print(f"{rounds} rounds, {len(gc.get_objects())} objects")
