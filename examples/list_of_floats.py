"""What an element of a list costs, measured from outside: the growth of the process divided by the number of elements.

    taipan examples/list_of_floats.py [elements]        default: 1000000
"""

import sys


def resident():
    """Bytes of memory that the process occupies (Linux)."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def floats(n):
    return [i * 0.37 + 0.1 for i in range(n)]


def ints(n):
    return [i * 401 + 1000 for i in range(n)]


def large_ints(n):
    return [i * 3 + 2**62 for i in range(n)]


def repeated(n):
    return [0.0] * n


def mixed(n):
    return [i * 0.5 if i % 2 else i + 1000 for i in range(n)]


def strings(n):
    return [str(i) for i in range(n)]


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    print(f"{sys.implementation.name}, lists of {n:,} elements")
    print(f"{'':<14}{'getsizeof':>12}{'process':>12}   bytes per element")
    kept = []  # so that no list is made of the memory of another
    for make in (floats, ints, large_ints, repeated, mixed, strings):
        make(1000)
        before = resident()
        data = make(n)
        grown = resident() - before
        itself = sys.getsizeof(data)
        print(f"{make.__name__:<14}{itself / n:>12.2f}{grown / n:>12.2f}   first {data[0]!r}, last {data[-1]!r}")
        kept.append(data)


if __name__ == "__main__":
    main()
