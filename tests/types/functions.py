# Functions, bound methods, cells and code objects as Python sees them.
import types

FunctionType = types.FunctionType
CodeType = types.CodeType
CellType = types.CellType
MethodType = types.MethodType


def raises(kind, message, function, *args):
    try:
        function(*args)
    except kind as error:
        assert type(error) is kind, type(error)
        assert message is None or str(error) == message, str(error)
    else:
        raise AssertionError("nothing raised")


def plain(a, b=1, *, c=2):
    "The doc."
    return a + b + c


def outer(a):
    def inner():
        return a

    return inner


# attributes
assert plain.__name__ == "plain" and plain.__qualname__ == "plain"
assert outer(1).__qualname__ == "outer.<locals>.inner"
assert plain.__doc__ == "The doc." and outer.__doc__ is None
assert plain.__module__ == __name__
assert plain.__defaults__ == (1,) and plain.__kwdefaults__ == {"c": 2}
assert plain.__globals__ is globals()
assert plain.__closure__ is None and len(outer(1).__closure__) == 1
assert plain.__type_params__ == ()
assert plain.__dict__ == {}
plain.mark = 1
assert plain.__dict__ == {"mark": 1} and plain.mark == 1
assert repr(plain).startswith("<function plain at 0x")

plain.__defaults__ = (10,)
assert plain(1) == 13
plain.__kwdefaults__ = {"c": 20}
assert plain(1) == 31
plain.__defaults__ = None
assert plain.__defaults__ is None
raises(TypeError, "plain() missing 1 required positional argument: 'b'", plain, 1)
del plain.__kwdefaults__
raises(TypeError, "plain() missing 1 required keyword-only argument: 'c'", plain, 1, 2)


def setattr_(target, name, value):
    type(target).__setattr__(target, name, value)


raises(TypeError, "__defaults__ must be set to a tuple object", setattr_, plain, "__defaults__", 1)
raises(TypeError, "__kwdefaults__ must be set to a dict object", setattr_, plain, "__kwdefaults__", 1)
raises(TypeError, "__name__ must be set to a string object", setattr_, plain, "__name__", 1)
raises(TypeError, "__qualname__ must be set to a string object", setattr_, plain, "__qualname__", 1)
raises(TypeError, "__code__ must be set to a code object", setattr_, plain, "__code__", 1)
raises(TypeError, "__dict__ must be set to a dictionary, not a 'int'", setattr_, plain, "__dict__", 1)
raises(TypeError, "__type_params__ must be set to a tuple", setattr_, plain, "__type_params__", 1)
raises(TypeError, "__annotations__ must be set to a dict object", setattr_, plain, "__annotations__", 1)
raises(TypeError, "__annotate__ must be callable or None", setattr_, plain, "__annotate__", 1)
raises(AttributeError, "readonly attribute", setattr_, plain, "__closure__", 1)
raises(AttributeError, "readonly attribute", setattr_, plain, "__globals__", 1)
plain.__name__ = "renamed"
plain.__qualname__ = "also.renamed"
assert plain.__name__ == "renamed" and repr(plain).startswith("<function also.renamed at 0x")
raises(TypeError, "also.renamed() missing 1 required keyword-only argument: 'c'", plain, 1, 2)
del plain.__doc__
assert plain.__doc__ is None

# __code__
def one():
    return 1


def two():
    return 2


one.__code__ = two.__code__
assert one() == 2 and one.__name__ == "one"
raises(ValueError, "one() requires a code object with 0 free vars, not 1", setattr_, one, "__code__", outer(1).__code__)

# a function that replaces its own code while it runs
def itself():
    itself.__code__ = two.__code__
    return 3


assert itself() == 3 and itself() == 2

# annotations are worked out when asked for
calls = []


def note(value):
    calls.append(value)
    return value


def annotated(a: note(1), *rest: note(2), b: note(3) = 4) -> note(5):
    pass


assert calls == []
assert annotated.__annotations__ == {"a": 1, "rest": 2, "b": 3, "return": 5}
assert calls == [1, 2, 3, 5]
annotated.__annotations__["a"] = 0
assert annotated.__annotations__["a"] == 0 and len(calls) == 4
assert annotated.__annotate__(1) == {"a": 1, "rest": 2, "b": 3, "return": 5}
annotated.__annotations__ = {"x": 1}
assert annotated.__annotations__ == {"x": 1} and annotated.__annotate__ is None
del annotated.__annotations__
assert annotated.__annotations__ == {}
annotated.__annotate__ = lambda form: {"form": form}
assert annotated.__annotations__ == {"form": 1}
assert one.__annotations__ == {} and one.__annotate__ is None

