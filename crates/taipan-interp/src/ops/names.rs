//! Variables: locals, cells, globals, builtins, and the mappings of class and module code.

use super::{Top, drop_top, finish, push, view};
use crate::frame::Frame;
use crate::function::Cell;
use crate::quick::{BACKOFF, Cache, Instr, NO_CACHE, Quick};
use taipan_core::dict_object::{self, Dict};
use taipan_core::protocol::attribute::FIELD_NAME;
use taipan_core::{Py, Raised, Value, Vm, builtin_types, exception, name, str_object};

/// # Safety
/// `frame` is live and has the slot.
#[cold]
#[inline(never)]
pub unsafe fn unbound_local(vm: &mut Vm, frame: *mut Frame, slot: u32) -> Raised {
    // SAFETY: the caller's promise.
    let text = unsafe { &*frame }.code().slot_names[slot as usize].clone();
    let message = format!(
        "cannot access local variable '{}' where it is not associated with a value",
        str_object::str_of(&text)
            .map(|text| text.to_lossy())
            .unwrap_or_default()
    );
    named(vm, &builtin_types::UNBOUND_LOCAL_ERROR, &message, &text)
}

/// # Safety
/// As for [`unbound_local`]; `index` counts cellvars and freevars.
#[cold]
#[inline(never)]
pub unsafe fn empty_cell(vm: &mut Vm, frame: *mut Frame, index: u32) -> Raised {
    // SAFETY: the caller's promise.
    unsafe {
        let code = (*frame).code();
        let nlocals = code.code.varnames.len() as u32;
        if (index as usize) < code.cell_to_arg.len() {
            return unbound_local(vm, frame, nlocals + index);
        }
        let text = code.slot_names[(nlocals + index) as usize].clone();
        let message = format!(
            "cannot access free variable '{}' where it is not associated with a value in enclosing scope",
            str_object::str_of(&text)
                .map(|text| text.to_lossy())
                .unwrap_or_default()
        );
        named(vm, &builtin_types::NAME_ERROR, &message, &text)
    }
}

/// A `NameError` with its `name` set.
fn named(vm: &mut Vm, ty: &taipan_core::TypeObject, message: &str, text: &Value) -> Raised {
    let raised = vm.raise(ty, message);
    if !vm.pending_is(&builtin_types::NAME_ERROR) {
        return raised;
    }
    let error = vm.take_raised(raised);
    exception::set_field(vm, &error, FIELD_NAME, Some(text.clone()));
    vm.set_pending(error)
}

#[cold]
fn not_defined(vm: &mut Vm, text: &Value) -> Raised {
    let message = format!(
        "name '{}' is not defined",
        str_object::str_of(text)
            .map(|text| text.to_lossy())
            .unwrap_or_default()
    );
    named(vm, &builtin_types::NAME_ERROR, &message, text)
}

fn frame_name<'a>(frame: *mut Frame, index: u32) -> &'a Value {
    // SAFETY: the verifier checked the index; the code outlives the frame.
    unsafe {
        let names: *const Value = (*frame).code().names.as_ptr();
        &*names.add(index as usize)
    }
}

/// The slot of a cell operand.
unsafe fn cell_slot(frame: *mut Frame, index: u32) -> *mut u64 {
    // SAFETY: the verifier checked the index.
    unsafe { Frame::locals(frame).add((*frame).code().code.varnames.len() + index as usize) }
}

unsafe fn cell<'a>(frame: *mut Frame, index: u32) -> &'a Cell {
    // SAFETY: cell slots always hold cells.
    unsafe { (*cell_slot(frame, index).cast::<Value>()).cast_unchecked::<Cell>() }
}

/// `LOAD_CLOSURE`
///
/// # Safety
/// Operations: the loop's contract.
pub unsafe fn load_closure(_vm: &mut Vm, frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe { push(sp, (*cell_slot(frame, arg).cast::<Value>()).clone()) }
}

/// `DELETE_DEREF`
///
/// # Safety
/// The loop's contract.
pub unsafe fn delete_deref(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        match cell(frame, arg).set(None) {
            Some(old) => {
                drop(old);
                drop_top(sp, 0)
            }
            None => Err(empty_cell(vm, frame, arg)),
        }
    }
}

/// `SAVE_CELL`
///
/// # Safety
/// The loop's contract.
pub unsafe fn save_cell(_vm: &mut Vm, frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let slot = cell_slot(frame, arg);
        let old = std::mem::replace(&mut *slot, Cell::create(None).into_bits());
        push(sp, Value::from_bits(old))
    }
}

