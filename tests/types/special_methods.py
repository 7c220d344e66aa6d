# Special methods of classes: operators, comparison, conversion, containers, attributes.


def error(kind, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as e:
        assert type(e) is kind, (type(e), e)
        return str(e)
    raise AssertionError(f"{kind.__name__} not raised")


class Num:
    def __init__(self, v):
        self.v = v

    def __add__(self, o):
        return ("add", o)

    def __radd__(self, o):
        return ("radd", o)

    def __iadd__(self, o):
        return ("iadd", o)

    def __pow__(self, o, m=None):
        return ("pow", o, m)

    def __rpow__(self, o, m=None):
        return ("rpow", o, m)

    def __neg__(self):
        return "neg"

    def __divmod__(self, o):
        return "divmod"

    def __sub__(self, o):
        return NotImplemented

    def __index__(self):
        return self.v


n = Num(3)
assert n + 1 == ("add", 1) and 1 + n == ("radd", 1) and n**2 == ("pow", 2, None) and 2**n == ("rpow", 2, None)
assert -n == "neg" and [0, 1, 2, 3][n] == 3 and n.__pow__(1, 2) == ("pow", 1, 2)
i = n
i += 5
assert i == ("iadd", 5)
assert error(TypeError, lambda: n - 1) == "unsupported operand type(s) for -: 'Num' and 'int'"
assert error(TypeError, lambda: 1 - n) == "unsupported operand type(s) for -: 'int' and 'Num'"
assert error(TypeError, lambda: ~n) == "bad operand type for unary ~: 'Num'"


# the right operand goes first if its type is a subclass that defines the reflected method anew
class Base:
    def __add__(self, o):
        return "base add"

    def __radd__(self, o):
        return "base radd"


class Derived(Base):
    def __radd__(self, o):
        return "derived radd"


class Plain(Base):
    pass


assert Base() + Derived() == "derived radd" and Base() + Plain() == "base add" and Derived() + Base() == "base add"


class OnlyR:
    def __radd__(self, o):
        return "only r"


assert object.__new__(OnlyR) is not None and 1 + OnlyR() == "only r" and [] + OnlyR() == "only r"
assert error(TypeError, lambda: OnlyR() + OnlyR()) == "unsupported operand type(s) for +: 'OnlyR' and 'OnlyR'"


# comparison and hash
class Eq:
    def __init__(self, v):
        self.v = v

    def __eq__(self, o):
        return self.v == o.v if isinstance(o, Eq) else NotImplemented


assert Eq(1) == Eq(1) and Eq(1) != Eq(2) and Eq(1) != 1 and not Eq(1) == 1
assert error(TypeError, hash, Eq(1)) == "unhashable type: 'Eq'" and Eq.__hash__ is None
assert error(TypeError, lambda: Eq(1) < Eq(2)) == "'<' not supported between instances of 'Eq' and 'Eq'"


class EqHash(Eq):
    def __hash__(self):
        return hash(self.v)


assert hash(EqHash(5)) == hash(5) and EqHash(1) in {EqHash(1): 2}


class Lt:
    def __init__(self, v):
        self.v = v

    def __lt__(self, o):
        return self.v < o.v


assert Lt(1) < Lt(2) and Lt(2) > Lt(1) and [x.v for x in sorted([Lt(3), Lt(1)])] == [1, 3]


class H:
    def __init__(self, h):
        self.h = h

    def __hash__(self):
        return self.h


assert hash(H(-1)) == -2 and hash(H(2**70)) == hash(2**70)
assert error(TypeError, hash, H("x")) == "__hash__ method should return an integer"


# conversions
class Bool:
    def __init__(self, v):
        self.v = v

    def __bool__(self):
        return self.v


assert Bool(True) and not Bool(False)
assert error(TypeError, bool, Bool(1)) == "__bool__ should return bool, returned int"


class Len:
    def __init__(self, v):
        self.v = v

    def __len__(self):
        return self.v


assert len(Len(3)) == 3 and Len(1) and not Len(0)
assert error(ValueError, len, Len(-1)) == "__len__() should return >= 0"
assert error(TypeError, len, Len("x")) == "'str' object cannot be interpreted as an integer"
assert error(OverflowError, len, Len(2**80)) == "cannot fit 'int' into an index-sized integer"
assert error(TypeError, len, 5) == "object of type 'int' has no len()"


class Repr:
    def __repr__(self):
        return 1


assert error(TypeError, repr, Repr()) == "__repr__ returned non-string (type int)"


class Str:
    def __str__(self):
        return "as str"

    def __repr__(self):
        return "as repr"


assert str(Str()) == "as str" and repr(Str()) == "as repr" and f"{Str()}{Str()!r}" == "as stras repr"


# containers
class Seq:
    def __init__(self):
        self.log = []

    def __getitem__(self, k):
        return k

    def __setitem__(self, k, v):
        self.log.append((k, v))

    def __delitem__(self, k):
        self.log.append(k)


s = Seq()
s[1] = 2
del s["x"]
assert s.log == [(1, 2), "x"] and s[5] == 5 and s[1:2] == slice(1, 2)


class GetOnly:
    def __getitem__(self, k):
        return k


def set_item():
    GetOnly()[0] = 1


def del_item():
    class S:
        def __setitem__(self, k, v):
            pass

    del S()[0]


assert error(TypeError, set_item) == "'GetOnly' object does not support item assignment"
assert error(AttributeError, del_item) == "__delitem__"


class Contains:
    def __contains__(self, x):
        return x


assert 1 in Contains() and 0 not in Contains()


class NoContains:
    __contains__ = None


assert error(TypeError, lambda: 1 in NoContains()) == "'NoContains' object is not a container"


class Iter:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return self

    def __next__(self):
        if self.n == 0:
            raise StopIteration
        self.n -= 1
        return self.n


assert list(Iter(3)) == [2, 1, 0] and 1 in Iter(3) and tuple(Iter(2)) == (1, 0)


class NoIter:
    __iter__ = None


assert error(TypeError, iter, NoIter()) == "'NoIter' object is not iterable"


class BadIter:
    def __iter__(self):
        return 1


assert error(TypeError, iter, BadIter()) == "iter() returned non-iterator of type 'int'"


class Call:
    def __call__(self, *args, **kwargs):
        return args, kwargs


assert Call()(1, a=2) == ((1,), {"a": 2})
assert error(TypeError, lambda: Eq(1)()) == "'Eq' object is not callable"


# attributes
class GetAttr:
    known = 1

    def __getattr__(self, name):
        if name == "bad":
            raise AttributeError("bad one")
        return "dynamic " + name


g = GetAttr()
assert g.known == 1 and g.other == "dynamic other" and not hasattr(g, "bad")
g.stored = 2
assert g.stored == 2
GetAttr.__getattr__ = lambda self, name: "replaced"
assert g.other == "replaced"
del GetAttr.__getattr__
assert error(AttributeError, getattr, g, "other") == "'GetAttr' object has no attribute 'other'"


class GetAttribute:
    def __getattribute__(self, name):
        if name == "fall":
            raise AttributeError
        return "all " + name

    def __getattr__(self, name):
        return "fell " + name


assert GetAttribute().x == "all x" and GetAttribute().fall == "fell fall"


class SetAttr:
    def __setattr__(self, name, value):
        object.__setattr__(self, name, (value,))

    def __delattr__(self, name):
        object.__delattr__(self, name)
        object.__setattr__(self, "deleted", name)


sa = SetAttr()
sa.x = 1
assert sa.x == (1,)
del sa.x
assert sa.deleted == "x" and not hasattr(sa, "x")


# methods set after the class was made
class Late:
    pass


class LateSub(Late):
    pass


late = LateSub()
assert error(TypeError, len, late) == "object of type 'LateSub' has no len()"
Late.__len__ = lambda self: 7
assert len(late) == 7
Late.__eq__ = lambda self, other: True
assert late == 5
del Late.__eq__
assert late != 5
LateSub.__len__ = lambda self: 8
assert len(late) == 8
del LateSub.__len__
assert len(late) == 7
del Late.__len__
assert error(TypeError, len, late) == "object of type 'LateSub' has no len()"
late.__len__ = lambda: 9
assert error(TypeError, len, late) == "object of type 'LateSub' has no len()"


# __del__
gone = []


class Del:
    def __init__(self, v):
        self.v = v

    def __del__(self):
        gone.append(self.v)


Del(1)
assert gone == [1]
x = Del(2)
x = None
assert gone == [1, 2]


class Resurrect:
    kept = []

    def __del__(self):
        Resurrect.kept.append(self)


Resurrect()
assert len(Resurrect.kept) == 1
Resurrect.kept.clear()
assert Resurrect.kept == []


class IntLike(int):
    __slots__ = ()

    def __len__(self):
        return int(self)


assert len(IntLike(5)) == 5 and IntLike(5) * 2 == 10 and IntLike(5).__add__(1) == 6 and int.__add__(IntLike(1), 2) == 3


class MyList(list):
    def __add__(self, o):
        return NotImplemented


assert error(TypeError, lambda: MyList() + []) == "unsupported operand type(s) for +: 'MyList' and 'list'"
assert object.__eq__(1, 1) is True and object.__eq__(1, 2) is NotImplemented and object.__ne__(1, 1) is False
assert error(TypeError, format, Late(), "x") == "unsupported format string passed to Late.__format__"
