//! `atexit`: functions to call when the interpreter ends.

use crate::ModuleDef;
use taipan_core::latch::Latch;
use taipan_core::{Args, MethodDef, Py, Value, Vm, f0, f1, raw};

/// The module `atexit`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "atexit",
    doc: "Functions to be called when the program ends normally.\n\n\
          There are two public functions, register and unregister.\n",
    functions: &FUNCTIONS,
    init: |_vm, _dict| Ok(()),
};

static FUNCTIONS: [MethodDef; 5] = [
    raw(
        "register(module, func, /, *args, **kwargs)",
        register,
        "Register a function to be called at the end of the program.\n\n\
         func - what is called\nargs, kwargs - what it is called with\n\nfunc is returned, so this can be a decorator.",
    ),
    f1(
        "unregister(module, func, /)",
        unregister,
        "Forget a registered function, however often it was registered.",
    ),
    f0(
        "_clear(module, /)",
        clear,
        "Forget all registered functions.",
    ),
    f0(
        "_run_exitfuncs(module, /)",
        run_exitfuncs,
        "Call all registered functions, the last one first.",
    ),
    f0(
        "_ncallbacks(module, /)",
        count,
        "The number of registered functions.",
    ),
];

#[derive(Clone)]
struct Call {
    function: Value,
    args: Vec<Value>,
    names: Vec<Value>,
}

/// An interpreter's registered calls, oldest first.
#[derive(Default)]
struct Calls(Latch<Vec<Call>>);

fn calls(vm: &Vm) -> &'static Latch<Vec<Call>> {
    &vm.interpreter_state::<Calls>().0
}

fn register(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let Some((function, positional)) = args.pos().split_first() else {
        return Err(vm.type_error("register() takes at least 1 argument (0 given)"));
    };
    if !vm.is_callable(function) {
        return Err(vm.type_error("the first argument must be callable"));
    }
    let values = positional
        .iter()
        .chain(args.keywords().map(|(_, value)| value));
    let call = Call {
        function: function.clone(),
        args: values.cloned().collect(),
        names: args.names().to_vec(),
    };
    calls(vm).borrow_mut().push(call);
    Ok(function.clone())
}

fn unregister(vm: &mut Vm, _module: &Value, function: &Value) -> Py {
    let mut at = calls(vm).borrow().len();
    while at > 0 {
        at -= 1;
        // `==` may run Python code, and that may register or forget functions.
        let Some(candidate) = calls(vm).borrow().get(at).map(|call| call.function.clone()) else {
            continue;
        };
        if !vm.equal(&candidate, function)? {
            continue;
        }
        let mut calls = calls(vm).borrow_mut();
        let removed = match calls.get(at) {
            Some(call) if call.function.is(&candidate) => Some(calls.remove(at)),
            _ => None,
        };
        drop(calls);
        drop(removed);
    }
    Ok(Value::none())
}

fn clear(vm: &mut Vm, _module: &Value) -> Py {
    let old = std::mem::take(&mut *calls(vm).borrow_mut());
    drop(old);
    Ok(Value::none())
}

fn count(vm: &mut Vm, _module: &Value) -> Py {
    Ok(Value::int(calls(vm).borrow().len() as i64))
}

fn run_exitfuncs(vm: &mut Vm, _module: &Value) -> Py {
    run(vm);
    Ok(Value::none())
}

/// Calls all registered functions, the last one first, those among them that are registered meanwhile; errors are reported.
pub fn run(vm: &mut Vm) {
    loop {
        let Some(call) = calls(vm).borrow_mut().pop() else {
            break;
        };
        if let Err(raised) = vm.call_args(&call.function, Args::new(&call.args, &call.names)) {
            vm.unraisable_in(
                raised,
                "Exception ignored in atexit callback",
                &call.function,
            );
        }
    }
}
