//! The stack machine's loop.
//!
//! Rules:
//! 1. `frame.ip` is stored before anything that can raise, call, suspend or look at frames; it names the instruction after the
//!    running one.
//! 2. Operands stay on the stack, owned by it, until the operation has succeeded: the unwinder cuts the stack and drops them.
//! 3. Nothing in a handler may hold an owned `Value` over a call that can fail, unless it is dropped by `?`-like exits.
//! 4. A Python-to-Python call pushes a frame and goes on in the same loop; only frames flagged ENTRY return from it.

use crate::call;
use crate::code_object::Parts;
use crate::enter::poll;
pub use crate::enter::{Exit, run, run_raising};
use crate::fast::{both_ints, drop_slot, is_float, list_item, list_item_twice, view};
use crate::frame::{self, DELEGATE, ENTRY, Frame, INIT, INLINE_GENERATOR};
use crate::monitor;
use crate::ops;
use crate::quick::{Cache, Instr, Quick};
use crate::unwind;
use taipan_core::value::{INT_TAG, POINTER_MASK};
use taipan_core::{Py, Raised, Value, Vm, builtin_types};
use taipan_core::{instance, shape};
use taipan_types::list::iterators::ListIterator;
use taipan_types::list::{List, ListExt};
use taipan_types::range::RangeIterator;

