//! Each source in `tests/golden/bytecode` has a listing beside it. `UPDATE=1` rewrites the listings.

use std::fs;
use std::path::{Path, PathBuf};

use taipan_bytecode::disassemble::disassemble;
use taipan_bytecode::verify::verify;
use taipan_compiler::{Options, compile};
use taipan_syntax::Mode;

fn listing(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let compiled = taipan_syntax::parse(&text, Mode::Exec, &Default::default())
        .and_then(|parsed| compile(&parsed, "golden.py", &Options::default()));
    match compiled {
        Ok(compiled) => {
            assert_eq!(verify(&compiled.code), Ok(()), "{}", path.display());
            disassemble(&compiled.code, true)
        }
        Err(error) => format!("{error}\n"),
    }
}

#[test]
fn listings_are_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/bytecode");
    let entries = fs::read_dir(&folder).expect("the folder of goldens");
    let mut sources: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    sources.retain(|path| path.extension().is_some_and(|ext| ext == "py"));
    sources.sort();
    assert!(!sources.is_empty());
    let update = std::env::var_os("UPDATE").is_some_and(|value| value == "1");
    let mut stale = Vec::new();
    for source in &sources {
        let golden = source.with_extension("txt");
        let now = listing(source);
        if fs::read_to_string(&golden).unwrap_or_default() == now {
            continue;
        }
        if update {
            fs::write(&golden, now).expect("the golden can be written");
        } else {
            stale.push(
                source
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default(),
            );
        }
    }
    assert!(
        stale.is_empty(),
        "listings changed (UPDATE=1 rewrites them): {stale:?}"
    );
}

/// The listing on the slide: bytes, constants and names.
#[test]
fn the_seminar_function() {
    let parsed = taipan_syntax::parse(
        "def foo(x, y): return x * y + 17\n",
        Mode::Exec,
        &Default::default(),
    )
    .expect("it parses");
    let module = compile(&parsed, "slide.py", &Options::default())
        .expect("it compiles")
        .code;
    let foo = module
        .consts
        .iter()
        .find_map(|value| match value {
            taipan_bytecode::Constant::Code(code) => Some(code),
            _ => None,
        })
        .expect("the function's code");
    let bytes = [0x7c, 0, 0x7c, 1, 0x14, 0, 0x64, 1, 0x17, 0, 0x53, 0];
    assert_eq!(foo.bytecode[..], bytes);
    assert_eq!(
        foo.consts,
        [
            taipan_bytecode::Constant::None,
            taipan_bytecode::Constant::Int(17)
        ]
    );
    assert_eq!(
        foo.varnames.iter().map(|name| &**name).collect::<Vec<_>>(),
        ["x", "y"]
    );
}
