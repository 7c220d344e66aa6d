//! `_contextvars`: variables whose values belong to a context, and contexts that code runs in (PEP 567).

mod hamt;

use crate::ModuleDef;
use crate::support::add_type;
use hamt::Map;
use taipan_core::builtin_types as types;
use taipan_core::latch::{Latch, LatchCell};
use taipan_core::lock::{HasState, Locked};
use taipan_core::str_object::{is_str, new_str, str_eq};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, CompareOp, GetSetDef, Layout, MethodDef, Payload, Py, Raised, Slots, Tracer, Type,
    TypeFlags, TypeObject, TypeSpec, Value, Vm, alloc, f0, f1, getter, name, raw, slice,
};
use taipan_types::check::class_getitem_row;
use taipan_types::list::new_list;

/// The module `_contextvars`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_contextvars",
    doc: "Context Variables",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 1] = [f0(
    "copy_context(module, /)",
    copy_context,
    "Return a copy of the current Context object.",
)];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    define_types();
    add_type(dict, &CONTEXT);
    add_type(dict, &CONTEXT_VAR);
    add_type(dict, &TOKEN);
    Ok(())
}

fn define_types() {
    hamt::define();
    CONTEXT.define(&CONTEXT_SPEC);
    CONTEXT_VAR.define(&VAR_SPEC);
    TOKEN.define(&TOKEN_SPEC);
    MISSING_TYPE.define(&MISSING_SPEC);
    let namespace = TOKEN.namespace();
    if !namespace.contains_name(name!("MISSING")) {
        let missing = alloc::new_object(Missing);
        drop(namespace.set_name(name!("MISSING"), missing));
    }
}

// ---- contexts ----

/// The type `_contextvars.Context`.
pub static CONTEXT: TypeObject = Type::declare("_contextvars.Context");

#[derive(Default)]
struct ContextState {
    vars: Map,
    /// The context to go back to, while this one is entered.
    previous: Option<Value>,
    entered: bool,
}

/// Payload of contexts.
struct Context {
    state: Locked<ContextState>,
}

impl HasState for Context {
    type State = ContextState;
    fn cell(&self) -> &Locked<ContextState> {
        &self.state
    }
}

// SAFETY: both references are reported.
unsafe impl Payload for Context {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &CONTEXT
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        let state = unsafe { self.state.get_unlocked() };
        tracer.visit_option(&state.vars.root);
        tracer.visit_option(&state.previous);
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the object is garbage.
        let state = unsafe { self.state.get_unlocked() };
        out.extend(state.vars.root.take());
        out.extend(state.previous.take());
        state.vars.len = 0;
    }
}

/// A thread's current context, made on first use.
#[derive(Default)]
struct Current(Latch<Option<Value>>);

fn new_context_with(vars: Map) -> Value {
    alloc::new_object(Context {
        state: Locked::new(ContextState {
            vars,
            ..ContextState::default()
        }),
    })
}

/// An empty context.
pub fn new_context() -> Value {
    define_types();
    new_context_with(Map::default())
}

fn current(vm: &Vm) -> Value {
    let cell = &vm.thread_state::<Current>().0;
    if let Some(context) = &*cell.borrow() {
        return context.clone();
    }
    let context = new_context();
    *cell.borrow_mut() = Some(context.clone());
    context
}

