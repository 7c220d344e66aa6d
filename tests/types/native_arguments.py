# How native functions complain about their arguments.


def error(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except TypeError as e:
        return str(e)
    raise AssertionError("TypeError not raised")


assert error([].append) == "list.append() takes exactly one argument (0 given)"
assert error([].append, 1, 2) == "list.append() takes exactly one argument (2 given)"
assert error([].append, object=1) == "list.append() takes no keyword arguments"
assert error([].clear, 1) == "list.clear() takes no arguments (1 given)"
assert error([].pop, 1, 2) == "pop expected at most 1 argument, got 2"
assert error([].insert, 1) == "insert expected 2 arguments, got 1"
assert error({}.pop) == "pop expected at least 1 argument, got 0"
assert error(dict.fromkeys) == "fromkeys expected at least 1 argument, got 0"
assert error([].sort, 1) == "sort() takes no positional arguments"
assert error([].sort, 1, 2, 3) == "sort() takes at most 2 arguments (3 given)"
assert error([].sort, foo=1) == "sort() got an unexpected keyword argument 'foo'"
assert error("".split, 1, 2, 3) == "split() takes at most 2 arguments (3 given)"
assert error("".split, sep=",", foo=2) == "split() got an unexpected keyword argument 'foo'"
assert error("".encode, 1, 2, 3) == "encode() takes at most 2 arguments (3 given)"
assert error(len) == "len() takes exactly one argument (0 given)"
assert error(len, 1, 2) == "len() takes exactly one argument (2 given)"
