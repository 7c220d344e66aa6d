N = 500_000


def scaled(value, *, factor=2, offset=0):
    return value * factor + offset


def run(n):
    total = 0
    for i in range(n):
        total += scaled(i, offset=1)
        total -= scaled(i, factor=1, offset=2)
    return total
