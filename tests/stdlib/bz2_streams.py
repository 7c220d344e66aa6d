# bz2: streams in parts, limits, what is left over, damaged data.

import _bz2
import bz2


def raises(kind, function, *args):
    try:
        function(*args)
    except kind as error:
        return str(error)
    raise AssertionError("nothing was raised")


text = b"".join(b"line %d of the text\n" % (i * i % 97) for i in range(3000))

for level in range(1, 10):
    assert bz2.decompress(bz2.compress(text, level)) == text
assert bz2.decompress(bz2.compress(b"")) == b""
packed = bz2.compress(text)
assert packed[:4] == b"BZh9" and len(packed) < len(text) // 5
assert bz2.decompress(packed + bz2.compress(b"more")) == text + b"more"
assert raises(ValueError, bz2.BZ2Compressor, 0) == "compresslevel must be between 1 and 9"
assert raises(TypeError, bz2.BZ2Decompressor, 1) == "BZ2Decompressor() takes no positional arguments"

packer = bz2.BZ2Compressor()
parts = [packer.compress(text[i : i + 1000]) for i in range(0, len(text), 1000)]
parts.append(packer.flush())
assert b"".join(parts) == packed
assert raises(ValueError, packer.compress, b"") == "Compressor has been flushed"
assert raises(ValueError, packer.flush) == "Repeated call to flush()"

reader = bz2.BZ2Decompressor()
assert reader.needs_input
out = reader.decompress(packed + b"abc", 10)
assert out == text[:10] and not reader.needs_input and not reader.eof
while not reader.eof:
    piece = reader.decompress(b"", max_length=777)
    assert len(piece) <= 777
    out += piece
assert out == text and reader.unused_data == b"abc" and not reader.needs_input
assert raises(EOFError, reader.decompress, b"") == "End of stream already reached"

reader = bz2.BZ2Decompressor()
out = b"".join(reader.decompress(packed[i : i + 7]) for i in range(0, len(packed), 7))
assert out == text and reader.eof

for damaged in [b"no bzip2 data", packed[:20] + b"xx" + packed[22:]]:
    assert raises(OSError, bz2.BZ2Decompressor().decompress, damaged) == "Invalid data stream"
assert raises(ValueError, bz2.decompress, packed[:-1]) == (
    "Compressed data ended before the end-of-stream marker was reached")
assert raises(TypeError, type, "x", (_bz2.BZ2Compressor,), {}) == (
    "type '_bz2.BZ2Compressor' is not an acceptable base type")
