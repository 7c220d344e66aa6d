"""`_asyncio`: futures, tasks, and what a thread knows about its loop."""
import _asyncio
import asyncio
import contextvars
import gc
import os
import sys
import threading
import weakref

Future, Task = _asyncio.Future, _asyncio.Task


def raises(kind, message, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except BaseException as error:
        assert type(error) is kind, (type(error), error)
        if message is not None:
            assert str(error) == message, str(error)
        return error
    raise AssertionError(f"{kind.__name__} not raised")


def delete(target, name):
    delattr(target, name)


loop = asyncio.new_event_loop()
reports = []
loop.set_exception_handler(lambda loop, context: reports.append(context))


def turn():
    loop.run_until_complete(asyncio.sleep(0))


# ---- types ----

assert Task.__bases__ == (Future,)
assert asyncio.Future is Future and asyncio.Task is Task
assert repr(Future[int]) == "_asyncio.Future[int]"
assert Future.__module__ == Task.__module__ == "_asyncio"
raises(TypeError, "Future() takes no positional arguments", Future, 1)
raises(TypeError, "Future() got an unexpected keyword argument 'x'", Future, x=1)
raises(TypeError, "Task() missing required argument 'coro' (pos 1)", Task)
raises(TypeError, "Task() takes exactly 1 positional argument (2 given)", Task, 1, 2)
raises(TypeError, "a coroutine was expected, got 1", Task, 1, loop=loop)
raises(RuntimeError, "There is no current event loop in thread 'MainThread'.", Future)

# ---- a future that was not initialised ----

raw = Future.__new__(Future)
for name in ("result", "exception"):
    raises(asyncio.InvalidStateError, "Future object is not initialized.", getattr(raw, name))
for name in ("cancel", "get_loop"):
    raises(RuntimeError, "Future object is not initialized.", getattr(raw, name))
for name in ("_state", "_callbacks", "_result", "_exception", "_log_traceback"):
    raises(RuntimeError, "Future object is not initialized.", getattr, raw, name)
raises(RuntimeError, "Future object is not initialized.", raw.set_result, 1)
raises(RuntimeError, "Future object is not initialized.", repr, raw)
raises(RuntimeError, "uninitialized Future object", raw.add_done_callback, print)
assert not raw.done() and not raw.cancelled() and raw._loop is None and not raw._asyncio_future_blocking
raw_task = Task.__new__(Task)
assert raw_task.get_coro() is None and raw_task.get_name() is None and raw_task.cancelling() == 0
del raw, raw_task

# ---- results ----

f = Future(loop=loop)
assert f._state == "PENDING" and f.get_loop() is loop and f._loop is loop
raises(asyncio.InvalidStateError, "Result is not set.", f.result)
raises(asyncio.InvalidStateError, "Exception is not set.", f.exception)
raises(TypeError, "invalid exception object", f.set_exception, 1)
raises(TypeError, "invalid exception object", f.set_exception, int)
f.set_result([1])
assert f.result() == [1] and f.done() and f.exception() is None and f._state == "FINISHED"
raises(asyncio.InvalidStateError, "invalid state", f.set_result, 2)
raises(asyncio.InvalidStateError, "invalid state", f.set_exception, ValueError)
assert repr(f) == "<Future finished result=[1]>"
assert f.cancel() is False

f = Future(loop=loop)
f.set_exception(StopIteration(3))
error = raises(RuntimeError, "StopIteration interacts badly with generators and cannot be raised into a Future", f.result)
assert type(error.__cause__) is StopIteration and error.__context__ is error.__cause__

f = Future(loop=loop)
f.set_exception(KeyError)
assert f._log_traceback is True
raises(ValueError, "_log_traceback can only be set to False", setattr, f, "_log_traceback", True)
assert type(f.exception()) is KeyError and f._log_traceback is False
raises(AttributeError, None, delete, f, "_log_traceback")
raises(AttributeError, None, delete, f, "_cancel_message")
raises(AttributeError, None, delete, f, "_asyncio_future_blocking")
raises(AttributeError, None, setattr, f, "_state", "PENDING")

# The traceback does not grow with each call of result().
depths = []
for _ in range(3):
    try:
        f.result()
    except KeyError as caught:
        depth, tb = 0, caught.__traceback__
        while tb:
            depth, tb = depth + 1, tb.tb_next
        depths.append(depth)
assert len(set(depths)) == 1, depths

# ---- cancellation ----

f = Future(loop=loop)
assert f.cancel("why") is True and f.cancelled() and f._cancel_message == "why"
raises(asyncio.CancelledError, "why", f.result)
raises(asyncio.CancelledError, "why", f.exception)
assert f._make_cancelled_error().args == ("why",)
assert repr(f) == "<Future cancelled>"

# ---- callbacks ----

f = Future(loop=loop)
assert f._callbacks is None
calls = []
context = contextvars.copy_context()
f.add_done_callback(calls.append)
f.add_done_callback(calls.append, context=context)
f.add_done_callback(print)
assert [callback for callback, _ in f._callbacks] == [calls.append, calls.append, print]
assert f._callbacks[1][1] is context
assert f.remove_done_callback(calls.append) == 2 and f.remove_done_callback(print) == 1
assert f.remove_done_callback(print) == 0
f.add_done_callback(calls.append)
f.add_done_callback(lambda f: calls.append("second"))
f.set_result(None)
assert not f._callbacks and not calls
turn()
assert calls == [f, "second"]
f.add_done_callback(calls.append)
turn()
assert calls[2:] == [f]
raises(TypeError, "add_done_callback() takes exactly 1 positional argument (0 given)", f.add_done_callback)


class Equal:
    def __eq__(self, other):
        if not f.done():
            f.set_result(None)
        return True

    def __call__(self, future):
        pass


f = Future(loop=loop)
f.add_done_callback(Equal())
f.add_done_callback(Equal())
f.remove_done_callback(object())
turn()

# ---- the iterator ----

f = Future(loop=loop)
i = iter(f)
assert type(i).__name__ == "FutureIter" and iter(i) is i
assert next(i) is f and f._asyncio_future_blocking is True
raises(RuntimeError, "await wasn't used with future", next, i)
f.set_result(4)
assert raises(StopIteration, "4", i.send, 9).value == 4
i.close()
raises(StopIteration, "", next, i)
i = f.__await__()
raises(ValueError, "x", i.throw, ValueError("x"))
raises(StopIteration, "", next, i)
raises(TypeError, "exceptions must be classes deriving BaseException or instances of such a class", i.throw, 3)


async def awaits(f):
    return await f

for value in (None, 0, (), (1, 2), StopIteration(1)):
    f = Future(loop=loop)
    loop.call_soon(f.set_result, value)
    assert loop.run_until_complete(awaits(f)) is value

# ---- reports ----

f = Future(loop=loop)
f.set_exception(ValueError(1))
del f
report = reports.pop()
assert report["message"] == "Future exception was never retrieved" and list(report) == ["message", "exception", "future"]
assert report["exception"].args == (1,)


class Named(Future):
    pass


f = Named(loop=loop)
f.set_exception(ValueError(1))
f = None
assert reports.pop()["message"] == "Named exception was never retrieved"

f = Future(loop=loop)
f.loop_to_itself = f
f.set_exception(ValueError(2))
ref = weakref.ref(f)
del f, report
gc.collect()
assert ref() is None and reports.pop()["message"] == "Future exception was never retrieved"

# ---- tasks ----


async def returns(value):
    return value


async def fails(error):
    raise error


async def sleeps(f):
    await f


task = Task(returns(5), loop=loop)
assert task in asyncio.all_tasks(loop) and asyncio.current_task(loop) is None
assert task.get_name().startswith("Task-") and task.get_coro().__name__ == "returns"
assert isinstance(task.get_context(), contextvars.Context)
task.set_name(3)
assert task.get_name() == "3"
raises(RuntimeError, "Task does not support set_result operation", task.set_result, 1)
raises(RuntimeError, "Task does not support set_exception operation", task.set_exception, 1)
wrapper = loop._ready[-1]._callback
assert type(wrapper).__name__ == "TaskStepMethWrapper" and wrapper.__self__ is task
raises(TypeError, "function takes no positional arguments", wrapper, 1)
raises(TypeError, "function takes no keyword arguments", wrapper, x=1)
raises(RuntimeError, f"loop {loop!r} is not the running loop", wrapper)
assert loop.run_until_complete(task) == 5 and task not in asyncio.all_tasks(loop)

task = Task(fails(KeyError(1)), loop=loop)
raises(KeyError, "1", loop.run_until_complete, task)
assert task.get_stack()[-1].f_code.co_name == "fails"

task = Task(fails(StopIteration(1)), loop=loop)
raises(RuntimeError, "coroutine raised StopIteration", loop.run_until_complete, task)

for error in (SystemExit(3), KeyboardInterrupt()):
    task = Task(fails(error), loop=loop)
    assert raises(type(error), None, loop.run_until_complete, task) is error
    assert task.exception() is error

f = Future(loop=loop)
task = Task(sleeps(f), loop=loop, name="sleeper")
turn()
assert task._fut_waiter is f and f._asyncio_awaited_by == {task}
assert "wait_for=<Future pending cb=[Task.task_wakeup()]>" in repr(task), repr(task)
wake_up = f._callbacks[0][0]
assert wake_up.__self__ is task and wake_up.__qualname__ == "Task.task_wakeup"
assert task.cancel("enough") and f.cancelled() and task.cancelling() == 1
assert task.uncancel() == 0 and task.uncancel() == 0
raises(asyncio.CancelledError, "enough", loop.run_until_complete, task)
assert task.cancelled() and not f._asyncio_awaited_by and repr(task).startswith("<Task cancelled name='sleeper'")

# A cancellation before the first step, and one that is swallowed.
task = Task(returns(1), loop=loop)
assert task.cancel() and task._must_cancel
raises(asyncio.CancelledError, "", loop.run_until_complete, task)


async def stubborn():
    try:
        await Future(loop=loop)
    except asyncio.CancelledError as error:
        return error.args


task = Task(stubborn(), loop=loop)
turn()
task.cancel("no")
assert loop.run_until_complete(task) == ("no",)

# ---- what a coroutine must not yield ----


class Yields:
    def __init__(self, value):
        self.value = value

    def __await__(self):
        yield self.value


async def bad(value):
    await Yields(value)


def starts_with(message, task):
    error = raises(RuntimeError, None, loop.run_until_complete, task)
    assert str(error).startswith(message), error


other = asyncio.new_event_loop()
starts_with("Task got bad yield: 3", Task(bad(3), loop=loop))
starts_with("yield was used instead of yield from for generator in task <Task", Task(bad(x for x in ""), loop=loop))
starts_with("yield was used instead of yield from in task <Task", Task(bad(Future(loop=loop)), loop=loop))
foreign = Future(loop=other)
task = Task(sleeps(foreign), loop=loop)
error = raises(RuntimeError, None, loop.run_until_complete, task)
assert f"got Future {foreign!r} attached to a different loop" in str(error)


async def itself():
    await mine


mine = Task(itself(), loop=loop)
starts_with("Task cannot await on itself: <Task", mine)
assert loop.run_until_complete(bad(None)) is None

# ---- futures of other makes ----


class Duck:
    _asyncio_future_blocking = False

    def __init__(self):
        self.callbacks = []

    def get_loop(self):
        return loop

    def add_done_callback(self, callback, *, context):
        self.callbacks.append((callback, context))

    def result(self):
        return "quack"

    def __await__(self):
        self._asyncio_future_blocking = True
        yield self
        return self.result()


duck = Duck()
task = Task(awaits(duck), loop=loop)
turn()
assert duck._asyncio_future_blocking is False and task._fut_waiter is duck
loop.call_soon(duck.callbacks[0][0], duck)
assert loop.run_until_complete(task) == "quack"


class Handmade:
    """A coroutine by its methods alone."""

    def __init__(self):
        self.sent = 0

    def send(self, value):
        self.sent += 1
        if self.sent == 3:
            raise StopIteration("done")

    def throw(self, *args):
        raise args[0]

    def close(self):
        pass

    def __await__(self):
        return self


from collections.abc import Coroutine
Coroutine.register(Handmade)
assert loop.run_until_complete(Task(Handmade(), loop=loop)) == "done"

# ---- destroyed tasks ----

reports.clear()
f = Future(loop=loop)
task = Task(sleeps(f), loop=loop, name="lost")
turn()
task._log_destroy_pending = True
ref = weakref.ref(task)
del task, wake_up, f
gc.collect()
assert ref() is None
assert reports.pop()["message"] == "Task was destroyed but it is pending!"
gc.collect()
assert not asyncio.all_tasks(loop), asyncio.all_tasks(loop)

# ---- eager tasks ----


async def eager():
    seen = []

    async def quick():
        seen.append(asyncio.current_task())
        return 7

    async def slow(future):
        seen.append(asyncio.current_task())
        await future
        seen.append(asyncio.current_task())

    me = asyncio.current_task()
    task = Task(quick(), loop=loop, eager_start=True)
    assert task.done() and task.result() == 7 and seen == [task] and task.get_coro() is None
    assert asyncio.current_task() is me
    future = loop.create_future()
    task = Task(slow(future), loop=loop, eager_start=True)
    assert not task.done() and task in asyncio.all_tasks() and asyncio.current_task() is me
    future.set_result(None)
    await task
    assert seen[1:] == [task, task]

loop.run_until_complete(eager())

# ---- contexts ----

variable = contextvars.ContextVar("variable", default=0)


async def sets(value):
    variable.set(value)
    await asyncio.sleep(0)
    return variable.get()

context = contextvars.copy_context()
task = Task(sets(3), loop=loop, context=context)
assert loop.run_until_complete(task) == 3 and variable.get() == 0 and context[variable] == 3
assert task.get_context() is context

# ---- the thread's loop and task ----

raises(RuntimeError, "no running event loop", _asyncio.get_running_loop)
raises(RuntimeError, "no running event loop", _asyncio.current_task)
raises(RuntimeError, "no running event loop", _asyncio.all_tasks)
assert _asyncio._get_running_loop() is None
_asyncio._set_running_loop(loop)
assert _asyncio.get_running_loop() is _asyncio.get_event_loop() is loop
raises(RuntimeError, "loop 1 is not the running loop", _asyncio._enter_task, 1, 2)
_asyncio._enter_task(loop, "a")
raises(RuntimeError, "Cannot enter into task 'b' while another task 'a' is being executed.", _asyncio._enter_task, loop, "b")
raises(RuntimeError, "Invalid attempt to leave task 'b' while task 'a' is entered.", _asyncio._leave_task, loop, "b")
assert _asyncio._swap_current_task(loop, "c") == "a" and _asyncio.current_task() == "c"
found = []
thread = threading.Thread(target=lambda: found.append((_asyncio._get_running_loop(), _asyncio.current_task(loop))))
thread.start()
thread.join()
assert found == [(None, "c")], found
_asyncio._leave_task(loop, "c")
raises(RuntimeError, "Invalid attempt to leave task 'c' while task None is entered.", _asyncio._leave_task, loop, "c")
child = os.fork()
if child == 0:
    os._exit(0 if _asyncio._get_running_loop() is None else 1)
assert os.waitpid(child, 0)[1] == 0
_asyncio._set_running_loop(None)

# ---- tasks of other makes ----


class Stranger:
    def done(self):
        return False

    def get_loop(self):
        return loop

stranger = Stranger()
_asyncio._register_task(stranger)
assert _asyncio.all_tasks(loop) == {stranger} and _asyncio.all_tasks(other) == set()
_asyncio._unregister_task(stranger)
_asyncio._register_eager_task(stranger)
assert _asyncio.all_tasks(loop) == {stranger}
_asyncio._unregister_eager_task(stranger)
assert _asyncio.all_tasks(loop) == set()

# ---- who waits for whom ----

f, g, h = (Future(loop=loop) for _ in range(3))
assert f._asyncio_awaited_by is None
_asyncio.future_add_to_awaited_by(f, g)
assert f._asyncio_awaited_by == {g}
_asyncio.future_add_to_awaited_by(f, h)
_asyncio.future_add_to_awaited_by(f, 3)
assert f._asyncio_awaited_by == {g, h}
_asyncio.future_discard_from_awaited_by(f, g)
_asyncio.future_discard_from_awaited_by(f, h)
assert f._asyncio_awaited_by == frozenset()

# ---- debug mode ----

loop.set_debug(True)
f = Future(loop=loop)
assert f._source_traceback[-1].name == "<module>" and f"created at {__file__}:" in repr(f)
f.set_exception(ValueError())
f = None
assert list(reports.pop()) == ["message", "exception", "future", "source_traceback"]
loop.set_debug(False)

# ---- several loops in several threads ----


async def counts(n):
    total = 0
    for i in range(n):
        total += await asyncio.create_task(returns(i))
    return total

totals = []
threads = [threading.Thread(target=lambda: totals.append(asyncio.run(counts(200)))) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert totals == [19900] * 4
assert not reports, reports

# The frame of a running coroutine refers to its locals.


async def refers():
    thing = Named(loop=loop)
    return gc.get_referrers(thing)

coroutine = refers()
assert loop.run_until_complete(coroutine) == [coroutine]

turn()
other.close()
loop.close()


# A future that is done ends an iteration; its result goes to whoever asks for the value of the end.
async def iterate_done():
    future = asyncio.get_running_loop().create_future()
    future.set_result(7)
    assert list(future) == [] and tuple(future) == ()
    try:
        next(iter(future))
    except StopIteration as end:
        assert end.value == 7
    else:
        raise AssertionError("StopIteration expected")
    assert next(iter(future), "end") == "end"
    assert await future == 7


asyncio.run(iterate_done())
