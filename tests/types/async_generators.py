# Async generators: iteration, asend, athrow, aclose, anext with a default, hooks.
import sys


def raises(kind, message, function, *args):
    try:
        function(*args)
    except kind as error:
        assert type(error) is kind, type(error)
        assert message is None or str(error) == message, str(error)
        return error
    raise AssertionError("nothing raised")


class Suspend:
    def __init__(self, value=None):
        self.value = value

    def __await__(self):
        return (yield self.value)


def run(awaitable):
    iterator = awaitable.__await__()
    try:
        while True:
            iterator.send(None)
    except StopIteration as stop:
        return stop.value


async def numbers(n):
    for i in range(n):
        await Suspend()
        yield i


async def collect(iterable):
    return [x async for x in iterable]


assert run(collect(numbers(3))) == [0, 1, 2]
agen = numbers(1)
assert agen.__aiter__() is agen and type(agen).__name__ == "async_generator"
assert repr(agen).startswith("<async_generator object numbers at 0x")
assert run(agen.__anext__()) == 0
raises(StopAsyncIteration, "", run, agen.__anext__())
raises(StopAsyncIteration, "", run, agen.__anext__())
assert agen.ag_frame is None and agen.ag_running is False


async def echo():
    got = None
    while True:
        got = yield got


agen = echo()
assert run(agen.asend(None)) is None
assert run(agen.asend("x")) == "x"
raises(TypeError, "can't send non-None value to a just-started async generator", run, echo().asend(1))
awaitable = agen.asend("y")
assert run(awaitable) == "y"
raises(RuntimeError, "cannot reuse already awaited __anext__()/asend()", awaitable.send, None)


async def catches():
    while True:
        try:
            yield "waiting"
        except ValueError as error:
            yield "caught " + str(error)


agen = catches()
run(agen.__anext__())
assert run(agen.athrow(ValueError("v"))) == "caught v"
raises(KeyError, "'k'", run, agen.athrow(KeyError("k")))
raises(StopAsyncIteration, "", run, agen.__anext__())

log = []


async def closes():
    try:
        yield 1
    finally:
        await Suspend()
        log.append("closed")


agen = closes()
run(agen.__anext__())
assert run(agen.aclose()) is None and log == ["closed"]
assert run(agen.aclose()) is None
raises(StopAsyncIteration, "", run, agen.__anext__())


async def stubborn():
    try:
        yield 1
    except GeneratorExit:
        yield 2


agen = stubborn()
run(agen.__anext__())
raises(RuntimeError, "async generator ignored GeneratorExit", run, agen.aclose())

# two awaitables at once
agen = numbers(3)
first = agen.__anext__()
first.send(None)
assert agen.ag_running is True
raises(RuntimeError, "anext(): asynchronous generator is already running", agen.__anext__().send, None)
raises(RuntimeError, "aclose(): asynchronous generator is already running", agen.aclose().send, None)
stop = raises(StopIteration, None, first.send, None)
assert stop.value == 0 and agen.ag_running is False

# awaitables can be thrown into and closed
agen = numbers(3)
first = agen.__anext__()
first.send(None)
raises(ValueError, "thrown", first.throw, ValueError("thrown"))
raises(StopAsyncIteration, "", run, agen.__anext__())
agen = numbers(3)
first = agen.__anext__()
first.send(None)
assert first.close() is None


async def stops(kind):
    yield 1
    raise kind


agen = stops(StopIteration)
run(agen.__anext__())
raises(RuntimeError, "async generator raised StopIteration", run, agen.__anext__())
agen = stops(StopAsyncIteration)
run(agen.__anext__())
raises(RuntimeError, "async generator raised StopAsyncIteration", run, agen.__anext__())


# anext()
async def with_default():
    agen = numbers(1)
    return [await anext(agen), await anext(agen, "default"), await anext(agen, "again")]


assert run(with_default()) == [0, "default", "again"]

# attributes
agen = numbers(1)
assert agen.ag_code is numbers.__code__ and agen.ag_await is None and agen.__name__ == "numbers"
step = agen.__anext__()
step.send(None)
assert agen.ag_await is not None
step.close()

# hooks
seen = []
old = sys.get_asyncgen_hooks()
sys.set_asyncgen_hooks(firstiter=lambda agen: seen.append("first"), finalizer=lambda agen: seen.append("final"))
agen = echo()
run(agen.__anext__())
run(agen.__anext__())
assert seen == ["first"]
del agen
assert seen == ["first", "final"]
sys.set_asyncgen_hooks(*old)


# comprehension over an async generator, nested
async def nested():
    return [[y async for y in numbers(x)] async for x in numbers(3)]


assert run(nested()) == [[], [0], [0, 1]]
print("ok")
