//! The operations a type may define, as a table of functions. A missing entry means the operation is not supported.

use crate::Py;
use crate::args::Args;
use crate::buffer::Buffer;
use crate::type_object::TypeObject;
use crate::value::Value;
use crate::vm::Vm;

pub type UnaryFn = fn(&mut Vm, &Value) -> Py;
/// Either operand may be of the slot's type; answers `NotImplemented` for operands it does not know.
pub type BinaryFn = fn(&mut Vm, &Value, &Value) -> Py;
pub type TernaryFn = fn(&mut Vm, &Value, &Value, &Value) -> Py;
pub type HashFn = fn(&mut Vm, &Value) -> Py<i64>;
pub type BoolFn = fn(&mut Vm, &Value) -> Py<bool>;
pub type LenFn = fn(&mut Vm, &Value) -> Py<usize>;
pub type ContainsFn = fn(&mut Vm, &Value, &Value) -> Py<bool>;
/// Rich comparison; answers `NotImplemented` for operands it does not know.
pub type CompareFn = fn(&mut Vm, &Value, &Value, CompareOp) -> Py;
pub type GetAttrFn = fn(&mut Vm, &Value, &Value) -> Py;
/// `None` deletes.
pub type SetAttrFn = fn(&mut Vm, &Value, &Value, Option<&Value>) -> Py<()>;
/// `None` deletes.
pub type SetItemFn = fn(&mut Vm, &Value, &Value, Option<&Value>) -> Py<()>;
pub type CallFn = fn(&mut Vm, &Value, Args<'_>) -> Py;
pub type NewFn = fn(&mut Vm, &TypeObject, Args<'_>) -> Py;
pub type InitFn = fn(&mut Vm, &Value, Args<'_>) -> Py<()>;
/// `None` is exhaustion, without an exception.
pub type NextFn = fn(&mut Vm, &Value) -> Py<Option<Value>>;
/// `descriptor.__get__(object or None, type)`.
pub type DescrGetFn = fn(&mut Vm, &Value, Option<&Value>, &TypeObject) -> Py;
/// `None` deletes.
pub type DescrSetFn = fn(&mut Vm, &Value, &Value, Option<&Value>) -> Py<()>;
pub type FinalizeFn = fn(&mut Vm, &Value);
/// `flags` are those of `inspect.BufferFlags`.
pub type BufferFn = fn(&mut Vm, &Value, u32) -> Py<Buffer>;

/// The six comparisons, numbered as `COMPARE_OP`'s operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum CompareOp {
    Lt,
    Le,
    Eq,
    Ne,
    Gt,
    Ge,
}

impl CompareOp {
    pub const ALL: [CompareOp; 6] = [
        CompareOp::Lt,
        CompareOp::Le,
        CompareOp::Eq,
        CompareOp::Ne,
        CompareOp::Gt,
        CompareOp::Ge,
    ];

    /// The operation with the operands exchanged.
    pub fn swapped(self) -> CompareOp {
        match self {
            CompareOp::Lt => CompareOp::Gt,
            CompareOp::Le => CompareOp::Ge,
            CompareOp::Gt => CompareOp::Lt,
            CompareOp::Ge => CompareOp::Le,
            same => same,
        }
    }

    pub fn symbol(self) -> &'static str {
        ["<", "<=", "==", "!=", ">", ">="][self as usize]
    }

    /// What the comparison makes of an ordering.
    #[inline]
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            CompareOp::Lt => ordering.is_lt(),
            CompareOp::Le => ordering.is_le(),
            CompareOp::Eq => ordering.is_eq(),
            CompareOp::Ne => ordering.is_ne(),
            CompareOp::Gt => ordering.is_gt(),
            CompareOp::Ge => ordering.is_ge(),
        }
    }
}

/// The binary operators, in the order of [`Slots::binary`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    TrueDivide,
    FloorDivide,
    Remainder,
    MatrixMultiply,
    LeftShift,
    RightShift,
    And,
    Or,
    Xor,
    Divmod,
}

/// Number of [`BinaryOp`]s.
pub const BINARY_OPS: usize = 13;