thread_local! {
    static EPOCH: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// A number that grows whenever a variable may have another value on this thread: who knows one from the same epoch need not look again.
#[inline]
pub fn epoch() -> u64 {
    EPOCH.get()
}

fn set_current(vm: &Vm, context: Option<Value>) {
    EPOCH.set(EPOCH.get() + 1);
    let old = std::mem::replace(&mut *vm.thread_state::<Current>().0.borrow_mut(), context);
    drop(old);
}

fn vars_of(vm: &mut Vm, context: &Value) -> Map {
    context.expect::<Context>().lock(vm).vars.clone()
}

fn set_vars(vm: &mut Vm, context: &Value, vars: Map) {
    EPOCH.set(EPOCH.get() + 1);
    let old = std::mem::replace(&mut context.expect::<Context>().lock(vm).vars, vars);
    drop(old);
}

/// A copy of the current context.
pub fn copy_current(vm: &mut Vm) -> Value {
    let context = current(vm);
    new_context_with(vars_of(vm, &context))
}

fn copy_context(vm: &mut Vm, _module: &Value) -> Py {
    Ok(copy_current(vm))
}

/// Makes `context` the thread's current one until [`leave`].
pub fn enter(vm: &mut Vm, context: &Value) -> Py<()> {
    let current = &vm.thread_state::<Current>().0;
    let mut state = context.expect::<Context>().lock(vm);
    if state.entered {
        drop(state);
        let shown = vm.repr_string(context)?;
        return Err(vm.runtime_error(format!("cannot enter context: {shown} is already entered")));
    }
    state.entered = true;
    state.previous = current.borrow_mut().replace(context.clone());
    drop(state);
    EPOCH.set(EPOCH.get() + 1);
    Ok(())
}

/// As [`enter`], for an object that a program has given.
pub fn enter_checked(vm: &mut Vm, context: &Value) -> Py<()> {
    if context.cast::<Context>().is_none() {
        return Err(vm.type_error("an instance of Context was expected"));
    }
    enter(vm, context)
}

/// Goes back to the context that was current before [`enter`].
pub fn leave(vm: &mut Vm, context: &Value) {
    let mut state = context.expect::<Context>().lock(vm);
    state.entered = false;
    let previous = state.previous.take();
    drop(state);
    set_current(vm, previous);
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    if !args.is_empty() {
        return Err(vm.type_error("Context() does not accept any arguments"));
    }
    Ok(alloc::new_instance(
        cls,
        Context {
            state: Locked::new(ContextState::default()),
        },
    ))
}

fn run(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let Some(callable) = args.pos().first() else {
        return Err(vm.type_error("run() missing 1 required positional argument"));
    };
    enter(vm, this)?;
    let result = vm.call_args(callable, args.skip_first());
    leave(vm, this);
    result
}

fn copy(vm: &mut Vm, this: &Value) -> Py {
    Ok(new_context_with(vars_of(vm, this)))
}

fn check_key(vm: &mut Vm, key: &Value) -> Py<()> {
    if key.is_exact(&CONTEXT_VAR) {
        return Ok(());
    }
    let shown = vm.repr_string(key)?;
    Err(vm.type_error(format!("a ContextVar key was expected, got {shown}")))
}

fn context_get(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let Some(key) = args.first() else {
        return Err(vm.type_error("get expected at least 1 argument, got 0"));
    };
    check_key(vm, key)?;
    let found = vars_of(vm, this).get(key);
    Ok(found.unwrap_or_else(|| args.get(1).cloned().unwrap_or_else(Value::none)))
}

fn get_item(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    check_key(vm, key)?;
    match vars_of(vm, this).get(key) {
        Some(value) => Ok(value),
        None => Err(vm.key_error(key)),
    }
}

fn contains(vm: &mut Vm, this: &Value, key: &Value) -> Py<bool> {
    check_key(vm, key)?;
    Ok(vars_of(vm, this).get(key).is_some())
}

fn len(vm: &mut Vm, this: &Value) -> Py<usize> {
    Ok(vars_of(vm, this).len)
}

fn iterate(vm: &mut Vm, items: Vec<Value>) -> Py {
    vm.iter(&new_list(items))
}

fn iter(vm: &mut Vm, this: &Value) -> Py {
    keys(vm, this)
}

fn keys(vm: &mut Vm, this: &Value) -> Py {
    let items = vars_of(vm, this).items();
    iterate(vm, items.into_iter().map(|(key, _)| key).collect())
}

fn values(vm: &mut Vm, this: &Value) -> Py {
    let items = vars_of(vm, this).items();
    iterate(vm, items.into_iter().map(|(_, value)| value).collect())
}

fn items(vm: &mut Vm, this: &Value) -> Py {
    let items = vars_of(vm, this).items();
    let pairs = items
        .into_iter()
        .map(|(key, value)| new_tuple([key, value]));
    iterate(vm, pairs.collect())
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    if !a.is_exact(&CONTEXT)
        || !b.is_exact(&CONTEXT)
        || !matches!(op, CompareOp::Eq | CompareOp::Ne)
    {
        return Ok(Value::not_implemented());
    }
    let (left, right) = (vars_of(vm, a), vars_of(vm, b));
    let mut equal = left.len == right.len;
    if equal && !matches!((&left.root, &right.root), (Some(a), Some(b)) if a.is(b)) {
        for (key, value) in left.items() {
            equal = match right.get(&key) {
                Some(other) => vm.equal(&value, &other)?,
                None => false,
            };
            if !equal {
                break;
            }
        }
    }
    Ok(Value::bool(equal == (op == CompareOp::Eq)))
}

static CONTEXT_METHODS: [MethodDef; 6] = [
    raw("run(self, callable, /, *args, **kwargs)", run, ""),
    f0(
        "copy(self, /)",
        copy,
        "Return a shallow copy of the context object.",
    ),
    slice(
        "get(self, key, default=None, /)",
        context_get,
        "Return the value for `key` if `key` has the value in the context object.\n\nIf `key` does not exist, return `default`.  If `default` is not\ngiven, return None.",
    ),
    f0(
        "items(self, /)",
        items,
        "Return all variables and their values in the context object.",
    ),
    f0(
        "keys(self, /)",
        keys,
        "Return a list of all variables in the context object.",
    ),
    f0(
        "values(self, /)",
        values,
        "Return a list of all variables' values in the context object.",
    ),
];

static CONTEXT_LAYOUT: Layout = Layout::of::<Context>();
static CONTEXT_SPEC: TypeSpec = TypeSpec {
    name: "_contextvars.Context",
    flags: TypeFlags::WEAKREF,
    layout: Some(&CONTEXT_LAYOUT),
    slots: Slots {
        new: Some(new),
        compare: Some(compare),
        iter: Some(iter),
        len: Some(len),
        contains: Some(contains),
        get_item: Some(get_item),
        ..Slots::NONE
    },
    methods: &CONTEXT_METHODS,
    ..TypeSpec::DEFAULT
};

// ---- variables ----

/// The type `_contextvars.ContextVar`.
pub static CONTEXT_VAR: TypeObject = Type::declare("_contextvars.ContextVar");

/// Payload of context variables.
pub struct ContextVar {
    name: Value,
    default: Option<Value>,
}

// SAFETY: both references are reported.
unsafe impl Payload for ContextVar {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &CONTEXT_VAR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.name);
        tracer.visit_option(&self.default);
    }
}

