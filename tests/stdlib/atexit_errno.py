"""atexit and errno."""
import atexit
import errno
import os
import sys


def message(kind, function, *args):
    try:
        function(*args)
    except kind as e:
        return str(e)
    raise AssertionError(f"no {kind.__name__}")


def exit_functions():
    log = []
    before = atexit._ncallbacks()

    def f(*args, **kwargs):
        log.append((args, kwargs))

    assert atexit.register(f, 1, 2, k=3) is f
    atexit.register(f, "last")
    assert atexit._ncallbacks() == before + 2
    assert message(TypeError, atexit.register, 1) == "the first argument must be callable"
    assert message(TypeError, atexit.register) == "register() takes at least 1 argument (0 given)"
    atexit.unregister(f)
    assert atexit._ncallbacks() == before
    atexit.unregister(f)
    atexit._clear()

    def bad():
        raise ValueError

    @atexit.register
    def decorated():
        log.append("decorated")
        atexit.register(log.append, "late")

    atexit.register(bad)
    atexit.register(f, 1, k=2)
    seen = []
    hook, sys.unraisablehook = sys.unraisablehook, lambda u: seen.append((u.exc_type, u.err_msg))
    try:
        atexit._run_exitfuncs()
    finally:
        sys.unraisablehook = hook
    assert log[:2] == [((1,), {"k": 2}), "decorated"], log
    assert len(seen) == 1 and seen[0][0] is ValueError
    assert seen[0][1].startswith("Exception ignored in atexit callback <function "), seen
    atexit._clear()
    assert atexit._ncallbacks() == 0


def numbers():
    assert errno.ENOENT == 2 and errno.errorcode[2] == "ENOENT" and errno.errorcode[errno.EAGAIN] == "EAGAIN"
    assert errno.EWOULDBLOCK == errno.EAGAIN
    assert all(getattr(errno, name) == number for number, name in errno.errorcode.items())
    try:
        os.stat("/does/not/exist")
    except OSError as e:
        assert e.errno == errno.ENOENT


exit_functions()
numbers()
