"""Event loops at work: what a task's steps leave in the loop's queue, and asyncio's parts together."""
import asyncio
import contextvars
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from asyncio import base_events, events


# ---- a task's steps go through call_soon, seen or not ----


PARTS = events.Handle.__slots__


def contents(handle):
    names = [name for name in PARTS if name != "__weakref__"]
    return type(handle), {name: getattr(handle, name) for name in names}


async def nothing():
    pass


def queued(loop):
    """The contents of a handle that a task put into the queue."""
    task = asyncio.Task(nothing(), loop=loop)
    kind, parts = contents(loop._ready.pop())
    assert parts.pop("_callback").__self__ is task and parts.pop("_context") is task.get_context()
    task._log_destroy_pending = False
    task.get_coro().close()
    return kind, parts


def called(loop, callback, context):
    """The contents of a handle that a future put there."""
    future = loop.create_future()
    future.add_done_callback(callback, context=context)
    future.set_result(None)
    kind, parts = contents(loop._ready.pop())
    assert parts.pop("_args") == (future,)
    return kind, parts


loop = asyncio.new_event_loop()
context = contextvars.copy_context()
for _ in range(3):
    assert queued(loop) == (events.Handle, {
        "_args": (), "_cancelled": False, "_loop": loop, "_source_traceback": None, "_repr": None})
    kind, parts = called(loop, print, context)
    loop.call_soon(print, context=context)
    other_kind, other = contents(loop._ready.pop())
    assert other.pop("_args") == ()
    assert (kind, parts) == (other_kind, other)

seen = []


class Watching(asyncio.SelectorEventLoop):
    def call_soon(self, callback, *args, context=None):
        seen.append(args)
        return super().call_soon(callback, *args, context=context)


watching = Watching()
queued(watching)
called(watching, print, context)
assert len(seen) == 2, seen
watching.close()

# The instance's own attribute, the class's, and a class that was changed.
seen.clear()
loop.call_soon = lambda *args, **kwargs: seen.append(args)
future = loop.create_future()
future.add_done_callback(print)
future.set_result(None)
assert seen == [(print, future)] and not loop._ready
del loop.call_soon
queued(loop)
real = base_events.BaseEventLoop._call_soon
base_events.BaseEventLoop._call_soon = lambda *args: seen.append("class") or real(*args)
queued(loop)
assert seen[1:] == ["class"]
base_events.BaseEventLoop._call_soon = real
queued(loop)


class OwnHandle(events.Handle):
    __slots__ = ()


real = events.Handle
events.Handle = OwnHandle
assert queued(loop)[0] is OwnHandle
events.Handle = real
assert queued(loop)[0] is real

code = real.__init__.__code__


def marked(self, callback, args, loop, context=None):
    raise LookupError


real.__init__.__code__ = marked.__code__
try:
    future = loop.create_future()
    future.add_done_callback(print)
    future.set_result(None)
except LookupError:
    pass
else:
    raise AssertionError("the changed code did not run")
real.__init__.__code__ = code

calls = []
sys.setprofile(lambda frame, event, arg: calls.append(frame.f_code.co_name) if event == "call" else None)
future = loop.create_future()
future.add_done_callback(print)
future.set_result(None)
sys.setprofile(None)
assert [name for name in calls if "call_soon" in name] == ["call_soon", "_call_soon"], calls
loop._ready.clear()

loop.set_debug(True)
future = loop.create_future()
future.add_done_callback(print)
future.set_result(None)
assert loop._ready.pop()._source_traceback
loop.set_debug(False)

loop.close()
future = asyncio.Future(loop=loop)
future.add_done_callback(print)
try:
    future.set_result(None)
except RuntimeError as error:
    assert str(error) == "Event loop is closed"
else:
    raise AssertionError("a closed loop took a callback")



class Idle(asyncio.SelectorEventLoop):
    def is_running(self):
        return False


async def not_eager():
    task = asyncio.Task(nothing(), loop=asyncio.get_running_loop(), eager_start=True)
    assert not task.done()
    await task

with asyncio.Runner(loop_factory=Idle) as runner:
    runner.run(not_eager())

# ---- the parts together ----


async def grouped():
    results = []

    async def child(n):
        await asyncio.sleep(0)
        results.append(n)
        return n

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(child(n)) for n in range(5)]
    assert sorted(results) == [task.result() for task in tasks] == list(range(5))
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(100))
            group.create_task(fails())
    except* KeyError as caught:
        assert [type(error) for error in caught.exceptions] == [KeyError]
    else:
        raise AssertionError("the group did not fail")


async def fails():
    await asyncio.sleep(0)
    raise KeyError("x")


async def timed():
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(100)
    except TimeoutError:
        pass
    else:
        raise AssertionError("no timeout")
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 0.01)
    except TimeoutError:
        pass
    done, pending = await asyncio.wait(
        [asyncio.create_task(asyncio.sleep(0, "quick")), slow := asyncio.create_task(asyncio.sleep(100))],
        return_when=asyncio.FIRST_COMPLETED)
    assert {task.result() for task in done} == {"quick"} and pending == {slow}
    slow.cancel()
    outcome = await asyncio.gather(slow, fails(), asyncio.sleep(0, 3), return_exceptions=True)
    assert [type(item) for item in outcome] == [asyncio.CancelledError, KeyError, int]
    order = []
    async for task in asyncio.as_completed([asyncio.sleep(0.02, "b"), asyncio.sleep(0, "a")]):
        order.append(await task)
    assert order == ["a", "b"]


