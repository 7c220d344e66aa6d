"""What `sysconfig` reports about how the interpreter was built.

There is no C compiler line, no Makefile and no `pyconfig.h` behind this interpreter: only what describes the
interpreter itself is here, and everything else is `None` to `sysconfig.get_config_var`.
"""

import sys

build_time_vars = {
    "ABIFLAGS": sys.abiflags,
    "EXE": "",
    "HAVE_FORK": 1,
    "LIBDIR": "",
    "MULTIARCH": sys.implementation._multiarch,
    "Py_DEBUG": 0,
    "Py_ENABLE_SHARED": 0,
    "Py_GIL_DISABLED": 1 if "t" in sys.abiflags else 0,
    "SHLIB_SUFFIX": ".so",
    "VERSION": "%d.%d" % sys.version_info[:2],
    "WITH_DOC_STRINGS": 1,
    "exec_prefix": sys.base_exec_prefix,
    "prefix": sys.base_prefix,
}
