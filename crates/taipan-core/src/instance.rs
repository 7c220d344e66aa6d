//! Attribute storage of instances, behind payload and inline data:
//!
//! ```text
//! [fixed slots of __slots__] [extra] [inline slots]
//! ```
//!
//! The header's shape says which attribute is in which slot; slots beyond the inline ones are in `extra`, which also holds the
//! `__dict__` once somebody asked for it: from then on the instance has its type's dict shape and the dict holds all attributes.

use crate::dict_object::{self, Dict};
use crate::header::Header;
use crate::lock::Held;
use crate::payload::Tracer;
use crate::shape::Shape;
use crate::type_object::{TypeFlags, TypeObject};
use crate::value::Value;
use crate::world;
use std::ptr::null_mut;

/// What does not fit into an instance.
#[derive(Default)]
struct Extra {
    overflow: Vec<Option<Value>>,
    dict: Option<Value>,
}

/// Where the storage of an object begins.
#[inline(always)]
fn storage(header: &Header, ty: &TypeObject) -> *mut u8 {
    let layout = ty.layout();
    let base = (header as *const Header as *mut u8).wrapping_add(size_of::<Header>());
    let inline = if layout.variable {
        // SAFETY: the payload of a live object of this layout.
        unsafe { (layout.inline_size)(base) }.next_multiple_of(8)
    } else {
        0
    };
    base.wrapping_add(layout.size + inline)
}

/// Byte offset of the first inline attribute slot from the header, for inline caches. `None` if it differs by object.
pub fn inline_offset(ty: &TypeObject) -> Option<u32> {
    if ty.layout().variable {
        return None;
    }
    Some((size_of::<Header>() + ty.layout().size) as u32 + 8 * ty.fixed_slots() + 8)
}

/// Byte offset of the first `__slots__` place from the header. `None` if it differs by object.
pub fn fixed_offset(ty: &TypeObject) -> Option<u32> {
    if ty.layout().variable {
        None
    } else {
        Some((size_of::<Header>() + ty.layout().size) as u32)
    }
}

#[inline(always)]
fn extra_cell(header: &Header, ty: &TypeObject) -> *mut *mut Extra {
    storage(header, ty)
        .wrapping_add(8 * ty.fixed_slots() as usize)
        .cast()
}

#[inline]
#[expect(
    clippy::mut_from_ref,
    reason = "a cell's inside; no two are alive at a time"
)]
fn extra<'a>(header: &'a Header, ty: &TypeObject) -> Option<&'a mut Extra> {
    // SAFETY: types with DICT have the cell; the box is owned by the instance.
    unsafe { (*extra_cell(header, ty)).as_mut() }
}

#[inline]
#[expect(clippy::mut_from_ref, reason = "as for `extra`")]
fn extra_or_make<'a>(header: &'a Header, ty: &TypeObject) -> &'a mut Extra {
    let cell = extra_cell(header, ty);
    // SAFETY: as in `extra`.
    unsafe {
        if (*cell).is_null() {
            *cell = Box::into_raw(Box::default());
        }
        &mut **cell
    }
}

/// The cell of an attribute slot.
#[inline(always)]
fn slot_cell(header: &Header, ty: &TypeObject, slot: u32) -> Option<*mut Option<Value>> {
    if slot < ty.inline_slots() {
        let first: *mut Option<Value> = extra_cell(header, ty).wrapping_add(1).cast();
        Some(first.wrapping_add(slot as usize))
    } else {
        let extra = extra(header, ty)?;
        extra
            .overflow
            .get_mut((slot - ty.inline_slots()) as usize)
            .map(|cell| cell as *mut _)
    }
}

/// The instance attribute `name` (an interned string), if the type's instances have attributes and this one has it.
#[inline]
pub fn get(object: &Value, name: &Value) -> Option<Value> {
    let header = object.header()?;
    let ty = header.type_object();
    let dict = {
        let _held = Held::new(header);
        match Shape::get(header.shape()) {
            Some(shape) => {
                let slot = shape.slot_of(name)?;
                // SAFETY: the cell belongs to the live object, which is locked.
                return slot_cell(header, ty, slot).and_then(|cell| unsafe { (*cell).clone() });
            }
            None if ty.has(TypeFlags::DICT) => extra(header, ty)?.dict.clone()?,
            None => return None,
        }
    };
    dict.cast::<Dict>()?.get_name(name)
}

