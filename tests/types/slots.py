# __slots__.


def error(kind, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as e:
        assert type(e) is kind, (type(e), e)
        return str(e)
    raise AssertionError(f"{kind.__name__} not raised")


class Point:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x = x
        self.y = y


p = Point(1, 2)
assert (p.x, p.y) == (1, 2)
p.x = 10
assert p.x == 10
del p.x
assert error(AttributeError, getattr, p, "x") == "'Point' object has no attribute 'x'"
assert error(AttributeError, delattr, p, "x") == "x"
assert (
    error(AttributeError, setattr, p, "z", 1)
    == "'Point' object has no attribute 'z' and no __dict__ for setting new attributes"
)
assert not hasattr(p, "__dict__")
assert repr(Point.x) == "<member 'x' of 'Point' objects>"
assert Point.x.__name__ == "x" and Point.x.__objclass__ is Point
assert error(TypeError, Point.x.__get__, 1) == "descriptor 'x' for 'Point' objects doesn't apply to a 'int' object"


class Point3(Point):
    __slots__ = ("z",)


q = Point3(1, 2)
q.z = 3
assert (q.x, q.y, q.z) == (1, 2, 3)


class WithDict(Point):
    pass


w = WithDict(1, 2)
w.other = 5
assert w.__dict__ == {"other": 5} and w.x == 1


class Special:
    __slots__ = ("__dict__", "__weakref__", "a")


s = Special()
s.a = 1
s.b = 2
assert s.__dict__ == {"b": 2} and s.__weakref__ is None


class Private:
    __slots__ = ("__hidden", "open")

    def __init__(self):
        self.__hidden = 1


assert Private()._Private__hidden == 1 and sorted(k for k in Private.__dict__ if "hidden" in k) == ["_Private__hidden"]


class One:
    __slots__ = "single"


One().single = 1


class FromGenerator:
    __slots__ = (name for name in ("b", "a"))


g = FromGenerator()
g.a = g.b = 1
assert [k for k in FromGenerator.__dict__ if k in "ab"] == ["a", "b"]


class Base1:
    __slots__ = ("a",)


class Base2:
    __slots__ = ("b",)


class Empty:
    __slots__ = ()


class Mixed(Base1, Empty):
    __slots__ = ("c",)


m = Mixed()
m.a = m.c = 1
assert error(TypeError, type, "X", (Base1, Base2), {}) == "multiple bases have instance lay-out conflict"


def make(slots, base=object, **more):
    return type("X", (base,), {"__slots__": slots, **more})


assert error(TypeError, make, 1) == "'int' object is not iterable"
assert error(TypeError, make, ["a b"]) == "__slots__ must be identifiers"
assert error(TypeError, make, [1]) == "__slots__ items must be strings, not 'int'"
assert error(TypeError, make, ["__dict__", "__dict__"]) == "__dict__ slot disallowed: we already got one"
assert error(TypeError, make, ["a"], int) == "nonempty __slots__ not supported for subtype of 'int'"
assert error(ValueError, make, ["a"], a=1) == "'a' in __slots__ conflicts with class variable"
assert make([], int)(5) + 1 == 6


# same slots: __class__ may change
class Same1:
    __slots__ = ("a", "b")


class Same2:
    __slots__ = ("a", "b")


same = Same1()
same.a = 1
same.__class__ = Same2
assert same.a == 1 and type(same) is Same2


class ListWithSlot(list):
    __slots__ = ("tag",)


ls = ListWithSlot([1, 2])
ls.tag = "t"
assert ls == [1, 2] and ls.tag == "t"
