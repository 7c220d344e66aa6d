# Traceback objects, and what raising adds to them.
import sys
import types


def raises(kind, message, function, *args):
    try:
        function(*args)
    except kind as error:
        assert type(error) is kind, type(error)
        assert message is None or str(error) == message, str(error)
    else:
        raise AssertionError("nothing raised")


def names(error):
    out = []
    tb = error.__traceback__
    while tb is not None:
        out.append((tb.tb_frame.f_code.co_name, tb.tb_lineno - tb.tb_frame.f_code.co_firstlineno))
        tb = tb.tb_next
    return out


def fails():
    1 / 0


def middle():
    fails()


def catches():
    try:
        middle()
    except ZeroDivisionError as error:
        return error


error = catches()
assert names(error) == [("catches", 2), ("middle", 1), ("fails", 1)]
assert type(error.__traceback__) is types.TracebackType


def reraises():
    try:
        fails()
    except ZeroDivisionError:
        raise


def outer():
    try:
        reraises()
    except ZeroDivisionError as error:
        return error


assert names(outer()) == [("outer", 2), ("reraises", 2), ("fails", 1)]


def raises_again():
    error = catches()
    try:
        raise error
    except ZeroDivisionError as again:
        return again


assert names(raises_again())[0] == ("raises_again", 3) and len(names(raises_again())) == 4


def with_finally():
    try:
        fails()
    finally:
        pass


def from_finally():
    try:
        with_finally()
    except ZeroDivisionError as error:
        return error


assert names(from_finally()) == [("from_finally", 2), ("with_finally", 2), ("fails", 1)]


class Manager:
    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        assert traceback.tb_frame.f_code.co_name == "managed"
        return False


def managed():
    with Manager():
        fails()


def catches_managed():
    try:
        managed()
    except ZeroDivisionError as error:
        return error


assert names(catches_managed()) == [("catches_managed", 2), ("managed", 2), ("fails", 1)]


def gen():
    yield 1
    fails()


def loops():
    try:
        for _ in gen():
            pass
    except ZeroDivisionError as error:
        return error


assert names(loops()) == [("loops", 2), ("gen", 2), ("fails", 1)]


def delegates():
    yield from gen()


def from_delegate():
    try:
        list(delegates())
    except ZeroDivisionError as error:
        return error


assert names(from_delegate()) == [("from_delegate", 2), ("delegates", 1), ("gen", 2), ("fails", 1)]


class Init:
    def __init__(self):
        fails()


def constructs():
    try:
        Init()
    except ZeroDivisionError as error:
        return error


assert names(constructs()) == [("constructs", 2), ("__init__", 1), ("fails", 1)]
assert names(constructs().with_traceback(None)) == []

# the objects
tb = error.__traceback__
frame = tb.tb_frame
assert dir(tb) == ["tb_frame", "tb_lasti", "tb_lineno", "tb_next"]
assert tb.tb_lasti >= 0 and tb.tb_lasti % 2 == 0
made = types.TracebackType(None, frame, tb.tb_lasti, 7)
assert made.tb_lineno == 7 and made.tb_next is None and made.tb_frame is frame and made.tb_lasti == tb.tb_lasti
assert types.TracebackType(tb, frame, 0, 1).tb_next is tb
raises(TypeError, "expected traceback object or None, got 'int'", types.TracebackType, 1, frame, 1, 2)
raises(TypeError, "traceback() argument 'tb_frame' must be frame, not int", types.TracebackType, None, 2, 1, 2)
raises(TypeError, "traceback() missing required argument 'tb_next' (pos 1)", types.TracebackType)
raises(TypeError, "expected traceback object, got 'int'", setattr, tb, "tb_next", 1)
raises(TypeError, "can't delete tb_next attribute", delattr, tb, "tb_next")
raises(ValueError, "traceback loop detected", setattr, tb, "tb_next", tb)
raises(ValueError, "traceback loop detected", setattr, tb.tb_next, "tb_next", tb)
raises(AttributeError, "readonly attribute", setattr, tb, "tb_frame", frame)
tb.tb_next = None
assert names(error) == [("catches", 2)]

# context, cause, and what is being handled
def chained():
    try:
        try:
            fails()
        except ZeroDivisionError:
            raise KeyError("second")
    except KeyError as error:
        return error


error = chained()
assert type(error.__context__) is ZeroDivisionError and error.__cause__ is None and not error.__suppress_context__


def caused():
    try:
        try:
            fails()
        except ZeroDivisionError as first:
            raise KeyError("second") from first
    except KeyError as error:
        return error


error = caused()
assert error.__cause__ is error.__context__ and error.__suppress_context__


def suppressed():
    try:
        try:
            fails()
        except ZeroDivisionError:
            raise KeyError from None
    except KeyError as error:
        return error


error = suppressed()
assert error.__cause__ is None and error.__suppress_context__ and error.__context__ is not None


def handled_stack():
    out = [sys.exception()]
    try:
        raise ValueError
    except ValueError:
        out.append(type(sys.exception()))
        try:
            raise KeyError
        except KeyError:
            out.append(type(sys.exception()))
        out.append(type(sys.exception()))
    out.append(sys.exception())
    return out


assert handled_stack() == [None, ValueError, KeyError, ValueError, None]

# deep recursion ends in an exception, with all its entries
def recurse():
    recurse()


try:
    recurse()
except RecursionError as error:
    assert len(names(error)) > 100
    del error

# an exception keeps the frame's variables, and lets go of them
events = []


class Noisy:
    def __del__(self):
        events.append("del")


def holds():
    noisy = Noisy()
    fails()


try:
    holds()
except ZeroDivisionError as error:
    assert events == []
    assert type(error.__traceback__.tb_next.tb_frame.f_locals["noisy"]) is Noisy
assert events == ["del"]
print("ok")
