//! Marshalled code: damaged files and noise through the reader and the verifier. What passes must survive being listed and written again.

use std::process::ExitCode;
use taipan_bytecode::{disassemble, marshal, verify};
use taipan_fuzz::{Session, compile, corpus, mutate, single_input};
use taipan_syntax::Mode;

const WORDS: &[&[u8]] = &[
    b"c",
    b"(",
    b">",
    b":",
    b"i",
    b"l",
    b"L",
    b"g",
    b"y",
    b"u",
    b"s",
    b"N",
    b"T",
    b"F",
    b".",
    b"\0",
    b"\x7f",
    b"\xff\xff\xff\xff\x0f",
    b"\x80\x80\x80\x80\x10",
    b"\x90\xff",
    b"\x90\xff\x90\xff\x90\xff",
    b"\x53\0",
    b"\x7c\0",
    b"\x64\0",
    b"\x71\0",
    b"\x71\xff",
    b"\x14\0",
    b"\x01\0",
];

fn judge(bytes: &[u8]) -> Result<(), String> {
    let _ = marshal::read_file(bytes);
    let _ = marshal::read_constant(bytes);
    let Ok(code) = marshal::read_code(bytes) else {
        return Ok(());
    };
    // A listing must not depend on the verifier's verdict: it is how refused code is looked at.
    let _ = disassemble::disassemble(&code, true);
    if verify::verify(&code).is_err() {
        return Ok(());
    }
    let again = marshal::write_code(&code);
    match marshal::read_code(&again) {
        Ok(second) if second.bytecode == code.bytecode && second.consts == code.consts => Ok(()),
        Ok(_) => Err("written and read again, the code differs".into()),
        Err(error) => Err(format!("written and read again: {error}")),
    }
}

fn main() -> ExitCode {
    if let Some(bytes) = single_input() {
        println!("{:?}", judge(&bytes));
        return ExitCode::SUCCESS;
    }
    let mut session = Session::from_arguments("code");
    let seeds: Vec<Vec<u8>> = corpus()
        .iter()
        .flat_map(|source| {
            source
                .split_inclusive(|byte| *byte == b'\n')
                .collect::<Vec<_>>()
                .chunks(40)
                .map(<[_]>::concat)
                .collect::<Vec<_>>()
        })
        .filter_map(|source| compile(&source, Mode::Exec, false).ok().flatten())
        .map(|code| marshal::write_code(&code))
        .filter(|bytes| bytes.len() < 20_000)
        .collect();
    println!("code: {} seeds", seeds.len());
    while session.goes_on() {
        let mut bytes = if session.random.one_in(20) {
            (0..session.random.below(300))
                .map(|_| session.random.next() as u8)
                .collect()
        } else {
            session.random.pick(&seeds).cloned().unwrap_or_default()
        };
        mutate(&mut session.random, &mut bytes, WORDS);
        if session.random.one_in(8) {
            bytes.splice(0..0, marshal::MAGIC.into_iter().chain([0; 12]));
        }
        session.run(&bytes, judge);
    }
    session.finish()
}
