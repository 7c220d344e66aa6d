from __future__ import annotations

x: list[int] | None = None


def f(a: "b" = 1, *c: d[e, ...]) -> lambda x, /, y=1, *, z: -x ** 2:
    pass
