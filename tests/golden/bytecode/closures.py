def outer(a, b):
    c = a

    def inner():
        nonlocal c
        c = b
        return c

    return inner, lambda: [lambda: i for i in range(3)]
