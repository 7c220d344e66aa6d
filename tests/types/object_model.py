# Calls of classes, descriptors of fields, layouts, orders of base classes, what generators handle.
import copyreg
import gc
import sys
import types
import weakref
from collections import OrderedDict


def raises(kind, call, *words):
    try:
        call()
    except kind as error:
        for word in words:
            assert word in str(error), (word, error)
        return error
    raise AssertionError(f"{kind.__name__} not raised")


# A class called with unpacked arguments binds them, whatever their number.
class Point:
    def __init__(self, x):
        self.x = x


def make(*args, **keywords):
    return Point(*args, **keywords)


def make_from(*args):
    return Point(*args)


assert make_from(1).x == 1 and make(1).x == 1 and make(x=2).x == 2
assert Point(*(3,)).x == 3 and Point(*[4]).x == 4
raises(TypeError, lambda: make_from(1, 2), "positional argument")
raises(TypeError, lambda: make_from(), "missing")

# Fields of builtin types have member descriptors, as places of `__slots__` have.
assert type(types.FunctionType.__globals__) is types.MemberDescriptorType
assert type(types.FunctionType.__code__) is types.GetSetDescriptorType
assert type(complex.real) is types.MemberDescriptorType
raises(AttributeError, lambda: setattr(1j, "real", 2), "readonly attribute")
raises(AttributeError, lambda: setattr(property(), "fget", 1), "readonly attribute")


# Layouts are the same if the same places were added, in whatever order they were named.
class A:
    __slots__ = ["a", "b"]


class B:
    __slots__ = ["b", "a"]


one = A()
one.a = 5
one.__class__ = B
assert one.a == 5 and type(one) is B


# `__dict__` may be deleted: the next who asks finds an empty one.
one = Point(1)
del one.__dict__
assert one.__dict__ == {} and not hasattr(one, "x")


# What is no method of the class's base must be called, to refuse.
class Wrong(int):
    __add__ = str.__add__


raises(TypeError, lambda: Wrong() + Wrong(), "requires a 'str' object")


# A metaclass's `mro` may name types that are no bases; they are looked up all the same, without memory.
class Stranger:
    value = 1


class Meta(type):
    def mro(cls):
        return (cls, Stranger, object)


class Guest(metaclass=Meta):
    pass


for number in range(3):
    Stranger.value = number
    assert Guest.value == number


class Without(type):
    def mro(cls):
        return (Point,)


raises(TypeError, lambda: Without("X", (), {}), "not an instance or subtype")


# The first base that is a mapping or a sequence decides for patterns.
class Both(dict, list.__base__):
    pass


match Both():
    case []:
        raise AssertionError
    case {}:
        pass

# Names that are no strings.
import warnings

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    type("Odd", (), {1: 2})
assert "non-string key" in str(caught[0].message)

# Powers.
raises(TypeError, lambda: (0).__pow__(), "expected 1 or 2 arguments, got 0")


def power():
    x = None
    x **= 2


raises(TypeError, power, "unsupported operand type(s) for **=")

# What a generator handles is its own: the caller's exception is seen inside, and is no context of what is thrown in.
first, second = Exception(1), Exception(2)


def reraising():
    try:
        yield sys.exception()
    finally:
        raise Exception(3)


steps = reraising()
try:
    raise first
except Exception:
    assert next(steps) is first
    error = raises(Exception, lambda: steps.throw(second))
assert error.__context__ is second and second.__context__ is None


def handling():
    try:
        yield
    except ValueError:
        yield sys.exception()
        raise


steps = handling()
next(steps)
try:
    raise ValueError
except ValueError as error:
    assert steps.throw(error) is error
raises(ValueError, lambda: next(steps))


# A function whose module refers back to it is garbage as others are.
class Noticed:
    pass


def cycle():
    def function():
        pass

    noticed = Noticed()
    function.__module__ = (function, noticed)
    return weakref.ref(noticed)


alive = cycle()
gc.collect()
assert alive() is None

# The ordered dict notices what happens while it is walked.
ordered = OrderedDict.fromkeys("abc", value=0)


def moving():
    for key in ordered:
        ordered.move_to_end(key)


raises(RuntimeError, moving, "OrderedDict mutated during iteration")
assert list(ordered) == ["b", "c", "a"]
assert type(ordered.keys()).__name__ == "odict_keys" and list(reversed(ordered.items()))[0] == ("a", 0)
assert ordered.pop("x", default=1) == 1 and ordered.setdefault("d", default=2) == 2
assert repr(ordered) == "OrderedDict({'b': 0, 'c': 0, 'a': 0, 'd': 2})"
assert copyreg.__newobj__(OrderedDict) == {}
assert sorted(gc.get_referents([1, 3])) == [1, 3]
