def raises(kind, text, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as error:
        assert text is None or str(error) == text, (str(error), text)
        return error
    raise AssertionError(f"{kind.__name__} expected")

assert tuple() == () and tuple([1, 2]) == (1, 2) and tuple("ab") == ("a", "b")
row = (1, 2, 3)
assert tuple(row) is row and row[:] is row and row + () is row and row * 1 is row
raises(TypeError, "tuple expected at most 1 argument, got 2", tuple, 1, 2)
raises(TypeError, "tuple() takes no keyword arguments", tuple, a=1)
assert row[0] == 1 and row[-1] == 3 and row[1:] == (2, 3) and row[::-1] == (3, 2, 1) and row[5:] == ()
raises(IndexError, "tuple index out of range", lambda: row[3])
raises(TypeError, "tuple indices must be integers or slices, not str", row.__getitem__, "a")
raises(TypeError, 'can only concatenate tuple (not "list") to tuple', lambda: row + [1])
assert row + (4,) == (1, 2, 3, 4) and (1, 2) * 2 == (1, 2, 1, 2) == 2 * (1, 2) and (1,) * -1 == ()
raises(MemoryError, None, lambda: (1,) * 2**62)
assert row.index(2) == 1 and row.count(2) == 1 and (1, 1.0, True).count(1) == 3
raises(ValueError, "tuple.index(x): x not in tuple", row.index, 9)
raises(ValueError, "tuple.index(x): x not in tuple", row.index, 1, 1)
assert 2 in row and 2.0 in row and "a" not in row
assert (1, 2) < (1, 3) and (1,) < (1, 2) and () < (1,) and (1, 2) == (1.0, 2.0) and (1, 2) != [1, 2]
raises(TypeError, "'<' not supported between instances of 'tuple' and 'list'", lambda: (1,) < [1])
assert hash(()) == 5740354900026072187 and hash((1, 2, 3)) == 529344067295497451 and hash((1, (2, -1))) == hash((1.0, (2, -1)))
raises(TypeError, "unhashable type: 'list'", hash, (1, []))
assert repr(()) == "()" and repr((1,)) == "(1,)" and repr((1, "a", (2.5, None))) == "(1, 'a', (2.5, None))"
inner = []
loop = (inner,)
inner.append(loop)
assert repr(loop) == "([(...)],)"
nan = float("nan")
assert (nan,) == (nan,) and nan in (nan,)
it = iter((1, 2, 3))
assert next(it) == 1 and it.__length_hint__() == 2 and it.__reduce__() == (iter, ((1, 2, 3),), 1)
it.__setstate__(2)
assert list(it) == [3] and list(it) == []
assert type(it).__name__ == "tuple_iterator"
assert (1, 2).__getnewargs__() == ((1, 2),)

class Sub(tuple):
    def __new__(cls, *args): return super().__new__(cls, args)
sub = Sub(1, 2)
assert sub == (1, 2) and type(sub) is Sub and type(sub[:]) is tuple and type(tuple(sub)) is tuple and sub.__getnewargs__() == ((1, 2),)
sub.attribute = 5
assert sub.attribute == 5 and hash(sub) == hash((1, 2))
deep = ()
for _ in range(100000): deep = (deep,)
del deep
print("ok")
