//! The instruction set: one table from which everything else about opcodes is derived.
//!
//! An instruction is two bytes, opcode and operand byte. `EXTENDED_ARG` prefixes (at most three) supply the higher
//! bytes of the operand, so an operand is a `u32`. An instruction offset is counted in such two-byte units, its
//! prefixes being units of their own. **Every jump operand is the absolute unit index of its target** (the first
//! prefix of the target, if that has any). **Only `JUMP_ABSOLUTE` may go backwards**; all other jumps go forward, so
//! the one place for a loop safepoint is that instruction.
//!
//! Exceptions are one value on the stack. When an instruction raises, the exception table gives the handler: the
//! stack is cut to the entry's depth, then (if the entry says so) the raising instruction's unit index is pushed as an
//! `int`, then the exception, and execution goes on at the target.
//!
//! Row of the table:
//! `Name "NAME" = number, operand kind, |operand| pops => pushes[, jump pops => pushes], [flags], "doc"`.
//! In the stack pictures of the docs the top of the stack is on the right: `(a, b -- c)` pops b, then a, pushes c.

use bitflags::bitflags;

/// What an instruction's operand means.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum OperandKind {
    /// No operand; the byte is zero.
    None,
    /// Index into `co_consts`.
    Const,
    /// Index into `co_varnames`.
    Local,
    /// Index into `co_names`.
    Name,
    /// Index into `co_cellvars + co_freevars`; the fast-local slot is `co_nlocals` plus it.
    Cell,
    /// Absolute target, in two-byte units.
    Jump,
    /// A [`Compare`] operator.
    Compare,
    /// How many stack items the instruction takes, or how deep it reaches.
    Count,
    /// Bits or a small selector, explained in the row's doc.
    Flags,
    /// `index into co_names << 1 | flag`.
    NameFlag,
    /// An [`Intrinsic1`].
    Intrinsic1,
    /// An [`Intrinsic2`].
    Intrinsic2,
    /// The higher bytes of the next instruction's operand.
    Prefix,
}

bitflags! {
    /// Facts about an opcode that hold for every execution of it.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
    pub struct OpFlags: u8 {
        /// May continue at its operand.
        const JUMPS = 1;
        /// Never continues at the next instruction.
        const ENDS_BLOCK = 2;
        /// May raise.
        const RAISES = 4;
        /// May run arbitrary Python code (a destructor called for a dropped value does not count).
        const RUNS_PYTHON = 8;
        /// Suspends the frame.
        const SUSPENDS = 16;
    }
}

/// Everything the table says about one opcode, apart from its stack effect ([`Op::stack_io`]).
#[derive(Clone, Copy, Debug)]
pub struct OpInfo {
    /// The opcode.
    pub op: Op,
    /// Its name as `dis` shows it.
    pub name: &'static str,
    /// What its operand means.
    pub operand: OperandKind,
    /// Facts about it.
    pub flags: OpFlags,
    /// What it does.
    pub doc: &'static str,
}

