//! `_posixsubprocess`: starting a program in a child process, for `subprocess`.
//!
//! Everything the child needs is made before it starts: between start and `exec` it makes system calls only. Without a `preexec_fn`
//! the child shares the parent's memory and the parent waits until it has another program (as `vfork` does, but on a stack of its own).

use crate::ModuleDef;
use crate::audit::audit;
use crate::path::{c_int, errno, fs_string};
use crate::posix::{before_fork, fork_in_child, fork_in_parent};
use crate::support::id_argument;
use std::ffi::CString;
use std::mem::MaybeUninit;
use taipan_core::{MethodDef, Py, Value, Vm, slice};
use taipan_types::exceptions::os_error::raise_errno;

static FUNCTIONS: [MethodDef; 1] = [slice(
    "fork_exec($module, args, executable_list, close_fds, pass_fds, cwd,\n          env, p2cread, p2cwrite, c2pread, c2pwrite, errread,\n          errwrite, errpipe_read, errpipe_write, restore_signals,\n          call_setsid, pgid_to_set, gid, extra_groups, uid,\n          child_umask, preexec_fn, /)",
    fork_exec,
    "Start a program in a child process; give its number.\n\n\
     Errors of the child before the program starts are written to errpipe_write.",
)];

/// The module `_posixsubprocess`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_posixsubprocess",
    doc: "A POSIX helper for the subprocess module.",
    functions: &FUNCTIONS,
    init: |_vm, _dict| Ok(()),
};

type Pointers = Vec<*const libc::c_char>;

/// What the child is to do.
struct Plan {
    executables: Pointers,
    argv: Option<Pointers>,
    environment: Option<Pointers>,
    cwd: Option<CString>,
    close: bool,
    keep: Vec<i32>,
    /// Ends of the pipes: of the child, then of the parent.
    input: (i32, i32),
    output: (i32, i32),
    error: (i32, i32),
    report: (i32, i32),
    restore_signals: bool,
    new_session: bool,
    group_to_set: Option<i32>,
    gid: Option<u32>,
    groups: Option<Vec<libc::gid_t>>,
    uid: Option<u32>,
    umask: Option<u32>,
    /// Signals that the parent lets through.
    mask: Option<libc::sigset_t>,
    /// Owns the texts that the pointers lead to.
    _texts: Vec<Vec<CString>>,
}

fn pointers(texts: &[CString]) -> Pointers {
    texts
        .iter()
        .map(|text| text.as_ptr())
        .chain([std::ptr::null()])
        .collect()
}

fn strings(vm: &mut Vm, row: &Value) -> Py<Vec<CString>> {
    let mut texts = Vec::new();
    for text in vm.to_vec(row)? {
        texts.push(fs_string(vm, &text)?);
    }
    Ok(texts)
}

fn optional_id(vm: &mut Vm, value: &Value, what: &str) -> Py<Option<u32>> {
    if value.is_none() {
        return Ok(None);
    }
    id_argument(vm, value, what).map(Some)
}

fn group_row(vm: &mut Vm, value: &Value) -> Py<Option<Vec<libc::gid_t>>> {
    if value.is_none() {
        return Ok(None);
    }
    let mut row = Vec::new();
    for group in vm.to_vec(value)? {
        if !group.is_int() {
            return Err(vm.type_error("extra_groups must be integers"));
        }
        match id_argument(vm, &group, "gid") {
            Ok(group) => row.push(group),
            Err(raised) => {
                drop(vm.take_raised(raised));
                return Err(vm.value_error("invalid group id"));
            }
        }
    }
    Ok(Some(row))
}

fn keep_row(vm: &mut Vm, value: &Value) -> Py<Vec<i32>> {
    let mut row = Vec::new();
    for fd in vm.to_vec(value)? {
        let fd = fd
            .as_i64()
            .and_then(|fd| i32::try_from(fd).ok())
            .filter(|fd| *fd >= 0);
        match fd {
            Some(fd) if row.last().is_none_or(|last| *last < fd) => row.push(fd),
            _ => return Err(vm.value_error("bad value(s) in fds_to_keep")),
        }
    }
    Ok(row)
}