/// A new variable.
pub fn new_var(name: &str, default: Option<Value>) -> Value {
    define_types();
    alloc::new_object(ContextVar {
        name: taipan_core::str_object::name(name),
        default,
    })
}

/// The variable's value in the current context, or its default.
pub fn value_of(vm: &mut Vm, variable: &Value) -> Option<Value> {
    let context = current(vm);
    match vars_of(vm, &context).get(variable) {
        Some(value) => Some(value),
        None => variable.cast::<ContextVar>()?.default.clone(),
    }
}

fn new_variable(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let mut default = None;
    for (keyword, value) in args.keywords() {
        if !str_eq(keyword, name!("default")) {
            let keyword = vm.str_string(keyword)?;
            let message = format!("ContextVar() got an unexpected keyword argument '{keyword}'");
            return Err(vm.type_error(message));
        }
        default = Some(value.clone());
    }
    let given = args.pos().len();
    let [name] = args.pos() else {
        let bound = if given == 0 { "exactly" } else { "at most" };
        return Err(vm.type_error(format!(
            "ContextVar() takes {bound} 1 positional argument ({given} given)"
        )));
    };
    if !is_str(name) {
        return Err(vm.type_error("context variable name must be a str"));
    }
    vm.hash(name)?;
    Ok(alloc::new_instance(
        cls,
        ContextVar {
            name: name.clone(),
            default,
        },
    ))
}

