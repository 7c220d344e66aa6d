# sys.settrace, sys.setprofile and sys.monitoring.
import sys

log = []


def tracer(frame, event, arg):
    code = frame.f_code
    if event == "exception":
        arg = arg[0].__name__
    elif event == "return" and not isinstance(arg, (int, str, type(None))):
        arg = type(arg).__name__
    log.append((code.co_name, frame.f_lineno - code.co_firstlineno, event, arg))
    return tracer


def trace(function, *args):
    log.clear()
    sys.settrace(tracer)
    try:
        function(*args)
    finally:
        sys.settrace(None)
    rows = [row for row in log if row[0] != "trace"]
    log.clear()
    return rows


def lines(function, *args):
    return [row[1] for row in trace(function, *args) if row[2] == "line" and row[0] == function.__name__]


assert sys.gettrace() is None and sys.getprofile() is None


def simple():
    a = 1
    b = a
    return a + b


assert trace(simple) == [
    ("simple", 0, "call", None),
    ("simple", 1, "line", None),
    ("simple", 2, "line", None),
    ("simple", 3, "line", None),
    ("simple", 3, "return", 2),
]


def loop():
    for i in range(2):
        pass
    while i < 3: i += 1


assert lines(loop) == [1, 2, 1, 2, 1, 3, 3, 3]


def condition(x):
    if x:
        a = 1
    else:
        a = 2
    return a


assert lines(condition, 1) == [1, 2, 5] and lines(condition, 0) == [1, 4, 5]


def helper(x):
    return x + 1


def calls():
    return helper(
        helper(1))


assert trace(calls) == [
    ("calls", 0, "call", None),
    ("calls", 1, "line", None),
    ("calls", 2, "line", None),
    ("helper", 0, "call", None),
    ("helper", 1, "line", None),
    ("helper", 1, "return", 2),
    ("calls", 1, "line", None),
    ("helper", 0, "call", None),
    ("helper", 1, "line", None),
    ("helper", 1, "return", 3),
    ("calls", 1, "return", 3),
]


def generator():
    yield 1
    yield 2
    return 3


def consumes():
    for x in generator():
        pass


assert trace(consumes) == [
    ("consumes", 0, "call", None),
    ("consumes", 1, "line", None),
    ("generator", 0, "call", None),
    ("generator", 1, "line", None),
    ("generator", 1, "return", 1),
    ("consumes", 2, "line", None),
    ("consumes", 1, "line", None),
    ("generator", 1, "call", None),
    ("generator", 2, "line", None),
    ("generator", 2, "return", 2),
    ("consumes", 2, "line", None),
    ("consumes", 1, "line", None),
    ("generator", 2, "call", None),
    ("generator", 3, "line", None),
    ("generator", 3, "return", 3),
    ("consumes", 1, "exception", "StopIteration"),
    ("consumes", 1, "return", None),
]


def fails():
    1 / 0


def handles():
    try:
        fails()
    except ZeroDivisionError:
        pass
    finally:
        z = 1
    return z


assert trace(handles) == [
    ("handles", 0, "call", None),
    ("handles", 1, "line", None),
    ("handles", 2, "line", None),
    ("fails", 0, "call", None),
    ("fails", 1, "line", None),
    ("fails", 1, "exception", "ZeroDivisionError"),
    ("fails", 1, "return", None),
    ("handles", 2, "exception", "ZeroDivisionError"),
    ("handles", 3, "line", None),
    ("handles", 4, "line", None),
    ("handles", 6, "line", None),
    ("handles", 7, "line", None),
    ("handles", 7, "return", 1),
]


def throws():
    g = generator()
    next(g)
    try:
        g.throw(ValueError)
    except ValueError:
        return 1


assert trace(throws)[-6:] == [
    ("generator", 1, "exception", "ValueError"),
    ("generator", 1, "return", None),
    ("throws", 4, "exception", "ValueError"),
    ("throws", 5, "line", None),
    ("throws", 6, "line", None),
    ("throws", 6, "return", 1),
]

