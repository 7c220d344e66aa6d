//! The running state: [`Vm`] (the token that allows running Python), [`Thread`], [`Interpreter`].

use crate::header::Header;
use crate::raise::Raised;
use crate::type_object::TypeObject;
use crate::value::Value;
use foldhash::fast::FixedState;
use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::HashMap;
use std::ptr::{NonNull, null};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// The permission to run Python code on this thread, and the way to its state.
///
/// Holding `&mut Vm` means "may run Python". Object guards borrow it, so nothing that needs it can be called under a guard.
#[repr(transparent)]
pub struct Vm {
    thread: NonNull<Thread>,
}

/// Bits of the eval breaker: something waits for the next safepoint.
pub mod breaker {
    /// A signal arrived.
    pub const SIGNAL: u32 = 1;
    /// The collector wants to run.
    pub const COLLECT: u32 = 2;
    /// Destruction was put off.
    pub const TRASH: u32 = 4;
    /// Tracing was switched.
    pub const TRACE: u32 = 16;
    /// `_thread.interrupt`-like asynchronous exception.
    pub const ASYNC: u32 = 32;
    /// Stress mode: collect at each safepoint.
    pub const ZEAL: u32 = 64;
    /// Another thread waits for its turn.
    pub const YIELD: u32 = 128;
    /// Another thread wants the world stopped.
    pub const STOP: u32 = 256;
    /// Another thread waits for a quiescent state.
    pub const EPOCH: u32 = 512;
    /// Objects are in this thread's queue.
    pub const MERGE: u32 = 1024;
    /// The other threads have ended.
    pub const ALONE: u32 = 2048;
    /// What there is to do because of other threads.
    pub const THREADS: u32 = YIELD | STOP | EPOCH | MERGE | ALONE | TRASH;
}

/// Functions that upper crates install; core calls them.
#[derive(Clone, Copy)]
pub struct Hooks {
    /// Serves what the breaker asks for.
    pub safepoint: fn(&mut Vm) -> crate::Py<()>,
    /// Reports an exception that cannot be raised (`sys.unraisablehook`): exception, what was being done, object.
    pub unraisable: fn(&mut Vm, Value, &str, Option<&Value>),
    /// The frame object of the `depth`-th caller.
    pub frame: fn(&mut Vm, usize) -> crate::Py<Option<Value>>,
    /// `iter()` of an object with `__getitem__` only.
    pub sequence_iterator: fn(&mut Vm, &Value) -> crate::Py,
    /// `type[key]` and the like: makes a generic alias.
    pub generic_alias: fn(&mut Vm, &Value, &Value) -> crate::Py,
    /// Makes the read-only view of a class namespace.
    pub mapping_proxy: fn(&mut Vm, &Value) -> crate::Py,
    /// A function of the native module `_typing`, by name: makes type parameters.
    pub typing: fn(&mut Vm, &str) -> crate::Py,
    /// The buffer of an instance of a class that defines `__buffer__` or `__release_buffer__` in Python.
    pub python_buffer: fn(&mut Vm, &Value, u32) -> crate::Py<crate::buffer::Buffer>,
    /// `__buffer__` of a builtin type: a view of what it lent.
    pub buffer_method: fn(&mut Vm, crate::buffer::Buffer) -> crate::Py,
    /// `__release_buffer__` of a builtin type: the object and a view.
    pub release_method: fn(&mut Vm, &Value, &Value) -> crate::Py,
    /// Issues a warning: category, message, stack level.
    pub warn: fn(&mut Vm, &TypeObject, &str, usize) -> crate::Py<()>,
}

/// One Python interpreter: modules, builtins, and what modules keep.
pub struct Interpreter {
    /// `sys.modules` (a dict).
    pub modules: Root,
    /// The dict of module `builtins`.
    pub builtins: Root,
    /// The dict of module `sys`.
    pub sys_dict: Root,
    pub hooks: Hooks,
    pub gc: crate::gc::Collector,
    pub recursion_limit: AtomicU32,
    state: Mutex<HashMap<TypeId, Box<dyn Any + Send + Sync>, FixedState>>,
    /// Threads besides the first that were announced and have not ended.
    pub(crate) others: AtomicU32,
    pub(crate) world: crate::world::World,
    pub(crate) threads: Mutex<Vec<&'static Thread>>,
    pub(crate) native: Mutex<crate::world::Native>,
    pub(crate) left_behind: Mutex<crate::retire::LeftBehind>,
    /// Microseconds.
    pub(crate) switch_interval: AtomicU64,
}

