# Frames and what f_locals writes through to.
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


def here():
    return sys._getframe(1)


def function(a, b=2, *args, c, **kwargs):
    local = a
    frame = here()
    return frame, local


frame, _ = function(1, c=3)
assert type(frame) is types.FrameType
assert frame.f_code is function.__code__ and frame.f_globals is globals()
assert frame.f_builtins["len"] is len
assert frame.f_locals["local"] == 1 and list(frame.f_locals)[:5] == ["a", "b", "c", "args", "kwargs"]
assert frame.f_trace is None and frame.f_trace_lines is True and frame.f_trace_opcodes is False
assert frame.f_generator is None
assert repr(frame).startswith("<frame at 0x") and repr(frame).endswith("code function>")
top = sys._getframe()
assert top.f_locals is globals() and top.f_back is None and top.f_code.co_name == "<module>"


def lines():
    frame = sys._getframe()
    first = frame.f_lineno
    second = frame.f_lineno
    return second - first, frame.f_lasti


difference, lasti = lines()
assert difference == 1 and lasti > 0


def caller():
    return callee()


def callee():
    return sys._getframe().f_back.f_code.co_name, sys._getframe(1).f_lineno


assert caller() == ("caller", caller.__code__.co_firstlineno + 1)


# f_locals
def writes():
    x = 1
    sys._getframe().f_locals["x"] = 2
    return x


assert writes() == 2


def writes_cell():
    x = 1

    def inner():
        return x

    frame = sys._getframe()
    frame.f_locals["x"] = 2
    assert inner() == 2
    frame.f_locals["fresh"] = 3
    assert frame.f_locals["fresh"] == 3 and sys._getframe().f_locals["fresh"] == 3
    return x


assert writes_cell() == 2


def writes_caller():
    target = 1
    change_caller()
    return target


def change_caller():
    sys._getframe(1).f_locals["target"] = "changed"


assert writes_caller() == "changed"


def parameter_cell(a, b):
    def inner():
        return a

    return sys._getframe().f_locals, inner


view, inner = parameter_cell(1, 2)
assert list(view)[:2] == ["a", "b"] and view["a"] == 1
view["a"] = 5
assert inner() == 5


def proxy():
    a = 1
    b = 2
    return sys._getframe().f_locals


view = proxy()
assert type(view).__name__ == "FrameLocalsProxy"
assert view == {"a": 1, "b": 2} and len(view) == 2 and "a" in view and "z" not in view and 1 not in view
assert repr(view) == "{'a': 1, 'b': 2}"
assert list(view.keys()) == ["a", "b"] and list(view.values()) == [1, 2]
assert list(view.items()) == [("a", 1), ("b", 2)] and list(reversed(view)) == ["b", "a"]
assert view.get("a") == 1 and view.get("z") is None and view.get("z", 3) == 3
assert view.copy() == {"a": 1, "b": 2} and type(view.copy()) is dict
assert view | {"c": 3} == {"a": 1, "b": 2, "c": 3} and {"a": 0} | view == {"a": 1, "b": 2}
assert view.setdefault("a", 9) == 1 and view.setdefault("new", 9) == 9 and view["new"] == 9
view.update({"a": 7})
assert view["a"] == 7
raises(KeyError, "\"local variable ''zz'' is not defined\"", lambda: view["zz"])
raises(ValueError, "cannot remove local variables from FrameLocalsProxy", view.pop, "a")
raises(ValueError, "cannot remove local variables from FrameLocalsProxy", view.__delitem__, "a")
raises(TypeError, "unhashable type: 'FrameLocalsProxy'", hash, view)
raises(TypeError, "expect frame, not int", type(view), 1)

# locals() is a snapshot
def snapshot():
    x = 1
    first = locals()
    x = 2
    assert first == {"x": 1} and locals() is not first
    return locals()


assert snapshot()["x"] == 2


class Body:
    value = 1
    frame = sys._getframe()
    assert frame.f_locals["value"] == 1
    frame.f_locals["added"] = 2
    assert added == 2


assert Body.added == 2


# a frame outlives its call
def keeps():
    data = ["kept"]
    return sys._getframe()


frame = keeps()
assert frame.f_locals["data"] == ["kept"] and frame.f_back.f_code.co_name == "<module>"
line = frame.f_lineno
frame.clear()
assert dict(frame.f_locals) == {} and frame.f_lineno == line


def clears():
    sys._getframe().clear()


raises(RuntimeError, "cannot clear an executing frame", clears)


def gen():
    yield sys._getframe()


g = gen()
frame = next(g)
assert g.gi_frame is frame and frame.f_generator is g and frame.f_back is None
raises(RuntimeError, "cannot clear a suspended frame", frame.clear)
assert list(g) == [] and g.gi_frame is None and frame.f_generator is None
raises(TypeError, "cannot create 'frame' instances", types.FrameType)
raises(TypeError, "attribute value type must be bool", setattr, frame, "f_trace_lines", 1)
raises(ValueError, "f_lineno can only be set in a trace function", setattr, frame, "f_lineno", 1)

print("ok")
