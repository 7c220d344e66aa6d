"""Text for people."""


def table(counts, n):
    rows = counts.most_frequent(n)
    width = max((len(word) for word, _ in rows), default=0)
    return "\n".join(f"{word:<{width}}  {number:>5}  {'*' * min(number, 50)}" for word, number in rows)
