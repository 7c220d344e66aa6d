//! Compiles the whole standard library and checks every code object.

use std::path::{Path, PathBuf};

use taipan_bytecode::marshal;
use taipan_bytecode::verify::verify;
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
                let file = marshal::write_file(&compiled.code, 0, [0; 8]);
                match marshal::read_file(&file) {
                    Ok(code) if code == compiled.code => {}
                    Ok(_) => failures.push(format!("{name}: comes back different")),
                    Err(error) => {
                        failures.push(format!("{name}: {error}, {:?}", verify(&compiled.code)))
                    }
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
