# math and cmath: values, exactness, errors.
import math, cmath
from math import *


def raises(exc, message, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except exc as error:
        if message is not None:
            assert str(error) == message, (str(error), message)
        return
    raise AssertionError(f"{function} did not raise {exc}")


raises(ValueError, "expected a nonnegative input, got -1.0", sqrt, -1)
raises(ValueError, "expected a positive input", log, 0)
raises(ValueError, "expected a positive input, got 0.0", log, 0.0)
raises(ValueError, "expected a number in range from -1 up to 1, got 2.0", acos, 2)
raises(ValueError, "expected a finite input, got inf", sin, inf)
raises(OverflowError, "math range error", exp, 1000)
raises(ValueError, "expected a noninteger or positive integer, got 0.0", gamma, 0)
raises(ValueError, "math domain error", fmod, 1, 0)
raises(TypeError, "must be real number, not str", sqrt, "x")
raises(OverflowError, "int too large to convert to float", sqrt, 10**400)
raises(TypeError, "Expected an int as second argument to ldexp.", ldexp, 1, 1.5)
assert log(10**400) == 921.0340371976182 and log2(2**1000) == 1000.0 and log10(10**400) == 400.0 and log(8, 2) == 3.0
assert frexp(8.0) == (0.5, 4) and ldexp(0.5, 4) == 8.0 and ldexp(1, -(10**30)) == 0.0 and modf(-1.5) == (-0.5, -1.0)
assert ceil(1.5) == 2 and floor(-1.5) == -2 and trunc(-1.5) == -1 and ceil(-0.5) == 0 and floor(10**30) == 10**30
raises(OverflowError, "cannot convert float infinity to integer", ceil, inf)
raises(TypeError, "type str doesn't define __trunc__ method", trunc, "x")
assert factorial(25) == 15511210043330985984000000 and factorial(0) == 1 and factorial(200) // factorial(199) == 200
raises(ValueError, "factorial() not defined for negative values", factorial, -1)
raises(OverflowError, "factorial() argument should not exceed 9223372036854775807", factorial, 10**20)
assert comb(60, 30) == 118264581564861424 and comb(5, 10) == 0 and comb(10**20, 2) == 10**20 * (10**20 - 1) // 2 and comb(200, 100) == factorial(200) // factorial(100) ** 2
assert perm(5) == 120 and perm(5, 2) == 20 and perm(5, 7) == 0 and perm(10**20, 2) == 10**20 * (10**20 - 1)
raises(ValueError, "k must be a non-negative integer", comb, 5, -1)
assert gcd() == 0 and gcd(12, 18, 24) == 6 and gcd(-(2**100), 2**70) == 2**70 and lcm() == 1 and lcm(4, 6) == 12 and lcm(0, 5) == 0 and lcm(10**20, 6) == 3 * 10**20
assert isqrt(10**40) == 10**20 and isqrt(10**40 - 1) == 10**20 - 1 and isqrt(0) == 0 and isqrt(24) == 4
raises(ValueError, "isqrt() argument must be nonnegative", isqrt, -1)
assert hypot() == 0.0 and hypot(3, 4) == 5.0 and hypot(inf, nan) == inf and hypot(1e200, 1e200) == 1.4142135623730951e200 and dist([1, 2], [4, 6]) == 5.0
raises(ValueError, "both points must have the same number of dimensions", dist, [1], [1, 2])
assert fsum([0.1] * 10) == 1.0 and fsum([1e100, 1.0, -1e100]) == 1.0 and fsum([]) == 0.0
raises(OverflowError, "intermediate overflow in fsum", fsum, [1e308, 1e308])
raises(ValueError, "-inf + inf in fsum", fsum, [inf, -inf])
assert prod([]) == 1 and prod([2, 3, 4]) == 24 and prod([2.0, 3], start=10) == 60.0 and prod([0.5, 0.5]) == 0.25 and prod([2**40] * 3) == 2**120
assert sumprod([1, 2], [3, 4]) == 11 and sumprod([10, 20, 30], [0.1, 0.2, 0.3]) == 14.0 and sumprod([1.5, 2], [2, 10**30]) == 2e30 and sumprod([2**62], [4]) == 2**64
raises(ValueError, "Inputs are not the same length", sumprod, [1], [1, 2])
assert nextafter(1, 2) == 1.0000000000000002 and nextafter(1, 2, steps=5) == 1.000000000000001 and ulp(1) == 2.220446049250313e-16 and ulp(0) == 5e-324
assert fma(1, 2, 3) == 5.0 and isclose(1, 1 + 1e-10) and not isclose(1, 1.1) and isclose(inf, inf) and not isclose(nan, nan)
raises(ValueError, "invalid operation in fma", fma, inf, 0, 1)
raises(ValueError, "tolerances must be non-negative", isclose, 1, 1, rel_tol=-1)
assert degrees(pi) == 180.0 and radians(180) == pi and copysign(1, -0.0) == -1.0 and cbrt(-8) == -2.0 and remainder(5, 3) == -1.0
assert isnan(nan) and isinf(-inf) and isfinite(1) and erf(1) == 0.8427007929497149 and gamma(5) == 24.0 and lgamma(0.5) == 0.5723649429247004

assert cmath.sqrt(-1) == 1j and cmath.exp(0) == 1 and cmath.polar(1j) == (1.0, pi / 2) and abs(cmath.rect(1, pi / 2) - 1j) < 1e-15
assert cmath.phase(-1) == pi and cmath.isclose(1j, 1j + 1e-12) and cmath.isinf(complex(inf, nan)) and cmath.log(1j) == 1.5707963267948966j
raises(ValueError, "math domain error", cmath.log, 0)
raises(TypeError, "must be real number, not str", cmath.sqrt, "x")
assert cmath.infj == complex(0, inf) and abs(cmath.sin(1j) - 1.1752011936438014j) < 1e-15
print("ok")
