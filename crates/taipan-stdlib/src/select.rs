//! `select`: waiting for descriptors, with `select`, `poll` and `epoll`.

use crate::ModuleDef;
use crate::path::{c_int, check, errno, fileno};
use crate::support::{Holds, add, add_type, native_type, signature, unsigned_argument};
use std::time::{Duration, Instant};
use taipan_core::alloc::{new_instance, new_object};
use taipan_core::lock::Locked;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, Bound, GetSetDef, Layout, MethodDef, Py, Raised, Slots, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, bound, builtin_types, f0, f1, getter, slice,
};
use taipan_types::exceptions::os_error::raise_errno;
use taipan_types::list::{list_of, new_list};

static FUNCTIONS: [MethodDef; 2] = [
    slice(
        "select($module, rlist, wlist, xlist, timeout=None, /)",
        select,
        "Wait until descriptors are ready; give lists of those that can be read, that can be written, that have a condition.\n\n\
         Descriptors are ints or objects with fileno(). timeout is in seconds; without it the wait has no end.",
    ),
    f0(
        "poll($module, /)",
        |_, _| {
            Ok(new_object(Poll {
                state: Locked::new(PollState {
                    entries: Entries(Vec::new()),
                    busy: false,
                }),
            }))
        },
        "An object that waits for registered descriptors.",
    ),
];

/// The module `select`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "select",
    doc: "Waiting for descriptors to become ready.",
    functions: &FUNCTIONS,
    init,
};

macro_rules! numbers {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name as i64)),*] };
}

static NUMBERS: &[(&str, i64)] = numbers! {
    PIPE_BUF POLLERR POLLHUP POLLIN POLLNVAL POLLOUT POLLPRI POLLRDBAND POLLRDNORM POLLWRBAND POLLWRNORM
};

#[cfg(target_os = "linux")]
static MORE: &[(&str, i64)] = numbers! {
    EPOLLERR EPOLLEXCLUSIVE EPOLLHUP EPOLLIN EPOLLMSG EPOLLONESHOT EPOLLOUT EPOLLPRI EPOLLRDBAND EPOLLRDHUP EPOLLRDNORM
    EPOLLWAKEUP EPOLLWRBAND EPOLLWRNORM EPOLL_CLOEXEC POLLRDHUP
};

#[cfg(not(target_os = "linux"))]
static MORE: &[(&str, i64)] = &[];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    POLL.define(&POLL_SPEC);
    for (text, number) in NUMBERS.iter().chain(MORE) {
        add(dict, text, Value::int(*number));
    }
    add(dict, "error", builtin_types::OS_ERROR.to_value());
    #[cfg(target_os = "linux")]
    {
        EPOLL.define(&EPOLL_SPEC);
        add_type(dict, &EPOLL);
        add(dict, "POLLMSG", Value::from_i32(0x400));
        add(dict, "EPOLLET", Value::int(1 << 31));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = add_type;
    Ok(())
}

/// How long to wait, and until when.
struct Wait {
    /// `None`: for ever.
    deadline: Option<Instant>,
    /// Only a look, which no clock is needed for.
    none: bool,
}

impl Wait {
    fn new(wait: Option<Duration>) -> Wait {
        let none = wait.is_some_and(|wait| wait.is_zero());
        let deadline = match wait {
            Some(wait) if !none => Instant::now().checked_add(wait),
            _ => None,
        };
        Wait { deadline, none }
    }

    fn left(&self) -> Option<Duration> {
        if self.none {
            return Some(Duration::ZERO);
        }
        self.deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Milliseconds rounded up; -1 waits for ever.
    fn millis(&self) -> i32 {
        match self.left() {
            None => -1,
            Some(left) => left.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128) as i32,
        }
    }
}

/// What a timeout is counted in, and what it may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// `select`: negative ones are refused.
    Seconds,
    /// `epoll`: negative ones are "for ever".
    WaitSeconds,
    /// `poll`: negative ones are "for ever".
    WaitMillis,
}

