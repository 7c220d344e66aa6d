def calls(f, x, *args, **kwargs):
    f(x, 1)
    f(x, key=1)
    f(*args, x, **kwargs, key=2)
    x.method(1)
    x.method(1, key=2)
    return f(*args)
