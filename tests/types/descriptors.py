# Descriptors: functions, property, staticmethod, classmethod, native methods, slot wrappers.


def error(kind, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as e:
        assert type(e) is kind, (type(e), e)
        return str(e)
    raise AssertionError(f"{kind.__name__} not raised")


class Data:
    def __init__(self):
        self.log = []

    def __get__(self, obj, owner):
        self.log.append(("get", obj is None, owner.__name__))
        return 1

    def __set__(self, obj, value):
        self.log.append(("set", value))

    def __delete__(self, obj):
        self.log.append(("delete",))


class NonData:
    def __get__(self, obj, owner=None):
        return "non-data"


class Host:
    data = Data()
    plain = NonData()


h = Host()
h.data = 5
assert h.data == 1 and "data" not in h.__dict__
del h.data
assert Host.__dict__["data"].log == [("set", 5), ("get", False, "Host"), ("delete",)]
assert Host.data == 1 and h.plain == "non-data" and Host.plain == "non-data"
h.plain = 3
assert h.plain == 3
h.__dict__["data"] = 7
assert h.data == 1


class OnlySet:
    def __set__(self, obj, value):
        obj.__dict__["only"] = value * 2


class Host2:
    only = OnlySet()


h2 = Host2()
assert h2.only is Host2.__dict__["only"]
h2.only = 4
assert h2.only == 8
assert error(AttributeError, delattr, h2, "only") == "__delete__"


# property
class P:
    def __init__(self):
        self._x = 0

    @property
    def x(self):
        "doc of x"
        return self._x

    @x.setter
    def x(self, value):
        self._x = value

    @x.deleter
    def x(self):
        self._x = None

    @property
    def readonly(self):
        return 1

    empty = property()


p = P()
p.x = 3
assert p.x == 3
del p.x
assert p.x is None
assert P.x.__doc__ == "doc of x" and P.x.__name__ == "x" and P.x.fget(p) is None
assert error(AttributeError, setattr, p, "readonly", 1) == "property 'readonly' of 'P' object has no setter"
assert error(AttributeError, delattr, p, "readonly") == "property 'readonly' of 'P' object has no deleter"
assert error(AttributeError, getattr, p, "empty") == "property 'empty' of 'P' object has no getter"
assert error(TypeError, property, 1, 2, 3, 4, 5) == "property() takes at most 4 arguments (5 given)"
assert error(TypeError, property, foo=1) == "property() got an unexpected keyword argument 'foo'"
assert property(lambda s: 1, doc="given").__doc__ == "given"
assert not hasattr(property(), "__name__")


class SubProperty(property):
    "documentation of the class"


assert SubProperty(lambda s: 1, doc="hi").__doc__ == "hi"


def documented(self):
    "from the getter"


assert SubProperty(documented).__doc__ == "from the getter"
assert property(documented).getter(lambda s: 2).__doc__ is None
assert property(documented, doc="z").getter(lambda s: 2).__doc__ == "z"


# staticmethod and classmethod
class S:
    @staticmethod
    def static(a, b=2):
        "static doc"
        return a, b

    @classmethod
    def cls(cls, a):
        return cls, a


class T(S):
    pass


assert S.static(1) == (1, 2) and S().static(1, b=3) == (1, 3)
assert S.cls(1) == (S, 1) and T.cls(1) == (T, 1) and T().cls(2) == (T, 2)
assert S.__dict__["static"](5) == (5, 2)
assert S.__dict__["static"].__wrapped__ is S.static and S.__dict__["static"].__func__ is S.static
assert S.__dict__["static"].__doc__ == "static doc" and S.__dict__["static"].__name__ == "static"
assert error(TypeError, staticmethod) == "staticmethod expected 1 argument, got 0"
assert error(TypeError, classmethod, 1, 2) == "classmethod expected 1 argument, got 2"
assert repr(staticmethod(5)) == "<staticmethod(5)>" and repr(classmethod(5)) == "<classmethod(5)>"

# methods
m = p.__init__
assert m.__self__ is p and m.__func__ is P.__init__ and m == p.__init__ and m != P().__init__
assert hash(m) == hash(p.__init__) and m.__name__ == "__init__"
assert repr(T.cls) == f"<bound method S.cls of <class '{__name__}.T'>>"
Method = type(m)
assert Method(len, [1, 2])() == 2
assert error(TypeError, Method, 1, 2) == "first argument must be callable"
assert error(TypeError, Method, len, None) == "instance must not be None"

# native methods
assert repr(list.append) == "<method 'append' of 'list' objects>"
assert repr(list.__len__) == "<slot wrapper '__len__' of 'list' objects>"
assert repr(int.real) == "<attribute 'real' of 'int' objects>"
assert repr(len) == "<built-in function len>"
assert repr([].append).startswith("<built-in method append of list object at 0x")
assert repr([].__len__).startswith("<method-wrapper '__len__' of list object at 0x")
assert repr(dict.__dict__["fromkeys"]) == "<method 'fromkeys' of 'dict' objects>"
assert list.append.__name__ == "append" and list.append.__qualname__ == "list.append"
assert list.append.__objclass__ is list and [].append.__qualname__ == "list.append"
assert dict.fromkeys.__qualname__ == "dict.fromkeys" and dict.fromkeys.__self__ is dict
assert [].__len__.__qualname__ == "list.__len__" and [].__len__.__objclass__ is list
assert [].append.__module__ is None and len.__module__ == "builtins"
assert list.__len__.__text_signature__ == "($self, /)" and list.__add__.__text_signature__ == "($self, value, /)"
assert [].append.__text_signature__ == "($self, object, /)"
assert int.__new__.__text_signature__ == "($type, *args, **kwargs)"
items = [1]
assert items.append == items.append and hash(items.append) == hash(items.append)
assert items.__len__ == items.__len__ and items.append != [1].append

assert error(TypeError, list.append) == "unbound method list.append() needs an argument"
wrong = "descriptor 'append' for 'list' objects doesn't apply to a 'int' object"
assert error(TypeError, list.append, 1, 2) == wrong and error(TypeError, list.append.__get__, 1) == wrong
assert error(TypeError, list.__len__) == "descriptor '__len__' of 'list' object needs an argument"
assert error(TypeError, list.__len__, 1) == "descriptor '__len__' requires a 'list' object but received a 'int'"
assert error(TypeError, [].__len__, 1) == "expected 0 arguments, got 1"
assert error(TypeError, [].__add__) == "expected 1 argument, got 0"
assert error(TypeError, [].__eq__, a=1) == "wrapper __eq__() takes no keyword arguments"
fromkeys = dict.__dict__["fromkeys"]
assert error(TypeError, fromkeys) == "descriptor 'fromkeys' of 'dict' object needs an argument"
assert (
    error(TypeError, fromkeys, 1) == "descriptor 'fromkeys' for type 'dict' needs a type, not a 'int' as arg 2"
)
assert (
    error(TypeError, fromkeys.__get__, None, int)
    == "descriptor 'fromkeys' requires a subtype of 'dict' but received 'int'"
)
assert error(AttributeError, int.real.__set__, 1, 2) == "attribute 'real' of 'int' objects is not writable"
assert error(TypeError, int.real.__get__, "") == "descriptor 'real' for 'int' objects doesn't apply to a 'str' object"
assert error(TypeError, object.__setattr__, P, "x", 1) == "can't apply this __setattr__ to type object"
assert error(TypeError, property().__get__, None, None) == "__get__(None, None) is invalid"