impl BinaryOp {
    pub const ALL: [BinaryOp; BINARY_OPS] = [
        BinaryOp::Add,
        BinaryOp::Subtract,
        BinaryOp::Multiply,
        BinaryOp::TrueDivide,
        BinaryOp::FloorDivide,
        BinaryOp::Remainder,
        BinaryOp::MatrixMultiply,
        BinaryOp::LeftShift,
        BinaryOp::RightShift,
        BinaryOp::And,
        BinaryOp::Or,
        BinaryOp::Xor,
        BinaryOp::Divmod,
    ];

    pub fn symbol(self) -> &'static str {
        [
            "+", "-", "*", "/", "//", "%", "@", "<<", ">>", "&", "|", "^", "divmod()",
        ][self as usize]
    }
}

/// What a type can do.
#[derive(Clone, Copy)]
pub struct Slots {
    pub new: Option<NewFn>,
    pub init: Option<InitFn>,
    pub finalize: Option<FinalizeFn>,
    pub call: Option<CallFn>,
    pub repr: Option<UnaryFn>,
    pub str: Option<UnaryFn>,
    pub hash: Option<HashFn>,
    pub compare: Option<CompareFn>,
    pub get_attr: Option<GetAttrFn>,
    pub set_attr: Option<SetAttrFn>,
    pub descr_get: Option<DescrGetFn>,
    pub descr_set: Option<DescrSetFn>,
    pub iter: Option<UnaryFn>,
    pub next: Option<NextFn>,
    pub await_: Option<UnaryFn>,
    pub aiter: Option<UnaryFn>,
    pub anext: Option<UnaryFn>,
    pub bool: Option<BoolFn>,
    pub len: Option<LenFn>,
    pub contains: Option<ContainsFn>,
    pub get_item: Option<BinaryFn>,
    pub set_item: Option<SetItemFn>,
    /// `+` and `*` of sequences, tried after the numeric slots of both operands.
    pub concat: Option<BinaryFn>,
    pub repeat: Option<BinaryFn>,
    pub inplace_concat: Option<BinaryFn>,
    pub inplace_repeat: Option<BinaryFn>,
    pub int: Option<UnaryFn>,
    pub float: Option<UnaryFn>,
    pub index: Option<UnaryFn>,
    pub negative: Option<UnaryFn>,
    pub positive: Option<UnaryFn>,
    pub absolute: Option<UnaryFn>,
    pub invert: Option<UnaryFn>,
    pub binary: [Option<BinaryFn>; BINARY_OPS],
    pub inplace: [Option<BinaryFn>; BINARY_OPS],
    /// `pow(base, exponent, modulus or None)`.
    pub power: Option<TernaryFn>,
    pub inplace_power: Option<TernaryFn>,
    pub buffer: Option<BufferFn>,
}

impl Slots {
    /// No operation at all: `Slots { repr: Some(f), ..Slots::NONE }`.
    pub const NONE: Slots = Slots {
        new: None,
        init: None,
        finalize: None,
        call: None,
        repr: None,
        str: None,
        hash: None,
        compare: None,
        get_attr: None,
        set_attr: None,
        descr_get: None,
        descr_set: None,
        iter: None,
        next: None,
        await_: None,
        aiter: None,
        anext: None,
        bool: None,
        len: None,
        contains: None,
        get_item: None,
        set_item: None,
        concat: None,
        repeat: None,
        inplace_concat: None,
        inplace_repeat: None,
        int: None,
        float: None,
        index: None,
        negative: None,
        positive: None,
        absolute: None,
        invert: None,
        binary: [None; BINARY_OPS],
        inplace: [None; BINARY_OPS],
        power: None,
        inplace_power: None,
        buffer: None,
    };

    /// For table literals: the same slots with one binary operator set.
    pub const fn with_binary(mut self, op: BinaryOp, function: BinaryFn) -> Slots {
        self.binary[op as usize] = Some(function);
        self
    }

    /// For table literals: the same slots with one in-place operator set.
    pub const fn with_inplace(mut self, op: BinaryOp, function: BinaryFn) -> Slots {
        self.inplace[op as usize] = Some(function);
        self
    }
}