/// `RESTORE_CELL`
///
/// # Safety
/// The loop's contract.
pub unsafe fn restore_cell(_vm: &mut Vm, frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let slot = cell_slot(frame, arg);
        std::ptr::swap(slot, sp.sub(1));
        drop_top(sp, 1)
    }
}

/// `mapping[name]` without an exception if it is not there.
pub fn lookup_mapping(vm: &mut Vm, mapping: &Value, text: &Value) -> Py<Option<Value>> {
    if mapping.is_exact(&builtin_types::DICT) {
        return Ok(mapping.expect::<Dict>().get_name(text));
    }
    match vm.get_item(mapping, text) {
        Ok(value) => Ok(Some(value)),
        Err(raised) => {
            vm.catch(raised, &builtin_types::KEY_ERROR)?;
            Ok(None)
        }
    }
}

/// Where a frame keeps its names: code of a module that is called as a function keeps them in the globals.
pub(crate) fn locals_of(frame: *mut Frame) -> Value {
    // SAFETY: a live frame.
    unsafe {
        match &(*frame).locals_map {
            Some(map) => map.clone(),
            None => (*frame)
                .function
                .cast_unchecked::<crate::function::Function>()
                .globals
                .clone(),
        }
    }
}

/// `LOAD_CLASSDEREF`
///
/// # Safety
/// The loop's contract.
pub unsafe fn load_classderef(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let code = (*frame).code();
        let text = code.slot_names[code.code.varnames.len() + arg as usize].clone();
        let map = locals_of(frame);
        if let Some(value) = lookup_mapping(vm, &map, &text)? {
            return push(sp, value);
        }
        match cell(frame, arg).get() {
            Some(value) => push(sp, value),
            None => Err(empty_cell(vm, frame, arg)),
        }
    }
}

/// `LOAD_FROM_DICT_OR_DEREF`
///
/// # Safety
/// The loop's contract.
pub unsafe fn load_from_dict_or_deref(
    vm: &mut Vm,
    frame: *mut Frame,
    sp: *mut u64,
    arg: u32,
) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let code = (*frame).code();
        let text = code.slot_names[code.code.varnames.len() + arg as usize].clone();
        if let Some(value) = lookup_mapping(vm, view(sp, 1), &text)? {
            return finish(sp, 1, value);
        }
        match cell(frame, arg).get() {
            Some(value) => finish(sp, 1, value),
            None => Err(empty_cell(vm, frame, arg)),
        }
    }
}

/// Globals, then builtins. Globals of a subclass of `dict` are asked as a mapping, so that `__missing__` counts.
fn global(vm: &mut Vm, frame: *mut Frame, text: &Value) -> Py {
    // SAFETY: a live frame.
    let this = unsafe { &*frame };
    let globals = this.globals().to_value();
    if globals.is_exact(&builtin_types::DICT) {
        if let Some(value) = this.globals().get_name(text) {
            return Ok(value);
        }
    } else if let Some(value) = lookup_mapping(vm, &globals, text)? {
        return Ok(value);
    }
    let builtins = this.builtins().to_value();
    if let Some(value) = lookup_mapping(vm, &builtins, text)? {
        return Ok(value);
    }
    Err(not_defined(vm, text))
}

/// `LOAD_GLOBAL`, specialising the instruction.
///
/// # Safety
/// `instr` is the running instruction of the live `frame`.
#[inline(never)]
pub unsafe fn load_global(vm: &mut Vm, frame: *mut Frame, instr: *mut Instr) -> Py {
    // SAFETY: the caller's promise.
    unsafe {
        let text = frame_name(frame, (*instr).arg);
        (*instr).op = Quick::LoadGlobal;
        if (*instr).counter > 0 {
            (*instr).counter -= 1;
        } else if (*instr).cache != NO_CACHE {
            let cache = (*frame).quick().caches().add((*instr).cache as usize);
            if !specialize_global(frame, text, instr, cache) {
                (*instr).counter = BACKOFF;
            }
        }
        global(vm, frame, text)
    }
}