fn variable_get(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let context = current(vm);
    if let Some(value) = vars_of(vm, &context).get(this) {
        return Ok(value);
    }
    if let Some(default) = args.first() {
        return Ok(default.clone());
    }
    match &this.expect::<ContextVar>().default {
        Some(default) => Ok(default.clone()),
        None => Err(vm.raise_with(&types::LOOKUP_ERROR, std::slice::from_ref(this))),
    }
}

/// Sets the variable in the current context; gives the token to reset it with.
pub fn set_value(vm: &mut Vm, variable: &Value, value: &Value) -> Value {
    let context = current(vm);
    let vars = vars_of(vm, &context);
    let old = vars.get(variable);
    set_vars(vm, &context, vars.with(variable, value));
    alloc::new_object(Token {
        context,
        variable: variable.clone(),
        old,
        used: LatchCell::new(false),
    })
}

fn variable_set(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    Ok(set_value(vm, this, value))
}

fn variable_reset(vm: &mut Vm, this: &Value, token: &Value) -> Py {
    let Some(found) = token.cast::<Token>() else {
        let shown = vm.repr_string(token)?;
        return Err(vm.type_error(format!("expected an instance of Token, got {shown}")));
    };
    if found.used.get() {
        let shown = vm.repr_string(token)?;
        return Err(vm.runtime_error(format!("{shown} has already been used once")));
    }
    if !found.variable.is(this) {
        return Err(foreign(vm, token, "by a different ContextVar"));
    }
    let context = current(vm);
    if !found.context.is(&context) {
        return Err(foreign(vm, token, "in a different Context"));
    }
    found.used.set(true);
    let vars = vars_of(vm, &context);
    let vars = match &found.old {
        Some(old) => vars.with(this, old),
        None => vars.without(this),
    };
    set_vars(vm, &context, vars);
    Ok(Value::none())
}

#[cold]
fn foreign(vm: &mut Vm, token: &Value, how: &str) -> Raised {
    match vm.repr_string(token) {
        Ok(shown) => vm.value_error(format!("{shown} was created {how}")),
        Err(raised) => raised,
    }
}

fn variable_repr(vm: &mut Vm, this: &Value) -> Py {
    let variable = this.expect::<ContextVar>();
    let name = vm.repr_string(&variable.name)?;
    let default = match &variable.default {
        Some(default) => format!(" default={}", vm.repr_string(default)?),
        None => String::new(),
    };
    Ok(new_str(&format!(
        "<ContextVar name={name}{default} at {:#x}>",
        this.bits()
    )))
}

fn variable_name(_vm: &mut Vm, this: &Value) -> Py {
    Ok(this.expect::<ContextVar>().name.clone())
}

static VAR_METHODS: [MethodDef; 4] = [
    slice(
        "get(self, default=None, /)",
        variable_get,
        "Return a value for the context variable for the current context.\n\nIf there is no value for the variable in the current context, the\nmethod returns the default given, else the variable's default, else\nraises LookupError.",
    ),
    f1(
        "set(self, value, /)",
        variable_set,
        "Call to set a new value for the context variable in the current context.\n\nReturns a Token object that can be used to restore the variable to\nits previous value via the `ContextVar.reset()` method.",
    ),
    f1(
        "reset(self, token, /)",
        variable_reset,
        "Reset the context variable.\n\nThe variable is reset to the value it had before the\n`ContextVar.set()` that created the token was used.",
    ),
    class_getitem_row(),
];

static VAR_GETSET: [GetSetDef; 1] = [getter("name", variable_name, "")];

static VAR_LAYOUT: Layout = Layout::of::<ContextVar>();
static VAR_SPEC: TypeSpec = TypeSpec {
    name: "_contextvars.ContextVar",
    layout: Some(&VAR_LAYOUT),
    slots: Slots {
        new: Some(new_variable),
        repr: Some(variable_repr),
        ..Slots::NONE
    },
    methods: &VAR_METHODS,
    getset: &VAR_GETSET,
    ..TypeSpec::DEFAULT
};

