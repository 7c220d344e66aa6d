//! Compiles the whole standard library and checks every code object.

use std::path::{Path, PathBuf};

use taipan_compiler::{Options, compile};
use taipan_syntax::Mode;

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|ext| ext == "py") {
            out.push(path);
        }
    }
}

#[test]
fn every_module_compiles_and_verifies() {
    let mut paths = Vec::new();
    sources(Path::new(rustpython_pylib::LIB_PATH), &mut paths);
    paths.sort();
    assert!(paths.len() > 500);
    let mut failures = Vec::new();
    for path in &paths {
        let Ok(text) = std::fs::read_to_string(path) else {
            continue;
        };
        let name = path.display().to_string();
        let parsed = match taipan_syntax::parse(&text, Mode::Exec, &Default::default()) {
            Ok(parsed) => parsed,
            Err(error) => {
                failures.push(format!("{name}: parse: {error}"));
                continue;
            }
        };
        match compile(&parsed, &name, &Options::default()) {
            Err(error) => failures.push(format!("{name}: {error}")),
            Ok(compiled) => {
                if let Err(error) = taipan_bytecode::verify::verify(&compiled.code) {
                    failures.push(format!("{name}: {error}"));
                }
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} failed:\n{}",
        failures.len(),
        paths.len(),
        failures.join("\n")
    );
}
