"""The command line: options, variables, exit statuses, and what goes wrong before a program runs."""
import importlib.util
import marshal
import os
import py_compile
import subprocess
import sys
import tempfile
import zipfile


def run(*words, stdin="", env=None, cwd=None):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    clean.update(env or {})
    done = subprocess.run([sys.executable, *words], input=stdin, capture_output=True, text=True, env=clean, cwd=cwd)
    return done.returncode, done.stdout, done.stderr


# ---- options ----
assert run("-c", "import sys; print(sys.argv)", "-x", "a") == (0, "['-c', '-x', 'a']\n", "")
code, out, _ = run("-OO", "-Bdiq", "-c", "import sys; print(tuple(sys.flags)[:12])")
assert (code, out) == (0, "(1, 1, 1, 2, 1, 0, 0, 0, 0, 0, 1, 1)\n"), out
assert run("-V")[1].startswith("Python 3.14.")
assert run("--version")[1] == run("-V")[1]
code, out, err = run("-Z")
assert code == 2 and err.startswith("Unknown option: -Z\nusage: ") and not out
code, out, err = run("-c")
assert code == 2 and err.startswith("Argument expected for the -c option\n")
code, out, err = run("--check-hash-based-pycs", "now", "-c", "pass")
assert code == 2 and err.startswith("--check-hash-based-pycs must be one of 'default', 'always', or 'never'\n")
for option in ["utf8=3", "int_max_str_digits=3", "tracemalloc=x", "importtime=7", "cpu_count=0", "frozen_modules=x"]:
    code, out, err = run("-X", option, "-c", "pass")
    assert code == 1 and err.startswith("Fatal Python error: "), (option, err)
assert run("-X", "cpu_count=77", "-c", "import os; print(os.cpu_count())")[1] == "77\n"
assert run("-X", "a=b", "-X", "c", "-c", "import sys; print(sys._xoptions)")[1] == "{'a': 'b', 'c': True}\n"
assert "import time:" in run("-X", "importtime", "-c", "import os")[2]
assert "~^~" not in run("-X", "no_debug_ranges", "-c", "1/0")[2]
assert run("-I", "-c", "import sys; print(sys.flags.isolated, sys.path[:1] == [''])")[1] == "1 False\n"
code, _, err = run("-bb", "-c", "b'' == ''")
assert code == 1 and err.endswith("BytesWarning: Comparison between bytes and string\n")
assert run("-b", "-c", "str(b'')")[2].startswith("<string>:1: BytesWarning: str() on a bytes instance")
assert run("-c", "\n   if 1:\n     print('indented')\n")[1] == "indented\n"

look = "b'text'.decode(errors='nowhere'); str(b'x', 'nowhere')"
assert run("-c", look)[0] == 1 and "unknown encoding: nowhere" in run("-c", look)[2]
assert "unknown error handler name 'nowhere'" in run("-X", "dev", "-c", look)[2]

# ---- variables ----
assert run("-c", "import sys; print(sys.flags.optimize)", env={"PYTHONOPTIMIZE": "text"})[1] == "1\n"
assert run("-E", "-c", "import sys; print(sys.flags.optimize)", env={"PYTHONOPTIMIZE": "2"})[1] == "0\n"
assert run("-c", "import sys; print(sys.pycache_prefix)", env={"PYTHONPYCACHEPREFIX": "/p"})[1] == "/p\n"
code, _, err = run("-c", "pass", env={"PYTHONHASHSEED": "x"})
assert code == 1 and err.startswith("Fatal Python error: config_init_hash_seed: PYTHONHASHSEED must be")
hashes = {run("-c", "print(hash('a'))", env={"PYTHONHASHSEED": "7"})[1] for _ in range(2)}
assert len(hashes) == 1
assert run("-W", "once", "-b", "-c", "import sys; print(sys.warnoptions)", env={"PYTHONWARNINGS": "error,always"})[1] == (
    "['error', 'always', 'once', 'default::BytesWarning']\n"
)

# ---- text of the locale ----
show = "import sys; print(sys.flags.utf8_mode, sys.getfilesystemencoding(), sys.stdout.encoding, sys.stdout.errors)"
plain = {"LC_ALL": "C", "LANG": "C"}
assert run("-c", show, env=plain)[1] == "1 utf-8 utf-8 surrogateescape\n"
assert run("-X", "utf8=0", "-c", show, env=plain)[1] == "0 ascii ascii surrogateescape\n"
assert run("-c", show, env={**plain, "PYTHONIOENCODING": "latin-1"})[1] == "1 utf-8 iso8859-1 strict\n"
assert run("-c", show, env={**plain, "PYTHONIOENCODING": ":replace"})[1] == "1 utf-8 utf-8 replace\n"

