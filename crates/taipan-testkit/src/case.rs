//! The cases: a `.py` file passes when its process ends with status 0, a block of a `.md` page when it prints what the page says.

use crate::literate::{self, Block, Kind};
use crate::mode::Mode;
use crate::process::{Outcome, Run};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Folders of `tests/` that hold programs.
const FOLDERS: [&str; 4] = ["lang", "types", "stdlib", "reentry"];

/// One program.
#[derive(Clone, Debug)]
pub struct Case {
    /// `types/list.py`, or `lang/functions.md#12`, where 12 is the line at which the block starts.
    pub name: String,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    File(PathBuf),
    Block(Block),
}

/// All programs, by name.
pub fn discover(root: &Path) -> Vec<Case> {
    let mut cases = Vec::new();
    for folder in FOLDERS {
        let Ok(entries) = std::fs::read_dir(root.join("tests").join(folder)) else {
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            let Some(file) = path
                .file_name()
                .map(|file| file.to_string_lossy().into_owned())
            else {
                continue;
            };
            let name = format!("{folder}/{file}");
            if file.ends_with(".py") {
                cases.push(Case {
                    name,
                    what: What::File(path),
                });
            } else if file.ends_with(".md") {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                let blocks = literate::blocks(&text);
                let block = |block: Block| Case {
                    name: format!("{name}#{}", block.line),
                    what: What::Block(block),
                };
                cases.extend(blocks.into_iter().map(block));
            }
        }
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

impl Case {
    /// Runs it; the error is a report for people.
    pub fn run(&self, interpreter: &Path, mode: Mode) -> Result<(), String> {
        match &self.what {
            What::File(path) => run_file(path, interpreter, mode),
            What::Block(block) => run_block(block, interpreter, mode),
        }
    }
}

fn run_file(path: &Path, interpreter: &Path, mode: Mode) -> Result<(), String> {
    let folder = Folder::create()?;
    let arguments = vec![path.to_string_lossy().into_owned()];
    let outcome = Run {
        interpreter,
        arguments,
        folder: &folder.path,
        input: "",
        mode,
    }
    .run()?;
    if outcome.status.success() {
        Ok(())
    } else {
        Err(report(&outcome))
    }
}

fn run_block(block: &Block, interpreter: &Path, mode: Mode) -> Result<(), String> {
    let folder = Folder::create()?;
    let (arguments, input) = match block.kind {
        Kind::Program => {
            let file = folder.path.join("example.py");
            std::fs::write(&file, &block.source).map_err(|error| error.to_string())?;
            (vec!["example.py".to_string()], String::new())
        }
        Kind::Session => (
            vec!["-q".to_string(), "-i".to_string()],
            block.source.clone(),
        ),
    };
    let outcome = Run {
        interpreter,
        arguments,
        folder: &folder.path,
        input: &input,
        mode,
    }
    .run()?;
    let folder_text = format!("{}/", folder.path.display());
    let printed = outcome.output.replace(&folder_text, "");
    // The page does not say how a session ends: with the prompt that meets the end of the input.
    let printed = match block.kind {
        Kind::Session => {
            printed
                .trim_end()
                .trim_end_matches(">>>")
                .trim_end()
                .to_string()
                + "\n"
        }
        Kind::Program => printed,
    };
    if printed.trim_end() != block.expected.trim_end() {
        return Err(difference(&block.expected, &printed));
    }
    let fails = block
        .expected
        .contains("Traceback (most recent call last):")
        || block.fails;
    if block.kind == Kind::Program && outcome.status.success() == fails {
        return Err(format!("ended with {}", outcome.status));
    }
    Ok(())
}

fn report(outcome: &Outcome) -> String {
    format!("{}\n{}", outcome.status, outcome.output)
}

fn difference(expected: &str, printed: &str) -> String {
    let mut text = String::from("the output differs (- expected, + printed)\n");
    let (mut left, mut right) = (expected.lines(), printed.lines());
    loop {
        match (left.next(), right.next()) {
            (None, None) => return text,
            (a, b) if a == b => text += &format!("  {}\n", a.unwrap_or_default()),
            (a, b) => {
                text += &a.map(|line| format!("- {line}\n")).unwrap_or_default();
                text += &b.map(|line| format!("+ {line}\n")).unwrap_or_default();
            }
        }
    }
}

/// An empty folder for one run, deleted afterwards.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn create() -> Result<Folder, String> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("taipan-test-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| error.to_string())?;
        Ok(Folder {
            path: std::fs::canonicalize(&path).unwrap_or(path),
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
