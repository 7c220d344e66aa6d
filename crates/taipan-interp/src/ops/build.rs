//! Building containers, strings, functions.

use super::{Top, drop_top, finish, take, view, views};
use crate::call::function_text;
use crate::code_object::CodeObject;
use crate::frame::Frame;
use crate::function::{Function, FunctionState};
use std::ptr::NonNull;
use taipan_core::dict_object::{self, Dict};
use taipan_core::{Py, Value, Vm, builtin_types, name, str_object, tuple_object};
use taipan_types::list::List;

/// `BUILD_TUPLE`
///
/// # Safety
/// The loop's contract.
pub unsafe fn tuple(_vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, n: u32) -> Top {
    // SAFETY: as the loop's; the values move from the stack into the tuple.
    unsafe {
        let n = n as usize;
        let made = tuple_object::new_tuple(OnStack {
            sp: sp.sub(n),
            left: n,
        });
        super::push(sp.sub(n), made)
    }
}

/// Moves values off the stack, lowest first.
struct OnStack {
    sp: *mut u64,
    left: usize,
}

impl Iterator for OnStack {
    type Item = Value;
    #[inline]
    fn next(&mut self) -> Option<Value> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        // SAFETY: the maker counted the slots, and gives them up.
        unsafe {
            let value = Value::from_bits(*self.sp);
            self.sp = self.sp.add(1);
            Some(value)
        }
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for OnStack {}

/// `BUILD_LIST`
///
/// # Safety
/// The loop's contract.
pub unsafe fn list(_vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, n: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let made = super::container::take_list(sp, n as usize);
        super::push(sp.sub(n as usize), made)
    }
}

/// `BUILD_SET`
///
/// # Safety
/// The loop's contract.
pub unsafe fn set(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, n: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let made = taipan_types::set::new_empty();
        if let Some(set) = taipan_types::set::any_set(&made) {
            for item in views(sp, n as usize) {
                taipan_types::set::add(vm, set, item)?;
            }
        }
        finish(sp, n as usize, made)
    }
}

/// `BUILD_MAP`
///
/// # Safety
/// The loop's contract.
pub unsafe fn map(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, n: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let made = dict_object::new_dict_with_capacity(n as usize);
        let dict = made.cast_unchecked::<Dict>();
        for pair in views(sp, 2 * n as usize).chunks_exact(2) {
            let old = dict.insert(vm, &pair[0], pair[1].clone())?;
            drop(old);
        }
        finish(sp, 2 * n as usize, made)
    }
}

/// `BUILD_CONST_KEY_MAP`
///
/// # Safety
/// The loop's contract.
pub unsafe fn const_key_map(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, n: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let n = n as usize;
        let made = dict_object::new_dict_with_capacity(n);
        let dict = made.cast_unchecked::<Dict>();
        let keys = tuple_object::items(view(sp, 1)).unwrap_or(&[]);
        for (key, value) in keys.iter().zip(views(sp.sub(1), n)) {
            let old = dict.insert(vm, key, value.clone())?;
            drop(old);
        }
        finish(sp, n + 1, made)
    }
}

/// `BUILD_STRING`
///
/// # Safety
/// The loop's contract.
pub unsafe fn string(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, n: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let made = taipan_types::str::join(vm, &str_object::empty_str(), views(sp, n as usize))?;
        finish(sp, n as usize, made)
    }
}

/// `FORMAT_VALUE`
///
/// # Safety
/// The loop's contract.
pub unsafe fn format_value(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let (value, spec, n) = if arg & 4 != 0 {
            (view(sp, 2), view(sp, 1).clone(), 2)
        } else {
            (view(sp, 1), str_object::empty_str(), 1)
        };
        let converted = match arg & 3 {
            1 => vm.str(value)?,
            2 => vm.repr(value)?,
            3 => taipan_types::str::format::ascii(vm, value)?,
            _ => value.clone(),
        };
        let text = vm.format(&converted, &spec)?;
        finish(sp, n, text)
    }
}

