//! Prints facts about all code objects of the files named on standard input, for comparison with another compiler.

use std::io::BufRead;

use taipan_bytecode::{Code, Constant, line_table};
use taipan_compiler::{Options, compile};
use taipan_syntax::Mode;

fn show(code: &Code) {
    let names = |list: &[std::sync::Arc<str>]| {
        list.iter()
            .map(|n| n.to_string())
            .collect::<Vec<_>>()
            .join(",")
    };
    let mut all: Vec<String> = code.names.iter().map(|n| n.to_string()).collect();
    all.sort();
    let mut lines: Vec<u32> = Vec::new();
    for range in line_table::ranges(&code.linetable, code.firstlineno) {
        lines.push(range.position.line);
    }
    lines.sort_unstable();
    lines.dedup();
    lines.retain(|line| *line != 0);
    println!(
        "{}|{}|{:#x}|{},{},{}|{}|{}|{}|{}|{:?}",
        code.qualname,
        code.firstlineno,
        code.flags.bits(),
        code.argcount,
        code.posonlyargcount,
        code.kwonlyargcount,
        names(&code.varnames),
        names(&code.cellvars),
        names(&code.freevars),
        all.join(","),
        lines
    );
    if std::env::args().nth(1).is_some() {
        let mut places: Vec<String> = Vec::new();
        for instr in code.instructions() {
            let p = line_table::position_at(&code.linetable, code.firstlineno, instr.at);
            let name = instr.op.map_or("?", |op| op.name());
            places.push(format!(
                "{name}:{},{},{},{}",
                p.line, p.end_line, p.col as i32, p.end_col as i32
            ));
        }
        println!("  {}", places.join(" "));
    }
    for value in &code.consts {
        if let Constant::Code(inner) = value {
            show(inner);
        }
    }
}

fn main() {
    for path in std::io::stdin().lock().lines().map_while(Result::ok) {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        println!("FILE {path}");
        let compiled = taipan_syntax::parse(&text, Mode::Exec, &Default::default())
            .and_then(|parsed| compile(&parsed, &path, &Options::default()));
        match compiled {
            Ok(compiled) => show(&compiled.code),
            Err(error) => println!("ERROR {error}"),
        }
    }
}
