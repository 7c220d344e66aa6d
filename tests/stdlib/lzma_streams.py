# lzma: containers, filters, limits, what is left over, damaged data.

import _lzma
import lzma


def raises(kind, function, *args, **names):
    try:
        function(*args, **names)
    except kind as error:
        return str(error)
    raise AssertionError("nothing was raised")


text = b"".join(b"line %d of the text\n" % (i * i % 97) for i in range(3000))
lzma2 = {"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 1 << 16}
raw = [{"id": lzma.FILTER_DELTA, "dist": 4}, lzma2]

# ---- whole data ----

for check in [lzma.CHECK_NONE, lzma.CHECK_CRC32, lzma.CHECK_CRC64, lzma.CHECK_SHA256]:
    assert lzma.is_check_supported(check)
    packed = lzma.compress(text, check=check, preset=0)
    reader = lzma.LZMADecompressor()
    assert reader.check == lzma.CHECK_UNKNOWN
    assert reader.decompress(packed) == text and reader.check == check
assert not lzma.is_check_supported(99)
assert lzma.decompress(lzma.compress(text, format=lzma.FORMAT_ALONE)) == text
assert lzma.decompress(lzma.compress(text, filters=raw)) == text
packed = lzma.compress(text, format=lzma.FORMAT_RAW, filters=raw)
assert lzma.decompress(packed, format=lzma.FORMAT_RAW, filters=raw) == text
assert lzma.decompress(lzma.compress(b"")) == b""
packed = lzma.compress(text)
assert lzma.decompress(packed + lzma.compress(b"more")) == text + b"more"

# ---- in parts ----

packer = lzma.LZMACompressor()
parts = [packer.compress(text[i : i + 1000]) for i in range(0, len(text), 1000)]
parts.append(packer.flush())
assert lzma.decompress(b"".join(parts)) == text
assert raises(ValueError, packer.compress, b"") == "Compressor has been flushed"
assert raises(ValueError, packer.flush) == "Repeated call to flush()"

reader = lzma.LZMADecompressor()
out = reader.decompress(packed + b"abc", 10)
assert out == text[:10] and not reader.needs_input and not reader.eof
while not reader.eof:
    piece = reader.decompress(b"", max_length=777)
    assert len(piece) <= 777
    out += piece
assert out == text and reader.unused_data == b"abc" and not reader.needs_input
assert raises(EOFError, reader.decompress, b"") == "Already at end of stream"
reader = lzma.LZMADecompressor()
out = b"".join(reader.decompress(bytes([byte])) for byte in packed)
assert out == text and reader.eof

# ---- refusals ----

L, D = lzma.LZMACompressor, lzma.LZMADecompressor
assert raises(lzma.LZMAError, D().decompress, b"no xz data at all") == "Input format not supported by decoder"
assert raises(lzma.LZMAError, D().decompress, packed[:40] + b"xx" + packed[42:]) == "Corrupt input data"
assert raises(lzma.LZMAError, D(memlimit=10).decompress, packed) == "Memory usage limit exceeded"
assert raises(ValueError, L, 99) == "Invalid container format: 99"
assert raises(ValueError, L, preset=1, filters=[]) == "Cannot specify both preset and filter chain"
assert raises(ValueError, L, lzma.FORMAT_RAW) == "Must specify filters for FORMAT_RAW"
assert raises(ValueError, L, lzma.FORMAT_ALONE, check=1) == "Integrity checks are only supported by FORMAT_XZ"
assert raises(lzma.LZMAError, L, preset=10) == "Invalid or unsupported options"
assert raises(ValueError, D, lzma.FORMAT_RAW, memlimit=1) == "Cannot specify memory limit with FORMAT_RAW"
assert raises(ValueError, D, filters=raw) == "Cannot specify filters except with FORMAT_RAW"
for filters, kind, message in [
    ([1], TypeError, "Filter specifier must be a dict or dict-like object"),
    ([{}], ValueError, 'Filter specifier must have an "id" entry'),
    ([{"id": 99}], ValueError, "Invalid filter ID: 99"),
    ([{"id": lzma.FILTER_LZMA2, "x": 1}], ValueError, "Invalid filter specifier for LZMA filter"),
    ([{"id": lzma.FILTER_LZMA2, "preset": 99}], lzma.LZMAError, "Invalid compression preset: 99"),
    ([{"id": lzma.FILTER_DELTA, "x": 1}], ValueError, "Invalid filter specifier for delta filter"),
    ([{"id": lzma.FILTER_X86, "start_offset": -1}], ValueError, "Invalid filter specifier for BCJ filter"),
    ([lzma2] * 5, ValueError, "Too many filters - liblzma supports a maximum of 4"),
    ([], lzma.LZMAError, "Internal error"),
]:
    assert raises(kind, L, filters=filters) == message

# ---- settings as containers store them ----

encode, decode = _lzma._encode_filter_properties, _lzma._decode_filter_properties
assert encode(lzma2) == b"\x08"
assert decode(lzma.FILTER_LZMA2, b"\x08") == {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}
assert decode(lzma.FILTER_LZMA1, b"]\0\0\1\0") == {
    "id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, "lc": 3, "lp": 0, "pb": 2}
assert encode({"id": lzma.FILTER_DELTA, "dist": 7}) == b"\x06"
assert decode(lzma.FILTER_DELTA, b"\1") == {"id": lzma.FILTER_DELTA, "dist": 2}
assert decode(lzma.FILTER_X86, b"") == {"id": lzma.FILTER_X86}
assert raises(lzma.LZMAError, decode, lzma.FILTER_DELTA, b"") == "Invalid or unsupported options"
