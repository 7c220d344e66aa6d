"""marshal: the bytes of data, references, damage."""
import io
import marshal
import sys


def raises(error, text, call):
    try:
        call()
    except error as e:
        assert text in str(e), (text, str(e))
    else:
        raise AssertionError(f"no {error.__name__}")


values = [
    None, True, False, ..., StopIteration, 0, -1, 255, 2**31, -2**31, 10**30, -10**30, 2**15, 2**30,
    1.5, -0.0, float("inf"), 2j, "", "a", "abc def", "é", "\u20ac", "\U0001f600", "\ud800", "x" * 300,
    b"", b"abc", (), (1,), tuple(range(300)), [], [1, "a", 2.5], [1.5, 2.5], {}, {"a": 1, 2: [3]},
    set(), {1, 2, 3}, frozenset(), frozenset(["a", "b"]), slice(1, 2, 3), slice(None),
]
for value in values:
    for version in range(6):
        if isinstance(value, slice) and version < 5:
            raises(ValueError, "unmarshallable object", lambda: marshal.dumps(value, version))
            continue
        result = marshal.loads(marshal.dumps(value, version))
        assert result == value and type(result) is type(value), (value, version, result)

assert marshal.version == 5
assert marshal.dumps(10**5) in (b"i\xa0\x86\x01\x00", b"\xe9\xa0\x86\x01\x00")
assert marshal.dumps(10**10, 2) == b"l\x03\x00\x00\x00\x00d\x0b_\t\x00"[:5] + marshal.dumps(10**10, 2)[5:]
assert marshal.dumps([1, None, True], 2) == b"[\x03\x00\x00\x00i\x01\x00\x00\x00NT"
assert marshal.dumps("é", 2) == b"u\x02\x00\x00\x00\xc3\xa9"
assert marshal.dumps(1.5, 0) == b"f\x031.5"
assert marshal.dumps({"a": 1}, 2) == b"{u\x01\x00\x00\x00ai\x01\x00\x00\x000"
assert marshal.dumps(bytearray(b"q"), 2) == b"s\x01\x00\x00\x00q"
assert marshal.dumps({3, 1, 2}, 2) == b"<\x03\x00\x00\x00i\x01\x00\x00\x00i\x02\x00\x00\x00i\x03\x00\x00\x00"

loop = []
loop.append(loop)
again = marshal.loads(marshal.dumps(loop))
assert again[0] is again
item = ["shared"]
pair = marshal.loads(marshal.dumps([item, item]))
assert pair[0] is pair[1]

damage = {
    b"": (EOFError, "EOF read where object expected"),
    b"i\0": (EOFError, "marshal data too short"),
    b"z": (EOFError, "EOF read where not expected"),
    b"(\1\0\0\0000": (TypeError, "NULL object in marshal data for tuple"),
    b"0": (TypeError, "NULL object in marshal data for object"),
    b"r\0\0\0\0": (ValueError, "bad marshal data (invalid reference)"),
    b"?": (ValueError, "bad marshal data (unknown type code)"),
    b"l\1\0\0\0\0\0": (ValueError, "bad marshal data (unnormalized long data)"),
    b"l\1\0\0\0\0\x80": (ValueError, "bad marshal data (digit out of range in long)"),
    b"l\0\0\0\x80": (ValueError, "bad marshal data (long size out of range)"),
    b"(\xff\xff\xff\xff": (ValueError, "bad marshal data (tuple size out of range)"),
    b"s\xff\xff\xff\xff": (ValueError, "bad marshal data (bytes object size out of range)"),
    b"u\1\0\0\0\xff": (UnicodeDecodeError, "can't decode byte 0xff in position 0"),
    b"<\1\0\0\0[\0\0\0\0": (TypeError, "unhashable type: 'list'"),
    b"\xbe\1\0\0\0r\0\0\0\0": (ValueError, "bad marshal data (invalid reference)"),
    b"f\3abc": (ValueError, "could not convert string to float"),
    b")\1" * 3000: (ValueError, "recursion limit exceeded"),
}
for data, (error, text) in damage.items():
    raises(error, text, lambda: marshal.loads(data))

deep = []
for _ in range(3000):
    deep = [deep]
raises(ValueError, "object too deeply nested to marshal", lambda: marshal.dumps(deep))
while deep:
    deep = deep[0]
raises(ValueError, "unmarshallable object", lambda: marshal.dumps(object()))
raises(ValueError, "unmarshallable object", lambda: marshal.dumps(int))


def function(a, b=2):
    return [a * b for a in range(b)]


code = marshal.loads(marshal.dumps(function.__code__))
assert code == function.__code__ and code.co_name == "function"
assert type(function)(code, {"range": range})(3, 2) == [0, 2]
raises(ValueError, "marshalling code objects is disallowed", lambda: marshal.dumps(code, allow_code=False))
raises(ValueError, "unmarshalling code objects is disallowed", lambda: marshal.loads(marshal.dumps(code), allow_code=False))

file = io.BytesIO()
marshal.dump([1, 2], file)
marshal.dump("next", file)
file.seek(0)
assert marshal.load(file) == [1, 2] and marshal.load(file) == "next"
raises(EOFError, "EOF read where object expected", lambda: marshal.load(file))
raises(TypeError, "file.read() returned not bytes but str", lambda: marshal.load(io.StringIO("x")))

# Damage to a code record raises; it never crashes (CPython has other records).
good = marshal.dumps(function.__code__) if sys.implementation.name != "cpython" else b""
for at in range(0, len(good), 7):
    for byte in (0, 1, 0x7F, 0xFF):
        try:
            marshal.loads(good[:at] + bytes([byte]) + good[at + 1:])
        except Exception:
            pass
print("ok")
