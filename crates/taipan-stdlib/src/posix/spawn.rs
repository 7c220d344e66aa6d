//! New processes: `fork` and its hooks, `posix_spawn`.

use super::flag;
use super::process::{argument_row, environment_row};
use crate::audit::audit;
use crate::path::{self, PathKind, c_int};
use std::mem::MaybeUninit;
use std::sync::{Mutex, MutexGuard, PoisonError};
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{Bound, MethodDef, Py, Value, Vm, bound, builtin_types, f0};
use taipan_types::exceptions::os_error::raise_errno;

/// Kinds of file actions.
pub(super) const OPEN: i64 = 0;
pub(super) const CLOSE: i64 = 1;
pub(super) const DUP2: i64 = 2;
pub(super) const CLOSE_FROM: i64 = 3;

const SPAWN_DOC: &str = "Run a program in a new process; give its number.\n\n\
    file_actions are tuples that begin with one of the POSIX_SPAWN_ constants; setpgroup, resetids, setsid, setsigmask,\n\
    setsigdef and scheduler are the attributes of the new process.";

pub(super) static FUNCTIONS: [MethodDef; 5] = [
    bound(
        "register_at_fork($module, /, *, before=<unrepresentable>,\n                 after_in_child=<unrepresentable>,\n                 after_in_parent=<unrepresentable>)",
        register_at_fork,
        "Register functions to be called when the process forks: before it, and after it in the child and in the parent.",
    ),
    f0(
        "fork($module, /)",
        fork,
        "Fork a child process; give 0 in the child and the child's number in the parent.",
    ),
    f0(
        "forkpty($module, /)",
        forkpty,
        "Fork a child process with a new terminal; give a tuple (pid, master_fd).",
    ),
    bound(
        "posix_spawn($module, path, argv, env, /, *, file_actions=(),\n            setpgroup=None, resetids=False, setsid=False,\n            setsigmask=(), setsigdef=(), scheduler=None)",
        |vm, _, args| spawn(vm, "posix_spawn", args),
        SPAWN_DOC,
    ),
    bound(
        "posix_spawnp($module, path, argv, env, /, *, file_actions=(),\n             setpgroup=None, resetids=False, setsid=False,\n             setsigmask=(), setsigdef=(), scheduler=None)",
        |vm, _, args| spawn(vm, "posix_spawnp", args),
        SPAWN_DOC,
    ),
];

// ---- fork ----

/// The registered functions, oldest first: before a fork, after it in the child, after it in the parent.
#[derive(Default)]
struct ForkHooks(Mutex<[Vec<Value>; 3]>);

const BEFORE: usize = 0;
const IN_CHILD: usize = 1;
const IN_PARENT: usize = 2;

impl ForkHooks {
    fn lists(&self) -> MutexGuard<'_, [Vec<Value>; 3]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn register_at_fork(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let names = ["before", "after_in_child", "after_in_parent"];
    let mut any = false;
    for (index, text) in names.iter().enumerate() {
        let Some(function) = args.get(index) else {
            continue;
        };
        if !vm.is_callable(function) {
            let message = format!(
                "'{text}' must be callable, not {}",
                function.type_of().name()
            );
            return Err(vm.type_error(message));
        }
        any = true;
    }
    if !any {
        return Err(vm.type_error("At least one argument is required."));
    }
    let mut lists = vm.interpreter_state::<ForkHooks>().lists();
    for (index, list) in lists.iter_mut().enumerate() {
        list.extend(args.get(index).cloned());
    }
    Ok(Value::none())
}

/// The functions of one list, oldest first.
fn registered(vm: &Vm, list: usize) -> Vec<Value> {
    vm.interpreter_state::<ForkHooks>().lists()[list].clone()
}

fn run(vm: &mut Vm, functions: impl IntoIterator<Item = Value>) {
    for function in functions {
        if let Err(raised) = vm.call(&function, &[]) {
            vm.unraisable_in(raised, "Exception ignored in atfork callback", &function);
        }
    }
}

