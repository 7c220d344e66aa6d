"""Files: buffers, text, memory files, and the buffer protocol in Python."""

import io
import os
import tempfile
import warnings
from collections.abc import Buffer

# ---- text positions ----

text = "aé\r\nbc\rd\n\nxyz€"
for encoding in ("utf-8", "latin-1", "utf-16", "utf-8-sig", "utf-7"):
    data = text.replace("€", "ü").encode(encoding)
    for newline in (None, "", "\n", "\r", "\r\n"):
        for chunk in (1, 3, 8192):
            stream = io.TextIOWrapper(io.BytesIO(data), encoding, newline=newline)
            stream._CHUNK_SIZE = chunk
            whole = stream.read()
            stream.seek(0)
            places = []
            while True:
                places.append(stream.tell())
                if not stream.read(1):
                    break
            for at, place in enumerate(places):
                stream.seek(place)
                assert stream.read() == whole[at:], (encoding, newline, chunk, at)
            stream.seek(0)
            assert "".join(stream) == whole

stream = io.TextIOWrapper(io.BytesIO(b"a\r\nb\rc\n"), "ascii")
assert stream.read() == "a\nb\nc\n"
assert stream.newlines == ("\r", "\n", "\r\n")

out = io.BytesIO()
stream = io.TextIOWrapper(out, "utf-8-sig", newline="\r\n")
stream.write("a\n")
stream.flush()
assert out.getvalue() == b"\xef\xbb\xbfa\r\n"
stream.seek(0)
stream.write("b")
stream.flush()
assert out.getvalue() == b"\xef\xbb\xbfb\r\n"

try:
    io.TextIOWrapper(io.BytesIO(), "\udcfe")
except UnicodeEncodeError:
    pass
else:
    raise AssertionError
try:
    io.TextIOWrapper(io.BytesIO(), "hex")
except LookupError as e:
    assert "not a text encoding" in str(e)
else:
    raise AssertionError

# ---- buffers ----


class Raw(io.RawIOBase):
    def __init__(self, parts):
        self.parts = list(parts)
        self.asked = 0

    def readable(self):
        return True

    def readinto(self, target):
        self.asked += 1
        if not self.parts:
            return 0
        part = self.parts.pop(0)
        if part is None:
            return None
        target[: len(part)] = part
        return len(part)


reader = io.BufferedReader(Raw([b"ab\ncd", b"\nef", None, b"g"]))
assert reader.readline() == b"ab\n"
assert reader.peek() == b"cd"
assert reader.readline() == b"cd\n"
assert reader.read(10) == b"ef"
assert reader.read(10) == b"g"
assert reader.read() == b""

reader = None


class Again(io.RawIOBase):
    def readable(self):
        return True

    def readinto(self, target):
        return reader.read(1)


reader = io.BufferedReader(Again())
try:
    reader.read(1)
except RuntimeError as e:
    assert str(e).startswith("reentrant call inside <_io.BufferedReader"), e
else:
    raise AssertionError


class Bad(io.RawIOBase):
    def readable(self):
        return True

    def readinto(self, target):
        return b""


try:
    io.BufferedReader(Bad()).read(1)
except OSError as e:
    assert str(e) == "raw readinto() failed"
    assert isinstance(e.__cause__, TypeError)
else:
    raise AssertionError


class Failing(io.RawIOBase):
    failing = True

    def writable(self):
        return True

    def close(self):
        if self.failing:
            raise OSError("close")
        super().close()


def bad_flush():
    raise OSError("flush")


raw = Failing()
stream = io.BufferedWriter(raw)
stream.flush = bad_flush
try:
    stream.close()
except OSError as e:
    assert e.args == ("close",) and e.__context__.args == ("flush",)
else:
    raise AssertionError
raw.failing = False
stream.flush = lambda: None
stream.close()

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "file")
    with open(path, "w+b") as file:
        file.write(b"0123456789")
        file.seek(2)
        assert file.read(3) == b"234"
        file.write(b"xy")
        assert file.tell() == 7
        file.seek(-1, 1)
        assert file.read() == b"y789"
        file.seek(0)
        assert file.read() == b"01234xy789"
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        file = open(path)
        name = repr(file)
        del file
    assert [str(w.message) for w in seen] == ["unclosed file " + name]
    fd = os.open(path, os.O_RDONLY)
    os.close(fd)
    try:
        open("x", opener=lambda *_: fd)
    except OSError:
        pass
    else:
        raise AssertionError

# ---- memory that is lent ----

memory = io.BytesIO(b"abcd")
with memory.getbuffer() as view:
    view[1:3] = b"XY"
    for change in (lambda: memory.write(b"1"), memory.close, memory.truncate, memory.__init__):
        try:
            change()
        except BufferError:
            pass
        else:
            raise AssertionError
assert memory.getvalue() == b"aXYd"
memory.close()

# ---- the buffer protocol in Python ----


class Lender:
    def __init__(self):
        self.data = bytearray(b"hello")
        self.log = []

    def __buffer__(self, flags):
        self.log.append("lent")
        return memoryview(self.data)

    def __release_buffer__(self, view):
        self.log.append("back")
        view.release()


lender = Lender()
with memoryview(lender) as view:
    assert bytes(view) == b"hello"
    assert lender.log == ["lent"]
assert lender.log == ["lent", "back"]
lender.data.clear()


class Watched(bytearray):
    kept = None

    def __release_buffer__(self, view):
        try:
            view.cast("b")
        except ValueError as e:
            assert "restricted" in str(e)
        else:
            raise AssertionError
        self.kept = view
        super().__release_buffer__(view)


watched = Watched(b"abc")
with memoryview(watched) as view:
    assert bytes(view) == b"abc"
watched.clear()
try:
    watched.kept.tobytes()
except ValueError:
    pass
else:
    raise AssertionError
assert isinstance(b"", Buffer) and isinstance(lender, Buffer) and not isinstance("", Buffer)

# what open() has made is closed if the next layer fails; the words about newline
import io
import os
import tempfile
import warnings

with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    path = os.path.join(folder, "file")
    for arguments in ({"newline": "x"}, {"encoding": "nowhere"}, {"buffering": 0}, {"newline": 3}):
        try:
            open(path, "w", **arguments)
        except (ValueError, LookupError, TypeError):
            pass
        else:
            raise AssertionError(arguments)
assert not caught, caught[0].message
for make, words in (
    (lambda: open("/dev/null", newline="x"), "illegal newline value: x"),
    (lambda: open("/dev/null", newline=3), "open() argument 'newline' must be str or None, not int"),
    (lambda: io.TextIOWrapper(io.BytesIO(), newline=3), "TextIOWrapper() argument 'newline' must be str or None, not int"),
    (lambda: io.TextIOWrapper(io.BytesIO()).reconfigure(newline="x"), "illegal newline value: x"),
    (lambda: io.StringIO(newline="x"), "illegal newline value: 'x'"),
):
    try:
        make()
    except (ValueError, TypeError) as error:
        assert str(error) == words, error
    else:
        raise AssertionError(words)
