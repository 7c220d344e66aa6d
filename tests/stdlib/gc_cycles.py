"""The collector: what it frees, in which order things happen, what it tells."""
import gc
import sys
import weakref


class Node:
    def __init__(self, label=""):
        self.label = label


def plain_cycles():
    gc.collect()
    items = []
    items.append(items)
    del items
    assert gc.collect() == 1
    d = {}
    d["self"] = d
    del d
    assert gc.collect() == 1
    a, b = Node(), Node()
    a.other, b.other = b, a
    ref = weakref.ref(a)
    del a, b
    assert ref() is not None or sys.implementation.name != "cpython"
    gc.collect()
    assert ref() is None
    t = ([],)
    t[0].append(t)
    del t
    assert gc.collect() == 2
    assert gc.collect() == 0


def classes():
    gc.collect()

    class C:
        pass

    ref = weakref.ref(C)
    obj = C()
    obj.me = obj
    del C
    gc.collect()
    assert ref() is type(obj)
    obj_ref = weakref.ref(obj)
    del obj
    gc.collect()
    assert obj_ref() is None and ref() is None
    before = len(Node.__subclasses__())

    class Sub(Node):
        pass

    assert Node.__subclasses__()[-1] is Sub
    del Sub
    gc.collect()
    assert len(Node.__subclasses__()) == before


def closures_and_functions():
    def make():
        def inner():
            return inner
        return weakref.ref(inner)

    ref = make()
    gc.collect()
    assert ref() is None


def generators():
    log = []

    def gen():
        me = yield
        try:
            yield me
        finally:
            log.append("closed")

    g = gen()
    next(g)
    g.send(g)
    del g
    gc.collect()
    assert log == ["closed"], log


def exceptions():
    gc.collect()

    def fail():
        try:
            raise ValueError("x")
        except ValueError as e:
            keep = e
            return weakref.ref(Marker(keep))

    class Marker:
        def __init__(self, e):
            self.e = e
            e.marker = self

    ref = fail()
    gc.collect()
    assert ref() is None


def finalizers_and_resurrection():
    log = []
    saved = []

    class F:
        def __init__(self, label):
            self.label = label

        def __del__(self):
            log.append(self.label)
            if self.label == "phoenix":
                saved.append(self)

    a, b = F("phoenix"), F("held")
    a.b, b.a = b, a
    del a, b
    gc.collect()
    assert sorted(log) == ["held", "phoenix"], log
    assert len(saved) == 1 and saved[0].b.label == "held" and saved[0].b.a is saved[0]
    assert gc.is_finalized(saved[0]) and gc.is_finalized(saved[0].b)
    del log[:]
    ref = weakref.ref(saved[0])
    saved.clear()
    gc.collect()
    assert log == [] and ref() is None

    # Not in a cycle: resurrected at once, never finalised again.
    x = F("phoenix")
    del x
    assert log == ["phoenix"] and saved[0].label == "phoenix"
    saved.clear()
    assert log == ["phoenix"]


def new_instance_in_finalizer():
    born = []

    class Class:
        def __del__(self):
            if not born:
                born.append(type(self)())

    c = Class()
    c.me = c
    c.cls = Class
    del c, Class
    gc.collect()
    gc.collect()
    assert type(born[0]).__name__ == "Class"


def weakrefs_and_cycles():
    log = []
    a = Node()
    a.me = a
    r1 = weakref.ref(a, lambda r: log.append(("outside", r() is None)))
    a.inside = weakref.ref(a, lambda r: log.append("inside"))
    del a
    gc.collect()
    assert log == [("outside", True)], log
    assert r1() is None


def errors_are_reported():
    seen = []
    hook = sys.unraisablehook
    sys.unraisablehook = lambda u: seen.append((u.exc_type, u.err_msg))

    class Bad:
        def __del__(self):
            1 / 0

    try:
        b = Bad()
        b.me = b
        del b
        gc.collect()

        def callback(phase, info):
            raise KeyError(phase)

        gc.callbacks.append(callback)
        gc.collect()
        gc.callbacks.remove(callback)
    finally:
        sys.unraisablehook = hook
    assert [kind for kind, _ in seen] == [ZeroDivisionError, KeyError, KeyError], seen
    assert seen[1][1].startswith("Exception ignored while calling GC callback <function "), seen[1]


def callbacks():
    log = []

    def callback(phase, info):
        log.append((phase, dict(info)))

    gc.collect()
    gc.callbacks.append(callback)
    try:
        x = []
        x.append(x)
        del x
        assert gc.collect() == 1
    finally:
        gc.callbacks.remove(callback)
    assert log == [
        ("start", {"generation": 2, "collected": 0, "uncollectable": 0}),
        ("stop", {"generation": 2, "collected": 1, "uncollectable": 0}),
    ], log