/// A timeout argument as a span of time; `None` is "for ever".
fn timeout(vm: &mut Vm, value: Option<&Value>, unit: Unit) -> Py<Option<Duration>> {
    let Some(value) = value.filter(|value| !value.is_none()) else {
        return Ok(None);
    };
    if !value.is_float() && !value.is_int() && value.type_of().slots().index.is_none() {
        return Err(vm.type_error(if unit == Unit::Seconds {
            "timeout must be a float or None"
        } else {
            "timeout must be an integer or None"
        }));
    }
    let away = |x: f64| x.signum() * x.abs().ceil();
    let nanos = if unit == Unit::WaitMillis {
        crate::time::scaled(vm, value, 1_000_000, away)?
    } else {
        crate::time::nanoseconds(vm, value, away)?
    };
    match (u64::try_from(nanos), unit) {
        (Ok(nanos), Unit::Seconds) => Ok(Some(Duration::from_nanos(nanos))),
        (Ok(nanos), _) if nanos.div_ceil(1_000_000) > i32::MAX as u64 => {
            Err(vm.overflow_error("timeout is too large"))
        }
        (Ok(nanos), _) => Ok(Some(Duration::from_nanos(nanos))),
        (Err(_), Unit::Seconds) => Err(vm.value_error("timeout must be non-negative")),
        (Err(_), _) => Ok(None),
    }
}

// ---- select ----

/// Descriptors and the objects they came from.
struct Row {
    objects: Vec<Value>,
    fds: Vec<i32>,
}

impl Row {
    fn new(vm: &mut Vm, iterable: &Value) -> Py<Row> {
        let mut row = Row {
            objects: Vec::new(),
            fds: Vec::new(),
        };
        // A list may change while its members are asked for their descriptors.
        if let Some(list) = list_of(iterable) {
            let mut at = 0;
            while let Some(object) = { list.lock(vm).get(at) } {
                row.push(vm, object)?;
                at += 1;
            }
            return Ok(row);
        }
        let objects = match vm.to_vec(iterable) {
            Ok(objects) => objects,
            Err(raised) => {
                vm.catch(raised, &builtin_types::TYPE_ERROR)?;
                return Err(vm.type_error("arguments 1-3 must be sequences"));
            }
        };
        for object in objects {
            row.push(vm, object)?;
        }
        Ok(row)
    }

    fn push(&mut self, vm: &mut Vm, object: Value) -> Py<()> {
        let fd = fileno(vm, &object)?;
        if fd as usize >= libc::FD_SETSIZE {
            return Err(vm.value_error("filedescriptor out of range in select()"));
        }
        self.objects.push(object);
        self.fds.push(fd);
        Ok(())
    }

    fn set(&self) -> libc::fd_set {
        // SAFETY: a set is plain bits; descriptors are below its size.
        unsafe {
            let mut set: libc::fd_set = std::mem::zeroed();
            self.fds.iter().for_each(|fd| libc::FD_SET(*fd, &mut set));
            set
        }
    }

    fn ready(&self, set: &libc::fd_set) -> Value {
        let ready = self.objects.iter().zip(&self.fds);
        // SAFETY: descriptors are below the set's size.
        let ready = ready.filter(|(_, fd)| unsafe { libc::FD_ISSET(**fd, set) });
        new_list(ready.map(|(object, _)| object.clone()).collect())
    }
}

fn select(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let wait = Wait::new(timeout(vm, args.get(3), Unit::Seconds)?);
    let rows = [
        Row::new(vm, &args[0])?,
        Row::new(vm, &args[1])?,
        Row::new(vm, &args[2])?,
    ];
    let most = rows
        .iter()
        .flat_map(|row| &row.fds)
        .max()
        .map_or(0, |fd| fd + 1);
    loop {
        let mut sets = rows.each_ref().map(Row::set);
        let mut left = wait.left().map(|left| libc::timeval {
            tv_sec: left.as_secs() as libc::time_t,
            tv_usec: left.subsec_micros().into(),
        });
        let left = left
            .as_mut()
            .map_or(std::ptr::null_mut(), std::ptr::from_mut);
        let [read, write, other] = &mut sets;
        // SAFETY: sets and a time that are ours.
        let count = vm.detached(|| unsafe { libc::select(most, read, write, other, left) });
        if count == 0 {
            return Ok(new_tuple([(); 3].map(|()| new_list(Vec::new()))));
        }
        if count > 0 {
            let [read, write, other] = &rows;
            return Ok(new_tuple([
                read.ready(&sets[0]),
                write.ready(&sets[1]),
                other.ready(&sets[2]),
            ]));
        }
        match errno() {
            libc::EINTR => vm.safepoint()?,
            error => return Err(raise_errno(vm, error, None)),
        }
    }
}

