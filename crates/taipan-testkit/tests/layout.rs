//! The layout drawn in `docs/architecture.md`: no crate uses one above it, no file is too long.

use std::path::{Path, PathBuf};

/// From the bottom up: a crate may use those before it only.
const ORDER: [&str; 15] = [
    "taipan-base",
    "taipan-decimal",
    "taipan-syntax",
    "taipan-bytecode",
    "taipan-compiler",
    "taipan-core",
    "taipan-types",
    "taipan-interp",
    "taipan-stdlib",
    "taipan-xml",
    "taipan-bindings",
    "taipan-lib",
    "taipan",
    "taipan-cli",
    "taipan-testkit",
];

/// What may not be used although it stands below.
const APART: [(&str, &str); 4] = [
    ("taipan-bytecode", "taipan-syntax"),
    ("taipan-core", "taipan-compiler"),
    ("taipan-types", "taipan-compiler"),
    ("taipan-interp", "taipan-compiler"),
];

/// Tables and generated data, which may be longer.
const LONG: [&str; 0] = [];
const MOST_LINES: usize = 1500;

fn dependencies(manifest: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut counts = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            counts = line == "[dependencies]" || line == "[build-dependencies]";
        } else if counts && line.starts_with("taipan") {
            found.push(
                line.split([' ', '.', '='])
                    .next()
                    .unwrap_or_default()
                    .to_string(),
            );
        }
    }
    found
}

#[test]
fn nothing_depends_upwards() {
    let root = taipan_testkit::root();
    let place = |name: &str| ORDER.iter().position(|own| *own == name);
    let mut seen = 0;
    for entry in std::fs::read_dir(root.join("crates"))
        .expect("crates")
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        let own = place(&name).unwrap_or_else(|| panic!("{name} has no place in the order"));
        let manifest = std::fs::read_to_string(entry.path().join("Cargo.toml")).unwrap_or_default();
        for used in dependencies(&manifest) {
            assert!(
                place(&used).is_some_and(|used| used < own),
                "{name} uses {used}"
            );
            assert!(
                !APART.contains(&(name.as_str(), used.as_str())),
                "{name} uses {used}"
            );
        }
        seen += 1;
    }
    assert_eq!(seen, ORDER.len());
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            sources(&path, found);
        } else if path
            .extension()
            .is_some_and(|ext| ext == "rs" || ext == "py")
        {
            found.push(path);
        }
    }
}

#[test]
fn no_file_is_too_long() {
    let root = taipan_testkit::root();
    let mut found = Vec::new();
    for folder in ["crates", "lib", "fuzz", "benches", "examples", "tools"] {
        sources(&root.join(folder), &mut found);
    }
    let mut long = Vec::new();
    for path in &found {
        let lines = std::fs::read_to_string(path)
            .unwrap_or_default()
            .lines()
            .count();
        if lines > MOST_LINES && !LONG.iter().any(|allowed| path.ends_with(allowed)) {
            long.push(format!("{}: {lines} lines", path.display()));
        }
    }
    assert!(found.len() > 200);
    assert!(long.is_empty(), "{}", long.join("\n"));
}
