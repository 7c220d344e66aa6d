# complex: construction, text, arithmetic with special values.


def raises(exc, message, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except exc as error:
        if message is not None:
            assert str(error) == message, (str(error), message)
        return
    raise AssertionError(f"{function} did not raise {exc}")


inf, nan = float("inf"), float("nan")
for text, value in [("1", 1), ("j", 1j), ("-j", -1j), ("+1e5j", 1e5j), ("(1+2j)", 1 + 2j), (" ( 1-2j ) ", 1 - 2j), ("1_0+2_0j", 10 + 20j), ("1e400", complex(inf, 0)), ("infinityj", complex(0, inf)), ("1+j", 1 + 1j)]:
    assert complex(text) == value, text
for bad in ("", "x", "1+2", "1j+2", "--1j", "1+-2j", "(1j", "1j)", "( )", "1 +2j", "0x1", "1.5."):
    raises(ValueError, "complex() arg is a malformed string", complex, bad)
raises(ValueError, "could not convert string to complex: '1__0'", complex, "1__0")
raises(TypeError, "complex() argument must be a string or a number, not list", complex, [])
raises(TypeError, "complex() argument 'real' must be a real number, not str", complex, "1", 2)
raises(TypeError, "complex() argument 'imag' must be a real number, not str", complex, 1, "2")
raises(TypeError, "complex() got an unexpected keyword argument 'foo'", complex, foo=1)
assert complex(real=1, imag=2) == 1 + 2j and complex() == 0 and complex(imag=1) == 1j and complex(True) == 1

assert [repr(z) for z in (1 + 2j, 1j, -0j, complex(-0.0, 1), complex(nan, -inf), complex(1, -0.0), 1e20 + 0j)] == [
    "(1+2j)", "1j", "(-0-0j)", "(-0+1j)", "(nan-infj)", "(1-0j)", "(1e+20+0j)"]
assert hash(complex(3, 0)) == hash(3) and hash(1j) == 1000003 and 1 == 1 + 0j and 1j != 1 and 10**400 != 1j
raises(TypeError, "'<' not supported between instances of 'complex' and 'int'", lambda: 1j < 2)
raises(TypeError, "unsupported operand type(s) for //: 'complex' and 'int'", lambda: 1j // 1)

assert (1 + 2j) * (3 - 1j) == 5 + 5j and (2 + 4j) / (1 + 1j) == 3 + 1j and 2 / 1j == -2j and 1j / 2 == 0.5j
assert repr(1 - 2j) == "(1-2j)" and repr(0.0 - 0j) == "-0j" and repr(1j - 1) == "(-1+1j)" and repr(2 * complex(inf, 1)) == "(inf+2j)"
assert repr(complex(inf, inf) * 1j) == "(-inf+infj)" and repr(1 / complex(inf, inf)) == "-0j" and repr(complex(inf, inf) / 1j) == "(inf-infj)"
raises(ZeroDivisionError, "division by zero", lambda: 1j / 0)
raises(ZeroDivisionError, "division by zero", lambda: 1 / 0j)

assert 1j**2 == -1 and 0j**0 == 1 and (1 + 2j) ** -3 == (-0.08800000000000001 + 0.016j) and (2j) ** 3 == -8j
assert abs((1 + 2j) ** 0.5 - (1.272019649514069 + 0.7861513777574233j)) < 1e-15
assert (1 + 1j) ** (2 + 1j) == (-0.3097435049284936 + 0.8576580125887359j)
raises(ZeroDivisionError, "zero to a negative or complex power", lambda: 0j**-1)
raises(ZeroDivisionError, "zero to a negative or complex power", lambda: 0j**1j)
raises(OverflowError, "complex exponentiation", lambda: (1 + 1j) ** 1000000)
raises(ValueError, "complex modulo", pow, 1j, 2, 3)

assert abs(3 + 4j) == 5.0 and (1 + 2j).conjugate() == 1 - 2j and (1 + 2j).real == 1.0 and (1 + 2j).imag == 2.0
assert complex.from_number(3) == 3 + 0j and (1 + 2j).__getnewargs__() == (1.0, 2.0) and (1j).__complex__() == 1j
assert format(1 + 2j, ".2f") == "1.00+2.00j" and format(1 + 2j, ">10") == "    (1+2j)" and format(1.5 + 2j, "+.1e") == "+1.5e+00+2.0e+00j"
raises(ValueError, "Zero padding is not allowed in complex format specifier", format, 1j, "05")


class C(complex):
    pass


class I:
    def __complex__(self):
        return 2j


c = C(1, 2)
assert type(c) is C and c == 1 + 2j and type(c + 1) is complex and complex(I()) == 2j and type(C.from_number(1)) is C
print("ok")
