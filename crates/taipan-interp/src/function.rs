//! Function objects, bound methods and cells: the payloads. What Python sees of them is in `function_type`.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU64, Ordering::AcqRel};
use taipan_core::lock::{HasState, Locked};
use taipan_core::payload::{Payload, Tracer};
use taipan_core::{Obj, TypeObject, Value, Vm, alloc, builtin_types};

use crate::code_object::CodeObject;

/// What may be assigned to on a function.
pub struct FunctionState {
    pub name: Value,
    pub qualname: Value,
    pub module: Option<Value>,
    /// `None` as long as it is what the code says.
    pub doc: Option<Value>,
    /// A tuple.
    pub defaults: Option<Value>,
    /// A dict.
    pub kwdefaults: Option<Value>,
    /// The `__annotate__` function.
    pub annotate: Option<Value>,
    /// A dict, once asked for or assigned.
    pub annotations: Option<Value>,
    /// A tuple.
    pub type_params: Option<Value>,
    /// Code that was replaced while frames may still run it.
    pub retired: Vec<Value>,
}

/// Payload of functions.
pub struct Function {
    /// A code object. Replaced only by assignment to `__code__`, with the world stopped.
    code: UnsafeCell<Value>,
    pub globals: Value,
    pub builtins: Value,
    /// A tuple of cells.
    pub closure: Option<Value>,
    state: Locked<FunctionState>,
}

// SAFETY: `code` is written with the world stopped.
unsafe impl Sync for Function {}

impl HasState for Function {
    type State = FunctionState;
    fn cell(&self) -> &Locked<FunctionState> {
        &self.state
    }
}

// SAFETY: all references are reported.
unsafe impl Payload for Function {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &builtin_types::FUNCTION
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        let (code, state) = unsafe { (&*self.code.get(), self.state.get_unlocked()) };
        tracer.visit(code);
        tracer.visit(&self.globals);
        tracer.visit(&self.builtins);
        tracer.visit_option(&self.closure);
        tracer.visit(&state.name);
        tracer.visit(&state.qualname);
        tracer.visit_option(&state.module);
        tracer.visit_option(&state.doc);
        tracer.visit_option(&state.defaults);
        tracer.visit_option(&state.kwdefaults);
        tracer.visit_option(&state.annotate);
        tracer.visit_option(&state.annotations);
        tracer.visit_option(&state.type_params);
        tracer.visit_all(state.retired.iter());
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the function is garbage; what a call needs (code, globals, closure) stays.
        let state = unsafe { self.state.get_unlocked() };
        out.extend(state.defaults.take());
        out.extend(state.kwdefaults.take());
        out.extend(state.annotate.take());
        out.extend(state.annotations.take());
        out.extend(state.type_params.take());
        out.extend(state.doc.take());
        out.extend(state.module.take());
    }
}

impl Function {
    /// A function as `MAKE_FUNCTION` makes it.
    pub fn create(
        code: Value,
        globals: Value,
        builtins: Value,
        closure: Option<Value>,
        state: FunctionState,
    ) -> Value {
        alloc::new_object(Function {
            code: UnsafeCell::new(code),
            globals,
            builtins,
            closure,
            state: Locked::new(state),
        })
    }

    /// The code object.
    #[inline(always)]
    pub fn code(&self) -> &Obj<CodeObject> {
        // SAFETY: always a code object; a running call holds its own reference to the old one when it is replaced.
        unsafe { (*self.code.get()).cast_unchecked::<CodeObject>() }
    }

    /// Replaces the code. The old one is kept: frames that run it borrow it.
    pub fn set_code(&self, vm: &mut Vm, code: Value) {
        // SAFETY: the world is stopped.
        vm.stop_the_world(|_| unsafe {
            let doc = self.code().docstring();
            self.state.get_unlocked().doc.get_or_insert(doc);
            let old = std::mem::replace(&mut *self.code.get(), code);
            self.state.get_unlocked().retired.push(old);
        });
    }

    /// A field that calls read without a lock: [`Function::change`] writes it.
    #[inline(always)]
    fn peek<R>(&self, look: impl FnOnce(&FunctionState) -> R) -> R {
        // SAFETY: written with the world stopped only, and the look ends before the next safepoint.
        look(unsafe { self.state.get_unlocked() })
    }

    /// Changes what may be assigned to; gives what `change` gives, which is dropped afterwards.
    pub fn change<R>(&self, vm: &mut Vm, change: impl FnOnce(&mut FunctionState) -> R) -> R {
        // SAFETY: the world is stopped.
        vm.stop_the_world(|_| change(unsafe { self.state.get_unlocked() }))
    }

    /// Defaults of positional parameters, without a lock: read by calls.
    #[inline(always)]
    pub(crate) fn defaults(&self) -> Option<Value> {
        self.peek(|state| state.defaults.clone())
    }

    pub(crate) fn kwdefaults(&self) -> Option<Value> {
        self.peek(|state| state.kwdefaults.clone())
    }

    pub(crate) fn qualname(&self) -> Value {
        self.peek(|state| state.qualname.clone())
    }

    pub(crate) fn name(&self) -> Value {
        self.peek(|state| state.name.clone())
    }
}

pub use taipan_core::method::{Method, new_method};

/// Payload of cells: a variable shared by scopes.
pub struct Cell {
    contents: UnsafeCell<Option<Value>>,
}

// SAFETY: one word, exchanged atomically while there are several threads.
unsafe impl Sync for Cell {}

// SAFETY: the reference is reported.
unsafe impl Payload for Cell {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &builtin_types::CELL
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        tracer.visit_option(unsafe { &*self.contents.get() });
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the cell is garbage.
        out.extend(unsafe { (*self.contents.get()).take() });
    }
}

impl Cell {
    pub fn create(contents: Option<Value>) -> Value {
        alloc::new_object(Cell {
            contents: UnsafeCell::new(contents),
        })
    }

    #[inline(always)]
    pub fn get(&self) -> Option<Value> {
        // SAFETY: a live cell's place.
        unsafe { taipan_core::instance::read(self.contents.get()) }
    }

    /// Stores; gives the old contents.
    #[inline(always)]
    pub fn set(&self, contents: Option<Value>) -> Option<Value> {
        if taipan_core::world::is_shared() {
            return self.exchange(contents);
        }
        // SAFETY: one word, and one thread; the old value is dropped by the caller, after the exchange.
        unsafe { std::mem::replace(&mut *self.contents.get(), contents) }
    }

    #[inline(never)]
    fn exchange(&self, contents: Option<Value>) -> Option<Value> {
        let word = contents.map_or(0, Value::into_bits);
        // SAFETY: the place is a word, aligned; what was in it comes out once.
        unsafe {
            let old = AtomicU64::from_ptr(self.contents.get().cast()).swap(word, AcqRel);
            (old != 0).then(|| Value::from_bits(old))
        }
    }
}

/// The function's qualified name for messages.
pub fn qualname_text(_vm: &mut Vm, function: &Function) -> String {
    taipan_core::str_object::str_of(&function.qualname())
        .map(|text| text.to_lossy())
        .unwrap_or_default()
}
