N = 700_000


class Counter:
    def __init__(self):
        self.count = 0

    def step(self, by):
        self.count += by
        return self

    @property
    def double(self):
        return self.count * 2


def run(n):
    counter = Counter()
    for _ in range(n):
        counter.step(1).step(2)
        counter.double
    return counter.double