/// Hands the whole table to the macro named by the caller.
#[macro_export]
macro_rules! for_each_op {
    ($m:ident) => {
        $m! {
    // ---- stack ----
    PopTop "POP_TOP" = 1, None, |_| 1 => 0, [],
        "(a -- ) Drop the top.";
    RotTwo "ROT_TWO" = 2, None, |_| 2 => 2, [],
        "(a, b -- b, a) Exchange the two topmost.";
    RotThree "ROT_THREE" = 3, None, |_| 3 => 3, [],
        "(a, b, c -- c, a, b) Move the top down to position three.";
    DupTop "DUP_TOP" = 4, None, |_| 1 => 2, [],
        "(a -- a, a) Duplicate the top.";
    DupTopTwo "DUP_TOP_TWO" = 5, None, |_| 2 => 4, [],
        "(a, b -- a, b, a, b) Duplicate the two topmost, keeping their order.";
    RotFour "ROT_FOUR" = 6, None, |_| 4 => 4, [],
        "(a, b, c, d -- d, a, b, c) Move the top down to position four.";
    Nop "NOP" = 9, None, |_| 0 => 0, [],
        "Do nothing; it carries a line number.";
    RotN "ROT_N" = 99, Count, |n| n => n, [],
        "Move the top down to position n (n >= 1; 1 is the top itself), the n-1 items above that position moving up by one.";
    Copy "COPY" = 120, Count, |n| n => n + 1, [],
        "Push a new reference to the n-th item from the top (n >= 1; COPY 1 is DUP_TOP).";
    Swap "SWAP" = 127, Count, |n| n => n, [],
        "Exchange the top with the n-th item from the top (n >= 2; SWAP 2 is ROT_TWO).";

    // ---- unary ----
    UnaryPositive "UNARY_POSITIVE" = 10, None, |_| 1 => 1, [RAISES | RUNS_PYTHON],
        "(a -- +a)";
    UnaryNegative "UNARY_NEGATIVE" = 11, None, |_| 1 => 1, [RAISES | RUNS_PYTHON],
        "(a -- -a)";
    UnaryNot "UNARY_NOT" = 12, None, |_| 1 => 1, [RAISES | RUNS_PYTHON],
        "(a -- not a) The result is True or False.";
    UnaryInvert "UNARY_INVERT" = 15, None, |_| 1 => 1, [RAISES | RUNS_PYTHON],
        "(a -- ~a)";

    // ---- binary ----
    BinaryPower "BINARY_POWER" = 19, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- a ** b)";
    BinaryMultiply "BINARY_MULTIPLY" = 20, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- a * b)";
    BinaryMatrixMultiply "BINARY_MATRIX_MULTIPLY" = 16, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- a @ b)";
    BinaryModulo "BINARY_MODULO" = 22, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- a % b)";
    BinaryAdd "BINARY_ADD" = 23, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- a + b)";
    BinarySubtract "BINARY_SUBTRACT" = 24, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- a - b)";
    BinarySubscr "BINARY_SUBSCR" = 25, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- a[b])";
    BinaryFloorDivide "BINARY_FLOOR_DIVIDE" = 26, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- a // b)";
    BinaryTrueDivide "BINARY_TRUE_DIVIDE" = 27, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- a / b)";
    BinaryLshift "BINARY_LSHIFT" = 62, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- a << b)";
    BinaryRshift "BINARY_RSHIFT" = 63, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- a >> b)";
    BinaryAnd "BINARY_AND" = 64, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- a & b)";
    BinaryXor "BINARY_XOR" = 65, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- a ^ b)";
    BinaryOr "BINARY_OR" = 66, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- a | b)";

    // ---- in place ----
    InplacePower "INPLACE_POWER" = 67, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- r) r is the result of a **= b, which may be a itself.";
    InplaceMultiply "INPLACE_MULTIPLY" = 57, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- r) r is the result of a *= b, which may be a itself.";
    InplaceMatrixMultiply "INPLACE_MATRIX_MULTIPLY" = 17, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- r) r is the result of a @= b, which may be a itself.";
    InplaceModulo "INPLACE_MODULO" = 59, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- r) r is the result of a %= b, which may be a itself.";
    InplaceAdd "INPLACE_ADD" = 55, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- r) r is the result of a += b, which may be a itself.";
    InplaceSubtract "INPLACE_SUBTRACT" = 56, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- r) r is the result of a -= b, which may be a itself.";
    InplaceFloorDivide "INPLACE_FLOOR_DIVIDE" = 28, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- r) r is the result of a //= b, which may be a itself.";
    InplaceTrueDivide "INPLACE_TRUE_DIVIDE" = 29, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- r) r is the result of a /= b, which may be a itself.";
    InplaceLshift "INPLACE_LSHIFT" = 75, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- r) r is the result of a <<= b, which may be a itself.";
    InplaceRshift "INPLACE_RSHIFT" = 76, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- r) r is the result of a >>= b, which may be a itself.";
    InplaceAnd "INPLACE_AND" = 77, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- r) r is the result of a &= b, which may be a itself.";
    InplaceXor "INPLACE_XOR" = 78, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- r) r is the result of a ^= b, which may be a itself.";
    InplaceOr "INPLACE_OR" = 79, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- r) r is the result of a |= b, which may be a itself.";

    // ---- comparison ----
    CompareOp "COMPARE_OP" = 107, Compare, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- r) r is what the rich comparison a OP b returns, any object; the operand numbers < <= == != > >= from 0.";
    IsOp "IS_OP" = 117, Flags, |_| 2 => 1, [],
        "(a, b -- bool) a is b; with operand 1, a is not b.";
    ContainsOp "CONTAINS_OP" = 118, Flags, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- bool) a in b; with operand 1, a not in b.";

    // ---- subscripts and slices ----
    StoreSubscr "STORE_SUBSCR" = 60, None, |_| 3 => 0, [RAISES | RUNS_PYTHON],
        "(v, a, b -- ) a[b] = v";
    DeleteSubscr "DELETE_SUBSCR" = 61, None, |_| 2 => 0, [RAISES | RUNS_PYTHON],
        "(a, b -- ) del a[b]";
    BuildSlice "BUILD_SLICE" = 133, Count, |n| n => 1, [],
        "Operand 2: (start, stop -- slice(start, stop, None)); operand 3: (start, stop, step -- slice).";

    // ---- constants and variables ----
    LoadConst "LOAD_CONST" = 100, Const, |_| 0 => 1, [],
        "( -- co_consts[i])";
    LoadFast "LOAD_FAST" = 124, Local, |_| 0 => 1, [RAISES],
        "( -- local) Push the local, or raise UnboundLocalError: cannot access local variable 'NAME' where it is not associated with a value.";
    StoreFast "STORE_FAST" = 125, Local, |_| 1 => 0, [],
        "(v -- ) Bind the local; the old value is dropped after the new one is in place.";
    DeleteFast "DELETE_FAST" = 126, Local, |_| 0 => 0, [RAISES],
        "Unbind the local, or raise UnboundLocalError as LOAD_FAST does if it is unbound.";
    LoadFastAndClear "LOAD_FAST_AND_CLEAR" = 143, Local, |_| 0 => 1, [],
        "( -- v or NULL) Move the local out of its slot onto the stack, leaving it unbound; NULL stands for an unbound one. Only stack shuffling, POP_TOP and STORE_FAST_MAYBE_NULL ever see the NULL.";
    StoreFastMaybeNull "STORE_FAST_MAYBE_NULL" = 149, Local, |_| 1 => 0, [],
        "(v or NULL -- ) Put back what LOAD_FAST_AND_CLEAR took; NULL leaves the local unbound.";
    LoadClosure "LOAD_CLOSURE" = 135, Cell, |_| 0 => 1, [],
        "( -- cell) Push the cell object itself, to be put into a closure tuple.";
    LoadDeref "LOAD_DEREF" = 136, Cell, |_| 0 => 1, [RAISES],
        "( -- v) Push the cell's contents, or raise: UnboundLocalError as LOAD_FAST for a cellvar; for a freevar NameError: cannot access free variable 'NAME' where it is not associated with a value in enclosing scope.";
    StoreDeref "STORE_DEREF" = 137, Cell, |_| 1 => 0, [],
        "(v -- ) Store into the cell.";
    DeleteDeref "DELETE_DEREF" = 138, Cell, |_| 0 => 0, [RAISES],
        "Empty the cell, or raise as LOAD_DEREF does if it is empty.";
    LoadClassderef "LOAD_CLASSDEREF" = 148, Cell, |_| 0 => 1, [RAISES | RUNS_PYTHON],
        "( -- v) Look the cell's name up in the frame's locals mapping first; if it is not there do LOAD_DEREF.";
    SaveCell "SAVE_CELL" = 150, Cell, |_| 0 => 1, [],
        "( -- cell) Move the cell object of the slot onto the stack and put a new empty cell in its place.";
    RestoreCell "RESTORE_CELL" = 151, Cell, |_| 1 => 0, [],
        "(cell -- ) Put the cell object that SAVE_CELL took back into the slot, dropping the one there.";
    LoadGlobal "LOAD_GLOBAL" = 116, Name, |_| 0 => 1, [RAISES | RUNS_PYTHON],
        "( -- v) Look up in globals, then builtins, or raise NameError: name 'NAME' is not defined.";
    StoreGlobal "STORE_GLOBAL" = 97, Name, |_| 1 => 0, [RAISES],
        "(v -- ) globals[NAME] = v";
    DeleteGlobal "DELETE_GLOBAL" = 98, Name, |_| 0 => 0, [RAISES],
        "del globals[NAME], or NameError: name 'NAME' is not defined.";
    LoadName "LOAD_NAME" = 101, Name, |_| 0 => 1, [RAISES | RUNS_PYTHON],
        "( -- v) Look up in the frame's locals mapping, then as LOAD_GLOBAL.";
    StoreName "STORE_NAME" = 90, Name, |_| 1 => 0, [RAISES | RUNS_PYTHON],
        "(v -- ) locals[NAME] = v, locals being the frame's mapping (any mapping, e.g. from __prepare__).";
    DeleteName "DELETE_NAME" = 91, Name, |_| 0 => 0, [RAISES | RUNS_PYTHON],
        "del locals[NAME], a KeyError becoming NameError: name 'NAME' is not defined.";
    LoadLocals "LOAD_LOCALS" = 87, None, |_| 0 => 1, [RAISES],
        "( -- mapping) Push the frame's locals mapping (code of modules and classes only).";
    LoadFromDictOrGlobals "LOAD_FROM_DICT_OR_GLOBALS" = 175, Name, |_| 1 => 1, [RAISES | RUNS_PYTHON],
        "(mapping -- v) v = mapping[NAME]; if it is not there, as LOAD_GLOBAL.";
    LoadFromDictOrDeref "LOAD_FROM_DICT_OR_DEREF" = 176, Cell, |_| 1 => 1, [RAISES | RUNS_PYTHON],
        "(mapping -- v) v = mapping[name of the cell]; if it is not there, as LOAD_DEREF.";
    LoadBuildClass "LOAD_BUILD_CLASS" = 71, None, |_| 0 => 1, [RAISES | RUNS_PYTHON],
        "( -- builtins.__build_class__) or NameError: __build_class__ not found.";
    LoadAssertionError "LOAD_ASSERTION_ERROR" = 74, None, |_| 0 => 1, [],
        "( -- AssertionError) Push the built-in type, whatever the builtins module says.";
    LoadNotImplementedError "LOAD_NOT_IMPLEMENTED_ERROR" = 80, None, |_| 0 => 1, [],
        "( -- NotImplementedError) Push the built-in type, whatever the builtins module says.";

    // ---- attributes ----
    LoadAttr "LOAD_ATTR" = 106, Name, |_| 1 => 1, [RAISES | RUNS_PYTHON],
        "(a -- a.NAME)";
    StoreAttr "STORE_ATTR" = 95, Name, |_| 2 => 0, [RAISES | RUNS_PYTHON],
        "(v, a -- ) a.NAME = v";
    DeleteAttr "DELETE_ATTR" = 96, Name, |_| 1 => 0, [RAISES | RUNS_PYTHON],
        "(a -- ) del a.NAME";
    LoadMethod "LOAD_METHOD" = 160, Name, |_| 1 => 2, [RAISES | RUNS_PYTHON],
        "(a -- f, a) if a.NAME would be a bound method made from the type's function f (nothing is bound); otherwise (a -- NULL, a.NAME).";
    LoadSuperAttr "LOAD_SUPER_ATTR" = 168, NameFlag, |_| 3 => 1, [RAISES | RUNS_PYTHON],
        "(super, cls, self -- v) super is what the global name `super` gave. If it is the built-in type: attribute NAME of super(cls, self) without making that object. Otherwise call it, super(cls, self) if the flag is 1, super() if 0, and take the attribute of the result.";
    LoadSuperMethod "LOAD_SUPER_METHOD" = 169, NameFlag, |_| 3 => 2, [RAISES | RUNS_PYTHON],
        "As LOAD_SUPER_ATTR, but pushes a pair as LOAD_METHOD does: (super, cls, self -- f, self) or (super, cls, self -- NULL, v).";

    // ---- calls ----
    CallFunction "CALL_FUNCTION" = 131, Count, |n| n + 1 => 1, [RAISES | RUNS_PYTHON],
        "(f, a1, ..., an -- r) r = f(a1, ..., an)";
    CallFunctionKw "CALL_FUNCTION_KW" = 141, Count, |n| n + 2 => 1, [RAISES | RUNS_PYTHON],
        "(f, a1, ..., an, names -- r) The last len(names) of the n arguments go by the names in the tuple (of distinct str, at most n).";
    CallFunctionEx "CALL_FUNCTION_EX" = 142, Flags, |n| 2 + (n & 1) => 1, [RAISES | RUNS_PYTHON],
        "(f, args -- r), or with operand bit 1 (f, args, kwargs -- r): f(*args, **kwargs). args is any object; one that is no iterable is TypeError: QUALNAME() argument after * must be an iterable, not TYPE. kwargs is a dict owned by this call.";
    PushNull "PUSH_NULL" = 88, None, |_| 0 => 1, [],
        "( -- NULL) First half of a pair (NULL, f) for CALL_METHOD.";
    CallMethod "CALL_METHOD" = 161, Count, |n| n + 2 => 1, [RAISES | RUNS_PYTHON],
        "(f, self, a1, ..., an -- f(self, a1, ..., an)), or when the lowest is NULL (NULL, g, a1, ..., an -- g(a1, ..., an)).";
    CallMethodKw "CALL_METHOD_KW" = 166, Count, |n| n + 3 => 1, [RAISES | RUNS_PYTHON],
        "CALL_METHOD with keyword names: (f or NULL, self or g, a1, ..., an, names -- r); names as for CALL_FUNCTION_KW.";
    MakeFunction "MAKE_FUNCTION" = 132, Flags, |n| 1 + (n & 1) + ((n >> 1) & 1) + ((n >> 2) & 1) + ((n >> 3) & 1) => 1, [RAISES],
        "([defaults tuple if 1], [kwdefaults dict if 2], [__annotate__ function if 4], [closure tuple of cells if 8], code -- function) over the frame's globals; name and qualname are the code's; __doc__ is co_consts[0] if CO_HAS_DOCSTRING, else None; __module__ is globals['__name__'].";

    // ---- building ----
    BuildTuple "BUILD_TUPLE" = 102, Count, |n| n => 1, [],
        "(a1, ..., an -- (a1, ..., an))";
    BuildList "BUILD_LIST" = 103, Count, |n| n => 1, [],
        "(a1, ..., an -- [a1, ..., an])";
    BuildSet "BUILD_SET" = 104, Count, |n| n => 1, [RAISES | RUNS_PYTHON],
        "(a1, ..., an -- {a1, ..., an}) added from left to right.";
    BuildMap "BUILD_MAP" = 105, Count, |n| 2 * n => 1, [RAISES | RUNS_PYTHON],
        "(k1, v1, ..., kn, vn -- {k1: v1, ..., kn: vn}) from left to right.";
    BuildConstKeyMap "BUILD_CONST_KEY_MAP" = 156, Count, |n| n + 1 => 1, [RAISES | RUNS_PYTHON],
        "(v1, ..., vn, keys -- dict) keys is a tuple of n keys.";
    BuildString "BUILD_STRING" = 157, Count, |n| n => 1, [],
        "(s1, ..., sn -- str) Concatenate n str objects.";
    FormatValue "FORMAT_VALUE" = 155, Flags, |n| 1 + ((n >> 2) & 1) => 1, [RAISES | RUNS_PYTHON],
        "(v -- s), or if operand & 4 (v, spec -- s): operand & 3 converts v first (1 str, 2 repr, 3 ascii), then format(v, spec or '').";
    BuildInterpolation "BUILD_INTERPOLATION" = 158, Flags, |n| 2 + ((n >> 2) & 1) => 1, [RAISES],
        "(v, expression str -- interpolation), or if operand & 4 (v, expression, spec str -- interpolation); operand & 3 is the conversion (0 none, 1 's', 2 'r', 3 'a'), recorded, not applied.";
    BuildTemplate "BUILD_TEMPLATE" = 81, None, |_| 2 => 1, [RAISES],
        "(strings tuple, interpolations tuple -- template) There is one string more than interpolations.";
    ListAppend "LIST_APPEND" = 145, Count, |n| n + 1 => n, [],
        "(list, x2, ..., xn, v -- list, x2, ..., xn) Append v to the list, which is the n-th item from the top once v is popped.";
    SetAdd "SET_ADD" = 146, Count, |n| n + 1 => n, [RAISES | RUNS_PYTHON],
        "As LIST_APPEND, adding to a set.";
    MapAdd "MAP_ADD" = 147, Count, |n| n + 2 => n, [RAISES | RUNS_PYTHON],
        "(dict, x2, ..., xn, k, v -- dict, x2, ..., xn) dict[k] = v, the dict being n-th from the top once k and v are popped.";
    ListExtend "LIST_EXTEND" = 162, Count, |n| n + 1 => n, [RAISES | RUNS_PYTHON],
        "As LIST_APPEND, but extends the list by an iterable; no iterable: TypeError: Value after * must be an iterable, not TYPE.";
    SetUpdate "SET_UPDATE" = 163, Count, |n| n + 1 => n, [RAISES | RUNS_PYTHON],
        "As LIST_APPEND, but updates a set from an iterable.";
    DictMerge "DICT_MERGE" = 164, Count, |n| n + 3 => n + 2, [RAISES | RUNS_PYTHON],
        "As DICT_UPDATE for the keywords of a call (f, args, dict, ..., mapping -- f, args, dict, ...): f, two below the dict, is named in the errors: QUALNAME() argument after ** must be a mapping, not TYPE; QUALNAME() got multiple values for keyword argument 'K'; keywords must be strings.";
    DictUpdate "DICT_UPDATE" = 165, Count, |n| n + 1 => n, [RAISES | RUNS_PYTHON],
        "As LIST_APPEND, but updates a dict from a mapping; no mapping: TypeError: 'TYPE' object is not a mapping.";
    ListToTuple "LIST_TO_TUPLE" = 82, None, |_| 1 => 1, [],
        "(list -- tuple)";

    // ---- unpacking ----
    UnpackSequence "UNPACK_SEQUENCE" = 92, Count, |n| 1 => n, [RAISES | RUNS_PYTHON],
        "(iterable -- xn, ..., x1) Exactly n items, the first on top, else ValueError (not enough values to unpack (expected N, got M), too many values to unpack (expected N, got M)).";
    UnpackEx "UNPACK_EX" = 94, Count, |n| 1 => (n & 255) + 1 + (n >> 8), [RAISES | RUNS_PYTHON],
        "(iterable -- tail..., list, head...) operand & 255 items before the starred one and operand >> 8 after it; the first item is on top, the list of the rest below the head, the last item lowest.";

    // ---- jumps and iteration ----
    JumpAbsolute "JUMP_ABSOLUTE" = 113, Jump, |_| 0 => 0, jump 0 => 0, [JUMPS | ENDS_BLOCK],
        "Continue at the target; the only instruction that may go backwards, hence the safepoint.";
    PopJumpIfFalse "POP_JUMP_IF_FALSE" = 114, Jump, |_| 1 => 0, jump 1 => 0, [JUMPS | RAISES | RUNS_PYTHON],
        "(v -- ) Jump if v is false.";
    PopJumpIfTrue "POP_JUMP_IF_TRUE" = 115, Jump, |_| 1 => 0, jump 1 => 0, [JUMPS | RAISES | RUNS_PYTHON],
        "(v -- ) Jump if v is true.";
    PopJumpIfNone "POP_JUMP_IF_NONE" = 171, Jump, |_| 1 => 0, jump 1 => 0, [JUMPS],
        "(v -- ) Jump if v is None.";
    PopJumpIfNotNone "POP_JUMP_IF_NOT_NONE" = 172, Jump, |_| 1 => 0, jump 1 => 0, [JUMPS],
        "(v -- ) Jump if v is not None.";
    JumpIfFalseOrPop "JUMP_IF_FALSE_OR_POP" = 111, Jump, |_| 1 => 0, jump 1 => 1, [JUMPS | RAISES | RUNS_PYTHON],
        "If v, the top, is false, keep it and jump; else drop it.";
    JumpIfTrueOrPop "JUMP_IF_TRUE_OR_POP" = 112, Jump, |_| 1 => 0, jump 1 => 1, [JUMPS | RAISES | RUNS_PYTHON],
        "If v, the top, is true, keep it and jump; else drop it.";
    GetIter "GET_ITER" = 68, None, |_| 1 => 1, [RAISES | RUNS_PYTHON],
        "(v -- iter(v))";
    ForIter "FOR_ITER" = 93, Jump, |_| 1 => 2, jump 1 => 0, [JUMPS | RAISES | RUNS_PYTHON],
        "(it -- it, next(it)); when the iterator is exhausted drop it and jump (it -- ).";
    ReturnValue "RETURN_VALUE" = 83, None, |_| 1 => 0, [ENDS_BLOCK],
        "(v -- ) Leave the frame with v. Values left below it are dropped.";

    // ---- exceptions ----
    RaiseVarargs "RAISE_VARARGS" = 130, Count, |n| n => 0, [ENDS_BLOCK | RAISES | RUNS_PYTHON],
        "Operand 0: re-raise the exception being handled (RuntimeError: No active exception to reraise); 1: (exc -- ) raise exc; 2: (exc, cause -- ) raise exc from cause.";
    Reraise "RERAISE" = 119, Count, |n| n + 1 => n, [ENDS_BLOCK | RAISES],
        "(exc -- ) Raise exc again as it is, with no new traceback entry. The handler is the one that guards this instruction. With operand n > 0 the n-th item from the top, after exc is popped, is a unit index that the unwinder pushed: it becomes the frame's current instruction for line numbers and for the unit index that the next handler is given, not for finding that handler (the int stays on the stack and is cut by the unwinder).";
    PushExcInfo "PUSH_EXC_INFO" = 35, None, |_| 1 => 2, [],
        "(exc -- previous, exc) Make exc the exception being handled (sys.exception()); previous is the one handled until now, or None.";
    PopExcept "POP_EXCEPT" = 89, None, |_| 1 => 0, [],
        "(previous -- ) Make previous, which PUSH_EXC_INFO pushed, the exception being handled again.";
    CheckExcMatch "CHECK_EXC_MATCH" = 36, None, |_| 2 => 2, [RAISES | RUNS_PYTHON],
        "(exc, type -- exc, bool) type is an exception class or a tuple of such (else TypeError: catching classes that do not inherit from BaseException is not allowed).";
    CheckEgMatch "CHECK_EG_MATCH" = 37, None, |_| 2 => 2, [RAISES | RUNS_PYTHON],
        "(exc, type -- rest, match) Split for except*: match is the matching part as a group (a naked exception that matches is wrapped into one) or None, rest what is left over or None. If there is a match it becomes the exception being handled.";
    PrepReraiseStar "PREP_RERAISE_STAR" = 38, None, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(exc, list -- r) End of try-except*: exc is the original exception, list those raised or left over by the clauses (some may be None); r is what must be raised, or None.";
    BeforeWith "BEFORE_WITH" = 53, None, |_| 1 => 2, [RAISES | RUNS_PYTHON],
        "(mgr -- exit, r) exit is mgr's __exit__ bound, looked up on the type, first; r is the result of calling __enter__.";
    BeforeAsyncWith "BEFORE_ASYNC_WITH" = 52, None, |_| 1 => 2, [RAISES | RUNS_PYTHON],
        "(mgr -- aexit, r) As BEFORE_WITH with __aexit__ and __aenter__; r has still to be awaited.";
    WithExceptStart "WITH_EXCEPT_START" = 49, None, |_| 4 => 5, [RAISES | RUNS_PYTHON],
        "(exit, lasti, previous, exc -- exit, lasti, previous, exc, r) r = exit(type(exc), exc, exc.__traceback__)";

    // ---- generators and coroutines ----
    GenStart "GEN_START" = 129, Flags, |_| 1 => 0, [],
        "(None -- ) First instruction of a generator (0), coroutine (1) or async generator (2). Such a frame starts with one item on the stack, the None that the first send must deliver.";
    YieldValue "YIELD_VALUE" = 86, None, |_| 1 => 1, [RAISES | SUSPENDS],
        "(v -- sent) Suspend, giving v to the caller; on resumption the value sent is pushed (or the exception thrown is raised here). In an async generator v is already wrapped.";
    YieldFrom "YIELD_FROM" = 72, None, |_| 2 => 1, [RAISES | RUNS_PYTHON | SUSPENDS],
        "(it, v -- r) Send v to it (next(it) if v is None). If it yields: suspend with that value, leaving it on the stack, and on resumption push the value sent and execute this instruction again. If it returns: drop it, push its result. throw() and close() on the suspended frame go to it first; if it then returns, its result replaces it and execution continues after this instruction.";
    GetYieldFromIter "GET_YIELD_FROM_ITER" = 69, None, |_| 1 => 1, [RAISES | RUNS_PYTHON],
        "(v -- it) v itself if it is a generator, or a coroutine in a frame that may await (else TypeError: cannot 'yield from' a coroutine object in a non-coroutine generator); otherwise iter(v).";
    GetAwaitable "GET_AWAITABLE" = 123, Flags, |_| 1 => 1, [RAISES | RUNS_PYTHON],
        "(v -- it) The iterator to await v with. The operand is for the error text only: 1 if v came from __aenter__, 2 from __aexit__ of an async with.";
    GetAiter "GET_AITER" = 50, None, |_| 1 => 1, [RAISES | RUNS_PYTHON],
        "(v -- v.__aiter__()) The result must have __anext__.";
    GetAnext "GET_ANEXT" = 51, None, |_| 1 => 2, [RAISES | RUNS_PYTHON],
        "(aiter -- aiter, it) it is the iterator to await aiter.__anext__() with.";
    EndAsyncFor "END_ASYNC_FOR" = 54, None, |_| 2 => 0, [RAISES],
        "(aiter, exc -- ) Handler of GET_ANEXT: drop both if exc is a StopAsyncIteration, else raise exc again as RERAISE does. exc was never made the exception being handled.";

    // ---- pattern matching ----
    GetLen "GET_LEN" = 30, None, |_| 1 => 2, [RAISES | RUNS_PYTHON],
        "(v -- v, len(v))";
    MatchMapping "MATCH_MAPPING" = 31, None, |_| 1 => 2, [],
        "(v -- v, bool) Whether v's type has the mapping flag.";
    MatchSequence "MATCH_SEQUENCE" = 32, None, |_| 1 => 2, [],
        "(v -- v, bool) Whether v's type has the sequence flag.";
    MatchKeys "MATCH_KEYS" = 33, None, |_| 2 => 3, [RAISES | RUNS_PYTHON],
        "(v, keys -- v, keys, values) values is the tuple of v's values for the tuple of keys, or None if one is missing (ValueError if keys repeat).";
    CopyDictWithoutKeys "COPY_DICT_WITHOUT_KEYS" = 34, None, |_| 2 => 2, [RAISES | RUNS_PYTHON],
        "(v, keys -- v, rest) rest is dict(v) without the keys in the tuple.";
    MatchClass "MATCH_CLASS" = 152, Count, |_| 3 => 1, [RAISES | RUNS_PYTHON],
        "(v, cls, names -- attrs) attrs is the tuple of v's attributes for n positional patterns (by cls.__match_args__) and then the names, or None if v does not match.";

    // ---- imports, interaction, annotations, the rest ----
    ImportName "IMPORT_NAME" = 108, Name, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(level, fromlist -- module) builtins.__import__(NAME, globals, locals or None, fromlist, level)";
    ImportFrom "IMPORT_FROM" = 109, Name, |_| 1 => 2, [RAISES | RUNS_PYTHON],
        "(module -- module, module.NAME) falling back on sys.modules[f'{module.__name__}.NAME'], then ImportError: cannot import name.";
    ImportStar "IMPORT_STAR" = 84, None, |_| 1 => 0, [RAISES | RUNS_PYTHON],
        "(module -- ) Bind the module's public names in the frame's locals mapping.";
    PrintExpr "PRINT_EXPR" = 70, None, |_| 1 => 0, [RAISES | RUNS_PYTHON],
        "(v -- ) sys.displayhook(v)";
    SetupAnnotations "SETUP_ANNOTATIONS" = 85, None, |_| 0 => 0, [RAISES | RUNS_PYTHON],
        "If the frame's locals mapping has no __annotations__, set it to an empty dict.";
    CallIntrinsic1 "CALL_INTRINSIC_1" = 173, Intrinsic1, |_| 1 => 1, [RAISES | RUNS_PYTHON],
        "(a -- r) Call the one-argument intrinsic.";
    CallIntrinsic2 "CALL_INTRINSIC_2" = 174, Intrinsic2, |_| 2 => 1, [RAISES | RUNS_PYTHON],
        "(a, b -- r) Call the two-argument intrinsic.";
    ExtendedArg "EXTENDED_ARG" = 144, Prefix, |_| 0 => 0, [],
        "Its byte, shifted left by eight, is or-ed to the operand of the next instruction; at most three in a row.";
        }
    };
}

