# pyexpat: events, places, errors, entities, encodings, and handlers that misbehave.
import io
import pyexpat
from xml.parsers import expat

HANDLERS = [n for n in dir(expat.XMLParserType) if n.endswith("Handler")]


def events(data, *, chunk=0, wanted=None, final=True, setup=None, **options):
    parser = expat.ParserCreate(**options)
    log = []

    def handler(name):
        def call(*args):
            log.append((name.removesuffix("Handler"), *args))
            return 1
        return call

    for name in wanted or HANDLERS:
        if name != "DefaultHandler" or wanted:
            setattr(parser, name, handler(name))
    if setup:
        setup(parser, log)
    try:
        if chunk:
            for at in range(0, len(data), chunk):
                parser.Parse(data[at:at + chunk])
            parser.Parse(b"", True)
        else:
            parser.Parse(data, final)
    except expat.ExpatError as error:
        log.append(str(error))
    return log


# Elements, text, the rest.
assert events(b"<a x='1'>t\nu&amp;<b/><?p  d ?><!--c--><![CDATA[<]]></a>") == [
    ("StartElement", "a", {"x": "1"}),
    ("CharacterData", "t"), ("CharacterData", "\n"), ("CharacterData", "u"), ("CharacterData", "&"),
    ("StartElement", "b", {}), ("EndElement", "b"),
    ("ProcessingInstruction", "p", "d "), ("Comment", "c"),
    ("StartCdataSection",), ("CharacterData", "<"), ("EndCdataSection",),
    ("EndElement", "a"),
]

# Namespaces.
ns = b"<p:a xmlns:p='u:1' xmlns='u:2' p:x='' y=''><b xmlns=''/></p:a>"
assert events(ns, namespace_separator=" ") == [
    ("StartNamespaceDecl", "p", "u:1"), ("StartNamespaceDecl", None, "u:2"),
    ("StartElement", "u:1 a", {"u:1 x": "", "y": ""}),
    ("StartNamespaceDecl", None, None), ("StartElement", "b", {}), ("EndElement", "b"),
    ("EndNamespaceDecl", None),
    ("EndElement", "u:1 a"), ("EndNamespaceDecl", None), ("EndNamespaceDecl", "p"),
]


def triplets(parser, log):
    parser.namespace_prefixes = True
    parser.ordered_attributes = True


assert events(ns, namespace_separator="^", wanted=["StartElementHandler"], setup=triplets)[0] == (
    "StartElement", "u:1^a^p", ["u:1^x^p", "", "y", ""])

# Declarations.
dtd = b"""<!DOCTYPE d PUBLIC 'p  q' "s" [<!ELEMENT d (a,(b|c?)*)+><!ATTLIST d k (x|y) 'y' n NMTOKENS #IMPLIED r ID #REQUIRED>
<!ENTITY e "a&#66;"><!ENTITY o SYSTEM "o"><!ENTITY u PUBLIC "pp" "uu" NDATA n><!NOTATION n SYSTEM "nn">]><d n=' 1  2 '>&e;</d>"""
log = events(dtd, wanted=[n for n in HANDLERS if not n.startswith(("Default", "NotStandalone"))])
assert log == [
    ("StartDoctypeDecl", "d", "s", "p q", 1),
    ("ElementDecl", "d", (6, 3, None, ((4, 0, "a", ()), (5, 2, None, ((4, 0, "b", ()), (4, 1, "c", ())))))),
    ("AttlistDecl", "d", "k", "(x|y)", "y", 0),
    ("AttlistDecl", "d", "n", "NMTOKENS", None, 0),
    ("AttlistDecl", "d", "r", "ID", None, 1),
    ("EntityDecl", "e", 0, "aB", None, None, None, None),
    ("EntityDecl", "o", 0, None, None, "o", None, None),
    ("UnparsedEntityDecl", "u", None, "uu", "pp", "n"),
    ("NotationDecl", "n", None, "nn", None),
    ("EndDoctypeDecl",),
    ("StartElement", "d", {"n": "1 2", "k": "y"}),
    ("CharacterData", "aB"),
    ("EndElement", "d"),
]

# Every way to cut a document gives the same events, but for text.
def joined(log):
    out = []
    for event in log:
        if event[0] == "CharacterData" and out and out[-1][0] == "CharacterData":
            out[-1] = ("CharacterData", out[-1][1] + event[1])
        else:
            out.append(event)
    return out


document = "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY e 'x<i/>'>]><a b='1\u00e9&lt;'>t\r\nu]]&gt;&e;<![CDATA[]]]]></a><!-- - -->"
for encoding in "utf-8", "utf-16", "utf-16-le":
    data = document.encode(encoding)
    whole = joined(events(data))
    assert ("StartElement", "a", {"b": "1\u00e9<"}) in whole
    assert ("CharacterData", "t\nu]]>x") in whole and ("StartElement", "i", {}) in whole, whole
    for size in range(1, 40):
        assert joined(events(data, chunk=size)) == whole, size