# no local trace function: no events but the call
events = []


def only_calls(frame, event, arg):
    events.append((frame.f_code.co_name, event))


sys.settrace(only_calls)
simple()
sys.settrace(None)
assert events == [("simple", "call")]

# a frame that is already running is traced once it gets a function
events = []


def started_late():
    sys._getframe().f_trace = lambda frame, event, arg: events.append((event, frame.f_lineno - base))
    sys.settrace(only_calls)
    a = 1
    b = 2
    sys.settrace(None)


base = started_late.__code__.co_firstlineno
started_late()
assert [event for event in events if event[0] == "line"] == [("line", 3), ("line", 4), ("line", 5)]

# opcodes, no lines
events = []


def opcodes(frame, event, arg):
    frame.f_trace_opcodes = True
    frame.f_trace_lines = False
    events.append(event)
    return opcodes


sys.settrace(opcodes)
simple()
simple()
sys.settrace(None)
assert "opcode" in events and "line" not in events


# a trace function that fails is switched off
def bad(frame, event, arg):
    raise KeyError("trace")


sys.settrace(bad)
try:
    simple()
except KeyError as error:
    assert str(error) == "'trace'"
else:
    raise AssertionError
assert sys.gettrace() is None

# the trace function sees and changes locals
def changes(frame, event, arg):
    if event == "line" and frame.f_lineno - frame.f_code.co_firstlineno == 2:
        frame.f_locals["a"] = 10
    return changes


sys.settrace(changes)
result = simple()
sys.settrace(None)
assert result == 20

# profiling
calls = []


def profiler(frame, event, arg):
    if event.startswith("c_"):
        arg = arg.__name__
    elif not isinstance(arg, (int, type(None))):
        arg = type(arg).__name__
    calls.append((frame.f_code.co_name, event, arg))


def work():
    len([])
    [].append(1)
    try:
        int("x")
        len(5)
    except ValueError:
        pass
    try:
        len(5)
    except TypeError:
        pass
    return helper(1)


sys.setprofile(profiler)
assert sys.getprofile() is profiler
work()
sys.setprofile(None)
rows = [row for row in calls if row[0] in ("work", "helper")]
assert rows == [
    ("work", "call", None),
    ("work", "c_call", "len"),
    ("work", "c_return", "len"),
    ("work", "c_call", "append"),
    ("work", "c_return", "append"),
    ("work", "c_call", "len"),
    ("work", "c_exception", "len"),
    ("helper", "call", None),
    ("helper", "return", 2),
    ("work", "return", 2),
], rows

# sys.monitoring
monitoring = sys.monitoring
E = monitoring.events
assert (E.PY_START, E.LINE, E.RAISE, E.BRANCH, E.NO_EVENTS) == (1, 32, 2048, 262144, 0)
TOOL = 3
monitoring.use_tool_id(TOOL, "test")
assert monitoring.get_tool(TOOL) == "test" and monitoring.get_tool(4) is None
seen = []


def record(name):
    def callback(code, *args):
        if code is watched.__code__ or code is fails.__code__:
            args = tuple(a if isinstance(a, int) and name == "LINE" else type(a).__name__ for a in args)
            seen.append((name, code.co_name) + args)

    return callback


def watched():
    x = 1
    try:
        fails()
    except ZeroDivisionError:
        return x


for name in ("PY_START", "PY_RETURN", "RAISE", "PY_UNWIND", "EXCEPTION_HANDLED"):
    assert monitoring.register_callback(TOOL, getattr(E, name), record(name)) is None
