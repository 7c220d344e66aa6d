//! What happens when an instruction raises: find the handler, or leave the frame and go on in its caller.

use crate::frame::{self, ENTRY, Frame, GENERATOR};
use crate::{monitor, traceback};
use taipan_core::{Raised, Value, Vm};

/// Drops stack slots from `sp` down to `to`.
pub(crate) unsafe fn cut(sp: *mut u64, to: *mut u64) {
    let mut at = sp;
    while at > to {
        at = at.wrapping_sub(1);
        // SAFETY: the caller passes the live part of an operand stack; 0 is NULL.
        unsafe {
            if *at != 0 {
                drop(Value::from_bits(*at));
            }
        }
    }
}

/// Finds where the pending exception is handled, leaving frames as needed. On success `frame` is the frame that goes on, its
/// `ip` and `depth` set, and the result the quick index of its instruction that raised; on error the ENTRY frame itself has been
/// left.
#[cold]
#[inline(never)]
pub fn find_handler(
    vm: &mut Vm,
    frame: &mut *mut Frame,
    sp: *mut u64,
    raised: Raised,
    _entry: *mut Frame,
    trace_here: bool,
    origin: Option<u32>,
) -> Result<u32, Raised> {
    let mut exception = vm.take_raised(raised);
    let mut sp = sp;
    let mut add_entry = trace_here;
    let mut origin = origin;
    loop {
        let this = *frame;
        // SAFETY: `this` is the live top frame, `sp` the top of its stack.
        unsafe {
            if add_entry {
                traceback::add_here(vm, &exception, this);
            }
            if vm.thread().tracing.get() != 0
                && let Some(other) = monitor::raised(vm, this, &exception, !add_entry)
            {
                exception = other;
                traceback::add_here(vm, &exception, this);
            }
            let quick = (*this).quick();
            let index = quick.index((*this).ip).saturating_sub(1);
            if let Some(entry) = quick.handler(index) {
                if vm.thread().tracing.get() != 0
                    && let Some(other) =
                        monitor::handled(vm, this, &exception, quick.first_unit(entry.target))
                {
                    exception = other;
                }
                let base = Frame::stack(this).wrapping_add(entry.depth as usize);
                cut(sp, base);
                sp = base;
                if entry.lasti {
                    let unit = origin.unwrap_or_else(|| quick.unit(index));
                    *sp = Value::int(i64::from(unit)).into_bits();
                    sp = sp.wrapping_add(1);
                }
                *sp = exception.into_bits();
                sp = sp.wrapping_add(1);
                (*this).depth = sp.offset_from(Frame::stack(this)) as u32;
                (*this).ip = quick.at(entry.target);
                return Ok(index);
            }
            // Outside of the frame it is the instruction that raised first that counts.
            if let Some(unit) = origin.take() {
                (*this).ip = quick.at(quick.index_of_unit(unit) + 1);
            }
            if vm.thread().tracing.get() != 0
                && let Some(other) = monitor::unwound(vm, this, &exception)
            {
                exception = other;
            }
            let flags = (*this).flags;
            let previous = (*this).previous;
            let left = sp.offset_from(Frame::stack(this)) as usize;
            if flags & GENERATOR != 0 {
                crate::generator::finish(vm, this, left);
                if flags & (frame::INLINE_GENERATOR | frame::DELEGATE) == 0 {
                    return Err(vm.set_pending(exception));
                }
            } else {
                frame::pop_frame(vm, this, left);
                if flags & ENTRY != 0 {
                    return Err(vm.set_pending(exception));
                }
            }
            *frame = previous;
            sp = Frame::stack(previous).wrapping_add((*previous).depth as usize);
            exception = {
                let raised = vm.set_pending(exception);
                vm.take_raised(raised)
            };
            add_entry = true;
        }
    }
}
