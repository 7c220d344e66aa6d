# Coroutines: awaiting, sending, throwing, closing, attributes.
import types


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


def run(coroutine):
    try:
        while True:
            coroutine.send(None)
    except StopIteration as stop:
        return stop.value


async def simple():
    return 42


assert run(simple()) == 42
stop = raises(StopIteration, None, simple().send, None)
assert stop.value == 42


async def twice():
    return await simple() + await simple()


assert run(twice()) == 84


async def suspends():
    first = await Suspend("a")
    second = await Suspend("b")
    return first, second


coro = suspends()
assert coro.send(None) == "a" and coro.send(1) == "b"
stop = raises(StopIteration, None, coro.send, 2)
assert stop.value == (1, 2)
raises(RuntimeError, "cannot reuse already awaited coroutine", coro.send, None)
raises(RuntimeError, "cannot reuse already awaited coroutine", coro.throw, ValueError)
assert coro.close() is None

coro = simple()
raises(TypeError, "can't send non-None value to a just-started coroutine", coro.send, 1)
coro.close()


async def outer():
    try:
        return await suspends()
    except ValueError as error:
        return "caught " + str(error)


coro = outer()
assert coro.send(None) == "a"
assert coro.cr_await is not None and coro.cr_running is False and coro.cr_suspended is True
stop = raises(StopIteration, None, coro.throw, ValueError("x"))
assert stop.value == "caught x"
assert coro.cr_await is None and coro.cr_frame is None

# __await__() gives an iterator over the same coroutine
coro = suspends()
wrapper = coro.__await__()
assert type(wrapper).__name__ == "coroutine_wrapper" and iter(wrapper) is wrapper
assert next(wrapper) == "a" and wrapper.send(1) == "b"
stop = raises(StopIteration, None, wrapper.send, 3)
assert stop.value == (1, 3)


class Forwards:
    def __await__(self):
        return simple().__await__()


async def awaits(what):
    return await what


assert run(awaits(Forwards())) == 42

# what cannot be awaited
raises(TypeError, "'int' object can't be awaited", awaits(1).send, None)


class BadAwait:
    def __await__(self):
        return 1


raises(TypeError, "__await__() returned non-iterator of type 'int'", awaits(BadAwait()).send, None)


class AwaitsCoroutine:
    def __await__(self):
        return inner_coroutine


inner_coroutine = simple()
raises(TypeError, "__await__() returned a coroutine", awaits(AwaitsCoroutine()).send, None)
inner_coroutine.close()
raises(TypeError, "'coroutine' object is not iterable", iter, inner_coroutine)

coro = suspends()
coro.send(None)
again = awaits(coro)
raises(RuntimeError, "coroutine is being awaited already", again.send, None)
coro.close()

# close
log = []


async def closes():
    try:
        await Suspend()
    finally:
        log.append("closed")


coro = closes()
coro.send(None)
coro.close()
assert log == ["closed"]


async def stubborn():
    try:
        await Suspend()
    except GeneratorExit:
        await Suspend()


coro = stubborn()
coro.send(None)
raises(RuntimeError, "coroutine ignored GeneratorExit", coro.close)


async def stop_inside():
    raise StopIteration("inside")


error = raises(RuntimeError, "coroutine raised StopIteration", stop_inside().send, None)
assert type(error.__cause__) is StopIteration

# a generator that may be awaited
@types.coroutine
def generator_based():
    value = yield "from generator"
    return value


async def awaits_generator():
    return await generator_based()


coro = awaits_generator()
assert coro.send(None) == "from generator"
stop = raises(StopIteration, None, coro.send, "v")
assert stop.value == "v"

# attributes
coro = simple()
assert coro.__name__ == "simple" and repr(coro).startswith("<coroutine object simple at 0x")
assert coro.cr_code is simple.__code__ and coro.cr_frame.f_code is simple.__code__ and coro.cr_origin is None
coro.close()
assert coro.cr_frame is None


# async with, async for
class Manager:
    async def __aenter__(self):
        await Suspend()
        return "entered"

    async def __aexit__(self, kind, value, traceback):
        await Suspend()
        return kind is ValueError


async def managed():
    async with Manager() as value:
        raise ValueError
    return value


assert run(managed()) == "entered"


class Countdown:
    def __init__(self, n):
        self.n = n

    def __aiter__(self):
        return self

    async def __anext__(self):
        await Suspend()
        if self.n == 0:
            raise StopAsyncIteration
        self.n -= 1
        return self.n


async def loops():
    out = []
    async for x in Countdown(3):
        out.append(x)
    else:
        out.append("end")
    return out + [x async for x in Countdown(2) if x]


assert run(loops()) == [2, 1, 0, "end", 1]


async def bad_loop():
    async for x in [1]:
        pass


raises(TypeError, "'async for' requires an object with __aiter__ method, got list", bad_loop().send, None)
print("ok")
