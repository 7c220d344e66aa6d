//! The command line, with `python3`'s grammar: the first argument that is no option, `-c` or `-m` ends the options.

use crate::failure::Failure;
use crate::help;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use taipan::{Flags, Program};

/// What the command line asks for.
pub enum Action {
    Run(Box<Arguments>),
    Print(String),
}

/// The command line, taken apart.
#[derive(Default)]
pub struct Arguments {
    pub words: Vec<OsString>,
    pub flags: Flags,
    pub unbuffered: bool,
    pub skip_first_line: bool,
    pub check_hash_based_pycs: Option<String>,
    pub warn_options: Vec<OsString>,
    pub x_options: Vec<(OsString, Option<OsString>)>,
    /// `None`: standard input, without a `-`.
    pub program: Option<Program>,
    /// `sys.argv`
    pub argv: Vec<OsString>,
}

impl Arguments {
    /// The first `-X` option of this name: its value, if it has one.
    pub fn x_option(&self, name: &str) -> Option<Option<&OsStr>> {
        self.x_options
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_deref())
    }

    /// The name that the command was started by.
    pub fn program_name(&self) -> String {
        let name = self.words.first().map(OsString::as_os_str);
        name.unwrap_or(OsStr::new("taipan"))
            .to_string_lossy()
            .into_owned()
    }
}

/// Reads the options one by one.
struct Scanner {
    words: Vec<OsString>,
    /// The word that is read next.
    at: usize,
    /// What is left of a word with several options.
    rest: Vec<u8>,
}

impl Scanner {
    /// The value of an option: the rest of its word, or the next one.
    fn value(&mut self) -> Option<OsString> {
        if !self.rest.is_empty() {
            return Some(OsString::from_vec(std::mem::take(&mut self.rest)));
        }
        let word = self.words.get(self.at)?.clone();
        self.at += 1;
        Some(word)
    }
}

/// Reads the command line.
pub fn parse(words: Vec<OsString>) -> Result<Action, Failure> {
    let mut found = Arguments {
        words: words.clone(),
        ..Arguments::default()
    };
    let name = found.program_name();
    let usage = |message: String| Failure::Usage {
        program: name.clone(),
        message,
    };
    let mut version = 0;
    let mut scanner = Scanner {
        words,
        at: 1,
        rest: Vec::new(),
    };
    'words: while let Some(word) = scanner.words.get(scanner.at).cloned() {
        let bytes = word.as_bytes();
        if bytes == b"-" || !bytes.starts_with(b"-") {
            break;
        }
        scanner.at += 1;
        if bytes == b"--" {
            break;
        }
        if bytes.starts_with(b"--") {
            if let Some(text) =
                long_option(&word, &mut scanner, &mut found, &mut version).map_err(&usage)?
            {
                return Ok(Action::Print(text));
            }
            continue;
        }
        scanner.rest = bytes[1..].to_vec();
        while !scanner.rest.is_empty() {
            let option = scanner.rest.remove(0);
            match option {
                b'c' | b'm' | b'W' | b'X' => {
                    let Some(value) = scanner.value() else {
                        let option = char::from(option);
                        return Err(usage(format!("Argument expected for the -{option} option")));
                    };
                    if take_value(&mut found, option, value) {
                        break 'words;
                    }
                }
                b'h' | b'?' => return Ok(Action::Print(help::usage(&name))),
                b'V' => version += 1,
                other => {
                    if !take_flag(&mut found, other) {
                        let shown = String::from_utf8_lossy(&[other]).into_owned();
                        return Err(usage(format!("Unknown option: -{shown}")));
                    }
                }
            }
        }
    }
    if version > 0 {
        return Ok(Action::Print(help::version(version)));
    }
    let rest = scanner.words.get(scanner.at..).unwrap_or(&[]).to_vec();
    take_program(&mut found, rest);
    Ok(Action::Run(Box::new(found)))
}

/// An option of two dashes; gives what is to be printed, if that is all.
fn long_option(
    word: &OsStr,
    scanner: &mut Scanner,
    found: &mut Arguments,
    version: &mut u8,
) -> Result<Option<String>, String> {
    let name = found.program_name();
    match word.as_bytes() {
        b"--help" => Ok(Some(help::usage(&name))),
        b"--help-env" => Ok(Some(help::environment())),
        b"--help-xoptions" => Ok(Some(help::x_options())),
        b"--help-all" => Ok(Some(help::all(&name))),
        b"--version" => {
            *version += 1;
            Ok(None)
        }
        b"--check-hash-based-pycs" => match scanner.value() {
            None => Err("Argument expected for the --check-hash-based-pycs options".into()),
            Some(mode) => match mode.to_str() {
                Some(mode @ ("default" | "always" | "never")) => {
                    found.check_hash_based_pycs = Some(mode.into());
                    Ok(None)
                }
                _ => Err(
                    "--check-hash-based-pycs must be one of 'default', 'always', or 'never'".into(),
                ),
            },
        },
        _ => Err(format!("Unknown option: {}", word.to_string_lossy())),
    }
}

/// An option with a value; true if it ends the options.
fn take_value(found: &mut Arguments, option: u8, value: OsString) -> bool {
    match option {
        b'c' => {
            let mut text = value;
            text.push("\n");
            found.program = Some(Program::Command(text));
            return true;
        }
        b'm' => {
            found.program = Some(Program::Module(value));
            return true;
        }
        b'W' => found.warn_options.push(value),
        _ => {
            let bytes = value.as_bytes();
            let option = match bytes.iter().position(|byte| *byte == b'=') {
                Some(at) => (
                    OsStr::from_bytes(&bytes[..at]).into(),
                    Some(OsStr::from_bytes(&bytes[at + 1..]).into()),
                ),
                None => (value, None),
            };
            found.x_options.push(option);
        }
    }
    false
}

/// An option without a value; false if there is none of this name.
fn take_flag(found: &mut Arguments, option: u8) -> bool {
    let flags = &mut found.flags;
    let more = |level: &mut u8| *level = level.saturating_add(1);
    match option {
        b'b' => more(&mut flags.bytes_warning),
        b'B' => flags.dont_write_bytecode = true,
        b'd' => more(&mut flags.debug),
        b'E' => flags.ignore_environment = true,
        b'i' => {
            more(&mut flags.inspect);
            more(&mut flags.interactive);
        }
        b'I' => {
            flags.isolated = true;
            flags.ignore_environment = true;
            flags.no_user_site = true;
            flags.safe_path = true;
        }
        b'O' => more(&mut flags.optimize),
        b'P' => flags.safe_path = true,
        b'q' => more(&mut flags.quiet),
        b'R' => flags.force_random_hashes = true,
        // Tabs are always checked.
        b't' => {}
        b's' => flags.no_user_site = true,
        b'S' => flags.no_site = true,
        b'u' => found.unbuffered = true,
        b'v' => more(&mut flags.verbose),
        b'x' => found.skip_first_line = true,
        _ => return false,
    }
    true
}

/// What to run, if no option said so, and the program's own arguments.
fn take_program(found: &mut Arguments, rest: Vec<OsString>) {
    let mut rest = rest.into_iter();
    let first: OsString = match &found.program {
        Some(Program::Command(_)) => "-c".into(),
        Some(_) => "-m".into(),
        None => match rest.next() {
            Some(word) => {
                found.program = Some(if word == "-" {
                    Program::Stdin
                } else {
                    Program::File(word.clone())
                });
                word
            }
            None => OsString::new(),
        },
    };
    found.argv = std::iter::once(first).chain(rest).collect();
}
