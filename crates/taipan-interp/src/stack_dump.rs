//! Reading the frames of a thread wherever it happens to be, for fault handlers: nothing is allocated, no lock is taken, nothing is
//! changed, so that it works in a signal handler.

use crate::frame::Frame;
use taipan_core::Thread;

/// A call, as tracebacks show it.
pub struct Call<'a> {
    pub filename: &'a str,
    /// 0 if the instruction has no line.
    pub line: u32,
    pub name: &'a str,
}

/// Calls `each` for every frame of a thread from the innermost out, until it answers false.
///
/// # Safety
/// The thread is the calling one, or it runs no Python code meanwhile.
pub unsafe fn calls(thread: &Thread, mut each: impl FnMut(Call<'_>) -> bool) {
    let mut frame = thread.frame.get() as *const Frame;
    // SAFETY: frames on the chain are live, and their functions keep the code.
    while let Some(here) = unsafe { frame.as_ref() } {
        let code = here.code();
        let call = Call {
            filename: &code.code.filename,
            line: here.line(),
            name: &code.code.name,
        };
        if !each(call) {
            return;
        }
        frame = here.previous;
    }
}
