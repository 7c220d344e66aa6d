"""Records what the reference interpreter says about the snippets in tests/snippets.txt.

Run it with CPython 3.14; it writes tests/syntax_errors.tsv. A line of the snippets file is
"mode<TAB>source" with \\n, \\t, \\r and \\\\ escaped; empty lines and lines that start with "##" are left
out. A recorded line adds class, message, lineno, offset, end_lineno, end_offset, text.
"""
import ast
import pathlib
import warnings

FOLDER = pathlib.Path(__file__).parent.parent / "tests"


def escape(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")


def unescape(text):
    out, chars = [], iter(text)
    for c in chars:
        if c == "\\":
            c = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}[next(chars)]
        out.append(c)
    return "".join(out)


def record(mode, source):
    try:
        compile(source, "<snippet>", mode, ast.PyCF_ONLY_AST)
    except SyntaxError as e:
        fields = [type(e).__name__, e.msg, e.lineno, e.offset, e.end_lineno, e.end_offset, e.text or ""]
        return [escape(str(f)) for f in fields]
    except (MemoryError, RecursionError) as e:
        return [type(e).__name__, escape(str(e)), "0", "0", "0", "0", ""]
    return ["ok"]


def main():
    warnings.simplefilter("ignore")
    lines = []
    for line in (FOLDER / "snippets.txt").read_text("utf-8").split("\n"):
        if line and not line.startswith("##"):
            mode, source = line.split("\t")
            lines.append("\t".join([mode, source, *record(mode, unescape(source))]))
    (FOLDER / "syntax_errors.tsv").write_text("\n".join(lines) + "\n", "utf-8")


main()
