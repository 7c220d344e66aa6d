N = 600_000


def numbers(n):
    i = 0
    while i < n:
        yield i
        i += 1


def evens(source):
    for item in source:
        if item % 2 == 0:
            yield item


def run(n):
    return sum(item for item in evens(numbers(n)))
