"""weakref: references, proxies, and what is built on them."""
import copy
import gc
import sys
import weakref


class C:
    def __init__(self, value=0):
        self.value = value


def message(kind, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as e:
        return str(e)
    raise AssertionError(f"no {kind.__name__}")


def references():
    c = C()
    r = weakref.ref(c)
    assert r() is c and weakref.ref(c) is r and weakref.ref(c, None) is r
    assert type(r) is weakref.ReferenceType is weakref.ref
    assert weakref.getweakrefcount(c) == 1 and weakref.getweakrefs(c) == [r]
    called = []
    r2 = weakref.ref(c, called.append)
    r3 = weakref.ref(c, called.append)
    assert r2 is not r and r3 is not r2
    assert r2.__callback__ is not None and r.__callback__ is None
    assert weakref.getweakrefcount(c) == 3 and weakref.getweakrefs(c)[0] is r
    assert r == r2 and hash(r) == hash(c) == hash(r2)
    assert "to 'C' at 0x" in repr(r), repr(r)
    del c
    assert called == [r3, r2] and called[0] is r3, "newest first"
    assert r() is None and r2() is None and r2.__callback__ is None
    assert hash(r) == hash(r2), "the hash stays"
    assert r != r2 and r == r, "dead references are equal to themselves only"
    assert repr(r).endswith("; dead>")
    assert message(TypeError, hash, weakref.ref(C())) == "weak object has gone away"


def comparison():
    class E:
        def __init__(self, x):
            self.x = x

        def __eq__(self, other):
            return self.x == other.x

        def __hash__(self):
            return self.x

    a, b, c = E(1), E(1), E(2)
    assert weakref.ref(a) == weakref.ref(b) != weakref.ref(c)
    assert (weakref.ref(a) == 1) is False
    text = message(TypeError, lambda: weakref.ref(a) < weakref.ref(b))
    assert text == "'<' not supported between instances of 'weakref.ReferenceType' and 'weakref.ReferenceType'", text


def mistakes():
    c = C()
    assert message(TypeError, weakref.ref, 1) == "cannot create weak reference to 'int' object"
    assert message(TypeError, weakref.ref, None) == "cannot create weak reference to 'NoneType' object"
    assert message(TypeError, weakref.proxy, "a") == "cannot create weak reference to 'str' object"
    assert message(TypeError, weakref.ref) == "__new__ expected at least 1 argument, got 0"
    assert message(TypeError, weakref.ref, c, None, 1) == "__new__ expected at most 2 arguments, got 3"
    assert message(TypeError, weakref.ref, c, k=1) == "ref() takes no keyword arguments"
    assert message(TypeError, weakref.ref(c), 1) == "weakref expected 0 arguments, got 1"
    assert weakref.getweakrefcount(1) == 0 and weakref.getweakrefs("a") == []

    class Slotted:
        __slots__ = ("x",)

    assert message(TypeError, weakref.ref, Slotted()) == "cannot create weak reference to 'Slotted' object"

    class WithSlot:
        __slots__ = ("x", "__weakref__")

    s = WithSlot()
    r = weakref.ref(s)
    assert r() is s and s.__weakref__ is r


def what_can_be_referenced():
    def function():
        pass

    gen = (x for x in ())
    for thing in (function, C, C(), gen, int, sys, {1}, frozenset(), function.__code__):
        r = weakref.ref(thing)
        assert r() is thing
    r = weakref.ref(C().__init__)
    assert r() is None, "a bound method dies at once"


def subclasses():
    class Keyed(weakref.ref):
        __slots__ = ("key",)

        def __new__(cls, ob, callback, key):
            return super().__new__(cls, ob, callback)

        def __init__(self, ob, callback, key):
            super().__init__(ob, callback)
            self.key = key

    c = C()
    k = Keyed(c, None, "k")
    assert k() is c and k.key == "k" and isinstance(k, weakref.ref)
    assert Keyed(c, None, "k") is not k, "only exact references are shared"
    assert k == weakref.ref(c)
    assert weakref.ref[int].__origin__ is weakref.ref


def callbacks_and_errors():
    seen = []
    hook, sys.unraisablehook = sys.unraisablehook, lambda u: seen.append((u.exc_type, u.err_msg, u.object))
    try:
        c = C()

        def bad(ref):
            raise ValueError

        r = weakref.ref(c, bad)
        log = []
        r2 = weakref.ref(c, lambda ref: log.append(ref() is None))
        try:
            raise KeyError("unharmed")
        except KeyError as e:
            del c
            assert sys.exception() is e
    finally:
        sys.unraisablehook = hook
    assert log == [True]
    assert len(seen) == 1 and seen[0][0] is ValueError
    assert seen[0][1].startswith("Exception ignored while calling weakref callback <function "), seen
    # A reference that dies first does not call.
    c = C()
    r = weakref.ref(c, bad)
    del r
    del c


def dying_objects():
    seen = []

    class D:
        def __del__(self):
            seen.append(self.ref() is self)

    d = D()
    d.ref = weakref.ref(d)
    del d
    assert seen == [True], "references are cleared after the finaliser"


def proxies():
    c = C(5)
    p = weakref.proxy(c)
    assert type(p) is weakref.ProxyType and weakref.proxy(c) is p
    assert p.value == 5 and p.__class__ is C and isinstance(p, C)
    p.value = 6
    assert c.value == 6
    del p.value
    assert not hasattr(c, "value")
    assert repr(p).startswith("<weakproxy at 0x") and "; to 'C' at 0x" in repr(p)
    assert message(TypeError, hash, p) == "unhashable type: 'weakref.ProxyType'"
    assert message(TypeError, p) == "'weakref.ProxyType' object is not callable"
    assert message(TypeError, len, p) == "object of type 'C' has no len()"
    assert message(TypeError, next, p) == "Weakref proxy referenced a non-iterator 'C' object"
    assert message(TypeError, lambda: -p) == "bad operand type for unary -: 'C'"
    assert message(TypeError, weakref.ProxyType) == "cannot create 'weakref.ProxyType' instances"
    f = weakref.proxy(C)
    assert type(f) is weakref.CallableProxyType and isinstance(f(7), C) and f(value=7).value == 7
    del c
    for operation in (
        lambda: p.value, lambda: str(p), lambda: p == p, lambda: p + 1, lambda: bool(p), lambda: len(p),
        lambda: setattr(p, "x", 1), lambda: p[0], lambda: iter(p), lambda: 1 in p,
    ):
        assert message(ReferenceError, operation) == "weakly-referenced object no longer exists"
    assert repr(p).endswith("; dead>")


def proxy_operators():
    class N:
        def __init__(self, n):
            self.n = n

        def __add__(self, other):
            return ("add", self.n, other)

        def __radd__(self, other):
            return ("radd", self.n, other)

        def __iadd__(self, other):
            return ("iadd", self.n, other)

        def __matmul__(self, other):
            return ("matmul", self.n, other)

        def __divmod__(self, other):
            return ("divmod", other)

        def __pow__(self, other, mod=None):
            return ("pow", other, mod)

        def __neg__(self):
            return "neg"

        def __abs__(self):
            return "abs"

        def __invert__(self):
            return "invert"

        def __int__(self):
            return self.n

        def __float__(self):
            return float(self.n)

        def __index__(self):
            return self.n

        def __bool__(self):
            return False

        def __len__(self):
            return 3

        def __contains__(self, item):
            return item == 4

        def __getitem__(self, key):
            return ("get", key)

        def __setitem__(self, key, value):
            self.n = value

        def __delitem__(self, key):
            self.n = None

        def __iter__(self):
            return iter((1, 2))

        def __reversed__(self):
            return "reversed"

        def __bytes__(self):
            return b"bytes"

        def __eq__(self, other):
            return "eq"

        def __lt__(self, other):
            return "lt"

        def __str__(self):
            return "string"

    n = N(2)
    p = weakref.proxy(n)
    assert p + 1 == ("add", 2, 1) and 1 + p == ("radd", 2, 1)
    q = p
    q += 1
    assert q == ("iadd", 2, 1)
    assert p @ 1 == ("matmul", 2, 1) and divmod(p, 3) == ("divmod", 3)
    assert p ** 2 == ("pow", 2, None) and pow(p, 2, 3) == ("pow", 2, 3)
    assert -p == "neg" and abs(p) == "abs" and ~p == "invert"
    assert int(p) == 2 and float(p) == 2.0 and [0, 1, 2][p] == 2
    assert not p and len(p) == 3 and 4 in p and 5 not in p
    assert p["k"] == ("get", "k")
    p["k"] = 9
    assert n.n == 9
    del p["k"]
    assert n.n is None
    assert list(p) == [1, 2] and reversed(p) == "reversed" and bytes(p) == b"bytes"
    assert (p == 1) == "eq" and (p < 1) == "lt" and str(p) == "string"
    assert p + p == ("add", None, n), "both operands are replaced by their targets"


def collections():
    d = weakref.WeakValueDictionary()
    a, b = C(1), C(2)
    d["a"], d["b"] = a, b
    assert d["a"] is a and len(d) == 2 and sorted(d) == ["a", "b"]
    del a
    assert "a" not in d and len(d) == 1
    k = weakref.WeakKeyDictionary()
    k[b] = "b"
    assert k[b] == "b" and b in k and list(k.values()) == ["b"]
    s = weakref.WeakSet([b])
    assert b in s and len(s) == 1
    del b
    assert len(k) == 0 and len(s) == 0 and len(d) == 0
    log = []
    c = C()
    f = weakref.finalize(c, log.append, "gone")
    assert f.alive
    del c
    assert log == ["gone"] and not f.alive
    c = C()
    m = weakref.WeakMethod(c.__init__)
    assert m()(3) is None and c.value == 3
    del c
    assert m() is None
    c = C()
    r = weakref.ref(c)
    assert copy.copy(r) is r and copy.deepcopy(r) is r


def remove_dead():
    from _weakref import _remove_dead_weakref
    c = C()
    d = {"k": weakref.ref(c), "x": 1}
    _remove_dead_weakref(d, "k")
    assert "k" in d
    del c
    _remove_dead_weakref(d, "k")
    assert "k" not in d
    _remove_dead_weakref(d, "k")
    assert message(TypeError, _remove_dead_weakref, d, "x") == "not a weakref"
    assert message(TypeError, _remove_dead_weakref, 1, 2) == "_remove_dead_weakref() argument 1 must be dict, not int"


def many():
    objects = [C(i) for i in range(3000)]
    dead = []
    refs = [weakref.ref(o, dead.append) for o in objects]
    assert all(r() is o for r, o in zip(refs, objects))
    objects[::2] = [None] * len(objects[::2])
    assert len(dead) == 1500 and all((r() is None) == (i % 2 == 0) for i, r in enumerate(refs))
    del objects
    gc.collect()
    assert len(dead) == 3000


for test in (
    references, comparison, mistakes, what_can_be_referenced, subclasses, callbacks_and_errors, dying_objects, proxies,
    proxy_operators, collections, remove_dead, many,
):
    test()
