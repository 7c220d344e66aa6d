"""Imports the modules that are embedded in the executable.

The embedded library is an entry on sys.path like a folder, so that a program's own modules win over it in the usual order.
"""

import sys
import _frozen_importlib as _bootstrap
import _taipan_library

ROOT = _taipan_library.ROOT


def _location(name, is_package):
    tail = "/__init__.py" if is_package else ".py"
    return ROOT + "/" + name.replace(".", "/") + tail


class EmbeddedLoader:
    """Loads one embedded module."""

    def __init__(self, name):
        self.name = name

    @property
    def path(self):
        """Where the module pretends to lie."""
        return self.get_filename()

    def __repr__(self):
        return f"<EmbeddedLoader {self.name!r}>"

    def __eq__(self, other):
        return type(self) is type(other) and self.name == other.name

    def __hash__(self):
        return hash(self.name)

    def _check(self, fullname):
        name = self.name if fullname is None else fullname
        if _taipan_library.find(name) is None:
            raise ImportError(f"{name!r} is not an embedded module", name=name)
        return name

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        code = _taipan_library.get_code(self.name)
        _bootstrap._call_with_frames_removed(exec, code, module.__dict__)

    def is_package(self, fullname=None):
        return _taipan_library.find(self._check(fullname))

    def get_code(self, fullname=None):
        return _taipan_library.get_code(self._check(fullname))

    def get_source(self, fullname=None):
        return _taipan_library.get_source(self._check(fullname)).decode()

    def get_filename(self, fullname=None):
        name = self._check(fullname)
        return _location(name, _taipan_library.find(name))

    def get_data(self, path):
        if path.startswith(ROOT + "/") and path.endswith(".py"):
            name = path[len(ROOT) + 1:-3].replace("/", ".").removesuffix(".__init__")
            if _taipan_library.find(name) is not None:
                return _taipan_library.get_source(name)
        elif path.startswith(ROOT + "/"):
            data = _taipan_library.get_file(path[len(ROOT) + 1:])
            if data is not None:
                return data
        raise OSError(2, "No such file or directory", path)

    def get_resource_reader(self, fullname=None):
        """For importlib.resources: what lies in a package."""
        name = self._check(fullname)
        if not _taipan_library.find(name):
            return None
        import _taipan_resources
        return _taipan_resources.Reader(name)


class EmbeddedFinder:
    """The path entry finder for the embedded library and its packages."""

    def __init__(self, path):
        if path != ROOT and not path.startswith(ROOT + "/"):
            raise ImportError("not the embedded library", path=path)
        self.path = path
        self._prefix = path[len(ROOT) + 1:].replace("/", ".")

    def __repr__(self):
        return f"EmbeddedFinder({self.path!r})"

    def find_spec(self, fullname, target=None):
        tail = fullname.rpartition(".")[2]
        name = f"{self._prefix}.{tail}" if self._prefix else tail
        is_package = _taipan_library.find(name)
        if is_package is None:
            return None
        location = _location(name, is_package)
        spec = _bootstrap.ModuleSpec(fullname, EmbeddedLoader(name), origin=location, is_package=is_package)
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [location.removesuffix("/__init__.py")]
        return spec

    def invalidate_caches(self):
        pass

    def iter_modules(self, prefix=""):
        """What pkgutil.iter_modules shows for this entry."""
        start = self._prefix + "." if self._prefix else ""
        for name in _taipan_library.names():
            tail = name[len(start):]
            if name.startswith(start) and tail and "." not in tail:
                yield prefix + tail, _taipan_library.find(name)


def install(archives):
    """Makes the embedded library, and archives, importable through sys.path."""
    sys.path_hooks[:0] = [EmbeddedFinder, archives]
