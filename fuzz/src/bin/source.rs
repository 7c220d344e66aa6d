//! Source text: valid programs made for their scopes, mutated programs, pieces of programs put together, and random bytes, through parser,
//! compiler and verifier.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use taipan_fuzz::{Random, Session, compile, corpus, generate, mutate, single_input};
use taipan_syntax::Mode;

/// What makes Python out of noise.
const WORDS: &[&[u8]] = &[
    b"def f(a, /, b=1, *c, d, **e):\n    ",
    b"class C[T: int = str](A, metaclass=M):\n    ",
    b"lambda *a, b=1: ",
    b"async ",
    b"await ",
    b"yield ",
    b"yield from ",
    b"match x:\n  case ",
    b"case {'a': [1, *_], **rest} if x:",
    b"try:\n  ",
    b"except* (A, B) as e:\n",
    b"except A, B:\n",
    b"finally:\n",
    b"with a as b, (c as d):\n  ",
    b"for x in y:\n  ",
    b"while 1:\n  ",
    b"else:\n",
    b"elif x:\n",
    b"if ",
    b" if x else ",
    b"return ",
    b"raise X from Y\n",
    b"del (a, [b.c, d[e]])\n",
    b"global x\n",
    b"nonlocal x\n",
    b"import a.b as c\n",
    b"from .. import (a, b as c,)\n",
    b"from __future__ import annotations\n",
    b"type X[*T, **P] = ",
    b"x: int = ",
    b" := ",
    b"f'{x!r:>{w}}'",
    b"t'{a=}'",
    b"f\"{'\\n'}{",
    b"rb'\\x",
    b"'''",
    b"\"\"\"",
    b"'\\N{DASH}'",
    b"'\\ud800'",
    b"0x_1",
    b"1_000.5e-3j",
    b"0o7",
    b"1if 2else 3",
    b"(",
    b")",
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b":",
    b";",
    b"\n",
    b"\n    ",
    b"\n\t",
    b"\\\n",
    b"\x0c",
    b"\r\n",
    b"\r",
    b"*",
    b"**",
    b"//=",
    b"@",
    b"->",
    b"...",
    b"!=",
    b"<>",
    b"not ",
    b" is not ",
    b" not in ",
    b" and ",
    b" or ",
    b"x",
    b"_",
    b"self",
    b"super()",
    b"__class__",
    b"None",
    b"True",
    b"print(x)",
    b"#",
    b"# -*- coding: latin-1 -*-\n",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\xc3\xa9",
    b"\xf0\x9f\x90\x8d",
    b"\0",
    b"[x async for x in y]",
    b"{**a, 'b': c}",
    b"{*a, b}",
    b"a[b:c, ::d, ...]",
    b"return",
    b"break\n",
    b"continue\n",
    b"assert x, y\n",
    b"pass\n",
    b"9",
    b"99999999999999999999999999",
    b"1e999",
    b"'a' 'b'",
    b"b'a' 'b'",
];

/// How many programs `--generate` writes.
const GENERATED: usize = 2000;

fn source(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = match random.below(10) {
        0 => (0..random.below(200))
            .map(|_| random.next() as u8)
            .collect(),
        1 | 2 => {
            let mut bytes = Vec::new();
            for _ in 0..random.below(40) {
                bytes.extend(random.pick(WORDS).copied().unwrap_or_default());
            }
            bytes
        }
        _ => {
            let whole = random.pick(corpus).cloned().unwrap_or_default();
            // A window of whole lines: large files would be mutated once in thousands of tokens.
            let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
            let from = random.below(lines.len());
            let window = 1 + random.below(60);
            lines
                .iter()
                .skip(from)
                .take(window)
                .copied()
                .collect::<Vec<_>>()
                .concat()
        }
    };
    if !random.one_in(10) {
        mutate(random, &mut bytes, WORDS);
    }
    bytes
}

/// The folder after `--generate`.
fn generated_folder() -> Option<PathBuf> {
    let mut words = std::env::args().skip_while(|word| word != "--generate");
    words.nth(1).map(PathBuf::from)
}

/// Writes valid programs to a folder, to be compiled by another Python and compared.
fn write_generated(random: &mut Random, folder: &Path) -> ExitCode {
    let mut accepted = 0;
    for number in 0..GENERATED {
        let bytes = generate::program(random, false);
        accepted += usize::from(matches!(compile(&bytes, Mode::Exec, false), Ok(Some(_))));
        if let Err(error) = std::fs::write(folder.join(format!("{number:05}.py")), bytes) {
            eprintln!("{}: {error}", folder.display());
            return ExitCode::FAILURE;
        }
    }
    println!("{accepted} of {GENERATED} are accepted");
    ExitCode::SUCCESS
}

fn main() -> ExitCode {
    if let Some(bytes) = single_input() {
        for top_level_await in [false, true] {
            println!(
                "{:?}",
                compile(&bytes, Mode::Exec, top_level_await).map(drop)
            );
        }
        return ExitCode::SUCCESS;
    }
    let mut session = Session::from_arguments("source");
    if let Some(folder) = generated_folder() {
        return write_generated(&mut session.random, &folder);
    }
    let corpus = corpus();
    while session.goes_on() {
        if session.random.one_in(2) {
            let top_level_await = session.random.one_in(4);
            let bytes = generate::program(&mut session.random, top_level_await);
            session.run(&bytes, |bytes| {
                compile(bytes, Mode::Exec, top_level_await).map(drop)
            });
            continue;
        }
        let bytes = source(&mut session.random, &corpus);
        let top_level_await = session.random.one_in(8);
        let mode = match session.random.below(8) {
            0 => Mode::Single,
            1 => Mode::Eval,
            _ => Mode::Exec,
        };
        session.run(&bytes, |bytes| {
            compile(bytes, mode, top_level_await).map(drop)
        });
    }
    session.finish()
}
