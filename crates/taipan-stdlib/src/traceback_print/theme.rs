//! The colours of tracebacks on terminals.

use super::{attribute, sys_item};
use std::env::var_os;
use taipan_core::{Value, Vm, name};

/// Escape sequences by what they colour; all empty where there is no colour.
pub(super) struct Theme {
    pub kind: &'static str,
    pub message: &'static str,
    pub place: &'static str,
    /// Under `^`.
    pub highlight: &'static str,
    /// Under `~`.
    pub range: &'static str,
    pub reset: &'static str,
}

pub(super) static PLAIN: Theme = Theme {
    kind: "",
    message: "",
    place: "",
    highlight: "",
    range: "",
    reset: "",
};

pub(super) static COLOURED: Theme = Theme {
    kind: "\x1b[1;35m",
    message: "\x1b[35m",
    place: "\x1b[35m",
    highlight: "\x1b[1;31m",
    range: "\x1b[31m",
    reset: "\x1b[0m",
};

impl Theme {
    /// `File "...", line N` without what comes before and after.
    pub fn file_and_line(&self, file: &str, line: &str) -> String {
        let Theme { place, reset, .. } = self;
        format!("File {place}\"{file}\"{reset}, line {place}{line}{reset}")
    }

    /// The last line.
    pub fn kind_and_message(&self, kind: &str, message: &str) -> String {
        let reset = self.reset;
        let kind = format!("{}{kind}{reset}", self.kind);
        if message.is_empty() {
            kind
        } else {
            format!("{kind}: {}{message}{reset}", self.message)
        }
    }

    /// A line of source and the signs below it, coloured where there are signs.
    pub fn underline(&self, line: &[char], signs: &str) -> (String, String) {
        let signs: Vec<char> = signs.chars().collect();
        let (mut top, mut bottom) = (String::new(), String::new());
        let mut at = 0;
        while at < signs.len() {
            let sign = signs[at];
            let end = at
                + signs[at..]
                    .iter()
                    .take_while(|other| **other == sign)
                    .count();
            let (on, off) = match sign {
                '^' => (self.highlight, self.reset),
                '~' => (self.range, self.reset),
                _ => ("", ""),
            };
            let part: String = line
                .get(at..end.min(line.len()))
                .unwrap_or(&[])
                .iter()
                .collect();
            top.push_str(&format!("{on}{part}{off}"));
            let run: String = signs[at..end].iter().collect();
            bottom.push_str(&format!("{on}{run}{off}"));
            at = end;
        }
        top.extend(line.get(at..).unwrap_or(&[]));
        (top, bottom)
    }
}

/// The theme for text that goes to `sys.stderr`.
pub(super) fn of_stderr(vm: &mut Vm) -> &'static Theme {
    if wants_colour(vm) { &COLOURED } else { &PLAIN }
}

fn wants_colour(vm: &mut Vm) -> bool {
    let flags = sys_item(vm, name!("flags"));
    let ignores = flags.and_then(|flags| attribute(vm, &flags, name!("ignore_environment")));
    if ignores.is_none_or(|flag| flag.as_i64() == Some(0)) {
        match var_os("PYTHON_COLORS")
            .as_deref()
            .and_then(std::ffi::OsStr::to_str)
        {
            Some("0") => return false,
            Some("1") => return true,
            _ => {}
        }
    }
    let set = |name: &str| var_os(name).is_some_and(|value| !value.is_empty());
    if set("NO_COLOR") {
        return false;
    }
    if set("FORCE_COLOR") {
        return true;
    }
    if var_os("TERM").is_some_and(|term| term == "dumb") {
        return false;
    }
    let Some(file) = sys_item(vm, name!("stderr")) else {
        return false;
    };
    let Some(isatty) = attribute(vm, &file, name!("isatty")) else {
        return false;
    };
    match vm.call(&isatty, &[]) {
        Ok(answer) => answer.is_true(),
        Err(raised) => {
            drop::<Value>(vm.take_raised(raised));
            false
        }
    }
}