/// What became of an attempt to store an attribute.
pub enum Stored {
    /// Done; the value that was there before, for the caller to drop.
    Done(Option<Value>),
    /// The instance keeps a dict: store it there (hashing may run Python code for odd keys).
    InDict(Value),
    /// Instances of this type have no attributes.
    NoDict,
}

/// Stores an instance attribute; `name` is an interned string.
#[inline]
pub fn set(object: &Value, name: &Value, value: Value) -> Stored {
    let Some(header) = object.header() else {
        return Stored::NoDict;
    };
    let ty = header.type_object();
    let _held = Held::new(header);
    let Some(shape) = Shape::get(header.shape()) else {
        return if ty.has(TypeFlags::DICT) {
            Stored::InDict(dict_locked(header, ty))
        } else {
            Stored::NoDict
        };
    };
    if let Some(slot) = shape.slot_of(name) {
        return match slot_cell(header, ty, slot) {
            // SAFETY: the cell belongs to the live object, which is locked.
            Some(cell) => Stored::Done(unsafe { (*cell).replace(value) }),
            None => Stored::NoDict,
        };
    }
    let Some(wider) = shape.with(ty, name) else {
        return Stored::InDict(dict_locked(header, ty));
    };
    let slot = wider.names().len() as u32 - 1;
    if slot >= ty.inline_slots() {
        extra_or_make(header, ty).overflow.push(None);
    }
    if let Some(cell) = slot_cell(header, ty, slot) {
        // SAFETY: a fresh cell of the live object.
        unsafe { cell.write(Some(value)) };
    }
    header.set_shape(wider.id());
    Stored::Done(None)
}

/// Deletes an instance attribute; gives its value if it was there.
pub fn delete(object: &Value, name: &Value) -> Option<Value> {
    let header = object.header()?;
    let ty = header.type_object();
    let dict = {
        let _held = Held::new(header);
        if let Some(shape) = Shape::get(header.shape()) {
            let slot = shape.slot_of(name)?;
            if slot as usize + 1 == shape.names().len()
                && let Some(parent) = shape.parent()
            {
                let cell = slot_cell(header, ty, slot)?;
                header.set_shape(parent.id());
                // SAFETY: the cell belongs to the live object, which is locked.
                let old = unsafe { (*cell).take() };
                if slot >= ty.inline_slots() {
                    extra_or_make(header, ty).overflow.pop();
                }
                return old;
            }
        } else if !ty.has(TypeFlags::DICT) {
            return None;
        }
        // The order of the others must stay: let a dict keep it.
        dict_locked(header, ty)
    };
    dict.cast::<Dict>()?.remove_name(name)
}

/// Does the object's type give its instances a `__dict__`?
pub fn has_dict(object: &Value) -> bool {
    object.is_object() && object.type_of().has(TypeFlags::DICT)
}

/// The object's `__dict__`, made now if need be. Only for objects whose type has one.
pub fn dict(object: &Value) -> Value {
    let Some(header) = object.header() else {
        return dict_object::new_dict();
    };
    let _held = Held::new(header);
    dict_locked(header, header.type_object())
}

fn dict_locked(header: &Header, ty: &TypeObject) -> Value {
    if let Some(dict) = extra(header, ty).and_then(|extra| extra.dict.clone()) {
        return dict;
    }
    let dict = dict_object::new_dict();
    if let (Some(shape), Some(target)) = (Shape::get(header.shape()), dict.cast::<Dict>()) {
        for (slot, name) in shape.names().iter().enumerate() {
            let cell = slot_cell(header, ty, slot as u32);
            // SAFETY: the cell belongs to the live object, which is locked.
            if let Some(value) = cell.and_then(|cell| unsafe { (*cell).take() }) {
                target.set_name(name, value);
            }
        }
    }
    let extra = extra_or_make(header, ty);
    extra.overflow = Vec::new();
    extra.dict = Some(dict.clone());
    header.set_shape(ty.dict_shape());
    dict
}

