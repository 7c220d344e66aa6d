"""What the compiler makes of some small functions, from one sum to a generator with a handler.

    taipan examples/bytecode_tour.py [name]        default: all of them
"""

import dis
import sys


def arithmetic(x, y):
    return x * y + 17


def choice(x):
    if x > 10 and x % 2 == 0:
        return "large and even"
    return "something else"


def loop(items):
    total = 0
    for item in items:
        total += item.price * item.count
    return total


def comprehension(rows):
    return [cell for row in rows for cell in row if cell]


def closure(step):
    def advance(n):
        return n + step

    return advance


def handler(path):
    try:
        return open(path)
    except FileNotFoundError as error:
        print(error)
    finally:
        print("done")


def pattern(command):
    match command:
        case ["go", direction]:
            return direction
        case {"stop": reason}:
            return reason


def generator(n):
    while n:
        yield n
        n -= 1


def unpacking(pair, *rest, **named):
    first, second = pair
    return dict(named, first=first, second=second, rest=rest)


def template(name, price):
    return f"{name!r:>10} costs {price:.2f}"


TOUR = {
    arithmetic: "Operands are pushed, an operator pops two and pushes one.",
    choice: "Conditions become jumps; `and` needs no value of its own.",
    loop: "FOR_ITER pushes the next item or leaves the loop. Attributes are looked up by name.",
    comprehension: "A comprehension runs in place: its variables are locals of the function.",
    closure: "A variable that an inner function uses lives in a cell.",
    handler: "No instruction enters a `try`: a table says which instructions are protected, and where to go.",
    pattern: "A pattern is a row of tests that give up at the first that fails.",
    generator: "YIELD_VALUE sets the frame aside with its stack as it is.",
    unpacking: "UNPACK_SEQUENCE pushes the items; a call with names passes a tuple of them.",
    template: "An f-string formats its parts and joins them once.",
}


def show(function, remark):
    code = function.__code__
    print(f"--- {function.__name__}: {remark}")
    print("    co_varnames", code.co_varnames)
    print("    co_consts  ", code.co_consts)
    print("    stack size ", code.co_stacksize, "  bytes", len(code.co_code))
    dis.dis(function)
    print()


def main():
    wanted = sys.argv[1:]
    for function, remark in TOUR.items():
        if not wanted or function.__name__ in wanted:
            show(function, remark)
    code = arithmetic.__code__
    print("The bytes of arithmetic:", " ".join(f"{byte:02x}" for byte in code.co_code))
    print("arithmetic(3, 5) =", arithmetic(3, 5))


if __name__ == "__main__":
    main()
