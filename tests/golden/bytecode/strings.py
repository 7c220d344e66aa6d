def strings(a, b):
    f"{a} and {b!r:>{a}} {{}}"
    f"{a=}"
    t"{a}: {b!s:x}"
    "%s: %r" % (a, b)
    return f"x" "y" "z"
