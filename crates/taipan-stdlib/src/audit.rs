//! Audit hooks (PEP 578): functions of the program that are told about sensitive operations.

use taipan_core::latch::Latch;
use taipan_core::str_object::name;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Py, Value, Vm};

/// The hooks of an interpreter, in the order they were added.
#[derive(Default)]
struct Hooks(Latch<Vec<Value>>);

/// Are there hooks at all?
pub fn enabled(vm: &Vm) -> bool {
    !vm.interpreter_state::<Hooks>().0.borrow().is_empty()
}

/// Tells all hooks about an event. The arguments are made only if somebody listens.
#[inline]
pub fn audit(vm: &mut Vm, event: &str, args: impl FnOnce() -> Vec<Value>) -> Py<()> {
    if !enabled(vm) {
        return Ok(());
    }
    tell(vm, &name(event), new_tuple(args()))
}

/// Tells all hooks about an event with these arguments.
pub fn tell(vm: &mut Vm, event: &Value, args: Value) -> Py<()> {
    let hooks = vm.interpreter_state::<Hooks>().0.borrow().clone();
    for hook in hooks {
        vm.call(&hook, &[event.clone(), args.clone()])?;
    }
    Ok(())
}

/// Adds a hook, if the others let it: a `RuntimeError` of theirs keeps it out silently.
pub fn add(vm: &mut Vm, hook: &Value) -> Py<()> {
    if let Err(raised) = audit(vm, "sys.addaudithook", Vec::new) {
        vm.catch(raised, &taipan_core::builtin_types::RUNTIME_ERROR)?;
        return Ok(());
    }
    vm.interpreter_state::<Hooks>()
        .0
        .borrow_mut()
        .push(hook.clone());
    Ok(())
}