// ---- tokens ----

/// The type `_contextvars.Token`.
pub static TOKEN: TypeObject = Type::declare("_contextvars.Token");

/// Payload of tokens.
pub struct Token {
    context: Value,
    variable: Value,
    old: Option<Value>,
    used: LatchCell<bool>,
}

// SAFETY: all references are reported.
unsafe impl Payload for Token {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &TOKEN
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.context);
        tracer.visit(&self.variable);
        tracer.visit_option(&self.old);
    }
}

fn new_token(vm: &mut Vm, _cls: &TypeObject, _args: Args<'_>) -> Py {
    Err(vm.runtime_error("Tokens can only be created by ContextVars"))
}

fn token_var(_vm: &mut Vm, this: &Value) -> Py {
    Ok(this.expect::<Token>().variable.clone())
}

fn missing() -> Value {
    TOKEN
        .namespace()
        .get_name(name!("MISSING"))
        .unwrap_or_else(Value::none)
}

fn token_old(_vm: &mut Vm, this: &Value) -> Py {
    Ok(this.expect::<Token>().old.clone().unwrap_or_else(missing))
}

fn token_repr(vm: &mut Vm, this: &Value) -> Py {
    let token = this.expect::<Token>();
    let used = if token.used.get() { " used" } else { "" };
    let variable = vm.repr_string(&token.variable)?;
    Ok(new_str(&format!(
        "<Token{used} var={variable} at {:#x}>",
        this.bits()
    )))
}

fn token_enter(_vm: &mut Vm, this: &Value) -> Py {
    Ok(this.clone())
}

fn token_exit(vm: &mut Vm, this: &Value, _args: &[Value]) -> Py {
    let variable = this.expect::<Token>().variable.clone();
    variable_reset(vm, &variable, this)
}

fn unhashable(vm: &mut Vm, this: &Value) -> Py<i64> {
    let name = this.type_of().full_name();
    Err(vm.type_error(format!("unhashable type: '{name}'")))
}

fn same_token(_vm: &mut Vm, _a: &Value, _b: &Value, _op: CompareOp) -> Py {
    Ok(Value::not_implemented())
}

static TOKEN_METHODS: [MethodDef; 3] = [
    class_getitem_row(),
    f0(
        "__enter__(self, /)",
        token_enter,
        "Enter into Token context manager.",
    ),
    slice(
        "__exit__(self, type, val, tb, /)",
        token_exit,
        "Exit from Token context manager, restore the linked ContextVar.",
    ),
];

static TOKEN_GETSET: [GetSetDef; 2] = [
    getter("var", token_var, ""),
    getter("old_value", token_old, ""),
];

static TOKEN_LAYOUT: Layout = Layout::of::<Token>();
static TOKEN_SPEC: TypeSpec = TypeSpec {
    name: "_contextvars.Token",
    layout: Some(&TOKEN_LAYOUT),
    slots: Slots {
        new: Some(new_token),
        repr: Some(token_repr),
        hash: Some(unhashable),
        compare: Some(same_token),
        ..Slots::NONE
    },
    methods: &TOKEN_METHODS,
    getset: &TOKEN_GETSET,
    ..TypeSpec::DEFAULT
};

/// The type of `Token.MISSING`.
static MISSING_TYPE: TypeObject = Type::declare("Token.MISSING");

struct Missing;

// SAFETY: holds no references.
unsafe impl Payload for Missing {
    fn type_object() -> &'static TypeObject {
        &MISSING_TYPE
    }
}

fn missing_repr(_vm: &mut Vm, _this: &Value) -> Py {
    Ok(new_str("<Token.MISSING>"))
}

static MISSING_LAYOUT: Layout = Layout::of::<Missing>();
static MISSING_SPEC: TypeSpec = TypeSpec {
    name: "Token.MISSING",
    layout: Some(&MISSING_LAYOUT),
    slots: Slots {
        repr: Some(missing_repr),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};