/// Replaces the object's `__dict__`; gives what it had.
pub fn set_dict(object: &Value, new: Value) -> Option<Value> {
    let header = object.header()?;
    let ty = header.type_object();
    let _held = Held::new(header);
    let old = dict_locked(header, ty);
    extra_or_make(header, ty).dict.replace(new).or(Some(old))
}

/// The `__slots__` place number `index`.
#[inline]
pub fn fixed(object: &Value, index: u32) -> Option<Value> {
    let header = object.header()?;
    let cell: *const Option<Value> = storage(header, header.type_object()).cast();
    // SAFETY: member descriptors check the type, so the place exists.
    unsafe { read(cell.wrapping_add(index as usize)) }
}

/// Stores to (or empties) the `__slots__` place number `index`; gives what was there.
#[inline]
pub fn set_fixed(object: &Value, index: u32, value: Option<Value>) -> Option<Value> {
    let header = object.header()?;
    let cell: *mut Option<Value> = storage(header, header.type_object()).cast();
    let _held = Held::new(header);
    // SAFETY: as in `fixed`.
    unsafe { std::mem::replace(&mut *cell.wrapping_add(index as usize), value) }
}

/// The value in a place that other threads may write to.
///
/// # Safety
/// The place belongs to a live object, or was one's since this thread's last safepoint.
#[inline(always)]
pub unsafe fn read(place: *const Option<Value>) -> Option<Value> {
    // SAFETY: the caller's promise.
    unsafe {
        if world::is_shared() {
            read_shared(place)
        } else {
            (*place).clone()
        }
    }
}

#[inline(never)]
unsafe fn read_shared(place: *const Option<Value>) -> Option<Value> {
    loop {
        // SAFETY: as for `read`; what was in the place is an object's memory until the next safepoint.
        unsafe {
            let word = place.cast::<u64>().read_volatile();
            if let Some(value) = crate::refcount::count_word(word)
                && place.cast::<u64>().read_volatile() == word
            {
                return Some(value);
            }
            if word == 0 {
                return None;
            }
        }
        std::hint::spin_loop();
    }
}

/// The value in the place at byte `offset` of an object that had shape `shape`, for inline caches; `None` if it has another one now.
///
/// # Safety
/// Objects of that shape have an attribute place there.
#[inline(always)]
pub unsafe fn read_slot(header: &Header, shape: u32, offset: u64) -> Option<Value> {
    let place = (header as *const Header)
        .wrapping_byte_add(offset as usize)
        .cast::<Option<Value>>();
    // SAFETY: the place is inside the object.
    let found = unsafe { read(place) };
    if world::is_shared() && header.shape() != shape {
        return None;
    }
    found
}

/// Writes the word of an owned value to the place at byte `offset` of an object of shape `shape`, which has `then` afterwards, for
/// inline caches; gives what was there. `None`, and nothing happened: the object has another shape.
///
/// # Safety
/// Objects of that shape have an attribute place there; shape `then` is the same or a child that names the place.
#[inline(always)]
pub unsafe fn write_slot(
    header: &Header,
    shape: u32,
    then: u32,
    offset: u64,
    word: u64,
) -> Option<Option<Value>> {
    let _held = Held::new(header);
    if header.shape() != shape {
        return None;
    }
    let place = (header as *const Header)
        .wrapping_byte_add(offset as usize)
        .cast::<Option<Value>>()
        .cast_mut();
    // SAFETY: the place is inside the object, which is locked.
    let old = unsafe { (*place).replace(Value::from_bits(word)) };
    if then != shape {
        header.set_shape(then);
    }
    Some(old)
}

/// Attribute places to look at: none once a dict has taken over. Such an object may come from a class with fewer places than its
/// present one has (`__class__` was assigned), so they must not be touched (I-INSTANCE-1).
fn places_in_use(header: &Header, ty: &TypeObject) -> usize {
    if Shape::get(header.shape()).is_some() {
        ty.inline_slots() as usize
    } else {
        0
    }
}

