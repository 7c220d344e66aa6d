"""codecs, _codecs and _string."""


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

import codecs, _codecs
check("codecs.lookup('utf8').name", "'utf-8'")
check("codecs.lookup('nosuch')", 'LookupError: unknown encoding: nosuch')
check("codecs.lookup_error('nosuch')", "LookupError: unknown error handler name 'nosuch'")
check("codecs.encode('é', 'latin1')", "b'\\xe9'")
check("codecs.decode(b'\\xe9', 'latin1')", "'é'")
check("codecs.encode(b'ab', 'hex')", "b'6162'")
check("codecs.decode(b'6162', 'hex')", "b'ab'")
check("codecs.encode('abc', 'rot13')", "'nop'")
check("codecs.encode(b'abc', 'base64')", "b'YWJj\\n'")
check("_codecs.utf_8_decode(b'\\xe2\\x82')", "('', 0)")
check("_codecs.utf_8_decode(b'\\xe2\\x82', 'strict', True)", "UnicodeDecodeError: 'utf-8' codec can't decode bytes in position 0-1: unexpected end of data")
check("_codecs.utf_16_ex_decode(b'\\xff\\xfea\\x00')", "('a', 4, -1)")
check("_codecs.utf_16_ex_decode(b'a\\x00', 'strict', 0, 1)", "('a', 2, 0)")
check("_codecs.utf_8_encode('é')", "(b'\\xc3\\xa9', 1)")
check('_codecs.utf_8_encode(1)', 'TypeError: utf_8_encode() argument 1 must be str, not int')
check("_codecs.escape_decode(b'a\\\\n\\\\x41\\\\101')", "(b'a\\nAA', 11)")
check("_codecs.escape_decode(b'\\\\x4')", 'ValueError: invalid \\x escape at position 0')
check("_codecs.escape_decode(b'\\\\x4', 'replace')", "(b'?', 3)")
check('_codecs.escape_encode(b"a\\n\'\\xff")', '(b"a\\\\n\\\\\'\\\\xff", 4)')
check("_codecs.unicode_escape_decode('\\\\u0041\\\\N{DIGIT ONE}')", "('A1', 19)")
check("_codecs.charmap_decode(b'ab', 'strict', {97: 'x', 98: None})", "UnicodeDecodeError: 'charmap' codec can't decode byte 0x62 in position 1: character maps to <undefined>")
check("_codecs.charmap_decode(b'ab', 'replace', {97: 'x'})", "('x�', 2)")
check("_codecs.charmap_decode(b'\\x00\\x01', 'strict', 'xy')", "('xy', 2)")
check("_codecs.charmap_encode('ab', 'strict', {97: 120, 98: b'yz'})", "(b'xyz', 2)")
check("_codecs.charmap_encode('ab', 'strict', {97: 120})", "UnicodeEncodeError: 'charmap' codec can't encode character '\\x62' in position 1: character maps to <undefined>")
check("_codecs.charmap_encode('ab', 'replace', {97: 120, 63: 33})", "(b'x!', 2)")
check("_codecs.charmap_build('ab')", '{97: 0, 98: 1}')
check("_codecs.readbuffer_encode('é')", "(b'\\xc3\\xa9', 2)")
check("_codecs.latin_1_encode('€', 'ignore')", "(b'', 1)")
check("_codecs.ascii_decode(b'a\\xff', 'ignore')", "('a', 2)")
check('_codecs.register(1)', 'TypeError: argument must be callable')
check("_codecs.register_error('x', 1)", 'TypeError: handler must be callable')
check("_codecs._unregister_error('strict')", "ValueError: cannot un-register built-in error handler 'strict'")
check("_codecs._unregister_error('zzz')", 'False')
check("codecs.getincrementaldecoder('utf-8')().decode(b'\\xe2\\x82')", "''")
check('codecs.ignore_errors(1)', "TypeError: don't know how to handle int in error callback")
check("codecs.replace_errors(UnicodeEncodeError('ascii', 'aé', 1, 2, 'x'))", "('?', 2)")
check("codecs.xmlcharrefreplace_errors(UnicodeDecodeError('ascii', b'a', 0, 1, 'x'))", "TypeError: don't know how to handle UnicodeDecodeError in error callback")
check("codecs.strict_errors(ValueError('q'))", 'ValueError: q')
check("codecs.backslashreplace_errors(UnicodeTranslateError('aé', 1, 2, 'x'))", "('\\\\xe9', 2)")
check("codecs.lookup_error('surrogateescape')(UnicodeDecodeError('ascii', b'a\\xff', 1, 2, 'x'))", "('\\udcff', 2)")
codecs.register_error('my.test', lambda e: ('<%d-%d>' % (e.start, e.end), e.end))
check("'aééb'.encode('ascii', 'my.test')", "b'a<1-3>b'")
check("b'a\\xff\\xfeb'.decode('ascii', 'my.test')", "'a<1-2><2-3>b'")
check("'€'.encode('cp437', 'my.test')", "b'<0-1>'")
codecs.register_error('my.bytes', lambda e: (b'!', e.end))
check("'aé'.encode('ascii', 'my.bytes')", "b'a!'")
check("b'\\xff'.decode('ascii', 'my.bytes')", 'TypeError: decoding error handler must return (str, int) tuple')
codecs.register_error('my.bad', lambda e: 5)
check("'é'.encode('ascii', 'my.bad')", 'TypeError: encoding error handler must return (str/bytes, int) tuple')
check("b'\\xff'.decode('ascii', 'my.bad')", 'TypeError: decoding error handler must return (str, int) tuple')
codecs.register_error('my.pos', lambda e: ('', 100))
check("'é'.encode('ascii', 'my.pos')", 'IndexError: position 100 from error handler out of bounds')
check("b'\\xff'.decode('ascii', 'my.pos')", 'IndexError: position 100 from error handler out of bounds')
import _string
check("list(_string.formatter_parser('a{b!r:c}d{{'))", "[('a', 'b', 'c', 'r'), ('d{', None, None, None)]")
check("_string.formatter_field_name_split('a.b[0][x]')[0]", "'a'")
check("list(_string.formatter_field_name_split('a.b[0][x]')[1])", "[(True, 'b'), (False, 0), (False, 'x')]")
check('_string.formatter_parser(1)', 'TypeError: expected str, got int')
check("_string.formatter_field_name_split('0')[0]", '0')
check("list(_string.formatter_parser('}'))", "ValueError: Single '}' encountered in format string")