/// `BUILD_INTERPOLATION`
///
/// # Safety
/// The loop's contract.
pub unsafe fn interpolation(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let n = if arg & 4 != 0 { 3 } else { 2 };
        let parts = views(sp, n);
        let spec = parts.get(2).cloned().unwrap_or_else(str_object::empty_str);
        let conversion = match arg & 3 {
            1 => str_object::name("s"),
            2 => str_object::name("r"),
            3 => str_object::name("a"),
            _ => Value::none(),
        };
        let made = taipan_types::template::new_interpolation(
            vm,
            parts[0].clone(),
            parts[1].clone(),
            conversion,
            spec,
        )?;
        finish(sp, n, made)
    }
}

/// `BUILD_TEMPLATE`
///
/// # Safety
/// The loop's contract.
pub unsafe fn template(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let made =
            taipan_types::template::new_template(vm, view(sp, 2).clone(), view(sp, 1).clone())?;
        finish(sp, 2, made)
    }
}

/// The container of `LIST_APPEND` and the like, below `taken` operands.
unsafe fn target<'a>(sp: *mut u64, taken: usize, n: u32) -> &'a Value {
    // SAFETY: the loop's contract.
    unsafe { view(sp, taken + n as usize) }
}

/// `SET_ADD`
///
/// # Safety
/// The loop's contract.
pub unsafe fn set_add(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, n: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let mutable = target(sp, 1, n).is_instance(&builtin_types::SET);
        let Some(set) = taipan_types::set::any_set(target(sp, 1, n)).filter(|_| mutable) else {
            let name = target(sp, 1, n).type_of().name();
            let message = format!("'{name}' object is not a set");
            return Err(vm.type_error(message));
        };
        taipan_types::set::add(vm, set, view(sp, 1))?;
        drop_top(sp, 1)
    }
}

/// `MAP_ADD`
///
/// # Safety
/// The loop's contract.
pub unsafe fn map_add(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, n: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let old = target(sp, 2, n)
            .expect::<Dict>()
            .insert(vm, view(sp, 2), view(sp, 1).clone())?;
        drop(old);
        drop_top(sp, 2)
    }
}

/// `LIST_EXTEND`
///
/// # Safety
/// The loop's contract.
pub unsafe fn list_extend(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, n: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let iterable = view(sp, 1);
        let slots = iterable.type_of().slots();
        if slots.iter.is_none() && slots.get_item.is_none() {
            let message = format!(
                "Value after * must be an iterable, not {}",
                iterable.type_of().name()
            );
            return Err(vm.type_error(message));
        }
        taipan_types::list::extend(vm, target(sp, 1, n).expect::<List>(), iterable)?;
        drop_top(sp, 1)
    }
}

/// `SET_UPDATE`
///
/// # Safety
/// The loop's contract.
pub unsafe fn set_update(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, n: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        if let Some(set) = taipan_types::set::any_set(target(sp, 1, n)) {
            taipan_types::set::update(vm, set, view(sp, 1))?;
        }
        drop_top(sp, 1)
    }
}

/// `DICT_UPDATE`
///
/// # Safety
/// The loop's contract.
pub unsafe fn dict_update(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, n: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let mapping = view(sp, 1);
        if !mapping.is_exact(&builtin_types::DICT)
            && vm.get_attr_opt(mapping, name!("keys"))?.is_none()
        {
            let message = format!("'{}' object is not a mapping", mapping.type_of().name());
            return Err(vm.type_error(message));
        }
        taipan_types::dict::update(vm, target(sp, 1, n).expect::<Dict>(), mapping)?;
        drop_top(sp, 1)
    }
}

