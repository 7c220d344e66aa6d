"""_warnings: filters, registries, categories, messages."""
import sys
import _warnings

for name in ("warnings",):
    sys.modules.pop(name, None)


def message(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except BaseException as error:
        return type(error).__name__ + ": " + str(error)
    return "no error"


class Out:
    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def captured(function):
    saved, sys.stderr = getattr(sys, "stderr", None), Out()
    try:
        function()
        return sys.stderr.text
    finally:
        sys.stderr = saved


def mutate(action, category=Warning, text=None):
    _warnings.filters.insert(0, (action, text, category, None, 0))
    _warnings._acquire_lock()
    _warnings._filters_mutated_lock_held()
    _warnings._release_lock()


def emit(n=1):
    for _ in range(n):
        _warnings.warn("hello")


assert "UserWarning: hello" in captured(emit) and captured(emit) == ""
mutate("always")
assert captured(lambda: emit(3)).count("UserWarning: hello") == 3
mutate("error", DeprecationWarning)
assert message(_warnings.warn, "old", DeprecationWarning) == "DeprecationWarning: old"
mutate("ignore")
assert captured(emit) == ""
mutate("once")
assert captured(lambda: emit(3)).count("UserWarning: hello") == 1
mutate("nonsense")
assert message(emit).startswith("RuntimeError: Unrecognized action ('nonsense') in warnings.filters:")
del _warnings.filters[:5]
assert message(_warnings.warn, "a", int) == "TypeError: category must be a Warning subclass, not 'type'"
assert message(_warnings._release_lock) == "RuntimeError: cannot release un-acquired lock"
assert message(_warnings._filters_mutated_lock_held) == "RuntimeError: warnings lock is not held"
assert captured(lambda: _warnings.warn_explicit("m", UserWarning, "file.py", 7)).startswith("file.py:7: UserWarning: m\n")
registry = {}
for _ in range(2):
    captured(lambda: _warnings.warn_explicit("m", UserWarning, "file.py", 7, "mod", registry))
assert registry[("m", UserWarning, 7)] is True
mutate("error", SyntaxWarning)
assert "SyntaxError" in message(compile, "1 is 1", "f", "exec")
print("ok")

import warnings

# warnings about literals come before the error that refuses the source; made errors, they speak of no future
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for refused in ("'\\e' 1", "'\\e'\nb'\\y' + (", "'\\e'; return"):
        try:
            compile(refused, "refused", "exec")
        except SyntaxError:
            pass
        else:
            raise AssertionError(refused)
assert [str(warning.message)[:4] for warning in caught] == ['"\\e"', '"\\e"', '"\\y"', '"\\e"'], caught
assert all("Such sequences will not work in the future." in str(warning.message) for warning in caught)
with warnings.catch_warnings():
    warnings.simplefilter("error")
    try:
        eval("'\\e'")
    except SyntaxError as error:
        assert error.msg == '"\\e" is an invalid escape sequence. Did you mean "\\\\e"? A raw string is also an option.'
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    compile("[t'{x}' [1]]", "subscript", "eval")
assert "'string.templatelib.Template' object is not subscriptable" in str(caught[0].message)
