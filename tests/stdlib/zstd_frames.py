# compression.zstd: frames in parts, dictionaries, options, damaged data.

import _zstd
from compression import zstd


def raises(kind, function, *args, **names):
    try:
        function(*args, **names)
    except kind as error:
        return str(error)
    raise AssertionError("nothing was raised")


text = b"".join(b"line %d of the text\n" % (i * i % 97) for i in range(3000))
C, D = zstd.ZstdCompressor, zstd.ZstdDecompressor

for level in [-100, -1, 0, 1, 3, 19]:
    assert zstd.decompress(zstd.compress(text, level)) == text
assert zstd.decompress(zstd.compress(b"")) == b""
packed = zstd.compress(text)
assert zstd.decompress(packed + zstd.compress(b"more")) == text + b"more"
assert zstd.get_frame_size(packed + b"xyz") == len(packed)
info = zstd.get_frame_info(packed)
assert (info.decompressed_size, info.dictionary_id) == (len(text), 0)

# ---- in parts ----

packer = C()
assert packer.last_mode == C.FLUSH_FRAME
first = packer.compress(text[:1000], C.FLUSH_BLOCK)
assert D().decompress(first) == text[:1000] and packer.last_mode == C.FLUSH_BLOCK
assert "last_mode == FLUSH_FRAME" in raises(ValueError, packer.set_pledged_input_size, 5)
rest = packer.compress(text[1000:]) + packer.flush()
assert zstd.decompress(first + rest) == text
assert zstd.get_frame_info(first).decompressed_size is None
packer.set_pledged_input_size(3)
assert zstd.get_frame_info(packer.compress(b"abc", C.FLUSH_FRAME)).decompressed_size == 3
packer.set_pledged_input_size(3)
assert "Unable to compress Zstandard data" in raises(
    zstd.ZstdError, lambda: packer.compress(b"abcdef") + packer.flush())
assert zstd.decompress(packer.compress(text, C.FLUSH_FRAME)) == text
assert "mode argument wrong value" in raises(ValueError, packer.compress, b"", 7)
assert "mode argument wrong value" in raises(ValueError, packer.flush, C.CONTINUE)

reader = D()
out = reader.decompress(packed + b"abc", 10)
assert out == text[:10] and not reader.needs_input and not reader.eof
while not reader.eof:
    piece = reader.decompress(b"", max_length=777)
    assert len(piece) <= 777
    out += piece
assert out == text and reader.unused_data == b"abc" and not reader.needs_input
assert raises(EOFError, reader.decompress, b"") == "Already at the end of a Zstandard frame."
reader = D()
out = b"".join(reader.decompress(bytes([byte])) for byte in packed)
assert out == text and reader.eof

# ---- dictionaries ----

samples = [b"sample %d of the text, number %d" % (i, i * i % 97) for i in range(2000)]
trained = zstd.train_dict(samples, 3000)
assert trained.dict_id != 0 and len(trained) == len(trained.dict_content) <= 3000
raw = zstd.ZstdDict(b"the content of a dictionary " * 4, is_raw=True)
assert raw.dict_id == 0 and repr(raw) == "<ZstdDict dict_id=0 dict_size=112>"
finished = zstd.finalize_dict(raw, samples, 3000, 3)
assert finished.dict_id != 0
for dictionary in [trained, finished, raw]:
    for way in [dictionary, dictionary.as_digested_dict, dictionary.as_undigested_dict, dictionary.as_prefix]:
        small = zstd.compress(samples[7], zstd_dict=way)
        assert zstd.decompress(small, zstd_dict=way) == samples[7]
small = zstd.compress(samples[7], zstd_dict=trained)
assert zstd.get_frame_info(small).dictionary_id == trained.dict_id
assert raises(zstd.ZstdError, zstd.decompress, small) == "Unable to decompress Zstandard data: Dictionary mismatch"
assert raises(ValueError, zstd.ZstdDict, b"12345678") == "invalid Zstandard dictionary"
assert raises(TypeError, C, zstd_dict=(trained, 5)) == "zstd_dict argument should be a ZstdDict object."
assert raises(ValueError, _zstd.train_dict, b"abc", (1,), 10) == (
    "The samples size tuple doesn't match the concatenation's size.")

# ---- options ----

P = zstd.CompressionParameter
options = {P.compression_level: 10, P.checksum_flag: 1, P.window_log: 15}
assert zstd.decompress(zstd.compress(text, options=options)) == text
assert zstd.decompress(packed, options={zstd.DecompressionParameter.window_log_max: 27}) == text
assert P.window_log.bounds() == (10, 31)
assert raises(ValueError, C, options={P.window_log: 9}) == (
    "compression parameter 'window_log' received an illegal value 9; the valid range is [10, 31]")
assert raises(ValueError, C, options={999: 1}) == "invalid compression parameter 'unknown parameter (key 999)'"
assert "must not be a DecompressionParameter" in raises(
    TypeError, C, options={zstd.DecompressionParameter.window_log_max: 20})
assert raises(ValueError, C, 1000) == "illegal compression level 1000; the valid range is [-131072, 22]"
assert raises(TypeError, C, 1, {}) == "Only one of level or options should be used."

# ---- damaged data ----

damaged = D()
for _ in range(2):
    assert raises(zstd.ZstdError, damaged.decompress, b"no zstd data") == (
        "Unable to decompress Zstandard data: Unknown frame descriptor")
assert "Src size is incorrect" in raises(zstd.ZstdError, zstd.get_frame_size, packed[:-1])