/// The loop. `WATCHED`: with the hooks of `monitor`. `None`: the other copy has to go on with the top frame.
pub(crate) fn run_loop<const WATCHED: bool>(
    vm: &mut Vm,
    start: *mut Frame,
    entry: *mut Frame,
) -> Py<Option<Exit>> {
    let mut frame = start;
    let mut ip: *mut Instr;
    let mut sp: *mut u64;
    let mut locals: *mut u64;
    let mut consts: *const Value;
    let mut caches: *mut Cache;
    let mut place = monitor::Place::default();
    // What is fused is watched part by part: the number of the one to run next, if it is not the first.
    let mut part = 0;

    /// Takes the loop's registers from the frame.
    macro_rules! load_registers {
        () => {{
            ip = (*frame).ip;
            locals = Frame::locals(frame);
            sp = Frame::stack(frame).wrapping_add((*frame).depth as usize);
            let code = (*frame).code();
            let parts: &Parts = code;
            consts = parts.consts.as_ptr();
            caches = (*frame).quick().caches();
        }};
    }
    /// Takes the loop's variables from the frame.
    macro_rules! load_frame {
        () => {{
            load_registers!();
            if WATCHED {
                part = 0;
                place = monitor::Place::of(frame);
            }
        }};
    }

    // SAFETY: for the whole loop: code was verified (stack depth, operands, jump targets are in range), so every slot that an
    // instruction names exists and holds what the verifier says; `frame` is live; slots own their values.
    unsafe {
        load_frame!();
        if WATCHED {
            part = monitor::take_part(vm);
        }
        loop {
            let raised: Raised = 'raise: loop {
                let mut instr = *ip;
                ip = ip.add(1);

                macro_rules! save {
                    () => {
                        (*frame).ip = ip
                    };
                }
                macro_rules! push {
                    ($value:expr) => {{
                        let word = Value::into_bits($value);
                        *sp = word;
                        sp = sp.add(1);
                    }};
                }
                /// What `FOR_ITER` does with an item: pushes it, or stores it if that is fused.
                macro_rules! store_item {
                    ($instr:expr, $value:expr) => {
                        if $instr.op == Quick::ForIterStoreFast {
                            let slot =
                                locals.add((*caches.add($instr.cache as usize)).word as usize);
                            let old = *slot;
                            *slot = $value.into_bits();
                            if old & POINTER_MASK == 0 && old != 0 {
                                drop(Value::from_bits(old));
                            }
                        } else {
                            push!($value);
                        }
                    };
                }
                /// The n-th slot from the top.
                macro_rules! peek {
                    ($n:expr) => {
                        sp.sub($n)
                    };
                }
                macro_rules! tri {
                    ($result:expr) => {
                        match $result {
                            Ok(value) => value,
                            Err(raised) => break 'raise raised,
                        }
                    };
                }
                /// Replaces the n topmost slots by one value. Drops come after the result is in place.
                macro_rules! replace2 {
                    ($value:expr) => {{
                        let word = Value::into_bits($value);
                        let (a, b) = (*peek!(2), *peek!(1));
                        *peek!(2) = word;
                        sp = sp.sub(1);
                        drop(Value::from_bits(b));
                        drop(Value::from_bits(a));
                    }};
                }
                macro_rules! replace1 {
                    ($value:expr) => {{
                        let word = Value::into_bits($value);
                        let old = *peek!(1);
                        *peek!(1) = word;
                        drop(Value::from_bits(old));
                    }};
                }
                macro_rules! jump {
                    ($target:expr) => {{
                        ip = (*frame).quick().at($target);
                        if WATCHED {
                            part = 0;
                        }
                    }};
                }
                /// Runs an out-of-line operation on the stack: `fn(vm, frame, sp, arg) -> Py<*mut u64>`.
                macro_rules! op {
                    ($function:path) => {{
                        save!();
                        sp = tri!($function(vm, frame, sp, instr.arg)).as_ptr();
                    }};
                }
                macro_rules! arith {
                    ($ints:ident, $float:tt, $slow:expr) => {
                        numbers!($ints, $float, {
                            save!();
                            let value = tri!($slow(vm, view(peek!(2)), view(peek!(1))));
                            replace2!(value);
                        })
                    };
                }
                /// Two immediate ints or two floats, or the block.
                macro_rules! numbers {
                    ($ints:ident, $float:tt, $otherwise:block) => {{
                        let (a, b) = (*peek!(2), *peek!(1));
                        if both_ints(a, b)
                            && let Some(value) = view(peek!(2)).$ints(view(peek!(1)))
                        {
                            *peek!(2) = value.into_bits();
                            sp = sp.sub(1);
                        } else if is_float(a) && is_float(b) {
                            let value = view(peek!(2)).small_float_unchecked() $float view(peek!(1)).small_float_unchecked();
                            *peek!(2) = Value::float(value).into_bits();
                            sp = sp.sub(1);
                        } else $otherwise
                    }};
                }
                macro_rules! unary {
                    ($slow:path) => {{
                        save!();
                        let value = tri!($slow(vm, view(peek!(1))));
                        replace1!(value);
                    }};
                }
                macro_rules! binary {
                    ($slow:expr) => {{
                        save!();
                        let value = tri!($slow(vm, view(peek!(2)), view(peek!(1))));
                        replace2!(value);
                    }};
                }
                /// Does something wait for this thread's attention?
                macro_rules! breaker {
                    () => {
                        vm.thread()
                            .breaker
                            .load(std::sync::atomic::Ordering::Relaxed)
                            != 0
                    };
                }
                /// Leaves for the other copy of the loop, if it is its turn. `ip` is the next instruction.
                macro_rules! switch {
                    () => {
                        if WATCHED != (vm.thread().tracing.get() != 0) {
                            save!();
                            (*frame).depth = sp.offset_from(Frame::stack(frame)) as u32;
                            return Ok(None);
                        }
                    };
                }
                /// An operator with a fast form for immediate ints.
                macro_rules! small {
                    ($fast:path, $slow:path) => {
                        match $fast(view(peek!(2)), view(peek!(1))) {
                            Some(value) => {
                                *peek!(2) = value.into_bits();
                                sp = sp.sub(1);
                            }
                            None => binary!($slow),
                        }
                    };
                }
                /// Raises once more, without a traceback entry for this frame.
                macro_rules! again {
                    ($raised:expr, $origin:expr) => {{
                        let index = unwind::find_handler(
                            vm, &mut frame, sp, $raised, entry, false, $origin,
                        )?;
                        load_frame!();
                        if WATCHED {
                            place = monitor::Place::at(frame, index);
                        }
                        continue;
                    }};
                }
                /// Raises for an unbound local.
                macro_rules! unbound {
                    ($slot:expr) => {{
                        save!();
                        break 'raise ops::names::unbound_local(vm, frame, $slot);
                    }};
                }
                /// Drops the two topmost.
                macro_rules! drop2 {
                    () => {{
                        sp = sp.sub(2);
                        drop_slot(sp.add(1));
                        drop_slot(sp);
                    }};
                }
                /// Enters a Python function's frame that a call pushed.
                macro_rules! enter {
                    ($new:expr) => {{
                        frame = $new;
                        load_frame!();
                        if WATCHED {
                            tri!(monitor::entered(vm, frame, monitor::Entry::Start));
                        }
                        if breaker!() {
                            tri!(poll(vm));
                            if WATCHED != (vm.thread().tracing.get() != 0) {
                                if !WATCHED {
                                    tri!(monitor::entered(vm, frame, monitor::Entry::Start));
                                }
                                return Ok(None);
                            }
                        }
                    }};
                }
                /// Looks at the breaker after a call.
                macro_rules! after_call {
                    () => {
                        if breaker!() {
                            tri!(poll(vm));
                            switch!();
                        }
                    };
                }
                /// [`op`] for one that calls what may switch watching on or off.
                macro_rules! op_call {
                    ($function:path) => {{
                        op!($function);
                        after_call!();
                    }};
                }
                /// A call instruction: the call, the slots of callable and first argument, and how many slots a native call
                /// uses up.
                macro_rules! call {
                    ($call:expr, $callable:expr, $first:expr, $taken:expr) => {{
                        let watched = if WATCHED {
                            tri!(monitor::calling(vm, frame, view($callable), $first))
                        } else {
                            None
                        };
                        match $call {
                            Ok(call::Called::Frame(new)) => enter!(new),
                            Ok(call::Called::Done) => {
                                sp = sp.sub($taken);
                                if WATCHED && let Some(call) = watched {
                                    tri!(monitor::called(vm, frame, &call, true));
                                }
                                after_call!();
                            }
                            Err(raised) => {
                                if WATCHED && let Some(call) = watched {
                                    break 'raise monitor::call_failed(vm, frame, &call, raised);
                                }
                                break 'raise raised;
                            }
                        }
                    }};
                }
                /// Leaves the running frame with a value that is not on its stack any more.
                macro_rules! leave {
                    ($value:expr) => {{
                        let value: Value = $value;
                        if WATCHED && let Err(raised) = monitor::returned(vm, frame, &value) {
                            drop(value);
                            break 'raise raised;
                        }
                        let flags = (*frame).flags;
                        let left = sp.offset_from(Frame::stack(frame)) as usize;
                        let previous = (*frame).previous;
                        if flags & frame::GENERATOR != 0 {
                            crate::generator::finish(vm, frame, left);
                            if flags & INLINE_GENERATOR != 0 {
                                drop(value);
                                frame = previous;
                                load_frame!();
                                // The iterator on top is exhausted: the FOR_ITER before `ip` jumps.
                                let for_iter = *ip.sub(1);
                                sp = sp.sub(1);
                                drop_slot(sp);
                                jump!(for_iter.arg);
                                continue;
                            }
                            if flags & DELEGATE != 0 {
                                frame = previous;
                                load_frame!();
                                if WATCHED
                                    && let Err(raised) =
                                        monitor::delegate_ended(vm, frame, view(peek!(2)), &value)
                                {
                                    drop(value);
                                    break 'raise raised;
                                }
                                // Iterator and value sent give way to the result.
                                replace2!(value);
                                continue;
                            }
                            return Ok(Some(Exit::Return(value)));
                        }
                        if flags & INIT != 0 {
                            // The instance waits on the caller's stack.
                            if !value.is_none() {
                                save!();
                                let raised = call::init_result_error(vm, &value);
                                break 'raise raised;
                            }
                            frame::pop_frame(vm, frame, left);
                            if flags & ENTRY != 0 {
                                return Ok(Some(Exit::Return(value)));
                            }
                            frame = previous;
                            load_frame!();
                            continue;
                        }
                        frame::pop_frame(vm, frame, left);
                        if flags & ENTRY != 0 {
                            return Ok(Some(Exit::Return(value)));
                        }
                        frame = previous;
                        load_frame!();
                        push!(value);
                    }};
                }

                /// Goes on where a callback wants it.
                macro_rules! land {
                    ($landing:expr) => {{
                        let landing = $landing;
                        part = monitor::land(vm, frame, sp, landing);
                        load_registers!();
                        place = monitor::Place::landed(frame, landing);
                        continue 'raise;
                    }};
                }

                /// The hooks of a yield.
                macro_rules! watch_yield {
                    ($value:ident) => {
                        if WATCHED && let Some(landing) = tri!(monitor::yielded(vm, frame, &$value))
                        {
                            drop($value);
                            land!(landing);
                        }
                    };
                }
                /// Gives what the running generator yields to whoever resumed it. `ip` and `depth` are saved.
                macro_rules! hand_over {
                    ($value:ident) => {{
                        loop {
                            let flags = (*frame).flags;
                            if flags & (INLINE_GENERATOR | DELEGATE) == 0 {
                                return Ok(Some(Exit::Yield($value)));
                            }
                            frame = crate::generator::suspend_inline(vm, frame);
                            load_frame!();
                            if flags & INLINE_GENERATOR != 0 {
                                let for_iter = *ip.sub(1);
                                store_item!(for_iter, $value);
                                break;
                            }
                            watch_yield!($value);
                            // The YIELD_FROM that resumed it yields in turn, and will run again.
                            sp = sp.sub(1);
                            (*frame).ip = ip.sub(1);
                            (*frame).depth = sp.offset_from(Frame::stack(frame)) as u32;
                            drop_slot(sp);
                        }
                        continue;
                    }};
                }

                if WATCHED {
                    if part > 0 {
                        ip = ip.sub(1);
                    }
                    save!();
                    if let Some(landing) = tri!(monitor::instruction(vm, frame, &mut place, part)) {
                        land!(landing);
                    }
                    (instr, part) = monitor::next_part(frame, ip.sub(1), part);
                }

                match instr.op {
                    // ---- stack ----
                    Quick::Nop | Quick::ExtendedArg => {}
                    Quick::PopTop => {
                        sp = sp.sub(1);
                        let word = *sp;
                        if word & POINTER_MASK == 0 && word != 0 {
                            save!();
                            drop(Value::from_bits(word));
                        }
                    }
                    Quick::RotTwo => std::ptr::swap(peek!(1), peek!(2)),
                    Quick::RotThree => {
                        let (a, b, c) = (*peek!(3), *peek!(2), *peek!(1));
                        *peek!(3) = c;
                        *peek!(2) = a;
                        *peek!(1) = b;
                    }
                    Quick::RotFour => std::slice::from_raw_parts_mut(peek!(4), 4).rotate_right(1),
                    Quick::RotN => {
                        let n = instr.arg as usize;
                        std::slice::from_raw_parts_mut(peek!(n), n).rotate_right(1);
                    }
                    Quick::DupTop => push!(view(peek!(1)).clone()),
                    Quick::DupTopTwo => {
                        let (a, b) = (view(peek!(2)).clone(), view(peek!(1)).clone());
                        push!(a);
                        push!(b);
                    }
                    Quick::Copy => push!(view(peek!(instr.arg as usize)).clone()),
                    Quick::Swap => std::ptr::swap(peek!(1), peek!(instr.arg as usize)),
                    Quick::PushNull => {
                        *sp = 0;
                        sp = sp.add(1);
                    }

                    // ---- constants and variables ----
                    Quick::LoadConst => push!((*consts.add(instr.arg as usize)).clone()),
                    Quick::LoadFast => {
                        let slot = locals.add(instr.arg as usize);
                        if *slot == 0 {
                            unbound!(instr.arg);
                        }
                        push!(view(slot).clone());
                    }
                    Quick::LoadFastLoadFast => {
                        let a = locals.add((instr.arg & 0xFFFF) as usize);
                        let b = locals.add((instr.arg >> 16) as usize);
                        if *a == 0 || *b == 0 {
                            unbound!(if *a == 0 {
                                instr.arg & 0xFFFF
                            } else {
                                instr.arg >> 16
                            });
                        }
                        *sp = view(a).clone().into_bits();
                        *sp.add(1) = view(b).clone().into_bits();
                        sp = sp.add(2);
                    }
                    Quick::LoadFastLoadConst => {
                        let a = locals.add((instr.arg & 0xFFFF) as usize);
                        if *a == 0 {
                            unbound!(instr.arg & 0xFFFF);
                        }
                        *sp = view(a).clone().into_bits();
                        *sp.add(1) = (*consts.add((instr.arg >> 16) as usize))
                            .clone()
                            .into_bits();
                        sp = sp.add(2);
                    }
                    Quick::StoreFast => {
                        sp = sp.sub(1);
                        let slot = locals.add(instr.arg as usize);
                        let old = *slot;
                        *slot = *sp;
                        if old & POINTER_MASK == 0 && old != 0 {
                            save!();
                            drop(Value::from_bits(old));
                        }
                    }
                    Quick::StoreFastLoadFast => {
                        let slot = locals.add((instr.arg & 0xFFFF) as usize);
                        let old = *slot;
                        *slot = *peek!(1);
                        let next = locals.add((instr.arg >> 16) as usize);
                        if *next == 0 {
                            sp = sp.sub(1);
                            save!();
                            if old != 0 {
                                drop(Value::from_bits(old));
                            }
                            break 'raise ops::names::unbound_local(vm, frame, instr.arg >> 16);
                        }
                        if old & POINTER_MASK == 0 && old != 0 {
                            sp = sp.sub(1);
                            save!();
                            drop(Value::from_bits(old));
                            // What died may have unbound the local only through a frame's f_locals: look again.
                            if *next == 0 {
                                break 'raise ops::names::unbound_local(vm, frame, instr.arg >> 16);
                            }
                            push!(view(next).clone());
                        } else {
                            *peek!(1) = view(next).clone().into_bits();
                        }
                    }
                    Quick::DeleteFast => {
                        let slot = locals.add(instr.arg as usize);
                        save!();
                        let old = *slot;
                        if old == 0 {
                            break 'raise ops::names::unbound_local(vm, frame, instr.arg);
                        }
                        *slot = 0;
                        drop(Value::from_bits(old));
                    }
                    Quick::LoadFastAndClear => {
                        let slot = locals.add(instr.arg as usize);
                        *sp = *slot;
                        *slot = 0;
                        sp = sp.add(1);
                    }
                    Quick::StoreFastMaybeNull => {
                        sp = sp.sub(1);
                        let slot = locals.add(instr.arg as usize);
                        let old = *slot;
                        *slot = *sp;
                        if old != 0 {
                            save!();
                            drop(Value::from_bits(old));
                        }
                    }
                    Quick::LoadClosure => op!(ops::names::load_closure),
                    Quick::LoadDeref => {
                        let cell = view(
                            locals.add((*frame).code().code.varnames.len() + instr.arg as usize),
                        );
                        match cell.cast_unchecked::<crate::function::Cell>().get() {
                            Some(value) => push!(value),
                            None => {
                                save!();
                                break 'raise ops::names::empty_cell(vm, frame, instr.arg);
                            }
                        }
                    }
                    Quick::StoreDeref => {
                        save!();
                        sp = sp.sub(1);
                        let cell = view(
                            locals.add((*frame).code().code.varnames.len() + instr.arg as usize),
                        );
                        let old = cell
                            .cast_unchecked::<crate::function::Cell>()
                            .set(Some(Value::from_bits(*sp)));
                        drop(old);
                    }
                    Quick::DeleteDeref => op!(ops::names::delete_deref),
                    Quick::LoadClassderef => op!(ops::names::load_classderef),
                    Quick::SaveCell => op!(ops::names::save_cell),
                    Quick::RestoreCell => op!(ops::names::restore_cell),
                    Quick::LoadGlobal => {
                        save!();
                        let value = tri!(ops::names::load_global(vm, frame, ip.sub(1)));
                        push!(value);
                    }
                    Quick::LoadGlobalModule => {
                        let cache = &*caches.add(instr.cache as usize);
                        match (*frame)
                            .globals()
                            .cached_value(cache.version, cache.word as usize)
                        {
                            Some(value) => push!(value),
                            None => {
                                save!();
                                let value = tri!(ops::names::load_global(vm, frame, ip.sub(1)));
                                push!(value);
                            }
                        }
                    }
                    Quick::LoadGlobalBuiltin => {
                        let cache = &*caches.add(instr.cache as usize);
                        let builtins = (*frame).builtins();
                        let found = if (*frame).globals().keys_version() == cache.shape {
                            builtins.cached_value(cache.version, cache.word as usize)
                        } else {
                            None
                        };
                        match found {
                            Some(value) => push!(value),
                            None => {
                                save!();
                                let value = tri!(ops::names::load_global(vm, frame, ip.sub(1)));
                                push!(value);
                            }
                        }
                    }
                    Quick::StoreGlobal => op!(ops::names::store_global),
                    Quick::DeleteGlobal => op!(ops::names::delete_global),
                    Quick::LoadName => op!(ops::names::load_name),
                    Quick::StoreName => op!(ops::names::store_name),
                    Quick::DeleteName => op!(ops::names::delete_name),
                    Quick::LoadLocals => op!(ops::names::load_locals),
                    Quick::LoadFromDictOrGlobals => op!(ops::names::load_from_dict_or_globals),
                    Quick::LoadFromDictOrDeref => op!(ops::names::load_from_dict_or_deref),
                    Quick::LoadBuildClass => op!(ops::names::load_build_class),
                    Quick::LoadAssertionError => push!(builtin_types::ASSERTION_ERROR.to_value()),
                    Quick::LoadNotImplementedError => {
                        push!(builtin_types::NOT_IMPLEMENTED_ERROR.to_value())
                    }

                    // ---- arithmetic ----
                    Quick::BinaryAdd => arith!(add_small_ints, +, ops::arith::add),
                    Quick::InplaceAdd => numbers!(add_small_ints, +, {
                        save!();
                        tri!(ops::arith::inplace_add(vm, frame, ip, sp));
                        sp = sp.sub(1);
                    }),
                    Quick::BinarySubtract => arith!(sub_small_ints, -, ops::arith::subtract),
                    Quick::InplaceSubtract => {
                        arith!(sub_small_ints, -, ops::arith::inplace_subtract)
                    }
                    Quick::BinaryMultiply => arith!(mul_small_ints, *, ops::arith::multiply),
                    Quick::InplaceMultiply => {
                        arith!(mul_small_ints, *, ops::arith::inplace_multiply)
                    }
                    Quick::BinaryTrueDivide | Quick::InplaceTrueDivide => {
                        let (a, b) = (*peek!(2), *peek!(1));
                        if is_float(a)
                            && is_float(b)
                            && view(peek!(1)).small_float_unchecked() != 0.0
                        {
                            let value = view(peek!(2)).small_float_unchecked()
                                / view(peek!(1)).small_float_unchecked();
                            *peek!(2) = Value::float(value).into_bits();
                            sp = sp.sub(1);
                        } else if instr.op == Quick::BinaryTrueDivide {
                            binary!(ops::arith::true_divide);
                        } else {
                            binary!(ops::arith::inplace_true_divide);
                        }
                    }
                    Quick::BinaryFloorDivide => {
                        small!(ops::arith::small_floor_divide, ops::arith::floor_divide)
                    }
                    Quick::InplaceFloorDivide => binary!(ops::arith::inplace_floor_divide),
                    Quick::BinaryModulo => small!(ops::arith::small_modulo, ops::arith::modulo),
                    Quick::InplaceModulo => binary!(ops::arith::inplace_modulo),
                    Quick::BinaryPower => binary!(ops::arith::power),
                    Quick::InplacePower => binary!(ops::arith::inplace_power),
                    Quick::BinaryMatrixMultiply => binary!(ops::arith::matrix_multiply),
                    Quick::InplaceMatrixMultiply => binary!(ops::arith::inplace_matrix_multiply),
                    Quick::BinaryLshift => {
                        small!(ops::arith::small_left_shift, ops::arith::left_shift)
                    }
                    Quick::InplaceLshift => binary!(ops::arith::inplace_left_shift),
                    Quick::BinaryRshift => {
                        small!(ops::arith::small_right_shift, ops::arith::right_shift)
                    }
                    Quick::InplaceRshift => binary!(ops::arith::inplace_right_shift),
                    Quick::BinaryAnd => small!(ops::arith::small_and, ops::arith::and),
                    Quick::InplaceAnd => binary!(ops::arith::inplace_and),
                    Quick::BinaryOr => small!(ops::arith::small_or, ops::arith::or),
                    Quick::InplaceOr => binary!(ops::arith::inplace_or),
                    Quick::BinaryXor => small!(ops::arith::small_xor, ops::arith::xor),
                    Quick::InplaceXor => binary!(ops::arith::inplace_xor),
                    Quick::UnaryNegative => {
                        if is_float(*peek!(1)) {
                            *peek!(1) =
                                Value::float(-view(peek!(1)).small_float_unchecked()).into_bits();
                        } else {
                            unary!(ops::arith::negative);
                        }
                    }
                    Quick::UnaryPositive => unary!(ops::arith::positive),
                    Quick::UnaryInvert => unary!(ops::arith::invert),
                    Quick::UnaryNot => {
                        save!();
                        let truth = tri!(vm.truth(view(peek!(1))));
                        replace1!(Value::bool(!truth));
                    }

                    // ---- comparison ----
                    Quick::CompareOp => {
                        let (a, b) = (*peek!(2), *peek!(1));
                        if both_ints(a, b) {
                            *peek!(2) = Value::bool(ops::arith::compare_words(
                                instr.arg, a as i64, b as i64,
                            ))
                            .into_bits();
                            sp = sp.sub(1);
                        } else if is_float(a) && is_float(b) {
                            let (x, y) = (
                                view(peek!(2)).small_float_unchecked(),
                                view(peek!(1)).small_float_unchecked(),
                            );
                            *peek!(2) = Value::bool(ops::arith::compare_floats(instr.arg, x, y))
                                .into_bits();
                            sp = sp.sub(1);
                        } else {
                            save!();
                            let value = tri!(ops::arith::compare(
                                vm,
                                view(peek!(2)),
                                view(peek!(1)),
                                instr.arg
                            ));
                            replace2!(value);
                        }
                    }
                    Quick::CompareJumpIfFalse | Quick::CompareJumpIfTrue => {
                        let (a, b) = (*peek!(2), *peek!(1));
                        let op = (*caches.add(instr.cache as usize)).word as u32;
                        let truth = if both_ints(a, b) {
                            sp = sp.sub(2);
                            ops::arith::compare_words(op, a as i64, b as i64)
                        } else if is_float(a) && is_float(b) {
                            let (x, y) = (
                                view(peek!(2)).small_float_unchecked(),
                                view(peek!(1)).small_float_unchecked(),
                            );
                            sp = sp.sub(2);
                            ops::arith::compare_floats(op, x, y)
                        } else {
                            save!();
                            let truth = tri!(ops::arith::compare_truth(
                                vm,
                                view(peek!(2)),
                                view(peek!(1)),
                                op
                            ));
                            sp = sp.sub(2);
                            drop(Value::from_bits(b));
                            drop(Value::from_bits(a));
                            truth
                        };
                        if truth == (instr.op == Quick::CompareJumpIfTrue) {
                            jump!(instr.arg);
                        }
                    }
                    Quick::IsOp => {
                        let same = *peek!(2) == *peek!(1);
                        save!();
                        replace2!(Value::bool(same != (instr.arg == 1)));
                    }
                    Quick::ContainsOp => {
                        save!();
                        let found = tri!(vm.contains(view(peek!(1)), view(peek!(2))));
                        replace2!(Value::bool(found != (instr.arg == 1)));
                    }

                    // ---- subscripts ----
                    Quick::BinarySubscr => {
                        let (a, b) = (*peek!(2), *peek!(1));
                        if a & POINTER_MASK == 0
                            && b & INT_TAG == INT_TAG
                            && view(peek!(2)).shape() == builtin_types::LIST.root_shape()
                            && let Some(value) = view(peek!(2))
                                .cast_unchecked::<List>()
                                .get_signed(vm, view(peek!(1)).small_int_unchecked())
                        {
                            *peek!(2) = value.into_bits();
                            sp = sp.sub(1);
                            if (*(a as *const taipan_core::header::Header)).is_immortal() {
                                continue;
                            }
                            save!();
                            drop(Value::from_bits(a));
                        } else {
                            save!();
                            let value = tri!(ops::container::subscript(
                                vm,
                                view(peek!(2)),
                                view(peek!(1))
                            ));
                            replace2!(value);
                        }
                    }
                    Quick::StoreSubscr => {
                        let (a, b) = (*peek!(2), *peek!(1));
                        if a & POINTER_MASK == 0
                            && b & INT_TAG == INT_TAG
                            && view(peek!(2)).shape() == builtin_types::LIST.root_shape()
                            && let Some(old) = ops::container::list_store(vm, peek!(2), peek!(3))
                        {
                            sp = sp.sub(3);
                            save!();
                            drop(old);
                            drop_slot(sp);
                            drop(Value::from_bits(a));
                        } else {
                            op!(ops::container::store_subscript);
                        }
                    }
                    Quick::DeleteSubscr => op!(ops::container::delete_subscript),
                    Quick::BuildSlice => op!(ops::build::slice),

                    // ---- attributes ----
                    Quick::LoadAttr => {
                        save!();
                        let value =
                            tri!(ops::attribute::load(vm, frame, ip.sub(1), view(peek!(1))));
                        replace1!(value);
                    }
                    Quick::LoadAttrSlot => {
                        let word = *peek!(1);
                        let cache = &*caches.add(instr.cache as usize);
                        if word & POINTER_MASK == 0
                            && view(peek!(1)).header_unchecked().shape() == cache.shape
                            && shape::entry(cache.shape).version() == cache.version
                            && let Some(found) = instance::read_slot(
                                view(peek!(1)).header_unchecked(),
                                cache.shape,
                                cache.word,
                            )
                        {
                            *peek!(1) = found.into_bits();
                            save!();
                            drop(Value::from_bits(word));
                        } else {
                            save!();
                            let value = tri!(ops::attribute::load_miss(
                                vm,
                                frame,
                                ip.sub(1),
                                view(peek!(1))
                            ));
                            replace1!(value);
                        }
                    }
                    Quick::LoadAttrType => {
                        let cache = &*caches.add(instr.cache as usize);
                        let owner = view(peek!(1));
                        if owner.shape() == cache.shape
                            && shape::entry(cache.shape).version() == cache.version
                        {
                            let found = view(&raw const cache.word).clone();
                            save!();
                            replace1!(found);
                        } else {
                            save!();
                            let value =
                                tri!(ops::attribute::load_miss(vm, frame, ip.sub(1), owner));
                            replace1!(value);
                        }
                    }
                    Quick::LoadAttrModule | Quick::LoadAttrFixed | Quick::LoadAttrClass => {
                        save!();
                        let value = match ops::attribute::load_cached(
                            view(peek!(1)),
                            instr.op,
                            &*caches.add(instr.cache as usize),
                        ) {
                            Some(value) => value,
                            None => tri!(ops::attribute::load_miss(
                                vm,
                                frame,
                                ip.sub(1),
                                view(peek!(1))
                            )),
                        };
                        replace1!(value);
                    }
                    Quick::StoreAttr => {
                        save!();
                        tri!(ops::attribute::store(
                            vm,
                            frame,
                            ip.sub(1),
                            view(peek!(1)),
                            view(peek!(2))
                        ));
                        drop2!();
                    }
                    Quick::StoreAttrSlot => {
                        let word = *peek!(1);
                        let cache = &*caches.add(instr.cache as usize);
                        if word & POINTER_MASK == 0
                            && view(peek!(1)).header_unchecked().shape() == cache.shape
                            && shape::entry(cache.shape).version() == cache.version
                            && let Some(old) = instance::write_slot(
                                view(peek!(1)).header_unchecked(),
                                cache.shape,
                                cache.shape,
                                cache.word,
                                *peek!(2),
                            )
                        {
                            sp = sp.sub(2);
                            save!();
                            drop(old);
                            drop(Value::from_bits(word));
                        } else {
                            save!();
                            tri!(ops::attribute::store_miss(
                                vm,
                                frame,
                                ip.sub(1),
                                view(peek!(1)),
                                view(peek!(2))
                            ));
                            drop2!();
                        }
                    }
                    Quick::StoreAttrAdd | Quick::StoreAttrFixed => {
                        save!();
                        if ops::attribute::store_cached(
                            view(peek!(1)),
                            *peek!(2),
                            instr.op,
                            &*caches.add(instr.cache as usize),
                        ) {
                            sp = sp.sub(2);
                            drop_slot(sp.add(1));
                        } else {
                            tri!(ops::attribute::store_miss(
                                vm,
                                frame,
                                ip.sub(1),
                                view(peek!(1)),
                                view(peek!(2))
                            ));
                            drop2!();
                        }
                    }
                    Quick::DeleteAttr => op!(ops::attribute::delete),
                    Quick::LoadMethod => {
                        save!();
                        let pair = tri!(ops::attribute::load_method(
                            vm,
                            frame,
                            ip.sub(1),
                            view(peek!(1))
                        ));
                        ops::attribute::push_pair(sp, pair);
                        sp = sp.add(1);
                    }
                    Quick::LoadMethodType => {
                        let cache = &*caches.add(instr.cache as usize);
                        let owner = *peek!(1);
                        if view(peek!(1)).shape() == cache.shape
                            && shape::entry(cache.shape).version() == cache.version
                        {
                            *peek!(1) = view(&raw const cache.word).clone().into_bits();
                            *sp = owner;
                            sp = sp.add(1);
                        } else {
                            save!();
                            let pair = tri!(ops::attribute::load_method_miss(
                                vm,
                                frame,
                                ip.sub(1),
                                view(peek!(1))
                            ));
                            ops::attribute::push_pair(sp, pair);
                            sp = sp.add(1);
                        }
                    }
                    Quick::LoadMethodModule | Quick::LoadMethodClass => {
                        save!();
                        match ops::attribute::load_cached(
                            view(peek!(1)),
                            instr.op,
                            &*caches.add(instr.cache as usize),
                        ) {
                            Some(value) => {
                                ops::attribute::push_pair(sp, ops::attribute::Pair::Plain(value))
                            }
                            None => {
                                let pair = tri!(ops::attribute::load_method_miss(
                                    vm,
                                    frame,
                                    ip.sub(1),
                                    view(peek!(1))
                                ));
                                ops::attribute::push_pair(sp, pair);
                            }
                        }
                        sp = sp.add(1);
                    }
                    Quick::LoadSuperAttr if WATCHED => op!(monitor::load_super_attr),
                    Quick::LoadSuperAttr => op!(ops::attribute::load_super_attr),
                    Quick::LoadSuperMethod if WATCHED => op!(monitor::load_super_method),
                    Quick::LoadSuperMethod => op!(ops::attribute::load_super_method),

                    // ---- calls ----
                    Quick::CallFunction => {
                        save!();
                        let n = instr.arg as usize;
                        call!(
                            call::call_positional(vm, frame, sp, n, 1),
                            peek!(n + 1),
                            (n > 0).then(|| view(peek!(n))),
                            n
                        );
                    }
                    Quick::CallMethod => {
                        save!();
                        let n = instr.arg as usize;
                        let (callable, args) = if *peek!(n + 2) != 0 {
                            (n + 2, n + 1)
                        } else {
                            (n + 1, n)
                        };
                        call!(
                            call::call_method(vm, frame, sp, n),
                            peek!(callable),
                            (args > 0).then(|| view(peek!(args))),
                            n + 1
                        );
                    }
                    Quick::CallFunctionKw => {
                        save!();
                        let n = instr.arg as usize;
                        call!(
                            call::call_keywords(vm, frame, sp, n),
                            peek!(n + 2),
                            (n > 0).then(|| view(peek!(n + 1))),
                            n + 1
                        );
                    }
                    Quick::CallMethodKw => {
                        save!();
                        let n = instr.arg as usize;
                        let (callable, args) = if *peek!(n + 3) != 0 {
                            (n + 3, n + 1)
                        } else {
                            (n + 2, n)
                        };
                        call!(
                            call::call_method_keywords(vm, frame, sp, n),
                            peek!(callable),
                            (args > 0).then(|| view(peek!(args + 1))),
                            n + 2
                        );
                    }
                    Quick::CallFunctionEx => {
                        save!();
                        let taken = 1 + (instr.arg as usize & 1);
                        call!(
                            call::call_unpacked(vm, frame, sp, instr.arg),
                            peek!(taken + 1),
                            None,
                            taken
                        );
                    }
                    Quick::MakeFunction => op!(ops::build::function),
                    Quick::ReturnValue => {
                        sp = sp.sub(1);
                        save!();
                        leave!(Value::from_bits(*sp));
                    }

                    // ---- building ----
                    Quick::BuildTuple => op!(ops::build::tuple),
                    Quick::BuildList => op!(ops::build::list),
                    Quick::BuildSet => op!(ops::build::set),
                    Quick::BuildMap => op!(ops::build::map),
                    Quick::BuildConstKeyMap => op!(ops::build::const_key_map),
                    Quick::BuildString => op!(ops::build::string),
                    Quick::FormatValue => op!(ops::build::format_value),
                    Quick::BuildInterpolation => op!(ops::build::interpolation),
                    Quick::BuildTemplate => op!(ops::build::template),
                    Quick::ListAppend => {
                        let list = view(peek!(1 + instr.arg as usize)).cast_unchecked::<List>();
                        save!();
                        sp = sp.sub(1);
                        tri!(list.append(vm, Value::from_bits(*sp)));
                    }
                    Quick::SetAdd => op!(ops::build::set_add),
                    Quick::MapAdd => op!(ops::build::map_add),
                    Quick::ListExtend => op!(ops::build::list_extend),
                    Quick::SetUpdate => op!(ops::build::set_update),
                    Quick::DictMerge => op!(ops::build::dict_merge),
                    Quick::DictUpdate => op!(ops::build::dict_update),
                    Quick::ListToTuple => op!(ops::build::list_to_tuple),
                    Quick::UnpackSequence => op!(ops::container::unpack_sequence),
                    Quick::UnpackEx => op!(ops::container::unpack_ex),

                    // ---- jumps and iteration ----
                    Quick::JumpAbsolute => {
                        jump!(instr.arg);
                        if breaker!() {
                            (*frame).ip = ip.add(1);
                            tri!(poll(vm));
                            switch!();
                        }
                    }
                    Quick::PopJumpIfFalse | Quick::PopJumpIfTrue => {
                        let word = *peek!(1);
                        let value = view(peek!(1));
                        let truth = if value.is_true() {
                            sp = sp.sub(1);
                            true
                        } else if value.is_false() || value.is_none() {
                            sp = sp.sub(1);
                            false
                        } else {
                            save!();
                            let truth = tri!(vm.truth(value));
                            sp = sp.sub(1);
                            drop(Value::from_bits(word));
                            truth
                        };
                        if truth == (instr.op == Quick::PopJumpIfTrue) {
                            jump!(instr.arg);
                        }
                    }
                    Quick::PopJumpIfNone => {
                        sp = sp.sub(1);
                        let value = Value::from_bits(*sp);
                        if value.is_none() {
                            jump!(instr.arg);
                        } else {
                            save!();
                        }
                        drop(value);
                    }
                    Quick::PopJumpIfNotNone => {
                        sp = sp.sub(1);
                        let value = Value::from_bits(*sp);
                        save!();
                        if !value.is_none() {
                            jump!(instr.arg);
                        }
                        drop(value);
                    }
                    Quick::JumpIfFalseOrPop | Quick::JumpIfTrueOrPop => {
                        save!();
                        let truth = tri!(vm.truth(view(peek!(1))));
                        if truth == (instr.op == Quick::JumpIfTrueOrPop) {
                            jump!(instr.arg);
                        } else {
                            sp = sp.sub(1);
                            drop_slot(sp);
                        }
                    }
                    Quick::GetIter => {
                        save!();
                        let iterator = tri!(ops::container::get_iter(vm, view(peek!(1))));
                        replace1!(iterator);
                    }
                    Quick::ForIter | Quick::ForIterStoreFast => {
                        let iterator = view(peek!(1));
                        // Ranges and lists step without a call.
                        let quick = if iterator.shape()
                            == builtin_types::RANGE_ITERATOR.root_shape()
                        {
                            Some(
                                iterator
                                    .cast_unchecked::<RangeIterator>()
                                    .next()
                                    .map(Value::int),
                            )
                        } else if iterator.shape() == builtin_types::LIST_ITERATOR.root_shape() {
                            Some(iterator.cast_unchecked::<ListIterator>().next(vm))
                        } else {
                            None
                        };
                        save!();
                        if let Some(Some(value)) = quick {
                            store_item!(instr, value);
                            continue;
                        }
                        if !WATCHED && let Some(new) = crate::generator::resume_inline(vm, iterator)
                        {
                            (*frame).depth = sp.offset_from(Frame::stack(frame)) as u32;
                            frame = new;
                            load_frame!();
                            continue;
                        }
                        let next = if WATCHED {
                            tri!(monitor::for_iter(vm, frame, iterator))
                        } else {
                            tri!(ops::container::for_iter(vm, iterator))
                        };
                        match next {
                            Some(value) => {
                                store_item!(instr, value);
                            }
                            None => {
                                sp = sp.sub(1);
                                drop_slot(sp);
                                jump!(instr.arg);
                            }
                        }
                    }

                    // ---- exceptions ----
                    Quick::RaiseVarargs => {
                        save!();
                        // A bare `raise` goes on with the traceback as it is.
                        let again = instr.arg == 0 && vm.handled().is_some();
                        let (raised, taken) = ops::raise::raise(vm, sp, instr.arg);
                        sp = sp.sub(taken);
                        if !again {
                            break 'raise raised;
                        }
                        again!(raised, None);
                    }
                    Quick::Reraise => {
                        let exception = Value::from_bits(*peek!(1));
                        sp = sp.sub(1);
                        save!();
                        // The handler is found from here; the place the exception came from is only passed on.
                        let origin = (instr.arg > 0)
                            .then(|| view(peek!(instr.arg as usize)).small_int_unchecked() as u32);
                        let raised = vm.set_pending(exception);
                        again!(raised, origin);
                    }
                    Quick::PushExcInfo => {
                        let exception = view(peek!(1)).clone();
                        let previous = vm.swap_handled(Some(exception)).unwrap_or_else(Value::none);
                        let word = *peek!(1);
                        *peek!(1) = previous.into_bits();
                        *sp = word;
                        sp = sp.add(1);
                    }
                    Quick::PopExcept => {
                        sp = sp.sub(1);
                        let previous = Value::from_bits(*sp);
                        save!();
                        let old = vm.swap_handled(if previous.is_none() {
                            None
                        } else {
                            Some(previous)
                        });
                        drop(old);
                    }
                    Quick::CheckExcMatch => op!(ops::raise::check_match),
                    Quick::CheckEgMatch => op!(ops::raise::check_group_match),
                    Quick::PrepReraiseStar => op!(ops::raise::prep_reraise_star),
                    Quick::BeforeWith => op_call!(ops::raise::before_with),
                    Quick::BeforeAsyncWith => op_call!(ops::raise::before_async_with),
                    Quick::WithExceptStart => op_call!(ops::raise::with_except_start),

                    // ---- generators and coroutines ----
                    Quick::GenStart => {
                        sp = sp.sub(1);
                        drop_slot(sp);
                    }
                    Quick::YieldValue => {
                        sp = sp.sub(1);
                        let value = Value::from_bits(*sp);
                        save!();
                        watch_yield!(value);
                        (*frame).depth = sp.offset_from(Frame::stack(frame)) as u32;
                        hand_over!(value);
                    }
                    Quick::YieldFrom => {
                        save!();
                        if !WATCHED
                            && let Some(new) = crate::generator::resume_delegate(
                                vm,
                                view(peek!(2)),
                                view(peek!(1)),
                            )
                        {
                            (*frame).depth = sp.offset_from(Frame::stack(frame)) as u32;
                            frame = new;
                            load_frame!();
                            continue;
                        }
                        match tri!(crate::generator::send_to(
                            vm,
                            view(peek!(2)),
                            view(peek!(1))
                        )) {
                            Exit::Yield(value) => {
                                watch_yield!(value);
                                // Stay on this instruction; the value sent comes on top of the iterator.
                                sp = sp.sub(1);
                                drop_slot(sp);
                                (*frame).ip = ip.sub(1);
                                (*frame).depth = sp.offset_from(Frame::stack(frame)) as u32;
                                hand_over!(value);
                            }
                            Exit::Return(value) => {
                                if WATCHED {
                                    tri!(monitor::delegate_ended(
                                        vm,
                                        frame,
                                        view(peek!(2)),
                                        &value
                                    ));
                                }
                                replace2!(value);
                                after_call!();
                            }
                        }
                    }
                    Quick::GetYieldFromIter => op!(ops::coroutine::get_yield_from_iter),
                    Quick::GetAwaitable => op!(ops::coroutine::get_awaitable),
                    Quick::GetAiter => op!(ops::coroutine::get_aiter),
                    Quick::GetAnext => op!(ops::coroutine::get_anext),
                    Quick::EndAsyncFor => {
                        save!();
                        if view(peek!(1)).is_instance(&builtin_types::STOP_ASYNC_ITERATION) {
                            drop2!();
                        } else {
                            sp = sp.sub(1);
                            let raised = vm.set_pending(Value::from_bits(*sp));
                            again!(raised, None);
                        }
                    }

                    // ---- pattern matching ----
                    Quick::GetLen => op!(ops::matching::get_len),
                    Quick::MatchMapping => op!(ops::matching::mapping),
                    Quick::MatchSequence => op!(ops::matching::sequence),
                    Quick::MatchKeys => op!(ops::matching::keys),
                    Quick::CopyDictWithoutKeys => op!(ops::matching::copy_dict_without_keys),
                    Quick::MatchClass => op!(ops::matching::class),

                    // ---- the rest ----
                    Quick::ImportName => op_call!(ops::import::import_name),
                    Quick::ImportFrom => op!(ops::import::import_from),
                    Quick::ImportStar => op!(ops::import::import_star),
                    Quick::PrintExpr => op!(ops::import::print_expr),
                    Quick::SetupAnnotations => op!(ops::names::setup_annotations),
                    Quick::CallIntrinsic1 => op!(ops::intrinsics::call_1),
                    Quick::CallIntrinsic2 => op!(ops::intrinsics::call_2),

                    Quick::LoadFastLoadFastSubscr => {
                        let a = locals.add((instr.arg & 0xFFFF) as usize);
                        let b = locals.add((instr.arg >> 16) as usize);
                        if let Some(value) = list_item(vm, *a, *b) {
                            push!(value);
                        } else {
                            save!();
                            if *a == 0 || *b == 0 {
                                unbound!(if *a == 0 {
                                    instr.arg & 0xFFFF
                                } else {
                                    instr.arg >> 16
                                });
                            }
                            // Owned for the call: the operation may rebind the locals.
                            let (a, b) = (view(a).clone(), view(b).clone());
                            let value = tri!(ops::container::subscript(vm, &a, &b));
                            push!(value);
                        }
                    }
                    Quick::LoadFastSubscrTwice => {
                        let a = locals.add((instr.arg & 0x3FF) as usize);
                        let b = locals.add((instr.arg >> 10 & 0x3FF) as usize);
                        let c = locals.add((instr.arg >> 20) as usize);
                        if let Some(value) = list_item_twice(vm, *a, *b, *c) {
                            push!(value);
                        } else {
                            save!();
                            for (slot, shift) in [(a, 0), (b, 10), (c, 20)] {
                                if *slot == 0 {
                                    unbound!(instr.arg >> shift & 0x3FF);
                                }
                            }
                            let (a, b) = (view(a).clone(), view(b).clone());
                            let inner = tri!(ops::container::subscript(vm, &a, &b));
                            if *c == 0 {
                                break 'raise ops::names::unbound_local(vm, frame, instr.arg >> 20);
                            }
                            let c = view(c).clone();
                            let value = tri!(ops::container::subscript(vm, &inner, &c));
                            push!(value);
                        }
                    }
                    Quick::LoadFastSubscr => {
                        let b = locals.add(instr.arg as usize);
                        let a = *peek!(1);
                        if let Some(value) = list_item(vm, a, *b) {
                            *peek!(1) = value.into_bits();
                            save!();
                            drop(Value::from_bits(a));
                        } else {
                            save!();
                            if *b == 0 {
                                unbound!(instr.arg);
                            }
                            let b = view(b).clone();
                            let value = tri!(ops::container::subscript(vm, view(peek!(1)), &b));
                            replace1!(value);
                        }
                    }
                    Quick::DupTwoSubscr => {
                        if let Some(value) = list_item(vm, *peek!(2), *peek!(1)) {
                            push!(value);
                        } else {
                            save!();
                            let value = tri!(ops::container::subscript(
                                vm,
                                view(peek!(2)),
                                view(peek!(1))
                            ));
                            push!(value);
                        }
                    }
                    Quick::LoadFastAttr => {
                        save!();
                        let slot = locals.add((instr.arg >> 16) as usize);
                        if *slot == 0 {
                            break 'raise ops::names::unbound_local(vm, frame, instr.arg >> 16);
                        }
                        let owner = view(slot).clone();
                        let value = tri!(ops::attribute::load(vm, frame, ip.sub(1), &owner));
                        push!(value);
                    }
                    Quick::LoadFastAttrType => {
                        let slot = locals.add((instr.arg >> 16) as usize);
                        let cache = &*caches.add(instr.cache as usize);
                        if *slot != 0
                            && view(slot).shape() == cache.shape
                            && shape::entry(cache.shape).version() == cache.version
                        {
                            push!(view(&raw const cache.word).clone());
                        } else {
                            if *slot == 0 {
                                unbound!(instr.arg >> 16);
                            }
                            save!();
                            let owner = view(slot).clone();
                            let value =
                                tri!(ops::attribute::load_miss(vm, frame, ip.sub(1), &owner));
                            push!(value);
                        }
                    }
                    Quick::LoadFastAttrSlot => {
                        let slot = locals.add((instr.arg >> 16) as usize);
                        let word = *slot;
                        let cache = &*caches.add(instr.cache as usize);
                        if word & POINTER_MASK == 0
                            && word != 0
                            && view(slot).header_unchecked().shape() == cache.shape
                            && shape::entry(cache.shape).version() == cache.version
                            && let Some(found) = instance::read_slot(
                                view(slot).header_unchecked(),
                                cache.shape,
                                cache.word,
                            )
                        {
                            push!(found);
                        } else {
                            save!();
                            if word == 0 {
                                break 'raise ops::names::unbound_local(vm, frame, instr.arg >> 16);
                            }
                            let owner = view(slot).clone();
                            let value =
                                tri!(ops::attribute::load_miss(vm, frame, ip.sub(1), &owner));
                            push!(value);
                        }
                    }
                }
            };
            match unwind::find_handler(vm, &mut frame, sp, raised, entry, true, None) {
                Ok(index) => {
                    load_frame!();
                    if WATCHED {
                        place = monitor::Place::at(frame, index);
                    }
                }
                Err(raised) => return Err(raised),
            }
        }
    }
}
