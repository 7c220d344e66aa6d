//! Calls: from the loop (without native recursion where the callee is a Python function) and from native code.

use crate::code_object::CodeObject;
use crate::dispatch::{self, Exit};
use crate::frame::{self, ENTRY, Frame, INIT};
use crate::function::{Cell, Function, Method, qualname_text};
use crate::generator;
use smallvec::SmallVec;
use taipan_bytecode::code::CodeFlags;
use taipan_core::dict_object::{self, Dict};
use taipan_core::{
    Args, Obj, Py, Raised, Type, Value, Vm, builtin_types, name, str_object, tuple_object,
};

/// What a call instruction led to.
pub enum Called {
    /// A frame was pushed; operands are gone from the caller's stack.
    Frame(*mut Frame),
    /// The result is in the callee's place, the arguments above it are gone.
    Done,
}

type Row = SmallVec<[Value; 8]>;

/// Is it exactly a Python function?
#[inline(always)]
fn is_function(value: &Value) -> bool {
    value.is_object() && value.is_exact(&builtin_types::FUNCTION)
}

/// `f(a1, ..., an)` with `f` and arguments on the stack. `below` is the number of slots from `f`'s on (1; or 2 with the NULL of
/// a `LOAD_METHOD` pair below it) that the call uses up.
///
/// # Safety
/// `sp` is the top of `caller`'s stack, which holds `n` arguments, the callee, and `below - 1` slots more.
#[inline]
pub unsafe fn call_positional(
    vm: &mut Vm,
    caller: *mut Frame,
    sp: *mut u64,
    n: usize,
    below: usize,
) -> Py<Called> {
    // SAFETY: the caller's promise, for the whole body.
    unsafe {
        let callee_slot = sp.sub(n + 1);
        let callee = &*callee_slot.cast::<Value>();
        if is_function(callee) {
            let function = callee.cast_unchecked::<Function>();
            let code = function.code();
            if code.simple && code.code.argcount as usize == n {
                // The function's reference moves from the stack to the frame; it is counted twice until the push succeeded.
                let new = frame::push_frame(vm, callee.clone(), 0)?;
                let locals = Frame::locals(new);
                std::ptr::copy_nonoverlapping(sp.sub(n), locals, n);
                let slots = code.slots;
                for slot in n..slots {
                    *locals.add(slot) = 0;
                }
                drop(Value::from_bits(*callee_slot));
                (*caller).depth =
                    (callee_slot.offset_from(Frame::stack(caller)) as usize + 1 - below) as u32;
                return Ok(Called::Frame(new));
            }
            let args = Args::positional(std::slice::from_raw_parts(sp.sub(n).cast(), n));
            return call_function(vm, caller, callee_slot, n, below, args);
        }
        if callee.is_exact(&builtin_types::METHOD) {
            let method = callee.cast_unchecked::<Method>();
            if is_function(&method.function) {
                let mut row = Row::with_capacity(n + 1);
                row.push(method.receiver.clone());
                row.extend(
                    std::slice::from_raw_parts(sp.sub(n).cast::<Value>(), n)
                        .iter()
                        .cloned(),
                );
                let function = method.function.clone();
                return call_function_value(
                    vm,
                    caller,
                    callee_slot,
                    n,
                    below,
                    &function,
                    Args::positional(&row),
                );
            }
        }
        let args = Args::positional(std::slice::from_raw_parts(sp.sub(n).cast(), n));
        if let Some(called) = instantiate(vm, caller, callee_slot, n, below, args)? {
            return Ok(called);
        }
        let result = vm.call_args(callee, args)?;
        finish_native(sp, n, below, result);
        Ok(Called::Done)
    }
}

/// Puts a native call's result into its place and drops callee and arguments.
unsafe fn finish_native(sp: *mut u64, n: usize, below: usize, result: Value) {
    // SAFETY: as for `call_positional`.
    unsafe {
        let callee_slot = sp.sub(n + 1);
        let callee = Value::from_bits(*callee_slot);
        *callee_slot.sub(below - 1) = result.into_bits();
        for slot in 0..n {
            drop(Value::from_bits(*callee_slot.add(1 + slot)));
        }
        drop(callee);
    }
}

