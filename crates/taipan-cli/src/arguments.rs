//! The command line, with `python3`'s grammar: the first argument that is no option, `-c` or `-m` ends the options.

use std::ffi::OsString;
use std::path::Path;
use taipan::{Config, Flags, Program};

/// What the command line asks for.
pub enum Action {
    Run(Box<Config>, Program),
    Print(String),
}

const USAGE: &str = "usage: taipan [option] ... [-c cmd | -m mod | file | -] [arg] ...";

/// The first line of the prompt.
pub fn banner() -> String {
    format!(
        "Taipan {} (Python 3.14) on {}\nType \"help\", \"copyright\", \"credits\" or \"license\" for more information.",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS
    )
}

/// Reads the command line; the error is what to print.
pub fn parse(words: Vec<OsString>) -> Result<Action, String> {
    let words: Vec<String> = words
        .into_iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let mut flags = Flags::default();
    let executable = executable();
    let prefix = prefix(&executable);
    let mut config = Config {
        orig_argv: words.clone(),
        executable,
        exec_prefix: prefix.clone(),
        base_prefix: prefix.clone(),
        base_exec_prefix: prefix.clone(),
        prefix,
        ..Config::default()
    };
    let mut at = 1;
    let mut program = None;
    'words: while let Some(word) = words.get(at) {
        if word == "-" || !word.starts_with('-') {
            break;
        }
        at += 1;
        match word.as_str() {
            "--" => break,
            "--help" => return Ok(Action::Print(help())),
            "--version" => return Ok(Action::Print(version())),
            _ => {}
        }
        let mut rest = word[1..].chars();
        while let Some(option) = rest.next() {
            // An option with a value takes the rest of the word, or the next one.
            let mut value = || {
                let tail: String = rest.by_ref().collect();
                if !tail.is_empty() {
                    return Ok(tail);
                }
                at += 1;
                words.get(at - 1).cloned().ok_or(format!(
                    "Argument expected for the -{option} option\n{USAGE}"
                ))
            };
            match option {
                'c' => {
                    program = Some(Program::Command(value()? + "\n"));
                    break 'words;
                }
                'm' => {
                    program = Some(Program::Module(value()?));
                    break 'words;
                }
                'W' => config.warn_options.push(value()?),
                'X' => {
                    let text = value()?;
                    config.x_options.push(match text.split_once('=') {
                        Some((key, value)) => (key.into(), Some(value.into())),
                        None => (text, None),
                    });
                }
                'b' => flags.bytes_warning += 1,
                'B' => flags.dont_write_bytecode = true,
                'd' => flags.debug = true,
                'E' => flags.ignore_environment = true,
                'h' | '?' => return Ok(Action::Print(help())),
                'i' => {
                    flags.inspect = true;
                    flags.interactive = true;
                }
                'I' => {
                    flags.isolated = true;
                    flags.ignore_environment = true;
                    flags.no_user_site = true;
                    flags.safe_path = true;
                }
                'O' => flags.optimize += 1,
                'P' => flags.safe_path = true,
                'q' => flags.quiet = true,
                's' => flags.no_user_site = true,
                'S' => flags.no_site = true,
                'u' => {}
                'v' => flags.verbose += 1,
                'V' => return Ok(Action::Print(version())),
                'x' => {}
                other => {
                    return Err(format!(
                        "unknown option -{other}\n{USAGE}\nTry `taipan -h' for more information."
                    ));
                }
            }
        }
    }
    let (program, first) = match program {
        Some(Program::Command(text)) => (Program::Command(text), "-c".to_string()),
        Some(other) => (other, "-m".to_string()),
        None => match words.get(at) {
            Some(word) if word != "-" => {
                at += 1;
                (Program::File(word.clone()), word.clone())
            }
            Some(word) => {
                at += 1;
                (Program::Stdin, word.clone())
            }
            None => (Program::Stdin, String::new()),
        },
    };
    config.argv = std::iter::once(first)
        .chain(words.get(at..).unwrap_or(&[]).iter().cloned())
        .collect();
    if !flags.ignore_environment {
        environment(&mut flags, &mut config);
    }
    config.flags = flags;
    Ok(Action::Run(Box::new(config), program))
}

/// What environment variables add.
fn environment(flags: &mut Flags, config: &mut Config) {
    let read = |key: &str| std::env::var(key).ok().filter(|value| !value.is_empty());
    if let Some(path) = read("PYTHONPATH") {
        config.path.extend(path.split(':').map(str::to_string));
    }
    flags.dont_write_bytecode |= read("PYTHONDONTWRITEBYTECODE").is_some();
    flags.no_user_site |= read("PYTHONNOUSERSITE").is_some();
    flags.safe_path |= read("PYTHONSAFEPATH").is_some();
    if let Some(level) = read("PYTHONOPTIMIZE") {
        flags.optimize = flags.optimize.max(level.parse().unwrap_or(1));
    }
    if let Some(seed) = read("PYTHONHASHSEED")
        && seed != "random"
        && let Ok(seed) = seed.parse::<u32>()
    {
        flags.hash_randomization = seed != 0;
        taipan::set_hash_seed(seed);
    }
}

fn executable() -> String {
    std::env::current_exe()
        .map(|path| path.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// The folder that holds `bin` with the executable in it, or else the executable's own: packages are looked for below it.
fn prefix(executable: &str) -> String {
    let folder = Path::new(executable).parent().unwrap_or(Path::new(""));
    let prefix = match folder.parent() {
        Some(above) if folder.ends_with("bin") => above,
        _ => folder,
    };
    prefix.to_string_lossy().into_owned()
}

fn version() -> String {
    format!("Python 3.14.10 (Taipan {})", env!("CARGO_PKG_VERSION"))
}

fn help() -> String {
    format!(
        "{USAGE}\n\
         -b     : issue warnings about str(bytes) and comparing bytes with str\n\
         -B     : don't write .pyc files on import\n\
         -c cmd : program passed in as string (terminates option list)\n\
         -d     : turn on parser debugging output\n\
         -E     : ignore PYTHON* environment variables\n\
         -h     : print this help message and exit\n\
         -i     : prompt even if standard input is no terminal\n\
         -I     : isolate from the user's environment (implies -E, -P and -s)\n\
         -m mod : run library module as a script (terminates option list)\n\
         -O     : remove assert statements; -OO: docstrings too\n\
         -P     : don't prepend a potentially unsafe path to sys.path\n\
         -q     : don't print version messages at the prompt\n\
         -s     : don't add the user's site folder to sys.path\n\
         -S     : don't imply 'import site'\n\
         -u     : unbuffered binary streams\n\
         -v     : trace import statements\n\
         -V     : print the version and exit\n\
         -W arg : warning control\n\
         -X opt : implementation-specific option\n\
         file   : program read from script file\n\
         -      : program read from stdin"
    )
}
