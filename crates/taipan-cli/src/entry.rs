//! The entry point is C's: what Rust does before `main` a Python program could tell. It opens closed standard streams, ignores
//! SIGPIPE, and handles faults.

use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

/// The exit status of a panic.
const PANICKED: u8 = 101;

/// The entry point.
///
/// # Safety
/// Called by the C library, with as many arguments as it says.
#[expect(unsafe_code, reason = "the entry point is C's")]
// SAFETY: there is one function of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    let args = (0..usize::try_from(argc).unwrap_or(0)).map(|index| {
        // SAFETY: the C library's promise: so many C strings.
        let text = unsafe { CStr::from_ptr(*argv.add(index)) };
        OsString::from(OsStr::from_bytes(text.to_bytes()))
    });
    let args: Vec<OsString> = args.collect();
    let status = std::panic::catch_unwind(|| crate::run(args)).unwrap_or(PANICKED);
    let _ = std::io::stdout().flush();
    taipan::stop_releasing();
    status.into()
}
