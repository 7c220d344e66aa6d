"""json through its accelerator."""


def check(source, expected):
    try:
        got = repr(eval(source, globals()))
    except Exception as error:
        got = f"{type(error).__name__}: {error}"
    assert got == expected, f"{source}\n  got      {got}\n  expected {expected}"


def check_run(source, make, expected):
    names = make()
    try:
        exec(source, names)
        got = repr(names["a"])
    except Exception as error:
        got = f"{type(error).__name__}: {error}"
    assert got == expected, f"{source}\n  got      {got}\n  expected {expected}"

import json, _json
check('json.loads(\'{"a":1,}\')', 'JSONDecodeError: Illegal trailing comma before end of object: line 1 column 7 (char 6)')
check("json.loads('[1,]')", 'JSONDecodeError: Illegal trailing comma before end of array: line 1 column 3 (char 2)')
check('json.loads(\'{"a" 1}\')', "JSONDecodeError: Expecting ':' delimiter: line 1 column 6 (char 5)")
check("json.loads('{a:1}')", 'JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)')
check('json.loads(\'"abc\')', 'JSONDecodeError: Unterminated string starting at: line 1 column 1 (char 0)')
check('json.loads(\'"\\\\x"\')', 'JSONDecodeError: Invalid \\escape: line 1 column 2 (char 1)')
check('json.loads(\'"\\\\u12"\')', 'JSONDecodeError: Invalid \\uXXXX escape: line 1 column 3 (char 2)')
check('json.loads(\'"\\t"\')', 'JSONDecodeError: Invalid control character at: line 1 column 2 (char 1)')
check("json.loads('[1 2]')", "JSONDecodeError: Expecting ',' delimiter: line 1 column 4 (char 3)")
check("json.loads('')", 'JSONDecodeError: Expecting value: line 1 column 1 (char 0)')
check("json.loads('nan')", 'JSONDecodeError: Expecting value: line 1 column 1 (char 0)')
check("json.loads('NaN')", 'nan')
check("json.loads('-Infinity')", '-inf')
check("json.loads('-')", 'JSONDecodeError: Expecting value: line 1 column 1 (char 0)')
check("json.loads('01')", 'JSONDecodeError: Extra data: line 1 column 2 (char 1)')
check("json.loads('1.')", 'JSONDecodeError: Extra data: line 1 column 2 (char 1)')
check("json.loads('1e')", 'JSONDecodeError: Extra data: line 1 column 2 (char 1)')
check("json.loads('1.5e3')", '1500.0')
check('json.loads(\'{"a":[1,2,{"b":null}]}\')', "{'a': [1, 2, {'b': None}]}")
check('json.loads(\'"\\\\ud83d\\\\ude00"\')', "'😀'")
check('json.loads(\'"\\\\ud83d"\')', "'\\ud83d'")
check("json.loads('[')", 'JSONDecodeError: Expecting value: line 1 column 2 (char 1)')
check("json.loads('{')", 'JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)')
check('json.loads(\'{"a"\')', "JSONDecodeError: Expecting ':' delimiter: line 1 column 5 (char 4)")
check('json.loads(\'{"a":\')', 'JSONDecodeError: Expecting value: line 1 column 6 (char 5)')
check("json.loads('[1')", "JSONDecodeError: Expecting ',' delimiter: line 1 column 3 (char 2)")
check("json.loads('tru')", 'JSONDecodeError: Expecting value: line 1 column 1 (char 0)')
check('json.loads(\'"\\\\\')', 'JSONDecodeError: Unterminated string starting at: line 1 column 1 (char 0)')
check("json.loads('1e400')", 'inf')
check("json.loads('123456789012345678901234567890')", '123456789012345678901234567890')
check("json.loads('-0')", '0')
check("json.loads('-0.0')", '-0.0')
check("json.loads('[]')", '[]')
check("json.loads('{}')", '{}')
check("json.loads(' [ ] ')", '[]')
check('json.loads(\'{"a":1,"a":2}\')', "{'a': 2}")
check('json.loads(\'{"a":1 "b"}\')', "JSONDecodeError: Expecting ',' delimiter: line 1 column 8 (char 7)")
check("json.loads('[1,,2]')", 'JSONDecodeError: Expecting value: line 1 column 4 (char 3)')
check("json.loads('{,}')", 'JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)')
check('json.loads(\'{"a":1,\\n}\')', 'JSONDecodeError: Illegal trailing comma before end of object: line 1 column 7 (char 6)')
check("json.loads('[1,\\n]')", 'JSONDecodeError: Illegal trailing comma before end of array: line 1 column 3 (char 2)')
check('_json.scanstring(\'abc"\', 0)', "('abc', 4)")
check("_json.scanstring('abc', 0)", 'JSONDecodeError: Unterminated string starting at: line 1 column 0 (char -1)')
check('_json.scanstring(1, 0)', 'TypeError: first argument must be a string, not int')
check('_json.scanstring(\'abc"\', 10)', 'ValueError: end is out of bounds')
check('_json.scanstring(\'a\\nb"\', 0, False)', "('a\\nb', 4)")
check('_json.encode_basestring(\'a"\\\\\\n\\x01é\')', '\'"a\\\\"\\\\\\\\\\\\n\\\\u0001é"\'')
check('_json.encode_basestring_ascii(\'a"\\\\\\n\\x01é😀\')', '\'"a\\\\"\\\\\\\\\\\\n\\\\u0001\\\\u00e9\\\\ud83d\\\\ude00"\'')
check('_json.encode_basestring(1)', 'TypeError: first argument must be a string, not int')
check('_json.encode_basestring_ascii(1)', 'TypeError: first argument must be a string, not int')
d = {}
d['d'] = d
check('json.dumps(d)', 'ValueError: Circular reference detected')
l = []
l.append(l)
check('json.dumps(l)', 'ValueError: Circular reference detected')
check("json.dumps({1: 1, None: 2, True: 3, 1.5: 4, 'a': 5})", '\'{"1": 3, "null": 2, "1.5": 4, "a": 5}\'')
check('json.dumps({(1,): 1})', 'TypeError: keys must be str, int, float, bool or None, not tuple')
check('json.dumps({(1,): 1}, skipkeys=True)', "'{}'")
check('json.dumps(object())', 'TypeError: Object of type object is not JSON serializable')
check("json.dumps([1, 2.5, float('inf'), float('nan'), None, True, 'é', (1, 2)])", '\'[1, 2.5, Infinity, NaN, null, true, "\\\\u00e9", [1, 2]]\'')
check("json.dumps(float('inf'), allow_nan=False)", 'ValueError: Out of range float values are not JSON compliant: inf')
check("json.dumps([float('inf')], allow_nan=False)", 'ValueError: Out of range float values are not JSON compliant: inf')
check("json.dumps({'b': 1, 'a': [1, {}]}, indent=2, sort_keys=True)", '\'{\\n  "a": [\\n    1,\\n    {}\\n  ],\\n  "b": 1\\n}\'')
check('json.dumps([], indent=2)', "'[]'")
check("json.dumps({}, indent='x')", "'{}'")
check("json.dumps([1, 2], separators=(',', ':'))", "'[1,2]'")
check("json.dumps('é', ensure_ascii=False)", '\'"é"\'')
check('json.dumps([object()])', 'TypeError: Object of type object is not JSON serializable')
check("json.dumps({'a': object()})", 'TypeError: Object of type object is not JSON serializable')
check("json.dumps({'a': 1}, default=str)", '\'{"a": 1}\'')
check("json.dumps([object], default=lambda o: 'x')", '\'["x"]\'')
check('json.loads(\'{"a":1}\', object_hook=lambda d: list(d.items()))', "[('a', 1)]")
check('json.loads(\'{"a":1}\', object_pairs_hook=lambda d: d)', "[('a', 1)]")
check("json.loads('[1.5,2]', parse_float=str, parse_int=str)", "['1.5', '2']")
check("json.loads('NaN', parse_constant=lambda c: c)", "'NaN'")
check("json.dumps(eval('[' * 50 + ']' * 50))", "'[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]'")
class I(int):
    pass
