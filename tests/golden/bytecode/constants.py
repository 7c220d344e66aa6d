x = 2**10 + -1
y = (1, (2.0, -0.0), "a" * 3, b"b" + b"c")
z = [1, 2, 3] + [x]
w = {"a": x, "b": y}
v = x[1:2], x[::x], "abc"[1]
if __debug__ and not 0:
    u = ...
a, b = b, a
a, b, c = c, b, a
a, *b = c
assert x, "message"
n = 1 if x is None else 2 if x is not None else 3
m = 0 < x <= 10