fn plan(vm: &mut Vm, args: &[Value]) -> Py<Plan> {
    let close = vm.truth(&args[2])?;
    let keep = keep_row(vm, &args[3])?;
    let executables = strings(vm, &args[1])?;
    let argv = if args[0].is_none() {
        None
    } else {
        Some(strings(vm, &args[0])?)
    };
    let environment = if args[5].is_none() {
        None
    } else {
        Some(strings(vm, &args[5])?)
    };
    let cwd = if args[4].is_none() {
        None
    } else {
        Some(fs_string(vm, &args[4])?)
    };
    let mut ends = [0i32; 8];
    for (end, value) in ends.iter_mut().zip(&args[6..14]) {
        *end = c_int(vm, value)?;
    }
    let [
        p2cread,
        p2cwrite,
        c2pread,
        c2pwrite,
        errread,
        errwrite,
        report_read,
        report_write,
    ] = ends;
    if close && report_write < 3 {
        return Err(vm.value_error("errpipe_write must be >= 3"));
    }
    let restore_signals = vm.truth(&args[14])?;
    let new_session = vm.truth(&args[15])?;
    let group = c_int(vm, &args[16])?;
    let gid = optional_id(vm, &args[17], "gid")?;
    let groups = group_row(vm, &args[18])?;
    let uid = optional_id(vm, &args[19], "uid")?;
    let umask = c_int(vm, &args[20])?;
    let row = Plan {
        executables: pointers(&executables),
        argv: argv.as_deref().map(pointers),
        environment: environment.as_deref().map(pointers),
        cwd,
        close,
        keep,
        input: (p2cread, p2cwrite),
        output: (c2pwrite, c2pread),
        error: (errwrite, errread),
        report: (report_write, report_read),
        restore_signals,
        new_session,
        group_to_set: (group >= 0).then_some(group),
        gid,
        groups,
        uid,
        umask: u32::try_from(umask).ok(),
        mask: None,
        _texts: [Some(executables), argv, environment]
            .into_iter()
            .flatten()
            .collect(),
    };
    Ok(row)
}

// ---- in the child ----

/// Where the child failed.
enum Failure {
    BeforeExec,
    ChangeFolder,
    Exec,
}

impl Plan {
    /// Does everything up to `exec`. Comes back only if something fails.
    fn run(&self, before_exec: impl FnOnce() -> bool) {
        let failure = match self.prepare() {
            Ok(()) => {
                if !before_exec() {
                    self.write_report(b"SubprocessError:0:Exception occurred in preexec_fn.");
                    return;
                }
                self.close_rest();
                self.exec();
                Failure::Exec
            }
            Err(failure) => failure,
        };
        let error = errno();
        let mut text = [0u8; 48];
        let mut len = 0;
        let mut push = |part: &[u8]| {
            text[len..len + part.len()].copy_from_slice(part);
            len += part.len();
        };
        push(b"OSError:");
        let mut digits = [0u8; 8];
        let (mut rest, mut first) = (error as u32, 8);
        loop {
            first -= 1;
            digits[first] = b"0123456789ABCDEF"[(rest % 16) as usize];
            rest /= 16;
            if rest == 0 {
                break;
            }
        }
        push(&digits[first..]);
        push(b":");
        push(match failure {
            Failure::BeforeExec => b"noexec",
            Failure::ChangeFolder => b"noexec:chdir",
            Failure::Exec => b"",
        });
        self.write_report(&text[..len]);
    }

    fn write_report(&self, text: &[u8]) {
        // SAFETY: a buffer with its length.
        unsafe { libc::write(self.report.0, text.as_ptr().cast(), text.len()) };
    }

