//! The scheduler.

#[cfg(target_os = "linux")]
pub(super) use linux::{define, functions, parameters};

#[cfg(not(target_os = "linux"))]
pub(super) fn functions() -> &'static [taipan_core::MethodDef] {
    &[]
}

#[cfg(not(target_os = "linux"))]
pub(super) fn define(_dict: &taipan_core::Value) {}

#[cfg(target_os = "linux")]
mod linux {
    use super::super::{done, fail};
    use crate::path::c_int;
    use crate::structseq::{self, Fields};
    use crate::support::add_type;
    use std::mem::MaybeUninit;
    use taipan_core::tuple_object::items;
    use taipan_core::{
        Bound, MethodDef, Py, Type, TypeObject, Value, Vm, bound, f0, f1, f2, slice,
    };

    static SCHED_PARAM: TypeObject = Type::declare("posix.sched_param");

    static PARAM: Fields = Fields {
        name: "posix.sched_param",
        doc: "The parameters of a scheduling policy; there is one, sched_priority.",
        fields: &[("sched_priority", "the scheduling priority")],
        visible: 1,
        instantiable: true,
    };

    static FUNCTIONS: [MethodDef; 10] = [
        bound(
            "sched_get_priority_max($module, /, policy)",
            |vm, _, args| limit(vm, args, libc::sched_get_priority_max),
            "The greatest priority of a policy.",
        ),
        bound(
            "sched_get_priority_min($module, /, policy)",
            |vm, _, args| limit(vm, args, libc::sched_get_priority_min),
            "The least priority of a policy.",
        ),
        f1(
            "sched_getscheduler($module, pid, /)",
            getscheduler,
            "The policy of a process; 0 is this one.",
        ),
        slice(
            "sched_setscheduler($module, pid, policy, param, /)",
            setscheduler,
            "Set the policy of a process.",
        ),
        f1(
            "sched_getparam($module, pid, /)",
            getparam,
            "The parameters of a process's policy.",
        ),
        f2(
            "sched_setparam($module, pid, param, /)",
            setparam,
            "Set the parameters of a process's policy.",
        ),
        f1(
            "sched_rr_get_interval($module, pid, /)",
            interval,
            "The time slice of round-robin scheduling in seconds.",
        ),
        f0(
            "sched_yield($module, /)",
            |vm, _| {
                // SAFETY: a plain call.
                let result = unsafe { libc::sched_yield() };
                done(vm, result)
            },
            "Let other threads run.",
        ),
        f1(
            "sched_getaffinity($module, pid, /)",
            getaffinity,
            "The set of processors that a process may run on.",
        ),
        f2(
            "sched_setaffinity($module, pid, mask, /)",
            setaffinity,
            "Set the processors that a process may run on.",
        ),
    ];

