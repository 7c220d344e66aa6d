# Metaclasses.


def error(kind, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as e:
        assert type(e) is kind, (type(e), e)
        return str(e)
    raise AssertionError(f"{kind.__name__} not raised")


log = []


class Meta(type):
    @classmethod
    def __prepare__(mcs, name, bases, **kwargs):
        log.append(("prepare", name, kwargs))
        return {"prepared": True}

    def __new__(mcs, name, bases, namespace, **kwargs):
        log.append(("new", name))
        return super().__new__(mcs, name, bases, namespace)

    def __init__(cls, name, bases, namespace, **kwargs):
        log.append(("init", name))
        super().__init__(name, bases, namespace)

    def __call__(cls, *args):
        log.append(("call", args))
        return super().__call__(*args)

    def method(cls):
        return "meta " + cls.__name__

    @property
    def prop(cls):
        return "prop " + cls.__name__

    def __len__(cls):
        return 42

    def __getitem__(cls, key):
        return key

    def __iter__(cls):
        return iter([1, 2])

    def __contains__(cls, item):
        return item == "in"


class A(metaclass=Meta, flag=1):
    def __init__(self, x):
        self.x = x


assert log == [("prepare", "A", {"flag": 1}), ("new", "A"), ("init", "A")]
assert A.prepared and type(A) is Meta and A.method() == "meta A" and A.prop == "prop A"
assert A(5).x == 5 and log[-1] == ("call", (5,))
assert len(A) == 42 and A["k"] == "k" and list(A) == [1, 2] and "in" in A and "out" not in A
assert not hasattr(A(1), "method")


class B(A):
    pass


assert type(B) is Meta and B.method() == "meta B"


class Other(type):
    pass


conflict = (
    "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the metaclasses of all its bases"
)
assert error(TypeError, type, "X", (A, Other("O", (), {})), {}) == conflict


class Both(Meta, Other):
    pass


class X(A, Other("O", (), {}), metaclass=Both):
    pass


assert type(X) is Both
assert type(type("Y", (A,), {})) is Meta


# mro()
class Mro(type):
    def mro(cls):
        return [cls, Extra, object]


class Extra:
    extra = 1


class M(metaclass=Mro):
    pass


assert M.extra == 1 and M().extra == 1 and M.__mro__ == (M, Extra, object)


class BadMro(type):
    def mro(cls):
        return [cls, 1]


assert error(TypeError, BadMro, "Z", (), {}) == "mro() returned a non-class ('int')"


# __instancecheck__ and __subclasscheck__
class Checks(type):
    def __instancecheck__(cls, instance):
        return instance == 1

    def __subclasscheck__(cls, subclass):
        return subclass is int


class Checked(metaclass=Checks):
    pass


assert isinstance(1, Checked) and not isinstance(2, Checked) and isinstance(Checked(), Checked)
assert issubclass(int, Checked) and not issubclass(str, Checked)


# data descriptors of the metaclass win over the class's namespace
class Data:
    def __get__(self, obj, owner):
        return "data"

    def __set__(self, obj, value):
        raise AttributeError("no")


class DataMeta(type):
    d = Data()
    n = "meta n"


class WithData(metaclass=DataMeta):
    d = "own"
    n = "own n"


assert WithData.d == "data" and WithData.n == "own n" and WithData().d == "own"
assert error(AttributeError, setattr, WithData, "d", 1) == "no"


# attribute access through the metaclass
class Dynamic(type):
    def __getattr__(cls, name):
        return "dynamic " + name


class Dyn(metaclass=Dynamic):
    known = 1


assert Dyn.known == 1 and Dyn.unknown == "dynamic unknown" and not hasattr(Dyn(), "unknown")


class NotAClass:
    def __call__(self, name, bases, namespace, **kwargs):
        return name, bases, kwargs


class Made(1 .__class__, metaclass=lambda name, bases, ns, **kw: (name, bases, kw), k=2):
    pass


assert Made == ("Made", (int,), {"k": 2})


class BadPrepare(type):
    @classmethod
    def __prepare__(mcs, name, bases):
        return 1


def bad_prepare():
    class Z(metaclass=BadPrepare):
        pass


assert error(TypeError, bad_prepare) == "BadPrepare.__prepare__() must return a mapping, not int"


class Forgetful(type):
    def __new__(mcs, name, bases, namespace):
        namespace.pop("__classcell__", None)
        return super().__new__(mcs, name, bases, namespace)


def forgetful():
    class Z(metaclass=Forgetful):
        def f(self):
            return __class__


assert error(RuntimeError, forgetful).startswith("__class__ not set defining 'Z' as <class")


# abstract methods
class Abstract:
    pass


Abstract.__abstractmethods__ = frozenset(["f", "g"])
assert (
    error(TypeError, Abstract)
    == "Can't instantiate abstract class Abstract without an implementation for abstract methods 'f', 'g'"
)
Abstract.__abstractmethods__ = frozenset(["f"])
assert (
    error(TypeError, Abstract)
    == "Can't instantiate abstract class Abstract without an implementation for abstract method 'f'"
)
Abstract.__abstractmethods__ = frozenset()
Abstract()
assert error(AttributeError, getattr, A, "__abstractmethods__") == "__abstractmethods__"
assert error(AttributeError, getattr, type, "__abstractmethods__") == "__abstractmethods__"

# a class's name and docstring are text that has a UTF-8 form
for make in (
    lambda: type("A\udcdcB", (), {}),
    lambda: type("A", (), {"__doc__": "x\udcdc\udcddy"}),
    lambda: setattr(type("A", (), {}), "__name__", "\udcdc"),
):
    try:
        make()
    except UnicodeEncodeError as error:
        assert error.reason == "surrogates not allowed" and error.encoding == "utf-8"
    else:
        raise AssertionError(make)