/// Calls the Python function in `callee_slot` through the binder.
unsafe fn call_function(
    vm: &mut Vm,
    caller: *mut Frame,
    callee_slot: *mut u64,
    n: usize,
    below: usize,
    args: Args<'_>,
) -> Py<Called> {
    // SAFETY: the slot holds the callee.
    let function = unsafe { (*callee_slot.cast::<Value>()).clone() };
    // SAFETY: passed on.
    unsafe { call_function_value(vm, caller, callee_slot, n, below, &function, args) }
}

unsafe fn call_function_value(
    vm: &mut Vm,
    caller: *mut Frame,
    callee_slot: *mut u64,
    n: usize,
    below: usize,
    function: &Value,
    args: Args<'_>,
) -> Py<Called> {
    // SAFETY: callee and `n` further slots lie from `callee_slot` on.
    unsafe {
        let called = bind(vm, function, args, 0)?;
        match called {
            Bound::Frame(new) => {
                for slot in (0..=n).rev() {
                    drop(Value::from_bits(*callee_slot.add(slot)));
                }
                (*caller).depth =
                    (callee_slot.offset_from(Frame::stack(caller)) as usize + 1 - below) as u32;
                Ok(Called::Frame(new))
            }
            Bound::Generator(value) => {
                finish_native(callee_slot.add(n + 1), n, below, value);
                Ok(Called::Done)
            }
        }
    }
}

/// Calls a class whose instances are made by `object.__new__` and set up by a Python `__init__`: the instance is made here and the
/// frame of `__init__` pushed. `None` if it is no such class.
unsafe fn instantiate(
    vm: &mut Vm,
    caller: *mut Frame,
    callee_slot: *mut u64,
    n: usize,
    below: usize,
    args: Args<'_>,
) -> Py<Option<Called>> {
    // SAFETY: as for `call_function_value`.
    unsafe {
        let callee = &*callee_slot.cast::<Value>();
        if !callee.is_exact(&builtin_types::TYPE) {
            return Ok(None);
        }
        let ty = callee.cast_unchecked::<Type>();
        if !ty.is_heap()
            || ty.slots().new.map(|new| new as usize)
                != builtin_types::OBJECT.slots().new.map(|new| new as usize)
            || ty.has(taipan_core::TypeFlags::ABSTRACT)
            || ty.layout().id != std::any::TypeId::of::<taipan_core::payload::Empty>()
        {
            return Ok(None);
        }
        let Some(init) = ty.lookup(vm, name!("__init__")) else {
            return Ok(None);
        };
        if !is_function(&init) {
            return Ok(None);
        }
        let instance = taipan_core::alloc::new_instance(ty, taipan_core::payload::Empty);
        let function = init.cast_unchecked::<Function>();
        let code = function.code();
        // `C(*row)` has its arguments in `row`, not on the stack.
        let on_stack = std::ptr::eq(args.all().as_ptr().cast(), callee_slot.add(1));
        let fits = args.all().len() == n && code.code.argcount as usize == n + 1;
        if code.simple && !args.has_keywords() && on_stack && fits {
            let new = frame::push_frame(vm, init.clone(), INIT)?;
            let locals = Frame::locals(new);
            *locals = instance.clone().into_bits();
            std::ptr::copy_nonoverlapping(callee_slot.add(1), locals.add(1), n);
            for slot in n + 1..code.slots {
                *locals.add(slot) = 0;
            }
            let callee = Value::from_bits(*callee_slot);
            *callee_slot.sub(below - 1) = instance.into_bits();
            drop(callee);
            (*caller).depth =
                (callee_slot.offset_from(Frame::stack(caller)) as usize + 2 - below) as u32;
            return Ok(Some(Called::Frame(new)));
        }
        let mut row = Row::with_capacity(args.all().len() + 1);
        row.push(instance.clone());
        row.extend(args.all().iter().cloned());
        match bind(vm, &init, Args::new(&row, args.names()), INIT)? {
            Bound::Frame(new) => {
                let callee = Value::from_bits(*callee_slot);
                *callee_slot.sub(below - 1) = instance.into_bits();
                for slot in 1..=n {
                    drop(Value::from_bits(*callee_slot.add(slot)));
                }
                drop(callee);
                (*caller).depth =
                    (callee_slot.offset_from(Frame::stack(caller)) as usize + 2 - below) as u32;
                Ok(Some(Called::Frame(new)))
            }
            Bound::Generator(value) => Err(init_result_error(vm, &value)),
        }
    }
}

