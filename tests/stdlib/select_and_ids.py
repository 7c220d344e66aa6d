# select, poll and epoll; user, group and device numbers; what a process starts with.
import grp
import os
import pwd
import select
import signal
import socket
import stat
import subprocess
import sys


def raises(kind, call, *args, text=None, **kwargs):
    try:
        call(*args, **kwargs)
    except kind as error:
        if text is not None:
            assert str(error) == text, str(error)
        return error
    raise AssertionError(f"{kind.__name__} not raised")


# ---- waiting ----
r, w = os.pipe()
poll = select.poll()
poll.register(r)
assert poll.poll(0) == [] and select.select([r], [w], [], 0) == ([], [w], [])
os.write(w, b"x")
assert poll.poll() == [(r, select.POLLIN)] and select.select([r], [], []) == ([r], [], [])
raises(OverflowError, poll.poll, 1 << 64, text="timestamp out of range for C PyTime_t")
raises(OverflowError, poll.poll, 1 << 31, text="timeout is too large")
raises(TypeError, poll.poll, "a", text="timeout must be an integer or None")
raises(ValueError, poll.register, 0, -1, text="Cannot convert negative int")
raises(OverflowError, poll.register, 0, 1 << 64, text="Python int too large for C unsigned short")
raises(TypeError, select.select, [], [], [], "a", text="timeout must be a float or None")
raises(ValueError, select.select, [], [], [], -1, text="timeout must be non-negative")


class Shrinks:
    def fileno(self):
        del rows[-1]
        return w


rows = [Shrinks() for _ in range(10)]
assert len(select.select([], rows, [], 0)[1]) == 5
if sys.platform == "linux":
    raises(ValueError, select.epoll, 0, text="negative sizehint")
    with select.epoll() as epoll:
        epoll.register(r, select.EPOLLIN)
        assert epoll.poll(0) == [(r, select.EPOLLIN)]
        raises(TypeError, epoll.poll, "a", text="timeout must be an integer or None")
    raises(ValueError, epoll.poll, text="I/O operation on closed epoll object")
raises(TypeError, os.readinto, r, b"x", text="readinto() argument 2 must be read-write bytes-like object, not bytes")

# ---- numbers ----
raises(OverflowError, grp.getgrgid, 2**128, text="gid is greater than maximum")
raises(OverflowError, grp.getgrgid, -2, text="gid is less than minimum")
assert raises(KeyError, pwd.getpwuid, 2**128).args == ("getpwuid(): uid not found",)
assert raises(KeyError, pwd.getpwuid, 4000000000).args == ("getpwuid(): uid not found: 4000000000",)
raises(OverflowError, os.chown, os.devnull, 2**32, -1, text="uid is less than minimum")
raises(OverflowError, os.chown, os.devnull, 2**63, -1, text="uid is greater than maximum")
number = os.makedev(8, 1)
assert (os.major(number), os.minor(number)) == (8, 1)
assert os.major(-1) == os.minor(-1) == os.makedev(-1, -1) == -1
for bad in (-2, 2**64, 2**32):
    raises(OverflowError, os.makedev, bad, 0)
assert stat.SF_SETTABLE & stat.SF_DATALESS

# ---- programs ----
raises(TypeError, os.execve, sys.executable, ["x"], 1, text="execve: environment must be a mapping object")
raises(ValueError, os.execve, sys.executable, ["x"], {"a=b": "1"}, text="illegal environment variable name")
raises(ValueError, subprocess.call, [sys.executable], extra_groups=[2**64], text="invalid group id")
assert signal.getsignal(signal.SIGPIPE) == signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN
ask = "import os, sys; print(sys.stdin); print(os.open('.', 0))"
done = subprocess.run([sys.executable, "-c", ask], preexec_fn=lambda: os.close(0), capture_output=True, text=True)
assert done.stdout == "None\n0\n", done
code = """
import os
class Late:
    def __del__(self, os=os):
        try:
            os.fork()
        except PythonFinalizationError as error:
            print(error)
import sys
late = Late()
"""
assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "can't fork at interpreter shutdown\n"
if sys.platform == "linux":
    import time

    fd = os.timerfd_create(time.CLOCK_MONOTONIC, flags=0)
    assert not os.get_inheritable(fd)
    os.close(fd)
