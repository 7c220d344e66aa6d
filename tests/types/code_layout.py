# Where the compiler puts code that only exceptions reach, and code that follows it.

import asyncio


async def items(*values):
    for value in values:
        yield value


async def nothing():
    return


def run(coroutine):
    return asyncio.run(coroutine)


# what follows an asynchronous comprehension is reached by the exception that ends it; a condition around it jumps past it
async def choose(c, d):
    return [c if c else {q async for q in items(d)} and (c, d), d]


assert run(choose(1, 2)) == [1, 2]
assert run(choose(0, 2)) == [(0, 2), 2]


async def nested(c):
    return [c and [x async for x in items(*y)] or y for y in [(1, 2), ()]]


assert run(nested(True)) == [[1, 2], ()]
assert run(nested(False)) == [(1, 2), ()]


async def filtered():
    return {a for a in (1, 2) if [b for b in (3, 4) if b in [c async for c in items(a + 2) if c]]}


assert run(filtered()) == {1, 2}


async def matched(c):
    match {q: q for d in (1, 2) if d for q in [k async for k in items(d)]}:
        case {1: 1, **rest} if c:
            return rest
        case _:
            return "other"


assert run(matched(1)) == {2: 2}
assert run(matched(0)) == "other"


# code behind a `with` whose body always raises is reached only if the exception is suppressed; loops in it lead back
class Suppress:
    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return True


def behind_with(c, values):
    out = []
    if c:
        with Suppress():
            raise ValueError
        for value in values:
            out.append(value)
    out.append("after")
    return out


assert behind_with(True, [1, 2]) == [1, 2, "after"]
assert behind_with(True, []) == ["after"]
assert behind_with(False, [1]) == ["after"]


def behind_with_condition(c, x):
    for _ in range(2):
        if c:
            with Suppress():
                raise ValueError
            y = x and c
            for _ in range(3):
                if x:
                    break
            else:
                y = "else"
        else:
            y = "none"
    return y


assert behind_with_condition(1, 2) == 1
assert behind_with_condition(1, 0) == "else"
assert behind_with_condition(0, 2) == "none"


# the annotation of a target in parentheses, an attribute or an item is never evaluated, whatever scopes are in it
calls = []
(parenthesised): [lambda: c for c in calls.append("name")]
calls.attribute: [lambda: c for c in calls.append("attribute")]
calls[calls.append("index")]: calls.append("item")
assert calls == ["index"]
assert "parenthesised" not in globals().get("__annotations__", {})


class Body:
    (parenthesised): [lambda: c for c in calls.append("name")]
    calls.attribute: [lambda: __class__ for c in calls.append("attribute")]
    calls[calls.append("index")]: calls.append("item")


assert calls == ["index", "index"]
assert Body.__annotations__ == {}
