//! Compiles each of the sources on standard input (separated by NUL bytes) and prints the error, if any.

use std::io::Read;

use taipan_compiler::{Options, compile};
use taipan_syntax::Mode;

fn main() {
    let mut text = String::new();
    if std::io::stdin().read_to_string(&mut text).is_err() {
        return;
    }
    for source in text.split('\0') {
        let result = taipan_syntax::parse(source, Mode::Exec, &Default::default())
            .and_then(|parsed| compile(&parsed, "<stdin>", &Options::default()));
        match result {
            Ok(compiled) => {
                let warnings: Vec<_> = compiled
                    .warnings
                    .iter()
                    .map(|w| format!("{}:{}", w.lineno, w.message))
                    .collect();
                println!("OK {}", warnings.join("; "));
            }
            Err(e) => println!(
                "{} ({}, {}, {}, {})",
                e.message, e.lineno, e.col_offset, e.end_lineno, e.end_offset
            ),
        }
    }
}