/// An object that an interpreter holds.
pub struct Root(Mutex<Option<Value>>);

impl Root {
    pub(crate) const fn new() -> Root {
        Root(Mutex::new(None))
    }

    /// The object, if there is one.
    pub fn get(&self) -> Option<Value> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Replaces the object; gives the former one.
    pub fn set(&self, object: Option<Value>) -> Option<Value> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut held, object)
    }
}

/// A frame as far as core and the library need to know it; `taipan-interp` owns the real one.
pub type FramePointer = *const u8;

/// One thread's state. All fields are cells: the `Vm` token is passed as `&mut`, its target never is.
pub struct Thread {
    pub interpreter: &'static Interpreter,
    /// The owner id that object headers carry; another thread may have it once this one has ended.
    pub owner: u16,
    /// A number that no other thread ever has.
    pub serial: u64,
    /// The system's handle of the thread, as `threading.get_ident()` gives it.
    pub ident: Cell<u64>,
    /// Did it make the interpreter? Signals are served by it.
    pub is_main: Cell<bool>,
    /// Live guards on this thread; destruction waits while it is not zero.
    pub(crate) guards: Cell<u32>,
    pub(crate) place: crate::world::Place,
    pub(crate) queue: crate::refcount::Queue,
    pub(crate) has_stopped_world: Cell<bool>,
    pub(crate) limbo: UnsafeCell<crate::retire::Limbo>,
    pub(crate) destroy_depth: Cell<u32>,
    pub(crate) trash: UnsafeCell<Vec<*const Header>>,
    /// The exception being raised.
    pending: UnsafeCell<Option<Value>>,
    /// The exception that the running code handles itself: its innermost generator, or else what called it.
    handled: UnsafeCell<Option<Value>>,
    /// What is handled by those who resumed the innermost generator.
    handled_outside: UnsafeCell<Option<Value>>,
    /// Lowest native stack address Python code may use.
    stack_limit: Cell<usize>,
    pub breaker: AtomicU32,
    /// Depth of Python frames, held against the recursion limit.
    pub depth: Cell<u32>,
    /// Top frame, and the VM stack that frames live on (owned by `taipan-interp`).
    pub frame: Cell<FramePointer>,
    pub stack_top: Cell<*mut u64>,
    pub stack_end: Cell<*mut u64>,
    /// Any of `settrace`, `setprofile`, `monitoring` is on.
    pub tracing: Cell<u32>,
    pub(crate) type_cache: &'static crate::type_object::TypeCache,
    /// Objects whose `repr` is under way (`Py_ReprEnter`).
    pub(crate) repr_stack: RefCell<Vec<u64>>,
    state: UnsafeCell<HashMap<TypeId, Box<dyn Any>, FixedState>>,
}

// SAFETY: cells are touched by the thread itself, or by one that keeps it from running (see `world`); all else is atomic.
unsafe impl Sync for Thread {}

thread_local! {
    static CURRENT: Cell<*const Thread> = const { Cell::new(null()) };
}

static NEXT_OWNER: AtomicU32 = AtomicU32::new(1);
/// Monotonic ids, for context and code versions.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// A number never given out before.
pub fn next_id() -> u64 {
    NEXT_ID.fetch_add(1, Relaxed)
}

/// The current thread's state, if attached.
#[inline(always)]
pub(crate) fn current_thread() -> Option<&'static Thread> {
    let thread = CURRENT.with(Cell::get);
    // SAFETY: set in `attach` to a leaked Thread, cleared in `detach`.
    unsafe { thread.as_ref() }
}

impl Interpreter {
    /// A new interpreter; lives until the process ends.
    pub fn create(hooks: Hooks) -> &'static Interpreter {
        Box::leak(Box::new(Interpreter {
            modules: Root::new(),
            builtins: Root::new(),
            sys_dict: Root::new(),
            hooks,
            gc: crate::gc::Collector::new(),
            recursion_limit: AtomicU32::new(1000),
            state: Mutex::default(),
            others: AtomicU32::new(0),
            world: crate::world::World::new(),
            threads: Mutex::new(Vec::new()),
            native: Mutex::default(),
            left_behind: Mutex::default(),
            switch_interval: AtomicU64::new(5000),
        }))
    }
}

