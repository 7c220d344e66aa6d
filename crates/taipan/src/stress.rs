//! Stress modes (`TAIPAN_STRESS`): they make rare things happen all the time, so that broken rules show. Several are given
//! with commas: `gc-zeal` collects at each safepoint, `stack-tight` leaves little native stack, `quick` specialises instructions at
//! their first run, `counts` checks all reference counts against the edges of the heap when the program ends.

use taipan_core::Vm;
use taipan_core::vm::breaker;

/// Native stack left by `stack-tight`.
const TIGHT: usize = 512 * 1024;

fn is_on(mode: &str) -> bool {
    std::env::var("TAIPAN_STRESS").is_ok_and(|modes| modes.split(',').any(|own| own == mode))
}

/// What must be switched on before any code is compiled.
pub fn before_start(vm: &mut Vm) {
    if is_on("quick") {
        taipan_interp::quick::specialize_at_once();
    }
    if is_on("stack-tight") {
        let here = 0u8;
        vm.set_stack_limit((&raw const here as usize).saturating_sub(TIGHT));
    }
}

/// What starts with the program.
pub fn before_program(vm: &mut Vm) {
    if is_on("gc-zeal") {
        vm.request(breaker::ZEAL);
    }
}

/// What is checked at the end; false if something is wrong.
pub fn after_program(vm: &mut Vm) -> bool {
    if !is_on("counts") {
        return true;
    }
    match taipan_core::gc::verify_counts(vm) {
        Ok(()) => true,
        Err(message) => {
            eprintln!("reference counts: {message}");
            false
        }
    }
}
