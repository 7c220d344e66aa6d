"""Files to lines, lines to words: generators, so that nothing is held as a whole."""


def lines(paths):
    """All lines of all files."""
    for path in paths:
        with open(path, encoding="utf-8") as file:
            yield from file


def words(line):
    """The words of a line, in lower case."""
    word = []
    for char in line:
        if char.isalnum() or char == "_":
            word.append(char.lower())
        elif word:
            yield "".join(word)
            word.clear()
    if word:
        yield "".join(word)