def questions():
    x = []
    y = [x, x]
    z = {"key": x}
    assert gc.get_referents(y) == [x, x]
    referrers = gc.get_referrers(x)
    assert any(r is y for r in referrers) and any(r is z for r in referrers)
    assert any(o is y for o in gc.get_objects())
    assert gc.is_tracked([]) and gc.is_tracked(Node()) and gc.is_tracked(Node)
    assert not gc.is_tracked(1) and not gc.is_tracked("a") and not gc.is_tracked(()) and not gc.is_tracked(None)
    assert not gc.is_tracked(int)
    n = Node()
    n.x = x
    assert Node in gc.get_referents(n)
    assert gc.get_referents(1, "a") == []
    assert not gc.is_finalized(n)


def settings():
    assert gc.isenabled()
    gc.disable()
    assert not gc.isenabled()
    x = Node()
    x.x = x
    ref = weakref.ref(x)
    del x
    for _ in range(20000):
        []
    keep = [[] for _ in range(20000)]
    assert ref() is not None
    gc.enable()
    keep = [[[]] for _ in range(20000)]
    assert ref() is None, "a collection has started by itself"
    del keep
    old = gc.get_threshold()
    assert len(old) == 3
    gc.set_threshold(500, 7)
    assert gc.get_threshold()[:2] == (500, 7)
    gc.set_threshold(*old)
    assert gc.get_threshold() == old
    assert len(gc.get_count()) == 3
    stats = gc.get_stats()
    assert len(stats) == 3 and all(sorted(s) == ["collected", "collections", "uncollectable"] for s in stats)
    assert sum(s["collections"] for s in stats) > 0
    for bad in (lambda: gc.collect(3), lambda: gc.collect(-1)):
        try:
            bad()
        except ValueError as e:
            assert str(e) == "invalid generation"
        else:
            raise AssertionError
    try:
        gc.set_threshold()
    except TypeError as e:
        assert str(e) == "gc.set_threshold requires 1 to 3 arguments", e
    try:
        gc.get_objects(3)
    except ValueError as e:
        assert str(e) == "generation parameter must be less than the number of available generations (3)"
    try:
        gc.get_objects("x")
    except TypeError as e:
        assert str(e) == "argument should be integer or None, not 'str'"


def freezing():
    gc.collect()
    assert gc.get_freeze_count() == 0
    x = []
    x.append(x)
    gc.freeze()
    assert gc.get_freeze_count() > 0
    del x
    assert gc.collect() == 0
    gc.unfreeze()
    assert gc.get_freeze_count() == 0
    assert gc.collect() >= 1


def saveall():
    gc.collect()
    assert gc.get_debug() == 0
    gc.set_debug(gc.DEBUG_SAVEALL)
    x = ["saved"]
    x.append(x)
    del x
    try:
        assert gc.collect() == 1
    finally:
        gc.set_debug(0)
    assert len(gc.garbage) == 1 and gc.garbage[0][0] == "saved"
    gc.garbage.clear()
    assert gc.collect() == 1
    assert gc.DEBUG_LEAK == gc.DEBUG_COLLECTABLE | gc.DEBUG_UNCOLLECTABLE | gc.DEBUG_SAVEALL


def debug_output():
    class Err:
        def __init__(self):
            self.parts = []

        def write(self, text):
            self.parts.append(text)

        def flush(self):
            pass

    gc.collect()
    real, sys.stderr = sys.stderr, Err()
    try:
        gc.set_debug(gc.DEBUG_STATS | gc.DEBUG_COLLECTABLE)
        x = []
        x.append(x)
        del x
        gc.collect()
        gc.set_debug(0)
    finally:
        out, sys.stderr = sys.stderr, real
    text = "".join(out.parts)
    assert "gc: collecting generation 2...\n" in text
    assert "gc: collectable <list 0x" in text
    assert "gc: done, 1 unreachable, 0 uncollectable, " in text


def collect_inside_finalizer():
    log = []

    class C:
        def __del__(self):
            log.append(gc.collect())

    chain = None
    for _ in range(3):
        c = C()
        c.next = chain
        chain = c
    del c
    del chain
    assert len(log) == 3
    c = C()
    c.me = c
    del c
    gc.collect()
    assert log[-1] == 0


def deep_structures():
    head = None
    for _ in range(200000):
        head = [head]
    tail = (head,)
    gc.collect()
    del head, tail
    ring = first = []
    for _ in range(200000):
        ring = [ring]
    first.append(ring)
    del ring, first
    assert gc.collect() == 200001


for test in (
    plain_cycles, classes, closures_and_functions, generators, exceptions, finalizers_and_resurrection,
    new_instance_in_finalizer, weakrefs_and_cycles, questions, settings, deep_structures,
):
    test()

# These count what the collections that they ask for do, so no other may come between.
gc.disable()
for test in (errors_are_reported, callbacks, freezing, saveall, debug_output, collect_inside_finalizer):
    test()
