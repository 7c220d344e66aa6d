# _decimal: thousands of operations on numbers that are hard to round, in contexts of all sorts. What CPython 3.14 answers, with the
# flags, is recorded as a checksum for each operation; `python3.14 decimal_random.py record` prints them anew.
import sys
import zlib
from decimal import (
    MAX_EMAX, MIN_EMIN, ROUND_05UP, ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP,
    Context, Decimal,
)

MODES = [
    ROUND_CEILING, ROUND_FLOOR, ROUND_UP, ROUND_DOWN, ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_05UP,
]
UNARY = """abs exp ln log10 logb logical_invert minus next_minus next_plus normalize plus sqrt to_integral_exact to_integral_value
    number_class to_sci_string to_eng_string is_normal is_subnormal copy_abs copy_negate""".split()
BINARY = """add subtract multiply divide divide_int divmod remainder remainder_near compare compare_signal compare_total
    compare_total_mag max min max_mag min_mag next_toward quantize rotate shift scaleb same_quantum logical_and logical_or
    logical_xor power copy_sign""".split()
ROUNDS = 120


class Source:
    """Numbers that are the same everywhere."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % n

    def choice(self, row):
        return row[self.below(len(row))]

    def digits(self, k):
        kind = self.below(8)
        if kind == 0:
            return "9" * k
        if kind == 1:
            return "1" + "0" * (k - 1)
        if kind == 2:
            return (str(1 + self.below(9)) * (k // 2 + 1) + "5" + "0" * k)[:k]
        if kind == 3:
            return "".join(str(self.below(2)) for _ in range(k))
        return "".join(str(self.below(10)) for _ in range(k))

    def number(self):
        if self.below(40) == 0:
            return Decimal(self.choice(["NaN", "sNaN", "Inf", "-Inf", "NaN123", "-sNaN99"]))
        k = self.choice([1, 1, 2, 3, 9, 18, 19, 20, 28, 38, 39, 57, 1 + self.below(80)])
        exponent = self.choice([0, 0, -1, -2, -k, -k // 2, 1 - k, self.below(11) - 5, self.below(121) - 60])
        return Decimal("%s%sE%d" % (self.choice(["", "", "-"]), self.digits(k), exponent))

    def context(self):
        return Context(
            prec=self.choice([1, 2, 3, 9, 16, 19, 20, 28, 28, 38, 39, 1 + self.below(60)]),
            Emax=self.choice([3, 20, 99, 999999, 999999, MAX_EMAX]),
            Emin=self.choice([-3, -20, -99, -999999, -999999, MIN_EMIN]),
            rounding=self.choice(MODES),
            clamp=self.below(2),
            capitals=self.below(2),
            traps=[],
        )

    def zeros_and_ones(self):
        return Decimal("".join(str(self.below(2)) for _ in range(1 + self.below(40))))


def operands(source, name, context):
    x, y = source.number(), source.number()
    if name.startswith("logical") and source.below(8):
        x, y = source.zeros_and_ones(), source.zeros_and_ones()
    if name in ("rotate", "shift", "scaleb") and source.below(5):
        y = Decimal(source.below(2 * context.prec + 3) - context.prec - 1)
    if name == "power":
        if source.below(2):
            y = Decimal(source.below(101) - 50)
        elif source.below(2):
            y = Decimal(source.choice(["0.5", "-0.5", "1.5", "0.1", "2.25", "1e-5", "3e10", "-7e5"]))
        if source.below(2):
            x = Decimal(source.below(41) - 20) / Decimal(source.choice([1, 2, 10, 16]))
    if source.below(10) == 0 and x.is_finite() and name != "power":
        y = x + source.choice([0, 1, -1, Decimal("1e-20")])
    return x, y


def record(name):
    source = Source(zlib.crc32(name.encode()))
    lines = []
    for turn in range(ROUNDS):
        if turn % 5 == 0:
            context = source.context()
        context.clear_flags()
        x, y = operands(source, name, context)
        if name in UNARY:
            args = (x,)
        elif name == "fma":
            args = (x, y, source.number())
        elif name == "power modulo":
            args = tuple(Decimal(source.below(2001) - 1000) for _ in "abc")
        else:
            args = (x, y)
        result = getattr(context, name.split()[0])(*args)
        if type(result) is tuple:
            result = [str(part) for part in result]
        flags = [flag.__name__ for flag, is_set in context.flags.items() if is_set]
        lines.append(f"{context.prec} {context.rounding} {context.Emin} {context.Emax} {context.clamp} {name} {args}: {result} {flags}")
    return lines


NAMES = [*UNARY, *BINARY, "fma", "power modulo"]
RECORDED = {
    'abs': 3842168196,
    'exp': 484187910,
    'ln': 315752473,
    'log10': 1862172695,
    'logb': 989116392,
    'logical_invert': 3473962477,
    'minus': 2165604063,
    'next_minus': 249975795,
    'next_plus': 3254218073,
    'normalize': 3813569487,
    'plus': 2740886793,
    'sqrt': 2134356159,
    'to_integral_exact': 1975549222,
    'to_integral_value': 2759340518,
    'number_class': 376965426,
    'to_sci_string': 2590196143,
    'to_eng_string': 2688397315,
    'is_normal': 560662646,
    'is_subnormal': 3759740493,
    'copy_abs': 1732402717,
    'copy_negate': 381488591,
    'add': 453501270,
    'subtract': 3915664822,
    'multiply': 1482987030,
    'divide': 1651910115,
    'divide_int': 4160137299,
    'divmod': 3005372999,
    'remainder': 3766249048,
    'remainder_near': 3993551783,
    'compare': 1071121771,
    'compare_signal': 946873458,
    'compare_total': 1716425871,
    'compare_total_mag': 3345893045,
    'max': 2725195986,
    'min': 3086410651,
    'max_mag': 668965551,
    'min_mag': 1605212711,
    'next_toward': 4222976821,
    'quantize': 3536632051,
    'rotate': 480171785,
    'shift': 3365206400,
    'scaleb': 3825912666,
    'same_quantum': 4157302622,
    'logical_and': 3808608385,
    'logical_or': 1178533969,
    'logical_xor': 2340285553,
    'power': 40379761,
    'copy_sign': 3445019987,
    'fma': 1697500190,
    'power modulo': 2043127383,
}

if sys.argv[1:] == ["record"]:
    for name in NAMES:
        print(f"    {name!r}: {zlib.crc32('\n'.join(record(name)).encode())},")
elif sys.argv[1:]:
    print(*record(sys.argv[1]), sep="\n")
else:
    for name in NAMES:
        assert zlib.crc32("\n".join(record(name)).encode()) == RECORDED[name], name
