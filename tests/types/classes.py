# Making classes: namespace, names, MRO, layout, __set_name__, __init_subclass__, __class_getitem__.


def error(kind, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as e:
        assert type(e) is kind, (type(e), e)
        return str(e)
    raise AssertionError(f"{kind.__name__} not raised")


class A:
    "doc of A"
    x = 1

    def method(self):
        self.attribute = 1
        return self.x


assert A.__name__ == "A" and A.__qualname__ == "A" and A.__module__ == __name__
assert A.__doc__ == "doc of A" and A.__bases__ == (object,) and A.__base__ is object
assert A.__mro__ == (A, object) and A.mro() == [A, object]
assert A.__dict__["x"] == 1 and A().method() == 1
assert repr(A) == f"<class '{__name__}.A'>"
assert type(A) is type and type(A()) is A and A().__class__ is A
assert A.__static_attributes__ == ("attribute",)

# attributes of instances
a = A()
a.y = 2
assert a.y == 2 and a.__dict__ == {"y": 2}
a.__dict__["z"] = 3
assert a.z == 3
del a.y
assert error(AttributeError, getattr, a, "y") == "'A' object has no attribute 'y'"
assert error(AttributeError, delattr, a, "y") == "'A' object has no attribute 'y'"
a.__dict__ = {"w": 4}
assert a.w == 4 and not hasattr(a, "z")
assert error(TypeError, setattr, a, "__dict__", 1) == "__dict__ must be set to a dictionary, not a 'int'"
try:
    a.missing
except AttributeError as e:
    assert e.name == "missing" and e.obj is a
many = A()
for i in range(200):
    setattr(many, f"a{i}", i)
assert [getattr(many, f"a{i}") for i in range(200)] == list(range(200))
assert list(many.__dict__) == [f"a{i}" for i in range(200)]

# attributes of classes
A.new = 5
assert a.new == 5
A.x = 10
assert a.x == 10
del A.new
assert not hasattr(a, "new")
assert error(AttributeError, getattr, A, "nothing") == "type object 'A' has no attribute 'nothing'"
assert error(AttributeError, delattr, A, "nothing") == "type object 'A' has no attribute 'nothing'"
assert error(TypeError, setattr, int, "x", 1) == "cannot set 'x' attribute of immutable type 'int'"
assert error(TypeError, delattr, int, "x") == "cannot set 'x' attribute of immutable type 'int'"
assert error(TypeError, setattr, A, 1, 1) == "attribute name must be string, not 'int'"

# type() with three arguments
X = type("X", (A,), {"v": 1})
assert X.__name__ == "X" and X.v == 1 and X.__bases__ == (A,) and X.__doc__ is None
assert error(TypeError, type) == "type() takes 1 or 3 arguments"
assert error(TypeError, type, 1, 2) == "type() takes 1 or 3 arguments"
assert error(TypeError, type, 1, (), {}) == "type.__new__() argument 1 must be str, not int"
assert error(TypeError, type, "X", [], {}) == "type.__new__() argument 2 must be tuple, not list"
assert error(TypeError, type, "X", (), []) == "type.__new__() argument 3 must be dict, not list"
assert error(ValueError, type, "X\0", (), {}) == "type name must not contain null characters"
assert error(TypeError, type, "X", (1,), {}).startswith("metaclass conflict: ")
assert error(TypeError, type, "X", (bool,), {}) == "type 'bool' is not an acceptable base type"
assert error(TypeError, type, "X", (int, str), {}) == "multiple bases have instance lay-out conflict"
assert error(TypeError, type, "X", (A, A), {}) == "duplicate base class A"
assert error(TypeError, type, "X", (), {"__qualname__": 1}) == "type __qualname__ must be a str, not int"
namespace = {"f": 1}
Y = type("Y", (), namespace)
namespace["f"] = 2
assert Y.f == 1

# names
A2 = type("A2", (), {})
A2.__name__ = "Renamed"
A2.__qualname__ = "Outer.Renamed"
A2.__module__ = "elsewhere"
A2.__doc__ = "documented"
assert A2.__name__ == "Renamed" and repr(A2) == "<class 'elsewhere.Outer.Renamed'>" and A2.__doc__ == "documented"
assert error(TypeError, setattr, A2, "__name__", 1) == "can only assign string to Renamed.__name__, not 'int'"
assert error(TypeError, delattr, A2, "__name__") == "cannot delete '__name__' attribute of immutable type 'Renamed'"
assert error(TypeError, setattr, int, "__name__", "a") == "cannot set '__name__' attribute of immutable type 'int'"


class Outer:
    class Inner:
        pass


assert Outer.Inner.__qualname__ == "Outer.Inner"


# calling
class NoArguments:
    pass


class WithInit:
    def __init__(self, x):
        self.x = x


class WithNew:
    def __new__(cls, x):
        self = object.__new__(cls)
        self.x = x
        return self


assert WithInit(1).x == 1 and WithNew(2).x == 2
assert error(TypeError, NoArguments, 1) == "NoArguments() takes no arguments"
assert error(TypeError, NoArguments, a=1) == "NoArguments() takes no arguments"
assert error(TypeError, object, 1) == "object() takes no arguments"
assert error(TypeError, object.__new__, WithNew, 1) == "object.__new__() takes exactly one argument (the type to instantiate)"
assert (
    error(TypeError, object.__init__, WithInit(1), 1)
    == "object.__init__() takes exactly one argument (the instance to initialize)"
)


class BadInit:
    def __init__(self):
        return 1


assert error(TypeError, BadInit) == "__init__() should return None, not 'int'"


class Other:
    def __new__(cls):
        return 5

    def __init__(self):
        raise AssertionError("not called: __new__ gave no instance")


assert Other() == 5


# __new__ of builtins
assert error(TypeError, object.__new__) == "object.__new__(): not enough arguments"
assert error(TypeError, object.__new__, 1) == "object.__new__(X): X is not a type object (int)"
assert error(TypeError, object.__new__, list) == "object.__new__(list) is not safe, use list.__new__()"
assert error(TypeError, int.__new__, str) == "int.__new__(str): str is not a subtype of int"
assert error(TypeError, type(iter([]))) == "cannot create 'list_iterator' instances"


# C3
class B(A):
    pass


class C(A):
    pass


class D(B, C):
    pass


assert D.__mro__ == (D, B, C, A, object)
assert (
    error(TypeError, type, "X", (A, B), {})
    == "Cannot create a consistent method resolution order (MRO) for bases A, B"
)
assert B.__subclasses__() == [D] and set(A.__subclasses__()) >= {B, C}


# __bases__
class P1:
    def who(self):
        return 1


class P2:
    def who(self):
        return 2


class Child(P1):
    pass


class GrandChild(Child):
    pass


child = GrandChild()
assert child.who() == 1
Child.__bases__ = (P2,)
assert child.who() == 2 and GrandChild.__mro__ == (GrandChild, Child, P2, object)
assert P1.__subclasses__() == [] and P2.__subclasses__() == [Child]
assert error(TypeError, setattr, P1, "__bases__", 1) == "can only assign tuple to P1.__bases__, not int"
assert error(TypeError, setattr, P1, "__bases__", ()) == "can only assign non-empty tuple to P1.__bases__, not ()"
assert error(TypeError, setattr, P1, "__bases__", (1,)) == "P1.__bases__ must be tuple of classes, not 'int'"
assert error(TypeError, setattr, P2, "__bases__", (GrandChild,)) == "a __bases__ item causes an inheritance cycle"
assert error(AttributeError, setattr, P1, "__mro__", 1) == "attribute '__mro__' of 'type' objects is not writable"


# __class__
class First:
    def __init__(self):
        self.value = 1

    def name(self):
        return "first"


class Second:
    def __init__(self):
        self.a = self.b = self.c = self.d = self.e = 1

    def name(self):
        return "second", self.value


object_ = First()
object_.__class__ = Second
assert object_.name() == ("second", 1) and type(object_) is Second
object_.a = 5
assert object_.__dict__ == {"value": 1, "a": 5}
empty = NoArguments()
empty.__class__ = Second
empty.a = 1
empty.b = 2
empty.zzz = 3
assert empty.__dict__ == {"a": 1, "b": 2, "zzz": 3}
only = "__class__ assignment only supported for mutable types or ModuleType subclasses"
assert error(TypeError, setattr, First(), "__class__", 1) == "__class__ must be set to a class, not 'int' object"
assert error(TypeError, setattr, First(), "__class__", int) == only
assert error(TypeError, setattr, 1, "__class__", First) == only


class Slotted:
    __slots__ = ("a",)


assert (
    error(TypeError, setattr, First(), "__class__", Slotted)
    == "__class__ assignment: 'Slotted' object layout differs from 'First'"
)


# __set_name__
class Named:
    def __set_name__(self, owner, name):
        self.seen = (owner, name)


class Owner:
    first = Named()
    second = Named()


assert Owner.first.seen == (Owner, "first") and Owner.second.seen == (Owner, "second")


class Failing:
    def __set_name__(self, owner, name):
        1 / 0


try:
    type("X", (), {"q": Failing()})
except ZeroDivisionError as e:
    assert e.__notes__ == ["Error calling __set_name__ on 'Failing' instance 'q' in 'X'"]
else:
    raise AssertionError


# __init_subclass__ and __class_getitem__
class Registry:
    seen = []

    def __init_subclass__(cls, /, tag=None, **kwargs):
        super().__init_subclass__(**kwargs)
        Registry.seen.append((cls.__name__, tag))

    def __class_getitem__(cls, item):
        return cls, item


class Sub1(Registry, tag="t"):
    pass


class Sub2(Sub1):
    pass


assert Registry.seen == [("Sub1", "t"), ("Sub2", None)]
assert Registry[1] == (Registry, 1) and Sub1["a", "b"] == (Sub1, ("a", "b"))
assert error(TypeError, type, "X", (), {}, foo=1) == "X.__init_subclass__() takes no keyword arguments"
assert isinstance(Registry.__dict__["__init_subclass__"], classmethod)
assert isinstance(Registry.__dict__["__class_getitem__"], classmethod)
assert isinstance(WithNew.__dict__["__new__"], staticmethod)


# __mro_entries__
class Entries:
    def __mro_entries__(self, bases):
        return (A, B) if len(bases) == 1 and False else (B,)


entries = Entries()


class FromEntries(entries):
    pass


assert FromEntries.__bases__ == (B,) and FromEntries.__orig_bases__ == (entries,)
assert (
    error(TypeError, type, "X", (entries,), {})
    == "type() doesn't support MRO entry resolution; use types.new_class()"
)


# __class__ in methods
class Reflective:
    def get(self):
        return __class__


assert Reflective().get() is Reflective

# subclasses of builtin types
class Int(int):
    def __add__(self, other):
        return Int(int.__add__(self, other) * 2)


class List(list):
    def __init__(self, *args):
        super().__init__(args)
        self.extra = True


assert Int(3) + 4 == 14 and type(Int(3) + 4) is Int and Int(3) - 1 == 2 and 1 + Int(3) == 4
assert List(1, 2) == [1, 2] and List(1).extra and isinstance(List(), list)


class Text(str):
    pass


class Pair(tuple):
    def __new__(cls, a, b):
        return super().__new__(cls, (a, b))

    @property
    def first(self):
        return self[0]


text = Text("abc")
text.note = 1
assert text == "abc" and text.note == 1 and text + "d" == "abcd" and hash(text) == hash("abc")
assert Pair(1, 2).first == 1 and Pair(1, 2) == (1, 2)


class Weird(dict):
    def __missing__(self, key):
        return key * 2


assert Weird()[4] == 8

# annotations
class Annotated:
    x: int
    y: "str" = "s"


assert Annotated.__annotations__ == {"x": int, "y": "str"}
assert Annotated.__annotations__ is Annotated.__annotations__
assert A.__annotations__ == {}
assert error(AttributeError, getattr, int, "__annotations__") == "type object 'int' has no attribute '__annotations__'"

# functions inside a comprehension of a class body see the class's cell; the comprehension itself does not
class Celled:
    functions = [lambda: __class__ for _ in [1]]
    names = [lambda: __classdict__ for _ in [1]]
assert Celled.functions[0]() is Celled and "functions" in Celled.names[0]()
for body in ("[(lambda: __class__)() for _ in [1]]", "[__class__ for _ in [1]]"):
    try:
        exec(f"class D:\n    found = {body}")
    except NameError as error:
        assert "__class__" in str(error), error
    else:
        raise AssertionError(body)
