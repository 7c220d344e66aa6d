# super.


def error(kind, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as e:
        assert type(e) is kind, (type(e), e)
        return str(e)
    raise AssertionError(f"{kind.__name__} not raised")


class A:
    value = "A"

    def f(self):
        return ["A"]

    @classmethod
    def c(cls):
        return [cls.__name__]

    @staticmethod
    def s():
        return "static"

    @property
    def p(self):
        return "property"


class B(A):
    value = "B"

    def f(self):
        return ["B"] + super().f()

    @classmethod
    def c(cls):
        return ["B"] + super().c()


class C(A):
    value = "C"

    def f(self):
        return ["C"] + super().f()


class D(B, C):
    value = "D"

    def f(self):
        return ["D"] + super().f()

    def values(self):
        return super().value, super(B, self).value, super(C, self).value

    def others(self):
        return super().s(), super().p


assert D().f() == ["D", "B", "C", "A"]
assert D().values() == ("B", "C", "A") and D().others() == ("static", "property")
assert D.c() == ["B", "D"] and super(D, D).c() == ["B", "D"]
d = D()
assert repr(super(B, d)) == "<super: <class 'B'>, <D object>>" and repr(super(B)) == "<super: <class 'B'>, NULL>"
s = super(B, d)
assert s.__thisclass__ is B and s.__self__ is d and s.__self_class__ is D and s.f() == ["C", "A"]
assert error(AttributeError, getattr, s, "nothing") == "'super' object has no attribute 'nothing'"
assert error(TypeError, super, 1) == "super() argument 1 must be a type, not int"
assert (
    error(TypeError, super, int, "")
    == "super(type, obj): obj (instance of str) is not an instance or subtype of type (int)."
)
unbound = super(B)
assert unbound.__get__(d, D).f() == ["C", "A"]


class Setter(A):
    def __setattr__(self, name, value):
        super().__setattr__(name, value * 2)


setter = Setter()
setter.x = 2
assert setter.x == 4


class New(A):
    def __new__(cls, *args):
        self = super().__new__(cls)
        self.args = args
        return self


assert New(1, 2).args == (1, 2)


class MyInit(dict):
    def __init__(self, **kw):
        super().__init__(kw)


assert MyInit(a=1) == {"a": 1}


class Nested(A):
    def f(self):
        def inner():
            return super(Nested, self).f()

        return inner() + [super().f() for _ in range(1)][0]


assert Nested().f() == ["A", "A"]


# under another name
parent = super


class Aliased(A):
    def f(self):
        __class__
        return ["aliased"] + parent().f()

    def captured(self):
        __class__
        (lambda: self)()
        return parent().f()

    def no_cell(self):
        return parent()

    def no_arguments():
        __class__
        return parent()


assert Aliased().f() == ["aliased", "A"] and Aliased().captured() == ["A"]
assert error(RuntimeError, Aliased().no_cell) == "super(): __class__ cell not found"
assert error(RuntimeError, Aliased.no_arguments) == "super(): no arguments"
