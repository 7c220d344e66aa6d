"""Counting."""

from .reading import words


class Counts(dict):
    """Words to how often they occurred."""

    total = 0

    def __missing__(self, word):
        return 0

    def add(self, word):
        self[word] += 1
        self.total += 1

    def most_frequent(self, n):
        """The n words that occurred most, the first in the alphabet first among equals."""
        return sorted(self.items(), key=lambda item: (-item[1], item[0]))[:n]


def count(lines):
    counts = Counts()
    for line in lines:
        for word in words(line):
            counts.add(word)
    return counts
