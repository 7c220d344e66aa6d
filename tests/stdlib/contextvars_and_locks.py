"""_contextvars and the locks of _thread."""
import _contextvars
import _thread

ContextVar, Context, Token, copy_context = (
    _contextvars.ContextVar, _contextvars.Context, _contextvars.Token, _contextvars.copy_context)


def message(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except BaseException as error:
        return type(error).__name__ + ": " + str(error)
    return "no error"


v, d = ContextVar("v"), ContextVar("d", default=3)
assert v.name == "v" and d.get() == 3 and v.get(9) == 9 and message(v.get) == f"LookupError: {v!r}"
token = v.set(1)
assert v.get() == 1 and token.old_value is Token.MISSING and token.var is v
v.reset(token)
assert v.get("none") == "none" and "already been used once" in message(v.reset, token)
assert "was created by a different ContextVar" in message(d.reset, v.set(4))
context = copy_context()
assert context[v] == 4 and v in context and len(context) == len(list(context)) and dict(context.items())[v] == 4
assert context == copy_context() and context != Context()


def inside():
    v.set(10)
    return v.get()


assert context.run(inside) == 10 and v.get() == 4 and context[v] == 10
assert "already entered" in message(context.run, context.run, print)
assert message(context.run) == "TypeError: run() missing 1 required positional argument"
assert message(lambda: context["a"]) == "TypeError: a ContextVar key was expected, got 'a'"
with v.set(20):
    assert v.get() == 20
assert v.get() == 4
many = [ContextVar(str(i)) for i in range(500)]
tokens = [var.set(i) for i, var in enumerate(many)]
snapshot = copy_context()
assert all(snapshot[var] == i for i, var in enumerate(many)) and len(snapshot) == len(copy_context())
for var, token in zip(many, tokens):
    var.reset(token)
assert not any(var in copy_context() for var in many) and all(var in snapshot for var in many)
assert message(Token) == "RuntimeError: Tokens can only be created by ContextVars"
assert message(hash, Context()).startswith("TypeError: unhashable type")

lock = _thread.allocate_lock()
assert lock.acquire() is True and lock.locked() and lock.acquire(False) is False and lock.acquire(timeout=0.01) is False
lock.release()
assert message(lock.release) == "RuntimeError: release unlocked lock"
with lock:
    assert repr(lock).startswith("<locked _thread.lock object at 0x")
assert message(lock.acquire, False, 1) == "ValueError: can't specify a timeout for a non-blocking call"
assert message(lock.acquire, True, -2) == "ValueError: timeout value must be a non-negative number"
r = _thread.RLock()
with r:
    with r:
        assert r._is_owned() and r._recursion_count() == 2
        state = r._release_save()
        assert not r._is_owned()
        r._acquire_restore(state)
        assert r._recursion_count() == 2
assert message(r.release) == "RuntimeError: cannot release un-acquired lock"


class Own(_thread._local):
    y = 5

    def __init__(self, x):
        self.x = x


o = Own(3)
assert o.x == 3 and o.y == 5 and o.__dict__ == {"x": 3}
o.z = 1
del o.z
assert message(lambda: o.z) == "AttributeError: 'Own' object has no attribute 'z'"
assert message(_thread._local, 1) == "TypeError: Initialization arguments are not supported"
assert _thread.get_ident() == _thread._get_main_thread_ident() or True
assert _thread.error is RuntimeError
print("ok")