    pub(in super::super) fn functions() -> &'static [MethodDef] {
        &FUNCTIONS
    }

    pub(in super::super) fn define(dict: &Value) {
        structseq::define(&SCHED_PARAM, &PARAM);
        add_type(dict, &SCHED_PARAM);
    }

    fn limit(vm: &mut Vm, args: &Bound, call: unsafe extern "C" fn(i32) -> i32) -> Py {
        let policy = c_int(vm, args.req(0))?;
        // SAFETY: a plain query.
        let result = unsafe { call(policy) };
        if result < 0 {
            Err(fail(vm))
        } else {
            Ok(Value::from_i32(result))
        }
    }

    fn getscheduler(vm: &mut Vm, _module: &Value, pid: &Value) -> Py {
        let pid = c_int(vm, pid)?;
        // SAFETY: a plain query.
        let result = unsafe { libc::sched_getscheduler(pid) };
        if result < 0 {
            Err(fail(vm))
        } else {
            Ok(Value::from_i32(result))
        }
    }

    /// The system's form of a `sched_param`.
    pub(in super::super) fn parameters(vm: &mut Vm, value: &Value) -> Py<libc::sched_param> {
        if !value.is_instance(&SCHED_PARAM) {
            return Err(vm.type_error("must have a sched_param object"));
        }
        let priority = items(value)
            .and_then(|row| row.first())
            .cloned()
            .unwrap_or_else(Value::none);
        Ok(libc::sched_param {
            sched_priority: c_int(vm, &priority)?,
        })
    }

    fn setscheduler(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
        let (pid, policy) = (c_int(vm, &args[0])?, c_int(vm, &args[1])?);
        let parameters = parameters(vm, &args[2])?;
        // SAFETY: the structure is ours.
        let result = unsafe { libc::sched_setscheduler(pid, policy, &parameters) };
        done(vm, result)
    }

    fn getparam(vm: &mut Vm, _module: &Value, pid: &Value) -> Py {
        let pid = c_int(vm, pid)?;
        let mut parameters = MaybeUninit::<libc::sched_param>::zeroed();
        // SAFETY: room for the result.
        if unsafe { libc::sched_getparam(pid, parameters.as_mut_ptr()) } < 0 {
            return Err(fail(vm));
        }
        // SAFETY: filled by the call.
        let priority = unsafe { parameters.assume_init() }.sched_priority;
        Ok(structseq::create(
            &SCHED_PARAM,
            1,
            vec![Value::from_i32(priority)],
        ))
    }

    fn setparam(vm: &mut Vm, _module: &Value, pid: &Value, param: &Value) -> Py {
        let pid = c_int(vm, pid)?;
        let parameters = parameters(vm, param)?;
        // SAFETY: the structure is ours.
        let result = unsafe { libc::sched_setparam(pid, &parameters) };
        done(vm, result)
    }

    fn interval(vm: &mut Vm, _module: &Value, pid: &Value) -> Py {
        let pid = c_int(vm, pid)?;
        let mut slice = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: room for the result.
        if unsafe { libc::sched_rr_get_interval(pid, &mut slice) } < 0 {
            return Err(fail(vm));
        }
        Ok(Value::float(
            slice.tv_sec as f64 + 1e-9 * slice.tv_nsec as f64,
        ))
    }

    const WORD: usize = 64;

    fn getaffinity(vm: &mut Vm, _module: &Value, pid: &Value) -> Py {
        let pid = c_int(vm, pid)?;
        let mut mask = vec![0u64; 16];
        loop {
            // SAFETY: a buffer with its length in bytes.
            let result =
                unsafe { libc::sched_getaffinity(pid, mask.len() * 8, mask.as_mut_ptr().cast()) };
            if result >= 0 {
                break;
            }
            if crate::path::errno() != libc::EINVAL || mask.len() > 1 << 14 {
                return Err(fail(vm));
            }
            mask.resize(mask.len() * 2, 0);
        }
        let processors =
            (0..mask.len() * WORD).filter(|at| mask[at / WORD] >> (at % WORD) & 1 == 1);
        let processors =
            taipan_types::list::new_list(processors.map(|at| Value::int(at as i64)).collect());
        vm.call(&taipan_core::builtin_types::SET.to_value(), &[processors])
    }

    fn setaffinity(vm: &mut Vm, _module: &Value, pid: &Value, mask: &Value) -> Py {
        let pid = c_int(vm, pid)?;
        let mut bits: Vec<u64> = vec![0; 16];
        for processor in vm.to_vec(mask)? {
            if !processor.is_int() {
                let message = format!(
                    "expected an iterator of ints, but iterator yielded {}",
                    vm.repr_string(&processor.type_of().to_value())?
                );
                return Err(vm.type_error(message));
            }
            let at = match processor.as_i64() {
                Some(at) if at < 0 => return Err(vm.value_error("negative CPU number")),
                Some(at) if at < 1 << 20 => at as usize,
                _ => return Err(vm.overflow_error("CPU number too large")),
            };
            if at / WORD >= bits.len() {
                bits.resize(at / WORD + 1, 0);
            }
            bits[at / WORD] |= 1 << (at % WORD);
        }
        // SAFETY: a buffer with its length in bytes.
        let result = unsafe { libc::sched_setaffinity(pid, bits.len() * 8, bits.as_ptr().cast()) };
        done(vm, result)
    }
}
