"""Processes that work together: shared semaphores, multiprocessing with each way of starting, concurrent.futures, forks among threads."""

import _imp
import _multiprocessing
import concurrent.futures
import multiprocessing
import multiprocessing.connection
import multiprocessing.shared_memory
import os
import pickle
import signal
import socket
import sys
import threading
import time
import warnings

SemLock = _multiprocessing.SemLock


def raises(kind, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as error:
        return str(error)
    raise AssertionError(f"{kind.__name__} expected")


def in_child(function):
    """Runs function in the child of a fork; true if it gives True there."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = 0 if function() is True else 2
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


# ---- _multiprocessing ----


def semaphores():
    name = f"/taipan-test-{os.getpid()}"
    assert _multiprocessing.flags == {"HAVE_SEM_OPEN": 1, "HAVE_SEM_TIMEDWAIT": 1}
    assert SemLock.SEM_VALUE_MAX == 2**31 - 1
    assert raises(ValueError, SemLock, 2, 1, 1, name, True) == "unrecognized kind"
    assert raises(ValueError, SemLock, 0, 1, 1, "/a\0", True) == "embedded null character"
    assert "must be str, not int" in raises(TypeError, SemLock, 0, 1, 1, 3, True)
    assert raises(OverflowError, SemLock, 0, 1, 1 << 40, name, True)
    assert raises(TypeError, SemLock, 0, 1, 1, name)
    raises(OSError, SemLock, 1, -1, 1, name, True)
    raises(FileNotFoundError, _multiprocessing.sem_unlink, name)

    # A semaphore.
    lock = SemLock(1, 1, 2, name, True)
    assert (lock.kind, lock.maxvalue, lock.name) == (1, 2, None) and lock.handle > 0
    raises(AttributeError, setattr, lock, "kind", 0)
    assert lock.acquire() and lock._count() == 1 and lock._is_mine() and lock._is_zero()
    assert not lock.acquire(False) and not lock.acquire(True, 0.01) and not lock.acquire(timeout=-5)
    raises(OSError, lock.acquire, True, float("nan"))
    raises(OSError, lock.acquire, True, 1e300)
    raises(TypeError, lock.acquire, timeout="x")
    lock.release()
    lock.release()
    assert lock._get_value() == 2 and lock._count() == -1 and not lock._is_mine()
    assert raises(ValueError, lock.release) == "semaphore or lock released too many times"

    # A lock that its thread may take again.
    lock = SemLock(0, 1, 1, name, True)
    message = "attempt to release recursive lock not owned by thread"
    assert raises(AssertionError, lock.release) == message
    with lock as taken, lock:
        assert taken is True and lock._count() == 2 and lock._get_value() == 0
        answers = []
        thread = threading.Thread(target=lambda: answers.extend([lock.acquire(False), lock._is_mine()]))
        thread.start()
        thread.join()
        assert answers == [False, False]
    assert lock._count() == 0 and lock._get_value() == 1
    assert raises(TypeError, lock.__exit__, 1, 2, 3, 4)

    # One that another process finds by its name.
    lock = SemLock(1, 0, 5, name, False)
    assert lock.name == name
    raises(FileExistsError, SemLock, 1, 0, 5, name, False)

    class Sub(SemLock):
        pass

    again = Sub._rebuild(lock.handle, 1, 5, name)
    assert type(again) is Sub and again.name == name and again.maxvalue == 5
    again.release()
    assert lock._get_value() == 1
    _multiprocessing.sem_unlink(name)
    raises(FileNotFoundError, SemLock._rebuild, 0, 1, 1, name)
    same = SemLock._rebuild(lock.handle, 1, 5, None)
    assert same.handle == lock.handle and same._get_value() == 1
    if sys.implementation.name == "taipan":
        for number in (0, 5, -1, 1 << 70):
            raises(OSError, SemLock._rebuild, number, 1, 1, None)

    # Children of forks have it.
    assert in_child(lambda: lock.acquire(False) and lock._after_fork() is None and lock._count() == 0)
    assert lock._get_value() == 0

    # A thread that waits lets others run; a signal's handler runs while the main thread waits.
    thread = threading.Timer(0.05, lock.release)
    thread.start()
    assert lock.acquire(timeout=30)
    thread.join()

    def handler(number, frame):
        raise KeyError("signal")

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    assert raises(KeyError, lock.acquire) == "'signal'"
    signal.signal(signal.SIGALRM, before)


# ---- what runs in other processes ----


def square(number):
    return number * number


def fail(number):
    raise ValueError(f"no {number}")


def work(queue, lock, event, condition):
    event.wait()
    with lock:
        queue.put((os.getpid(), multiprocessing.current_process().name))
    with condition:
        condition.notify()
    sys.exit(3)


def remember(value):
    global remembered
    remembered = value


def recall(number):
    return remembered + number


def fill(name):
    memory = multiprocessing.shared_memory.SharedMemory(name)
    memory.buf[:3] = b"abc"
    memory.close()


def answer(connection):
    connection.send([connection.recv(), os.getpid()])
    connection.send_bytes(b"x" * 100_000)
    connection.close()


def start_method(method):
    context = multiprocessing.get_context(method)

    queue, lock = context.Queue(), context.Lock()
    event, condition = context.Event(), context.Condition()
    processes = [context.Process(target=work, args=(queue, lock, event, condition), name=f"P{i}") for i in range(2)]
    assert processes[0].exitcode is None
    with condition:
        for process in processes:
            process.start()
        event.set()
        condition.wait(30)
    got = sorted(queue.get() for _ in processes)
    assert got == sorted((process.pid, process.name) for process in processes)
    for process in processes:
        process.join()
        assert process.exitcode == 3 and not process.is_alive()
    queue.close()
    queue.join_thread()

    with context.Pool(2, remember, (100,)) as pool:
        assert pool.map(square, range(50)) == [n * n for n in range(50)]
        assert sorted(pool.imap_unordered(recall, range(4))) == [100, 101, 102, 103]
        assert raises(ValueError, pool.apply, fail, (7,)) == "no 7"
        assert pool.starmap_async(pow, [(2, 3), (3, 2)]).get(30) == [8, 9]

    ours, theirs = context.Pipe()
    process = context.Process(target=answer, args=(theirs,))
    process.start()
    theirs.close()
    ours.send({"a": 1})
    assert multiprocessing.connection.wait([ours], 30) == [ours]
    assert ours.recv() == [{"a": 1}, process.pid]
    assert ours.recv_bytes() == b"x" * 100_000
    raises(EOFError, ours.recv)
    process.join()

    process = context.Process(target=time.sleep, args=(100,))
    process.start()
    process.terminate()
    process.join()
    assert process.exitcode == -signal.SIGTERM
    process.close()

    memory = multiprocessing.shared_memory.SharedMemory(create=True, size=10)
    process = context.Process(target=fill, args=(memory.name,))
    process.start()
    process.join()
    assert bytes(memory.buf[:3]) == b"abc" and process.exitcode == 0
    memory.close()
    memory.unlink()

    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
        assert list(executor.map(square, range(20), chunksize=3)) == [n * n for n in range(20)]
        future = executor.submit(fail, 1)
        assert type(future.exception()) is ValueError and "_RemoteTraceback" in repr(future.exception().__cause__)
        raises((pickle.PicklingError, AttributeError), executor.submit(lambda: 1).result)
        future = executor.submit(os._exit, 1)
        raises(concurrent.futures.process.BrokenProcessPool, future.result)


def managers_and_descriptors():
    context = multiprocessing.get_context("fork")
    with context.Manager() as manager:
        shared, items, names = manager.dict(a=1), manager.list([1, 2]), manager.Namespace(x=5)
        process = context.Process(target=lambda: (shared.update(b=2), items.append(3), setattr(names, "y", 6)))
        process.start()
        process.join()
        assert dict(shared) == {"a": 1, "b": 2} and items[:] == [1, 2, 3] and names.y == 6
        raises(KeyError, shared.__getitem__, "c")

    # Descriptors travel in ancillary data.
    left, right = socket.socketpair()
    reading, writing = os.pipe()
    with left, right:
        # The sender waits for the receiver to say that it has them.
        thread = threading.Thread(target=multiprocessing.reduction.sendfds, args=(left, [writing]))
        thread.start()
        (copy,) = multiprocessing.reduction.recvfds(right, 1)
        thread.join()
    os.write(copy, b"through")
    assert os.read(reading, 10) == b"through" and copy != writing
    for descriptor in (reading, writing, copy):
        os.close(descriptor)

    with multiprocessing.connection.Listener(authkey=b"key") as listener:

        def client():
            with multiprocessing.connection.Client(listener.address, authkey=b"key") as connection:
                connection.send("hello")

        thread = threading.Thread(target=client)
        thread.start()
        with listener.accept() as connection:
            assert connection.recv() == "hello"
        thread.join()


# ---- threads ----


def thread_pools():
    with concurrent.futures.ThreadPoolExecutor(3) as executor:
        # Each item wakes a sleeping thread at once: a wait in steps would take many seconds.
        start = time.monotonic()
        for number in range(500):
            assert executor.submit(square, number).result() == number * number
        assert time.monotonic() - start < 8
        futures = [executor.submit(fail, number) for number in range(3)]
        done, pending = concurrent.futures.wait(futures)
        assert len(done) == 3 and not pending
        assert sorted(str(future.exception()) for future in done) == ["no 0", "no 1", "no 2"]


def forks_among_threads():
    # The import lock is not held by another thread when a process forks.
    held = threading.Event()

    def hold():
        _imp.acquire_lock()
        held.set()
        time.sleep(0.02)
        _imp.release_lock()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    assert _imp.lock_held()
    assert in_child(lambda: not _imp.lock_held())
    thread.join()
    assert raises(RuntimeError, _imp.release_lock) == "not holding the import lock"

    # A stream that another thread was writing to is of use in the child.
    reading, writing = os.pipe()
    stream = open(writing, "wb", buffering=4096)
    thread = threading.Thread(target=lambda: (stream.write(b"x" * 300_000), stream.flush()), daemon=True)
    thread.start()
    time.sleep(0.05)
    assert in_child(lambda: stream.tell is not None and stream.fileno() == writing and repr(stream) != "")
    rest = 300_000
    while rest:
        rest -= len(os.read(reading, 65536))
    thread.join()
    stream.close()
    os.close(reading)

    # Threads that have just ended, or do not exist in the child, are not alive there.
    for _ in range(20):
        thread = threading.Thread(target=lambda: None)
        thread.start()
        assert in_child(lambda: not thread.is_alive())
        thread.join()

    def alone():
        if threading.main_thread() is not threading.current_thread() or threading.active_count() != 1:
            return False
        # The former main thread does not run here, so waiting for it does not take long.
        main.join(10)
        waiting = threading.Thread(target=main.join)
        waiting.start()
        waiting.join(10)
        return not main.is_alive() and not waiting.is_alive()

    def fork_here():
        forked.append(in_child(alone))

    main = threading.main_thread()

    forked = []
    thread = threading.Thread(target=fork_here)
    thread.start()
    thread.join()
    assert forked == [True]


def watching_all_threads():
    calls, seen = [], []
    ready, go = threading.Event(), threading.Event()

    def called_later():
        pass

    def run():
        seen.append((sys.gettrace(), sys.getprofile()))
        ready.set()
        go.wait()
        called_later()
        seen.append((sys.gettrace(), sys.getprofile()))

    def trace(frame, event, argument):
        calls.append(("trace", frame.f_code.co_name, threading.get_ident()))

    def profile(frame, event, argument):
        if event == "call":
            calls.append(("profile", frame.f_code.co_name, threading.get_ident()))

    thread = threading.Thread(target=run)
    thread.start()
    ident = thread.ident
    ready.wait()
    threading.settrace_all_threads(trace)
    threading.setprofile_all_threads(profile)
    assert (sys.gettrace(), sys.getprofile()) == (trace, profile)
    go.set()
    thread.join()
    sys._settraceallthreads(None)
    sys._setprofileallthreads(None)
    threading.settrace(None)
    threading.setprofile(None)
    assert (sys.gettrace(), sys.getprofile()) == (None, None)
    assert seen == [(None, None), (trace, profile)]
    assert ("trace", "called_later", ident) in calls and ("profile", "called_later", ident) in calls

    # Threads that are made afterwards do not get them.
    sys._settraceallthreads(trace)
    thread = threading.Thread(target=lambda: seen.append(sys.gettrace()))
    thread.start()
    thread.join()
    sys._settraceallthreads(None)
    assert seen[-1] is None


def main():
    # A stress mode (tests/README.md) is for this process and its forks: new interpreters would spend it on their imports.
    os.environ.pop("TAIPAN_STRESS", None)
    # Forks are made while other threads run on purpose.
    warnings.simplefilter("ignore", DeprecationWarning)
    semaphores()
    for method in ("fork", "spawn", "forkserver"):
        start_method(method)
    managers_and_descriptors()
    thread_pools()
    forks_among_threads()
    watching_all_threads()


if __name__ == "__main__":
    main()
