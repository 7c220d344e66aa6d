# _random, _bisect, _heapq, _struct, _operator, _statistics, time: results fixed by their algorithms, and errors.
import _operator, bisect, heapq, operator, random, struct, time
from _statistics import _normal_dist_inv_cdf


def raises(exc, message, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except exc as error:
        if message is not None:
            assert str(error) == message, (str(error), message)
        return
    raise AssertionError(f"{function} did not raise {exc}")


r = random.Random(42)
assert r.random() == 0.6394267984578837
r.seed(42)
state = r.getstate()
assert [r.randrange(100) for _ in range(5)] == [81, 14, 3, 94, 35]
r.setstate(state)
assert r.randrange(100) == 81 and random.Random(10**30).random() == 0.9341508484568806 and random.Random(-5).random() == random.Random(5).random()
assert random.Random("abc").random() == random.Random("abc").random() and r.getrandbits(0) == 0 and r.getrandbits(100).bit_length() <= 100
raises(ValueError, "Cannot convert negative int", r.getrandbits, -1)

assert bisect.bisect_left([1, 2, 2, 3], 2) == 1 and bisect.bisect([1, 2, 2, 3], 2) == 3 and bisect.bisect_left([3, 2, 1], -2, key=lambda x: -x) == 1
row = [1, 3]
bisect.insort(row, 2)
assert row == [1, 2, 3]
raises(ValueError, "lo must be non-negative", bisect.bisect, [1], 1, -1)

for data in ([5, 1, 4, 2, 3], [2.5, 0.5, 1.5], ["b", "a", "c"], [(2, "x"), (1, "y")]):
    heap = list(data)
    heapq.heapify(heap)
    assert [heapq.heappop(heap) for _ in data] == sorted(data)
    for item in data:
        heapq.heappush(heap, item)
    assert heap[0] == min(data) and heapq.heapreplace(heap, max(data)) == min(data) and heapq.heappushpop(heap, min(data)) == min(data)
    heapq.heapify_max(heap)
    assert heapq.heappop_max(heap) == max(data)
raises(IndexError, "index out of range", heapq.heappop, [])
raises(TypeError, "heappush() argument 1 must be list, not int", heapq.heappush, 1, 1)

assert struct.pack(">hHiIqQ", -1, 2, -3, 4, -5, 6).hex() == "ffff0002fffffffd00000004fffffffffffffffb0000000000000006"
assert struct.calcsize("bhilq") == 24 and struct.calcsize("=bhilq") == 19 and struct.unpack("<3s?d", struct.pack("<3s?d", b"ab", 1, 0.1)) == (b"ab\0", True, 0.1)
assert struct.unpack(">e", b"\x3c\x00") == (1.0,) and struct.pack("<f", 1.5) == b"\0\0\xc0?" and struct.unpack("4p", b"\2abc") == (b"ab",)
assert list(struct.iter_unpack("<h", b"\1\0\2\0")) == [(1,), (2,)] and struct.Struct("i").size == 4 and struct.unpack_from("<h", b"abc", 1) == (25442,)
raises(struct.error, "'b' format requires -128 <= number <= 127", struct.pack, "b", 200)
raises(struct.error, "unpack requires a buffer of 4 bytes", struct.unpack, "i", b"123")
raises(struct.error, "bad char in struct format", struct.pack, "z", 1)
raises(OverflowError, "float too large to pack with f format", struct.pack, "f", 1e300)
buffer = bytearray(6)
struct.pack_into("<i", buffer, 1, 258)
assert buffer == b"\0\2\1\0\0\0"

assert operator.itemgetter(1, 2)([1, 2, 3]) == (2, 3) and operator.attrgetter("real.imag")(1) == 0 and operator.methodcaller("split", "b")("abc") == ["a", "c"]
assert operator.countOf([1, 2, 1], 1) == 2 and operator.indexOf("abc", "c") == 2 and operator.length_hint([1, 2]) == 2 and operator.call(max, 1, 2) == 2
assert repr(operator.methodcaller("f", 1, x=2)) == "operator.methodcaller('f', 1, x=2)" and _operator._compare_digest(b"a", b"a") and not _operator._compare_digest("a", "b")
assert _normal_dist_inv_cdf(0.1, 1, 2) == -1.5631031310892016 and _normal_dist_inv_cdf(1e-20, 0, 1) == -9.262340089798405

t = time.gmtime(86400.9)
assert t[:6] == (1970, 1, 2, 0, 0, 0) and t.tm_wday == 4 and t.tm_zone == "GMT" and time.strftime("%Y-%m-%d %j", t) == "1970-01-02 002"
assert time.asctime(t) == "Fri Jan  2 00:00:00 1970" and time.mktime(time.localtime(10**9)) == 10**9
before = time.monotonic_ns()
time.sleep(0.01)
assert time.monotonic_ns() - before >= 10_000_000
raises(ValueError, "sleep length must be non-negative", time.sleep, -1)
raises(ValueError, "month out of range", time.strftime, "%Y", (2000, 13, 1, 0, 0, 0, 0, 1, 0))
print("ok")
