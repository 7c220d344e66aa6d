"""How much faster two threads are than one, for one kind of work after another.

    taipan benches/threads/scaling.py [--threads N] [--rounds R] [--only NAME ...]

Each kind of work is done N times by the main thread while there is no other one, and then by N threads, once each. The speed-up is
the best time of the first over the best time of the second: N is perfect, 1 is what a global lock gives. Work is done on data that
the threads share only where the name says so.
"""

import argparse
import queue
import threading
import time

SCALE = 1.5
TABLE = {n: n * 2 for n in range(500)}
NAMES = {f"name{n}": n for n in range(200)}
KEYS = list(NAMES)
ROW = [n * 0.5 for n in range(500)]
WORDS = [f"word{n}" for n in range(500)]


def private_list(n):
    """A list of floats of its own, read and written."""
    row = [float(i) for i in range(200)]
    total = 0.0
    for _ in range(n // 100):
        for i in range(200):
            total += row[i] * 1.5
            row[i] = total * 0.001
    return total


def private_dict(n):
    """A dict of its own."""
    table = {}
    for i in range(n):
        table[i % 1000] = i
        table[(i * 7) % 1000] = table.get(i % 500, 0) + 1
    return len(table)


def helper(a, b):
    return a * b + 1


def shared_function(n):
    """Calls of a function of the module."""
    total = 0
    for i in range(n):
        total += helper(i, 3)
    return total


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def moved(self, by):
        return self.x + self.y + by


def shared_class(n):
    """Instances of a class of the module, their attributes."""
    total = 0
    for i in range(n):
        p = Point(i, 2)
        p.x += 1
        total += p.x + p.y
    return total


def method_calls(n):
    """Methods of an object of its own."""
    p = Point(1, 2)
    total = 0
    for i in range(n):
        total += p.moved(i)
    return total


def module_constant(n):
    """A constant of the module."""
    total = 0.0
    for i in range(n):
        total += SCALE * i - SCALE
    return total


def text_constant(n):
    """A text in the code that threads share."""
    count = 0
    for i in range(n):
        if "abc" == ("abd" if i & 1 else "abc"):
            count += 1
    return count


def make_adder(step):
    total = 0

    def add(i):
        nonlocal total
        total += i * step
        return total

    return add


def closures(n):
    """A closure of its own."""
    add = make_adder(3)
    total = 0
    for i in range(n):
        total = add(i)
    return total


def shared_dict_reads(n):
    """Items of one dict for all, by number."""
    table = TABLE
    total = 0
    for i in range(n):
        total += table[i % 500]
    return total


def shared_dict_reads_by_name(n):
    """Items of one dict for all, by text."""
    table = NAMES
    total = 0
    for _ in range(n // 200):
        for key in KEYS:
            total += table[key]
    return total


def shared_list_reads(n):
    """Items of one list of floats for all."""
    row = ROW
    total = 0.0
    for i in range(n):
        total += row[i % 500]
    return total


def shared_object_reads(n):
    """Items of one list of texts for all."""
    row = WORDS
    total = 0
    for i in range(n):
        total += len(row[i % 500])
    return total


def object_creation(n):
    """Small objects, lists, tuples, dicts."""
    kept = []
    for i in range(n // 4):
        kept = [Point(i, i), (i, i), [i], {"a": i}, kept[:1]]
    return len(kept)


def numbers_up_to(n):
    i = 0
    while i < n:
        yield i
        i += 1


def generators(n):
    """A generator of its own."""
    total = 0
    for i in numbers_up_to(n):
        total += i
    return total


def comprehensions(n):
    """List and dict comprehensions."""
    total = 0
    for i in range(n // 100):
        total += len([x * i for x in range(60)]) + len({x: i for x in range(40)})
    return total


def strings(n):
    """Texts that are made, joined and split."""
    total = 0
    for i in range(n // 20):
        text = ",".join([str(i), "b", "c", str(i + 1)])
        total += len(text.split(",")) + len(f"{i}-{i}")
    return total


def exceptions(n):
    """Exceptions raised and caught."""
    total = 0
    for i in range(n // 10):
        try:
            raise ValueError(i)
        except ValueError:
            total += 1
    return total


def locks(n):
    """A lock of its own."""
    lock = threading.Lock()
    total = 0
    for i in range(n // 2):
        with lock:
            total += i
    return total


def queues(n):
    """A queue of its own."""
    q = queue.SimpleQueue()
    total = 0
    for i in range(n // 2):
        q.put(i)
        total += q.get()
    return total


def sorting(n):
    """Lists of its own, sorted by a key function."""
    total = 0
    for i in range(n // 300):
        row = [(x * 7919) % 101 for x in range(100)]
        row.sort(key=lambda x: -x)
        total += row[0]
    return total


KINDS = [
    private_list,
    private_dict,
    shared_function,
    shared_class,
    method_calls,
    module_constant,
    text_constant,
    closures,
    shared_dict_reads,
    shared_dict_reads_by_name,
    shared_list_reads,
    shared_object_reads,
    object_creation,
    generators,
    comprehensions,
    strings,
    exceptions,
    locks,
    queues,
    sorting,
]


def in_threads(work, n, threads):
    """Seconds that threads need to do the work once each; and their answers."""
    answers = []
    barrier = threading.Barrier(threads + 1)

    def run():
        barrier.wait()
        answers.append(work(n))

    team = [threading.Thread(target=run) for _ in range(threads)]
    for thread in team:
        thread.start()
    barrier.wait()
    started = time.perf_counter()
    for thread in team:
        thread.join()
    return time.perf_counter() - started, answers


def one_after_another(work, n, times):
    started = time.perf_counter()
    answers = [work(n) for _ in range(times)]
    return time.perf_counter() - started, answers


def enough(work, seconds):
    """How much of the work takes about so long."""
    n = 2000
    while True:
        spent, _ = one_after_another(work, n, 1)
        if spent > seconds / 4:
            return max(2000, int(n * seconds / spent))
        n *= 4


def shared_writes(threads, n):
    """Seconds for `n` writes to one dict by one thread, and by several, each to keys of its own; nothing may be lost."""

    def write(table, first, count):
        for i in range(count):
            table[first + i] = i

    table = {}
    started = time.perf_counter()
    write(table, 0, n)
    alone = time.perf_counter() - started
    shared = {}
    share = n // threads
    barrier = threading.Barrier(threads + 1)

    def run(first):
        barrier.wait()
        write(shared, first, share)

    team = [threading.Thread(target=run, args=(i * share,)) for i in range(threads)]
    for thread in team:
        thread.start()
    barrier.wait()
    started = time.perf_counter()
    for thread in team:
        thread.join()
    together = time.perf_counter() - started
    if len(shared) != share * threads or any(shared[i] != i % share for i in range(share * threads)):
        raise SystemExit("a write to the shared dict was lost")
    return alone, together


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    worst = None
    for work in KINDS:
        if options.only and work.__name__ not in options.only:
            continue
        n = enough(work, options.seconds)
        serial, parallel = [], []
        for _ in range(options.rounds):
            spent, expected = one_after_another(work, n, options.threads)
            serial.append(spent)
            spent, answers = in_threads(work, n, options.threads)
            parallel.append(spent)
            if answers != expected:
                raise SystemExit(f"{work.__name__}: other answers in threads")
        ratio = min(serial) / min(parallel)
        worst = ratio if worst is None else min(worst, ratio)
        print(f"{work.__name__:28} {ratio:5.2f}", flush=True)
    if not options.only or "shared_writes" in options.only:
        pairs = [shared_writes(options.threads, 300_000) for _ in range(options.rounds)]
        alone, together = min(a for a, _ in pairs), min(t for _, t in pairs)
        print(f"{'writes to one dict':28} {alone / together:5.2f}")
    if worst is not None:
        print(f"{'worst':28} {worst:5.2f}")


main()
