"""A tokenizer and an evaluator of arithmetic, with classes and dispatch by dict."""

N = 8_000
TEXT = "(12 + 3 * (4 - 1)) * 2 - 18 / (3 + 3) + 7 % 4"


class Token:
    __slots__ = ("kind", "value")

    def __init__(self, kind, value):
        self.kind = kind
        self.value = value


def tokens(text):
    at = 0
    while at < len(text):
        char = text[at]
        if char.isspace():
            at += 1
        elif char.isdigit():
            end = at
            while end < len(text) and text[end].isdigit():
                end += 1
            yield Token("number", int(text[at:end]))
            at = end
        else:
            yield Token(char, None)
            at += 1
    yield Token("end", None)


class Parser:
    LEVEL = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2}
    APPLY = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b,
        "%": lambda a, b: a % b,
    }

    def __init__(self, text):
        self.source = tokens(text)
        self.token = next(self.source)

    def advance(self):
        token, self.token = self.token, next(self.source, None)
        return token

    def atom(self):
        token = self.advance()
        if token.kind == "(":
            value = self.expression(1)
            self.advance()
            return value
        return token.value

    def expression(self, least):
        left = self.atom()
        while (level := self.LEVEL.get(self.token.kind, 0)) >= least:
            operator = self.advance().kind
            left = self.APPLY[operator](left, self.expression(level + 1))
        return left


def run(n):
    total = 0.0
    for _ in range(n):
        total += Parser(TEXT).expression(1)
    return total
