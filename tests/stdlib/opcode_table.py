"""_opcode: the instruction table. Numbers differ between implementations, so only what holds for any table is asserted."""
import _opcode
import opcode


def message(kind, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as e:
        return str(e)
    raise AssertionError(f"no {kind.__name__}")


pop = opcode.opmap["POP_TOP"]
const = opcode.opmap["LOAD_CONST"]
assert _opcode.stack_effect(pop) == _opcode.stack_effect(pop, None) == -1
assert _opcode.stack_effect(const, 0) == 1 == _opcode.stack_effect(const, 0, jump=True)
assert _opcode.is_valid(pop) and not _opcode.is_valid(1000)
assert _opcode.has_arg(const) and not _opcode.has_arg(pop)
assert _opcode.has_const(const) and not _opcode.has_const(pop)
assert _opcode.has_local(opcode.opmap["STORE_FAST"]) and not _opcode.has_local(const)
assert _opcode.has_free(opcode.opmap["STORE_DEREF"]) and _opcode.has_name(opcode.opmap["LOAD_NAME"])
assert _opcode.has_jump(opcode.opmap["FOR_ITER"]) and not _opcode.has_jump(const)
assert not _opcode.has_exc(const)
assert message(ValueError, _opcode.stack_effect, pop, 0, jump=3) == "stack_effect: jump must be False, True or None"
assert message(ValueError, _opcode.stack_effect, 1000, 0) == "invalid opcode or oparg"
assert ("NB_ADD", "+") in _opcode.get_nb_ops() and ("NB_INPLACE_XOR", "^=") in _opcode.get_nb_ops()
assert all(isinstance(name, str) for name in _opcode.get_intrinsic1_descs() + _opcode.get_intrinsic2_descs())
assert opcode.cmp_op == ("<", "<=", "==", "!=", ">", ">=")
assert opcode.opname[const] == "LOAD_CONST"
