def raises(kind, text, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as error:
        assert text is None or str(error) == text, (str(error), text)
        return error
    raise AssertionError(f"{kind.__name__} expected")

assert list(range(5)) == [0, 1, 2, 3, 4] and list(range(2, 5)) == [2, 3, 4] and list(range(5, 0, -2)) == [5, 3, 1] and list(range(0)) == []
raises(TypeError, "range expected at least 1 argument, got 0", range)
raises(TypeError, "range expected at most 3 arguments, got 4", range, 1, 2, 3, 4)
raises(TypeError, "'float' object cannot be interpreted as an integer", range, 1.5)
raises(ValueError, "range() arg 3 must not be zero", range, 1, 2, 0)
raises(TypeError, "range() takes no keyword arguments", range, a=1)
r = range(0, 20, 3)
assert len(r) == 7 and r[0] == 0 and r[-1] == 18 and r[2:4] == range(6, 12, 3) and r[::-1] == range(18, -3, -3) and r[5:100] == range(15, 21, 3)
raises(IndexError, "range object index out of range", lambda: r[7])
raises(TypeError, "range indices must be integers or slices, not str", r.__getitem__, "a")
assert 9 in r and 10 not in r and 9.0 in r and "a" not in r and True in range(2) and 21 not in r and -3 not in r
assert r.index(9) == 3 and r.count(9) == 1 and r.count(10) == 0 and r.count("a") == 0
raises(ValueError, "range.index(x): x not in range", r.index, 10)
raises(ValueError, "sequence.index(x): x not in sequence", r.index, "a")
assert r.start == 0 and r.stop == 20 and r.step == 3 and repr(r) == "range(0, 20, 3)" and repr(range(3)) == "range(0, 3)"
assert range(0) == range(2, 1) and range(1, 4, 5) == range(1, 2) and range(3) != range(4) and range(3) != [0, 1, 2] and hash(range(0)) == hash(range(2, 1))
assert hash(range(3)) == hash((3, 0, 1)) and hash(range(1)) == hash((1, 0, None)) and hash(range(0)) == hash((0, None, None))
assert not range(0) and range(1) and list(reversed(range(5))) == [4, 3, 2, 1, 0] and list(reversed(range(0))) == []
big = range(2**70, 2**70 + 10, 3)
assert list(big) == [2**70, 2**70 + 3, 2**70 + 6, 2**70 + 9] and len(big) == 4 and big[1] == 2**70 + 3 and 2**70 + 6 in big and big[::-1][0] == 2**70 + 9
assert list(reversed(big))[0] == 2**70 + 9 and big.index(2**70 + 9) == 3 and type(iter(big)).__name__ == "longrange_iterator"
raises(OverflowError, "Python int too large to convert to C ssize_t", len, range(2**70))
assert range(2**70)[2**69] == 2**69 and range(2**62 - 2, 2**62 + 2)[-1] == 2**62 + 1 and list(range(2**63 - 1, 2**63 + 1)) == [2**63 - 1, 2**63]
assert list(range(-(2**61) - 1, -(2**61) + 1)) == [-(2**61) - 1, -(2**61)]
it = iter(range(5))
assert next(it) == 0 and it.__length_hint__() == 4 and it.__reduce__() == (iter, (range(1, 5),), None)
it.__setstate__(2)
assert list(it) == [3, 4] and list(it) == [] and type(it).__name__ == "range_iterator"
assert range(3).__reduce__() == (range, (0, 3, 1)) and range(10)[slice(1, 8, 2)] == range(1, 8, 2)
class I:
    def __index__(self): return 3
assert range(I()) == range(3) and range(5)[I()] == 3

# slice
s = slice(1, 10, 2)
assert s.start == 1 and s.stop == 10 and s.step == 2 and repr(s) == "slice(1, 10, 2)" and slice(5) == slice(None, 5, None) and repr(slice(5)) == "slice(None, 5, None)"
assert s.indices(6) == (1, 6, 2) and slice(None, None, -1).indices(5) == (4, -1, -1) and slice(-3, None).indices(10) == (7, 10, 1)
assert slice(2**70, 2**80).indices(2**75) == (2**70, 2**75, 1) and slice(1, 2) < slice(1, 3) and hash(slice(1, 2, 3)) == -2340833382717974474
raises(ValueError, "length should not be negative", s.indices, -1)
raises(ValueError, "slice step cannot be zero", slice(1, 2, 0).indices, 3)
raises(TypeError, "slice expected at least 1 argument, got 0", slice)
assert s.__reduce__() == (slice, (1, 10, 2))
print("ok")
