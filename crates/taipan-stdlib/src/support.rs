//! What the modules here share: filling in module dicts, float rows, small argument checks.

use std::collections::VecDeque;
use std::ffi::CString;
use taipan_core::dict_object::Dict;
use taipan_core::{Bound, MethodDef, Py, Raised, Tracer, TypeObject, Value, Vm, bound};
use taipan_types::list;

/// Puts `value` into a module's dict under `name`.
pub fn add(dict: &Value, name: &str, value: Value) {
    let name = taipan_core::str_object::name(name);
    dict.expect::<Dict>().set_name(&name, value);
}

/// Puts a type into a module's dict under its own name.
pub fn add_type(dict: &Value, ty: &'static TypeObject) {
    add(dict, ty.short_name(), ty.to_value());
}

/// The elements of an exact list that stores raw doubles.
pub fn float_list(vm: &mut Vm, value: &Value) -> Option<Vec<f64>> {
    if !list::is_exact_list(value) {
        return None;
    }
    let storage = list::list_of(value)?.lock(vm);
    storage.floats().map(<[f64]>::to_vec)
}

/// Every element of an iterable as a double.
pub fn to_floats(vm: &mut Vm, iterable: &Value) -> Py<Vec<f64>> {
    if let Some(floats) = float_list(vm, iterable) {
        return Ok(floats);
    }
    let mut floats = Vec::new();
    let iterator = vm.iter(iterable)?;
    while let Some(item) = vm.next(&iterator)? {
        floats.push(vm.to_f64(&item)?);
    }
    Ok(floats)
}

/// A C `int` with the messages of argument parsing.
pub fn int_argument(vm: &mut Vm, value: &Value) -> Py<i32> {
    let number = vm.index(value)?;
    match number.as_i64() {
        Some(number) if number > i64::from(i32::MAX) => {
            Err(vm.overflow_error("signed integer is greater than maximum"))
        }
        Some(number) if number < i64::from(i32::MIN) => {
            Err(vm.overflow_error("signed integer is less than minimum"))
        }
        Some(number) => Ok(number as i32),
        None => Err(vm.overflow_error("Python int too large to convert to C long")),
    }
}

/// A text argument as a C string.
pub fn c_text_argument(
    vm: &mut Vm,
    function: &str,
    position: Option<usize>,
    value: &Value,
) -> Py<CString> {
    let Some(text) = taipan_core::str_object::str_of(value) else {
        let place = position.map_or("argument".to_owned(), |at| format!("argument {at}"));
        let given = value.type_of().name();
        return Err(vm.type_error(format!("{function}() {place} must be str, not {given}")));
    };
    let text = match text.to_utf8() {
        Some(text) => text,
        // Encoding raises what a lone surrogate is worth.
        None => {
            taipan_types::codec::encode_str(vm, value, Some("utf-8"), None)?;
            String::new()
        }
    };
    match CString::new(text) {
        Ok(text) => Ok(text),
        Err(_) => Err(vm.value_error("embedded null character")),
    }
}