class S(str):
    pass
class F(float):

    def __repr__(self):
        return 'F'
import enum
class E(enum.IntEnum):
    A = 1
check("json.dumps([I(5), S('a'), F(1.5), E.A, {E.A: 1, I(5): 2, F(1.5): 3}])", '\'[5, "a", 1.5, 1, {"1": 1, "5": 2, "1.5": 3}]\'')
check("json.dumps({1: 2, 'a': 3}, sort_keys=True)", "TypeError: '<' not supported between instances of 'str' and 'int'")
check("list(json.JSONEncoder().iterencode({'a': [1, 2]}))", '[\'{\', \'"a"\', \': \', \'[1\', \', 2\', \']\', \'}\']')
check("json.dumps({'a': {'b': [1, 2]}}, indent=1)", '\'{\\n "a": {\\n  "b": [\\n   1,\\n   2\\n  ]\\n }\\n}\'')
check('_json.make_scanner', "<class '_json.Scanner'>")
c = _json.make_encoder({}, lambda o: o, _json.encode_basestring_ascii, None, ':', ',', False, False, True)
check("c([1, 'a'], 0)", '(\'[1,"a"]\',)')
check('c.key_separator', "':'")
check('c(1)', "TypeError: _iterencode() missing required argument '_current_indent_level' (pos 2)")
check("json.loads('1 2')", 'JSONDecodeError: Extra data: line 1 column 3 (char 2)')
check('json.loads(\'"\\\\ud800\\\\u0041"\')', "'\\ud800A'")
check('json.dumps(10 ** 5000)', 'ValueError: Exceeds the limit (4300 digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit')