/// `TypeError` for an `__init__` that returned something.
#[cold]
pub fn init_result_error(vm: &mut Vm, value: &Value) -> Raised {
    let message = format!(
        "__init__() should return None, not '{}'",
        value.type_of().name()
    );
    vm.type_error(message)
}

/// `CALL_METHOD`: the pair of `LOAD_METHOD` and `n` arguments on the stack.
///
/// # Safety
/// As for [`call_positional`].
#[inline]
pub unsafe fn call_method(vm: &mut Vm, caller: *mut Frame, sp: *mut u64, n: usize) -> Py<Called> {
    // SAFETY: passed on.
    unsafe {
        if *sp.sub(n + 2) != 0 {
            call_positional(vm, caller, sp, n + 1, 1)
        } else {
            call_positional(vm, caller, sp, n, 2)
        }
    }
}

/// `CALL_FUNCTION_KW`: callee, `n` arguments, tuple of names.
///
/// # Safety
/// As for [`call_positional`], with the names on top.
pub unsafe fn call_keywords(vm: &mut Vm, caller: *mut Frame, sp: *mut u64, n: usize) -> Py<Called> {
    // SAFETY: passed on.
    unsafe { call_named(vm, caller, sp, n, 1) }
}

/// `CALL_METHOD_KW`.
///
/// # Safety
/// As for [`call_keywords`].
pub unsafe fn call_method_keywords(
    vm: &mut Vm,
    caller: *mut Frame,
    sp: *mut u64,
    n: usize,
) -> Py<Called> {
    // SAFETY: passed on.
    unsafe {
        if *sp.sub(n + 3) != 0 {
            call_named(vm, caller, sp, n + 1, 1)
        } else {
            call_named(vm, caller, sp, n, 2)
        }
    }
}

unsafe fn call_named(
    vm: &mut Vm,
    caller: *mut Frame,
    sp: *mut u64,
    n: usize,
    below: usize,
) -> Py<Called> {
    // SAFETY: the names tuple is on top, below it `n` arguments and the callee.
    unsafe {
        let names = (*sp.sub(1).cast::<Value>()).clone();
        let names_row = tuple_object::items(&names).unwrap_or(&[]);
        let callee_slot = sp.sub(n + 2);
        let args = Args::new(
            std::slice::from_raw_parts(callee_slot.add(1).cast(), n),
            names_row,
        );
        let callee = &*callee_slot.cast::<Value>();
        if is_function(callee) {
            return call_function(vm, caller, callee_slot, n + 1, below, args);
        }
        if callee.is_exact(&builtin_types::METHOD) {
            let method = callee.cast_unchecked::<Method>();
            if is_function(&method.function) {
                let mut row = Row::with_capacity(n + 1);
                row.push(method.receiver.clone());
                row.extend(args.all().iter().cloned());
                let function = method.function.clone();
                let args = Args::new(&row, names_row);
                return call_function_value(vm, caller, callee_slot, n + 1, below, &function, args);
            }
        }
        if let Some(called) = instantiate(vm, caller, callee_slot, n + 1, below, args)? {
            return Ok(called);
        }
        let result = vm.call_args(callee, args)?;
        finish_native(sp, n + 1, below, result);
        Ok(Called::Done)
    }
}

