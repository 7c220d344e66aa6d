# zlib: containers, limits, what is left over, copies, dictionaries, damaged data; and the checksums.

import copy
import zlib


def raises(kind, function, *args, **names):
    try:
        function(*args, **names)
    except kind as error:
        return str(error)
    raise AssertionError("nothing was raised")


text = b"".join(b"line %d of the text\n" % (i * i % 97) for i in range(3000))

# ---- whole data ----

for wbits in [15, 9, 31, -15, -9]:
    for level in range(-1, 10):
        packed = zlib.compress(text, level, wbits=wbits)
        assert zlib.decompress(packed, wbits=wbits) == text
        assert level == 0 or len(packed) < len(text) // 2
assert zlib.decompress(zlib.compress(text, wbits=31), wbits=47) == text
assert zlib.decompress(zlib.compress(b"")) == b""
packed = zlib.compress(text)
assert zlib.decompress(packed + b"more", bufsize=0) == text
assert raises(zlib.error, zlib.compress, b"", 10) == "Bad compression level"
assert raises(zlib.error, zlib.decompress, packed[:-1]) == (
    "Error -5 while decompressing data: incomplete or truncated stream")
assert raises(zlib.error, zlib.decompress, b"abc") == (
    "Error -3 while decompressing data: incorrect header check")
assert raises(ValueError, zlib.decompress, packed, bufsize=-1) == "bufsize must be non-negative"
try:
    zlib.decompress(packed, bufsize=1 << 62)
except MemoryError:
    pass

# ---- in parts ----

packer = zlib.compressobj(9)
parts = [packer.compress(text[i : i + 100]) for i in range(0, 1000, 100)]
parts.append(packer.flush(zlib.Z_SYNC_FLUSH))
assert zlib.decompressobj().decompress(b"".join(parts)) == text[:1000]
other = packer.copy()
third = copy.deepcopy(packer)
ends = [p.compress(tail) + p.flush() for p, tail in [(packer, b"one"), (other, b"two"), (third, b"")]]
for end, tail in zip(ends, [b"one", b"two", b""]):
    assert zlib.decompress(b"".join(parts) + end) == text[:1000] + tail
assert "inconsistent stream state" in raises(zlib.error, packer.flush)
assert raises(ValueError, packer.copy) == "Inconsistent stream state"
assert raises(ValueError, zlib.compressobj, 1, 8, 15, 10) == "Invalid initialization option"

unpacker = zlib.decompressobj()
assert unpacker.decompress(packed, 10) == text[:10]
assert unpacker.unconsumed_tail and not unpacker.unused_data and not unpacker.eof
twin = unpacker.copy()
out = text[:10]
while unpacker.unconsumed_tail:
    piece = unpacker.decompress(unpacker.unconsumed_tail, 777)
    assert len(piece) <= 777
    out += piece
assert out + unpacker.flush() == text and unpacker.eof
assert text[:10] + twin.flush() == text and twin.eof
assert twin.flush() == b""

unpacker = zlib.decompressobj()
assert unpacker.decompress(packed + b"abc") == text
assert unpacker.eof and unpacker.unused_data == b"abc"
assert unpacker.decompress(b"def") == b"" and unpacker.unused_data == b"abcdef"
assert raises(ValueError, unpacker.flush, 0) == "length must be greater than zero"
assert raises(ValueError, unpacker.decompress, b"", -1) == "max_length must be non-negative"

damaged = zlib.decompressobj()
for _ in range(2):
    assert raises(zlib.error, damaged.decompress, b"no zlib data") == (
        "Error -3 while decompressing data: incorrect header check")

# ---- dictionaries ----

hints = b"the text of the line"
packer = zlib.compressobj(zdict=hints)
small = packer.compress(b"the line of the text") + packer.flush()
assert zlib.decompressobj(zdict=bytearray(hints)).decompress(small) == b"the line of the text"
assert "Error 2 while decompressing data" in raises(zlib.error, zlib.decompressobj().decompress, small)
assert raises(zlib.error, zlib.decompressobj(zdict=b"x").decompress, small) == (
    "Error -3 while setting zdict: invalid input data")
assert raises(TypeError, zlib.decompressobj, zdict="x") == "zdict argument must support the buffer protocol"
assert raises(ValueError, zlib.compressobj, wbits=31, zdict=b"x") == "Invalid dictionary"

# ---- the decompressor of gzip ----

reader = zlib._ZlibDecompressor()
out = reader.decompress(packed + b"abc", 10)
assert out == text[:10] and not reader.needs_input and not reader.eof
while not reader.eof:
    out += reader.decompress(b"", 1000)
assert out == text and reader.unused_data == b"abc" and not reader.needs_input
assert raises(EOFError, reader.decompress, b"") == "End of stream already reached"
reader = zlib._ZlibDecompressor(wbits=31)
out = b"".join(reader.decompress(bytes([byte])) for byte in zlib.compress(text, wbits=31))
assert out == text and reader.eof
assert raises(ValueError, zlib._ZlibDecompressor, 99) == "Invalid initialization option"

# ---- checksums ----

assert zlib.crc32(b"123456789") == 0xCBF43926
assert zlib.crc32(b"6789", zlib.crc32(b"12345")) == 0xCBF43926
assert zlib.adler32(b"Wikipedia") == 0x11E60398
assert zlib.adler32(b"pedia", zlib.adler32(b"Wiki")) == 0x11E60398
assert zlib.crc32(b"a", -1) == zlib.crc32(b"a", (1 << 70) - 1) == 3310005809
assert raises(TypeError, zlib.crc32, "a") == "a bytes-like object is required, not 'str'"