/// To be raised when the same instructions come to mean something else, or the same source is compiled otherwise.
macro_rules! revision {
    () => {
        3
    };
}

macro_rules! define_ops {
    ($($name:ident $text:literal = $number:literal, $operand:ident,
       |$arg:pat_param| $pops:expr => $pushes:expr $(, jump $jpops:expr => $jpushes:expr)?,
       [$($flag:ident)|*], $doc:literal;)*) => {
        /// An opcode of the portable instruction set.
        #[repr(u8)]
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
        pub enum Op {
            $(#[doc = $doc] $name = $number,)*
        }

        /// All opcodes, in the order of the table.
        pub static OPS: &[OpInfo] = &[
            $(OpInfo {
                op: Op::$name,
                name: $text,
                operand: OperandKind::$operand,
                flags: OpFlags::from_bits_retain(0 $(| OpFlags::$flag.bits())*),
                doc: $doc,
            },)*
        ];

        impl Op {
            /// The opcode with this number.
            #[inline]
            pub const fn from_u8(number: u8) -> Option<Op> {
                match number {
                    $($number => Some(Op::$name),)*
                    _ => None,
                }
            }

            /// Number of items taken from and put on the stack when execution continues at the next instruction.
            pub const fn stack_io(self, operand: u32) -> (i64, i64) {
                let operand = operand as i64;
                match self {
                    $(Op::$name => { let $arg = operand; ($pops, $pushes) })*
                }
            }

            /// Number of items taken from and put on the stack when the jump is taken.
            pub const fn stack_io_jump(self, operand: u32) -> (i64, i64) {
                match self {
                    $($(Op::$name => ($jpops, $jpushes),)?)*
                    _ => self.stack_io(operand),
                }
            }
        }

        /// A number that changes with every change of the portable rows (names, numbers, operand kinds, stack
        /// effects as written) and with [`revision!`], so that no stale compiled file is ever run.
        pub const TABLE_HASH: u32 = fnv(concat!(revision!(), ";", $(
            $text, $number, stringify!($operand), stringify!($arg $pops => $pushes $(, $jpops => $jpushes)?), ";"
        ),*));
    };
}

const fn fnv(text: &str) -> u32 {
    let bytes = text.as_bytes();
    let mut hash: u32 = 0x811c_9dc5;
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u32).wrapping_mul(0x0100_0193);
        i += 1;
    }
    hash
}

