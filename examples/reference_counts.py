"""Reference counts at work: who holds an object, when it dies, and what needs the collector.

    taipan examples/reference_counts.py
"""

import gc
import sys
import weakref


class Thing:
    """Says when it goes."""

    def __init__(self, name):
        self.name = name

    def __del__(self):
        print(f"    {self.name} is destroyed")


def counts():
    print("1. Each name and each place in a container counts one.")
    thing = Thing("the counted thing")
    base = sys.getrefcount(thing)
    print(f"    one name:            {sys.getrefcount(thing) - base + 1}")
    other = thing
    print(f"    two names:           {sys.getrefcount(thing) - base + 1}")
    row = [thing, thing, thing]
    print(f"    and three places:    {sys.getrefcount(thing) - base + 1}")
    row.pop()
    print(f"    one popped:          {sys.getrefcount(thing) - base + 1}")
    del row, other
    print(f"    back to one name:    {sys.getrefcount(thing) - base + 1}")


def moment_of_death():
    print("2. At zero the object goes, before the next statement.")
    thing = Thing("the first")
    print("    rebinding the name")
    thing = Thing("the second")
    print("    leaving the function")


def order():
    print("3. What an object held goes with it.")
    outer = Thing("the outer")
    outer.inner = Thing("the inner")
    outer.row = [Thing("row item 0"), Thing("row item 1")]
    del outer


def weak():
    print("4. A weak reference looks without counting.")
    thing = Thing("the watched")
    watch = weakref.ref(thing, lambda reference: print("    the callback is told"))
    print("    alive:", watch().name)
    del thing
    print("    and now:", watch())


def cycles():
    print("5. Objects that hold each other wait for the collector.")
    gc.collect()
    a, b = Thing("a of the cycle"), Thing("b of the cycle")
    a.other, b.other = b, a
    del a, b
    print("    no name is left, and nothing has happened")
    found = gc.collect()
    print(f"    the collector was called and found at least two objects: {found >= 2}")


def long_chain(length=1_000_000):
    print(f"6. A chain of {length:,} objects falls link by link, without recursion.")
    chain = None
    for i in range(length):
        chain = [chain]
    del chain
    print("    gone")


def main():
    for part in (counts, moment_of_death, order, weak, cycles, long_chain):
        part()
        print()


if __name__ == "__main__":
    main()
