"""marshal: every kind of value there and back, bytes of simple ones, damaged data."""
import marshal


def message(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except BaseException as error:
        return type(error).__name__ + ": " + str(error)
    return "no error"


values = [
    None, True, False, ..., StopIteration, 0, 1, -1, 2**31 - 1, -(2**31), 2**31, -(2**31) - 1, 2**62, 2**63, 10**100,
    -(10**100), 0.0, -0.0, 1.5, float("inf"), 1e300, 1j, -2.5 + 3j, "", "a", "abc" * 100, "\xfc", "\u20ac", "\U0001f600",
    "\ud800", b"", b"abc", b"\xff" * 300, (), (1,), (1, (2, (3,))), tuple(range(300)), [], [1, "a", [2]], {}, {"a": 1, 2: [3]},
    set(), {1, 2, 3}, frozenset({"a", "b"}), slice(1, None, 2),
]
for value in values:
    for version in range(3 if isinstance(value, slice) else 0, 6):
        if isinstance(value, slice) and version < 5:
            continue
        back = marshal.loads(marshal.dumps(value, version))
        assert type(back) is type(value) and (back == value), (value, version, back)
assert str(marshal.loads(marshal.dumps(-0.0))) == "-0.0"
assert marshal.dumps(None) == b"N" and marshal.dumps(1)[1:] == b"\x01\x00\x00\x00" and marshal.dumps(2**31)[1:6] == b"\x03\x00\x00\x00\x00"
assert marshal.dumps((None, True), 2) == b"(\x02\x00\x00\x00NT" and marshal.dumps((None, True), 4)[1:] == b"\x02NT"
assert marshal.version == 5
shared = [1]
back = marshal.loads(marshal.dumps([shared, shared]))
assert back[0] is back[1]
code = compile("x = [i for i in range(3)]", "f", "exec")
namespace = {}
exec(marshal.loads(marshal.dumps(code)), namespace)
assert namespace["x"] == [0, 1, 2]
assert message(marshal.dumps, code, allow_code=False) == "ValueError: marshalling code objects is disallowed"
assert message(marshal.loads, marshal.dumps(code), allow_code=False) == "ValueError: unmarshalling code objects is disallowed"
assert message(marshal.dumps, object()) == "ValueError: unmarshallable object"
assert message(marshal.loads, b"") == "EOFError: EOF read where object expected"
assert message(marshal.loads, b"i\x01") == "EOFError: marshal data too short"
assert message(marshal.loads, b"?") == "ValueError: bad marshal data (unknown type code)"
assert message(marshal.loads, b"r\x05\x00\x00\x00") == "ValueError: bad marshal data (invalid reference)"
assert message(marshal.loads, 3) == "TypeError: a bytes-like object is required, not 'int'"
whole = marshal.dumps(values)
for cut in range(0, len(whole), 7):
    assert message(marshal.loads, whole[:cut]) != "no error"
print("ok")
