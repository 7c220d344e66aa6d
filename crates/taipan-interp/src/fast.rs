//! What the loop does with words directly, without a call: tests of tags, borrowed views, elements of lists.

use taipan_core::lock::HasState;
use taipan_core::value::{FLOAT_TAGS, INT_SHIFT, INT_TAG, POINTER_MASK};
use taipan_core::{Value, Vm, builtin_types, world};
use taipan_types::list::{List, ListExt};

/// Are both words immediate ints?
#[inline(always)]
pub(crate) fn both_ints(a: u64, b: u64) -> bool {
    a & b & INT_TAG == INT_TAG
}

/// Is the word an immediate float?
#[inline(always)]
pub(crate) fn is_float(word: u64) -> bool {
    FLOAT_TAGS >> (word & POINTER_MASK) & 1 != 0
}

/// A borrowed view of a stack slot or local that holds a value.
#[inline(always)]
pub(crate) unsafe fn view<'a>(slot: *const u64) -> &'a Value {
    // SAFETY: the caller passes a slot with the word of a live value.
    unsafe { &*slot.cast::<Value>() }
}

/// `list[index]` for words of an exact list and an immediate int; `None` for anything else.
#[inline(always)]
pub(crate) unsafe fn list_item(vm: &mut Vm, container: u64, key: u64) -> Option<Value> {
    if container & POINTER_MASK != 0 || container == 0 || key & INT_TAG != INT_TAG {
        return None;
    }
    // SAFETY: the words are those of live values, borrowed for the call.
    unsafe {
        let container = &*(&raw const container).cast::<Value>();
        if container.header_unchecked().shape() != builtin_types::LIST.root_shape() {
            return None;
        }
        container
            .cast_unchecked::<List>()
            .get_signed(vm, (key as i64) >> INT_SHIFT)
    }
}

/// `list[first][second]`, both lists exact and both keys immediate ints; the inner list is not counted.
#[inline(always)]
pub(crate) unsafe fn list_item_twice(
    vm: &mut Vm,
    container: u64,
    first: u64,
    second: u64,
) -> Option<Value> {
    if container & POINTER_MASK != 0 || container == 0 || first & second & INT_TAG != INT_TAG {
        return None;
    }
    // SAFETY: the words are those of live values; nothing runs between the two reads that could free the inner list.
    unsafe {
        let container = &*(&raw const container).cast::<Value>();
        if container.header_unchecked().shape() != builtin_types::LIST.root_shape() {
            return None;
        }
        if world::is_shared() {
            // The inner list is readable until the next safepoint, whatever other threads do to the outer one.
            let inner = container
                .cast_unchecked::<List>()
                .peek()
                .uncounted((first as i64) >> INT_SHIFT)?;
            return list_item(vm, inner, second);
        }
        let index = (first as i64) >> INT_SHIFT;
        let outer = container.cast_unchecked::<List>().cell().get_unlocked();
        let at = if index < 0 {
            index + outer.len() as i64
        } else {
            index
        };
        let inner = outer.values()?.get(usize::try_from(at).ok()?)?.bits();
        list_item(vm, inner, second)
    }
}

/// Drops the value in a slot.
#[inline(always)]
pub(crate) unsafe fn drop_slot(slot: *const u64) {
    // SAFETY: the caller passes a slot that owns its value and will not use it again.
    drop(unsafe { Value::from_bits(*slot) });
}
