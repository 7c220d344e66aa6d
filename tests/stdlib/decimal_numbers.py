# _decimal: the types as Python sees them. The arithmetic is in decimal_random.py.
import copy
import decimal
import math
import numbers
import pickle
import sys
import warnings
from contextvars import Context as VariableContext
from contextvars import copy_context
from decimal import (
    Clamped, Context, ConversionSyntax, Decimal, DecimalException, DecimalTuple, DefaultContext, DivisionByZero, DivisionUndefined,
    FloatOperation, IEEEContext, Inexact, InvalidOperation, MAX_EMAX, MAX_PREC, MIN_EMIN, Overflow, ROUND_DOWN, ROUND_HALF_EVEN,
    ROUND_HALF_UP, Rounded, Subnormal, Underflow, getcontext, localcontext, setcontext,
)
from fractions import Fraction

D = Decimal


def raises(kind, function, *args, message=None, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as error:
        assert type(error) is kind, error
        if message is not None:
            assert str(error) == message, error
    else:
        raise AssertionError(f"{kind.__name__} not raised")


# ---- construction ----
assert str(D()) == "0" and str(D(" -1_000.50\n")) == "-1000.50" and str(D("\u0661\u0662")) == "12"
assert D(10**50) == 10**50 and D(True) == 1 and str(D((1, (1, 2, 3), -2))) == "-1.23" and str(D([0, (), "n"])) == "NaN"
assert str(D(0.1)) == "0.1000000000000000055511151231257827021181583404541015625" and D(5e-324).adjusted() == -324
assert str(D(-0.0)) == "-0" and str(D.from_float(float("-inf"))) == "-Infinity" and D.from_number(2.5) == 2.5
one = D("1.50")
assert D(one) is one and copy.copy(one) is one and copy.deepcopy(one) is one and D(value="7", context=None) == 7
raises(InvalidOperation, D, "1..2", message="[<class 'decimal.ConversionSyntax'>]")
raises(InvalidOperation, D, "1e1000000000000000000", message="[<class 'decimal.InvalidOperation'>]")
raises(TypeError, D, {}, message="conversion from dict to Decimal is not supported")
raises(TypeError, D, 1, 2, message="optional argument must be a context")
raises(TypeError, D, 1, foo=2, message="this function got an unexpected keyword argument 'foo'")
raises(ValueError, D, (2, (1,), 0), message="sign must be an integer with the value 0 or 1")
raises(ValueError, D, (0, (10,), 0), message="coefficient must be a tuple of digits")
raises(ValueError, D, (0, (1,)), message="argument must be a sequence of length 3")
with localcontext() as context:
    context.traps[InvalidOperation] = False
    assert str(D("nonsense")) == "NaN" and context.flags[InvalidOperation]

# ---- operators, with ints on either side ----
assert str(D("1.1") + 2) == "3.1" and str(2 - D("0.5")) == "1.5" and str(3 * D("0.10")) == "0.30" and str(1 / D(8)) == "0.125"
assert 7 // D(2) == 3 and -7 % D(3) == -1 and divmod(7, D(2)) == (3, 1) and 2 ** D(10) == 1024 and pow(D(3), 5, 7) == 5
assert str(D(2) ** D("0.5")) == "1.414213562373095048801688724" and str(-D("0.0")) == "0.0" and str(+D("1.0")) == "1.0"
assert str(D(1) / 3) == "0." + "3" * 28 and D(10**40) + 1 == D("1.000000000000000000000000000E+40")
raises(TypeError, lambda: D(1) + 1.5, message="unsupported operand type(s) for +: 'decimal.Decimal' and 'float'")
raises(DivisionByZero, lambda: D(1) / 0, message="[<class 'decimal.DivisionByZero'>]")
raises(InvalidOperation, lambda: D(0) / 0, message="[<class 'decimal.DivisionUndefined'>]")
raises(InvalidOperation, lambda: D("sNaN") + 1)
raises(Overflow, lambda: D("9e999999") * 10, message="[<class 'decimal.Overflow'>]")

# ---- comparisons and hashes ----
assert D("1.0") == 1 == D(1) and D("0.5") == 0.5 == Fraction(1, 2) == D("0.50") and D(1) == 1 + 0j and D(1) != 1 + 1j
assert D("0.1") > Fraction(1, 11) and D("0.1") < 0.1 and 2 > D("1.5") and sorted([D(3), 1, 2.5]) == [1, 2.5, D(3)]
for value in ("0", "-1", "1.5", "1e30", "-7e-30", "123456789012345678901234567890", "2305843009213693951", "0.1"):
    assert hash(D(value)) == hash(Fraction(value)), value
assert hash(D("inf")) == hash(math.inf) and hash(D("1e999999999999999999")) == pow(10, 999999999999999999, 2**61 - 1)
raises(TypeError, hash, D("sNaN"), message="Cannot hash a signaling NaN value")
nan = D("nan")
assert nan != nan and hash(nan) == hash(nan) and not nan == 1 and D("inf") > 10**400
raises(InvalidOperation, lambda: nan < 1)
raises(InvalidOperation, lambda: D("sNaN") == 1)
assert D("1e999999999999999999") > D("1e-999999999999999999") and D("1e999999999999999999") != D("2e999999999999999999")
with localcontext() as context:
    context.traps[FloatOperation] = True
    assert D("0.5") == 0.5 and context.flags[FloatOperation]
    raises(FloatOperation, lambda: D(1) < 1.5)
    raises(FloatOperation, D, 1.5)
    assert D.from_float(1.5) == D("1.5")

# ---- conversions ----
assert int(D("-1.9")) == -1 and int(D("12e3")) == 12000 and float(D("1.5")) == 1.5 and complex(D("1.5")) == 1.5
assert float(D("1e400")) == math.inf and float(D("123456789.123456789e-300")) == 1.23456789123456789e-292
assert math.copysign(1, float(D("-nan"))) == -1 and bool(D("0.00")) is False and bool(nan) is True
assert [math.floor(D("-1.5")), math.ceil(D("-1.5")), math.trunc(D("-1.5")), round(D("2.5")), round(D("-3.5"))] == [-2, -1, -1, 2, -4]
assert str(round(D("2.675"), 2)) == "2.68" and str(round(D(123), -1)) == "1.2E+2"
assert D("1.25").as_integer_ratio() == (5, 4) and D("-12e2").as_integer_ratio() == (-1200, 1)
assert D("-1.50").as_tuple() == DecimalTuple(1, (1, 5, 0), -2) and D("inf").as_tuple() == (0, (0,), "F")
assert repr(D("-NaN12").as_tuple()) == "DecimalTuple(sign=1, digits=(1, 2), exponent='n')"
raises(ValueError, int, nan, message="cannot convert NaN to integer")
raises(OverflowError, int, D("inf"), message="cannot convert Infinity to integer")
raises(ValueError, float, D("sNaN"), message="cannot convert signaling NaN to float")
raises(TypeError, round, D(1), "x", message="optional arg must be an integer")
assert isinstance(D(1), numbers.Number) and not isinstance(D(1), numbers.Real)
assert D(3).real == 3 and D(3).imag == 0 and D(3).conjugate() == 3
for exponent in (0, 1, 18, 19, 20, 37, 38, 39, 400, 5000):
    for number in (10**exponent, 10**exponent - 1, 7**exponent):
        sys.set_int_max_str_digits(0)
        assert int(D(number)) == number and str(D(number)) == str(number) and D(str(number)) == number

# ---- text ----
assert repr(D("1E+5")) == "Decimal('1E+5')" and D("123E3").to_eng_string() == "123E+3" and str(D("0E-7")) == "0E-7"
with localcontext(capitals=0):
    assert str(D("1E+5")) == "1e+5"
for spec, expected in {
    "": "-1234.50", ".1f": "-1234.5", ",.3f": "-1,234.500", "012,": "-0,001,234.50", ">10": "  -1234.50", "*^12": "**-1234.50**",
    "=+10": "-  1234.50", ".2e": "-1.23e+3", ".3E": "-1.234E+3", "g": "-1234.50", ".2g": "-1.2e+3", "%": "-123450%", "n": "-1234.50",
    "_": "-1_234.50", "z.0f": "-1234", "#.0f": "-1234.",
}.items():
    assert format(D("-1234.50"), spec) == expected, (spec, format(D("-1234.50"), spec))
assert f"{D('-0.001'):z.1f}" == "0.0" and f"{nan:010}" == "       NaN" and f"{D('1e5'):f}" == "100000"
german = {"decimal_point": ",", "thousands_sep": ".", "grouping": "\3"}
assert D("1234567.5").__format__("n", german) == "1.234.567,5"
raises(ValueError, format, D(1), "d")
raises(TypeError, D(1).__format__, 1, message="format arg must be str")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    assert format(D("1e9"), "N") == "1E+9" and caught[0].category is DeprecationWarning

# ---- pickles and subclasses ----
for value in (D("-1.50E+99"), D("sNaN12"), D(1).as_tuple()):
    again = pickle.loads(pickle.dumps(value))
    assert repr(again) == repr(value) and type(again) is type(value)


class Money(Decimal):
    def __init__(self, *args):
        self.made = True


money = Money("1.5")
assert type(money + 1) is Decimal and money.made and type(Money(D(2))) is Money and type(Decimal(money)) is Decimal
assert Money.from_float(0.5).made and Money.from_number(3).made and pickle.loads(pickle.dumps(money)).made
assert type(copy.copy(money)) is Money


class Own(Context):
    pass


own = pickle.loads(pickle.dumps(Own(prec=7, rounding=ROUND_DOWN, traps=[Inexact], flags=[Rounded])))
assert type(own) is Own and own.prec == 7 and own.traps[Inexact] and own.flags[Rounded] and own.rounding == ROUND_DOWN
assert type(own.copy()) is Context and copy.copy(own).prec == 7

# ---- contexts ----
context = Context()
assert (context.prec, context.Emin, context.Emax, context.capitals, context.clamp) == (28, -999999, 999999, 1, 0)
assert repr(Context(prec=9, flags=[Inexact], traps=[])) == (
    "Context(prec=9, rounding=ROUND_HALF_EVEN, Emin=-999999, Emax=999999, capitals=1, clamp=0, flags=[Inexact], traps=[])")
for name, value, kind, message in (
    ("prec", 0, ValueError, "valid range for prec is [1, MAX_PREC]"),
    ("prec", "1", TypeError, "an integer is required"),
    ("Emin", 1, ValueError, "valid range for Emin is [MIN_EMIN, 0]"),
    ("Emax", -1, ValueError, "valid range for Emax is [0, MAX_EMAX]"),
    ("capitals", 2, ValueError, "valid values for capitals are 0 or 1"),
    ("clamp", 2, ValueError, "valid values for clamp are 0 or 1"),
    ("flags", [], TypeError, "argument must be a signal dict"),
    ("traps", {}, KeyError, None),
    ("rounding", "up", TypeError, None),
    ("other", 1, AttributeError, "'decimal.Context' object has no attribute 'other'"),
):
    raises(kind, setattr, context, name, value, message=message)
raises(AttributeError, delattr, context, "prec", message="context attributes cannot be deleted")
assert list(context.flags) == [InvalidOperation, FloatOperation, DivisionByZero, Overflow, Underflow, Subnormal, Inexact, Rounded, Clamped]
assert len(context.flags) == 9 and context.flags == context.flags.copy() and not any(context.flags.values())
raises(KeyError, lambda: context.flags[ConversionSyntax])
raises(ValueError, context.flags.__delitem__, Inexact, message="signal keys cannot be deleted")
mapping = Context().flags
raises(ValueError, repr, mapping, message="invalid signal dict")
context.divide(1, 3)
assert context.flags[Inexact] and context.flags[Rounded] and not context.flags[Overflow]
context.clear_flags()
context.flags = {signal: signal is Clamped for signal in context.flags}
assert context.flags[Clamped] and not context.flags[Inexact]
raises(TypeError, context.add, 1, message="function takes exactly 2 arguments (1 given)")
raises(TypeError, context.add, "1", 2, message="conversion from str to Decimal is not supported")
assert context.power(a=2, b=3) == 8 and context.power(2, 5, 7) == 4 and context.divmod(7, 2) == (3, 1)
assert str(Context(prec=3).create_decimal("1.2345")) == "1.23" and context.Etiny() == -1000026 and context.Etop() == 999972
assert IEEEContext(64).prec == 16 and IEEEContext(128).Emax == 6144
raises(ValueError, IEEEContext, 48, message="argument must be a multiple of 32, with a maximum of 512")

# the current one
before = getcontext()
with localcontext(prec=5, rounding=ROUND_HALF_UP) as inner:
    assert getcontext() is inner and str(D(1) / 7) == "0.14286" and inner.rounding == ROUND_HALF_UP
assert getcontext() is before and before.prec == 28
setcontext(DefaultContext)
assert getcontext() is not DefaultContext
setcontext(before)
raises(TypeError, setcontext, 1, message="argument must be a context")


def run():
    getcontext().prec = 3
    return str(D(1) / 7)


# (The copy's context is the same object; a context of its own has another.)
assert VariableContext().run(run) == "0.143" and str(D(1) / 7) == "0.1428571428571428571428571429"
assert copy_context().run(getcontext) is before


def generator():
    with localcontext(prec=4):
        yield D(1) / 3
    yield D(1) / 3


parts = generator()
assert str(next(parts)) == "0.3333" and str(D(1) / 3) == "0.3333" and len(str(next(parts))) == 30

# ---- exceptions ----
assert issubclass(DivisionByZero, (DecimalException, ZeroDivisionError)) and issubclass(FloatOperation, TypeError)
assert issubclass(DivisionUndefined, InvalidOperation) and issubclass(DivisionUndefined, ZeroDivisionError)
assert Underflow.__bases__ == (Inexact, Rounded, Subnormal) and InvalidOperation.__module__ == "decimal"
assert decimal.HAVE_THREADS is True and decimal.HAVE_CONTEXTVAR is True and MAX_PREC == MAX_EMAX == -MIN_EMIN == 10**18 - 1

# ---- sizes that do not fit ----
wide = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
assert wide.divide(1, 4) == D("0.25") and wide.sqrt(16) == 4 and wide.power(2, 100) == 2**100
raises(MemoryError, wide.divide, 1, 3)
raises(MemoryError, wide.add, 1, D("1e-99999999999999999"))
raises(MemoryError, int, D("1e999999999999999999"))
raises(MemoryError, wide.next_minus, D(1))

# ---- long numbers: products by halves and by transform, quotients, roots ----
with localcontext(prec=60_000):
    a, b = D("7" * 30_000), D("12345" * 5_999 + "6789")
    product = a * b
    assert product % (10**9 + 7) == int(a) % (10**9 + 7) * (int(b) % (10**9 + 7)) % (10**9 + 7)
    assert product / b == a and product // a == b and divmod(product + 5, a) == (b, 5) and (a * a).sqrt() == a
with localcontext(prec=2_000):
    assert abs(D(2).ln().exp() - 2) < D("1e-1998") and abs(D(2).sqrt() ** 2 - 2) < D("1e-1998")
    assert str(D(10).ln())[:12] == "2.3025850929" and abs(D(7).log10() * D(10).ln() - D(7).ln()) < D("1e-1998")
assert getcontext().rounding == ROUND_HALF_EVEN