// ---- poll ----

/// Registered descriptors with their events, in order of registration.
pub struct Entries(Vec<(i32, i16)>);

impl Holds for Entries {}

native_type! {
    /// A set of descriptors to wait for.
    POLL "select.poll"
    Poll {}
    PollState { entries: Entries, busy: bool }
}

static POLL_LAYOUT: Layout = Layout::of::<Poll>();

static POLL_METHODS: [MethodDef; 4] = [
    slice(
        "register($self, fd, eventmask=select.POLLIN | select.POLLPRI | select.POLLOUT, /)",
        poll_register,
        "Register a descriptor.",
    ),
    slice(
        "modify($self, fd, eventmask, /)",
        poll_modify,
        "Change what is waited for of a registered descriptor.",
    ),
    f1(
        "unregister($self, fd, /)",
        poll_unregister,
        "Remove a descriptor.",
    ),
    slice(
        "poll($self, timeout=None, /)",
        poll_poll,
        "Wait at most timeout milliseconds; give a list of (fd, events).",
    ),
];

static POLL_SPEC: TypeSpec = TypeSpec {
    name: "select.poll",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&POLL_LAYOUT),
    methods: &POLL_METHODS,
    ..TypeSpec::DEFAULT
};

fn events(vm: &mut Vm, value: Option<&Value>) -> Py<i16> {
    let Some(value) = value else {
        return Ok(libc::POLLIN | libc::POLLPRI | libc::POLLOUT);
    };
    Ok(unsigned_argument(vm, value, 16, "unsigned short")? as u16 as i16)
}

fn poll_register(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let fd = fileno(vm, &args[0])?;
    let wanted = events(vm, args.get(1))?;
    let mut state = this.expect::<Poll>().lock(vm);
    match state.entries.0.iter_mut().find(|(own, _)| *own == fd) {
        Some(entry) => entry.1 = wanted,
        None => state.entries.0.push((fd, wanted)),
    }
    Ok(Value::none())
}

fn poll_modify(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let fd = fileno(vm, &args[0])?;
    let wanted = events(vm, args.get(1))?;
    let found = {
        let mut state = this.expect::<Poll>().lock(vm);
        match state.entries.0.iter_mut().find(|(own, _)| *own == fd) {
            Some(entry) => {
                entry.1 = wanted;
                true
            }
            None => false,
        }
    };
    if found {
        Ok(Value::none())
    } else {
        Err(raise_errno(vm, libc::ENOENT, None))
    }
}

fn poll_unregister(vm: &mut Vm, this: &Value, fd: &Value) -> Py {
    let fd = fileno(vm, fd)?;
    let found = {
        let mut state = this.expect::<Poll>().lock(vm);
        let at = state.entries.0.iter().position(|(own, _)| *own == fd);
        at.map(|at| state.entries.0.remove(at)).is_some()
    };
    if found {
        Ok(Value::none())
    } else {
        Err(vm.key_error(&Value::from_i32(fd)))
    }
}

fn poll_poll(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let wait = Wait::new(timeout(vm, args.first(), Unit::WaitMillis)?);
    let mut rows = {
        let mut state = this.expect::<Poll>().lock(vm);
        if std::mem::replace(&mut state.busy, true) {
            drop(state);
            return Err(vm.runtime_error("concurrent poll() invocation"));
        }
        let rows = state.entries.0.iter();
        rows.map(|(fd, events)| libc::pollfd {
            fd: *fd,
            events: *events,
            revents: 0,
        })
        .collect::<Vec<_>>()
    };
    let result = wait_poll(vm, &mut rows, &wait);
    this.expect::<Poll>().lock(vm).busy = false;
    result?;
    let ready = rows.iter().filter(|row| row.revents != 0);
    let ready = ready.map(|row| {
        new_tuple([
            Value::from_i32(row.fd),
            Value::int((row.revents as u16).into()),
        ])
    });
    Ok(new_list(ready.collect()))
}

