N = 1_500_000


def run(n):
    x, y = 0.5, 0.25
    for _ in range(n):
        x, y = x * 0.999 + y * 0.01, y * 0.5 - x * 0.001
    return x + y
