"""The command: the most frequent words of the files, or of this package's own source."""

import os
import sys

if not __package__:
    # Run as a folder: its parent is where the package is found.
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from word_count.counting import count
from word_count.report import table
from word_count.reading import lines


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    files = sys.argv[1:] or sorted(os.path.join(here, name) for name in os.listdir(here) if name.endswith(".py"))
    counts = count(lines(files))
    print(f"{counts.total} words, {len(counts)} different, in {len(files)} files")
    print(table(counts, 10))


main()