/// Owner ids whose threads have ended. What such a thread owned belongs to the next thread that gets its id.
static FREE_OWNERS: Mutex<Vec<u16>> = Mutex::new(Vec::new());

fn new_owner() -> u16 {
    let free = FREE_OWNERS.lock().ok().and_then(|mut free| free.pop());
    free.unwrap_or_else(|| {
        NEXT_OWNER
            .fetch_add(1, Relaxed)
            .min(crate::header::OWNER_FREED as u32 - 1) as u16
    })
}

/// Attaches the current native thread: makes its state and lets it run Python code. `stack_size` is what the
/// native stack below the caller can still take, in bytes. The first thread of an interpreter is its main thread.
pub fn attach(interpreter: &'static Interpreter, stack_size: usize) -> Vm {
    let owner = new_owner();
    crate::refcount::set_current_owner(owner);
    crate::alloc::attach(&interpreter.gc);
    let here = &raw const owner as usize;
    let is_main = interpreter.threads().is_empty();
    let thread: &'static Thread = Box::leak(Box::new(Thread {
        interpreter,
        owner,
        serial: next_id(),
        // SAFETY: asks for the calling thread's handle, which needs nothing.
        ident: Cell::new(unsafe { libc::pthread_self() } as u64),
        is_main: Cell::new(is_main),
        guards: Cell::new(0),
        place: crate::world::Place::new(),
        queue: crate::refcount::Queue::default(),
        has_stopped_world: Cell::new(false),
        limbo: UnsafeCell::new(crate::retire::Limbo::new()),
        destroy_depth: Cell::new(0),
        trash: UnsafeCell::new(Vec::new()),
        pending: UnsafeCell::new(None),
        handled: UnsafeCell::new(None),
        handled_outside: UnsafeCell::new(None),
        stack_limit: Cell::new(here.saturating_sub(stack_size)),
        breaker: AtomicU32::new(0),
        depth: Cell::new(0),
        frame: Cell::new(null()),
        stack_top: Cell::new(std::ptr::null_mut()),
        stack_end: Cell::new(std::ptr::null_mut()),
        tracing: Cell::new(0),
        type_cache: crate::type_object::TypeCache::of_new_thread(),
        repr_stack: RefCell::new(Vec::new()),
        state: UnsafeCell::new(HashMap::default()),
    }));
    interpreter.world.join(thread, || {
        crate::refcount::take_ownership(thread);
        interpreter.threads().push(thread);
    });
    crate::shared_counts::attach();
    CURRENT.with(|current| current.set(thread));
    Vm {
        thread: NonNull::from(thread),
    }
}

/// Drops what a thread holds, before it ends; finalisers run. Its frames are gone already.
pub fn let_go(vm: &mut Vm) {
    let thread = vm.thread();
    drop(vm.swap_handled(None));
    // SAFETY: only this thread touches its cells; the values are moved out before they are dropped.
    unsafe {
        drop((*thread.pending.get()).take());
        drop((*thread.handled_outside.get()).take());
    }
    // Finalisers may make states anew; a program that goes on and on with that keeps the last ones.
    for _ in 0..8 {
        // SAFETY: as above; and nobody up the stack holds on to a state.
        let states = unsafe { std::mem::take(&mut *thread.state.get()) };
        if states.is_empty() {
            break;
        }
        drop(states);
    }
    crate::destroy::drain_trash();
}

/// Ends a thread that has let everything go: goes outside, for ever.
pub fn detach(vm: Vm) {
    let thread = vm.thread();
    thread.type_cache.give_back();
    let interpreter = thread.interpreter;
    crate::refcount::end_ownership(thread);
    crate::shared_counts::detach();
    crate::retire::leave_behind(thread);
    CURRENT.with(|current| current.set(null()));
    crate::refcount::set_current_owner(crate::header::OWNER_MERGED);
    interpreter.world.leave(thread);
    interpreter
        .threads()
        .retain(|other| !std::ptr::eq(*other, thread));
    if let Ok(mut free) = FREE_OWNERS.lock() {
        free.push(thread.owner);
    }
    interpreter.retract_thread();
}

