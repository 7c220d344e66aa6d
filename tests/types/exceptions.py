"""Exceptions: the hierarchy, arguments, links, OSError, Unicode and syntax errors, groups."""


def message(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except BaseException as error:
        return type(error).__name__ + ": " + str(error)
    return "no error"


# ---- BaseException ----
e = ValueError(1, "two")
assert e.args == (1, "two") and str(e) == "(1, 'two')" and repr(e) == "ValueError(1, 'two')"
assert str(ValueError()) == "" and repr(ValueError()) == "ValueError()"
assert str(ValueError("x")) == "x" and repr(ValueError("x")) == "ValueError('x')"
e.args = [3]
assert e.args == (3,)
assert message(ValueError, a=1) == "TypeError: ValueError() takes no keyword arguments"
assert message(delattr, e, "args") == "TypeError: args may not be deleted"
assert message(setattr, e, "args", 3) == "TypeError: 'int' object is not iterable"
for name, role in (("__context__", "context"), ("__cause__", "cause")):
    assert message(delattr, e, name) == f"TypeError: {name} may not be deleted"
    assert (
        message(setattr, e, name, 3)
        == f"TypeError: exception {role} must be None or derive from BaseException"
    )
assert message(setattr, e, "__traceback__", 3) == "TypeError: __traceback__ must be a traceback or None"
assert message(delattr, e, "__traceback__") == "TypeError: __traceback__ may not be deleted"
assert message(setattr, e, "__suppress_context__", 1) == "TypeError: attribute value type must be bool"
assert e.__suppress_context__ is False
e.__cause__ = KeyError()
assert e.__suppress_context__ is True
e.__cause__ = None
assert e.__cause__ is None and e.__suppress_context__ is True
assert e.with_traceback(None) is e
e.add_note("one")
e.add_note("two")
assert e.__notes__ == ["one", "two"]
assert message(e.add_note, 3) == "TypeError: add_note() argument must be str, not int"
e.__notes__ = 3
assert message(e.add_note, "x") == "TypeError: Cannot add note: __notes__ is not a list"
e = ValueError("a")
assert e.__reduce__() == (ValueError, ("a",))
e.extra = 5
assert e.__reduce__() == (ValueError, ("a",), {"extra": 5})
f = ValueError()
f.__setstate__({"extra": 7, "args": (1,)})
assert f.extra == 7 and f.args == (1,)
assert message(f.__setstate__, 3) == "TypeError: state is not a dictionary"
assert ValueError.__mro__ == (ValueError, Exception, BaseException, object)
assert str(KeyError("a")) == "'a'" and str(KeyError()) == "" and str(KeyError(1, 2)) == "(1, 2)"


class Own(ValueError):
    def __init__(self, a, b=2):
        self.b = b


o = Own(1, b=5)
assert o.args == (1,) and o.b == 5 and repr(o) == "Own(1)"

# ---- StopIteration, SystemExit ----
assert StopIteration().value is None and StopIteration(4, 5).value == 4
assert SystemExit().code is None and SystemExit(4).code == 4 and SystemExit(4, 5).code == (4, 5)

# ---- ImportError, AttributeError, NameError ----
e = ImportError("m", name="n", path="p")
assert (e.msg, e.name, e.path, e.name_from) == ("m", "n", "p", None)
assert e.__reduce__() == (ImportError, ("m",), {"name": "n", "path": "p"})
assert ImportError("a", "b").msg is None and str(ImportError("a", "b")) == "('a', 'b')"
assert message(ImportError, "a", x=1) == "TypeError: ImportError() got an unexpected keyword argument 'x'"
e = AttributeError("m", name="n", obj=3)
assert (e.name, e.obj) == ("n", 3)
assert e.__reduce__() == (AttributeError, ("m",), {"name": "n", "args": ("m",)})
assert NameError("m", name="n").name == "n" and NameError("m").name is None
try:
    object().nothing
except AttributeError as error:
    assert error.name == "nothing" and type(error.obj) is object

# ---- OSError ----
e = OSError(2, "gone", "file")
assert type(e) is FileNotFoundError and (e.errno, e.strerror, e.filename) == (2, "gone", "file")
assert str(e) == "[Errno 2] gone: 'file'" and e.args == (2, "gone") and e.filename2 is None
assert e.__reduce__() == (FileNotFoundError, (2, "gone", "file"))
e = OSError(2, "gone", "f", None, "g")
assert str(e) == "[Errno 2] gone: 'f' -> 'g'"
assert e.__reduce__() == (FileNotFoundError, (2, "gone", "f", None, "g"))
assert str(OSError(1)) == "1" and str(OSError()) == "" and type(OSError(1)) is OSError
for number, kind in ((11, BlockingIOError), (13, PermissionError), (17, FileExistsError), (110, TimeoutError)):
    assert type(OSError(number, "x")) is kind
assert type(FileNotFoundError(13, "x")) is FileNotFoundError
b = BlockingIOError(11, "x", 5)
assert b.characters_written == 5 and b.filename is None and b.args == (11, "x", 5)
assert message(getattr, OSError(), "characters_written") == "AttributeError: characters_written"
assert message(OSError, a=1) == "TypeError: OSError() takes no keyword arguments"
assert EnvironmentError is OSError and IOError is OSError


class MyOSError(OSError):
    def __init__(self, first):
        super().__init__(first, "second")


assert MyOSError(2).errno == 2 and type(MyOSError(2)) is MyOSError and MyOSError(2).args == (2, "second")

# ---- Unicode errors ----
u = UnicodeEncodeError("ascii", "a\xfcb", 1, 2, "no")
assert str(u) == "'ascii' codec can't encode character '\\xfc' in position 1: no"
assert (u.encoding, u.object, u.start, u.end, u.reason) == ("ascii", "a\xfcb", 1, 2, "no")
u.end = 3
assert str(u) == "'ascii' codec can't encode characters in position 1-2: no"
u = UnicodeDecodeError("utf-8", bytearray(b"a\xff"), 1, 2, "bad")
assert str(u) == "'utf-8' codec can't decode byte 0xff in position 1: bad" and u.object == b"a\xff"
u = UnicodeTranslateError("\u1234", 0, 1, "x")
assert str(u) == "can't translate character '\\u1234' in position 0: x"
assert message(UnicodeEncodeError) == "TypeError: function takes exactly 5 arguments (0 given)"
assert message(UnicodeEncodeError, 1, "", 0, 0, "") == "TypeError: argument 1 must be str, not int"
assert message(UnicodeDecodeError, "a", "b", 0, 0, "") == "TypeError: a bytes-like object is required, not 'str'"

# ---- SyntaxError ----
s = SyntaxError("m", ("d/file.py", 3, 4, "text", 5, 6))
assert (s.msg, s.filename, s.lineno, s.offset, s.text, s.end_lineno, s.end_offset) == (
    "m", "d/file.py", 3, 4, "text", 5, 6)
assert str(s) == "m (file.py, line 3)" and s.print_file_and_line is None
assert str(SyntaxError("m", (None, 3, 4, ""))) == "m (line 3)" and str(SyntaxError()) == "None"
assert message(SyntaxError, "m", (1, 2)) == "TypeError: function takes at least 4 arguments (2 given)"
assert issubclass(TabError, IndentationError)

# ---- groups ----
g = ExceptionGroup("g", [ValueError(1), ExceptionGroup("h", [TypeError(2), ValueError(3)])])
assert str(g) == "g (2 sub-exceptions)" and g.message == "g" and len(g.exceptions) == 2
assert repr(g) == "ExceptionGroup('g', [ValueError(1), ExceptionGroup('h', [TypeError(2), ValueError(3)])])"
matched, rest = g.split(ValueError)
assert repr(matched) == "ExceptionGroup('g', [ValueError(1), ExceptionGroup('h', [ValueError(3)])])"
assert repr(rest) == "ExceptionGroup('g', [ExceptionGroup('h', [TypeError(2)])])"
assert g.subgroup(KeyError) is None and g.subgroup(ExceptionGroup) is g
assert repr(g.subgroup(lambda x: isinstance(x, TypeError))) == (
    "ExceptionGroup('g', [ExceptionGroup('h', [TypeError(2)])])")
assert type(BaseExceptionGroup("x", [ValueError()])) is ExceptionGroup
assert type(BaseExceptionGroup("x", [KeyboardInterrupt()])) is BaseExceptionGroup
assert ExceptionGroup.__mro__ == (ExceptionGroup, BaseExceptionGroup, Exception, BaseException, object)
assert ExceptionGroup.__bases__ == (BaseExceptionGroup, Exception)
assert message(ExceptionGroup, "x", [KeyboardInterrupt()]) == "TypeError: Cannot nest BaseExceptions in an ExceptionGroup"
assert message(ExceptionGroup, "x", []) == "ValueError: second argument (exceptions) must be a non-empty sequence"
assert message(ExceptionGroup, "x", 3) == "TypeError: second argument (exceptions) must be a sequence"
assert message(ExceptionGroup, "x", [3]) == "ValueError: Item 0 of second argument (exceptions) is not an exception"
assert message(ExceptionGroup, "x") == "TypeError: BaseExceptionGroup.__new__() takes exactly 2 arguments (1 given)"
assert message(ExceptionGroup, 3, [e]) == "TypeError: BaseExceptionGroup.__new__() argument 1 must be str, not int"
assert message(g.split, 3) == (
    "TypeError: expected an exception type, a tuple of exception types, or a callable (other than a class)")
g.add_note("n")
assert g.split(ValueError)[0].__notes__ == ["n"]


class MyGroup(ExceptionGroup):
    def derive(self, excs):
        return MyGroup(self.message, excs)


assert type(MyGroup("a", [ValueError(), KeyError()]).split(KeyError)[0]) is MyGroup


# ---- except* ----
def star(error):
    seen = []
    try:
        try:
            raise error
        except* ValueError as found:
            seen.append(found)
        except* TypeError as found:
            seen.append(found)
    except BaseException as left:
        return seen, left
    return seen, None


seen, left = star(ExceptionGroup("g", [ValueError(1), TypeError(2), KeyError(3)]))
assert [repr(x) for x in seen] == ["ExceptionGroup('g', [ValueError(1)])", "ExceptionGroup('g', [TypeError(2)])"]
assert repr(left) == "ExceptionGroup('g', [KeyError(3)])"
seen, left = star(ValueError(1))
assert repr(seen[0]) == "ExceptionGroup('', [ValueError(1)])" or repr(seen[0]) == "ExceptionGroup('', (ValueError(1),))"
assert left is None
seen, left = star(KeyError(1))
assert seen == [] and repr(left) == "KeyError(1)"
try:
    try:
        raise ExceptionGroup("g", [ValueError(1), KeyError(2)])
    except* ValueError:
        raise OSError("new")
except ExceptionGroup as error:
    assert repr(error) == "ExceptionGroup('', [OSError('new'), ExceptionGroup('g', [KeyError(2)])])"


# ---- layouts ----
def make(*bases):
    return type("X", bases, {})


assert message(make, OSError, ImportError) == "TypeError: multiple bases have instance lay-out conflict"
assert message(make, AttributeError, NameError) == "TypeError: multiple bases have instance lay-out conflict"
assert make(KeyError, AttributeError).__mro__[1:3] == (KeyError, LookupError)
assert make(ValueError, StopIteration)(3).value == 3

# ---- chaining ----
try:
    try:
        raise KeyError(1)
    except KeyError:
        raise ValueError(2)
except ValueError as error:
    assert repr(error.__context__) == "KeyError(1)" and error.__cause__ is None
try:
    try:
        raise KeyError(1)
    except KeyError as inner:
        raise ValueError(2) from inner
except ValueError as error:
    assert repr(error.__cause__) == "KeyError(1)" and error.__suppress_context__
print("ok")

# an exception that nobody can catch is shown without those before it, without notes and columns
import contextlib
import sys
import io


class Unraisable:
    def __del__(self):
        try:
            1 / 0
        except ZeroDivisionError:
            error = ValueError("in a finaliser")
            error.add_note("note")
            raise error


with contextlib.redirect_stderr(io.StringIO()) as shown:
    Unraisable()
assert "ZeroDivisionError" not in shown.getvalue() and "~" not in shown.getvalue()
assert shown.getvalue().endswith("            raise error\nValueError: in a finaliser\n".replace("            ", "    ")), shown.getvalue()


# one that was raised by no frame is shown with the frame that runs
def stubborn():
    while True:
        try:
            yield
        except GeneratorExit:
            pass


def ignores():
    generator = stubborn()
    next(generator)
    del generator


seen = []
hook, sys.unraisablehook = sys.unraisablehook, lambda unraisable: seen.append(unraisable.exc_traceback)
ignores()
sys.unraisablehook = hook
assert seen[0].tb_frame.f_code.co_name == "ignores" and seen[0].tb_next is None
seen.clear()
