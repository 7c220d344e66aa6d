//! The loop around every system call of a socket that may block: waiting with a timeout, and going on after signals.

use crate::path::errno;
use std::time::{Duration, Instant};
use taipan_core::{Py, Raised, Value, Vm, builtin_types};
use taipan_types::exceptions::os_error::raise_errno;

/// How long calls on a socket may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Timeout {
    /// For ever.
    Blocking,
    /// They do not wait.
    NonBlocking,
    /// So long, never zero.
    After(Duration),
}

impl Timeout {
    /// The timeout of a Python argument.
    pub(super) fn parse(vm: &mut Vm, value: &Value) -> Py<Timeout> {
        if value.is_none() {
            return Ok(Timeout::Blocking);
        }
        let nanos = crate::time::nanoseconds(vm, value, |x| x.signum() * x.abs().ceil())?;
        match u64::try_from(nanos) {
            Err(_) => Err(vm.value_error("Timeout value out of range")),
            Ok(0) => Ok(Timeout::NonBlocking),
            Ok(nanos) => Ok(Timeout::After(Duration::from_nanos(nanos))),
        }
    }

    /// Seconds, or `None`.
    pub(super) fn value(self) -> Value {
        match self {
            Timeout::Blocking => Value::none(),
            Timeout::NonBlocking => Value::float(0.0),
            Timeout::After(span) => Value::float(span.as_nanos() as f64 / 1e9),
        }
    }

    /// Must the descriptor itself not block?
    pub(super) fn wants_nonblocking(self) -> bool {
        self != Timeout::Blocking
    }
}

/// Why a call did not succeed.
pub(super) enum Failure {
    Errno(i32),
    TimedOut,
    Raised(Raised),
}

impl From<Raised> for Failure {
    fn from(raised: Raised) -> Failure {
        Failure::Raised(raised)
    }
}

impl Failure {
    /// The exception of it.
    #[cold]
    pub(super) fn raise(self, vm: &mut Vm) -> Raised {
        match self {
            Failure::Errno(error) => raise_errno(vm, error, None),
            Failure::TimedOut => vm.raise(&builtin_types::TIMEOUT_ERROR, "timed out"),
            Failure::Raised(raised) => raised,
        }
    }
}

/// What a call waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    Readable,
    Writable,
    /// A connection is made: waits for the descriptor before the first call, whatever the timeout.
    Connected,
}

/// A span of time that may be used up by several calls.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    timeout: Timeout,
    deadline: Option<Instant>,
}

impl Budget {
    pub(super) fn new(timeout: Timeout) -> Budget {
        Budget {
            timeout,
            deadline: match timeout {
                Timeout::After(span) => Instant::now().checked_add(span),
                _ => None,
            },
        }
    }

    /// Milliseconds until the end, rounded up; -1 if there is none; `None` if it has come and this is not the first look.
    fn millis(&self, first: bool) -> Option<i32> {
        let Some(deadline) = self.deadline else {
            return Some(-1);
        };
        match deadline.checked_duration_since(Instant::now()) {
            Some(left) => Some(left.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128) as i32),
            None => first.then_some(0),
        }
    }
}

/// Waits until the descriptor is ready.
fn ready(
    vm: &mut Vm,
    fd: i32,
    until: Until,
    budget: &Budget,
    mut first: bool,
) -> Result<(), Failure> {
    let mut events = if until == Until::Readable {
        libc::POLLIN
    } else {
        libc::POLLOUT
    };
    if until == Until::Connected {
        // Systems tell of a refused connection as an error.
        events |= libc::POLLERR;
    }
    loop {
        let Some(millis) = budget.millis(first) else {
            return Err(Failure::TimedOut);
        };
        first = false;
        let mut row = libc::pollfd {
            fd,
            events,
            revents: 0,
        };
        // SAFETY: one row, which is ours.
        match vm.detached(|| unsafe { libc::poll(&mut row, 1, millis) }) {
            0 => return Err(Failure::TimedOut),
            count if count > 0 => return Ok(()),
            _ => match errno() {
                libc::EINTR => vm.safepoint()?,
                error => return Err(Failure::Errno(error)),
            },
        }
    }
}

/// Calls until it succeeds: waits while the descriptor is not ready, serves signals, keeps to the time.
/// `call` gives a negative number for failure and leaves the error number; other threads run meanwhile, so it touches no Python object.
pub(super) fn attempt(
    vm: &mut Vm,
    fd: i32,
    until: Until,
    budget: &Budget,
    mut call: impl FnMut() -> isize,
) -> Result<isize, Failure> {
    let timed = matches!(budget.timeout, Timeout::After(_));
    let mut first = true;
    loop {
        // A closed socket has nothing to wait for: the call says so.
        if fd >= 0 && (timed || until == Until::Connected) {
            ready(vm, fd, until, budget, first)?;
        }
        first = false;
        loop {
            let result = vm.detached(&mut call);
            if result >= 0 {
                return Ok(result);
            }
            match errno() {
                libc::EINTR => vm.safepoint()?,
                libc::EAGAIN if timed => break,
                error => return Err(Failure::Errno(error)),
            }
        }
    }
}

/// As [`attempt`], with failures raised.
pub(super) fn run(
    vm: &mut Vm,
    fd: i32,
    until: Until,
    budget: &Budget,
    call: impl FnMut() -> isize,
) -> Py<usize> {
    match attempt(vm, fd, until, budget, call) {
        Ok(result) => Ok(result as usize),
        Err(failure) => Err(failure.raise(vm)),
    }
}
/// How long calls of another module on a socket may wait: its descriptor, and what is left of its timeout.
pub struct Patience {
    fd: i32,
    budget: Budget,
    first: bool,
}

impl Patience {
    /// Of a socket object; `None` if it is none.
    pub fn of(vm: &mut Vm, socket: &Value) -> Option<Patience> {
        socket.cast::<super::object::Socket>()?;
        let own = super::object::state(vm, socket);
        Some(Patience {
            fd: own.fd,
            budget: Budget::new(own.timeout),
            first: true,
        })
    }

    /// -1 when closed.
    pub fn fd(&self) -> i32 {
        self.fd
    }

    /// Do calls wait at all?
    pub fn waits(&self) -> bool {
        self.budget.timeout != Timeout::NonBlocking
    }

    /// Waits until the descriptor can be written to or read from. `false`: the time is over.
    pub fn wait(&mut self, vm: &mut Vm, to_write: bool) -> Py<bool> {
        let until = if to_write {
            Until::Writable
        } else {
            Until::Readable
        };
        let first = std::mem::replace(&mut self.first, false);
        match ready(vm, self.fd, until, &self.budget, first) {
            Ok(()) => Ok(true),
            Err(Failure::TimedOut) => Ok(false),
            Err(failure) => Err(failure.raise(vm)),
        }
    }
}
