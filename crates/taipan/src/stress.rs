//! Stress modes (`TAIPAN_STRESS`): they make rare things happen all the time, so that broken rules show. Several are given
//! with commas: `gc-zeal` collects at safepoints (see [`zeal_is_due`]), `stack-tight` leaves little native stack, `quick` specialises instructions at
//! their first run, `counts` checks all reference counts against the edges of the heap when the program ends.

use taipan_core::Vm;
use taipan_core::latch::LatchCell;
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

/// How often each place in code was reached, by a hash of the place.
struct Visits(Box<[LatchCell<u32>; 4096]>);

impl Default for Visits {
    fn default() -> Visits {
        Visits(Box::new([const { LatchCell::new(0) }; 4096]))
    }
}

/// Does `gc-zeal` collect at this safepoint? Always for the first few times that a place in code is reached, then each time the
/// number of visits doubles: a collection walks the whole heap, and the tenth-thousandth at one place shows nothing new.
/// A program that has switched automatic collection off is left alone.
pub fn zeal_is_due(vm: &Vm) -> bool {
    if !vm.interpreter().gc.is_enabled() {
        return false;
    }
    let place = taipan_interp::frame::place(vm) as u64;
    let hash = (place.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 52) as usize;
    let visits = &vm.interpreter_state::<Visits>().0[hash];
    let count = visits.get().saturating_add(1);
    visits.set(count);
    count <= 8 || count.is_power_of_two()
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
