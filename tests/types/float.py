# float: text, exact comparison with ints, rounding, powers, errors.
import math


def raises(exc, message, function, *args):
    try:
        function(*args)
    except exc as error:
        if message is not None:
            assert str(error) == message, (str(error), message)
        return
    raise AssertionError(f"{function} did not raise {exc}")


inf, nan = float("inf"), float("nan")
VALUES = [0.0, -0.0, 1.0, -1.5, 0.1, 1e16, 1e22, 1e-5, 1e300, 1e-300, 5e-324, 1.7976931348623157e308, 2.0**53, inf, -inf]
for x in VALUES:
    assert float(repr(x)) == x and math.copysign(1, float(repr(x))) == math.copysign(1, x)
    assert float.fromhex(x.hex()) == x
    assert x + 0 == x and x * 1 == x and -(-x) == x and abs(x) >= 0
    assert eval(repr(x)) == x if x - x == 0 else True
    if x - x == 0:
        n, d = x.as_integer_ratio()
        assert n / d == x and d > 0
assert [repr(x) for x in (1e16, 123456789012345.0, 1e-5, 0.0001, 1e22, 5e-324, inf, -inf, nan)] == [
    "1e+16", "123456789012345.0", "1e-05", "0.0001", "1e+22", "5e-324", "inf", "-inf", "nan"]

# ---- parsing ----
assert float(" 1_0.5e1\n") == 105.0 and float("infinity") == inf and float("-inf") == -inf and float("１") == 1.0
assert float(b"1.5") == 1.5 and float("1e400") == inf and float() == 0.0 and float(".5") == 0.5 and float("5.") == 5.0
for bad in ("", "x", "1 2", "1e", ".", "1._5", "_1", "1__0", "0x1"):
    raises(ValueError, f"could not convert string to float: {bad!r}", float, bad)
raises(TypeError, "float() argument must be a string or a real number, not 'list'", float, [])
raises(TypeError, "float expected at most 1 argument, got 2", float, 1, 2)
raises(OverflowError, "int too large to convert to float", float, 10**400)

# ---- comparison with ints is exact ----
assert 2.0**53 == 2**53 and not 2.0**53 == 2**53 + 1 and 2.0**53 < 2**53 + 1 and 2**53 + 1 > 2.0**53
assert 10**400 > 1e308 and 10**400 < inf and -(10**400) > -inf and not (10**400 < nan) and 0.5 < 1 and 1 < 1.5
assert nan != nan and not nan == nan and not nan < 1 and not nan > 1 and hash(inf) == 314159 and hash(1.5) == 1152921504606846977
assert hash(2.0**61 - 2**10) == hash(2**61 - 2**10) and hash(-1.0) == -2

# ---- arithmetic ----
assert divmod(-7.5, 2) == (-4.0, 0.5) and -5.0 % 3 == 1.0 and 5 % -3.0 == -1.0 and 5.0 // 0.3 == 16.0
assert str(0.0 // -1) == "-0.0" and str(-0.0 % 5) == "0.0" and 1e300 // 7 == 1.4285714285714286e299
for f in (lambda: 1.0 / 0, lambda: 1.0 // 0, lambda: 1.0 % 0, lambda: divmod(1.0, 0)):
    raises(ZeroDivisionError, "division by zero", f)
raises(OverflowError, "int too large to convert to float", lambda: 1.0 + 10**400)
raises(ZeroDivisionError, "zero to a negative power", lambda: 0.0**-1)
raises(OverflowError, "(34, 'Numerical result out of range')", lambda: 1e308**2)
assert 2.0**0.5 == math.sqrt(2) and (-8.0) ** (1 / 3) == (1.0000000000000002 + 1.7320508075688772j)
assert (-1.0) ** inf == 1.0 and inf**-1 == 0.0 and (-inf) ** 3 == -inf and nan**0 == 1.0 and 1**nan == 1.0 and (-0.0) ** 3 == 0.0

# ---- rounding ----
assert round(2.5) == 2 and round(-3.5) == -4 and type(round(2.5)) is int and round(2.675, 2) == 2.67 and round(123.456, -1) == 120.0
assert round(1.5, None) == 2 and round(123.456, 400) == 123.456 and round(123.456, -400) == 0.0 and round(1e22) == 10**22
raises(ValueError, "cannot convert float NaN to integer", round, nan)
raises(OverflowError, "cannot convert float infinity to integer", round, inf)
raises(OverflowError, "rounded value too large to represent", round, 1.7e308, -308)
raises(TypeError, "'str' object cannot be interpreted as an integer", round, 1.5, "x")
assert (2.5).__floor__() == 2 and (2.5).__ceil__() == 3 and (-2.5).__trunc__() == -2 and (2.0).is_integer() and not inf.is_integer()

# ---- other forms ----
assert (0.5).hex() == "0x1.0000000000000p-1" and (0.0).hex() == "0x0.0p+0" and float.fromhex("0x.8p1") == 1.0
raises(ValueError, "invalid hexadecimal floating-point string", float.fromhex, "zz")
raises(OverflowError, "hexadecimal value too large to represent as a float", float.fromhex, "0x1p9999")
raises(ValueError, "cannot convert NaN to integer ratio", nan.as_integer_ratio)
raises(OverflowError, "cannot convert Infinity to integer ratio", inf.as_integer_ratio)
assert float.__getformat__("double") == "IEEE, little-endian" and float.from_number(3) == 3.0
raises(TypeError, "must be real number, not str", float.from_number, "3")
assert (1.5).real == 1.5 and (1.5).imag == 0.0 and (1.5).conjugate() == 1.5 and (2.5).__getnewargs__() == (2.5,)


class F(float):
    pass


f = F(2.5)
assert type(f) is F and f == 2.5 and type(f + 1) is float and type(float(f)) is float and repr(f) == "2.5" and type(F.fromhex("1")) is F


class G:
    def __float__(self):
        return 1


raises(TypeError, "G.__float__ returned non-float (type int)", float, G())

# ---- formatting ----
assert f"{1234.5:,.2f} {0.1:.3%} {1e20:g} {1.5:e} {-0.0:z} {3.0:05.1f} {1.0}" == "1,234.50 10.000% 1e+20 1.500000e+00 0.0 003.0 1.0"
raises(ValueError, "Unknown format code 'd' for object of type 'float'", format, 1.5, "d")
print("ok")
