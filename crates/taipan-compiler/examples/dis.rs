//! Lists the bytecode of a source file or of standard input.

use std::io::Read;

use taipan_compiler::{Options, compile};
use taipan_syntax::Mode;

fn main() {
    let mut text = String::new();
    let read = match std::env::args().nth(1) {
        Some(path) => std::fs::read_to_string(path).map(|content| text = content),
        None => std::io::stdin().read_to_string(&mut text).map(|_| ()),
    };
    if let Err(error) = read {
        eprintln!("{error}");
        return;
    }
    let compiled = taipan_syntax::parse(&text, Mode::Exec, &Default::default())
        .and_then(|parsed| compile(&parsed, "<stdin>", &Options::default()));
    match compiled {
        Ok(compiled) => {
            print!(
                "{}",
                taipan_bytecode::disassemble::disassemble(&compiled.code, true)
            );
            if let Err(error) = taipan_bytecode::verify::verify(&compiled.code) {
                println!("{error}");
            }
            compiled
                .warnings
                .iter()
                .for_each(|w| println!("line {}: {}", w.lineno, w.message));
        }
        Err(error) => println!("{error:?}"),
    }
}