/// `DICT_MERGE`
///
/// # Safety
/// The loop's contract.
pub unsafe fn dict_merge(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, n: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let mapping = view(sp, 1);
        let target = target(sp, 1, n).clone();
        let callee = view(sp, 3 + n as usize);
        let keys = if mapping.is_exact(&builtin_types::DICT) {
            mapping.expect::<Dict>().keys()
        } else {
            match vm.get_attr_opt(mapping, name!("keys"))? {
                Some(keys) => {
                    let keys = vm.call(&keys, &[])?;
                    vm.to_vec(&keys)?
                }
                None => {
                    let message = format!(
                        "{} argument after ** must be a mapping, not {}",
                        function_text(vm, callee)?,
                        mapping.type_of().name()
                    );
                    return Err(vm.type_error(message));
                }
            }
        };
        let dict = target.expect::<Dict>();
        for key in keys {
            if dict.contains(vm, &key)? {
                let message = format!(
                    "{} got multiple values for keyword argument '{}'",
                    function_text(vm, callee)?,
                    vm.str_string(&key)?
                );
                return Err(vm.type_error(message));
            }
            let value = vm.get_item(mapping, &key)?;
            let old = dict.insert(vm, &key, value)?;
            drop(old);
        }
        drop_top(sp, 1)
    }
}

/// `LIST_TO_TUPLE`
///
/// # Safety
/// The loop's contract.
pub unsafe fn list_to_tuple(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let made = super::container::list_tuple(vm, view(sp, 1));
        finish(sp, 1, made)
    }
}

/// `BUILD_SLICE`
///
/// # Safety
/// The loop's contract.
pub unsafe fn slice(_vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, n: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let parts = views(sp, n as usize);
        let step = parts.get(2).cloned().unwrap_or_else(Value::none);
        let made = taipan_types::slice::new_slice(parts[0].clone(), parts[1].clone(), step);
        finish(sp, n as usize, made)
    }
}

/// `MAKE_FUNCTION`
///
/// # Safety
/// The loop's contract.
pub unsafe fn function(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let count = 1 + (arg & 1) + (arg >> 1 & 1) + (arg >> 2 & 1) + (arg >> 3 & 1);
        let mut parts = take(sp, count as usize).into_iter();
        let mut part = |bit: u32| if arg & bit != 0 { parts.next() } else { None };
        let (defaults, kwdefaults, annotate, closure) = (part(1), part(2), part(4), part(8));
        let Some(code) = parts.next() else {
            return Err(vm.system_error("MAKE_FUNCTION without code"));
        };
        let made = make_function(
            code,
            (*frame).globals().to_value(),
            (*frame).builtins().to_value(),
            closure,
        );
        {
            let function = made.expect::<Function>();
            let mut state = taipan_core::Obj::<Function>::lock(function, vm);
            state.defaults = defaults;
            state.kwdefaults = kwdefaults;
            state.annotate = annotate;
        }
        let bottom = sp.sub(count as usize);
        *bottom = made.into_bits();
        Ok(NonNull::new_unchecked(bottom.add(1)))
    }
}

/// A function over `globals`, with name, doc and module as its code and globals say.
pub fn make_function(
    code: Value,
    globals: Value,
    builtins: Value,
    closure: Option<Value>,
) -> Value {
    let object = code.expect::<CodeObject>();
    let module = globals
        .cast::<Dict>()
        .and_then(|globals| globals.get_name(name!("__name__")));
    let state = FunctionState {
        name: object.name.clone(),
        qualname: object.qualname.clone(),
        module,
        doc: None,
        defaults: None,
        kwdefaults: None,
        annotate: None,
        annotations: None,
        type_params: None,
        retired: Vec::new(),
    };
    Function::create(code, globals, builtins, closure, state)
}

/// The builtins that code with these globals sees: `globals['__builtins__']`, or the interpreter's.
pub fn builtins_of(vm: &mut Vm, globals: &Value) -> Py {
    let own = globals
        .cast::<Dict>()
        .and_then(|globals| globals.get_name(name!("__builtins__")));
    if let Some(own) = own {
        if let Some(module) = own.cast::<crate::module::Module>() {
            return Ok(module.dict().to_value());
        }
        if own.cast::<Dict>().is_some() {
            return Ok(own);
        }
    }
    // Globals that say nothing take the builtins of the code that runs.
    let top = crate::frame::top(vm);
    if !top.is_null() {
        // SAFETY: the thread's top frame is live while it runs; its function is one.
        let function = unsafe { (*top).function.cast_unchecked::<Function>() };
        return Ok(function.builtins.clone());
    }
    let builtins = vm.interpreter().builtins.get();
    Ok(builtins.unwrap_or_else(dict_object::new_dict))
}