/// `CALL_FUNCTION_EX`: callee, positional iterable, and (operand bit 1) a dict of keywords.
///
/// # Safety
/// As for [`call_positional`].
pub unsafe fn call_unpacked(
    vm: &mut Vm,
    caller: *mut Frame,
    sp: *mut u64,
    operand: u32,
) -> Py<Called> {
    // SAFETY: the operands are on the stack.
    unsafe {
        let taken = 1 + (operand as usize & 1);
        let callee_slot = sp.sub(taken + 1);
        let callee = &*callee_slot.cast::<Value>();
        let positional = &*callee_slot.add(1).cast::<Value>();
        let mut row: Row = match tuple_object::items(positional) {
            Some(items) => items.iter().cloned().collect(),
            None => star_items(vm, callee, positional)?.into(),
        };
        let mut names = Vec::new();
        if operand & 1 != 0 {
            let keywords = &*callee_slot.add(2).cast::<Value>();
            for (key, value) in keywords.expect::<Dict>().items() {
                if !str_object::is_str(&key) {
                    return Err(vm.type_error("keywords must be strings"));
                }
                names.push(key);
                row.push(value);
            }
        }
        let args = Args::new(&row, &names);
        if is_function(callee) {
            return call_function(vm, caller, callee_slot, taken, 1, args);
        }
        if let Some(called) = instantiate(vm, caller, callee_slot, taken, 1, args)? {
            return Ok(called);
        }
        let result = vm.call_args(callee, args)?;
        finish_native(sp, taken, 1, result);
        Ok(Called::Done)
    }
}

