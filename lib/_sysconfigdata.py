"""What sysconfig tells of how this Python was built. It is computed: one executable may lie anywhere."""
import os
import sys

_version = "%d.%d" % sys.version_info[:2]
_multiarch = getattr(sys.implementation, "_multiarch", "")
_library = os.path.join(sys.prefix or os.sep, sys.platlibdir)
_module_folder = os.path.join(_library, "taipan" + _version)

# There are no compiled extensions, but names of wheels are told apart by what their file names would be.
_soabi = f"{sys.implementation.cache_tag}-{_multiarch or sys.platform}"

build_time_vars = {
    "ABIFLAGS": sys.abiflags,
    "AR": "ar",
    "ARFLAGS": "rcs",
    "BINDIR": os.path.dirname(sys.executable or ""),
    "BINLIBDEST": _module_folder,
    "BLDSHARED": "",
    "CC": "cc",
    "CCSHARED": "-fPIC",
    "CFLAGS": "",
    "CONFIG_ARGS": "",
    "CXX": "c++",
    "DESTDIRS": "",
    "EXE": "",
    "EXT_SUFFIX": f".{_soabi}.so",
    "HAVE_FORK": 1,
    "INCLUDEPY": "",
    "LDFLAGS": "",
    "LDLIBRARY": "",
    "LDSHARED": "",
    "LIBDEST": _module_folder,
    "LIBDIR": _library,
    "LIBPYTHON": "",
    "MACHDEP": sys.platform,
    "MULTIARCH": _multiarch,
    "OPT": "",
    "PY_CFLAGS": "",
    "Py_DEBUG": 0,
    "Py_ENABLE_SHARED": 0,
    "Py_GIL_DISABLED": 1,
    "Py_REF_DEBUG": 0,
    "Py_TRACE_REFS": 0,
    "SHELL": "/bin/sh",
    "SHLIB_SUFFIX": ".so",
    "SIZEOF_VOID_P": 8 if sys.maxsize > 2**32 else 4,
    "SOABI": _soabi,
    "TZPATH": "/usr/share/zoneinfo:/usr/lib/zoneinfo:/usr/share/lib/zoneinfo:/etc/zoneinfo",
    "VERSION": _version,
    "WITH_DOC_STRINGS": 1,
    "exec_prefix": sys.base_exec_prefix,
    "prefix": sys.base_prefix,
    "srcdir": "",
}