/// Calls what is registered to run before a fork, the last one first.
pub fn before_fork(vm: &mut Vm) {
    let functions = registered(vm, BEFORE);
    run(vm, functions.into_iter().rev());
    crate::_imp::before_fork(vm);
}

/// Calls what is registered to run in the parent after a fork.
pub fn fork_in_parent(vm: &mut Vm) {
    crate::_imp::after_fork(vm);
    let functions = registered(vm, IN_PARENT);
    run(vm, functions);
}

/// Puts the child of a fork in order, and calls what is registered to run there.
pub fn fork_in_child(vm: &mut Vm) {
    crate::locks::after_fork();
    crate::_imp::after_fork(vm);
    crate::_signal::after_fork(vm);
    crate::thread::after_fork(vm);
    crate::faulthandler::after_fork(vm);
    crate::asyncio::after_fork(vm);
    let functions = registered(vm, IN_CHILD);
    run(vm, functions);
}

/// A fork of a process with several threads leaves locks of the others held for ever.
fn warn_of_threads(vm: &mut Vm, function: &str) -> Py<()> {
    if vm.interpreter().other_threads() == 0 {
        return Ok(());
    }
    // SAFETY: a plain query.
    let pid = unsafe { libc::getpid() };
    let message = format!(
        "This process (pid={pid}) is multi-threaded, use of {function}() may lead to deadlocks in the child."
    );
    vm.warn(&builtin_types::DEPRECATION_WARNING, &message, 1)
}

fn fork(vm: &mut Vm, _module: &Value) -> Py {
    audit(vm, "os.fork", Vec::new)?;
    crate::sys::hooks::refuse_when_finalizing(vm, "can't fork at interpreter shutdown")?;
    before_fork(vm);
    // SAFETY: the child goes on with this thread alone; see `fork_in_child`.
    let pid = vm.fork(|| unsafe { libc::fork() });
    if pid == 0 {
        fork_in_child(vm);
        return Ok(Value::from_i32(0));
    }
    let error = path::errno();
    fork_in_parent(vm);
    if pid < 0 {
        return Err(raise_errno(vm, error, None));
    }
    warn_of_threads(vm, "fork")?;
    Ok(Value::from_i32(pid))
}

fn forkpty(vm: &mut Vm, _module: &Value) -> Py {
    audit(vm, "os.forkpty", Vec::new)?;
    crate::sys::hooks::refuse_when_finalizing(vm, "can't fork at interpreter shutdown")?;
    before_fork(vm);
    let mut master = -1;
    let null = std::ptr::null_mut();
    // SAFETY: room for the descriptor; the child goes on with this thread alone.
    let pid = vm.fork(|| unsafe { libc::forkpty(&mut master, null, null.cast(), null.cast()) });
    if pid == 0 {
        fork_in_child(vm);
    } else {
        let error = path::errno();
        fork_in_parent(vm);
        if pid < 0 {
            return Err(raise_errno(vm, error, None));
        }
        warn_of_threads(vm, "forkpty")?;
    }
    Ok(new_tuple([Value::from_i32(pid), Value::from_i32(master)]))
}

// ---- posix_spawn ----

/// File actions, freed when done. The strings live as long as it.
struct Actions {
    raw: Box<libc::posix_spawn_file_actions_t>,
    _paths: Vec<std::ffi::CString>,
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: initialised in `file_actions`.
        unsafe { libc::posix_spawn_file_actions_destroy(&mut *self.raw) };
    }
}

struct Attributes(Box<libc::posix_spawnattr_t>);

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: initialised in `attributes`.
        unsafe { libc::posix_spawnattr_destroy(&mut *self.0) };
    }
}

fn code(vm: &mut Vm, error: i32) -> Py<()> {
    if error == 0 {
        Ok(())
    } else {
        Err(raise_errno(vm, error, None))
    }
}

