# mmap: anonymous memory and files as sequences, buffers and files.
import mmap
import tempfile


def raises(kind, call, *args, text=None, **kwargs):
    try:
        call(*args, **kwargs)
    except kind as error:
        if text is not None:
            assert str(error) == text, str(error)
        return error
    raise AssertionError(f"{kind.__name__} not raised")


# ---- sequence ----
m = mmap.mmap(-1, 10)
assert len(m) == 10 and m[0] == 0 and m[2:4] == b"\0\0" and m[-1] == 0
assert repr(m) == "<mmap.mmap closed=False, access=ACCESS_DEFAULT, length=10, pos=0, offset=0>"
m[0] = 65
m[1:3] = b"BC"
m[9:6:-1] = b"xyz"
assert m[:] == b"ABC\0\0\0\0zyx" and m[::3] == b"A\0\0x"
assert list(m)[:2] == [b"A", b"B"] and b"z" in m
raises(IndexError, lambda: m[10], text="mmap index out of range")
raises(TypeError, lambda: m["a"], text="mmap indices must be integers")
raises(ValueError, m.__setitem__, 0, 300, text="mmap item value must be in range(0, 256)")
raises(TypeError, m.__setitem__, 0, b"a", text="mmap item value must be an int")
raises(IndexError, m.__setitem__, slice(0, 2), b"abc", text="mmap slice assignment is wrong size")
raises(TypeError, m.__delitem__, 0, text="mmap doesn't support item deletion")
m[1:6] = memoryview(m)[0:5]
assert m[:] == b"AABC\0\0\0zyx"
m[0:3] = b"zyx"
m[3:6] = bytes(3)
assert m[:] == b"zyx\0\0\0\0zyx", m[:]

# ---- file ----
assert m.tell() == 0 and m.read(3) == b"zyx" and m.tell() == 3
assert m.write(b"line\n") == 5 and m.seek(0) == 0 and m.readline() == b"zyxline\n"
assert m.read() == b"yx" and m.read(-1) == b"" and m.readline() == b""
raises(ValueError, m.read_byte, text="read byte out of range")
raises(ValueError, m.write_byte, 1, text="write byte out of range")
raises(ValueError, m.write, b"x", text="data out of range")
assert m.seek(-3, 2) == 7 and m.seek(1, 1) == 8 and m.read_byte() == ord("y")
raises(ValueError, m.seek, 11, text="seek out of range")
raises(ValueError, m.seek, 0, 5, text="unknown seek type")
raises(OverflowError, m.write_byte, 300, text="unsigned byte integer is greater than maximum")
m.seek(0)
assert m.find(b"line") == 3 and m.rfind(b"y") == 8 and m.find(b"y", 2, 8) == -1 and m.find(b"") == 0
m.seek(4)
assert m.find(b"zyx") == -1 and m.find(b"zyx", 0) == 0 and m.find(b"x", -1) == 9
m.move(0, 3, 4)
assert m[:] == b"lineine\nyx"
raises(ValueError, m.move, 0, 5, 6, text="source, destination, or count out of range")
raises(ValueError, m.move, -1, 0, 1)
m.flush()
raises(ValueError, m.flush, -1, 5, text="flush values out of range")
raises(ValueError, m.resize, 20, text="mmap: can't expand a shared anonymous mapping")

# ---- buffers ----
view = memoryview(m)
assert not view.readonly and view.format == "B"
raises(BufferError, m.close, text="cannot close exported pointers exist")
raises(BufferError, m.resize, 5, text="mmap can't resize with extant buffers exported.")
view[0] = 1
assert m[0] == 1
view.release()
with m:
    pass
assert m.closed and repr(m) == "<mmap.mmap closed=True>"
for call in (m.read, m.tell, m.size, m.__enter__, m.__len__):
    raises(ValueError, call, text="mmap closed or invalid")
m.close()

# ---- files behind it ----
with tempfile.TemporaryFile() as file:
    raises(ValueError, mmap.mmap, file.fileno(), 0, text="cannot mmap an empty file")
    file.write(b"0123456789")
    file.flush()
    raises(ValueError, mmap.mmap, file.fileno(), 11, text="mmap length is greater than file size")
    with mmap.mmap(file.fileno(), 0) as m:
        assert len(m) == m.size() == 10
        m[3] = ord("x")
        m.resize(20)
        assert m[:] == b"012x456789" + bytes(10) and m.size() == 20
        raises(ValueError, m.resize, -1, text="new size out of range")
    file.seek(0)
    assert file.read() == b"012x456789" + bytes(10)
    with mmap.mmap(file.fileno(), 5, access=mmap.ACCESS_COPY) as m:
        m[0:2] = b"??"
        raises(TypeError, m.resize, 3, text="mmap can't resize a readonly or copy-on-write memory map.")
    with mmap.mmap(file.fileno(), 5, access=mmap.ACCESS_READ) as m:
        assert m[:] == b"012x4"
        for call in (lambda: m.write(b"a"), lambda: m.write_byte(1), lambda: m.move(0, 1, 1), lambda: m.__setitem__(0, 1)):
            raises(TypeError, call, text="mmap can't modify a readonly memory map.")
        with memoryview(m) as view:
            assert view.readonly
    with mmap.mmap(file.fileno(), 5, trackfd=False) as m:
        raises(OSError, m.size)
        raises(ValueError, m.resize, 3, text="mmap can't resize with trackfd=False.")
raises(OverflowError, mmap.mmap, -1, -1, text="memory mapped length must be positive")
raises(OverflowError, mmap.mmap, -1, 1, offset=-1, text="memory mapped offset must be positive")
raises(ValueError, mmap.mmap, -1, 1, access=9, text="mmap invalid access parameter.")
raises(ValueError, mmap.mmap, -1, 1, flags=mmap.MAP_PRIVATE, access=1,
       text="mmap can't specify both access and flags, prot.")
raises(OSError, mmap.mmap, -1, 0)


# ---- programs that close or shrink it from inside ----
class Closes:
    def __init__(self, m):
        self.m = m

    def __index__(self):
        self.m.close()
        return 0


for use in (lambda m, i: m[i], lambda m, i: m[i:], lambda m, i: m.seek(i), lambda m, i: m.read(i),
            lambda m, i: m.find(b"", i), lambda m, i: m.move(0, i, 1), lambda m, i: m.write_byte(i),
            lambda m, i: m.__setitem__(i, 1), lambda m, i: m.__setitem__(0, i), lambda m, i: m.flush(i)):
    m = mmap.mmap(-1, 10)
    raises(ValueError, use, m, Closes(m))
m = mmap.mmap(-1, 10)
it = iter(m)
next(it)
m.close()
raises(ValueError, next, it)