    fn prepare(&self) -> Result<(), Failure> {
        let check = |result: i32| {
            if result < 0 {
                Err(Failure::BeforeExec)
            } else {
                Ok(())
            }
        };
        // SAFETY: system calls on descriptors, and strings that were made before.
        unsafe {
            for fd in self.keep.iter().filter(|fd| **fd != self.report.0) {
                check(set_inheritable(*fd))?;
            }
            for fd in [self.input.1, self.output.1, self.error.1, self.report.1] {
                if fd >= 0 {
                    check(libc::close(fd))?;
                }
            }
            let (mut output, mut error) = (self.output.0, self.error.0);
            if output == 0 {
                output = libc::dup(output);
                check(output)?;
            }
            while error == 0 || error == 1 {
                error = libc::dup(error);
                check(error)?;
            }
            for (fd, place) in [(self.input.0, 0), (output, 1), (error, 2)] {
                if fd == place {
                    check(set_inheritable(fd))?;
                } else if fd >= 0 {
                    check(libc::dup2(fd, place))?;
                }
            }
            if let Some(cwd) = &self.cwd
                && libc::chdir(cwd.as_ptr()) < 0
            {
                return Err(Failure::ChangeFolder);
            }
            if let Some(umask) = self.umask {
                libc::umask(umask as libc::mode_t);
            }
            if self.restore_signals {
                for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
                    libc::signal(signal, libc::SIG_DFL);
                }
            }
            if let Some(mask) = &self.mask {
                drop_handlers();
                libc::sigprocmask(libc::SIG_SETMASK, mask, std::ptr::null_mut());
            }
            if self.new_session {
                check(libc::setsid())?;
            }
            if let Some(group) = self.group_to_set {
                check(libc::setpgid(0, group))?;
            }
            if let Some(groups) = &self.groups {
                check(raw(
                    libc::SYS_setgroups,
                    groups.len() as i64,
                    groups.as_ptr() as i64,
                    0,
                ))?;
            }
            if let Some(gid) = self.gid {
                check(raw(libc::SYS_setregid, gid.into(), gid.into(), 0))?;
            }
            if let Some(uid) = self.uid {
                check(raw(libc::SYS_setreuid, uid.into(), uid.into(), 0))?;
            }
        }
        Ok(())
    }

    /// Closes all descriptors that the program does not get.
    fn close_rest(&self) {
        if !self.close {
            return;
        }
        let mut from = 3;
        for fd in self.keep.iter().copied().filter(|fd| *fd >= 3) {
            close_range(from, fd - 1);
            from = fd + 1;
        }
        close_range(from, i32::MAX);
    }

    /// Tries the programs in turn. Leaves the most telling error number.
    fn exec(&self) {
        let mut saved = 0;
        let no_arguments = [std::ptr::null()];
        let argv = self.argv.as_deref().unwrap_or(&no_arguments);
        for program in self.executables.iter().filter(|program| !program.is_null()) {
            // SAFETY: C strings, and arrays of them that end with a null.
            unsafe {
                match &self.environment {
                    Some(environment) => {
                        libc::execve(*program, argv.as_ptr(), environment.as_ptr())
                    }
                    None => libc::execv(*program, argv.as_ptr()),
                };
            }
            let error = errno();
            if error != libc::ENOENT && error != libc::ENOTDIR && saved == 0 {
                saved = error;
            }
        }
        if saved != 0 {
            // SAFETY: the thread's own error number.
            unsafe { *libc::__errno_location() = saved };
        }
    }
}

/// A system call for this thread only: the C library's function would change the identity of the parent's threads too.
///
/// # Safety
/// The arguments are those of the call.
unsafe fn raw(call: libc::c_long, first: i64, second: i64, third: i64) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { libc::syscall(call, first, second, third) as i32 }
}

fn set_inheritable(fd: i32) -> i32 {
    // SAFETY: calls on a descriptor.
    unsafe {
        let flags = libc::fcntl(fd, libc::F_GETFD);
        if flags < 0 {
            flags
        } else {
            libc::fcntl(fd, libc::F_SETFD, flags & !libc::FD_CLOEXEC)
        }
    }
}

