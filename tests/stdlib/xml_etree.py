# _elementtree: elements, builders, the parser, events; and programs that change trees behind their backs.
import copy
import gc
import io
import pickle
import weakref
import xml.etree.ElementTree as ET
from _elementtree import Element, SubElement, TreeBuilder, XMLParser

assert ET.Element is Element and ET.XMLParser is XMLParser and Element is not ET._Element_Py


def raises(kind, function, *args, **names):
    try:
        function(*args, **names)
    except kind as error:
        return str(error)
    raise AssertionError(f"{function} did not raise")


# Making, attributes.
given = {"a": "1"}
e = Element("tag", given, b="2")
assert e.attrib == {"a": "1", "b": "2"} and given == {"a": "1"}
assert (e.tag, e.text, e.tail, len(e)) == ("tag", None, None, 0)
assert e.get("a") == "1" and e.get("z") is None and e.get("z", 5) == 5
e.set("c", "3")
assert e.keys() == ["a", "b", "c"] and e.items()[-1] == ("c", "3")
assert Element("t", attrib={"x": "y"}, z="w").attrib == {"x": "y", "z": "w"}
assert raises(TypeError, Element) == "Element() takes at least 1 argument (0 given)"
assert raises(TypeError, Element, "a", 1) == "Element() argument 2 must be dict, not int"
assert raises(AttributeError, delattr, e, "tag") == "can't delete element attribute"
assert raises(TypeError, setattr, e, "attrib", 1) == "attrib must be dict, not int"
assert repr(e).startswith("<Element 'tag' at 0x")

# Children.
children = [SubElement(e, f"c{i}") for i in range(6)]
assert list(e) == children and e[0] is children[0] and e[-1] is children[-1]
assert e[1:5:2] == [children[1], children[3]] and e[::-1] == children[::-1]
e[0] = new = Element("n")
assert e[0] is new
e[1:3] = [Element("x"), Element("y"), Element("z")]
assert [c.tag for c in e] == ["n", "x", "y", "z", "c3", "c4", "c5"]
del e[::2]
assert [c.tag for c in e] == ["x", "z", "c4"]
e[::-1] = (Element("1"), Element("2"), Element("3"))
assert [c.tag for c in e] == ["3", "2", "1"]
del e[5:]
e.insert(-1, Element("i"))
e.insert(99, Element("j"))
assert [c.tag for c in e] == ["3", "2", "i", "1", "j"]
e.remove(e[1])
assert raises(ValueError, e.remove, Element("2")) == "Element.remove(x): element not found"
e.extend(Element(t) for t in "pq")
assert [c.tag for c in e] == ["3", "i", "1", "j", "p", "q"]
assert raises(IndexError, lambda: e[9]) == "child index out of range"
assert raises(TypeError, lambda: e["x"]) == "element indices must be integers"
assert raises(TypeError, e.append, 1) == "append() argument 1 must be xml.etree.ElementTree.Element, not int"
assert raises(TypeError, e.extend, [1]) == 'expected an Element, not "int"'
assert "size 1 to extended slice of size 3" in raises(ValueError, e.__setitem__, slice(None, None, 2), [new])
e.clear()
assert len(e) == 0 and e.attrib == {}

# Text, paths, walks.
root = ET.XML("<r>0<a k='1'>1<b>2</b>3</a>4<!-- no --><a>5<c:d xmlns:c='u'/></a>6</r>")
assert "".join(root.itertext()) == "0123456"
assert [x.tag for x in root.iter()] == ["r", "a", "b", "a", "{u}d"]
assert [x.tag for x in root.iter("a")] == ["a", "a"] == [x.tag for x in root.findall("a")]
assert root.find("b") is None and root.find("a/b").text == "2" and root.findtext("a/b") == "2"
assert root.findtext("nothing", "else") == "else" and root.findtext(".//{u}d") == ""
assert root.find("a[@k='1']/b") is root[0][0] and len(list(root.iterfind(".//*"))) == 4
walk = root.iter()
next(walk)
root[0].append(Element("late"))
assert [x.tag for x in walk] == ["a", "b", "late", "a", "{u}d"]
mixed = Element("m")
mixed.text = "a"
comment = ET.Comment("hidden")
comment.tail = "b"
mixed.append(comment)
assert list(mixed.itertext()) == ["a", "b"]

# Copies.
assert copy.copy(root)[0] is root[0]
deep = copy.deepcopy(root)
assert ET.tostring(deep) == ET.tostring(root) and deep[0] is not root[0]
assert ET.tostring(pickle.loads(pickle.dumps(root))) == ET.tostring(root)
assert root.makeelement("m", {"k": "v"}).attrib == {"k": "v"}


class Mine(Element):
    pass


mine = Mine("m", {"k": "v"})
mine.extra = 1
assert mine.extra == 1 and copy.deepcopy(mine).get("k") == "v"
mine.tag = mine
assert raises(RuntimeError, repr, mine) == "reentrant call inside Mine.__repr__"

# Cycles are collected; weak references work.
parent = Element("p")
child = SubElement(parent, "c")
child.append(parent)
child.text = parent
ref = weakref.ref(parent)
del parent, child, mine
gc.collect()
assert ref() is None

# A chain of a great many elements is neither made nor freed in depth.
deep = Element("deep")
at = deep
for _ in range(100_000):
    at = SubElement(at, "d")
