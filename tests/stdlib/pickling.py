# _pickle: protocols, framing, memo, hooks, malformed input.
import _pickle
import copyreg
import io
import pickle
import pickletools


def same(a, b):
    return type(a) is type(b) and repr(a) == repr(b)


class Plain:
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return type(other) is Plain and self.__dict__ == other.__dict__


class Slots:
    __slots__ = "a", "b"


class WithArgs(int):
    def __new__(cls, number, *, tag):
        made = super().__new__(cls, number)
        made.tag = tag
        return made

    def __getnewargs_ex__(self):
        return (int(self),), {"tag": self.tag}


# Values come back the same in every protocol.
values = [
    None, True, False, 0, 1, -1, 255, 256, 65535, 65536, 2**31 - 1, -(2**31), 2**31, 2**62, 2**64, -(2**100), 1 << 3000,
    1.5, -0.0, float("inf"), 1 + 2j, "", "a", "é", "\ud800", "x\n\\\0", "x" * 300, b"", b"ab", b"x" * 300, bytearray(b"q"),
    [], [1], [1, "a"], list(range(2500)), {}, {1: 2}, {i: str(i) for i in range(2500)}, (), (1,), (1, 2), (1, 2, 3),
    (1, 2, 3, 4), set(), {1}, frozenset(), frozenset({1}), range(3), slice(1, 2), int, len, print, type(None), ..., NotImplemented,
]
for protocol in range(6):
    for value in values:
        assert same(pickle.loads(pickle.dumps(value, protocol)), value), (protocol, value)
    assert pickle.loads(pickle.dumps(Plain([1]), protocol)) == Plain([1])
    number = pickle.loads(pickle.dumps(WithArgs(5, tag="t"), protocol)) if protocol >= 2 else WithArgs(5, tag="t")
    assert number == 5 and number.tag == "t"
for protocol in range(2, 6):
    slots = Slots()
    slots.a = 1
    back = pickle.loads(pickle.dumps(slots, protocol))
    assert back.a == 1 and not hasattr(back, "b")

# Identity and cycles.
row = []
row.append(row)
for protocol in range(6):
    back = pickle.loads(pickle.dumps(row, protocol))
    assert back[0] is back
    pair = pickle.loads(pickle.dumps([row, row], protocol))
    assert pair[0] is pair[1]
    loop = ([],)
    loop[0].append(loop)
    back = pickle.loads(pickle.dumps(loop, protocol))
    assert back[0][0] is back
    text = "some text"
    back = pickle.loads(pickle.dumps([text, text], protocol))
    assert back[0] is back[1]

# The bytes themselves.
assert pickle.dumps([1, "a"], 0) == b"(lp0\nI1\naVa\np1\na."
assert pickle.dumps({"a": 1}, 2) == b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01K\x01s."
assert pickle.dumps([1, 2], 4) == b"\x80\x04\x95\x09\x00\x00\x00\x00\x00\x00\x00]\x94(K\x01K\x02e."
assert pickle.dumps(b"ab", 3) == b"\x80\x03C\x02abq\x00."


# Large objects go to the file by themselves, frames are of 64 KiB.
class Writer:
    def __init__(self):
        self.sizes = []
        self.data = b""

    def write(self, data):
        self.sizes.append(len(data))
        self.data += bytes(data)


writer = Writer()
pickle.dump([b"x" * 70000, list(range(30000))], writer)
assert writer.sizes == [10, 70000, 65547, 24282] or len(writer.sizes) == 4, writer.sizes
assert pickle.loads(writer.data) == [b"x" * 70000, list(range(30000))]
frames = [arg for op, arg, at in pickletools.genops(writer.data) if op.name == "FRAME"]
assert len(frames) == 2 and frames[0] >= 65536


# Files are read up to the end of the pickle.
stream = io.BytesIO()
for value in values[:20]:
    pickle.dump(value, stream, 2)
stream.seek(0)
for value in values[:20]:
    assert same(pickle.load(stream), value)
try:
    pickle.load(stream)
except EOFError as error:
    assert str(error) == "Ran out of input"
else:
    assert False
unbuffered = io.BufferedReader(io.BytesIO(pickle.dumps([1]) + pickle.dumps({2}) + b"rest"))
assert pickle.load(unbuffered) == [1] and pickle.load(unbuffered) == {2} and unbuffered.read() == b"rest"


# Hooks.
class Persistent(_pickle.Pickler):
    def persistent_id(self, obj):
        return "id" if isinstance(obj, Plain) else None


class Found(_pickle.Unpickler):
    def persistent_load(self, pid):
        return "found " + pid

    def find_class(self, module, name):
        return getattr(__import__(module), name.upper() if name == "lower" else name)


for protocol in range(6):
    stream = io.BytesIO()
    Persistent(stream, protocol).dump([Plain(1), 2])
    stream.seek(0)
    assert Found(stream).load() == ["found id", 2]


class Overriding(_pickle.Pickler):
    def reducer_override(self, obj):
        if isinstance(obj, Plain):
            return str, ("overridden",)
        return NotImplemented