# ---- start-up code of the user ----
with tempfile.TemporaryDirectory() as folder:
    for line, shown in [("gc.disable()", "False"), ("gc.enable()", "True"), ("gc.set_threshold(7, 8)", "True (7, 8")]:
        with open(os.path.join(folder, "sitecustomize.py"), "w") as file:
            file.write(f"import gc; {line}; a = []; a.append(a); del a\n")
        # Made anew each time: a .pyc of the same second and size would be taken for it.
        code, out, err = run("-B", "-c", "import gc; print(gc.isenabled(), gc.get_threshold())", env={"PYTHONPATH": folder})
        assert code == 0 and out.startswith(shown), (line, out, err)

# ---- exit statuses ----
assert run("-c", "import sys; sys.exit()") == (0, "", "")
assert run("-c", "import sys; sys.exit(263)")[0] == 7
assert run("-c", "import sys; sys.exit(2**70)")[0] == 255
assert run("-c", "import sys; sys.exit('bye')") == (1, "", "bye\n")
assert run("-c", "import sys; sys.excepthook = lambda *a: sys.exit(9); 1/0") == (9, "", "")
assert run("-c", "raise KeyboardInterrupt")[0] == -2
if os.path.exists("/dev/full"):
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", "print(1)"], stdout=full, stderr=subprocess.PIPE, text=True, env={})
    assert done.returncode == 120
    assert done.stderr == "Exception ignored while flushing sys.stdout:\nOSError: [Errno 28] No space left on device\n"

# ---- programs: text on standard input, files, folders, archives ----
assert run("-", "a", stdin="import sys; print(sys.argv, __file__)") == (0, "['-', 'a'] <stdin>\n", "")
with tempfile.TemporaryDirectory() as folder:
    folder = os.path.realpath(folder)
    code, _, err = run("missing.py", cwd=folder)
    assert code == 2
    assert err == f"{sys.executable}: can't open file '{folder}/missing.py': [Errno 2] No such file or directory\n"
    assert run(folder) == (1, "", f"{sys.executable}: can't find '__main__' module in {folder!r}\n")
    main = os.path.join(folder, "__main__.py")
    with open(main, "w") as file:
        file.write("import sys\nprint(__file__, sys.path[0], __spec__ and __spec__.name)\n")
    assert run(folder)[1] == f"{main} {folder} __main__\n"
    assert run(main)[1] == f"{main} {folder} None\n"
    archive = os.path.join(folder, "archive.any")
    with zipfile.ZipFile(archive, "w") as file:
        file.write(main, "__main__.py")
    assert run(archive)[1] == f"{archive}/__main__.py {archive} __main__\n"
    script = os.path.join(folder, "script.py")
    with open(script, "w") as file:
        file.write("no Python at all\nprint('x')\n1/0\n")
    code, out, err = run("-x", script)
    assert (code, out) == (1, "x\n") and f'"{script}", line 3' in err
    damaged = os.path.join(folder, "damaged.pyc")
    with open(damaged, "wb") as file:
        file.write(b"nothing")
    assert run(damaged)[2].endswith("RuntimeError: Bad magic number in .pyc file\n")
    with open(script, "w") as file:
        file.write("import sys\nprint(__name__, __file__ == sys.argv[0], type(__loader__).__name__)\n")
    compiled = py_compile.compile(script, os.path.join(folder, "compiled.pyc"), doraise=True)
    assert run(compiled) == (0, "__main__ True SourcelessFileLoader\n", "")
    header = importlib.util.MAGIC_NUMBER + bytes(12)
    for body, message in [
        (marshal.dumps(5), "RuntimeError: Bad code object in .pyc file\n"),
        (b"\0zz", "RuntimeError: Bad code object in .pyc file\n"),
        (b"", "RuntimeError: Bad code object in .pyc file\n"),
    ]:
        with open(damaged, "wb") as file:
            file.write(header + body)
        assert run(damaged)[2].endswith(message), body
    with open(damaged, "wb") as file:
        file.write(header[:9])
    assert run(damaged)[2].endswith("EOFError: EOF read where not expected\n")

# ---- programs: a pipe with a name, which is opened once; an empty code file ----
with tempfile.TemporaryDirectory() as folder:
    pipe = os.path.join(folder, "pipe")
    os.mkfifo(pipe)
    with subprocess.Popen([sys.executable, pipe], stdout=subprocess.PIPE, text=True) as running:
        with open(pipe, "w") as text:
            text.write("print('through the pipe')")
        assert running.communicate(timeout=50)[0] == "through the pipe\n"
    empty = os.path.join(folder, "empty.pyc")
    open(empty, "w").close()
    assert run(empty) == (1, "", "EOFError: EOF read where not expected\n")

# ---- the prompt on a pipe ----
code, out, err = run("-i", "-q", stdin="x = 3\nif x:\n  print(x)\n\n# nothing\n\nx + 1\n1/0\nraise SystemExit(5)\n")
assert (code, out) == (5, "3\n4\n")
assert err.startswith(">>> >>> ... ... >>> >>> >>> >>> Traceback"), err
assert 'File "<stdin>", line 1, in <module>\n    1/0\n    ~^~\n' in err
code, out, err = run("-i", "-q", "-c", "import sys; sys.exit(3)")
assert code == 0 and "SystemExit: 3\n>>> " in err
print("ok")
