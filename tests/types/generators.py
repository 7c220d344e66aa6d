# Generators: send, throw, close, delegation, attributes, finalisation.
import sys


def raises(kind, message, function, *args):
    try:
        function(*args)
    except kind as error:
        assert type(error) is kind, type(error)
        assert message is None or str(error) == message, str(error)
        return error
    raise AssertionError("nothing raised")


def count(n):
    for i in range(n):
        yield i


assert list(count(3)) == [0, 1, 2]
assert [x for x in (y * y for y in range(4))] == [0, 1, 4, 9]

# send and the returned value
def echo():
    got = []
    while True:
        value = yield len(got)
        if value is None:
            return got
        got.append(value)


gen = echo()
raises(TypeError, "can't send non-None value to a just-started generator", gen.send, 1)
assert next(gen) == 0 and gen.send("a") == 1 and gen.send("b") == 2
stop = raises(StopIteration, None, gen.send, None)
assert stop.value == ["a", "b"] and stop.args == (["a", "b"],)
stop = raises(StopIteration, "", next, gen)
assert stop.value is None
raises(StopIteration, "", gen.send, 5)
assert next(gen, "default") == "default"


def returns_tuple():
    return (1, 2)
    yield


stop = raises(StopIteration, None, next, returns_tuple())
assert stop.value == (1, 2) and stop.args == ((1, 2),)
stop = raises(StopIteration, None, returns_tuple().__next__)
assert stop.value == (1, 2)

# throw
def catcher():
    while True:
        try:
            yield "waiting"
        except ValueError as error:
            yield "caught " + str(error)


gen = catcher()
assert next(gen) == "waiting"
assert gen.throw(ValueError("x")) == "caught x"
assert next(gen) == "waiting"
assert gen.throw(ValueError) == "caught "
raises(KeyError, "'gone'", gen.throw, KeyError("gone"))
raises(StopIteration, "", next, gen)
raises(OSError, "late", gen.throw, OSError("late"))
gen = catcher()
raises(ValueError, "early", gen.throw, ValueError("early"))
assert gen.gi_frame is None
gen = catcher()
next(gen)
raises(TypeError, "exceptions must be classes or instances deriving from BaseException, not int", gen.throw, 1)
raises(TypeError, "exceptions must be classes or instances deriving from BaseException, not type", gen.throw, int)
assert next(gen) == "waiting"


def context():
    try:
        yield
    except ValueError:
        raise KeyError("inner")


gen = context()
next(gen)
error = raises(KeyError, None, gen.throw, ValueError("outer"))
assert type(error.__context__) is ValueError

# the handled exception belongs to the generator
def handler():
    try:
        raise ValueError("mine")
    except ValueError:
        yield sys.exception()
        yield sys.exception()


gen = handler()
assert str(next(gen)) == "mine" and sys.exception() is None
try:
    raise KeyError("yours")
except KeyError:
    assert str(next(gen)) == "mine"
    assert type(sys.exception()) is KeyError
assert sys.exception() is None


def sees_caller():
    yield sys.exception()


try:
    raise KeyError("caller")
except KeyError as caller:
    assert next(sees_caller()) is caller

# close
log = []


def closing():
    try:
        yield 1
    finally:
        log.append("closed")


gen = closing()
assert gen.close() is None and log == []
gen = closing()
next(gen)
assert gen.close() is None and log == ["closed"] and gen.close() is None
raises(StopIteration, "", next, gen)


def stubborn():
    try:
        yield 1
    except GeneratorExit:
        yield 2


gen = stubborn()
next(gen)
raises(RuntimeError, "generator ignored GeneratorExit", gen.close)


def returns_on_close():
    try:
        yield
    except GeneratorExit:
        return "value"


gen = returns_on_close()
next(gen)
assert gen.close() == "value" and gen.close() is None


def fails_on_close():
    try:
        yield
    finally:
        raise ValueError("closing")


gen = fails_on_close()
next(gen)
raises(ValueError, "closing", gen.close)

# finalisation
log = []


def finalised():
    try:
        yield
    finally:
        log.append("finalised")


gen = finalised()
next(gen)
del gen
assert log == ["finalised"]
for item in finalised():
    break
assert log == ["finalised", "finalised"]

# running
def reenter():
    yield next(gen)


gen = reenter()
raises(ValueError, "generator already executing", next, gen)


def closes_itself():
    gen.close()
    yield


gen = closes_itself()
raises(ValueError, "generator already executing", next, gen)


def running():
    yield gen.gi_running, gen.gi_suspended


gen = running()
assert (gen.gi_running, gen.gi_suspended) == (False, False)
assert next(gen) == (True, False)
assert (gen.gi_running, gen.gi_suspended) == (False, True)
assert list(gen) == [] and gen.gi_suspended is False

# yield from
def inner():
    got = yield 1
    try:
        yield got
    except ValueError as error:
        yield "inner " + str(error)
    return "result"