fn wait_poll(vm: &mut Vm, rows: &mut [libc::pollfd], wait: &Wait) -> Py<()> {
    loop {
        let (count, millis) = (rows.len() as libc::nfds_t, wait.millis());
        // SAFETY: an array with its length.
        if vm.detached(|| unsafe { libc::poll(rows.as_mut_ptr(), count, millis) }) >= 0 {
            return Ok(());
        }
        match errno() {
            libc::EINTR => vm.safepoint()?,
            error => return Err(raise_errno(vm, error, None)),
        }
    }
}

// ---- epoll ----

#[cfg(target_os = "linux")]
impl Holds for Descriptor {}

/// An open descriptor of ours, -1 when closed.
#[cfg(target_os = "linux")]
pub struct Descriptor(i32);

#[cfg(target_os = "linux")]
impl Drop for Descriptor {
    fn drop(&mut self) {
        if self.0 >= 0 {
            // SAFETY: our own descriptor.
            unsafe { libc::close(self.0) };
        }
    }
}

#[cfg(target_os = "linux")]
native_type! {
    /// A set of descriptors to wait for, kept by the system.
    EPOLL "select.epoll"
    Epoll {}
    EpollState { fd: Descriptor }
}

#[cfg(target_os = "linux")]
static EPOLL_LAYOUT: Layout = Layout::of::<Epoll>();

#[cfg(target_os = "linux")]
static EPOLL_METHODS: [MethodDef; 9] = [
    f0(
        "close($self, /)",
        epoll_close,
        "Close the object's descriptor; further operations are a ValueError.",
    ),
    f0(
        "fileno($self, /)",
        |vm, this| Ok(Value::from_i32(epoll_fd(vm, this)?)),
        "The object's descriptor.",
    ),
    f1(
        "fromfd($type, fd, /)",
        epoll_from_fd,
        "An epoll object of an open descriptor.",
    )
    .class_method(),
    bound(
        "register($self, /, fd, eventmask=select.EPOLLIN | select.EPOLLPRI | select.EPOLLOUT)",
        |vm, this, args| control(vm, this, args, libc::EPOLL_CTL_ADD),
        "Register a descriptor.",
    ),
    bound(
        "modify($self, /, fd, eventmask)",
        |vm, this, args| control(vm, this, args, libc::EPOLL_CTL_MOD),
        "Change what is waited for of a registered descriptor.",
    ),
    bound(
        "unregister($self, /, fd)",
        |vm, this, args| control(vm, this, args, libc::EPOLL_CTL_DEL),
        "Remove a descriptor.",
    ),
    bound(
        "poll($self, /, timeout=None, maxevents=-1)",
        epoll_poll,
        "Wait at most timeout seconds; give a list of (fd, events).",
    ),
    f0(
        "__enter__($self, /)",
        |vm, this| epoll_fd(vm, this).map(|_| this.clone()),
        "",
    ),
    slice(
        "__exit__($self, /, *args)",
        |vm, this, _| epoll_close(vm, this),
        "",
    ),
];

#[cfg(target_os = "linux")]
static EPOLL_GETSET: [GetSetDef; 1] = [getter(
    "closed",
    |vm, this| Ok(Value::bool(this.expect::<Epoll>().lock(vm).fd.0 < 0)),
    "Is the object closed?",
)];

#[cfg(target_os = "linux")]
static EPOLL_SPEC: TypeSpec = TypeSpec {
    name: "select.epoll",
    flags: TypeFlags::BASE,
    layout: Some(&EPOLL_LAYOUT),
    slots: Slots {
        new: Some(epoll_new),
        ..Slots::NONE
    },
    methods: &EPOLL_METHODS,
    getset: &EPOLL_GETSET,
    doc: "select.epoll(sizehint=-1, flags=0)\n\nA set of descriptors to wait for, kept by the system.",
    ..TypeSpec::DEFAULT
};

