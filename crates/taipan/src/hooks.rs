//! What core calls in the crates above it.

use std::sync::atomic::Ordering::Relaxed;
use taipan_core::vm::breaker;
use taipan_core::{Hooks, Py, Value, Vm, gc};

/// The hook table of every interpreter.
pub fn hooks() -> Hooks {
    Hooks {
        safepoint,
        unraisable: taipan_stdlib::sys::hooks::unraisable,
        frame,
        sequence_iterator: taipan_types::iterators::new_sequence_iterator,
        generic_alias: taipan_types::generic_alias::generic_alias_hook,
        mapping_proxy: taipan_types::dict::proxy::new_proxy,
        typing: taipan_stdlib::typing::function,
        python_buffer: taipan_types::python_buffer::lend,
        buffer_method: taipan_types::python_buffer::buffer_method,
        release_method: taipan_types::python_buffer::release_method,
        warn: taipan_stdlib::warnings::warn,
    }
}

/// Serves the eval breaker: merges of counts, the collector, signals.
fn safepoint(vm: &mut Vm) -> Py<()> {
    // TRACE is for the dispatch loop.
    let kept = breaker::ZEAL | breaker::TRACE;
    let asked = vm.thread().breaker.fetch_and(kept, Relaxed);
    if asked & breaker::THREADS != 0 {
        vm.serve_threads(asked);
    }
    if asked & breaker::ZEAL != 0 && crate::stress::zeal_is_due(vm) {
        gc::collect(vm, 2)?;
    } else if asked & breaker::COLLECT != 0 {
        gc::maybe_collect(vm);
    }
    if asked & breaker::SIGNAL != 0 {
        run_signals(vm)?;
    }
    Ok(())
}

/// Runs the Python handlers of signals that arrived.
fn run_signals(vm: &mut Vm) -> Py<()> {
    taipan_stdlib::_signal::run_pending(vm)
}

fn frame(vm: &mut Vm, depth: usize) -> Py<Option<Value>> {
    Ok(taipan_interp::frame_object::nth(vm, depth))
}
