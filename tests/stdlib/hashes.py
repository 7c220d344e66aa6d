# The hash modules: known digests, the objects' common behaviour, keyed hashes, keys from passwords.

import _blake2
import _hashlib
import _hmac
import _md5
import _sha1
import _sha2
import _sha3
import hashlib
import hmac


def raises(kind, function, *args, **names):
    try:
        function(*args, **names)
    except kind as error:
        return str(error)
    raise AssertionError("nothing was raised")


# ---- digests ----

known = {
    "md5": "900150983cd24fb0d6963f7d28e17f72",
    "sha1": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "sha224": "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
    "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha3_256": "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
}
makers = {
    "md5": [_md5.md5, _hashlib.openssl_md5],
    "sha1": [_sha1.sha1, _hashlib.openssl_sha1],
    "sha224": [_sha2.sha224, _hashlib.openssl_sha224],
    "sha256": [_sha2.sha256, _hashlib.openssl_sha256],
    "sha3_256": [_sha3.sha3_256, _hashlib.openssl_sha3_256],
}
for name, digest in known.items():
    for make in makers[name]:
        whole = make(b"abc")
        assert whole.hexdigest() == digest
        assert whole.digest().hex() == digest
        assert whole.name == name
        assert whole.digest_size == len(digest) // 2
        parts = make()
        for part in [b"a", bytearray(b"b"), memoryview(b"c")]:
            assert parts.update(part) is None
        other = parts.copy()
        other.update(b"more")
        assert parts.digest() == whole.digest() != other.digest()
        assert make(string=b"abc").digest() == make(data=b"abc").digest() == whole.digest()
        assert raises(TypeError, make, "abc") == "Strings must be encoded before hashing"
        assert raises(TypeError, make, 1) == "object supporting the buffer API required"
        assert "mutually exclusive" in raises(TypeError, make, b"", string=b"")

assert raises(TypeError, _md5.MD5Type) == "cannot create '_md5.md5' instances"
assert raises(TypeError, _hashlib.HASH) == "cannot create '_hashlib.HASH' instances"
assert issubclass(_hashlib.HASHXOF, _hashlib.HASH)
assert repr(_hashlib.openssl_md5()).startswith("<md5 _hashlib.HASH object @ 0x")

shake = _sha3.shake_128(b"abc")
assert shake.digest_size == 0
assert shake.hexdigest(8) == "5881092dd818bf5c"
assert shake.digest(300).hex()[:16] == shake.hexdigest(8)
assert raises(ValueError, shake.digest, -1) == "Cannot convert negative int"
assert raises(ValueError, shake.digest, 1 << 29) == "length is too large"
assert _hashlib.openssl_shake_128(b"abc").digest(8) == shake.digest(8)
try:
    _hashlib.openssl_shake_128().digest(1 << 62)
except MemoryError:
    pass
assert (shake._rate_bits, shake._capacity_bits, shake._suffix) == (1344, 256, b"\x1f")

# ---- blake2 ----

b = _blake2.blake2b
assert b(b"abc").hexdigest().startswith("ba80a53f981c4d0d6a2797b69f12f6e9")
assert _blake2.blake2s(b"abc").hexdigest().startswith("508c5e8c327c14e2e1a72ba34eeb452f")
assert b(digest_size=20).digest_size == 20 == len(b(digest_size=20).digest())
assert b(b"abc", key=b"k").digest() != b(b"abc").digest()
assert b(b"abc", salt=b"s").digest() != b(b"abc", person=b"s").digest()
assert raises(ValueError, b, key=b"k" * 65) == "maximum key length is 64 bytes"
assert raises(ValueError, b, depth=0) == "depth must be between 1 and 255"
assert raises(OverflowError, b, leaf_size=1 << 32) == "leaf_size is too large"
assert (b.SALT_SIZE, b.PERSON_SIZE, b.MAX_KEY_SIZE, b.MAX_DIGEST_SIZE) == (16, 16, 64, 64)

# ---- by name ----

assert hashlib.new("SHA256").name == "sha256"
assert raises(ValueError, hashlib.new, "no such hash") == "unsupported hash type no such hash"
assert raises(ValueError, _hashlib.new, "a\0b") == "embedded null character"
assert raises(TypeError, _hashlib.new, 1) == "new() argument 'name' must be str, not int"
assert hashlib.algorithms_guaranteed <= hashlib.algorithms_available
for name in hashlib.algorithms_available:
    hashlib.new(name, b"data")

# ---- keyed ----

digest = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
message = b"The quick brown fox jumps over the lazy dog"
for keyed in [
    _hmac.new(b"key", message, "sha256"),
    _hmac.new(b"key", message, "SHA256"),
    _hashlib.hmac_new(b"key", message, "sha256"),
    _hashlib.hmac_new(b"key", message, _hashlib.openssl_sha256),
    hmac.new(b"key", message, "sha256"),
]:
    assert keyed.hexdigest() == digest
    assert keyed.name == "hmac-sha256"
    assert (keyed.digest_size, keyed.block_size) == (32, 64)
    other = keyed.copy()
    other.update(b"more")
    assert keyed.digest().hex() == digest != other.digest().hex()
assert _hmac.compute_sha256(b"key", message).hex() == digest
assert _hashlib.hmac_digest(b"key", message, "sha256").hex() == digest
long_key = b"k" * 200
assert _hmac.compute_md5(long_key, b"") == _hmac.compute_md5(_md5.md5(long_key).digest(), b"")
assert raises(_hmac.UnknownHashError, _hmac.new, b"", b"", "x") == "unsupported hash type: 'x'"
assert raises(_hashlib.UnsupportedDigestmodError, _hashlib.hmac_new, b"", b"", 1) == "Unsupported digestmod 1"
assert raises(TypeError, _hashlib.hmac_new, b"") == "Missing required parameter 'digestmod'."

assert _hashlib.compare_digest(b"ab", bytearray(b"ab"))
assert not _hashlib.compare_digest("ab", "ac")
assert raises(TypeError, hmac.compare_digest, "a", b"a") == "a bytes-like object is required, not 'str'"

# ---- keys from passwords ----

assert hashlib.pbkdf2_hmac("sha1", b"password", b"salt", 1).hex() == "0c60c80f961f0e71f3a9b524af6012062fe037a6"
assert hashlib.pbkdf2_hmac("sha1", b"password", b"salt", 2, 50)[:20].hex() == "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"
by_name = hashlib.pbkdf2_hmac("blake2s", b"password", b"salt", 3, 40)
assert len(by_name) == 40
keyed = hmac.new(b"password", b"salt\0\0\0\1", "blake2s").digest()
assert hashlib.pbkdf2_hmac("blake2s", b"password", b"salt", 1) == keyed
assert raises(ValueError, hashlib.pbkdf2_hmac, "md5", b"", b"", 0) == "iteration value must be greater than 0."
assert raises(OverflowError, hashlib.pbkdf2_hmac, "md5", b"", b"", 1 << 32) == "iteration value is too great."

assert hashlib.scrypt(b"", salt=b"", n=16, r=1, p=1).hex().startswith("77d6576238657b203b19ca42c18a0497")
assert raises(ValueError, hashlib.scrypt, b"", salt=b"", n=3, r=1, p=1) == "n must be a power of 2."
assert "memory limit exceeded" in raises(ValueError, hashlib.scrypt, b"", salt=b"", n=1 << 20, r=8, p=1)