fn star_items(vm: &mut Vm, callee: &Value, positional: &Value) -> Py<Vec<Value>> {
    let slots = positional.type_of().slots();
    if slots.iter.is_none() && slots.get_item.is_none() {
        let message = format!(
            "{} argument after * must be an iterable, not {}",
            function_text(vm, callee)?,
            positional.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    vm.to_vec(positional)
}

/// How messages name a callee: `module.qualname()`, or its `str`.
pub fn function_text(vm: &mut Vm, callee: &Value) -> Py<String> {
    let Some(qualname) = vm.get_attr_opt(callee, name!("__qualname__"))? else {
        return vm.str_string(callee);
    };
    let Some(qualname) = str_object::str_of(&qualname).map(|text| text.to_lossy()) else {
        return vm.str_string(callee);
    };
    let module = vm.get_attr_opt(callee, name!("__module__"))?;
    match module
        .as_ref()
        .and_then(|module| str_object::str_of(module))
        .map(|text| text.to_lossy())
    {
        Some(module) if module != "builtins" => Ok(format!("{module}.{qualname}()")),
        _ => Ok(format!("{qualname}()")),
    }
}

/// Outcome of [`bind`].
pub enum Bound {
    Frame(*mut Frame),
    Generator(Value),
}

/// Binds arguments to a function's parameters: pushes its frame, or makes its generator.
pub fn bind(vm: &mut Vm, function: &Value, args: Args<'_>, flags: u32) -> Py<Bound> {
    let target = function.expect::<Function>();
    let code = target.code();
    let slots = code.slots;
    if code.code.is_generator_like() {
        let heap = frame::heap_frame(vm, function.clone());
        if let Err(raised) = fill_locals(vm, target, code, args, Frame::locals(heap)) {
            // SAFETY: a fresh frame that nobody refers to.
            unsafe {
                frame::clear_frame(heap, 0);
                frame::free_heap_frame(heap, frame::frame_words(code));
            }
            return Err(raised);
        }
        return Ok(Bound::Generator(generator::create(vm, heap)));
    }
    let frame = frame::push_frame(vm, function.clone(), flags)?;
    let locals = Frame::locals(frame);
    // SAFETY: the fresh frame's locals.
    unsafe { std::ptr::write_bytes(locals, 0, slots) };
    // Binding errors belong to the caller: the callee's frame must not be in the traceback, nor be seen by what runs.
    match fill_locals(vm, target, code, args, locals) {
        Ok(()) => Ok(Bound::Frame(frame)),
        Err(raised) => {
            // SAFETY: the top frame, just pushed.
            unsafe { frame::pop_frame(vm, frame, 0) };
            Err(raised)
        }
    }
}

/// Fills the fast locals from the arguments. All slots are 0 before; on error they own what was stored.
fn fill_locals(
    vm: &mut Vm,
    function: &Obj<Function>,
    code: &Obj<CodeObject>,
    args: Args<'_>,
    locals: *mut u64,
) -> Py<()> {
    let plain = &code.code;
    let argcount = plain.argcount as usize;
    let total = argcount + plain.kwonlyargcount as usize;
    let given = args.pos();
    let store = |slot: usize, value: Value| {
        // SAFETY: parameters have the first slots of the frame; each is stored once, over 0.
        unsafe { *locals.add(slot) = value.into_bits() }
    };
    // SAFETY: as for `store`.
    let is_set = |slot: usize| unsafe { *locals.add(slot) != 0 };
    for (slot, value) in given.iter().take(argcount).enumerate() {
        store(slot, value.clone());
    }
    let keyword_slot = total + usize::from(plain.flags.contains(CodeFlags::VARARGS));
    if plain.flags.contains(CodeFlags::VARARGS) {
        let rest = given.get(argcount..).unwrap_or(&[]);
        store(total, tuple_object::new_tuple(rest.to_vec()));
    }
    let keywords = if plain.flags.contains(CodeFlags::VARKEYWORDS) {
        let dict = dict_object::new_dict();
        store(keyword_slot, dict.clone());
        Some(dict)
    } else {
        None
    };
    if args.has_keywords() {
        bind_keywords(vm, function, code, args, &store, &is_set, keywords.as_ref())?;
    }
    if given.len() > argcount && !plain.flags.contains(CodeFlags::VARARGS) {
        return Err(too_many(vm, function, code, given.len(), &is_set));
    }
    if given.len() < argcount {
        let defaults = function.defaults();
        let defaults = defaults
            .as_ref()
            .and_then(tuple_object::items)
            .unwrap_or(&[]);
        let first_default = argcount - defaults.len().min(argcount);
        let missing: Vec<usize> = (given.len()..first_default)
            .filter(|slot| !is_set(*slot))
            .collect();
        if !missing.is_empty() {
            return Err(missing_arguments(
                vm,
                function,
                code,
                &missing,
                "positional",
            ));
        }
        for slot in given.len().max(first_default)..argcount {
            if !is_set(slot) {
                store(slot, defaults[slot - first_default].clone());
            }
        }
    }
    if plain.kwonlyargcount > 0 {
        let defaults = function.kwdefaults();
        let mut missing = Vec::new();
        for slot in argcount..total {
            if is_set(slot) {
                continue;
            }
            let default = defaults
                .as_ref()
                .and_then(|dict| dict.cast::<Dict>()?.get_name(&code.slot_names[slot]));
            match default {
                Some(value) => store(slot, value),
                None => missing.push(slot),
            }
        }
        if !missing.is_empty() {
            return Err(missing_arguments(
                vm,
                function,
                code,
                &missing,
                "keyword-only",
            ));
        }
    }
    fill_cells(function, code, locals);
    Ok(())
}

/// Makes the cells of cellvars and takes those of freevars from the closure.
pub(crate) fn fill_cells(function: &Obj<Function>, code: &Obj<CodeObject>, locals: *mut u64) {
    let nlocals = code.code.varnames.len();
    for (index, arg) in code.cell_to_arg.iter().enumerate() {
        let contents = arg.and_then(|arg| {
            // SAFETY: a parameter's slot; its value moves into the cell.
            unsafe {
                let slot = locals.add(arg as usize);
                let word = std::mem::replace(&mut *slot, 0);
                if word == 0 {
                    None
                } else {
                    Some(Value::from_bits(word))
                }
            }
        });
        // SAFETY: the cellvar's slot, 0 before.
        unsafe { *locals.add(nlocals + index) = Cell::create(contents).into_bits() };
    }
    let first = nlocals + code.cell_to_arg.len();
    if let Some(closure) = &function.closure {
        for (index, cell) in tuple_object::items(closure)
            .unwrap_or(&[])
            .iter()
            .enumerate()
        {
            // SAFETY: the closure has as many cells as the code has freevars (checked when the function was made).
            unsafe { *locals.add(first + index) = cell.clone().into_bits() };
        }
    }
}

fn bind_keywords(
    vm: &mut Vm,
    function: &Obj<Function>,
    code: &Obj<CodeObject>,
    args: Args<'_>,
    store: &dyn Fn(usize, Value),
    is_set: &dyn Fn(usize) -> bool,
    keywords: Option<&Value>,
) -> Py<()> {
    let plain = &code.code;
    let total = (plain.argcount + plain.kwonlyargcount) as usize;
    let first = plain.posonlyargcount as usize;
    for (key, value) in args.keywords() {
        let slot = (first..total)
            .find(|slot| code.slot_names[*slot].is(key))
            .or_else(|| {
                (first..total).find(|slot| str_object::str_eq(&code.slot_names[*slot], key))
            });
        match slot {
            Some(slot) if is_set(slot) => {
                let message = format!(
                    "{}() got multiple values for argument '{}'",
                    qualname_text(vm, function),
                    plain.varnames[slot]
                );
                return Err(vm.type_error(message));
            }
            Some(slot) => store(slot, value.clone()),
            None => match keywords {
                Some(dict) => {
                    dict.expect::<Dict>().insert(vm, key, value.clone())?;
                }
                None => return Err(unexpected_keyword(vm, function, code, args, key)),
            },
        }
    }
    Ok(())
}

#[cold]
fn unexpected_keyword(
    vm: &mut Vm,
    function: &Obj<Function>,
    code: &Obj<CodeObject>,
    args: Args<'_>,
    key: &Value,
) -> Raised {
    let plain = &code.code;
    let positional: Vec<String> = args
        .names()
        .iter()
        .filter(|name| {
            code.slot_names[..plain.posonlyargcount as usize]
                .iter()
                .any(|own| str_object::str_eq(own, name))
        })
        .filter_map(|name| str_object::str_of(name).map(|text| text.to_lossy()))
        .collect();
    let qualname = qualname_text(vm, function);
    let message = if positional.is_empty() {
        let key = str_object::str_of(key)
            .map(|text| text.to_lossy())
            .unwrap_or_default();
        let known: Vec<&str> = plain.varnames
            [plain.posonlyargcount as usize..(plain.argcount + plain.kwonlyargcount) as usize]
            .iter()
            .map(|name| &**name)
            .collect();
        match crate::suggest::closest(&key, &known) {
            Some(close) => format!(
                "{qualname}() got an unexpected keyword argument '{key}'. Did you mean '{close}'?"
            ),
            None => format!("{qualname}() got an unexpected keyword argument '{key}'"),
        }
    } else {
        format!(
            "{qualname}() got some positional-only arguments passed as keyword arguments: '{}'",
            positional.join(", ")
        )
    };
    vm.type_error(message)
}

#[cold]
fn missing_arguments(
    vm: &mut Vm,
    function: &Obj<Function>,
    code: &Obj<CodeObject>,
    missing: &[usize],
    kind: &str,
) -> Raised {
    let names: Vec<String> = missing
        .iter()
        .map(|slot| format!("'{}'", code.code.varnames[*slot]))
        .collect();
    let list = match &names[..] {
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [init @ .., last] => format!("{}, and {last}", init.join(", ")),
        [] => String::new(),
    };
    let message = format!(
        "{}() missing {} required {kind} argument{}: {list}",
        qualname_text(vm, function),
        names.len(),
        if names.len() == 1 { "" } else { "s" }
    );
    vm.type_error(message)
}

#[cold]
fn too_many(
    vm: &mut Vm,
    function: &Obj<Function>,
    code: &Obj<CodeObject>,
    given: usize,
    is_set: &dyn Fn(usize) -> bool,
) -> Raised {
    let plain = &code.code;
    let argcount = plain.argcount as usize;
    let defaults = function.defaults();
    let defaults = defaults
        .as_ref()
        .and_then(tuple_object::items)
        .map_or(0, |items| items.len())
        .min(argcount);
    let (takes, plural) = if defaults > 0 {
        (format!("from {} to {argcount}", argcount - defaults), true)
    } else {
        (argcount.to_string(), argcount != 1)
    };
    let total = argcount + plain.kwonlyargcount as usize;
    let keyword_only = (argcount..total).filter(|slot| is_set(*slot)).count();
    let extra = if keyword_only > 0 {
        format!(
            " positional argument{} (and {keyword_only} keyword-only argument{})",
            if given != 1 { "s" } else { "" },
            if keyword_only != 1 { "s" } else { "" }
        )
    } else {
        String::new()
    };
    let message = format!(
        "{}() takes {takes} positional argument{} but {given}{extra} {} given",
        qualname_text(vm, function),
        if plural { "s" } else { "" },
        if given == 1 && keyword_only == 0 {
            "was"
        } else {
            "were"
        }
    );
    vm.type_error(message)
}

/// The `call` slot of functions: a call from native code.
pub fn function_call(vm: &mut Vm, callable: &Value, args: Args<'_>) -> Py {
    vm.check_stack()?;
    match bind(vm, callable, args, ENTRY)? {
        Bound::Generator(value) => Ok(value),
        Bound::Frame(frame) => run_frame(vm, frame),
    }
}

/// Runs a frame that was pushed with ENTRY. A panic, which is an error of ours, becomes a `SystemError`: what the frames that
/// were left held is lost to the process, nothing else is.
pub(crate) fn run_frame(vm: &mut Vm, frame: *mut Frame) -> Py {
    vm.check_stack_or(frame)?;
    let thread = vm.thread();
    // SAFETY: the frame was just pushed.
    let previous = unsafe { (*frame).previous };
    let depth = thread.depth.get() - 1;
    let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| dispatch::run(vm, frame)));
    match ran {
        Ok(Ok(Exit::Return(value) | Exit::Yield(value))) => Ok(value),
        Ok(Err(raised)) => Err(raised),
        Err(_) => {
            thread.frame.set(previous.cast());
            thread.stack_top.set(frame.cast());
            thread.depth.set(depth);
            Err(vm.system_error(
                "internal error of Taipan: please report it with the program that led to it",
            ))
        }
    }
}

