N = 600_000


def run(n):
    counts = {}
    for i in range(n):
        key = i * 7919 % 1009
        counts[key] = counts.get(key, 0) + 1
    names = {"a": 1, "b": 2, "c": 3}
    total = 0
    for _ in range(n):
        total += names["a"] + names["c"]
    return len(counts), total
