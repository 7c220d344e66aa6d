//! What only Linux has: extended attributes, event and timer descriptors, files in memory, namespaces.

#[cfg(not(target_os = "linux"))]
pub(super) fn functions() -> &'static [taipan_core::MethodDef] {
    &[]
}

#[cfg(target_os = "linux")]
pub(super) use linux::functions;

#[cfg(target_os = "linux")]
mod linux {
    use super::super::files::time_spec;
    use super::super::{done, fail, flag, int_or, unsigned};
    use crate::path::{self, PathArgument, PathKind, c_int, errno, retry};
    use std::mem::MaybeUninit;
    use taipan_core::tuple_object::new_tuple;
    use taipan_core::{Bound, MethodDef, Py, Value, Vm, bound, f1};
    use taipan_types::buffer::bytes_like;
    use taipan_types::bytes::new_bytes;
    use taipan_types::exceptions::os_error::raise_errno;
    use taipan_types::list::new_list;

    static FUNCTIONS: [MethodDef; 16] = [
        bound(
            "getxattr($module, /, path, attribute, *, follow_symlinks=True)",
            getxattr,
            "The value of an extended attribute.",
        ),
        bound(
            "setxattr($module, /, path, attribute, value, flags=0, *,\n         follow_symlinks=True)",
            setxattr,
            "Set an extended attribute.",
        ),
        bound(
            "removexattr($module, /, path, attribute, *, follow_symlinks=True)",
            removexattr,
            "Remove an extended attribute.",
        ),
        bound(
            "listxattr($module, /, path=None, *, follow_symlinks=True)",
            listxattr,
            "The names of the extended attributes.",
        ),
        bound(
            "memfd_create($module, /, name, flags=MFD_CLOEXEC)",
            memfd_create,
            "A file that lies in memory only.",
        ),
        bound(
            "eventfd($module, /, initval, flags=EFD_CLOEXEC)",
            eventfd,
            "A descriptor that counts events.",
        ),
        bound(
            "eventfd_read($module, /, fd)",
            eventfd_read,
            "Take the count of an event descriptor.",
        ),
        bound(
            "eventfd_write($module, /, fd, value)",
            eventfd_write,
            "Add to the count of an event descriptor.",
        ),
        bound(
            "timerfd_create($module, clockid, /, *, flags=TFD_CLOEXEC)",
            timerfd_create,
            "A descriptor that tells when a timer ends.",
        ),
        bound(
            "timerfd_settime($module, fd, /, *, flags=0, initial=0.0, interval=0.0)",
            |vm, _, args| timerfd_set(vm, args, false),
            "Set a timer in seconds; give the former (next, interval).",
        ),
        bound(
            "timerfd_settime_ns($module, fd, /, *, flags=0, initial=0, interval=0)",
            |vm, _, args| timerfd_set(vm, args, true),
            "Set a timer in nanoseconds; give the former (next, interval).",
        ),
        f1(
            "timerfd_gettime($module, fd, /)",
            |vm, _, fd| timerfd_get(vm, fd, false),
            "A timer's (next, interval) in seconds.",
        ),
        f1(
            "timerfd_gettime_ns($module, fd, /)",
            |vm, _, fd| timerfd_get(vm, fd, true),
            "A timer's (next, interval) in nanoseconds.",
        ),
        bound(
            "pidfd_open($module, /, pid, flags=0)",
            pidfd_open,
            "A descriptor of a process.",
        ),
        bound(
            "setns($module, /, fd, nstype=0)",
            setns,
            "Move this thread into a namespace.",
        ),
        bound(
            "unshare($module, /, flags)",
            unshare,
            "Give this process resources of its own that it shared with its parent.",
        ),
    ];

