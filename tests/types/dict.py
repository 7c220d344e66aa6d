import types

def raises(kind, text, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as error:
        assert text is None or str(error) == text, (str(error), text)
        return error
    raise AssertionError(f"{kind.__name__} expected")

# construction
assert dict() == {} and dict(a=1) == {"a": 1} and dict([("a", 1), ["b", 2]]) == {"a": 1, "b": 2}
assert dict({1: 2}, x=3) == {1: 2, "x": 3} and dict(["ab", "cd"]) == {"a": "b", "c": "d"}
raises(TypeError, "object is not iterable", dict, [1])
raises(ValueError, "dictionary update sequence element #0 has length 1; 2 is required", dict, [(1,)])
raises(ValueError, "dictionary update sequence element #1 has length 3; 2 is required", dict, ["ab", "abc"])
raises(TypeError, "'int' object is not iterable", dict, 1)
raises(TypeError, "dict expected at most 1 argument, got 2", dict, 1, 2)
class Mapping:
    def keys(self): return ["a", "b"]
    def __getitem__(self, key): return key * 2
assert dict(Mapping()) == {"a": "aa", "b": "bb"}
assert dict.fromkeys("ab") == {"a": None, "b": None} and dict.fromkeys([1, 2], 0) == {1: 0, 2: 0}

# order, equality of keys
d = {}
for i in range(1000): d[i] = i
for i in range(0, 1000, 2): del d[i]
assert list(d) == list(range(1, 1000, 2)) and len(d) == 500
for i in range(0, 10, 2): d[i] = -i
assert list(d)[-5:] == [0, 2, 4, 6, 8]
d = {1: "int"}
d[1.0] = "float"
d[True] = "bool"
assert d == {1: "bool"} and type(list(d)[0]) is int
assert {2**61 - 1: 1}[2.0**61 - 1 if False else 2**61 - 1] == 1 and {0: "z"}[-0.0] == "z" and {-1: 1, -2: 2} == {-2: 2, -1: 1}
nan = float("nan")
d = {nan: 1}
assert d[nan] == 1 and float("nan") not in d
d = {"a" * 3: 1}
assert d["aa" + "a"] == 1

# access
d = {"a": 1}
assert d["a"] == 1 and d.get("b") is None and d.get("b", 2) == 2 and "a" in d and 1 not in d
error = raises(KeyError, "'b'", lambda: d["b"])
assert error.args == ("b",)
error = raises(KeyError, None, lambda: d[(1, 2)])
assert error.args == ((1, 2),)
raises(TypeError, "cannot use 'list' as a dict key (unhashable type: 'list')", lambda: d[[]])
raises(TypeError, "cannot use 'list' as a dict key (unhashable type: 'list')", d.__setitem__, [], 1)
raises(TypeError, "cannot use 'list' as a dict key (unhashable type: 'list')", lambda: [] in d)
assert d.setdefault("a", 5) == 1 and d.setdefault("c", 5) == 5 and d.setdefault("e") is None
assert d.pop("a") == 1 and d.pop("a", None) is None
raises(KeyError, "'a'", d.pop, "a")
assert d.popitem() == ("e", None) and d.popitem() == ("c", 5)
raises(KeyError, "'popitem(): dictionary is empty'", d.popitem)
def delete(): del d["q"]
raises(KeyError, "'q'", delete)
d.update({1: 2}, x=3); d.update([(4, 5)]); d.update()
assert d == {1: 2, "x": 3, 4: 5}
c = d.copy()
assert c == d and c is not d and d.clear() is None and d == {} and c != d
raises(TypeError, "update expected at most 1 argument, got 2", d.update, 1, 2)
raises(TypeError, "pop expected at least 1 argument, got 0", d.pop)

# operators
assert {1: 2} | {3: 4} == {1: 2, 3: 4} and {1: 2} | {1: 3} == {1: 3}
d = e = {1: 2}
d |= [(3, 4)]
d |= {5: 6}
assert e == {1: 2, 3: 4, 5: 6}
raises(TypeError, "unsupported operand type(s) for |: 'dict' and 'int'", lambda: {} | 1)
raises(TypeError, "'<' not supported between instances of 'dict' and 'dict'", lambda: {} < {})
raises(TypeError, "unhashable type: 'dict'", hash, {})
assert {1: 2, 3: 4} == {3: 4, 1: 2} and {1: 2} != {1: 3} and {1: 2} != {2: 2} and {1: nan} == {1: nan}

# repr
d = {1: "a", "b": [2.5]}
d["self"] = d
assert repr(d) == "{1: 'a', 'b': [2.5], 'self': {...}}" and repr({}) == "{}"

# views
d = {"a": 1, "b": 2}
keys, values, items = d.keys(), d.values(), d.items()
assert list(keys) == ["a", "b"] and list(values) == [1, 2] and list(items) == [("a", 1), ("b", 2)]
assert repr(keys) == "dict_keys(['a', 'b'])" and repr(values) == "dict_values([1, 2])" and repr(items) == "dict_items([('a', 1), ('b', 2)])"
d["c"] = 3
assert len(keys) == len(values) == len(items) == 3 and "c" in keys and 3 in values and ("c", 3) in items and ("c", 4) not in items
assert "c" not in items and ("x", 1) not in items
assert keys & {"a", "z"} == {"a"} and keys | ["z"] == {"a", "b", "c", "z"} and keys - {"a"} == {"b", "c"} and keys ^ {"a", "q"} == {"b", "c", "q"}
assert {"a", "q"} - keys == {"q"} and {"a", "q"} & keys == {"a"} and {"q"} | keys == {"q", "a", "b", "c"}
assert keys == {"a", "b", "c"} and keys >= {"a"} and keys > {"a"} and not keys < {"a"} and keys <= {"a", "b", "c"} and keys != {"a"}
assert items & [("a", 1)] == {("a", 1)} and items == {("a", 1), ("b", 2), ("c", 3)} and keys == d.keys() and items > {("a", 1)}
assert keys.isdisjoint("xyz") and not keys.isdisjoint("xyza") and items.isdisjoint([1]) and not d.keys() == ["a", "b", "c"]
assert type(keys & keys) is set and type(keys.mapping) is types.MappingProxyType and keys.mapping == d
assert list(reversed(d)) == ["c", "b", "a"] and list(reversed(values)) == [3, 2, 1] and list(reversed(items))[0] == ("c", 3)
raises(TypeError, "unhashable type: 'dict_keys'", hash, keys)
assert values != d.values()

# iterators
it = iter(d)
assert it.__length_hint__() == 3 and next(it) == "a" and it.__length_hint__() == 2 and it.__reduce__() == (iter, (["b", "c"],))
assert list(it) == ["b", "c"] and list(it) == []
assert [type(iter(v)).__name__ for v in (keys, values, items)] == ["dict_keyiterator", "dict_valueiterator", "dict_itemiterator"]
assert [type(reversed(v)).__name__ for v in (keys, values, items)] == ["dict_reversekeyiterator", "dict_reversevalueiterator", "dict_reverseitemiterator"]
def grow():
    d = {1: 1}
    for k in d: d[k + 1] = 1
raises(RuntimeError, "dictionary changed size during iteration", grow)
def rewrite():
    d = {0: 0}
    for k in d: del d[0]; d[0] = 0
raises(RuntimeError, "dictionary keys changed during iteration", rewrite)
d = {1: 1, 2: 2}
for k in d: d[k] += 1
assert d == {1: 2, 2: 3}
it = iter(d); d[3] = 3
raises(RuntimeError, "dictionary changed size during iteration", next, it)
raises(RuntimeError, "dictionary changed size during iteration", next, it)

# subclasses
class Default(dict):
    def __missing__(self, key): return key * 2
d = Default(a=1)
assert d["a"] == 1 and d["x"] == "xx" and d.get("x") is None and "x" not in d and type(d.copy()) is dict and type(d | {}) is dict
assert type(Default.fromkeys("a")) is Default and dict[str, int].__args__ == (str, int)
class Setter(dict):
    def __setitem__(self, key, value): super().__setitem__(key, value + 1)
assert Setter.fromkeys([1, 2], 5) == {1: 6, 2: 6} and Setter(a=1) == {"a": 1}

# mappingproxy
d = {"a": 1}
p = types.MappingProxyType(d)
assert p["a"] == 1 and len(p) == 1 and "a" in p and list(p) == ["a"] and p == d and p.get("z", 5) == 5 and repr(p) == "mappingproxy({'a': 1})"
assert list(p.items()) == [("a", 1)] and list(p.keys()) == ["a"] and list(p.values()) == [1] and p.copy() == d and p | {"b": 2} == {"a": 1, "b": 2}
assert str(p) == "{'a': 1}" and list(reversed(p)) == ["a"]
def assign(): p["b"] = 1
raises(TypeError, "'mappingproxy' object does not support item assignment", assign)
raises(TypeError, "mappingproxy() argument must be a mapping, not list", types.MappingProxyType, [])
raises(TypeError, "mappingproxy() argument must be a mapping, not int", types.MappingProxyType, 1)
raises(TypeError, "'|=' is not supported by mappingproxy; use '|' instead", p.__ior__, {})
print("ok")

# keys of a subclass of str are found by name, wherever names are looked up
class Name(str):
    pass
class Holder:
    pass
holder = Holder()
holder.__dict__[Name("a")] = 1
setattr(holder, Name("b"), 2)
holder.__dict__.update({Name("c"): 3})
assert (holder.a, holder.b, holder.c) == (1, 2, 3)
made = type("Made", (), {Name("d"): 4})
assert (made.d, made().d) == (4, 4)
globals()[Name("named")] = 5
assert named == 5
names = {Name("x"): 6}
exec("y = x + 1", names)
assert names["y"] == 7
