//! Limits and measures: recursion, digits, sizes, reference counts.

use crate::config::{self, Flags};
use std::sync::atomic::Ordering::Relaxed;
use taipan_core::builtin_types as types;
use taipan_core::latch::LatchCell;
use taipan_core::refcount;
use taipan_core::{Bound, Py, Value, Vm, name};
use taipan_types::int::IntLimits;

/// Settings that have no effect but are remembered.
struct Settings {
    dlopen_flags: LatchCell<i64>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            dlopen_flags: LatchCell::new(libc::RTLD_NOW.into()),
        }
    }
}

fn settings(vm: &Vm) -> &'static Settings {
    vm.interpreter_state::<Settings>()
}

/// The digit limit that the command line asks for.
pub(super) fn digits_of(flags: &Flags) -> i64 {
    match flags.int_max_str_digits {
        -1 => IntLimits::DEFAULT as i64,
        digits => digits.into(),
    }
}

/// Applies the limits of the command line.
pub(super) fn apply(vm: &mut Vm) {
    let digits = config::read(vm, |config| digits_of(&config.flags));
    vm.interpreter_state::<IntLimits>()
        .max_str_digits
        .store(digits as usize, Relaxed);
}

pub(super) fn get_int_max_str_digits(vm: &mut Vm, _module: &Value) -> Py {
    let digits = vm
        .interpreter_state::<IntLimits>()
        .max_str_digits
        .load(Relaxed);
    Ok(Value::int(digits as i64))
}

pub(super) fn set_int_max_str_digits(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let digits = vm.index_i64(args.req(0))?;
    if digits != 0 && digits < IntLimits::LEAST as i64 {
        let message = format!(
            "maxdigits must be >= {} or 0 for unlimited",
            IntLimits::LEAST
        );
        return Err(vm.value_error(message));
    }
    vm.interpreter_state::<IntLimits>()
        .max_str_digits
        .store(digits as usize, Relaxed);
    Ok(Value::none())
}

pub(super) fn getrecursionlimit(vm: &mut Vm, _module: &Value) -> Py {
    Ok(Value::int(
        vm.interpreter().recursion_limit.load(Relaxed).into(),
    ))
}

pub(super) fn setrecursionlimit(vm: &mut Vm, _module: &Value, limit: &Value) -> Py {
    let limit = vm.index_i64(limit)?;
    let Ok(small) = i32::try_from(limit) else {
        return Err(vm.overflow_error(if limit > 0 {
            "signed integer is greater than maximum"
        } else {
            "signed integer is less than minimum"
        }));
    };
    if small < 1 {
        return Err(vm.value_error("recursion limit must be greater or equal than 1"));
    }
    let depth = vm.thread().depth.get();
    if depth >= small as u32 {
        let message = format!(
            "cannot set the recursion limit to {small} at the recursion depth {depth}: the limit is too low"
        );
        return Err(vm.raise(&types::RECURSION_ERROR, message));
    }
    vm.interpreter()
        .recursion_limit
        .store(small as u32, Relaxed);
    Ok(Value::none())
}

/// What `sys.getrefcount` says of objects that are not counted.
const IMMORTAL_COUNT: i64 = 3 << 30;

/// The reference that the argument itself holds is one of those counted.
pub(super) fn getrefcount(_vm: &mut Vm, _module: &Value, object: &Value) -> Py {
    let count = match object.header() {
        Some(header) if !header.is_immortal() => refcount::count(header) as i64,
        _ => IMMORTAL_COUNT,
    };
    Ok(Value::int(count))
}

pub(super) fn is_immortal(_vm: &mut Vm, _module: &Value, object: &Value) -> Py {
    Ok(Value::bool(
        object.header().is_none_or(|header| header.is_immortal()),
    ))
}

pub(super) fn getsizeof(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let object = args.req(0);
    let size = match vm.call_special(object, name!("__sizeof__"), &[]) {
        Ok(Some(size)) => vm.index_i64(&size),
        Ok(None) => {
            let message = format!("Type {} doesn't define __sizeof__", object.type_of().name());
            Err(vm.type_error(message))
        }
        Err(raised) => Err(raised),
    };
    match (size, args.get(1)) {
        (Ok(size), _) if size < 0 => Err(vm.value_error("__sizeof__() should return >= 0")),
        (Ok(size), _) => Ok(Value::int(size)),
        (Err(raised), Some(default)) => {
            vm.catch(raised, &types::TYPE_ERROR)?;
            Ok(default.clone())
        }
        (Err(raised), None) => Err(raised),
    }
}

pub(super) fn getswitchinterval(vm: &mut Vm, _module: &Value) -> Py {
    Ok(Value::float(vm.interpreter().switch_interval()))
}

pub(super) fn setswitchinterval(vm: &mut Vm, _module: &Value, interval: &Value) -> Py {
    let interval = vm.to_f64(interval)?;
    if interval <= 0.0 {
        return Err(vm.value_error("switch interval must be strictly positive"));
    }
    vm.interpreter().set_switch_interval(interval);
    Ok(Value::none())
}

pub(super) fn getdlopenflags(vm: &mut Vm, _module: &Value) -> Py {
    Ok(Value::int(settings(vm).dlopen_flags.get()))
}

pub(super) fn setdlopenflags(vm: &mut Vm, _module: &Value, flags: &Value) -> Py {
    let flags = vm.index_i64(flags)?;
    settings(vm).dlopen_flags.set(flags);
    Ok(Value::none())
}

/// -1: `os.cpu_count()` shall ask the system.
pub(super) fn cpu_count_config(vm: &mut Vm, _module: &Value) -> Py {
    let count = config::read(vm, |config| config.cpu_count);
    Ok(Value::from_i32(if count > 0 { count } else { -1 }))
}
