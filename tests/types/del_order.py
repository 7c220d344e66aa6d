"""__del__: when it runs, in which order, and what it may do."""
import sys

log = []


class D:
    def __init__(self, label, *held):
        self.label = label
        self.held = held

    def __del__(self):
        log.append(self.label)


def taken():
    result = log[:]
    log.clear()
    return result


def at_once():
    d = D("a")
    d = None
    assert taken() == ["a"]
    d = D("b")
    d = D("c")
    assert taken() == ["b"], "the new one is there before the old one goes"
    del d
    assert taken() == ["c"]
    D("temporary")
    assert taken() == ["temporary"]
    x = [D("1"), D("2"), D("3")]
    x.clear()
    assert sorted(taken()) == ["1", "2", "3"]


def owner_first():
    outer = D("outer", D("inner", D("innermost")))
    del outer
    assert taken() == ["outer", "inner", "innermost"]


def locals_go_when_the_function_returns():
    def f():
        a = D("a")
        b = D("b")
        log.append("end")

    f()
    assert taken() == ["end", "b", "a"], "the last local variable first"

    def g():
        a = D("a")
        return 1 / 0

    try:
        g()
    except ZeroDivisionError as e:
        assert taken() == [], "the traceback keeps the frame"
    assert taken() == ["a"]


def arguments_and_containers():
    def f(x):
        x = None
        log.append("in f")

    f(D("argument"))
    assert "argument" in taken()
    t = (D("t0"), D("t1"))
    del t
    assert sorted(taken()) == ["t0", "t1"]
    d = {"k": D("old")}
    d["k"] = D("new")
    assert taken() == ["old"]
    del d["k"]
    assert taken() == ["new"]
    s = [D(str(i)) for i in range(4)]
    s[1:3] = []
    assert sorted(taken()) == ["1", "2"]
    s.pop()
    assert taken() == ["3"]
    del s
    assert taken() == ["0"]


def once_only():
    class R:
        def __del__(self):
            log.append("del")
            saved.append(self)

    saved = []
    r = R()
    del r
    assert taken() == ["del"] and len(saved) == 1
    saved.clear()
    assert taken() == []


def errors():
    seen = []
    hook, sys.unraisablehook = sys.unraisablehook, lambda u: seen.append((u.exc_type, str(u.exc_value)))

    class Bad:
        def __del__(self):
            raise ValueError("in __del__")

    try:
        b = Bad()
        del b
        try:
            x = Bad()
            raise KeyError("the real one")
        except KeyError as e:
            del x
            assert sys.exception() is e
    finally:
        sys.unraisablehook = hook
    assert seen == [(ValueError, "in __del__")] * 2


def set_later_and_inherited():
    class Base:
        def __del__(self):
            log.append("base")

    class Derived(Base):
        def __del__(self):
            log.append("derived")
            super().__del__()

    class Plain(Derived):
        pass

    p = Plain()
    del p
    assert taken() == ["derived", "base"]

    class Later:
        pass

    x = Later()
    Later.__del__ = lambda self: log.append("later")
    del x
    assert taken() == ["later"]
    x = Later()
    del Later.__del__
    del x
    assert taken() == []
    x = Later()
    x.__del__ = lambda: log.append("never: looked up on the type")
    del x
    assert taken() == []


def deep():
    head = None
    for i in range(100000):
        head = D("x", head)
    del head
    assert len(taken()) == 100000
    chain = None
    for i in range(100000):
        chain = (chain,)
    del chain
    exc = None
    for i in range(50000):
        new = ValueError(i)
        new.__context__ = exc
        exc = new
    del exc, new


def generators():
    def g():
        try:
            yield 1
            yield 2
        finally:
            log.append("closed")

    it = g()
    next(it)
    del it
    assert taken() == ["closed"]
    it = g()
    del it
    assert taken() == [], "not started: nothing to close"


for test in (
    at_once, owner_first, locals_go_when_the_function_returns, arguments_and_containers, once_only, errors,
    set_later_and_inherited, deep, generators,
):
    test()
