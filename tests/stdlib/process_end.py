"""The end of the process: which finalisers run, in what order, and what they still find."""
import os
import subprocess
import sys
import tempfile
import textwrap


def run(program, files=None):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {"main.py": program, **(files or {})}.items():
            with open(os.path.join(folder, name), "w") as file:
                file.write(textwrap.dedent(text))
        done = subprocess.run([sys.executable, "main.py"], cwd=folder, capture_output=True, text=True)
        written = {}
        for name in os.listdir(folder):
            if name.endswith(".txt"):
                with open(os.path.join(folder, name)) as file:
                    written[name] = file.read()
    return done.returncode, done.stdout, done.stderr, written


# globals are there when finalisers run, whatever the order of their definition
NOISY = """
    factor = 2
    class Noisy:
        def __init__(self, name): self.name = name
        def __del__(self): print(self.name, factor, later, __name__)
"""
assert run(NOISY + """
    a = Noisy("plain")
    _b = Noisy("private")
    c = Noisy("cycle"); c.me = c
    later = 3
    print("end")
""") == (0, "end\nplain 2 3 __main__\nprivate 2 3 __main__\ncycle 2 3 __main__\n", "", {})

# modules without functions go as their last reference does; those with functions are cycles; a module somebody holds is emptied
status, out, err, _ = run(
    """
    import imported, json
    held = imported.Noisy("held by json")
    json.held = held
    """,
    {"imported.py": NOISY + "\n    later = 4\n    one = Noisy('one')\n    two = Noisy('two')\n"},
)
assert (status, out, err) == (0, "one 2 4 imported\ntwo 2 4 imported\nheld by json 2 4 imported\n", ""), (out, err)

# what is garbage already goes before modules do: imports still work there, later they do not
status, out, err, _ = run("""
    import sys
    class Late:
        def __del__(self):
            try:
                import colorsys
                print("imported", len(sys.modules) > 5)
            except ImportError as error:
                print(error, len(sys.modules), sys.path, sys.is_finalizing())
    cycle = Late(); cycle.me = cycle; cycle = None
    kept = Late()
""")
assert out == "imported True\nsys.meta_path is None, Python is likely shutting down 0 None True\n", out

# unless the collector is off
assert run("""
    import gc, sys
    gc.disable()
    class A:
        def __del__(self): print(sys.meta_path)
    a = A(); a.me = a; a = None
""")[1] == "None\n"

# files are written out, those of cycles too; suspended generators and coroutines end; exit statuses stay
assert run("""
    class Holder: pass
    one = open("one.txt", "w"); one.write("first")
    two = Holder(); two.me = two; two.file = open("two.txt", "w"); two.file.write("second")
    def function(): pass
""")[3] == {"one.txt": "first", "two.txt": "second"}
status, out, err, _ = run("""
    def generator():
        try:
            yield
        finally:
            print("finally")
    g = generator(); next(g)
    async def coroutine(): pass
    c = coroutine()
    raise SystemExit(7)
""")
assert (status, out) == (7, "finally\n") and "RuntimeWarning: coroutine 'coroutine' was never awaited" in err, (status, out, err)

# a stream that the program put in place of ours
assert run("""
    import sys
    class Stream:
        def write(self, text): sys.__stdout__.write(text.upper())
        def flush(self): pass
        def __del__(self): print("gone", file=sys.__stdout__)
    sys.stdout = Stream()
    print("text")
""")[1] == "TEXT\ngone\n"

# callbacks of weak references, and of the collector; exceptions of finalisers
status, out, err, _ = run("""
    import gc, weakref
    class A: pass
    a = A()
    reference = weakref.ref(a, print)
    gc.callbacks.append(lambda phase, info: print(phase, info["generation"]))
""")
assert out == "start 2\nstop 2\n" or "gc-zeal" in os.environ.get("TAIPAN_STRESS", ""), out
status, out, err, _ = run("""
    import weakref
    class A: pass
    a = A()
    reference = weakref.ref(a, print)
""")
assert out.startswith("<weakref at ") and out.endswith("; dead>\n"), out
status, out, err, _ = run("""
    class A:
        def __del__(self): raise ValueError("in vain")
    a = A()
""")
assert status == 0 and err.startswith("Exception ignored while calling deallocator <function A.__del__ at "), err
assert err.endswith("in __del__\nValueError: in vain\n"), err

# an object that comes back is not ended twice
assert run("""
    class A:
        def __del__(self):
            global again
            again = self
            print("once")
    a = A(); a.me = a
""")[1] == "once\n"
