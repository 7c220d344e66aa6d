# faulthandler: tracebacks on demand, on faults, after a time and on signals.
import faulthandler
import os
import re
import signal
import subprocess
import sys
import tempfile
import time


def raises(kind, call, *args, text=None, **kwargs):
    try:
        call(*args, **kwargs)
    except kind as error:
        if text is not None:
            assert str(error) == text, str(error)
        return error
    raise AssertionError(f"{kind.__name__} not raised")


def run(code, *options, **environment):
    env = dict(os.environ, **environment)
    done = subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, env=env)
    return done.returncode, done.stdout, done.stderr


# ---- on demand ----
def inner(file, **options):
    faulthandler.dump_traceback(file, **options)


with tempfile.TemporaryFile("w+") as file:
    inner(file, all_threads=False)
    inner(file.fileno())
    file.seek(0)
    lines = file.read().splitlines()
    here = re.escape(__file__)
    assert lines[0] == "Stack (most recent call first):"
    assert re.fullmatch(rf'  File "{here}", line \d+ in inner', lines[1])
    assert re.fullmatch(rf'  File "{here}", line \d+ in <module>', lines[2])
    assert re.fullmatch(r"Current thread 0x[0-9a-f]{16}( \[.*\])? \(most recent call first\):", lines[3])
    assert lines[4] == lines[1]
with tempfile.TemporaryFile("w+") as file:
    faulthandler.dump_c_stack(file)
    file.seek(0)
    assert file.readline() == "Current thread's C stack trace (most recent call first):\n" and file.readline()

scope = {}
exec(compile(f"def {'x' * 550}(f): dump(f, all_threads=False)\ncall = {'x' * 550}", "né\u2603", "exec"),
     {"dump": faulthandler.dump_traceback}, scope)
with tempfile.TemporaryFile("w+") as file:
    scope["call"](file)
    file.seek(0)
    file.readline()
    assert file.readline() == f'  File "n\\xe9\\u2603", line 1 in {"x" * 500}...\n'


def deep(n, file):
    if n:
        deep(n - 1, file)
    else:
        faulthandler.dump_traceback(file, all_threads=False)


with tempfile.TemporaryFile("w+") as file:
    deep(200, file)
    file.seek(0)
    lines = file.read().splitlines()
    assert len(lines) == 101

# ---- arguments ----
raises(ValueError, faulthandler.dump_traceback, -1, text="file is not a valid file descriptor")
raises(AttributeError, faulthandler.enable, "a")


class File:
    def fileno(self):
        return -1


raises(RuntimeError, faulthandler.enable, File(), text="file.fileno() is not a valid file descriptor")
raises(RuntimeError, faulthandler.register, signal.SIGSEGV,
       text="signal 11 cannot be registered, use enable() instead")
raises(ValueError, faulthandler.register, 0, text="signal number out of range")
raises(ValueError, faulthandler.unregister, 1000, text="signal number out of range")
raises(OSError, faulthandler.register, signal.SIGKILL)
raises(ValueError, faulthandler.dump_traceback_later, 0, text="timeout must be greater than 0")
raises(OverflowError, faulthandler.dump_traceback_later, 1e30)
stderr, sys.stderr = sys.stderr, None
try:
    for call in (faulthandler.enable, faulthandler.dump_traceback, lambda: faulthandler.dump_traceback_later(1),
                 lambda: faulthandler.register(signal.SIGUSR1)):
        raises(RuntimeError, call, text="sys.stderr is None")
finally:
    sys.stderr = stderr

# ---- after a time ----
with tempfile.TemporaryFile("w+") as file:
    faulthandler.dump_traceback_later(0.05, file=file)
    end = time.monotonic() + 5
    while os.fstat(file.fileno()).st_size < 60 and time.monotonic() < end:
        pass  # It comes while code runs...
    faulthandler.cancel_dump_traceback_later()
    file.seek(0)
    first = file.read()
    assert re.match(r"Timeout \(0:00:00\.050000\)!\nThread 0x[0-9a-f]{16}.* \(most recent call first\):\n  File", first), first
    file.seek(0)
    file.truncate()
    faulthandler.dump_traceback_later(0.1, repeat=True, file=file)
    time.sleep(1)  # ... and while it waits.
    faulthandler.cancel_dump_traceback_later()
    file.seek(0)
    assert file.read().count("Timeout (0:00:00.100000)!\n") >= 2
