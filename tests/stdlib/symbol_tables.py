# The compiler's symbol tables as objects.
import _symtable
import symtable

SOURCE = '''
import os
x: int = 1

@staticmethod
def outer(a, *rest, **named):
    global g
    b = g = a

    def inner():
        nonlocal b
        b += x
        return a

    squares = [i * b for i in rest]
    return inner, (j for j in squares)


class Box[T: int]:
    attribute = __private = x

    def method(self):
        return __class__, self.__private


type Alias[T] = list[T]
'''


def block(table, name):
    return next(child for child in table.get_children() if child.get_name() == name)


top = symtable.symtable(SOURCE, "file", "exec")
assert top.get_type() == "module" and top.get_name() == "top" and top.get_lineno() == 0
assert repr(top) == "<SymbolTable for module file>"
assert top.lookup("os").is_imported() and top.lookup("x").is_annotated()
outer = block(top, "outer")
assert outer.get_lineno() == 6 and not outer.is_nested() and outer.get_type() == "function"
assert outer.get_parameters() == ("a", "rest", "named")
assert outer.get_globals() == ("g",)
assert set(outer.get_locals()) == {"a", "b", "rest", "named", "inner", "squares", "i"}
assert outer.lookup("b").is_referenced()
inner = block(outer, "inner")
assert inner.is_nested() and inner.get_frees() == ("b", "a") and inner.get_nonlocals() == ("b",)
assert [child.get_name() for child in outer.get_children()].count("genexpr") == 1
assert top.lookup("outer").get_namespace() is outer
parameters = block(top, "Box")
assert parameters.get_type() == "type parameters"
assert block(parameters, "T").get_type() == "type variable"
box = block(parameters, "Box")
assert "_Box__private" in box.get_identifiers() and box.get_type() == "class"
assert block(box, "method").lookup("__class__").is_free()
assert block(block(top, "Alias"), "Alias").get_type() == "type alias"

entry = _symtable.symtable("f(x)", "file", "eval")
assert entry.symbols == {"f": _symtable.USE | 3 << _symtable.SCOPE_OFF, "x": 16 | 3 << 12}
assert entry.children == [] and entry.varnames == [] and entry.nested == 0
assert repr(entry) == f"<symtable entry top({entry.id}), line 0>"
for error, call in (
    (ValueError, lambda: _symtable.symtable("1", "f", "other")),
    (TypeError, lambda: _symtable.symtable(1, "f", "exec")),
    (SyntaxError, lambda: _symtable.symtable("1+", "f", "exec")),
    (SyntaxError, lambda: _symtable.symtable("def f(a, a): pass", "f", "exec")),
    (TypeError, type(entry)),
    (AttributeError, lambda: setattr(entry, "name", "other")),
):
    try:
        call()
    except error:
        pass
    else:
        raise AssertionError(error)

deep = _symtable.symtable("x = " + "lambda: " * 90 + "0", "f", "exec")
depth = 0
while deep.children:
    deep = deep.children[-1]
    depth += 1
assert depth == 90
