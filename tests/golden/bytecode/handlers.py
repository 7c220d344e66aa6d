def handlers(f):
    try:
        f()
    except ValueError as error:
        return error
    except (KeyError, TypeError):
        raise
    else:
        f(1)
    finally:
        f(2)


def groups(f):
    try:
        f()
    except* ValueError as group:
        print(group)
    except* TypeError:
        pass


def managers(a, b):
    with a as x, b:
        return x.y