def delegating():
    value = yield from inner()
    yield value


gen = delegating()
assert next(gen) == 1 and gen.gi_yieldfrom is not None
assert gen.send("sent") == "sent"
assert gen.throw(ValueError("v")) == "inner v"
assert next(gen) == "result" and gen.gi_yieldfrom is None
raises(StopIteration, "", next, gen)
gen = delegating()
next(gen)
raises(KeyError, "'k'", gen.throw, KeyError("k"))
raises(StopIteration, "", next, gen)


def catches_from_delegate():
    try:
        yield from inner()
    except KeyError:
        yield "outer caught"
    value = yield from iter([7, 8])
    yield value


gen = catches_from_delegate()
next(gen)
assert gen.throw(KeyError) == "outer caught"
assert [next(gen), next(gen), next(gen)] == [7, 8, None]


class Delegate:
    def __init__(self):
        self.log = []

    def __iter__(self):
        return self

    def __next__(self):
        self.log.append("next")
        return len(self.log)

    def send(self, value):
        self.log.append(("send", value))
        return len(self.log)

    def throw(self, *args):
        self.log.append("throw")
        raise StopIteration("thrown")

    def close(self):
        self.log.append("close")


def to(delegate):
    result = yield from delegate
    yield "got " + str(result)


delegate = Delegate()
gen = to(delegate)
assert next(gen) == 1 and gen.send("x") == 2
assert gen.throw(ValueError) == "got thrown"
assert delegate.log == ["next", ("send", "x"), "throw"]
delegate = Delegate()
gen = to(delegate)
next(gen)
gen.close()
assert delegate.log == ["next", "close"]


class Bare:
    def __iter__(self):
        return self

    def __next__(self):
        return 1


gen = to(Bare())
next(gen)
raises(AttributeError, "'Bare' object has no attribute 'send'", gen.send, 1)
gen = to(Bare())
next(gen)
raises(ValueError, "x", gen.throw, ValueError("x"))


def deep(n):
    if n:
        yield from deep(n - 1)
    else:
        yield "deep"
        yield "again"


gen = deep(50)
assert next(gen) == "deep"
raises(ValueError, "through", gen.throw, ValueError("through"))
assert list(deep(50)) == ["deep", "again"]
closing_order = []


def ordered(n):
    try:
        if n:
            yield from ordered(n - 1)
        else:
            yield
    finally:
        closing_order.append(n)


gen = ordered(3)
next(gen)
gen.close()
assert closing_order == [0, 1, 2, 3]

# StopIteration inside is a RuntimeError
def stops():
    yield 1
    raise StopIteration("inside")


gen = stops()
next(gen)
error = raises(RuntimeError, "generator raised StopIteration", next, gen)
assert type(error.__cause__) is StopIteration and error.__context__ is error.__cause__


def next_inside():
    yield next(iter([]))


raises(RuntimeError, "generator raised StopIteration", list, next_inside())

# attributes
gen = count(1)
assert gen.__name__ == "count" and gen.__qualname__ == "count"
assert repr(gen).startswith("<generator object count at 0x")
gen.__name__ = "new"
gen.__qualname__ = "new.name"
assert gen.__name__ == "new" and repr(gen).startswith("<generator object new.name at 0x")
assert gen.gi_code is count.__code__ and gen.gi_frame.f_code is count.__code__
assert iter(gen) is gen
raises(TypeError, "cannot create 'generator' instances", type(gen))
expr = (x for x in [])
assert expr.__name__ == "<genexpr>"

# a generator in a generator's for loop, with exceptions on the way
def numbers():
    yield 1
    raise ValueError("numbers")


def through():
    for n in numbers():
        yield n


gen = through()
assert next(gen) == 1
raises(ValueError, "numbers", next, gen)


def in_except():
    try:
        raise ValueError("a")
    except ValueError:
        for x in count(2):
            yield x, type(sys.exception())
    yield sys.exception()


assert list(in_except()) == [(0, ValueError), (1, ValueError), None]

# unpacking and star calls
def gather(*args):
    return args


a, *b = count(4)
assert a == 0 and b == [1, 2, 3] and gather(*count(3)) == (0, 1, 2)


# The exception that a generator handles is its own, though its caller handles the same one.
def keeps():
    try:
        yield
    except ValueError as error:
        yield sys.exception() is error
        yield sys.exception() is error


keeper = keeps()
next(keeper)
try:
    raise ValueError
except ValueError as error:
    assert keeper.throw(error)
assert next(keeper) and sys.exception() is None


# A generator that delegates is seen behind what it throws into.
def outer_of():
    yield from inner_of()


def inner_of():
    try:
        yield
    except ValueError:
        yield sys._getframe().f_back.f_code.co_name


outer = outer_of()
next(outer)
assert outer.throw(ValueError) == "outer_of"

print("ok")