assert sum(1 for _ in deep.iter()) == 100_001
try:
    copy.deepcopy(deep)
except RecursionError:
    pass
del deep, at

# Builders.
builder = TreeBuilder()
builder.start("a", {})
builder.data("x")
builder.data("y")
builder.start("b", {"k": "v"})
builder.end("b")
builder.data("z")
assert builder.end("a").tag == "a"
assert ET.tostring(builder.close()) == b'<a>xy<b k="v" />z</a>'
assert raises(IndexError, builder.end, "a") == "pop from empty stack"
assert raises(ET.ParseError, builder.start, "second", {}) == "multiple elements on top level"
assert TreeBuilder().close() is None
made = []
builder = TreeBuilder(element_factory=lambda tag, attrib: made.append(tag) or Element(tag, attrib))
parser = XMLParser(target=builder)
parser.feed("<a>t<b/>u</a>")
assert ET.tostring(parser.close()) == b"<a>t<b />u</a>" and made == ["a", "b"]
builder = TreeBuilder(insert_comments=True, insert_pis=True)
parser = XMLParser(target=builder)
parser.feed("<a>1<!--c-->2<?p i?>3</a>")
assert ET.tostring(parser.close()) == b"<a>1<!--c-->2<?p i?>3</a>"


class Target:
    def __init__(self):
        self.log = []

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args: self.log.append((name, *args)) or "closed"


target = Target()
parser = XMLParser(target=target)
parser.feed("<!DOCTYPE a SYSTEM 's'><a xmlns='u' k='v'>x\n&amp;<!--c--><?p i?></a>")
assert parser.close() == "closed"
assert target.log == [
    ("doctype", "a", None, "s"), ("start_ns", "", "u"), ("start", "{u}a", {"k": "v"}),
    ("data", "x"), ("data", "\n"), ("data", "&"), ("comment", "c"), ("pi", "p", "i"),
    ("end", "{u}a"), ("end_ns", ""), ("close",),
], target.log

# Errors, entities, encodings.
for text, message in [
    ("<a>", "no element found: line 1, column 3"),
    ("<a></b>", "mismatched tag: line 1, column 5"),
    ("<a>&x;</a>", "undefined entity: line 1, column 3"),
    ("<!DOCTYPE a SYSTEM 's'><a>&x;</a>", "undefined entity &x;: line 1, column 26"),
]:
    try:
        ET.XML(text)
    except ET.ParseError as error:
        assert str(error) == message and error.position == (1, int(message.rsplit(" ", 1)[1])), error
    else:
        assert False
parser = XMLParser()
parser.entity["x"] = "known"
parser.feed("<!DOCTYPE a SYSTEM 's'><a>&x;</a>")
assert parser.close().text == "known"
for encoding in "utf-8", "utf-16", "iso-8859-1", "cp1252", "koi8-r":
    text = "b\u00fc" if encoding != "koi8-r" else "\u0436"
    data = f"<?xml version='1.0' encoding='{encoding}'?><a k='{text}'>{text}\U0001f600</a>" if encoding.startswith(
        "utf") else f"<?xml version='1.0' encoding='{encoding}'?><a k='{text}'>{text}</a>"
    root = ET.XML(data.encode(encoding))
    assert root.get("k") == text and root.text.startswith(text)
assert ET.parse(io.StringIO("<?xml version='1.0' encoding='utf-16'?><a>\u20ac</a>")).getroot().text == "\u20ac"
assert raises(ValueError, XMLParser.__new__(XMLParser).feed, "x") == "XMLParser.__init__() wasn't called"

# Events, in pieces.
document = "<a xmlns:n='u'><b>t</b><!--c--><n:c/></a>"
for size in 1, 5, 100:
    pull = ET.XMLPullParser(["start", "end", "start-ns", "end-ns", "comment"])
    seen = []
    for at in range(0, len(document), size):
        pull.feed(document[at:at + size])
        pull.flush()
        for event, what in pull.read_events():
            seen.append((event, what if event.endswith("ns") else what.tag if event != "comment" else what.text))
    pull.close()
    assert seen == [
        ("start-ns", ("n", "u")), ("start", "a"), ("start", "b"), ("end", "b"), ("comment", "c"),
        ("start", "{u}c"), ("end", "{u}c"), ("end", "a"), ("end-ns", None),
    ], seen
count = 0
for event, element in ET.iterparse(io.BytesIO(b"<r>" + b"<i><j>x</j></i>" * 1000 + b"</r>"), ["start", "end"]):
    if event == "start" and element.tag == "r":
        top = element
    elif event == "end" and element.tag == "i":
        count += 1
        top.clear()
assert count == 1000 and len(top) == 0
parser = XMLParser()
assert raises(ValueError, parser._setevents, [], ["no"]) == "unknown event 'no'"
assert raises(TypeError, XMLParser(target=Target())._setevents, []).startswith("event handling only supported")

# A target that goes wrong.


class Wrong:
    def start(self, tag, attrib):
        1 // 0


raises(ZeroDivisionError, XMLParser(target=Wrong()).feed, "<a/>")


class Comparing:
    def __eq__(self, other):
        victim[:] = []
        return False


victim = Element("v")
for _ in range(5):
    SubElement(victim, Comparing())
assert victim.find("x") is None and len(victim) == 0
