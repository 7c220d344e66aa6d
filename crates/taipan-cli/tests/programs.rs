//! Runs the programs of `tests/` with the built `taipan`. See `tests/README.md`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    taipan_testkit::main(Path::new(env!("CARGO_BIN_EXE_taipan")))
}
