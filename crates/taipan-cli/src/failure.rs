//! Why the command ends before it has begun.

/// What is wrong with the command line or the environment.
pub enum Failure {
    /// A command line that cannot be read.
    Usage { program: String, message: String },
    /// A setting that makes no sense. `place` is where CPython finds that out: its messages name it.
    Setting {
        place: &'static str,
        message: String,
        /// Was the encoding of text being settled?
        early: bool,
    },
}

impl Failure {
    /// A bad setting.
    pub fn setting(place: &'static str, message: impl Into<String>) -> Failure {
        Failure::Setting {
            place,
            message: message.into(),
            early: false,
        }
    }

    /// A bad setting among those that are read first.
    pub fn early(place: &'static str, message: impl Into<String>) -> Failure {
        Failure::Setting {
            place,
            message: message.into(),
            early: true,
        }
    }

    /// Tells the user; the exit status.
    pub fn report(&self) -> u8 {
        match self {
            Failure::Usage { program, message } => {
                eprintln!(
                    "{message}\n{}\nTry `python -h' for more information.",
                    crate::help::usage_line(program)
                );
                2
            }
            Failure::Setting {
                place,
                message,
                early,
            } => {
                let place = if place.is_empty() {
                    String::new()
                } else {
                    format!("{place}: ")
                };
                let state = if *early {
                    "preinitializing"
                } else {
                    "preinitialized"
                };
                eprintln!("Fatal Python error: {place}{message}\nPython runtime state: {state}\n");
                1
            }
        }
    }
}
