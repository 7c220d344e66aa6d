"""_abc through abc.ABCMeta: abstract methods, registration, caches."""
import abc
import collections.abc
import gc
import weakref
from _abc import _get_dump, _reset_caches, _reset_registry


def message(kind, function, *args):
    try:
        function(*args)
    except kind as e:
        return str(e)
    raise AssertionError(f"no {kind.__name__}")


def abstract_methods():
    class A(abc.ABC):
        @abc.abstractmethod
        def f(self):
            pass

        @property
        @abc.abstractmethod
        def p(self):
            pass

    assert A.__abstractmethods__ == frozenset({"f", "p"})
    assert message(TypeError, A) == "Can't instantiate abstract class A without an implementation for abstract methods 'f', 'p'"

    class B(A):
        def f(self):
            return 1

    assert B.__abstractmethods__ == {"p"}
    assert message(TypeError, B) == "Can't instantiate abstract class B without an implementation for abstract method 'p'"

    class C(B):
        p = 3

    assert C().f() == 1 and C.__abstractmethods__ == frozenset()


def registration():
    class A(abc.ABC):
        pass

    class Plain:
        pass

    class Derived(Plain):
        pass

    assert not issubclass(Plain, A) and not isinstance(Plain(), A)
    token = abc.get_cache_token()
    assert A.register(Plain) is Plain
    assert abc.get_cache_token() == token + 1
    assert issubclass(Plain, A) and issubclass(Derived, A) and isinstance(Derived(), A)
    A.register(int)
    assert isinstance(1, A) and isinstance(True, A) and not isinstance("", A)
    assert A.register(A) is A and abc.get_cache_token() == token + 2
    assert message(TypeError, A.register, 1) == "Can only register classes"
    assert message(TypeError, issubclass, 1, A) == "issubclass() arg 1 must be a class"

    class Sub(A):
        pass

    assert message(RuntimeError, Sub.register, A) == "Refusing to create an inheritance cycle"
    other = type("Other", (), {})
    Sub.register(other)
    assert issubclass(other, A), "through a subclass's registry"


def hooks():
    class H(abc.ABC):
        @classmethod
        def __subclasshook__(cls, other):
            calls.append(other)
            return True if other is int else False if other is str else NotImplemented

    calls = []
    assert issubclass(int, H) and issubclass(int, H) and calls == [int], "asked once"
    assert not issubclass(str, H) and not issubclass(str, H) and calls == [int, str]
    assert not isinstance("", H) and calls == [int, str]

    class Bad(abc.ABC):
        @classmethod
        def __subclasshook__(cls, other):
            return 3

    assert message(AssertionError, issubclass, int, Bad) == (
        "__subclasshook__ must return either False, True, or NotImplemented"
    )


def caches():
    class A(abc.ABC):
        pass

    class P:
        pass

    assert not issubclass(P, A)
    registry, cache, negative, version = _get_dump(A)
    assert registry == cache == set() and {r() for r in negative} == {P} and version == abc.get_cache_token()
    A.register(P)
    assert issubclass(P, A)
    registry, cache, negative, _ = _get_dump(A)
    assert {r() for r in registry} == {P} and cache == set(), "registered classes need no cache"
    D = type("D", (P,), {})
    assert issubclass(D, A) and {r() for r in _get_dump(A)[1]} == {D}
    _reset_caches(A)
    assert _get_dump(A)[1] == set()
    del D
    _reset_registry(A)
    assert not issubclass(P, A)
    ref = weakref.ref(P)
    del P, registry, cache, negative
    gc.collect()
    assert ref() is None, "classes are only weakly referenced"
    assert type(A._abc_impl).__name__ == "_abc_data"


def pretended_classes():
    class A(abc.ABC):
        pass

    class Real:
        pass

    class Pretends:
        @property
        def __class__(self):
            return Real

    A.register(Real)
    assert isinstance(Pretends(), A)


def of_the_library():
    assert isinstance([], collections.abc.MutableSequence) and isinstance({}, collections.abc.Mapping)
    assert isinstance((), collections.abc.Hashable) and not isinstance([], collections.abc.Hashable)
    assert issubclass(range, collections.abc.Sequence) and not issubclass(set, collections.abc.Sequence)

    class Sized:
        def __len__(self):
            return 0

    assert isinstance(Sized(), collections.abc.Sized)

    class Seq(collections.abc.Sequence):
        def __len__(self):
            return 2

        def __getitem__(self, i):
            return (10, 20)[i]

    match Seq():
        case [a, b]:
            assert (a, b) == (10, 20)
        case _:
            raise AssertionError("no sequence")

    class Duck:
        def __len__(self):
            return 1

        def __getitem__(self, i):
            return (7,)[i]

    collections.abc.Sequence.register(Duck)
    match Duck():
        case [x]:
            assert x == 7
        case _:
            raise AssertionError("no sequence")


for test in (abstract_methods, registration, hooks, caches, pretended_classes, of_the_library):
    test()