stream = io.BytesIO()
Overriding(stream).dump([Plain(1), len])
assert pickle.loads(stream.getvalue()) == ["overridden", len]

stream = io.BytesIO()
pickler = _pickle.Pickler(stream)
pickler.dispatch_table = {Plain: lambda obj: (list, ((7,),))}
pickler.dump(Plain(1))
assert pickle.loads(stream.getvalue()) == [7]

# Memos.
stream = io.BytesIO()
pickler = _pickle.Pickler(stream)
shared = ["shared"]
pickler.dump(shared)
assert (0, shared) in pickler.memo.copy().values()
pickler.dump(shared)
unpickler = _pickle.Unpickler(io.BytesIO(stream.getvalue()))
first = unpickler.load()
assert unpickler.load() is first and unpickler.memo.copy()[0] is first
pickler.clear_memo()
assert pickler.memo.copy() == {}
for bad, kind in [(None, TypeError), ({"a": 1}, TypeError)]:
    try:
        unpickler.memo = bad
    except kind:
        pass
    else:
        assert False

# Buffers out of band.
buffers = []
owner = bytearray(b"abc")
data = pickle.dumps([pickle.PickleBuffer(owner), pickle.PickleBuffer(b"de")], 5, buffer_callback=buffers.append)
back = pickle.loads(data, buffers=buffers)
assert bytes(back[0]) == b"abc" and bytes(back[1]) == b"de"
assert pickle.loads(pickle.dumps(pickle.PickleBuffer(b"de"), 5)) == b"de"
view = pickle.PickleBuffer(owner)
assert view.raw().tobytes() == b"abc"
view.release()
try:
    memoryview(view)
except ValueError as error:
    assert str(error) == "operation forbidden on released PickleBuffer object"
else:
    assert False


# Errors and their notes.
class Bad:
    def __init__(self, what):
        self.what = what

    def __reduce__(self):
        return self.what


for what, message in [
    ([], "__reduce__ must return a string or tuple, not list"),
    ((1,), "tuple returned by __reduce__ must contain 2 through 6 elements"),
    ((1, ()), "first item of the tuple returned by __reduce__ must be callable, not int"),
    ((len, 1), "second item of the tuple returned by __reduce__ must be a tuple, not int"),
    ((len, (), None, 1), "fourth item of the tuple returned by __reduce__ must be an iterator, not int"),
    ((copyreg.__newobj__, (1,)), "first argument to __newobj__() must be a class, not int"),
]:
    try:
        pickle.dumps(["x", {"k": Bad(what)}])
    except pickle.PicklingError as error:
        assert str(error) == message, error
        assert error.__notes__ == ["when serializing Bad object", "when serializing dict item 'k'", "when serializing list item 1"]
    else:
        assert False
try:
    pickle.dumps(lambda: 0)
except pickle.PicklingError as error:
    assert str(error).startswith("Can't pickle ")
else:
    assert False

# Nothing in the bytes is trusted.
for data, kind, message in [
    (b"", EOFError, "Ran out of input"),
    (b".", pickle.UnpicklingError, "unpickling stack underflow"),
    (b"N(.", pickle.UnpicklingError, "unexpected MARK found"),
    (b"e", pickle.UnpicklingError, "could not find MARK"),
    (b"\xff", pickle.UnpicklingError, "invalid load key, '\\xff'."),
    (b"h\x07.", pickle.UnpicklingError, "Memo value not found at index 7"),
    (b"\x80\x09.", ValueError, "unsupported pickle protocol: 9"),
    (b"X\xff\xff\xff\x7fabc", pickle.UnpicklingError, "pickle data was truncated"),
    (b"\x8b\xff\xff\xff\xff.", pickle.UnpicklingError, "LONG pickle has negative byte count"),
    (b"Pid\n.", pickle.UnpicklingError, None),
    (b"NN\x93.", pickle.UnpicklingError, "STACK_GLOBAL requires str"),
    (b"}(Nu.", pickle.UnpicklingError, "odd number of items for SETITEMS"),
    (b"Npx\n.", ValueError, None),
]:
    try:
        pickle.loads(data)
    except (pickle.UnpicklingError, EOFError, ValueError, AttributeError, MemoryError, OverflowError) as error:
        assert kind is None or type(error) is kind, (data, error)
        assert message is None or str(error) == message, (data, error)
    else:
        assert False, data

# Deep nesting ends in an exception.
deep = []
for _ in range(200_000):
    deep = [deep]
try:
    pickle.dumps(deep)
except RecursionError:
    pass
else:
    assert False
while deep:
    deep = deep[0]


# A pickler that is in use cannot be used.
class Reentrant:
    def __reduce__(self):
        for use in (lambda: pickler.dump(1), lambda: pickler.__init__(stream)):
            try:
                use()
            except RuntimeError as error:
                assert str(error) == "Pickler object is already used"
            else:
                assert False
        return list, ()


stream = io.BytesIO()
pickler = _pickle.Pickler(stream)
pickler.dump(Reentrant())
assert pickle.loads(stream.getvalue()) == []