fn file_actions(vm: &mut Vm, rows: &Value) -> Py<Actions> {
    let mut raw = MaybeUninit::<libc::posix_spawn_file_actions_t>::zeroed();
    // SAFETY: room for the object.
    let error = unsafe { libc::posix_spawn_file_actions_init(raw.as_mut_ptr()) };
    code(vm, error)?;
    // SAFETY: initialised above.
    let raw = Box::new(unsafe { raw.assume_init() });
    let mut actions = Actions {
        raw,
        _paths: Vec::new(),
    };
    for row in vm.to_vec(rows)? {
        let Some(parts) = items(&row).filter(|parts| !parts.is_empty()) else {
            return Err(vm.type_error("Each file_actions element must be a non-empty tuple"));
        };
        add_action(vm, &mut actions, parts)?;
    }
    Ok(actions)
}

fn add_action(vm: &mut Vm, actions: &mut Actions, parts: &[Value]) -> Py<()> {
    let raw: *mut libc::posix_spawn_file_actions_t = &mut *actions.raw;
    let error = match parts[0].as_i64() {
        Some(OPEN) => {
            let [_, fd, path, flags, mode] = parts else {
                return Err(vm.type_error("A open file_action tuple must have 5 elements"));
            };
            let fd = c_int(vm, fd)?;
            let path = path::fs_string(vm, path)?;
            let (flags, mode) = (c_int(vm, flags)?, c_int(vm, mode)?);
            // SAFETY: the path lives in `_paths` until the actions are gone.
            let error = unsafe {
                libc::posix_spawn_file_actions_addopen(
                    raw,
                    fd,
                    path.as_ptr(),
                    flags,
                    mode as libc::mode_t,
                )
            };
            actions._paths.push(path);
            error
        }
        Some(CLOSE) => {
            let [_, fd] = parts else {
                return Err(vm.type_error("A close file_action tuple must have 2 elements"));
            };
            let fd = c_int(vm, fd)?;
            // SAFETY: initialised actions.
            unsafe { libc::posix_spawn_file_actions_addclose(raw, fd) }
        }
        Some(DUP2) => {
            let [_, from, to] = parts else {
                return Err(vm.type_error("A dup2 file_action tuple must have 3 elements"));
            };
            let (from, to) = (c_int(vm, from)?, c_int(vm, to)?);
            // SAFETY: initialised actions.
            unsafe { libc::posix_spawn_file_actions_adddup2(raw, from, to) }
        }
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        Some(CLOSE_FROM) => {
            let [_, fd] = parts else {
                return Err(vm.type_error("A closefrom file_action tuple must have 2 elements"));
            };
            let fd = c_int(vm, fd)?;
            // SAFETY: initialised actions.
            unsafe { addclosefrom(raw, fd) }
        }
        _ => return Err(vm.type_error("Unknown file_actions identifier")),
    };
    code(vm, error)
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
unsafe extern "C" {
    #[link_name = "posix_spawn_file_actions_addclosefrom_np"]
    fn addclosefrom(
        actions: *mut libc::posix_spawn_file_actions_t,
        from: libc::c_int,
    ) -> libc::c_int;
}

/// What the keyword arguments of `posix_spawn` ask for.
fn attributes(vm: &mut Vm, function: &str, args: &Bound) -> Py<Attributes> {
    let mut raw = MaybeUninit::<libc::posix_spawnattr_t>::zeroed();
    // SAFETY: room for the object.
    let error = unsafe { libc::posix_spawnattr_init(raw.as_mut_ptr()) };
    code(vm, error)?;
    // SAFETY: initialised above.
    let mut attributes = Attributes(Box::new(unsafe { raw.assume_init() }));
    let raw: *mut libc::posix_spawnattr_t = &mut *attributes.0;
    let mut flags = 0;
    if let Some(group) = args.get_not_none(4) {
        let group = c_int(vm, group)?;
        // SAFETY: initialised attributes.
        let error = unsafe { libc::posix_spawnattr_setpgroup(raw, group) };
        code(vm, error)?;
        flags |= libc::POSIX_SPAWN_SETPGROUP;
    }
    if flag(vm, args, 5, false)? {
        flags |= libc::POSIX_SPAWN_RESETIDS;
    }
    if flag(vm, args, 6, false)? {
        // The C library's POSIX_SPAWN_SETSID.
        flags |= 0x80;
    }
    if let Some(mask) = args.get(7) {
        let set = crate::_signal::signal_set(vm, mask)?;
        // SAFETY: initialised attributes and set.
        let error = unsafe { libc::posix_spawnattr_setsigmask(raw, &set) };
        code(vm, error)?;
        flags |= libc::POSIX_SPAWN_SETSIGMASK;
    }
    if let Some(defaults) = args.get(8) {
        let set = crate::_signal::signal_set(vm, defaults)?;
        // SAFETY: initialised attributes and set.
        let error = unsafe { libc::posix_spawnattr_setsigdefault(raw, &set) };
        code(vm, error)?;
        flags |= libc::POSIX_SPAWN_SETSIGDEF;
    }
    if let Some(scheduler) = args.get_not_none(9) {
        let Some(parts) = items(scheduler) else {
            return Err(vm.type_error(format!("{function}: scheduler must be a tuple or None")));
        };
        let [policy, parameters] = parts else {
            return Err(vm.type_error("A scheduler tuple must have two elements"));
        };
        if !policy.is_none() {
            let policy = c_int(vm, policy)?;
            // SAFETY: initialised attributes.
            let error = unsafe { libc::posix_spawnattr_setschedpolicy(raw, policy) };
            code(vm, error)?;
            flags |= libc::POSIX_SPAWN_SETSCHEDULER;
        }
        let parameters = super::sched::parameters(vm, parameters)?;
        // SAFETY: initialised attributes, and a structure that is ours.
        let error = unsafe { libc::posix_spawnattr_setschedparam(raw, &parameters) };
        code(vm, error)?;
        flags |= libc::POSIX_SPAWN_SETSCHEDPARAM;
    }
    // SAFETY: initialised attributes.
    let error = unsafe { libc::posix_spawnattr_setflags(raw, flags as libc::c_short) };
    code(vm, error)?;
    Ok(attributes)
}

fn spawn(vm: &mut Vm, function: &'static str, args: &Bound) -> Py {
    let program = path::parse(vm, args.get(0), PathKind::plain(function))?;
    let argv = argument_row(vm, function, args.req(1))?;
    let own_environment;
    let environment = match args.req(2) {
        env if env.is_none() => super::environment::own(),
        env => {
            own_environment = environment_row(vm, function, env)?;
            own_environment.as_ptr()
        }
    };
    let actions = match args.get_not_none(3) {
        Some(rows) => Some(file_actions(vm, rows)?),
        None => None,
    };
    let attributes = attributes(vm, function, args)?;
    audit(vm, "os.posix_spawn", || {
        vec![
            program.value.clone(),
            args.req(1).clone(),
            args.req(2).clone(),
        ]
    })?;
    let actions_at = actions
        .as_ref()
        .map_or(std::ptr::null(), |actions| &raw const *actions.raw);
    let mut pid = 0;
    // SAFETY: C strings, arrays of them that end with a null, and initialised actions and attributes.
    let error = unsafe {
        let call = if function == "posix_spawn" {
            libc::posix_spawn
        } else {
            libc::posix_spawnp
        };
        call(
            &mut pid,
            program.as_ptr(),
            actions_at,
            &*attributes.0,
            argv.as_ptr(),
            environment,
        )
    };
    if error != 0 {
        return Err(raise_errno(vm, error, Some(&program.value)));
    }

    Ok(Value::from_i32(pid))
}
