"""importlib.resources for packages that are embedded in the executable: sources and data files as a tree."""

import contextlib
import io
import pathlib
import tempfile
from importlib.resources import _common
from importlib.resources.abc import Traversable, TraversableResources

import _taipan_library


def _tree():
    """All files as nested dicts; a leaf is the function that reads it."""
    root = {}

    def add(path, read):
        *folders, name = path.split("/")
        folder = root
        for part in folders:
            folder = folder.setdefault(part, {})
        folder[name] = read

    for name in _taipan_library.names():
        tail = "/__init__.py" if _taipan_library.find(name) else ".py"
        add(name.replace(".", "/") + tail, lambda name=name: _taipan_library.get_source(name))
    for path in _taipan_library.files():
        add(path, lambda path=path: _taipan_library.get_file(path))
    return root


class Node(Traversable):
    """A file or folder."""

    def __init__(self, path, content):
        self._path = path
        self._content = content

    def __repr__(self):
        return f"Node({self._path!r})"

    def __str__(self):
        return _taipan_library.ROOT + "/" + self._path

    @property
    def name(self):
        return self._path.rpartition("/")[2]

    def is_dir(self):
        return isinstance(self._content, dict)

    def is_file(self):
        return callable(self._content)

    def iterdir(self):
        if not self.is_dir():
            raise NotADirectoryError(20, "Not a directory", str(self))
        for name, content in self._content.items():
            yield Node(f"{self._path}/{name}", content)

    def joinpath(self, *descendants):
        node = self
        for part in "/".join(map(str, descendants)).split("/"):
            if part in ("", "."):
                continue
            content = node._content.get(part) if node.is_dir() else None
            node = Node(f"{node._path}/{part}", content)
        return node

    def open(self, mode="r", *args, **kwargs):
        if self.is_dir():
            raise IsADirectoryError(21, "Is a directory", str(self))
        if not self.is_file():
            raise FileNotFoundError(2, "No such file or directory", str(self))
        if mode not in ("r", "rb"):
            raise ValueError(f"invalid mode {mode!r}: embedded files are only read")
        stream = io.BytesIO(self._content())
        return stream if mode == "rb" else io.TextIOWrapper(stream, *args, **kwargs)


def _write(node, target):
    if node.is_dir():
        target.mkdir()
        for child in node.iterdir():
            _write(child, target / child.name)
    else:
        target.write_bytes(node.read_bytes())


@_common.as_file.register(Node)
@contextlib.contextmanager
def _as_file(node):
    """A copy for as long as the context lasts. It bears the resource's own name: wheels are known by theirs."""
    with tempfile.TemporaryDirectory() as folder:
        target = pathlib.Path(folder, node.name)
        _write(node, target)
        yield target


class Reader(TraversableResources):
    """What lies in a package."""

    def __init__(self, package):
        path = package.replace(".", "/")
        content = _tree()
        for part in path.split("/"):
            content = content[part]
        self._root = Node(path, content)

    def files(self):
        return self._root
