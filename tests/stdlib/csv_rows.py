"""csv: reading, writing, dialects, errors."""
import _csv
import csv
import io


def raises(error, text, call):
    try:
        call()
    except error as e:
        assert str(e) == text, str(e)
    else:
        raise AssertionError(f"no {error.__name__}")


def written(row, **parameters):
    out = io.StringIO()
    csv.writer(out, **parameters).writerow(row)
    return out.getvalue()


assert list(csv.reader(['a"b,c', '"x""y",z', '"a\nb', ' c"'])) == [['a"b', "c"], ['x"y', "z"], ["a\nb c"]]
assert list(csv.reader(['1,"2",,""'], quoting=csv.QUOTE_STRINGS)) == [[1.0, "2", None, ""]]
assert list(csv.reader(['1,"2",,""'], quoting=csv.QUOTE_NOTNULL)) == [["1", "2", None, ""]]
assert list(csv.reader(["a\\,b"], escapechar="\\", quoting=csv.QUOTE_NONE)) == [["a,b"]]
assert list(csv.reader(["", ' "a" , b'], skipinitialspace=True)) == [[], ["a ", "b"]]
raises(csv.Error, "',' expected after '\"'", lambda: list(csv.reader(['"a"b'], strict=True)))
raises(csv.Error, "unexpected end of data", lambda: list(csv.reader(['"ab'], strict=True)))
raises(TypeError, '"delimiter" must be a unicode character, not a string of length 2', lambda: csv.reader([], delimiter="ab"))
raises(ValueError, "bad delimiter or quotechar value", lambda: csv.reader([], delimiter='"'))

assert written([1, 2.5, None, 'a"b', "c,d", "e\n", "", " "]) == '1,2.5,,"a""b","c,d","e\n",, \r\n'
assert written([""]) == '""\r\n' and written([]) == "\r\n"
assert written(["a,b", '"', "\\", "\n"], quoting=csv.QUOTE_NONE, escapechar="\\") == 'a\\,b,\\",\\\\,\\\n\r\n'
assert written([None, 1, "a", 2.5], quoting=csv.QUOTE_NONNUMERIC) == '"",1,"a",2.5\r\n'
raises(csv.Error, "need to escape, but no escapechar set", lambda: written(["a,b"], quoting=csv.QUOTE_NONE))
raises(csv.Error, "iterable expected, not int", lambda: csv.writer(io.StringIO()).writerow(3))

assert csv.list_dialects() == ["excel", "excel-tab", "unix"]
csv.register_dialect("semi", delimiter=";")
assert csv.get_dialect("semi").delimiter == ";"
csv.unregister_dialect("semi")
raises(csv.Error, "unknown dialect", lambda: csv.get_dialect("semi"))
dialect = _csv.Dialect()
assert _csv.Dialect(dialect) is dialect
old = csv.field_size_limit(5)
raises(csv.Error, "field larger than field limit (5)", lambda: list(csv.reader(["abcdef"])))
csv.field_size_limit(old)
print("ok")