/// Closes descriptors `from` to `to`, both included.
fn close_range(from: i32, to: i32) {
    if from > to {
        return;
    }
    // SAFETY: a plain call.
    if unsafe { libc::syscall(libc::SYS_close_range, from, to, 0) } == 0 {
        return;
    }
    // SAFETY: a plain query.
    let most = unsafe { libc::sysconf(libc::_SC_OPEN_MAX) }.clamp(256, 1 << 20) as i32;
    for fd in from..to.min(most) {
        // SAFETY: the child's own descriptor.
        unsafe { libc::close(fd) };
    }
}

/// Handlers are code of the parent: they must not run in a child that shares its memory.
fn drop_handlers() {
    for signal in 1..65 {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: asks for the present action, then sets the default.
        unsafe {
            if libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0
                && !matches!(
                    action.assume_init_ref().sa_sigaction,
                    libc::SIG_DFL | libc::SIG_IGN
                )
            {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
    }
}

// ---- starting it ----

/// The entry of a child that shares the parent's memory.
extern "C" fn child_main(plan: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `start_shared` passes its plan and waits.
    let plan = unsafe { &*plan.cast::<Plan>() };
    plan.run(|| true);
    // SAFETY: ends the child only.
    unsafe { libc::_exit(255) }
}

/// Starts a child that shares our memory until it has another program. The child's number, or a negative error number.
#[cfg(target_os = "linux")]
fn start_shared(plan: &mut Plan) -> i32 {
    const STACK: usize = 128 * 1024;
    let mut all = MaybeUninit::<libc::sigset_t>::zeroed();
    let mut mask = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: own memory for the stack; no signal arrives while the memory is shared; this thread waits meanwhile, so the plan
    // stays as it is.
    unsafe {
        let stack = libc::mmap(
            std::ptr::null_mut(),
            STACK,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK,
            -1,
            0,
        );
        if stack == libc::MAP_FAILED {
            return -errno();
        }
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), mask.as_mut_ptr());
        plan.mask = Some(mask.assume_init());
        let top = stack.cast::<u8>().add(STACK - 64).cast::<libc::c_void>();
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        let target: *mut Plan = plan;
        let pid = libc::clone(child_main, top, flags, target.cast());
        let error = errno();
        libc::pthread_sigmask(libc::SIG_SETMASK, mask.as_ptr(), std::ptr::null_mut());
        libc::munmap(stack, STACK);
        if pid < 0 { -error } else { pid }
    }
}

#[cfg(not(target_os = "linux"))]
fn start_shared(plan: &mut Plan) -> i32 {
    // SAFETY: the child makes system calls only.
    match unsafe { libc::fork() } {
        0 => {
            child_main((plan as *mut Plan).cast());
            0
        }
        -1 => -errno(),
        pid => pid,
    }
}

fn fork_exec(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let mut plan = plan(vm, args)?;
    audit(vm, "subprocess.fork_exec", || {
        vec![args[1].clone(), args[0].clone(), args[5].clone()]
    })?;
    let preexec = &args[21];
    if preexec.is_none() {
        let pid = vm.detached(|| start_shared(&mut plan));
        return if pid < 0 {
            Err(raise_errno(vm, -pid, None))
        } else {
            Ok(Value::from_i32(pid))
        };
    }
    let message = "preexec_fn not supported at interpreter shutdown";
    crate::sys::hooks::refuse_when_finalizing(vm, message)?;
    before_fork(vm);
    // SAFETY: the child goes on with this thread alone.
    let pid = vm.fork(|| unsafe { libc::fork() });
    if pid == 0 {
        fork_in_child(vm);
        plan.run(|| match vm.call(preexec, &[]) {
            Ok(_) => true,
            Err(raised) => {
                drop(vm.take_raised(raised));
                false
            }
        });
        // SAFETY: ends the child only.
        unsafe { libc::_exit(255) }
    }
    let error = errno();
    fork_in_parent(vm);
    if pid < 0 {
        Err(raise_errno(vm, error, None))
    } else {
        Ok(Value::from_i32(pid))
    }
}
