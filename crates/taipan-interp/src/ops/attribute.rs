//! Attributes: the general path, and what the inline caches remember.

use super::{Top, drop_top, finish, view};
use crate::frame::Frame;
use crate::module::Module;
use crate::quick::{BACKOFF, Cache, Instr, NO_CACHE, Quick};
use taipan_core::shape::{self, Shape};
use taipan_core::{
    Py, Type, TypeFlags, TypeObject, Value, Vm, builtin_types, generic_get_attr, generic_set_attr,
    instance, name,
};

/// What `LOAD_METHOD` found.
pub enum Pair {
    /// A function of the type: call it with the owner as the first argument.
    Method(Value),
    /// Anything else: call it as it is.
    Plain(Value),
}

/// Replaces the owner on top of the stack by the pair; one slot more is taken.
///
/// # Safety
/// The owner is on top and there is room.
#[inline(always)]
pub unsafe fn push_pair(sp: *mut u64, pair: Pair) {
    // SAFETY: the caller's promise.
    unsafe {
        let owner = *sp.sub(1);
        match pair {
            Pair::Method(function) => {
                *sp.sub(1) = function.into_bits();
                *sp = owner;
            }
            Pair::Plain(value) => {
                *sp.sub(1) = 0;
                *sp = value.into_bits();
                drop(Value::from_bits(owner));
            }
        }
    }
}

fn operand_name<'a>(frame: *mut Frame, instr: *mut Instr) -> &'a Value {
    // SAFETY: the verifier checked the index; the code outlives the frame.
    unsafe {
        let fused = matches!(
            (*instr).op,
            Quick::LoadFastAttr | Quick::LoadFastAttrSlot | Quick::LoadFastAttrType
        );
        let index = if fused {
            (*instr).arg & 0xFFFF
        } else {
            (*instr).arg
        };
        let names: *const Value = (*frame).code().names.as_ptr();
        &*names.add(index as usize)
    }
}

/// Counts down; true if the instruction should try to specialise now.
unsafe fn warm(instr: *mut Instr) -> bool {
    // SAFETY: a live instruction.
    unsafe {
        if (*instr).counter > 0 {
            (*instr).counter -= 1;
            return false;
        }
        (*instr).counter = BACKOFF;
        (*instr).cache != NO_CACHE
    }
}

unsafe fn cache_of(frame: *mut Frame, instr: *mut Instr) -> *mut Cache {
    // SAFETY: a live frame and its instruction, which has a cache.
    unsafe { (*frame).quick().caches().add((*instr).cache as usize) }
}

/// The place that a descriptor of `__slots__` stands for.
fn member_index(descriptor: &Value) -> Option<u32> {
    descriptor
        .cast_exact::<taipan_core::descriptor::MemberDescriptor>()
        .and_then(|member| member.slot())
}

fn is_generic_get(ty: &TypeObject) -> bool {
    ty.slots()
        .get_attr
        .is_none_or(|get| get as usize == generic_get_attr as *const () as usize)
}

fn is_generic_set(ty: &TypeObject) -> bool {
    ty.slots()
        .set_attr
        .is_none_or(|set| set as usize == generic_set_attr as *const () as usize)
}

/// A specialised `LOAD_ATTR` missed: back to the general form, and try again soon.
///
/// # Safety
/// As for [`load`].
#[inline(never)]
pub unsafe fn load_miss(vm: &mut Vm, frame: *mut Frame, instr: *mut Instr, owner: &Value) -> Py {
    // SAFETY: passed on.
    unsafe {
        let fused = matches!(
            (*instr).op,
            Quick::LoadFastAttrSlot | Quick::LoadFastAttrType
        );
        (*instr).op = if fused {
            Quick::LoadFastAttr
        } else {
            Quick::LoadAttr
        };
        (*instr).counter = (*instr).counter.saturating_sub(8).max(1);
        load(vm, frame, instr, owner)
    }
}

/// `LOAD_ATTR`
///
/// # Safety
/// `instr` is the running instruction of the live `frame`.
#[inline(never)]
pub unsafe fn load(vm: &mut Vm, frame: *mut Frame, instr: *mut Instr, owner: &Value) -> Py {
    // SAFETY: the caller's promise.
    unsafe {
        let text = operand_name(frame, instr);
        if warm(instr) {
            specialize_load(vm, text, instr, cache_of(frame, instr), owner, false);
        }
        vm.get_attr(owner, text)
    }
}