    pub(in super::super) fn functions() -> &'static [MethodDef] {
        &FUNCTIONS
    }

    fn refuse(vm: &mut Vm, function: &str, path: &PathArgument, follow: bool) -> Py<()> {
        if path.descriptor.is_some() && !follow {
            return Err(vm.value_error(format!(
                "{function}: cannot use fd and follow_symlinks together"
            )));
        }
        Ok(())
    }

    fn getxattr(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
        let path = path::parse(vm, args.get(0), PathKind::or_descriptor("getxattr"))?;
        let attribute = path::parse(
            vm,
            args.get(1),
            PathKind::plain("getxattr").named("attribute"),
        )?;
        let follow = flag(vm, args, 2, true)?;
        refuse(vm, "getxattr", &path, follow)?;
        let mut room = vec![0u8; 128];
        loop {
            let target = room.as_mut_ptr().cast();
            // SAFETY: C strings and a buffer with its length.
            let len = unsafe {
                match path.descriptor {
                    Some(fd) => libc::fgetxattr(fd, attribute.as_ptr(), target, room.len()),
                    None if follow => {
                        libc::getxattr(path.as_ptr(), attribute.as_ptr(), target, room.len())
                    }
                    None => libc::lgetxattr(path.as_ptr(), attribute.as_ptr(), target, room.len()),
                }
            };
            match usize::try_from(len) {
                Ok(len) => return new_bytes(vm, &room[..len]),
                Err(_) if errno() == libc::ERANGE && room.len() < 65536 => room.resize(65536, 0),
                Err(_) => return Err(path.fail(vm)),
            }
        }
    }

    fn setxattr(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
        let path = path::parse(vm, args.get(0), PathKind::or_descriptor("setxattr"))?;
        let attribute = path::parse(
            vm,
            args.get(1),
            PathKind::plain("setxattr").named("attribute"),
        )?;
        let data = bytes_like(vm, args.req(2))?;
        let flags = int_or(vm, args.get(3), 0)?;
        let follow = flag(vm, args, 4, true)?;
        refuse(vm, "setxattr", &path, follow)?;
        let source = data.as_ptr().cast();
        // SAFETY: C strings and a buffer with its length.
        let result = unsafe {
            match path.descriptor {
                Some(fd) => libc::fsetxattr(fd, attribute.as_ptr(), source, data.len(), flags),
                None if follow => {
                    libc::setxattr(path.as_ptr(), attribute.as_ptr(), source, data.len(), flags)
                }
                None => {
                    libc::lsetxattr(path.as_ptr(), attribute.as_ptr(), source, data.len(), flags)
                }
            }
        };
        if result < 0 {
            Err(path.fail(vm))
        } else {
            Ok(Value::none())
        }
    }

    fn removexattr(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
        let path = path::parse(vm, args.get(0), PathKind::or_descriptor("removexattr"))?;
        let attribute = path::parse(
            vm,
            args.get(1),
            PathKind::plain("removexattr").named("attribute"),
        )?;
        let follow = flag(vm, args, 2, true)?;
        refuse(vm, "removexattr", &path, follow)?;
        // SAFETY: C strings.
        let result = unsafe {
            match path.descriptor {
                Some(fd) => libc::fremovexattr(fd, attribute.as_ptr()),
                None if follow => libc::removexattr(path.as_ptr(), attribute.as_ptr()),
                None => libc::lremovexattr(path.as_ptr(), attribute.as_ptr()),
            }
        };
        if result < 0 {
            Err(path.fail(vm))
        } else {
            Ok(Value::none())
        }
    }

    fn listxattr(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
        let path = path::parse(
            vm,
            args.get(0),
            PathKind::or_descriptor("listxattr").or_none(),
        )?;
        let follow = flag(vm, args, 1, true)?;
        refuse(vm, "listxattr", &path, follow)?;
        let mut room = vec![0u8; 256];
        let len = loop {
            let target = room.as_mut_ptr().cast();
            // SAFETY: C strings and a buffer with its length.
            let len = unsafe {
                match path.descriptor {
                    Some(fd) => libc::flistxattr(fd, target, room.len()),
                    None if follow => libc::listxattr(path.as_ptr(), target, room.len()),
                    None => libc::llistxattr(path.as_ptr(), target, room.len()),
                }
            };
            match usize::try_from(len) {
                Ok(len) => break len,
                Err(_) if errno() == libc::ERANGE && room.len() < 65536 => room.resize(65536, 0),
                Err(_) => return Err(path.fail(vm)),
            }
        };
        let mut names = Vec::new();
        for name in room[..len]
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
        {
            names.push(path::decode(vm, name)?);
        }
        Ok(new_list(names))
    }

    fn memfd_create(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
        let name = path::fs_string(vm, args.req(0))?;
        let flags = int_or(vm, args.get(1), libc::MFD_CLOEXEC as i32)?;
        // SAFETY: a C string.
        let fd = unsafe { libc::memfd_create(name.as_ptr(), flags as libc::c_uint) };
        if fd < 0 {
            Err(fail(vm))
        } else {
            Ok(Value::from_i32(fd))
        }
    }

    fn eventfd(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
        let initial = vm.index_i64(args.req(0))?;
        let flags = int_or(vm, args.get(1), libc::EFD_CLOEXEC)?;
        // SAFETY: a plain call.
        let fd = unsafe { libc::eventfd(initial as libc::c_uint, flags) };
        if fd < 0 {
            Err(fail(vm))
        } else {
            Ok(Value::from_i32(fd))
        }
    }

    fn eventfd_read(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
        let fd = path::fileno(vm, args.req(0))?;
        let mut count = 0;
        // SAFETY: room for the result.
        let result = unsafe { libc::eventfd_read(fd, &mut count) };
        if result < 0 {
            Err(fail(vm))
        } else {
            Ok(unsigned(count))
        }
    }

    fn eventfd_write(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
        let fd = path::fileno(vm, args.req(0))?;
        let index = vm.index(args.req(1))?;
        let Some(Ok(count)) = index.as_big().map(u64::try_from) else {
            return Err(vm.overflow_error("Python int too large to convert to C unsigned long"));
        };
        // SAFETY: a plain call.
        let result = unsafe { libc::eventfd_write(fd, count) };
        done(vm, result)
    }

    fn timerfd_create(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
        let clock = c_int(vm, args.req(0))?;
        let flags = int_or(vm, args.get(1), libc::TFD_CLOEXEC)?;
        // SAFETY: a plain call.
        let fd = unsafe { libc::timerfd_create(clock, flags | libc::TFD_CLOEXEC) };
        if fd < 0 {
            Err(fail(vm))
        } else {
            Ok(Value::from_i32(fd))
        }
    }

    fn pause(vm: &mut Vm, value: Option<&Value>, nanos: bool) -> Py<libc::timespec> {
        let Some(value) = value else {
            return Ok(libc::timespec {
                tv_sec: 0,
                tv_nsec: 0,
            });
        };
        if nanos {
            let all = vm.index_i64(value)?;
            return Ok(libc::timespec {
                tv_sec: all.div_euclid(1_000_000_000),
                tv_nsec: all.rem_euclid(1_000_000_000),
            });
        }
        time_spec(vm, value)
    }

    fn timer_value(setting: &libc::itimerspec, nanos: bool) -> Value {
        let one = |time: &libc::timespec| {
            if nanos {
                Value::int(
                    time.tv_sec
                        .saturating_mul(1_000_000_000)
                        .saturating_add(time.tv_nsec),
                )
            } else {
                Value::float(time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9)
            }
        };
        new_tuple([one(&setting.it_value), one(&setting.it_interval)])
    }

    fn timerfd_set(vm: &mut Vm, args: &Bound, nanos: bool) -> Py {
        let fd = path::fileno(vm, args.req(0))?;
        let flags = int_or(vm, args.get(1), 0)?;
        let setting = libc::itimerspec {
            it_value: pause(vm, args.get(2), nanos)?,
            it_interval: pause(vm, args.get(3), nanos)?,
        };
        let mut former = MaybeUninit::<libc::itimerspec>::zeroed();
        // SAFETY: structures that are ours.
        if unsafe { libc::timerfd_settime(fd, flags, &setting, former.as_mut_ptr()) } < 0 {
            return Err(fail(vm));
        }
        // SAFETY: filled by the call.
        Ok(timer_value(unsafe { former.assume_init_ref() }, nanos))
    }

    fn timerfd_get(vm: &mut Vm, fd: &Value, nanos: bool) -> Py {
        let fd = path::fileno(vm, fd)?;
        let mut setting = MaybeUninit::<libc::itimerspec>::zeroed();
        // SAFETY: room for the result.
        if unsafe { libc::timerfd_gettime(fd, setting.as_mut_ptr()) } < 0 {
            return Err(fail(vm));
        }
        // SAFETY: filled by the call.
        Ok(timer_value(unsafe { setting.assume_init_ref() }, nanos))
    }

    fn pidfd_open(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
        let pid = c_int(vm, args.req(0))?;
        let flags = int_or(vm, args.get(1), 0)?;
        // SAFETY: a plain call.
        let fd = retry(vm, || unsafe {
            libc::syscall(libc::SYS_pidfd_open, pid, flags)
        })?;
        Ok(Value::int(fd))
    }

    fn setns(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
        let fd = path::fileno(vm, args.req(0))?;
        let kind = int_or(vm, args.get(1), 0)?;
        // SAFETY: a plain call.
        let result = unsafe { libc::setns(fd, kind) };
        done(vm, result)
    }

    fn unshare(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
        let flags = c_int(vm, args.req(0))?;
        // SAFETY: a plain call.
        if unsafe { libc::unshare(flags) } < 0 {
            let error = errno();
            return Err(raise_errno(vm, error, None));
        }
        Ok(Value::none())
    }
}