# Errors have numbers, texts and places.
for data, message in [
    (b"", "no element found: line 1, column 0"),
    (b"<a", "unclosed token: line 1, column 0"),
    (b"<a>\n</b>", "mismatched tag: line 2, column 2"),
    (b"<a b='1' b='2'/>", "duplicate attribute: line 1, column 9"),
    (b"<a>&no;</a>", "undefined entity: line 1, column 3"),
    (b"<a/><b/>", "junk after document element: line 1, column 4"),
    (b"<a>\xff</a>", "not well-formed (invalid token): line 1, column 3"),
    (b"<a>]]></a>", "not well-formed (invalid token): line 1, column 5"),
    (b"<a>&#0;</a>", "reference to invalid character number: line 1, column 3"),
    (b"<a><![CDATA[", "unclosed CDATA section: line 1, column 12"),
    (b"<!DOCTYPE a [<!ENTITY e '&f;'><!ENTITY f '&e;'>]><a>&e;</a>", "recursive entity reference: line 1, column 52"),
    (b"<!DOCTYPE a [<!ENTITY e '<b>'>]><a>&e;</a>", "asynchronous entity: line 1, column 35"),
    (b"<?xml version='2.0'?><a/>", "XML declaration not well-formed: line 1, column 15"),
    (b"<?xml version='1.0' encoding='utf-16'?><a/>", "encoding specified in XML declaration is incorrect: line 1, column 30"),
]:
    assert events(data, wanted=["StartElementHandler"])[-1] == message, (data, events(data))
try:
    expat.ParserCreate().Parse(b"<a>", True)
except expat.ExpatError as error:
    assert (error.code, error.lineno, error.offset) == (3, 1, 3)
    assert expat.ErrorString(error.code) == "no element found" == expat.errors.XML_ERROR_NO_ELEMENTS
assert events(b"<p:a/>", namespace_separator=" ")[-1] == "unbound prefix: line 1, column 0"

# Entities from outside.
def resolving(texts):
    def setup(parser, log):
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_ALWAYS)

        def resolve(context, base, system_id, public_id):
            log.append(("external", context, system_id))
            child = parser.ExternalEntityParserCreate(context)
            child.Parse(texts[system_id], True)
            return 1
        parser.ExternalEntityRefHandler = resolve
    return setup


outside = {
    "dtd": b"<!ENTITY % more '<!ENTITY inner \"I\">'>%more;<!ATTLIST a k CDATA 'v'><![IGNORE[ <![ x ]]> ]]>",
    "text": b"<?xml version='1.0' encoding='iso-8859-1'?>\xe9<b/>",
}
assert events(b"<!DOCTYPE a SYSTEM 'dtd' [<!ENTITY t SYSTEM 'text'>]><a>&t;&inner;</a>",
              wanted=["StartElementHandler", "CharacterDataHandler"], setup=resolving(outside)) == [
    ("external", None, "dtd"),
    ("StartElement", "a", {"k": "v"}),
    ("external", "t", "text"),
    ("CharacterData", "\u00e9"), ("StartElement", "b", {}),
    ("CharacterData", "I"),
]

# Encodings that Python knows.
for encoding in "iso-8859-5", "koi8-r", "cp1251":
    text = f"<?xml version='1.0' encoding='{encoding}'?><a>\u0439</a>"
    assert ("CharacterData", "\u0439") in events(text.encode(encoding))
for encoding, kind in ("no-such", LookupError), ("shift_jis", (ValueError, LookupError)), ("cp037", expat.ExpatError):
    try:
        expat.ParserCreate().Parse(f"<?xml version='1.0' encoding='{encoding}'?><a/>".encode(), True)
    except Exception as error:
        assert isinstance(error, kind), error
    else:
        assert False

# Text is collected.
parser = expat.ParserCreate()
parser.buffer_text = True
parser.buffer_size = 10
got = []
parser.CharacterDataHandler = got.append
parser.Parse(b"<a>abc&lt;def\n")
assert got == ["abc<def\n"] and parser.buffer_used == 0, got
parser.Parse(b"0123456789ABC</a>", True)
assert "".join(got) == "abc<def\n0123456789ABC" and len(got) == 2

# Handlers that do things they should not.
parser = expat.ParserCreate()


def again(*args):
    for call in (lambda: parser.Parse(b"x"), lambda: parser.ParseFile(io.BytesIO(b"x"))):
        try:
            call()
        except RuntimeError as error:
            assert "from within a handler" in str(error)
        else:
            assert False
    parser.StartElementHandler = None
    parser.EndElementHandler = lambda name: parser.__setattr__("CharacterDataHandler", None)


parser.StartElementHandler = again
parser.CharacterDataHandler = got.append
parser.Parse(b"<a><b/>text</a>", True)
assert got[-1] != "text"

parser = expat.ParserCreate()
parser.StartElementHandler = lambda *args: 1 // 0
parser.EndElementHandler = got.append
try:
    parser.Parse(b"<a/>", True)
except ZeroDivisionError:
    assert parser.EndElementHandler is None and parser.ErrorCode == 35
else:
    assert False

holder = []
for _ in range(3):
    holder = [expat.ParserCreate()]
    holder[0].StartElementHandler = lambda *args: holder.clear()
    holder[0].Parse(b"<a><b/></a>", True)
    assert not holder

# Laughter ends.
laughs = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 10}">' for i in range(9))
try:
    expat.ParserCreate().Parse(f'<!DOCTYPE l [<!ENTITY l0 "ha">{laughs}]><l>&l9;</l>', True)
except expat.ExpatError as error:
    assert error.code == 43, error
else:
    assert False

# Depth is no danger.
depth = 100_000
parser = expat.ParserCreate()
parser.Parse(b"<a>" * depth + b"</a>" * depth, True)
