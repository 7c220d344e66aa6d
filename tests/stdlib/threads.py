"""Threads: starting and joining, locks, thread-local data, ends of objects across threads, collections, forks."""

import _thread
import gc
import os
import queue
import signal
import sys
import threading
import time
import weakref


def raises(kind, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as error:
        return str(error)
    raise AssertionError(f"{kind.__name__} expected")


def run(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# ---- starting ----

done = []
started = threading.Event()
thread = threading.Thread(target=lambda a, b=0: done.append((a, b)), args=(1,), kwargs={"b": 2}, name="worker")
assert not thread.is_alive() and thread.ident is None
assert raises(RuntimeError, thread.join) == "cannot join thread before it is started"
thread.start()
thread.join()
assert done == [(1, 2)] and not thread.is_alive() and thread.ident
assert raises(RuntimeError, thread.start) == "threads can only be started once"
assert raises(RuntimeError, threading.current_thread().join) == "cannot join current thread"

_thread.start_new_thread(lambda *args, **kwargs: (done.append((args, kwargs)), started.set()), (1, 2), {"k": 3})
assert started.wait(10) and done[-1] == ((1, 2), {"k": 3})
assert raises(TypeError, _thread.start_new_thread, 1, ()) == "first arg must be callable"
assert raises(TypeError, _thread.start_new_thread, print, []) == "2nd arg must be a tuple"
assert raises(TypeError, _thread.start_new_thread, print, (), 1) == "optional 3rd arg must be a dictionary"
assert raises(TypeError, _thread.start_joinable_thread, 1) == "thread function must be callable"

handle = _thread.start_joinable_thread(lambda: None, daemon=False)
handle.join()
assert handle.is_done() and handle.ident
assert raises(RuntimeError, _thread._ThreadHandle().join) == "thread not started"

# ---- computing and waiting ----

LOOPS = 20_000
counter = 0
lock = threading.Lock()
items = []
table = {}


def count():
    global counter
    for i in range(LOOPS):
        with lock:
            counter += 1
        items.append(i)
        table[i] = threading.get_ident()


run(*[count] * 4)
assert counter == len(items) == 4 * LOOPS and len(table) == LOOPS

endless = True


def spin():
    while endless:
        pass


spinner = threading.Thread(target=spin)
spinner.start()
time.sleep(0.02)
endless = False  # reached although the other thread never waits
spinner.join()

before = time.monotonic()
run(*[lambda: time.sleep(0.1)] * 8)
assert time.monotonic() - before < 0.7

pipe_read, pipe_write = os.pipe()
received = []
reader = threading.Thread(target=lambda: received.append(os.read(pipe_read, 10)))
reader.start()
time.sleep(0.02)
os.write(pipe_write, b"text")
reader.join()
assert received == [b"text"]

channel = queue.SimpleQueue()
summed = []


def consume():
    total = 0
    while (item := channel.get()) is not None:
        total += item
    summed.append(total)


consumers = [threading.Thread(target=consume) for _ in range(3)]
for consumer in consumers:
    consumer.start()
for number in range(1000):
    channel.put(number)
for consumer in consumers:
    channel.put(None)
for consumer in consumers:
    consumer.join()
assert sum(summed) == sum(range(1000))

barrier = threading.Barrier(3)
order = []


def meet():
    barrier.wait()
    order.append("met")


run(meet, meet, meet)
assert order == ["met"] * 3

held = threading.Lock()
held.acquire()
assert not held.acquire(timeout=0.01)
threading.Timer(0.02, held.release).start()
assert held.acquire(timeout=10)

reentrant = threading.RLock()
with reentrant, reentrant:
    refused = []
    run(lambda: refused.append(reentrant.acquire(blocking=False)))
    assert refused == [False]

# ---- thread-local data ----

local = threading.local()
local.x = "main"
seen = []
gone = []


class Noted:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        gone.append(self.name)


def use_local():
    seen.append(hasattr(local, "x"))
    local.x = Noted("local")


run(use_local)
run(use_local)
assert seen == [False, False] and local.x == "main" and gone == ["local"] * 2

# ---- counts and ends ----

gone.clear()
holder = [Noted("made here")]
run(holder.clear)
assert gone == ["made here"]


def make():
    holder.append(Noted("made there"))


run(make)
assert gone == ["made here"]
reference = weakref.ref(holder[0], lambda _: gone.append("callback"))
holder.clear()
assert gone == ["made here", "made there", "callback"] and reference() is None


def cycles():
    for _ in range(100):
        node = Noted("node")
        node.me = node


gone.clear()
gc.collect()
run(cycles, cycles)
gc.collect()
assert gone.count("node") == 200

# ---- exceptions, frames, hooks ----

caught = []
threading.excepthook = lambda args: caught.append((args.exc_type, args.thread.name))
failing = threading.Thread(target=lambda: 1 / 0, name="failing")
failing.start()
failing.join()
leaving = threading.Thread(target=sys.exit)
leaving.start()
leaving.join()
assert caught == [(ZeroDivisionError, "failing"), (SystemExit, leaving.name)]
threading.excepthook = threading.__excepthook__

inside = threading.Event()
leave = threading.Event()


def wait_inside():
    inside.set()
    leave.wait()


waiter = threading.Thread(target=wait_inside)
waiter.start()
inside.wait()
frames = sys._current_frames()
names = set()
frame = frames[waiter.ident]
while frame:
    names.add(frame.f_code.co_name)
    frame = frame.f_back
assert "wait_inside" in names and threading.get_ident() in frames
assert _thread._count() >= 1 and threading.active_count() == 2
leave.set()
waiter.join()

calls = []
threading.setprofile(lambda frame, event, arg: calls.append(frame.f_code.co_name))
run(lambda: make())
threading.setprofile(None)
assert "make" in calls
holder.clear()

deep = []


def recurse(n):
    return n and recurse(n - 1)


def overflow():
    try:
        recurse(10**6)
    except RecursionError:
        deep.append(True)


run(overflow)
assert deep == [True]

# ---- signals and forks ----

signals = []
signal.signal(signal.SIGUSR1, lambda number, frame: signals.append(threading.current_thread().name))
run(lambda: os.kill(os.getpid(), signal.SIGUSR1))
assert signals == ["MainThread"]

signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored in background jobs
interrupted = False
try:
    threading.Timer(0.02, _thread.interrupt_main).start()
    for _ in range(500):
        time.sleep(0.01)
except KeyboardInterrupt:
    interrupted = True
assert interrupted


def fork_status(check):
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


statuses = []
run(lambda: statuses.append(fork_status(lambda: threading.current_thread() is threading.main_thread())))
assert statuses == [0], statuses
assert fork_status(lambda: threading.active_count() == 1) == 0


# ---- the end ----

threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
