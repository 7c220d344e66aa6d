"""ast: classes of nodes, trees of source text, unparse, literal_eval."""
import ast
import copy
import warnings

assert ast.Name._fields == ("id", "ctx") == ast.Name.__match_args__
assert ast.Name.__doc__ == "Name(identifier id, expr_context ctx)"
assert ast.If._field_types == {"test": ast.expr, "body": list[ast.stmt], "orelse": list[ast.stmt]}
assert ast.stmt._attributes == ("lineno", "col_offset", "end_lineno", "end_col_offset")
assert repr(ast.Name("x")) == "Name(id='x', ctx=Load())"
assert repr(ast.parse("f(a,b,c)")) == (
    "Module(body=[Expr(value=Call(func=Name(...), args=[Name(...), ..., Name(...)], keywords=[]))], type_ignores=[])"
)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    ast.Name(foo=1)
assert [str(w.message).split(".")[1].split(" ")[1] for w in caught] == ["got", "missing"]
node = ast.parse("x + 1", mode="eval")
assert ast.dump(node) == "Expression(body=BinOp(left=Name(id='x', ctx=Load()), op=Add(), right=Constant(value=1)))"
assert node.body.left.ctx is ast.parse("y", mode="eval").body.ctx
assert ast.dump(copy.deepcopy(node)) == ast.dump(node)
assert copy.replace(ast.Name("x"), id="y").id == "y"
place = ast.parse("a\n@d\ndef f(): pass\nif x: y\nelif z: w").body
assert [(s.lineno, s.col_offset, s.end_lineno, s.end_col_offset) for s in place] == [(1, 0, 1, 1), (3, 0, 3, 13), (4, 0, 5, 9)]
assert ast.literal_eval("{'a': [1, 2.5, (None, True)], 'c': -3+4j, 'd': b'x'}") == {"a": [1, 2.5, (None, True)], "c": -3 + 4j, "d": b"x"}
for source in (
    "def f[T: int](a, /, b=1, *c, d, **k) -> int:\n    return f'{a!r:>{b}}'",
    "match x:\n    case [1, *_, {'a': b, **r}] | C(1, k=2) as z if y:\n        pass",
    "try:\n    pass\nexcept* E as e:\n    raise X from Y\nfinally:\n    x += 1",
    "type A[X, *Y, **Z] = list[X]",
    "x = [i async for i in y if a if b]",
    "from ..a import b as c",
):
    assert ast.unparse(ast.parse(source)) == source, ast.unparse(ast.parse(source))
print("ok")
