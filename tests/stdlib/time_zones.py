# Time zones from made-up files: transitions, the rule behind them, folds, caches, pickling.
import io
import pickle
import struct
from datetime import datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo


def file(transitions, kinds, names, rule):
    """A file of version 2: transitions as (time, kind), kinds as (offset, is dst, place of the name)."""
    old = b"TZif2" + bytes(15) + struct.pack(">6l", 0, 0, 0, 0, 1, 4) + struct.pack(">lbb", 0, 0, 0) + b"UTC\0"
    counts = struct.pack(">6l", 0, 0, 0, len(transitions), len(kinds), len(names))
    new = b"TZif2" + bytes(15) + counts
    new += b"".join(struct.pack(">q", when) for when, _ in transitions)
    new += bytes(kind for _, kind in transitions)
    new += b"".join(struct.pack(">lbb", *kind) for kind in kinds)
    return io.BytesIO(old + new + names + b"\n" + rule + b"\n")


def seconds(*when):
    return int(datetime(*when, tzinfo=timezone.utc).timestamp())


HOUR = timedelta(hours=1)
NAMES = b"LMT\0XST\0XDT\0"
KINDS = [(600, 0, 0), (3600, 0, 4), (7200, 1, 8)]
TIMES = [(seconds(1900, 1, 1), 1), (seconds(1980, 4, 1), 2), (seconds(1980, 10, 1), 1), (seconds(1985, 1, 1), 1)]
zone = ZoneInfo.from_file(file(TIMES, KINDS, NAMES, b"XST-1XDT,M3.5.0,M10.5.0/3"), key="Made/Up")
assert zone.key == str(zone) == "Made/Up" and "Made/Up" in repr(zone)


def at(*when, fold=0):
    when = datetime(*when, tzinfo=zone, fold=fold)
    return when.utcoffset(), when.dst(), when.tzname()


STANDARD = (HOUR, timedelta(0), "XST")
SUMMER = (2 * HOUR, HOUR, "XDT")
assert at(1850, 1, 1) == (timedelta(minutes=10), timedelta(0), "LMT")
assert at(1950, 7, 1) == STANDARD
assert at(1980, 7, 1) == SUMMER
assert at(1980, 10, 1, 1, 30) == SUMMER and at(1980, 10, 1, 1, 30, fold=1) == STANDARD
assert at(2024, 1, 1) == STANDARD and at(2024, 7, 1) == SUMMER
assert at(2024, 3, 31, 1, 59) == STANDARD and at(2024, 3, 31, 3) == SUMMER
assert at(2024, 10, 27, 2, 30) == SUMMER and at(2024, 10, 27, 2, 30, fold=1) == STANDARD
utc = datetime(2024, 10, 27, 0, 30, tzinfo=timezone.utc)
first, second = utc.astimezone(zone), (utc + HOUR).astimezone(zone)
assert first.replace(tzinfo=None) == second.replace(tzinfo=None) and (first.fold, second.fold) == (0, 1)
assert first.astimezone(timezone.utc) == utc and second.astimezone(timezone.utc) == utc + HOUR
assert time(1, tzinfo=zone).utcoffset() is None
fixed = ZoneInfo.from_file(file([], [(0, 0, 0)], b"UTC\0", b"UTC0"))
assert time(1, tzinfo=fixed).utcoffset() == timedelta(0) and fixed.key is None


def raises(kind, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except kind:
        return
    raise AssertionError(f"{kind} not raised")


for rule in (b"AAA3BBB", b"AAA25", b"AAA3BBB,M13.1.1,M1.1.1", b"AAA3BBB,J0,J1", b"AAA3BBB,J1,J2,J3", b"<>3", b"A\xff3"):
    raises(ValueError, ZoneInfo.from_file, file(TIMES, KINDS, NAMES, rule))
raises(ValueError, ZoneInfo.from_file, io.BytesIO(b"no such format"))
raises(KeyError, ZoneInfo, "No/Such/Zone")
raises(pickle.PicklingError, pickle.dumps, fixed)
raises(TypeError, zone.fromutc, None)
raises(ValueError, zone.fromutc, datetime(2024, 1, 1))
raises(AttributeError, setattr, zone, "key", "other")
try:
    utc_zone = ZoneInfo("UTC")
except KeyError:
    pass  # no time zone files on this system
else:
    assert ZoneInfo("UTC") is utc_zone and ZoneInfo.no_cache("UTC") is not utc_zone
    assert pickle.loads(pickle.dumps(utc_zone)) is utc_zone
    ZoneInfo.clear_cache(only_keys=["UTC"])
    assert ZoneInfo("UTC") is not utc_zone

    class Own(ZoneInfo):
        pass

    assert type(Own("UTC")) is Own and Own("UTC") is Own("UTC")
