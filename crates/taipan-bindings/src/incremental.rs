//! The Python side of decompressors for data in parts: `decompress(data, max_length=-1)`, `eof`, `needs_input`, `unused_data`.

use crate::output::{Decoder, Decompression};
use taipan_core::lock::{HasState, Locked};
use taipan_core::{Payload, Py, Raised, TypeObject, Value, Vm};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::{new_bytes, try_new_bytes};

/// A decoder that has a Python type.
pub trait Typed: Decoder + Send + 'static {
    /// What `EOFError` says when data comes behind the end.
    const AT_END: &'static str;
    fn type_object() -> &'static TypeObject;
    /// Raises what the library said.
    fn raise(vm: &mut Vm, error: Self::Error) -> Raised;
}

/// Payload of decompressors for data in parts.
pub struct Incremental<D> {
    state: Locked<Box<Decompression<D>>>,
}

impl<D> Incremental<D> {
    pub fn new(state: Decompression<D>) -> Incremental<D> {
        Incremental {
            state: Locked::new(Box::new(state)),
        }
    }
}

impl<D> HasState for Incremental<D> {
    type State = Box<Decompression<D>>;
    fn cell(&self) -> &Locked<Box<Decompression<D>>> {
        &self.state
    }
}

// SAFETY: holds no references.
#[expect(unsafe_code, reason = "the contract of payloads")]
unsafe impl<D: Typed> Payload for Incremental<D> {
    fn type_object() -> &'static TypeObject {
        D::type_object()
    }
}

/// `decompress(data, max_length=-1)`
pub fn decompress<D: Typed>(vm: &mut Vm, this: &Value, data: &Value, limit: Option<&Value>) -> Py {
    let data = bytes_like(vm, data)?;
    let limit = match limit {
        Some(limit) => usize::try_from(vm.index_i64(limit)?).ok(),
        None => None,
    };
    let object = this.expect::<Incremental<D>>();
    if object.lock(vm).eof {
        return Err(vm.raise(&taipan_core::builtin_types::EOF_ERROR, D::AT_END));
    }
    let result = object.lock(vm).decompress(&data, limit);
    match result {
        Ok(plain) => new_bytes(vm, &plain),
        Err(error) => Err(D::raise(vm, error)),
    }
}

/// `eof`
pub fn eof<D: Typed>(vm: &mut Vm, this: &Value) -> Py {
    let eof = this.expect::<Incremental<D>>().lock(vm).eof;
    Ok(Value::bool(eof))
}

/// `needs_input`
pub fn needs_input<D: Typed>(vm: &mut Vm, this: &Value) -> Py {
    let needs_input = this.expect::<Incremental<D>>().lock(vm).needs_input;
    Ok(Value::bool(needs_input))
}

/// `unused_data`
pub fn unused_data<D: Typed>(vm: &mut Vm, this: &Value) -> Py {
    let made = try_new_bytes(&this.expect::<Incremental<D>>().lock(vm).unused);
    made.ok_or_else(|| vm.memory_error())
}

/// Declares the method and attribute tables of a type over [`Incremental`], and what it says when data comes behind the end. The file has a function `raise` for its errors.
macro_rules! decompressor_methods {
    ($decoder:ty, $type_object:ident, $at_end:literal $(, $getter:expr)*) => {
        impl $crate::incremental::Typed for $decoder {
            const AT_END: &'static str = $at_end;
            fn type_object() -> &'static taipan_core::TypeObject {
                &$type_object
            }
            fn raise(
                vm: &mut taipan_core::Vm,
                error: <Self as $crate::output::Decoder>::Error,
            ) -> taipan_core::Raised {
                raise(vm, error)
            }
        }

        static METHODS: [taipan_core::MethodDef; 1] = [taipan_core::bound(
            "decompress(self, /, data, max_length=-1)",
            |vm, this, args| {
                $crate::incremental::decompress::<$decoder>(vm, this, args.req(0), args.get(1))
            },
            "Go on with data. Gives at most max_length bytes, unless it is negative.\n\nIf needs_input is false afterwards, the next call may give more without new data.\nWhat comes behind the end is left in unused_data.",
        )];

        static GETSET: &[taipan_core::GetSetDef] = &[
            $($getter,)*
            taipan_core::getter(
                "eof",
                $crate::incremental::eof::<$decoder>,
                "Has the end of the stream been reached?",
            ),
            taipan_core::getter(
                "unused_data",
                $crate::incremental::unused_data::<$decoder>,
                "What came behind the end of the stream.",
            ),
            taipan_core::getter(
                "needs_input",
                $crate::incremental::needs_input::<$decoder>,
                "Is new data needed for more output?",
            ),
        ];
    };
}

pub(crate) use decompressor_methods;