/// All counted references in the storage.
pub(crate) fn trace(header: &Header, ty: &TypeObject, tracer: &mut Tracer<'_>) {
    if ty.storage_size() == 0 {
        return;
    }
    let fixed: *const Option<Value> = storage(header, ty).cast();
    for index in 0..ty.fixed_slots() as usize {
        // SAFETY: the places exist in every instance.
        tracer.visit_option(unsafe { &*fixed.wrapping_add(index) });
    }
    if !ty.has(TypeFlags::DICT) {
        return;
    }
    let inline: *const Option<Value> = extra_cell(header, ty).wrapping_add(1).cast();
    for index in 0..places_in_use(header, ty) {
        // SAFETY: as above.
        tracer.visit_option(unsafe { &*inline.wrapping_add(index) });
    }
    if let Some(extra) = extra(header, ty) {
        extra
            .overflow
            .iter()
            .for_each(|value| tracer.visit_option(value));
        tracer.visit_option(&extra.dict);
    }
}

/// Moves all references of the storage into `out`.
pub(crate) fn clear(header: &Header, ty: &TypeObject, out: &mut Vec<Value>) {
    if ty.storage_size() == 0 {
        return;
    }
    let fixed: *mut Option<Value> = storage(header, ty).cast();
    for index in 0..ty.fixed_slots() as usize {
        // SAFETY: the places exist in every instance.
        out.extend(unsafe { (*fixed.wrapping_add(index)).take() });
    }
    if !ty.has(TypeFlags::DICT) {
        return;
    }
    let inline: *mut Option<Value> = extra_cell(header, ty).wrapping_add(1).cast();
    for index in 0..places_in_use(header, ty) {
        // SAFETY: as above.
        out.extend(unsafe { (*inline.wrapping_add(index)).take() });
    }
    if let Some(extra) = extra(header, ty) {
        out.extend(extra.overflow.iter_mut().filter_map(Option::take));
        out.extend(extra.dict.take());
        if Shape::get(header.shape()).is_none() {
            extra.dict = None;
        }
    }
}

/// Drops the storage of a dying object.
///
/// # Safety
/// Nobody refers to the object any more.
pub(crate) unsafe fn drop_storage(header: &Header, ty: &TypeObject) {
    if ty.storage_size() == 0 {
        return;
    }
    let fixed: *mut Option<Value> = storage(header, ty).cast();
    for index in 0..ty.fixed_slots() as usize {
        // SAFETY: the places exist in every instance.
        drop(unsafe { (*fixed.wrapping_add(index)).take() });
    }
    if !ty.has(TypeFlags::DICT) {
        return;
    }
    let cell = extra_cell(header, ty);
    let inline: *mut Option<Value> = cell.wrapping_add(1).cast();
    for index in 0..places_in_use(header, ty) {
        // SAFETY: as above.
        drop(unsafe { (*inline.wrapping_add(index)).take() });
    }
    // SAFETY: the box belongs to the dying instance.
    unsafe {
        let extra = std::mem::replace(&mut *cell, null_mut());
        if !extra.is_null() {
            drop(Box::from_raw(extra));
        }
    }
}

/// Gives an object another type of compatible layout (`__class__` assignment); the caller has checked that.
pub fn set_type(object: &Value, ty: &TypeObject) {
    if let Some(header) = object.header() {
        let attributes = has_dict(object)
            && Shape::get(header.shape()).is_some_and(|shape| !shape.names().is_empty());
        // An object without room for the new class's places keeps its attributes in a dict.
        if attributes || has_dict(object) && object.type_of().inline_slots() < ty.inline_slots() {
            dict_locked(header, object.type_of());
        }
        let keeps_dict = has_dict(object) && Shape::get(header.shape()).is_none();
        header.set_shape(if keeps_dict {
            ty.dict_shape()
        } else {
            ty.root_shape()
        });
    }
}