async def streams():
    async def serve(reader, writer):
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20)
    async with server:
        address = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(*address)
        for n in range(50):
            writer.write(b"line %d\n" % n)
            assert await reader.readline() == b"LINE %d\n" % n
        block = b"x" * 300_000 + b"\n"
        writer.write(block)
        received = b""
        while len(received) < len(block):
            received += await reader.read(1 << 20)
        assert received == block.upper()
        writer.close()
        await writer.wait_closed()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        server = await asyncio.start_unix_server(serve, path)
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"unix\n")
        assert await reader.readline() == b"UNIX\n"
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()


async def datagrams():
    received = asyncio.get_running_loop().create_future()

    class Receiver(asyncio.DatagramProtocol):
        def datagram_received(self, data, address):
            if not received.done():
                received.set_result(data)

    running = asyncio.get_running_loop()
    transport, _ = await running.create_datagram_endpoint(Receiver, local_addr=("127.0.0.1", 0))
    sender, _ = await running.create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=transport.get_extra_info("sockname"))
    sender.sendto(b"datagram")
    assert await asyncio.wait_for(received, 10) == b"datagram"
    sender.close()
    transport.close()


async def processes():
    child = await asyncio.create_subprocess_exec(
        "sh", "-c", "cat; exit 3", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out, _ = await child.communicate(b"through")
    assert out == b"through" and child.returncode == 3
    child = await asyncio.create_subprocess_shell("sleep 100")
    child.terminate()
    assert await child.wait() == -signal.SIGTERM


async def others():
    running = asyncio.get_running_loop()
    assert await asyncio.to_thread(lambda: threading.current_thread() is threading.main_thread()) is False
    future = running.create_future()
    threading.Thread(target=lambda: running.call_soon_threadsafe(future.set_result, "from outside")).start()
    assert await future == "from outside"
    thread_result = []

    def ask():
        thread_result.append(asyncio.run_coroutine_threadsafe(asyncio.sleep(0, "asked"), running).result(10))

    await asyncio.to_thread(ask)
    assert thread_result == ["asked"]
    got = asyncio.Event()
    running.add_signal_handler(signal.SIGUSR1, got.set)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(got.wait(), 10)
    running.remove_signal_handler(signal.SIGUSR1)
    a, b = socket.socketpair()
    a.setblocking(False)
    b.setblocking(False)
    await running.sock_sendall(a, b"raw")
    assert await running.sock_recv(b, 1 << 18) == b"raw"
    a.close()
    assert await running.sock_recv(b, 10) == b""
    b.close()


async def queues():
    queue = asyncio.Queue(2)

    async def produce():
        for n in range(20):
            await queue.put(n)
        queue.shutdown()

    async def consume():
        got = []
        try:
            while True:
                got.append(await queue.get())
        except asyncio.QueueShutDown:
            return got

    _, got = await asyncio.gather(produce(), consume())
    assert got == list(range(20))
    lock, semaphore, barrier = asyncio.Lock(), asyncio.Semaphore(2), asyncio.Barrier(3)
    inside = 0

    async def locked():
        nonlocal inside
        async with semaphore, lock:
            inside += 1
            await asyncio.sleep(0)
            assert inside == 1
            inside -= 1
        await barrier.wait()

    await asyncio.gather(*(locked() for _ in range(3)))


async def generators():
    closed = []

    async def numbers():
        try:
            for n in range(3):
                yield n
                await asyncio.sleep(0)
        finally:
            closed.append(True)

    assert [n async for n in numbers()] == [0, 1, 2]
    half = numbers()
    assert await anext(half) == 0
    await half.aclose()
    assert closed == [True, True]


for debug in (False, True):
    for part in (grouped, timed, streams, datagrams, processes, others, queues, generators):
        asyncio.run(part(), debug=debug)
    with asyncio.Runner(debug=debug, loop_factory=asyncio.EventLoop) as runner:
        runner.get_loop().set_task_factory(asyncio.eager_task_factory)
        for part in (grouped, timed, streams, queues, generators):
            runner.run(part())

# ---- Ctrl-C ----


async def interrupted():
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        await asyncio.sleep(100)
    except asyncio.CancelledError:
        stopped.append("cancelled")
        raise

stopped = []
try:
    asyncio.run(interrupted())
except KeyboardInterrupt:
    stopped.append("interrupted")
assert stopped == ["cancelled", "interrupted"], stopped


async def busy():
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
    end = time.monotonic() + 10
    while time.monotonic() < end:
        await asyncio.sleep(0)

try:
    asyncio.run(busy())
except KeyboardInterrupt:
    pass
else:
    raise AssertionError("not interrupted")