faulthandler.dump_traceback_later(60)
faulthandler.cancel_dump_traceback_later()
faulthandler.cancel_dump_traceback_later()
assert run("import faulthandler, time; faulthandler.dump_traceback_later(0.1, exit=True); time.sleep(20)")[0] == 1

# ---- on signals ----
with tempfile.TemporaryFile("w+") as file:
    came = []
    signal.signal(signal.SIGUSR1, lambda *args: came.append(args))
    faulthandler.register(signal.SIGUSR1, file, chain=True)
    signal.raise_signal(signal.SIGUSR1)
    signal.raise_signal(signal.SIGUSR1)
    assert len(came) == 2
    assert faulthandler.unregister(signal.SIGUSR1) and not faulthandler.unregister(signal.SIGUSR1)
    signal.raise_signal(signal.SIGUSR1)
    assert len(came) == 3
    faulthandler.register(signal.SIGUSR1, file, all_threads=False)
    signal.raise_signal(signal.SIGUSR1)
    assert len(came) == 3
    faulthandler.unregister(signal.SIGUSR1)
    file.seek(0)
    text = file.read()
    assert text.count("Current thread") == 2 and text.count("Stack (most recent call first)") == 1

# ---- on faults ----
was_enabled = faulthandler.is_enabled()
faulthandler.enable()
assert faulthandler.is_enabled() and faulthandler.disable() and not faulthandler.is_enabled()
assert not faulthandler.disable()
if was_enabled:
    faulthandler.enable()
for call, number, text in (("_sigsegv()", signal.SIGSEGV, "Segmentation fault"), ("_sigabrt()", signal.SIGABRT, "Aborted"),
                           ("_sigfpe()", signal.SIGFPE, "Floating-point exception"),
                           ("_read_null()", signal.SIGSEGV, "Segmentation fault")):
    status, _, error = run(f"import faulthandler\nfaulthandler.enable()\nfaulthandler.{call}")
    assert status == -number, (call, status)
    assert re.match(rf'Fatal Python error: {text}\n\nCurrent thread 0x[0-9a-f]+.* \(most recent call first\):\n'
                    r'  File "<string>", line 3 in <module>\n\nCurrent thread\'s C stack trace', error), error
    assert run(f"import faulthandler\nfaulthandler.{call}")[0] == -number
status, _, error = run("import faulthandler\nfaulthandler.enable(all_threads=False, c_stack=False)\nfaulthandler._sigsegv()")
assert error.startswith('Fatal Python error: Segmentation fault\n\nStack (most recent call first):\n  File "<string>", line 3')
assert "C stack" not in error
ask = "import faulthandler; print(faulthandler.is_enabled())"
assert run(ask, PYTHONFAULTHANDLER="")[1] == "False\n"
assert run(ask, "-X", "faulthandler")[1] == run(ask, PYTHONFAULTHANDLER="1")[1] == "True\n"
assert run(ask, "-E", PYTHONFAULTHANDLER="1")[1] == "False\n"
assert run("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")[0] == -signal.SIGSEGV
assert signal.getsignal(signal.SIGSEGV) == signal.SIG_DFL

# ---- threads: all of them are shown, the newest first, and a thread's own traceback is its own ----
THREADS = """
import faulthandler, os, sys, threading, warnings
go, ready = threading.Event(), threading.Event()
def waits():
    ready.set()
    go.wait()
def asks():
    faulthandler.dump_traceback(all_threads=False)
    sys.stderr.write("--\\n")
    faulthandler.dump_traceback()
waiting = threading.Thread(target=waits)
waiting.start()
ready.wait()
asking = threading.Thread(target=asks)
asking.start()
asking.join()
go.set()
waiting.join()
def forks():
    if os.fork() == 0:
        sys.stderr.write("--\\n")
        faulthandler.dump_traceback()
        os._exit(0)
    os.wait()
warnings.simplefilter("ignore", DeprecationWarning)
forking = threading.Thread(target=forks)
forking.start()
forking.join()
"""
status, _, error = run(THREADS)
assert status == 0, error
own, every, child = error.split("--\n")
assert own.startswith('Stack (most recent call first):\n  File "<string>", line 8 in asks\n'), own
threads = every.split("\n\n")
assert len(threads) == 3 and threads[0].startswith("Current thread 0x") and "in asks\n" in threads[0], every
assert threads[1].startswith("Thread 0x") and "in waits\n" in threads[1], every
assert threads[2].startswith("Thread 0x") and re.search(r'  File "<string>", line 1[56] in <module>\n', threads[2]), every
assert child.startswith("Current thread 0x") and "in forks\n" in child and "\n\n" not in child, child