# FunctionType
code = plain.__code__
made = FunctionType(code, {"__name__": "elsewhere"}, "made", (5,), None, {"c": 6})
assert made(1) == 12 and made.__name__ == "made" and made.__module__ == "elsewhere"
assert made.__qualname__ == "plain"
closed = FunctionType(outer(1).__code__, {}, closure=(CellType("cell"),))
assert closed() == "cell" and closed.__module__ is None
raises(TypeError, "function() missing required argument 'code' (pos 1)", FunctionType)
raises(TypeError, "function() argument 'code' must be code, not int", FunctionType, 1, 2)
raises(TypeError, "function() argument 'globals' must be dict, not int", FunctionType, code, 2)
raises(TypeError, "arg 3 (name) must be None or string", FunctionType, code, {}, 1)
raises(TypeError, "arg 4 (defaults) must be None or tuple", FunctionType, code, {}, None, 1)
raises(TypeError, "arg 5 (closure) must be None or tuple", FunctionType, code, {}, None, None, 1)
raises(TypeError, "arg 5 (closure) must be tuple", FunctionType, outer(1).__code__, {})
raises(ValueError, "inner requires closure of length 1, not 0", FunctionType, outer(1).__code__, {}, None, None, ())
raises(TypeError, "arg 5 (closure) expected cell, found int", FunctionType, outer(1).__code__, {}, None, None, (1,))

# binding
class Owner:
    def method(self, *args):
        return self, args


owner = Owner()
bound = owner.method
assert type(bound) is MethodType
assert bound.__self__ is owner and bound.__func__ is Owner.method
assert bound(1) == (owner, (1,)) and Owner.method(owner, 1) == (owner, (1,))
assert bound == owner.method and bound is not owner.method and hash(bound) == hash(owner.method)
assert bound != Owner().method
assert bound.__name__ == "method" and bound.__qualname__ == "Owner.method"
assert repr(bound).startswith("<bound method Owner.method of <")
assert Owner.method.__get__(None, Owner) is Owner.method
assert Owner.method.__get__(3)(4) == (3, (4,))
assert MethodType(plain.__class__, one.__code__)
raises(TypeError, "first argument must be callable", MethodType, 1, 2)
raises(TypeError, "instance must not be None", MethodType, one, None)

# cells
cell = CellType(1)
assert cell.cell_contents == 1
cell.cell_contents = 2
assert cell.cell_contents == 2 and cell == CellType(2) and cell < CellType(3)
del cell.cell_contents
raises(ValueError, "Cell is empty", lambda: cell.cell_contents)
assert cell == CellType() and CellType() < CellType(0) and cell != 1
assert repr(cell).endswith(": empty>")
raises(TypeError, "unhashable type: 'cell'", hash, cell)
raises(TypeError, "cell expected at most 1 argument, got 2", CellType, 1, 2)
get = outer("before")
get.__closure__[0].cell_contents = "after"
assert get() == "after"

# code objects
def sample(a, /, b, *args, c, d=1, **kwargs):
    "doc"
    local = a
    text = "constant"

    def nested():
        return local, b

    return nested


code = sample.__code__
assert (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount) == (2, 1, 2)
assert code.co_varnames[:6] == ("a", "b", "c", "d", "args", "kwargs")
assert code.co_nlocals == len(code.co_varnames)
assert "local" in code.co_cellvars and "b" in code.co_cellvars and code.co_freevars == ()
nested = sample(1, 2, c=3).__code__
assert nested.co_freevars == ("b", "local") and nested.co_name == "nested"
assert nested.co_qualname == "sample.<locals>.nested"
assert code.co_flags & 12 == 12
assert "constant" in code.co_consts and code.co_consts[0] == "doc"
assert type(code.co_code) is bytes and len(code.co_code) % 2 == 0
assert code.co_firstlineno > 100 and code.co_filename
assert repr(code).startswith("<code object sample at 0x") and repr(code).endswith(">")
lines = list(code.co_lines())
assert lines[0][0] in (0, -1) and lines[-1][1] == len(code.co_code)
assert all(a[1] == b[0] for a, b in zip(lines, lines[1:]))
positions = list(code.co_positions())
assert len(positions) == len(code.co_code) // 2 and all(len(row) == 4 for row in positions)

same = code.replace()
assert same == code and same is not code and hash(same) == hash(code)
other = code.replace(co_name="other", co_filename="file")
assert other != code and other.co_name == "other" and other.co_filename == "file"
assert code.replace(co_filename="elsewhere") == code
raises(TypeError, "replace() argument 'co_name' must be str, not int", lambda: code.replace(co_name=1))
raises(TypeError, "replace() argument 'co_consts' must be tuple, not int", lambda: code.replace(co_consts=1))
raises(TypeError, "replace() got an unexpected keyword argument 'co_foo'", lambda: code.replace(co_foo=1))
raises(ValueError, "code: co_varnames is too small", lambda: code.replace(co_varnames=("a",)))
raises(TypeError, "code expected at least 16 arguments, got 0", CodeType)


def constant():
    return "old"


consts = tuple("new" if item == "old" else item for item in constant.__code__.co_consts)
constant.__code__ = constant.__code__.replace(co_consts=consts)
assert constant() == "new"
print("ok")

# the name of a function made in a generator expression
def named():
    return next((lambda: i) for i in [1]), next(((lambda: i) for i in [j]) for j in [1])
assert named()[0].__qualname__ == "named.<locals>.<genexpr>.<lambda>"
assert named()[1].__qualname__ == "named.<locals>.<genexpr>.<genexpr>"