unsafe fn specialize_global(
    frame: *mut Frame,
    text: &Value,
    instr: *mut Instr,
    cache: *mut Cache,
) -> bool {
    // SAFETY: as for `load_global`.
    unsafe {
        let globals = (*frame).globals();
        if !globals.to_value().is_exact(&builtin_types::DICT)
            || !(*frame)
                .builtins()
                .to_value()
                .is_exact(&builtin_types::DICT)
        {
            return false;
        }
        let version = globals.assign_keys_version();
        if version == 0 {
            return false;
        }
        if let Some(index) = globals.index_of_name(text) {
            *cache = Cache {
                shape: 0,
                version,
                word: index as u64,
            };
            (*instr).op = Quick::LoadGlobalModule;
            return true;
        }
        let builtins = (*frame).builtins();
        let builtins_version = builtins.assign_keys_version();
        match builtins.index_of_name(text) {
            Some(index) if builtins_version != 0 => {
                *cache = Cache {
                    shape: version,
                    version: builtins_version,
                    word: index as u64,
                };
                (*instr).op = Quick::LoadGlobalBuiltin;
                true
            }
            _ => false,
        }
    }
}

/// `STORE_GLOBAL`
///
/// # Safety
/// The loop's contract.
pub unsafe fn store_global(_vm: &mut Vm, frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let value = Value::from_bits(*sp.sub(1));
        let old = (*frame).globals().set_name(frame_name(frame, arg), value);
        drop(old);
        drop_top(sp.sub(1), 0)
    }
}

/// `DELETE_GLOBAL`
///
/// # Safety
/// The loop's contract.
pub unsafe fn delete_global(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let text = frame_name(frame, arg);
        match (*frame).globals().remove_name(text) {
            Some(_) => drop_top(sp, 0),
            None => Err(not_defined(vm, text)),
        }
    }
}

/// `LOAD_NAME`
///
/// # Safety
/// The loop's contract.
pub unsafe fn load_name(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let text = frame_name(frame, arg);
        let map = locals_of(frame);
        let value = match lookup_mapping(vm, &map, text)? {
            Some(value) => value,
            None => global(vm, frame, text)?,
        };
        push(sp, value)
    }
}

/// `STORE_NAME`
///
/// # Safety
/// The loop's contract.
pub unsafe fn store_name(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let text = frame_name(frame, arg);
        let map = locals_of(frame);
        if map.is_exact(&builtin_types::DICT) {
            let value = Value::from_bits(*sp.sub(1));
            let old = map.expect::<Dict>().set_name(text, value);
            drop(old);
            return drop_top(sp.sub(1), 0);
        }
        vm.set_item(&map, text, view(sp, 1))?;
        drop_top(sp, 1)
    }
}

/// `DELETE_NAME`
///
/// # Safety
/// The loop's contract.
pub unsafe fn delete_name(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let text = frame_name(frame, arg);
        let map = locals_of(frame);
        if let Err(raised) = vm.del_item(&map, text) {
            vm.catch(raised, &builtin_types::KEY_ERROR)?;
            return Err(not_defined(vm, text));
        }
        drop_top(sp, 0)
    }
}

/// `LOAD_LOCALS`
///
/// # Safety
/// The loop's contract.
pub unsafe fn load_locals(_vm: &mut Vm, frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    let map = locals_of(frame);
    // SAFETY: as the loop's.
    unsafe { push(sp, map) }
}

/// `LOAD_FROM_DICT_OR_GLOBALS`
///
/// # Safety
/// The loop's contract.
pub unsafe fn load_from_dict_or_globals(
    vm: &mut Vm,
    frame: *mut Frame,
    sp: *mut u64,
    arg: u32,
) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let text = frame_name(frame, arg);
        let value = match lookup_mapping(vm, view(sp, 1), text)? {
            Some(value) => value,
            None => global(vm, frame, text)?,
        };
        finish(sp, 1, value)
    }
}

/// `LOAD_BUILD_CLASS`
///
/// # Safety
/// The loop's contract.
pub unsafe fn load_build_class(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        match (*frame).builtins().get_name(name!("__build_class__")) {
            Some(value) => push(sp, value),
            None => Err(vm.raise(&builtin_types::NAME_ERROR, "__build_class__ not found")),
        }
    }
}

/// `SETUP_ANNOTATIONS`
///
/// # Safety
/// The loop's contract.
pub unsafe fn setup_annotations(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    let map = locals_of(frame);
    let key = name!("__annotations__");
    if lookup_mapping(vm, &map, key)?.is_none() {
        vm.set_item(&map, key, &dict_object::new_dict())?;
    }
    // SAFETY: as the loop's.
    unsafe { drop_top(sp, 0) }
}