/// Specialises `LOAD_ATTR` or `LOAD_METHOD`, if the owner's type allows.
unsafe fn specialize_load(
    vm: &mut Vm,
    text: &Value,
    instr: *mut Instr,
    cache: *mut Cache,
    owner: &Value,
    method: bool,
) {
    // SAFETY: live instruction and cache.
    unsafe {
        // The fused form has no specialisation for modules and classes.
        let fused = (*instr).op == Quick::LoadFastAttr;
        if let Some(module) = owner.cast_exact::<Module>() {
            if fused {
                return;
            }
            let dict = module.dict();
            let version = dict.assign_keys_version();
            if let Some(index) = dict.index_of_name(text)
                && version != 0
            {
                *cache = Cache {
                    shape: 0,
                    version,
                    word: index as u64,
                };
                (*instr).op = if method {
                    Quick::LoadMethodModule
                } else {
                    Quick::LoadAttrModule
                };
            }
            return;
        }
        if let Some(ty) = owner.cast::<Type>() {
            if fused {
                return;
            }
            specialize_class(vm, text, instr, cache, ty, owner, method);
            return;
        }
        let ty = owner.type_of();
        if !is_generic_get(ty) {
            return;
        }
        let version = ty.assign_version();
        let shape_id = owner.shape();
        if version == 0 || shape::entry(shape_id).version() != version {
            return;
        }
        let found = ty.lookup(vm, text);
        let kind = found.as_ref().map(|found| found.type_of().slots());
        let data = kind.is_some_and(|slots| slots.descr_get.is_some() && slots.descr_set.is_some());
        if data {
            if let Some(found) = &found
                && !method
                && let Some(index) = member_index(found)
                && let Some(first) = instance::fixed_offset(ty)
            {
                *cache = Cache {
                    shape: shape_id,
                    version,
                    word: u64::from(first + 8 * index),
                };
                (*instr).op = if fused {
                    Quick::LoadFastAttrSlot
                } else {
                    Quick::LoadAttrFixed
                };
            }
            return;
        }
        let shape = Shape::get(shape_id);
        if shape.is_none() && ty.has(TypeFlags::DICT) {
            return;
        }
        if let Some(slot) = shape.and_then(|shape| shape.slot_of(text)) {
            if !method
                && slot < ty.inline_slots()
                && let Some(first) = instance::inline_offset(ty)
            {
                *cache = Cache {
                    shape: shape_id,
                    version,
                    word: u64::from(first + 8 * slot),
                };
                (*instr).op = if fused {
                    Quick::LoadFastAttrSlot
                } else {
                    Quick::LoadAttrSlot
                };
            }
            return;
        }
        let Some(found) = found else { return };
        if method && found.type_of().has(TypeFlags::METHOD_DESCRIPTOR) {
            *cache = Cache {
                shape: shape_id,
                version,
                word: found.bits(),
            };
            (*instr).op = Quick::LoadMethodType;
        } else if !method && found.type_of().slots().descr_get.is_none() {
            *cache = Cache {
                shape: shape_id,
                version,
                word: found.bits(),
            };
            (*instr).op = if fused {
                Quick::LoadFastAttrType
            } else {
                Quick::LoadAttrType
            };
        }
    }
}

/// An attribute of a class found in its MRO, with nothing of that name on the metaclass.
unsafe fn specialize_class(
    vm: &mut Vm,
    text: &Value,
    instr: *mut Instr,
    cache: *mut Cache,
    ty: &TypeObject,
    owner: &Value,
    method: bool,
) {
    // SAFETY: live instruction and cache.
    unsafe {
        if !owner.is_exact(&builtin_types::TYPE) || builtin_types::TYPE.lookup(vm, text).is_some() {
            return;
        }
        let version = ty.assign_version();
        let Some(found) = ty.lookup(vm, text) else {
            return;
        };
        // Functions come out of a class as they are.
        let plain =
            found.type_of().slots().descr_get.is_none() || found.is_exact(&builtin_types::FUNCTION);
        if version != 0 && plain {
            *cache = Cache {
                shape: 0,
                version,
                word: found.bits(),
            };
            (*instr).op = if method {
                Quick::LoadMethodClass
            } else {
                Quick::LoadAttrClass
            };
        }
    }
}

/// The hit path of the caches that the loop does not inline.
#[inline]
pub fn load_cached(owner: &Value, op: Quick, cache: &Cache) -> Option<Value> {
    match op {
        Quick::LoadAttrModule | Quick::LoadMethodModule => owner
            .cast_exact::<Module>()?
            .dict()
            .cached_value(cache.version, cache.word as usize),
        Quick::LoadAttrClass | Quick::LoadMethodClass => {
            let ty = owner.cast_exact::<Type>()?;
            if ty.version() != cache.version {
                return None;
            }
            // SAFETY: the word is in the namespace of a type of this version, so alive; the clone counts it.
            Some(unsafe { (*(&raw const cache.word).cast::<Value>()).clone() })
        }
        _ => {
            if !owner.is_object()
                || owner.shape() != cache.shape
                || shape::entry(cache.shape).version() != cache.version
            {
                return None;
            }
            // SAFETY: objects of this shape have the slot.
            unsafe { instance::read_slot(owner.header_unchecked(), cache.shape, cache.word) }
        }
    }
}

