//! What documents say must be so: paths exist, the opcode page is that of the table, invariants are those that the code cites.
//! `UPDATE=1` rewrites the opcode page.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use taipan_bytecode::ops::{OPS, OpFlags, OperandKind};

fn root() -> PathBuf {
    taipan_testkit::root()
}

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() {
            if name != "target" && name != ".git" {
                files(&path, extension, found);
            }
        } else if path.extension().is_some_and(|own| own == extension) {
            found.push(path);
        }
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// What stands between backquotes and begins with a folder of the workspace.
fn named_paths(text: &str) -> Vec<&str> {
    const FOLDERS: [&str; 8] = [
        "crates/",
        "docs/",
        "tests/",
        "lib/",
        "examples/",
        "benches/",
        "fuzz/",
        "tools/",
    ];
    let inside = text.split('`').skip(1).step_by(2);
    let looks_like_path = |word: &&str| {
        FOLDERS.iter().any(|folder| word.starts_with(folder))
            && !word.contains(['*', ' ', '{', '<', '\n'])
            && !word.contains("NAME")
    };
    inside.filter(looks_like_path).collect()
}

#[test]
fn paths_in_documents_exist() {
    let root = root();
    let mut pages = Vec::new();
    files(&root, "md", &mut pages);
    let mut missing = Vec::new();
    for page in &pages {
        for path in named_paths(&read(page)) {
            // Finds are made by fuzzing, and not kept.
            if !root.join(path).exists() && !path.starts_with("fuzz/finds") {
                missing.push(format!("{}: {path}", page.display()));
            }
        }
    }
    assert!(pages.len() > 10);
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

fn flag_text(flags: OpFlags) -> String {
    let names = [
        (OpFlags::JUMPS, "jumps"),
        (OpFlags::ENDS_BLOCK, "ends the block"),
        (OpFlags::RAISES, "may raise"),
        (OpFlags::RUNS_PYTHON, "may run Python"),
        (OpFlags::SUSPENDS, "suspends"),
    ];
    let set = names.into_iter().filter(|(flag, _)| flags.contains(*flag));
    set.map(|(_, text)| text).collect::<Vec<_>>().join(", ")
}

fn opcode_page() -> String {
    let mut page = String::from(
        "# Opcodes\n\n\
         This page is generated from the table in `crates/taipan-bytecode/src/ops.rs`; a test compares the two.\n\
         `(before -- after)` shows the top of the stack, the topmost item last. The operand of an instruction without one is ignored.\n\n\
         | Number | Name | Operand | What it does | Facts |\n|---|---|---|---|---|\n",
    );
    let mut rows: Vec<_> = OPS.iter().collect();
    rows.sort_by_key(|info| info.op as u8);
    for info in rows {
        let operand = match info.operand {
            OperandKind::None => String::new(),
            kind => format!("{kind:?}"),
        };
        page += &format!(
            "| {0} `0x{0:02x}` | `{1}` | {operand} | {2} | {3} |\n",
            info.op as u8,
            info.name,
            info.doc.replace('|', "\\|"),
            flag_text(info.flags)
        );
    }
    page
}

#[test]
fn the_opcode_page_is_that_of_the_table() {
    let path = root().join("docs/internals/opcodes.md");
    let now = opcode_page();
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        std::fs::write(&path, &now).expect("the page can be written");
    }
    assert!(
        read(&path) == now,
        "UPDATE=1 rewrites docs/internals/opcodes.md"
    );
}

/// All `I-NAME-N` in a text.
fn cited(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("I-") {
        let preceded = text[..at]
            .chars()
            .next_back()
            .is_some_and(|c| c.is_alphanumeric());
        let rest = &text[at + 2..];
        let name: String = rest.chars().take_while(char::is_ascii_uppercase).collect();
        let Some(number) = rest[name.len()..].strip_prefix('-') else {
            continue;
        };
        let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
        if !preceded && !name.is_empty() && !digits.is_empty() {
            found.insert(format!("I-{name}-{digits}"));
        }
    }
    found
}

#[test]
fn invariants_are_those_that_the_code_cites() {
    let root = root();
    let listed = cited(&read(&root.join("docs/internals/invariants.md")));
    let mut sources = Vec::new();
    for name in ["core", "types", "interp", "stdlib"] {
        files(
            &root.join(format!("crates/taipan-{name}/src")),
            "rs",
            &mut sources,
        );
    }
    let in_code: BTreeSet<String> = sources.iter().flat_map(|path| cited(&read(path))).collect();
    assert_eq!(
        listed, in_code,
        "left: docs/internals/invariants.md, right: the code"
    );
}

/// The commands that the README promises are those that are checked for each change.
#[test]
fn the_checks_run_the_commands_of_the_readme() {
    let root = root();
    let (readme, checks) = (read(&root.join("README.md")), read(&root.join(".ci/run")));
    let commands: Vec<&str> = readme
        .split("```sh\n")
        .skip(1)
        .filter_map(|block| block.lines().next())
        .take(2)
        .collect();
    assert_eq!(commands.len(), 2);
    for command in commands {
        assert!(checks.contains(command), ".ci/run does not run: {command}");
    }
}