monitoring.set_events(TOOL, E.PY_START | E.PY_RETURN | E.RAISE | E.PY_UNWIND | E.EXCEPTION_HANDLED)
watched()
monitoring.set_events(TOOL, 0)
assert seen == [
    ("PY_START", "watched", "int"),
    ("PY_START", "fails", "int"),
    ("RAISE", "fails", "int", "ZeroDivisionError"),
    ("PY_UNWIND", "fails", "int", "ZeroDivisionError"),
    ("RAISE", "watched", "int", "ZeroDivisionError"),
    ("EXCEPTION_HANDLED", "watched", "int", "ZeroDivisionError"),
    ("PY_RETURN", "watched", "int", "int"),
], seen

# events of one code object; DISABLE
hits = []


def line(code, number):
    hits.append(number - code.co_firstlineno)
    return monitoring.DISABLE


monitoring.register_callback(TOOL, E.LINE, line)
monitoring.set_local_events(TOOL, simple.__code__, E.LINE)
assert monitoring.get_local_events(TOOL, simple.__code__) == E.LINE
simple()
simple()
helper(1)
assert hits == [1, 2, 3]
monitoring.restart_events()
simple()
assert hits == [1, 2, 3, 1, 2, 3]
monitoring.set_local_events(TOOL, simple.__code__, 0)

# errors
def raises(kind, message, function, *args):
    try:
        function(*args)
    except kind as error:
        assert str(error) == message, str(error)
    else:
        raise AssertionError("nothing raised")


raises(ValueError, "tool 3 is already in use", monitoring.use_tool_id, TOOL, "again")
raises(ValueError, "invalid tool 9 (must be between 0 and 5)", monitoring.use_tool_id, 9, "x")
raises(ValueError, "tool 4 is not in use", monitoring.set_events, 4, 1)
raises(ValueError, "tool name must be a str", monitoring.use_tool_id, 4, 1)
raises(
    ValueError,
    "cannot set C_RETURN or C_RAISE events independently",
    monitoring.set_events,
    TOOL,
    E.C_RETURN,
)
monitoring.free_tool_id(TOOL)
assert monitoring.get_tool(TOOL) is None


# ---- assigning f_lineno ----


def jumping(function, at, to, event="line"):
    """Runs a function that is moved from one line to another, once; the message of a refusal."""
    state = {"done": False, "error": None}
    first = function.__code__.co_firstlineno

    def local(frame, kind, arg):
        if frame.f_code is function.__code__ and not state["done"] and kind == event and frame.f_lineno == first + at:
            state["done"] = True
            try:
                frame.f_lineno = first + to
                assert frame.f_lineno == first + to
            except ValueError as error:
                state["error"] = str(error)
        return local

    out = []
    sys.settrace(local)
    try:
        function(out)
    finally:
        sys.settrace(None)
    return out, state["error"]


def straight(out):
    out.append(1)
    out.append(2)
    out.append(3)


assert jumping(straight, 1, 3) == ([3], None)
assert jumping(straight, 2, 1) == ([1, 1, 2, 3], None)
assert jumping(straight, 1, 20)[1].endswith("comes after the current code block")
assert jumping(straight, 2, -1)[1].endswith("comes before the current code block")
assert jumping(straight, 0, 2, "call")[1] == "can't jump from the 'call' trace event of a new frame"
assert jumping(straight, 3, 2, "return")[1] == "can only jump from a 'line' trace event"


def blocks(out):
    out.append(1)
    for item in [2, 3]:
        out.append(item)
    try:
        out.append(5)
    except ValueError:
        out.append(7)
    out.append(8)


assert jumping(blocks, 3, 8) == ([1, 8], None)
assert jumping(blocks, 1, 3) == ([1, 2, 3, 5, 8], "can't jump into the body of a for loop")
assert jumping(blocks, 8, 7) == ([1, 2, 3, 5, 8], "can't jump into an 'except' block as there's no exception")


def handling(out):
    try:
        raise ValueError
    except ValueError:
        out.append(sys.exception() is not None)
        out.append(5)
    out.append(sys.exception() is None)


assert jumping(handling, 5, 6) == ([True, True], None)

try:
    sys._getframe().f_lineno = 1
except ValueError as error:
    assert str(error) == "f_lineno can only be set in a trace function"