impl Thread {
    /// The exception that the thread handles. For whoever has the turn.
    pub fn handled(&self) -> Option<Value> {
        // SAFETY: read only, and no other thread runs.
        unsafe {
            let own = (*self.handled.get()).as_ref();
            own.or((*self.handled_outside.get()).as_ref()).cloned()
        }
    }

    #[inline(always)]
    pub(crate) fn has_trash(&self) -> bool {
        // SAFETY: only this thread touches its queue, and no reference outlives the statement.
        unsafe { !(*self.trash.get()).is_empty() }
    }
}

/// What was being handled when a generator was resumed.
#[derive(Default)]
pub struct Handling {
    caller: Option<Value>,
    outside: Option<Value>,
}

impl Handling {
    /// Reports both references.
    pub fn trace(&self, tracer: &mut crate::payload::Tracer<'_>) {
        tracer.visit_option(&self.caller);
        tracer.visit_option(&self.outside);
    }
}

impl Vm {
    /// This thread's state.
    #[inline(always)]
    pub fn thread(&self) -> &'static Thread {
        // SAFETY: thread states are leaked.
        unsafe { self.thread.as_ref() }
    }

    #[inline(always)]
    pub fn interpreter(&self) -> &'static Interpreter {
        self.thread().interpreter
    }

    /// The current thread's token, for code that is entered from outside: destructors, signal wake-ups, foreign callbacks.
    ///
    /// # Safety
    /// No guard is alive on this thread, and the caller is at a place where running Python code is expected.
    pub unsafe fn current() -> Option<Vm> {
        current_thread().map(|thread| Vm {
            thread: NonNull::from(thread),
        })
    }

    /// State that an upper crate keeps per interpreter; made on first use.
    pub fn interpreter_state<T: Default + Send + Sync + 'static>(&self) -> &'static T {
        let mut map = self
            .interpreter()
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let boxed = map
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Box::new(T::default()));
        let target: *const T = match boxed.downcast_ref::<T>() {
            Some(state) => state,
            None => unreachable!("keyed by its own type id"),
        };
        // SAFETY: the map only grows and its boxes do not move; they live as long as the interpreter, which is leaked.
        unsafe { &*target }
    }

    /// State that an upper crate keeps per thread; made on first use.
    pub fn thread_state<T: Default + 'static>(&self) -> &'static T {
        // SAFETY: as in `interpreter_state`.
        let map = unsafe { &mut *self.thread().state.get() };
        let boxed = map
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Box::new(T::default()));
        let target: *const T = match boxed.downcast_ref::<T>() {
            Some(state) => state,
            None => unreachable!("keyed by its own type id"),
        };
        // SAFETY: as above.
        unsafe { &*target }
    }

    // ---- pending and handled exceptions ----

    /// Makes `exception` (an instance of `BaseException`) the pending one. Does not touch its `__context__`.
    pub fn set_pending(&mut self, exception: Value) -> Raised {
        // SAFETY: only this thread touches its cell; the old value is moved out before it is dropped.
        let old = unsafe { (*self.thread().pending.get()).replace(exception) };
        drop(old);
        Raised::new()
    }

    /// Takes the pending exception. If none is pending, which is an internal error, it gives a `SystemError` that says so.
    pub fn take_raised(&mut self, _raised: Raised) -> Value {
        // SAFETY: as in `set_pending`.
        let pending = unsafe { (*self.thread().pending.get()).take() };
        pending.unwrap_or_else(|| self.lost_exception())
    }

    #[cold]
    #[inline(never)]
    fn lost_exception(&mut self) -> Value {
        let _ = self.system_error("error return without exception set");
        // SAFETY: as in `set_pending`.
        let made = unsafe { (*self.thread().pending.get()).take() };
        made.unwrap_or_else(Value::none)
    }

    /// The type test of an `except` clause against the pending exception, without taking it.
    pub fn pending_is(&self, ty: &TypeObject) -> bool {
        // SAFETY: read only, no Python runs meanwhile.
        unsafe {
            (*self.thread().pending.get())
                .as_ref()
                .is_some_and(|e| e.is_instance(ty))
        }
    }

    /// Swallows the pending exception if it is of type `ty`, else passes the error on.
    pub fn catch(&mut self, raised: Raised, ty: &TypeObject) -> crate::Py<Value> {
        if self.pending_is(ty) {
            Ok(self.take_raised(raised))
        } else {
            Err(raised)
        }
    }

    /// The exception being handled, as `sys.exception()`.
    pub fn handled(&self) -> Option<Value> {
        self.thread().handled()
    }

    /// A generator starts to run, handling `own`. What its caller handles is seen inside, but is not the generator's to keep.
    #[inline]
    pub fn enter_handling(&mut self, own: Option<Value>) -> Handling {
        let caller = self.swap_handled(own);
        let outside = match &caller {
            // SAFETY: only this thread touches its cell.
            Some(caller) => unsafe {
                (*self.thread().handled_outside.get()).replace(caller.clone())
            },
            None => None,
        };
        Handling { caller, outside }
    }

    /// The opposite of [`Vm::enter_handling`]; gives what the generator handles.
    #[inline]
    pub fn leave_handling(&mut self, before: Handling) -> Option<Value> {
        if before.caller.is_some() {
            // SAFETY: as above; the old value is dropped after the exchange.
            let old = unsafe {
                std::mem::replace(&mut *self.thread().handled_outside.get(), before.outside)
            };
            drop(old);
        }
        self.swap_handled(before.caller)
    }

    /// Exchanges the exception being handled; gives the former one.
    pub fn swap_handled(&mut self, exception: Option<Value>) -> Option<Value> {
        // SAFETY: only this thread touches its cell.
        unsafe { std::mem::replace(&mut *self.thread().handled.get(), exception) }
    }

    // ---- native stack ----

    /// Raises `RecursionError` if the native stack is nearly used up.
    #[inline(always)]
    pub fn check_stack(&mut self) -> crate::Py<()> {
        let marker = 0u8;
        if (&raw const marker as usize) < self.thread().stack_limit.get() {
            return Err(self.stack_exhausted(""));
        }
        Ok(())
    }

    /// Is the native stack nearly used up?
    #[inline(always)]
    pub fn stack_is_low(&self) -> bool {
        let marker = 0u8;
        (&raw const marker as usize) < self.thread().stack_limit.get()
    }

    /// As [`Vm::check_stack`]; the message goes on with `doing`.
    #[inline(always)]
    pub fn check_stack_while(&mut self, doing: &str) -> crate::Py<()> {
        if self.stack_is_low() {
            return Err(self.stack_exhausted(doing));
        }
        Ok(())
    }

    #[cold]
    fn stack_exhausted(&mut self, doing: &str) -> Raised {
        let limit = self.thread().stack_limit.get();
        // Room for making the exception itself.
        self.thread()
            .stack_limit
            .set(limit.saturating_sub(64 * 1024));
        let raised = self.raise(
            &crate::builtin_types::RECURSION_ERROR,
            format!("maximum recursion depth exceeded{doing}"),
        );
        self.thread().stack_limit.set(limit);
        raised
    }

    /// Sets how far the native stack may grow, as an address.
    pub fn set_stack_limit(&mut self, address: usize) {
        self.thread().stack_limit.set(address);
    }

    // ---- safepoints ----

    /// A place where signals, the collector and other threads may be served.
    #[inline(always)]
    pub fn safepoint(&mut self) -> crate::Py<()> {
        if self.thread().breaker.load(Relaxed) != 0 {
            (self.interpreter().hooks.safepoint)(self)
        } else {
            Ok(())
        }
    }

    /// Asks for attention at the next safepoint.
    pub fn request(&self, bit: u32) {
        self.thread().breaker.fetch_or(bit, Relaxed);
    }

    // ---- guarding `repr` against endless recursion ----

    /// Notes that `repr` of `object` begins; false if it is already under way.
    pub fn repr_enter(&mut self, object: &Value) -> bool {
        let mut stack = self.thread().repr_stack.borrow_mut();
        if stack.contains(&object.bits()) {
            return false;
        }
        stack.push(object.bits());
        true
    }

    /// Ends what [`Vm::repr_enter`] began.
    pub fn repr_leave(&mut self) {
        self.thread().repr_stack.borrow_mut().pop();
    }

    // ---- raising ----

    /// Raises `ty(message)`.
    #[cold]
    #[inline(never)]
    pub fn raise(&mut self, ty: &TypeObject, message: impl AsRef<str>) -> Raised {
        let text = crate::str_object::new_str(message.as_ref());
        self.raise_with(ty, &[text])
    }

    /// Raises `ty(*args)`.
    #[cold]
    #[inline(never)]
    pub fn raise_with(&mut self, ty: &TypeObject, args: &[Value]) -> Raised {
        match self.call(&ty.to_value(), args) {
            Ok(exception) => self.raise_value(exception),
            Err(raised) => raised,
        }
    }

    /// Raises an exception instance, chaining the exception being handled as its context.
    #[cold]
    #[inline(never)]
    pub fn raise_value(&mut self, exception: Value) -> Raised {
        crate::exception::chain_context(self, &exception);
        self.set_pending(exception)
    }

    #[cold]
    #[inline(never)]
    pub fn type_error(&mut self, message: impl AsRef<str>) -> Raised {
        self.raise(&crate::builtin_types::TYPE_ERROR, message)
    }

    #[cold]
    #[inline(never)]
    pub fn value_error(&mut self, message: impl AsRef<str>) -> Raised {
        self.raise(&crate::builtin_types::VALUE_ERROR, message)
    }

    #[cold]
    #[inline(never)]
    pub fn index_error(&mut self, message: impl AsRef<str>) -> Raised {
        self.raise(&crate::builtin_types::INDEX_ERROR, message)
    }

    #[cold]
    #[inline(never)]
    pub fn overflow_error(&mut self, message: impl AsRef<str>) -> Raised {
        self.raise(&crate::builtin_types::OVERFLOW_ERROR, message)
    }

    #[cold]
    #[inline(never)]
    pub fn runtime_error(&mut self, message: impl AsRef<str>) -> Raised {
        self.raise(&crate::builtin_types::RUNTIME_ERROR, message)
    }

    #[cold]
    #[inline(never)]
    pub fn attribute_error(&mut self, message: impl AsRef<str>) -> Raised {
        self.raise(&crate::builtin_types::ATTRIBUTE_ERROR, message)
    }

    /// `KeyError(key)`.
    #[cold]
    #[inline(never)]
    pub fn key_error(&mut self, key: &Value) -> Raised {
        self.raise_with(&crate::builtin_types::KEY_ERROR, std::slice::from_ref(key))
    }

    #[cold]
    #[inline(never)]
    pub fn memory_error(&mut self) -> Raised {
        self.raise_with(&crate::builtin_types::MEMORY_ERROR, &[])
    }

    /// `SystemError` for what should not happen.
    #[cold]
    #[inline(never)]
    pub fn system_error(&mut self, message: impl AsRef<str>) -> Raised {
        self.raise(&crate::builtin_types::SYSTEM_ERROR, message)
    }

    /// Reports an error that cannot be passed on (`__del__`, weakref callbacks).
    #[cold]
    pub fn unraisable(&mut self, raised: Raised, doing: &str, object: Option<&Value>) {
        let exception = self.take_raised(raised);
        (self.interpreter().hooks.unraisable)(self, exception, doing, object);
    }

    /// Reports an error in `function`, which nobody called who could be told: the message is `doing` and its `repr`.
    #[cold]
    pub fn unraisable_in(&mut self, raised: Raised, doing: &str, function: &Value) {
        let exception = self.take_raised(raised);
        let text = match self.repr_string(function) {
            Ok(text) => text,
            Err(raised) => {
                drop(self.take_raised(raised));
                format!(
                    "<{} object at {:#x}>",
                    function.type_of().name(),
                    function.bits()
                )
            }
        };
        (self.interpreter().hooks.unraisable)(self, exception, &format!("{doing} {text}"), None);
    }

    /// Issues a warning through the `warnings` machinery.
    pub fn warn(
        &mut self,
        category: &TypeObject,
        message: &str,
        stack_level: usize,
    ) -> crate::Py<()> {
        (self.interpreter().hooks.warn)(self, category, message, stack_level)
    }
}