/// Frames must be popped if they cannot run.
trait CheckStack {
    fn check_stack_or(&mut self, frame: *mut Frame) -> Py<()>;
}

impl CheckStack for Vm {
    #[inline(always)]
    fn check_stack_or(&mut self, frame: *mut Frame) -> Py<()> {
        match self.check_stack() {
            Ok(()) => Ok(()),
            Err(raised) => {
                // SAFETY: the top frame, just pushed.
                unsafe { frame::pop_frame(self, frame, 0) };
                Err(raised)
            }
        }
    }
}

/// Runs a function's code with a locals mapping of its own: module bodies, class bodies, `exec`.
pub fn run_with_locals(vm: &mut Vm, function: &Value, locals: Value) -> Py {
    let target = function.expect::<Function>();
    let code = target.code();
    let slots = code.slots;
    if code.code.is_generator_like() {
        let made = vm.call(function, &[])?;
        let frame = crate::generator::generator_of(&made).and_then(|made| made.frame());
        if let Some(frame) = frame {
            // SAFETY: the frame of a generator that has not started.
            unsafe { (*frame).locals_map = Some(locals) };
        }
        return Ok(made);
    }
    let frame = frame::push_frame(vm, function.clone(), ENTRY)?;
    // SAFETY: the fresh top frame.
    unsafe {
        std::ptr::write_bytes(Frame::locals(frame), 0, slots);
        fill_cells(target, code, Frame::locals(frame));
        (*frame).locals_map = Some(locals);
    }
    run_frame(vm, frame)
}