else:
    raise AssertionError

# ---- monitoring: branches, events switched on anew, moving a frame ----

mon = sys.monitoring
mon.use_tool_id(3, "more")
seen = []


def branchy(n):
    while n:
        n -= 1


def on_branch(code, offset, destination):
    seen.append((offset, destination))


for kind in (mon.events.BRANCH_LEFT, mon.events.BRANCH_RIGHT):
    mon.register_callback(3, kind, on_branch)
mon.set_local_events(3, branchy.__code__, mon.events.BRANCH_LEFT | mon.events.BRANCH_RIGHT)
branchy(2)
ways = {(source, place) for source, left, right in branchy.__code__.co_branches() for place in (left, right)}
assert len(seen) == 3 and set(seen) <= ways and len(set(seen)) == 2
mon.set_local_events(3, branchy.__code__, 0)

seen.clear()
mon.register_callback(3, mon.events.LINE, lambda code, line: seen.append(line) or mon.DISABLE)
mon.set_local_events(3, straight.__code__, mon.events.LINE)
straight([])
straight([])
assert len(seen) == 3
mon.set_local_events(3, straight.__code__, 0)
mon.set_local_events(3, straight.__code__, mon.events.LINE)
straight([])
assert len(seen) == 6
mon.set_local_events(3, straight.__code__, 0)


def move(code, line):
    if line == code.co_firstlineno + 2 and not seen:
        seen.append(line)
        sys._getframe(1).f_lineno = line + 1


seen.clear()
mon.register_callback(3, mon.events.LINE, move)
mon.set_local_events(3, straight.__code__, mon.events.LINE)
out = []
straight(out)
assert out == [1, 3]
mon.set_local_events(3, straight.__code__, 0)
mon.register_callback(3, mon.events.LINE, None)
try:
    mon.set_events(3, mon.events.C_RETURN | mon.events.CALL)
except ValueError as error:
    assert str(error) == "cannot set C_RETURN or C_RAISE events independently"
else:
    raise AssertionError
mon.free_tool_id(3)


# What a trace function that is installed meanwhile sees after an await.
def after_await():
    frame = sys._getframe()
    lines_seen = []

    def local(frame, event, arg):
        lines_seen.append(event)
        return local

    def install():
        frame.f_trace = local
        sys.settrace(local)
        return 5
        yield

    value = yield from install()
    value += 1
    sys.settrace(None)
    return lines_seen


try:
    next(after_await())
except StopIteration as stop:
    assert "line" in stop.value
else:
    raise AssertionError

print("ok")

# ---- the end of a generator: tools hear of the StopIteration that is spared, a trace function of an exception ----
def returning():
    yield 0
    return 1


def looping():
    for _ in returning():
        pass


def delegating():
    return (yield from returning())


def ends():
    yield 0


def delegating_to_none():
    yield from ends()


ended = []
for name in ("RAISE", "STOP_ITERATION"):
    def note(code, offset, exception, name=name):
        ended.append((name, code.co_name, exception.value))
    monitoring.use_tool_id(TOOL, "ends") if monitoring.get_tool(TOOL) is None else None
    monitoring.register_callback(TOOL, getattr(E, name), note)
monitoring.set_events(TOOL, E.RAISE | E.STOP_ITERATION)
looping()
list(delegating())
list(delegating_to_none())
monitoring.set_events(TOOL, 0)
assert ended == [
    ("STOP_ITERATION", "looping", 1),
    ("STOP_ITERATION", "delegating", 1),
    ("STOP_ITERATION", "delegating_to_none", None),
], ended

ended = []


def hear(frame, event, argument):
    if event == "exception":
        ended.append((frame.f_code.co_name, argument[1].value))
    return hear


sys.settrace(hear)
looping()
list(delegating())
list(delegating_to_none())
sys.settrace(None)
assert ended == [("looping", 1), ("delegating", 1), ("delegating_to_none", None)], ended