/// `STORE_ATTR`
///
/// # Safety
/// As for [`load`].
#[inline(never)]
pub unsafe fn store(
    vm: &mut Vm,
    frame: *mut Frame,
    instr: *mut Instr,
    owner: &Value,
    value: &Value,
) -> Py<()> {
    // SAFETY: the caller's promise.
    unsafe {
        let text = operand_name(frame, instr);
        let tries = warm(instr);
        let before = owner.shape();
        vm.set_attr(owner, text, Some(value))?;
        if tries {
            specialize_store(vm, text, instr, cache_of(frame, instr), owner, before);
        }
        Ok(())
    }
}

/// A specialised `STORE_ATTR` missed.
///
/// # Safety
/// As for [`load`].
#[inline(never)]
pub unsafe fn store_miss(
    vm: &mut Vm,
    frame: *mut Frame,
    instr: *mut Instr,
    owner: &Value,
    value: &Value,
) -> Py<()> {
    // SAFETY: passed on.
    unsafe {
        (*instr).op = Quick::StoreAttr;
        (*instr).counter = (*instr).counter.saturating_sub(8).max(1);
        store(vm, frame, instr, owner, value)
    }
}

unsafe fn specialize_store(
    vm: &mut Vm,
    text: &Value,
    instr: *mut Instr,
    cache: *mut Cache,
    owner: &Value,
    before: u32,
) {
    // SAFETY: live instruction and cache.
    unsafe {
        let ty = owner.type_of();
        if !owner.is_object() || !is_generic_set(ty) || owner.cast::<Type>().is_some() {
            return;
        }
        let version = ty.assign_version();
        let shape_id = owner.shape();
        if version == 0 || shape::entry(shape_id).version() != version {
            return;
        }
        if let Some(found) = ty.lookup(vm, text)
            && found.type_of().slots().descr_set.is_some()
        {
            if let Some(index) = member_index(&found)
                && let Some(first) = instance::fixed_offset(ty)
            {
                *cache = Cache {
                    shape: shape_id,
                    version,
                    word: u64::from(first + 8 * index),
                };
                (*instr).op = Quick::StoreAttrFixed;
            }
            return;
        }
        let Some(shape) = Shape::get(shape_id) else {
            return;
        };
        let Some(slot) = shape.slot_of(text) else {
            return;
        };
        let Some(first) = instance::inline_offset(ty) else {
            return;
        };
        if slot >= ty.inline_slots() {
            return;
        }
        let offset = u64::from(first + 8 * slot);
        if before == shape_id {
            *cache = Cache {
                shape: shape_id,
                version,
                word: offset,
            };
            (*instr).op = Quick::StoreAttrSlot;
        } else if shape::entry(before).version() == version
            && shape.parent().is_some_and(|parent| parent.id() == before)
            && slot as usize + 1 == shape.names().len()
        {
            *cache = Cache {
                shape: before,
                version,
                word: offset | u64::from(shape_id) << 32,
            };
            (*instr).op = Quick::StoreAttrAdd;
        }
    }
}

/// The hit path of stores that the loop does not inline. On a hit the value's reference has moved into the object.
///
/// # Safety
/// `word` is the word of a live value, owned by the stack.
#[inline]
pub unsafe fn store_cached(owner: &Value, word: u64, op: Quick, cache: &Cache) -> bool {
    let Some(header) = owner.header() else {
        return false;
    };
    if header.shape() != cache.shape || shape::entry(cache.shape).version() != cache.version {
        return false;
    }
    let then = if op == Quick::StoreAttrAdd {
        (cache.word >> 32) as u32
    } else {
        cache.shape
    };
    // SAFETY: objects of this shape (after the transition, for StoreAttrAdd) have the slot.
    let stored =
        unsafe { instance::write_slot(header, cache.shape, then, cache.word & 0xFFFF_FFFF, word) };
    // The old value is dropped here.
    stored.is_some()
}

/// `DELETE_ATTR`
///
/// # Safety
/// The loop's contract.
pub unsafe fn delete(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let text = (&(*frame).code().names)[arg as usize].clone();
        vm.set_attr(view(sp, 1), &text, None)?;
        drop_top(sp, 1)
    }
}

