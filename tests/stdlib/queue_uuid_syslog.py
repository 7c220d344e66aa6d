# _queue, _uuid, _posixshmem and syslog.
import gc
import os
import queue
import syslog
import time
import uuid
import weakref

import _posixshmem
import _queue
import _uuid


def raises(kind, call, *args, text=None, **kwargs):
    try:
        call(*args, **kwargs)
    except kind as error:
        if text is not None:
            assert str(error) == text, str(error)
        return error
    raise AssertionError(f"{kind.__name__} not raised")


# ---- queue ----
q = _queue.SimpleQueue()
assert q.empty() and q.qsize() == 0
q.put(1)
q.put_nowait(2)
q.put(3, False, timeout="ignored")
assert q.qsize() == 3 and [q.get(), q.get(timeout=5), q.get_nowait()] == [1, 2, 3]
assert queue.Empty is _queue.Empty and issubclass(_queue.Empty, Exception)
raises(_queue.Empty, q.get, False)
raises(_queue.Empty, q.get_nowait)
before = time.monotonic()
raises(_queue.Empty, q.get, timeout=0.05)
assert time.monotonic() - before >= 0.05
raises(ValueError, q.get, True, -1, text="'timeout' must be a non-negative number")
raises(TypeError, q.get, True, "a")
raises(OverflowError, q.get, timeout=1e30)
raises(TypeError, _queue.SimpleQueue, 1, text="SimpleQueue() takes no positional arguments")
assert str(_queue.SimpleQueue[int]) == "_queue.SimpleQueue[int]"


class Sub(_queue.SimpleQueue):
    pass


# A queue in a cycle with what it holds.
s = Sub()
s.put(s)
ref = weakref.ref(s)
del s
gc.collect()
assert ref() is None

# ---- uuid ----
made = [uuid.UUID(bytes=_uuid.generate_time_safe()[0]) for _ in range(2000)]
assert len(set(made)) == 2000
assert all(u.version == 1 and u.variant == uuid.RFC_4122 for u in made)
assert [u.time for u in made] == sorted(u.time for u in made) and len({u.node for u in made}) == 1
assert abs((made[-1].time - 0x01B21DD213814000) / 1e7 - time.time()) < 60
assert uuid.uuid1().version == 1

# ---- shared memory ----
name = f"/taipan-{os.getpid()}"
fd = _posixshmem.shm_open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode=0o600)
assert not os.get_inheritable(fd)
os.ftruncate(fd, 100)
os.close(fd)
raises(FileExistsError, _posixshmem.shm_open, name, os.O_CREAT | os.O_EXCL | os.O_RDWR)
_posixshmem.shm_unlink(name)
error = raises(FileNotFoundError, _posixshmem.shm_unlink, name)
assert error.filename == name
raises(TypeError, _posixshmem.shm_open, 1, 2, text="shm_open() argument 1 must be str, not int")
raises(ValueError, _posixshmem.shm_open, "a\0", 0, text="embedded null character")

# ---- syslog ----
syslog.syslog("a message")
syslog.syslog(syslog.LOG_DEBUG, "another %s message")
syslog.openlog("name", syslog.LOG_PID, syslog.LOG_MAIL)
syslog.syslog("from mail")
syslog.closelog()
syslog.openlog(ident="other", facility=syslog.LOG_USER)
assert syslog.LOG_UPTO(syslog.LOG_ERR) == 15 and syslog.LOG_MASK(syslog.LOG_ERR) == 8
mask = syslog.setlogmask(syslog.LOG_UPTO(syslog.LOG_WARNING))
assert syslog.setlogmask(mask) == syslog.LOG_UPTO(syslog.LOG_WARNING)
syslog.closelog()
raises(TypeError, syslog.syslog, text="syslog.syslog requires 1 to 2 arguments")
raises(TypeError, syslog.syslog, 1, text="syslog() argument 1 must be str, not int")
raises(TypeError, syslog.syslog, 1, 2, text="syslog() argument 2 must be str, not int")
raises(ValueError, syslog.syslog, "a\0b", text="embedded null character")
raises(TypeError, syslog.openlog, 1, text="openlog() argument 'ident' must be str, not int")
