# Signals: handlers between instructions, masks, timers, waiting.
import os
import select
import signal
import sys
import time


def raises(kind, function, *args):
    try:
        function(*args)
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} not raised")


assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
assert signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN

got = []
assert signal.signal(signal.SIGUSR1, lambda number, frame: got.append((number, frame.f_code.co_name))) is signal.SIG_DFL


def send():
    os.kill(os.getpid(), signal.SIGUSR1)


send()
assert got == [(signal.SIGUSR1, "send")]
signal.raise_signal(signal.SIGUSR1)
assert len(got) == 2
old = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
assert callable(old)
send()
assert len(got) == 2 and signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN

raises(KeyboardInterrupt, os.kill, os.getpid(), signal.SIGINT)
raises(KeyboardInterrupt, signal.default_int_handler, 2, None)
assert str(raises(ValueError, signal.signal, 70, signal.SIG_DFL)) == "signal number out of range"
assert str(raises(TypeError, signal.signal, 2, "x")) == \
    "signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object"
raises(OSError, signal.signal, signal.SIGKILL, signal.SIG_IGN)


# A loop is interrupted, and so is a sleep.
class Alarm(Exception):
    pass


def ring(number, frame):
    raise Alarm


def spin():
    while True:
        pass


signal.signal(signal.SIGALRM, ring)
assert signal.setitimer(signal.ITIMER_REAL, 0.02) == (0.0, 0.0)
raises(Alarm, spin)
signal.setitimer(signal.ITIMER_REAL, 0.02)
raises(Alarm, time.sleep, 20)
r, w = os.pipe()
signal.setitimer(signal.ITIMER_REAL, 0.02)
raises(Alarm, os.read, r, 1)
signal.setitimer(signal.ITIMER_REAL, 0.02)
raises(Alarm, select.select, [r], [], [])
signal.setitimer(signal.ITIMER_REAL, 0.02)
raises(Alarm, signal.pause)
assert signal.alarm(100) == 0 and signal.alarm(0) == 100
assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
raises(signal.ItimerError, signal.setitimer, signal.ITIMER_REAL, -1)

# After a handler that returns, the call goes on.
signal.signal(signal.SIGALRM, lambda *_: os.write(w, b"x"))
signal.setitimer(signal.ITIMER_REAL, 0.02)
assert os.read(r, 1) == b"x"

# Masks.
signal.signal(signal.SIGUSR1, lambda *_: got.append("unblocked"))
before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
assert signal.SIGUSR1 not in before
send()
assert "unblocked" not in got and signal.SIGUSR1 in signal.sigpending()
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
assert got[-1] == "unblocked"
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
send()
assert signal.sigwait([signal.SIGUSR1]) == signal.SIGUSR1
send()
info = signal.sigwaitinfo([signal.SIGUSR1])
assert info.si_signo == signal.SIGUSR1 and info.si_pid == os.getpid()
assert signal.sigtimedwait([signal.SIGUSR1], 0) is None
signal.pthread_sigmask(signal.SIG_SETMASK, before)

# The wake-up descriptor.
assert str(raises(ValueError, signal.set_wakeup_fd, w)) == f"the fd {w} must be in non-blocking mode"
os.set_blocking(w, False)
assert signal.set_wakeup_fd(w) == -1
send()
assert os.read(r, 10) == bytes([signal.SIGUSR1])
assert signal.set_wakeup_fd(-1) == w

assert signal.strsignal(signal.SIGINT) == "Interrupt" and signal.strsignal(33) is None or sys.platform != "linux"
assert signal.SIGINT in signal.valid_signals() and 0 not in signal.valid_signals()
assert signal.Signals(signal.SIGTERM).name == "SIGTERM"

# Exceptions of handlers show up where the program is.
signal.signal(signal.SIGUSR1, ring)
try:
    try:
        send()
    finally:
        got.append("finally")
except Alarm as error:
    assert error.__traceback__.tb_next.tb_frame.f_code.co_name == "send"
assert got[-1] == "finally"
signal.signal(signal.SIGUSR1, signal.SIG_DFL)
pid = os.fork()
if pid == 0:
    os.kill(os.getpid(), signal.SIGUSR1)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGUSR1