/// A number without sign of at most `bits` bits.
pub fn unsigned_argument(vm: &mut Vm, value: &Value, bits: u32, name: &str) -> Py<u64> {
    let number = vm.index(value)?;
    let small = number.as_i64();
    let negative = match small {
        Some(number) => number < 0,
        None => number
            .as_big()
            .is_some_and(|big| big < dashu_int::IBig::ZERO),
    };
    if negative {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    match small {
        Some(number) if number >> bits == 0 => Ok(number as u64),
        _ => Err(vm.overflow_error(format!("Python int too large for C {name}"))),
    }
}

/// The memory of an object that can be written to; `None` if it lends none.
pub fn writable_opt(vm: &mut Vm, object: &Value) -> Py<Option<taipan_core::buffer::Buffer>> {
    match taipan_types::buffer::writable(vm, object) {
        Ok(buffer) if buffer.is_c_contiguous() => Ok(Some(buffer)),
        Ok(_) => Ok(None),
        Err(raised) => {
            if vm.pending_is(&taipan_core::builtin_types::TYPE_ERROR)
                || vm.pending_is(&taipan_core::builtin_types::BUFFER_ERROR)
            {
                drop(vm.take_raised(raised));
                return Ok(None);
            }
            Err(raised)
        }
    }
}

/// A user or group number; -1 stands for "none".
pub fn id_argument(vm: &mut Vm, value: &Value, what: &str) -> Py<u32> {
    if !value.is_int() && value.type_of().slots().index.is_none() {
        let message = format!("{what} should be integer, not {}", value.type_of().name());
        return Err(vm.type_error(message));
    }
    let index = vm.index(value)?;
    let negative = |big: dashu_int::IBig| big < dashu_int::IBig::ZERO;
    match index.as_i64() {
        Some(-1) => Ok(u32::MAX),
        // CPython says so of numbers between 32 and 63 bits too.
        Some(id) => {
            u32::try_from(id).map_err(|_| vm.overflow_error(format!("{what} is less than minimum")))
        }
        None if index.as_big().is_some_and(negative) => {
            Err(vm.overflow_error(format!("{what} is less than minimum")))
        }
        None => Err(vm.overflow_error(format!("{what} is greater than maximum"))),
    }
}

/// A signature that arguments of a `new` slot are bound to.
pub const fn signature(text: &'static str) -> MethodDef {
    bound(text, never, "")
}

fn never(_vm: &mut Vm, _receiver: &Value, _args: &Bound) -> Py {
    Ok(Value::none())
}

/// A field of a payload: what it refers to.
pub trait Holds {
    /// Reports each counted reference once.
    fn report(&self, _tracer: &mut Tracer<'_>) {}
    /// Moves the references out, if the field can do without them.
    fn release(&mut self, _out: &mut Vec<Value>) {}
}

macro_rules! holds_nothing {
    ($($ty:ty),*) => { $(impl Holds for $ty {})* };
}

holds_nothing!(
    bool,
    i64,
    u64,
    usize,
    f64,
    Vec<usize>,
    Vec<u8>,
    Option<usize>
);

impl Holds for Value {
    fn report(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(self);
    }
}

impl Holds for Option<Value> {
    fn report(&self, tracer: &mut Tracer<'_>) {
        tracer.visit_option(self);
    }
    fn release(&mut self, out: &mut Vec<Value>) {
        out.extend(self.take());
    }
}

impl Holds for Vec<Value> {
    fn report(&self, tracer: &mut Tracer<'_>) {
        tracer.visit_all(self);
    }
    fn release(&mut self, out: &mut Vec<Value>) {
        out.append(self);
    }
}

impl Holds for VecDeque<Value> {
    fn report(&self, tracer: &mut Tracer<'_>) {
        tracer.visit_all(self);
    }
    fn release(&mut self, out: &mut Vec<Value>) {
        out.extend(self.drain(..));
    }
}

impl Holds for Vec<Option<Value>> {
    fn report(&self, tracer: &mut Tracer<'_>) {
        tracer.visit_all(self.iter().flatten());
    }
    fn release(&mut self, out: &mut Vec<Value>) {
        out.extend(self.iter_mut().filter_map(Option::take));
    }
}

impl Holds for Box<[Value]> {
    fn report(&self, tracer: &mut Tracer<'_>) {
        tracer.visit_all(self.iter());
    }
}

impl Holds for Vec<Vec<Value>> {
    fn report(&self, tracer: &mut Tracer<'_>) {
        self.iter().for_each(|row| tracer.visit_all(row));
    }
}

/// Declares a native type: its static, its payload with fields that never change, and the guarded state.
#[macro_export]
macro_rules! native_type {
    (
        $(#[$doc:meta])*
        $ty:ident $name:literal $payload:ident { $($field:ident: $field_type:ty),* $(,)? }
        $state:ident { $($part:ident: $part_type:ty),* $(,)? }
    ) => {
        #[doc = concat!("The type `", $name, "`.")]
        pub static $ty: $crate::taipan_core::TypeObject = $crate::taipan_core::Type::declare($name);

        $(#[$doc])*
        pub struct $payload {
            $($field: $field_type,)*
            state: $crate::taipan_core::lock::Locked<$state>,
        }

        /// What changes in it.
        pub struct $state {
            $($part: $part_type,)*
        }

        impl $crate::taipan_core::lock::HasState for $payload {
            type State = $state;
            fn cell(&self) -> &$crate::taipan_core::lock::Locked<$state> {
                &self.state
            }
        }

        #[expect(unsafe_code, reason = "the contract of payloads")]
        // SAFETY: every field reports its references once.
        unsafe impl $crate::taipan_core::Payload for $payload {
            const GC: bool = true;
            fn type_object() -> &'static $crate::taipan_core::TypeObject {
                &$ty
            }
            #[allow(unused_variables)]
            fn trace(&self, tracer: &mut $crate::taipan_core::Tracer<'_>) {
                $($crate::support::Holds::report(&self.$field, tracer);)*
                // SAFETY: the world is stopped.
                let state = unsafe { self.state.get_unlocked() };
                $($crate::support::Holds::report(&state.$part, tracer);)*
            }
            #[allow(unused_variables)]
            fn clear(&self, out: &mut Vec<$crate::taipan_core::Value>) {
                // SAFETY: the object is garbage.
                let state = unsafe { self.state.get_unlocked() };
                $($crate::support::Holds::release(&mut state.$part, out);)*
            }
        }
    };
}

pub use crate::native_type;

/// A type's name as `repr` of its instances shows it: `module.Qualname`.
pub fn qualified_name(vm: &mut Vm, ty: &TypeObject) -> Py<String> {
    let cls = ty.to_value();
    let module = vm.get_attr(&cls, taipan_core::name!("__module__"))?;
    let name = vm.get_attr(&cls, taipan_core::name!("__qualname__"))?;
    let name = vm.str_string(&name)?;
    if !taipan_core::str_object::is_str(&module) {
        return Ok(name);
    }
    Ok(format!("{}.{name}", vm.str_string(&module)?))
}

/// Puts the functions of one more table into the dict of the module that is being made.
pub fn add_functions(vm: &mut Vm, dict: &Value, module: &str, table: &'static [MethodDef]) {
    let owner = taipan_core::str_object::name(module);
    let object = crate::_imp::module_in_making(vm);
    for function in table {
        let value = taipan_core::descriptor::new_native_function(
            function,
            object.clone(),
            Some(owner.clone()),
        );
        add(dict, function.name(), value);
    }
}

/// Adds a note to an exception. What goes wrong with that is dropped.
pub fn note_on(vm: &mut Vm, exception: &Value, note: &str) {
    let note = taipan_core::str_object::new_str(note);
    if let Err(raised) = vm.call_method(exception, taipan_core::name!("add_note"), &[note]) {
        drop(vm.take_raised(raised));
    }
}

/// Adds a note to the exception on its way.
#[cold]
pub fn noted(vm: &mut Vm, raised: Raised, note: &str) -> Raised {
    let exception = vm.take_raised(raised);
    note_on(vm, &exception, note);
    vm.set_pending(exception)
}
