//! `tests/expectations.toml`: the programs that are known to fail, each with the reason.
//!
//! ```toml
//! [all]                                   # fails in each mode
//! "types/example.py" = "why"
//! [gc-zeal]                               # fails in this mode only
//! "stdlib/example.py" = "why"
//! ```
//!
//! Only this much of TOML is read: tables, and quoted keys with quoted values.

use crate::mode::Mode;
use std::path::Path;

/// The known failures.
#[derive(Debug, Default)]
pub struct Expectations {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    /// `None` stands for all modes.
    mode: Option<Mode>,
    name: String,
    reason: String,
}

impl Expectations {
    /// Reads the file; where there is none, everything must pass.
    pub fn read(path: &Path) -> Result<Expectations, String> {
        match std::fs::read_to_string(path) {
            Ok(text) => Expectations::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Expectations::default())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Reads the text of the file.
    pub fn parse(text: &str) -> Result<Expectations, String> {
        let mut entries = Vec::new();
        let mut mode = None;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            let wrong = || format!("line {}: {line}", number + 1);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(table) = line.strip_prefix('[') {
                let table = table.split(']').next().unwrap_or_default();
                mode = match Mode::ALL.into_iter().find(|mode| mode.name() == table) {
                    None if table == "all" => None,
                    None => return Err(wrong()),
                    found => found,
                };
                continue;
            }
            let (name, reason) = line.split_once(" = ").ok_or_else(wrong)?;
            let name = unquote(name).ok_or_else(wrong)?;
            let reason = unquote(reason)
                .filter(|reason| !reason.is_empty())
                .ok_or_else(wrong)?;
            entries.push(Entry { mode, name, reason });
        }
        Ok(Expectations { entries })
    }

    /// Why the case fails in this mode, if it is known to.
    pub fn reason(&self, name: &str, mode: Mode) -> Option<&str> {
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.name == name && entry.mode.is_none_or(|only| only == mode))?;
        Some(&entry.reason)
    }

    /// Entries whose file does not exist.
    pub fn unknown_files(&self, root: &Path) -> Vec<&str> {
        let names = self.entries.iter().map(|entry| entry.name.as_str());
        names
            .filter(|name| {
                !root
                    .join("tests")
                    .join(name.split('#').next().unwrap_or(name))
                    .exists()
            })
            .collect()
    }
}

fn unquote(text: &str) -> Option<String> {
    let inner = text.trim().strip_prefix('"')?.strip_suffix('"')?;
    Some(inner.replace("\\\"", "\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_name_modes() {
        let text = "# known\n[all]\n\"types/a.py\" = \"one\"\n\n[gc-zeal]\n\"types/b.py\" = \"say \\\"two\\\"\"\n";
        let expectations = Expectations::parse(text).expect("well formed");
        assert_eq!(expectations.reason("types/a.py", Mode::Quick), Some("one"));
        assert_eq!(
            expectations.reason("types/b.py", Mode::GcZeal),
            Some("say \"two\"")
        );
        assert_eq!(expectations.reason("types/b.py", Mode::Plain), None);
    }

    #[test]
    fn each_entry_has_a_reason() {
        assert!(Expectations::parse("[all]\n\"types/a.py\" = \"\"\n").is_err());
        assert!(Expectations::parse("[all]\ntypes/a.py\n").is_err());
        assert!(Expectations::parse("[jit]\n").is_err());
    }
}
