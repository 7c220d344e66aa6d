N = 700_000


def accumulator():
    total = 0

    def add(x):
        nonlocal total
        total += x
        return total

    return add


def run(n):
    add = accumulator()
    for i in range(n):
        add(i & 7)
    return add(0)
