"""The instruction set. It is written down once, in the runtime's own table; the native module _opcode shows it."""
from _opcode import HAVE_ARGUMENT, opmap

_specializations = {}
_specialized_opmap = {}
# No portable instruction has a number that high: instrumented and quickened ones are not in bytecode at all.
MIN_INSTRUMENTED_OPCODE = 256
