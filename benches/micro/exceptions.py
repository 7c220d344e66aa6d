N = 300_000


def checked(i):
    if i % 3 == 0:
        raise ValueError(i)
    return i


def run(n):
    caught = 0
    for i in range(n):
        try:
            checked(i)
        except ValueError as error:
            caught += error.args[0] & 1
    return caught
