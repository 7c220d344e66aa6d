//! Functions written in Rust, declared as rows of constant tables: the signature is Python text, written once.
//!
//! The text drives argument binding, `__text_signature__`, `help` and error messages. It is parsed on first use; see `bind`.

use crate::Py;
use crate::args::Args;
use crate::bind::{Bound, Signature};
use crate::value::Value;
use crate::vm::Vm;
use std::sync::OnceLock;

/// The Rust function behind a native callable. The `&Value` after `vm` is the receiver: `self`, the class, or the module.
#[derive(Clone, Copy)]
pub enum NativeFn {
    /// No argument besides the receiver.
    F0(fn(&mut Vm, &Value) -> Py),
    /// One positional argument.
    F1(fn(&mut Vm, &Value, &Value) -> Py),
    /// Two positional arguments.
    F2(fn(&mut Vm, &Value, &Value, &Value) -> Py),
    /// Positional arguments only; the signature gives the least and greatest number.
    Slice(fn(&mut Vm, &Value, &[Value]) -> Py),
    /// Arguments as they come; the function checks them itself.
    Raw(fn(&mut Vm, &Value, Args<'_>) -> Py),
    /// Arguments bound to the signature's parameters.
    Bound(fn(&mut Vm, &Value, &Bound) -> Py),
}

/// What the receiver is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MethodKind {
    Instance,
    Class,
    Static,
}

/// What a native function may do; for the JIT and for checks in debug builds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Effects(pub u8);

impl Effects {
    /// May do anything.
    pub const ANY: Effects = Effects(0);
    /// Never runs Python code.
    pub const NO_PYTHON: Effects = Effects(1);
    /// Calls nothing that can see the frame.
    pub const LEAF: Effects = Effects(3);
    /// Leaf without side effects.
    pub const PURE: Effects = Effects(7);
}

/// One native function or method.
pub struct MethodDef {
    /// `"sort(self, /, *, key=None, reverse=False)"`; what stands in front of `(` is the name.
    pub signature: &'static str,
    pub function: NativeFn,
    pub kind: MethodKind,
    pub effects: Effects,
    pub doc: &'static str,
    parsed: OnceLock<Signature>,
}

impl MethodDef {
    pub const fn new(signature: &'static str, function: NativeFn, doc: &'static str) -> MethodDef {
        MethodDef {
            signature,
            function,
            kind: MethodKind::Instance,
            effects: Effects::ANY,
            doc,
            parsed: OnceLock::new(),
        }
    }

    /// Makes it a class method: the receiver is the class.
    pub const fn class_method(mut self) -> MethodDef {
        self.kind = MethodKind::Class;
        self
    }

    /// Makes it a static method: the receiver is the type it was found on, of no interest.
    pub const fn static_method(mut self) -> MethodDef {
        self.kind = MethodKind::Static;
        self
    }

    pub const fn effects(mut self, effects: Effects) -> MethodDef {
        self.effects = effects;
        self
    }

    /// The bare name.
    pub fn name(&self) -> &'static str {
        self.signature.split('(').next().unwrap_or(self.signature)
    }

    /// The parsed signature.
    pub fn parsed(&self) -> &Signature {
        self.parsed.get_or_init(|| Signature::parse(self.signature))
    }
}

/// A method without arguments.
pub const fn f0(
    signature: &'static str,
    function: fn(&mut Vm, &Value) -> Py,
    doc: &'static str,
) -> MethodDef {
    MethodDef::new(signature, NativeFn::F0(function), doc)
}

/// A method with one positional argument.
pub const fn f1(
    signature: &'static str,
    function: fn(&mut Vm, &Value, &Value) -> Py,
    doc: &'static str,
) -> MethodDef {
    MethodDef::new(signature, NativeFn::F1(function), doc)
}

/// A method with two positional arguments.
pub const fn f2(
    signature: &'static str,
    function: fn(&mut Vm, &Value, &Value, &Value) -> Py,
    doc: &'static str,
) -> MethodDef {
    MethodDef::new(signature, NativeFn::F2(function), doc)
}

/// A method with positional arguments only, some optional.
pub const fn slice(
    signature: &'static str,
    function: fn(&mut Vm, &Value, &[Value]) -> Py,
    doc: &'static str,
) -> MethodDef {
    MethodDef::new(signature, NativeFn::Slice(function), doc)
}

/// A method that takes its arguments apart itself.
pub const fn raw(
    signature: &'static str,
    function: fn(&mut Vm, &Value, Args<'_>) -> Py,
    doc: &'static str,
) -> MethodDef {
    MethodDef::new(signature, NativeFn::Raw(function), doc)
}

/// A method whose arguments are bound to its signature.
pub const fn bound(
    signature: &'static str,
    function: fn(&mut Vm, &Value, &Bound) -> Py,
    doc: &'static str,
) -> MethodDef {
    MethodDef::new(signature, NativeFn::Bound(function), doc)
}

/// Sets a computed attribute of the receiver, or deletes it (`None`).
pub type SetterFn = fn(&mut Vm, &Value, Option<&Value>) -> Py<()>;

/// A computed attribute.
pub struct GetSetDef {
    pub name: &'static str,
    pub get: fn(&mut Vm, &Value) -> Py,
    /// `None` as the value deletes; without a setter the attribute is read-only.
    pub set: Option<SetterFn>,
    pub doc: &'static str,
    /// Its descriptor is a `member_descriptor`: C's object has a field for it.
    pub is_member: bool,
}

impl GetSetDef {
    /// The same attribute behind a `member_descriptor`.
    pub const fn member(self) -> GetSetDef {
        GetSetDef {
            is_member: true,
            ..self
        }
    }
}

/// A read-only attribute.
pub const fn getter(
    name: &'static str,
    get: fn(&mut Vm, &Value) -> Py,
    doc: &'static str,
) -> GetSetDef {
    GetSetDef {
        name,
        get,
        set: None,
        doc,
        is_member: false,
    }
}

/// An attribute that can be written (and deleted, if the setter allows).
pub const fn getset(
    name: &'static str,
    get: fn(&mut Vm, &Value) -> Py,
    set: fn(&mut Vm, &Value, Option<&Value>) -> Py<()>,
    doc: &'static str,
) -> GetSetDef {
    GetSetDef {
        name,
        get,
        set: Some(set),
        doc,
        is_member: false,
    }
}