for_each_op!(define_ops);

const NO_INFO: u8 = u8::MAX;

static INFO_INDEX: [u8; 256] = {
    let mut index = [NO_INFO; 256];
    let mut i = 0;
    while i < OPS.len() {
        index[OPS[i].op as usize] = i as u8;
        i += 1;
    }
    index
};

impl Op {
    /// The table's row.
    #[inline]
    pub fn info(self) -> &'static OpInfo {
        &OPS[INFO_INDEX[self as usize] as usize]
    }

    /// The name that `dis` shows.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// The opcode with this `dis` name.
    pub fn from_name(name: &str) -> Option<Op> {
        OPS.iter()
            .find(|info| info.name == name)
            .map(|info| info.op)
    }

    /// Net change of the stack's depth, as `dis.stack_effect(op, operand, jump=jump)`.
    pub fn stack_effect(self, operand: u32, jump: bool) -> i64 {
        let (pops, pushes) = if jump {
            self.stack_io_jump(operand)
        } else {
            self.stack_io(operand)
        };
        pushes - pops
    }

    /// Whether the operand is meaningful.
    pub fn has_operand(self) -> bool {
        self.info().operand != OperandKind::None
    }

    /// Whether execution may continue at the operand.
    pub fn jumps(self) -> bool {
        self.info().flags.contains(OpFlags::JUMPS)
    }

    /// Whether execution never continues at the next instruction.
    pub fn ends_block(self) -> bool {
        self.info().flags.contains(OpFlags::ENDS_BLOCK)
    }
}

