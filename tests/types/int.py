# int: arithmetic over the sizes, text, bytes, rounding, errors.
import sys


def raises(exc, message, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except exc as error:
        if message is not None:
            assert str(error) == message, (str(error), message)
        return
    raise AssertionError(f"{function} did not raise {exc}")


EDGE = [0, 1, -1, 2, -2, 7, -7, 2**30, 2**53 + 1, 2**61 - 1, 2**61, -(2**61), -(2**61) - 1, 2**62, 2**63 - 1, 2**63, -(2**63), 2**64, 10**30, -(10**30), 10**100]

# ---- identities hold across the sizes ----
for a in EDGE:
    for b in EDGE:
        assert a + b - b == a
        assert (a - b) + b == a
        assert a * b == b * a
        assert (a & b) + (a | b) == a + b
        assert a ^ b == (a | b) - (a & b)
        assert (a < b) == (b > a) == (not a >= b)
        if b:
            q, r = divmod(a, b)
            assert q * b + r == a and q == a // b and r == a % b
            assert 0 <= r < b or b < r <= 0
            assert type(a / b) is float if abs(a) < 10**300 else True
    assert -(-a) == a and ~a == -a - 1 and abs(a) >= 0
    assert int(str(a)) == a and int(hex(a), 16) == a and int(oct(a), 8) == a and int(bin(a), 2) == a
    assert hash(a) == hash(float(a)) if abs(a) < 2**53 else True
    for shift in (0, 1, 5, 60, 61, 62, 63, 64, 200):
        assert a << shift == a * 2**shift
        assert a >> shift == a // 2**shift
assert 2**61 - 1 + 1 == 2**61 and type(2**61) is int
assert hash(2**61 - 1) == 0 and hash(-1) == -2 and hash(2**61) == 1
assert True + True == 2 and (True | 2) == 3 and (True & True) is True and (True ^ True) is False

# ---- powers ----
assert 3**100 == 515377520732011331036461129765621272702107522001
assert (-2) ** 63 == -(2**63) and 0**0 == 1 and (-1) ** (10**30) == 1 and (-1) ** (10**30 + 1) == -1
assert 2**-1 == 0.5 and type(2**-1) is float
assert pow(2, 10, 1000) == 24 and pow(3, -1, 7) == 5 and pow(2, 10, -1000) == -976 and pow(5, 3, 1) == 0
assert pow(3, 10**30, 10**20 + 39) == pow(3, (10**30) % (10**20 + 38), 10**20 + 39)
raises(ValueError, "base is not invertible for the given modulus", pow, 2, -1, 4)
raises(ValueError, "pow() 3rd argument cannot be 0", pow, 2, 3, 0)
raises(TypeError, "pow() 3rd argument not allowed unless all arguments are integers", pow, 2, 1.5, 3)
raises(ZeroDivisionError, "zero to a negative power", lambda: 0**-1)

# ---- division ----
raises(ZeroDivisionError, "division by zero", lambda: 1 // 0)
raises(ZeroDivisionError, "division by zero", lambda: 1 % 0)
raises(ZeroDivisionError, "division by zero", lambda: 10**40 / 0)
raises(OverflowError, "integer division result too large for a float", lambda: 10**400 / 1)
assert 1 / 10**400 == 0.0 and 10**400 / 10**399 == 10.0
assert (2**1000 + 1) / 2**999 == 2.0

# ---- shifts ----
raises(ValueError, "negative shift count", lambda: 1 << -1)
raises(ValueError, "negative shift count", lambda: 1 >> -1)
assert 0 << 10**30 == 0 and 1 >> 10**30 == 0 and -1 >> 10**30 == -1 and -(10**40) >> 10**30 == -1
raises(OverflowError, "too many digits in integer", lambda: 1 << 10**20)
raises(MemoryError, None, lambda: 1 << 10**14)

# ---- from and to text ----
assert int("  12_3  ") == 123 and int("-0x_1f", 16) == -31 and int("0b101", 0) == 5 and int("z", 36) == 35
assert int("１２") == 12 and int(b"12") == 12 and int(bytearray(b"-7")) == -7 and int("00", 0) == 0
raises(ValueError, "invalid literal for int() with base 10: 'x'", int, "x")
raises(ValueError, "invalid literal for int() with base 10: ''", int, "")
raises(ValueError, "invalid literal for int() with base 0: '012'", int, "012", 0)
raises(ValueError, "invalid literal for int() with base 10: b'x'", int, b"x")
raises(ValueError, "int() base must be >= 2 and <= 36, or 0", int, "1", 1)
raises(TypeError, "int() can't convert non-string with explicit base", int, 1, 2)
raises(TypeError, "int() missing string argument", lambda: int(base=2))
raises(TypeError, "int() argument must be a string, a bytes-like object or a real number, not 'list'", int, [])
raises(ValueError, "cannot convert float NaN to integer", int, float("nan"))
raises(OverflowError, "cannot convert float infinity to integer", int, float("inf"))
assert int(1e300) == int(1e300.hex()[:0] or 1e300) and int(-1.9) == -1
raises(ValueError, "Exceeds the limit (4300 digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit", str, 10**5000)
raises(ValueError, "Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits; use sys.set_int_max_str_digits() to increase the limit", int, "9" * 5000)
assert len(str(10**4299)) == 4300
assert int("0x" + "f" * 5000, 16) == 16**5000 - 1


class Index:
    def __index__(self):
        return 5


class Int:
    def __int__(self):
        return 7


class BadInt:
    def __int__(self):
        return "x"


assert int(Index()) == 5 and int(Int()) == 7 and int("12", Index()) == 7
raises(TypeError, "__int__ returned non-int (type str)", int, BadInt())


class Sub(int):
    pass


s = Sub(5)
assert type(s) is Sub and s == 5 and type(s + 1) is int and hash(s) == hash(5) and repr(s) == "5"
assert type(int(s)) is int and type(+s) is int and Sub("12") == 12 and type(Sub.from_bytes(b"\1")) is Sub

# ---- bytes ----
assert (1024).to_bytes(2) == b"\x04\x00" and (1024).to_bytes(10, "little") == b"\x00\x04" + bytes(8)
assert (-1).to_bytes(3, signed=True) == b"\xff" * 3 and (2**70).to_bytes(9, "big") == b"\x40" + bytes(8)
assert (-128).to_bytes(1, signed=True) == b"\x80" and (0).to_bytes(0) == b""
assert int.from_bytes(b"\xff\x00", "big") == 65280 and int.from_bytes(b"\xff\x00", signed=True) == -256
assert int.from_bytes(bytes(20) + b"\1") == 1 and int.from_bytes([1, 2]) == 258
for n in EDGE:
    assert int.from_bytes(n.to_bytes(50, "little", signed=True), "little", signed=True) == n
raises(OverflowError, "int too big to convert", (256).to_bytes, 1)
raises(OverflowError, "can't convert negative int to unsigned", (-5).to_bytes, 1)
raises(ValueError, "length argument must be non-negative", (1).to_bytes, -1)
raises(ValueError, "byteorder must be either 'little' or 'big'", (1).to_bytes, 1, "foo")
raises(TypeError, "cannot convert 'int' object to bytes", int.from_bytes, 5)

# ---- methods ----
assert (37).bit_length() == 6 and (-37).bit_length() == 6 and (2**100).bit_length() == 101 and (0).bit_length() == 0
assert (13).bit_count() == 3 and (-(2**100) - 1).bit_count() == 2
assert (10).as_integer_ratio() == (10, 1) and (3).is_integer() and (5).conjugate() == 5
assert (5).real == 5 and (5).imag == 0 and (5).numerator == 5 and (5).denominator == 1
assert round(15, -1) == 20 and round(25, -1) == 20 and round(-15, -1) == -20 and round(5, -1) == 0 and round(6, -1) == 10
assert round(12345, 3) == 12345 and round(10**30, -29) == 10**30 and round(5 * 10**29, -30) == 0 and round(7, -1000) == 0
assert (5).__getnewargs__() == (5,) and (7).__floor__() == 7

# ---- formatting ----
assert format(1234567, ",") == "1,234,567" and format(255, "#06x") == "0x00ff" and format(-5, "05") == "-0005"
assert f"{5:b} {5:o} {255:X} {5:+} {5: } {5:>5} {5:^5} {5:c}" == "101 5 FF +5  5     5   5   \x05"
assert format(10**20, "_") == "100_000_000_000_000_000_000" and format(3, ".2f") == "3.00" and format(5, "%") == "500.000000%"
raises(ValueError, "Unknown format code 'y' for object of type 'int'", format, 5, "y")
raises(ValueError, "Precision not allowed in integer format specifier", format, 5, ".3d")
raises(OverflowError, "int too large to convert to float", format, 10**400, "f")
print("ok")
