//! The runner of test programs: `.py` files that assert, and pages of `.md` with programs, prompts and what they print.
//!
//! It knows an interpreter only as a command, so the same cases run on CPython (`TAIPAN_BIN=python3.14`). See `tests/README.md`.

pub mod case;
pub mod expectations;
pub mod literate;
pub mod mode;
pub mod process;

use case::Case;
use expectations::Expectations;
use libtest_mimic::{Arguments, Failed, Trial};
use mode::Mode;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// The folder that holds the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::canonicalize(&here).unwrap_or(here)
}

/// Runs all test programs with the interpreter at `built`, or the one that `TAIPAN_BIN` names.
pub fn main(built: &Path) -> ExitCode {
    let arguments = Arguments::from_args();
    let root = root();
    let interpreter = match std::env::var_os("TAIPAN_BIN") {
        Some(named) => absolute(&root, Path::new(&named)),
        None => built.to_path_buf(),
    };
    let expectations = match Expectations::read(&root.join("tests/expectations.toml")) {
        Ok(expectations) => Arc::new(expectations),
        Err(message) => {
            eprintln!("tests/expectations.toml: {message}");
            return ExitCode::FAILURE;
        }
    };
    let modes = match mode::chosen() {
        Ok(modes) => modes,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    let cases = case::discover(&root);
    let missing = expectations.unknown_files(&root);
    if cases.is_empty() || !missing.is_empty() {
        eprintln!("no test programs, or expectations about files that do not exist: {missing:?}");
        return ExitCode::FAILURE;
    }
    let mut trials = Vec::new();
    for mode in modes {
        for case in &cases {
            trials.push(trial(case.clone(), mode, &interpreter, &expectations));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A command is searched for in `PATH`; a path is relative to the workspace, wherever cargo runs the tests.
fn absolute(root: &Path, named: &Path) -> PathBuf {
    if named.components().count() == 1 {
        named.to_path_buf()
    } else {
        root.join(named)
    }
}

fn trial(case: Case, mode: Mode, interpreter: &Path, expectations: &Arc<Expectations>) -> Trial {
    let name = match mode {
        Mode::Plain => case.name.clone(),
        other => format!("{}/{}", other.name(), case.name),
    };
    let interpreter = interpreter.to_path_buf();
    let expectations = expectations.clone();
    Trial::test(name, move || {
        judge(&case, mode, &interpreter, &expectations)
    })
}

/// A known failure must fail: once it passes, its line has to go.
fn judge(
    case: &Case,
    mode: Mode,
    interpreter: &Path,
    expectations: &Expectations,
) -> Result<(), Failed> {
    let outcome = case.run(interpreter, mode);
    match (outcome, expectations.reason(&case.name, mode)) {
        (Ok(()), None) => Ok(()),
        (Err(report), None) => Err(report.into()),
        (Err(_), Some(_)) => Ok(()),
        (Ok(()), Some(reason)) => Err(format!(
            "it passes now: take it out of tests/expectations.toml (it was expected to fail: {reason})"
        )
        .into()),
    }
}