/// Opcodes from this number on have an operand.
pub const HAVE_ARGUMENT: u8 = 90;

macro_rules! define_small_enum {
    ($(#[$meta:meta])* $enum_name:ident { $($name:ident $text:literal $doc:literal,)* }) => {
        $(#[$meta])*
        #[repr(u8)]
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        pub enum $enum_name { $(#[doc = $doc] $name,)* }

        impl $enum_name {
            /// All of them, indexed by operand.
            pub const ALL: &'static [$enum_name] = &[$($enum_name::$name,)*];

            /// The one with this operand.
            #[inline]
            pub fn from_operand(operand: u32) -> Option<$enum_name> {
                Self::ALL.get(operand as usize).copied()
            }

            /// Its text in a listing.
            pub const fn text(self) -> &'static str {
                match self { $($enum_name::$name => $text,)* }
            }
        }
    };
}

define_small_enum! {
    /// Operand of `COMPARE_OP`.
    Compare {
        Lt "<" "Less than.",
        Le "<=" "Less than or equal.",
        Eq "==" "Equal.",
        Ne "!=" "Not equal.",
        Gt ">" "Greater than.",
        Ge ">=" "Greater than or equal.",
    }
}

define_small_enum! {
    /// Operand of `CALL_INTRINSIC_1`.
    Intrinsic1 {
        AsyncGenWrap "ASYNC_GEN_WRAP" "(v -- w) Wrap a value that an async generator is about to yield.",
        StopIterationError "STOPITERATION_ERROR" "(exc -- exc2) In a generator, coroutine or async generator: a StopIteration (or StopAsyncIteration in the last) becomes RuntimeError: generator raised StopIteration (kind by the code's flags), with exc as cause and context; anything else stays as it is.",
        TypeVar "TYPEVAR" "(name -- TypeVar) with infer_variance.",
        ParamSpec "PARAMSPEC" "(name -- ParamSpec)",
        TypeVarTuple "TYPEVARTUPLE" "(name -- TypeVarTuple)",
        SubscriptGeneric "SUBSCRIPT_GENERIC" "(type parameter tuple -- typing.Generic[them, TypeVarTuples unpacked])",
        TypeAlias "TYPEALIAS" "((name, type parameter tuple or None, value function) tuple -- TypeAliasType)",
    }
}

define_small_enum! {
    /// Operand of `CALL_INTRINSIC_2`.
    Intrinsic2 {
        TypeVarWithBound "TYPEVAR_WITH_BOUND" "(name, bound function -- TypeVar) the function is called lazily.",
        TypeVarWithConstraints "TYPEVAR_WITH_CONSTRAINTS" "(name, constraints function -- TypeVar) the function is called lazily.",
        SetFunctionTypeParams "SET_FUNCTION_TYPE_PARAMS" "(function, type parameter tuple -- function) Sets __type_params__.",
        SetTypeparamDefault "SET_TYPEPARAM_DEFAULT" "(type parameter, default function -- type parameter)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique_and_argument_numbers_are_high() {
        let mut seen = std::collections::HashSet::new();
        for info in OPS {
            assert!(seen.insert(info.name), "{} twice", info.name);
            assert_eq!(Op::from_u8(info.op as u8), Some(info.op));
            assert_eq!(
                info.op as u8 >= HAVE_ARGUMENT,
                info.op.has_operand(),
                "{}",
                info.name
            );
        }
    }

    #[test]
    fn the_slide() {
        let code = [
            Op::LoadFast,
            Op::BinaryMultiply,
            Op::LoadConst,
            Op::BinaryAdd,
            Op::ReturnValue,
        ];
        assert_eq!(code.map(|op| op as u8), [0x7c, 0x14, 0x64, 0x17, 0x53]);
    }
}