/// A specialised `LOAD_METHOD` missed.
///
/// # Safety
/// As for [`load`].
#[inline(never)]
pub unsafe fn load_method_miss(
    vm: &mut Vm,
    frame: *mut Frame,
    instr: *mut Instr,
    owner: &Value,
) -> Py<Pair> {
    // SAFETY: passed on.
    unsafe {
        (*instr).op = Quick::LoadMethod;
        (*instr).counter = (*instr).counter.saturating_sub(8).max(1);
        load_method(vm, frame, instr, owner)
    }
}

/// `LOAD_METHOD`
///
/// # Safety
/// As for [`load`].
#[inline(never)]
pub unsafe fn load_method(
    vm: &mut Vm,
    frame: *mut Frame,
    instr: *mut Instr,
    owner: &Value,
) -> Py<Pair> {
    // SAFETY: the caller's promise.
    unsafe {
        let text = operand_name(frame, instr);
        if warm(instr) {
            specialize_load(vm, text, instr, cache_of(frame, instr), owner, true);
        }
        find_method(vm, owner, text)
    }
}

/// The method `text` of `owner`, unbound if it is a plain function of the type.
pub fn find_method(vm: &mut Vm, owner: &Value, text: &Value) -> Py<Pair> {
    let ty = owner.type_of();
    if !is_generic_get(ty) {
        return Ok(Pair::Plain(vm.get_attr(owner, text)?));
    }
    if let Some(found) = ty.lookup(vm, text)
        && found.type_of().has(TypeFlags::METHOD_DESCRIPTOR)
    {
        if let Some(own) = instance::get(owner, text) {
            return Ok(Pair::Plain(own));
        }
        return Ok(Pair::Method(found));
    }
    Ok(Pair::Plain(vm.get_attr(owner, text)?))
}

/// The attribute of `super(class, receiver)` without making the object; or what another `super` gives.
unsafe fn super_attribute(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, arg: u32) -> Py {
    // SAFETY: super, class and self are on the stack.
    unsafe {
        let text = (&(*frame).code().names)[(arg >> 1) as usize].clone();
        let (callee, class, receiver) = (view(sp, 3), view(sp, 2), view(sp, 1));
        let object = if callee.is(&builtin_types::SUPER.to_value()) || arg & 1 == 1 {
            vm.call(callee, &[class.clone(), receiver.clone()])?
        } else {
            vm.call(callee, &[])?
        };
        vm.get_attr(&object, &text)
    }
}

/// The unbound function that `super(class, receiver).name` would bind, if it is one.
unsafe fn super_function(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, arg: u32) -> Option<Value> {
    // SAFETY: as for `super_attribute`.
    unsafe {
        let (callee, class, receiver) = (view(sp, 3), view(sp, 2), view(sp, 1));
        if !callee.is(&builtin_types::SUPER.to_value()) {
            return None;
        }
        let class = class.cast::<Type>()?;
        if receiver.cast::<Type>().is_some() {
            return None;
        }
        let text = (&(*frame).code().names)[(arg >> 1) as usize].clone();
        let _ = vm;
        if text.is(name!("__class__")) {
            return None;
        }
        let mro = receiver.type_of().mro();
        let at = mro.iter().position(|ty| std::ptr::eq(*ty, class))?;
        let found = mro[at + 1..]
            .iter()
            .find_map(|ty| ty.namespace().get_name(&text))?;
        if found.type_of().has(TypeFlags::METHOD_DESCRIPTOR) {
            Some(found)
        } else {
            None
        }
    }
}

/// `LOAD_SUPER_ATTR`
///
/// # Safety
/// The loop's contract.
pub unsafe fn load_super_attr(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let value = super_attribute(vm, frame, sp, arg)?;
        finish(sp, 3, value)
    }
}

/// `LOAD_SUPER_METHOD`
///
/// # Safety
/// The loop's contract.
pub unsafe fn load_super_method(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        if let Some(function) = super_function(vm, frame, sp, arg) {
            let (callee, class, receiver) = (*sp.sub(3), *sp.sub(2), *sp.sub(1));
            *sp.sub(3) = function.into_bits();
            *sp.sub(2) = receiver;
            drop(Value::from_bits(class));
            drop(Value::from_bits(callee));
            return drop_top(sp.sub(1), 0);
        }
        let value = super_attribute(vm, frame, sp, arg)?;
        let (callee, class, receiver) = (*sp.sub(3), *sp.sub(2), *sp.sub(1));
        *sp.sub(3) = 0;
        *sp.sub(2) = value.into_bits();
        drop(Value::from_bits(receiver));
        drop(Value::from_bits(class));
        drop(Value::from_bits(callee));
        drop_top(sp.sub(1), 0)
    }
}
