//! The payload of all exceptions. Type-specific members (`OSError.errno`, `StopIteration.value`, ...) are numbered fields.

use crate::builtin_types;
use crate::lock::{HasState, Locked};
use crate::payload::{Payload, Tracer};
use crate::type_object::TypeObject;
use crate::value::Value;
use crate::vm::Vm;

/// What every exception has.
pub struct ExceptionState {
    /// A tuple.
    pub args: Value,
    pub traceback: Option<Value>,
    pub context: Option<Value>,
    pub cause: Option<Value>,
    pub suppress_context: bool,
    /// Members of the specific type, by the numbers that `taipan-types` gives them.
    pub fields: Vec<Option<Value>>,
}

/// Payload of exceptions.
pub struct Exception {
    state: Locked<ExceptionState>,
}

impl Exception {
    pub fn new(args: Value) -> Exception {
        Exception {
            state: Locked::new(ExceptionState {
                args,
                traceback: None,
                context: None,
                cause: None,
                suppress_context: false,
                fields: Vec::new(),
            }),
        }
    }
}

impl HasState for Exception {
    type State = ExceptionState;
    fn cell(&self) -> &Locked<ExceptionState> {
        &self.state
    }
}

// SAFETY: all references are in the state.
unsafe impl Payload for Exception {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &builtin_types::BASE_EXCEPTION
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        let state = unsafe { self.state.get_unlocked() };
        tracer.visit(&state.args);
        tracer.visit_option(&state.traceback);
        tracer.visit_option(&state.context);
        tracer.visit_option(&state.cause);
        state
            .fields
            .iter()
            .for_each(|field| tracer.visit_option(field));
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the object is garbage.
        let state = unsafe { self.state.get_unlocked() };
        out.push(std::mem::replace(
            &mut state.args,
            crate::tuple_object::empty_tuple(),
        ));
        out.extend(state.traceback.take());
        out.extend(state.context.take());
        out.extend(state.cause.take());
        out.extend(state.fields.drain(..).flatten());
    }
}

/// A field of an exception.
pub fn field(vm: &mut Vm, exception: &Value, index: usize) -> Option<Value> {
    exception
        .cast::<Exception>()?
        .lock(vm)
        .fields
        .get(index)
        .cloned()
        .flatten()
}

/// Sets (or empties) a field of an exception.
pub fn set_field(vm: &mut Vm, exception: &Value, index: usize, value: Option<Value>) {
    if let Some(object) = exception.cast::<Exception>() {
        let mut state = object.lock(vm);
        if state.fields.len() <= index {
            state.fields.resize(index + 1, None);
        }
        let old = std::mem::replace(&mut state.fields[index], value);
        drop(state);
        drop(old);
    }
}

/// Makes the exception being handled the context of a newly raised one, without making a cycle.
pub(crate) fn chain_context(vm: &mut Vm, exception: &Value) {
    let Some(handled) = vm.handled() else { return };
    if handled.is(exception) {
        return;
    }
    // Cut the chain where it would come back to the new exception (with Floyd's step to survive cycles in it).
    let mut at = handled.clone();
    let mut slow = handled.clone();
    let mut step = false;
    while let Some(next) = context(vm, &at) {
        if next.is(exception) {
            set_context(vm, &at, None);
            break;
        }
        at = next;
        if step {
            match context(vm, &slow) {
                Some(next) => slow = next,
                None => break,
            }
            if slow.is(&at) {
                break;
            }
        }
        step = !step;
    }
    set_context(vm, exception, Some(handled));
}

/// `exception.__context__`
pub fn context(vm: &mut Vm, exception: &Value) -> Option<Value> {
    exception.cast::<Exception>()?.lock(vm).context.clone()
}

pub fn set_context(vm: &mut Vm, exception: &Value, context: Option<Value>) {
    if let Some(object) = exception.cast::<Exception>() {
        let old = std::mem::replace(&mut object.lock(vm).context, context);
        drop(old);
    }
}

/// `exception.__cause__`
pub fn cause(vm: &mut Vm, exception: &Value) -> Option<Value> {
    exception.cast::<Exception>()?.lock(vm).cause.clone()
}

/// Sets `__cause__` and with it `__suppress_context__`.
pub fn set_cause(vm: &mut Vm, exception: &Value, cause: Option<Value>) {
    if let Some(object) = exception.cast::<Exception>() {
        let mut state = object.lock(vm);
        state.suppress_context = true;
        let old = std::mem::replace(&mut state.cause, cause);
        drop(state);
        drop(old);
    }
}

/// `exception.__traceback__`
pub fn traceback(vm: &mut Vm, exception: &Value) -> Option<Value> {
    exception.cast::<Exception>()?.lock(vm).traceback.clone()
}

pub fn set_traceback(vm: &mut Vm, exception: &Value, traceback: Option<Value>) {
    if let Some(object) = exception.cast::<Exception>() {
        let old = std::mem::replace(&mut object.lock(vm).traceback, traceback);
        drop(old);
    }
}

/// `exception.args`
pub fn args(vm: &mut Vm, exception: &Value) -> Value {
    match exception.cast::<Exception>() {
        Some(object) => object.lock(vm).args.clone(),
        None => crate::tuple_object::empty_tuple(),
    }
}