#[cfg(target_os = "linux")]
static EPOLL_NEW: MethodDef = signature("epoll(sizehint=-1, flags=0)");

#[cfg(target_os = "linux")]
fn epoll_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = taipan_core::bind::bind(vm, &EPOLL_NEW, args)?;
    if let Some(hint) = args.get(0) {
        let hint = c_int(vm, hint)?;
        if hint != -1 && hint <= 0 {
            return Err(vm.value_error("negative sizehint"));
        }
    }
    if let Some(flags) = args.get(1)
        && c_int(vm, flags)? & !libc::EPOLL_CLOEXEC != 0
    {
        return Err(vm.raise(&builtin_types::OS_ERROR, "invalid flags"));
    }
    // SAFETY: a plain call.
    let made = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
    let fd = check(vm, made)?;
    Ok(new_instance(
        cls,
        Epoll {
            state: Locked::new(EpollState { fd: Descriptor(fd) }),
        },
    ))
}

#[cfg(target_os = "linux")]
fn epoll_from_fd(vm: &mut Vm, cls: &Value, fd: &Value) -> Py {
    let fd = c_int(vm, fd)?;
    let cls = cls.expect::<taipan_core::Type>();
    Ok(new_instance(
        cls,
        Epoll {
            state: Locked::new(EpollState { fd: Descriptor(fd) }),
        },
    ))
}

#[cfg(target_os = "linux")]
#[cold]
fn closed(vm: &mut Vm) -> Raised {
    vm.value_error("I/O operation on closed epoll object")
}

#[cfg(target_os = "linux")]
fn epoll_fd(vm: &mut Vm, this: &Value) -> Py<i32> {
    let fd = this.expect::<Epoll>().lock(vm).fd.0;
    if fd < 0 { Err(closed(vm)) } else { Ok(fd) }
}

#[cfg(target_os = "linux")]
fn epoll_close(vm: &mut Vm, this: &Value) -> Py {
    let fd = std::mem::replace(&mut this.expect::<Epoll>().lock(vm).fd, Descriptor(-1));
    drop(fd);
    Ok(Value::none())
}

#[cfg(target_os = "linux")]
fn control(vm: &mut Vm, this: &Value, args: &Bound, operation: i32) -> Py {
    let own = epoll_fd(vm, this)?;
    let fd = fileno(vm, args.req(0))?;
    let wanted = if operation == libc::EPOLL_CTL_DEL {
        0
    } else {
        match args.get(1) {
            Some(value) => vm.index_i64(value)? as u32,
            None => (libc::EPOLLIN | libc::EPOLLPRI | libc::EPOLLOUT) as u32,
        }
    };
    let mut event = libc::epoll_event {
        events: wanted,
        u64: fd as u64,
    };
    // SAFETY: the structure is ours.
    let result = unsafe { libc::epoll_ctl(own, operation, fd, &mut event) };
    check(vm, result)?;
    Ok(Value::none())
}

#[cfg(target_os = "linux")]
fn epoll_poll(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let own = epoll_fd(vm, this)?;
    let wait = Wait::new(timeout(vm, args.get(0), Unit::WaitSeconds)?);
    let most = match args.get(1) {
        Some(value) => c_int(vm, value)?,
        None => -1,
    };
    if most == 0 || most < -1 {
        return Err(vm.value_error(format!("maxevents must be greater than 0, got {most}")));
    }
    let most = if most == -1 {
        libc::FD_SETSIZE - 1
    } else {
        most as usize
    };
    let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; most.min(1 << 16)];
    loop {
        // SAFETY: an array with its length.
        let count = vm.detached(|| unsafe {
            libc::epoll_wait(own, events.as_mut_ptr(), events.len() as i32, wait.millis())
        });
        if count >= 0 {
            let ready = events[..count as usize].iter().map(|event| {
                let (fd, events) = (event.u64 as i32, event.events);
                new_tuple([Value::from_i32(fd), Value::int(events.into())])
            });
            return Ok(new_list(ready.collect()));
        }
        match errno() {
            libc::EINTR => vm.safepoint()?,
            error => return Err(raise_errno(vm, error, None)),
        }
    }
}
