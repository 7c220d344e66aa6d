"""sys: constants, struct sequences, frames, hooks, limits."""
import sys


def message(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except BaseException as error:
        return type(error).__name__ + ": " + str(error)
    return "no error"


# ---- constants ----
assert sys.version_info[:2] == (3, 14) and sys.version_info >= (3, 14) and sys.version_info.releaselevel == "final"
assert repr(sys.version_info).startswith("sys.version_info(major=3, minor=14, micro=")
assert sys.hexversion >> 16 == 0x030E and sys.version.startswith("3.14")
assert message(type(sys.version_info), (1, 2, 3, 4, 5)) == "TypeError: cannot create 'sys.version_info' instances"
assert sys.maxsize == 2**63 - 1 and sys.maxunicode == 0x10FFFF and sys.byteorder in ("little", "big")
assert sys.float_info.max == 1.7976931348623157e308 and sys.float_info.dig == 15 and sys.float_info.epsilon == 2.0**-52
assert sys.int_info.default_max_str_digits == 4300 and sys.hash_info.modulus == 2**61 - 1
assert sys.hash_info.n_fields == 9 and sys.hash_info.n_sequence_fields == 9
assert "os" in sys.stdlib_module_names and "sys" in sys.builtin_module_names
assert sys.flags.optimize == 0 and len(sys.flags) == 18 and sys.flags.thread_inherit_context in (0, 1)
assert sys.implementation.name in ("taipan", "cpython") and sys.implementation.cache_tag.endswith("-314")
assert sys.getdefaultencoding() == "utf-8" and sys.float_repr_style == "short"
assert sys.modules["sys"] is sys and sys.is_finalizing() is False

# ---- frames ----
def outer():
    return inner()


def inner():
    frame = sys._getframe()
    return frame.f_code.co_name, frame.f_back.f_code.co_name, sys._getframe(1).f_code.co_name


assert outer() == ("inner", "outer", "outer")
assert message(sys._getframe, 1000) == "ValueError: call stack is not deep enough"
assert sys._getframemodulename() == "__main__" and sys._getframemodulename(1000) is None

# ---- exceptions ----
assert sys.exception() is None and sys.exc_info() == (None, None, None)
try:
    raise ValueError(1)
except ValueError as error:
    assert sys.exception() is error and sys.exc_info()[:2] == (ValueError, error)
for status, code, args in ((None, None, ()), (3, 3, (3,)), ("x", "x", ("x",)), ((1, 2), (1, 2), (1, 2))):
    try:
        sys.exit(status)
    except SystemExit as error:
        assert error.code == code and error.args == args

# ---- limits ----
limit = sys.getrecursionlimit()
sys.setrecursionlimit(limit + 10)
assert sys.getrecursionlimit() == limit + 10
sys.setrecursionlimit(limit)
assert message(sys.setrecursionlimit, 0) == "ValueError: recursion limit must be greater or equal than 1"
sys.set_int_max_str_digits(1000)
assert "Exceeds the limit (1000 digits)" in message(str, 10**2000)
sys.set_int_max_str_digits(4300)
assert message(sys.set_int_max_str_digits, 5) == "ValueError: maxdigits must be >= 640 or 0 for unlimited"
a = []
b = a
assert sys.getrefcount(a) - sys.getrefcount([]) in (1, 2) and sys.getrefcount(None) > 10**9
assert sys.getsizeof([]) > 0 and sys.getsizeof([1] * 100) > sys.getsizeof([])


class NoSize:
    def __sizeof__(self):
        raise TypeError


assert sys.getsizeof(NoSize(), 7) == 7
assert sys.intern("ab" + "cd") is sys.intern("abcd")
assert message(sys.intern, 3) == "TypeError: intern() argument must be str, not int"

# ---- hooks ----
class Out:
    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass


import builtins

saved, sys.stdout = getattr(sys, "stdout", None), Out()
try:
    sys.displayhook(None)
    sys.displayhook([1])
    text = sys.stdout.text
finally:
    sys.stdout = saved
assert text == "[1]\n" and builtins._ == [1]
seen = []
sys.unraisablehook = seen.append


class Broken:
    def __del__(self):
        raise ValueError("in del")


Broken()
sys.unraisablehook = sys.__unraisablehook__
assert len(seen) == 1 and seen[0].exc_type is ValueError and "deallocator" in seen[0].err_msg
saved, sys.stderr = getattr(sys, "stderr", None), Out()
try:
    sys.excepthook(ValueError, ValueError("shown"), None)
    text = sys.stderr.text
finally:
    sys.stderr = saved
assert text == "ValueError: shown\n", text
hooks = sys.get_asyncgen_hooks()
assert hooks.firstiter is None and hooks.finalizer is None
assert message(sys.set_asyncgen_hooks, firstiter=3) == "TypeError: callable firstiter expected, got int"
events = []
sys.addaudithook(lambda event, args: events.append((event, args)) if event == "mine" else None)
sys.audit("mine", 1, 2)
assert events == [("mine", (1, 2))]
assert sys._is_gil_enabled() in (True, False) and sys._jit.is_available() in (True, False)
print("ok")
