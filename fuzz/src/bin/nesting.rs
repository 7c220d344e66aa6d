//! Deep nesting of each bracket, operator and statement: it must be refused or compiled, on a native stack of 8 MiB.

use std::process::ExitCode;
use taipan_fuzz::{Session, compile, single_input};
use taipan_syntax::Mode;

/// What is repeated before a core, the core, and what is repeated after it.
const FORMS: &[(&str, &str, &str)] = &[
    ("(", "x", ")"),
    ("(", "", ")"),
    ("[", "", "]"),
    ("[", "x", "]"),
    ("{", "x", "}"),
    ("{1:", "x", "}"),
    ("x[", "x", "]"),
    ("f(", "x", ")"),
    ("(", "x", ",)"),
    ("-", "x", ""),
    ("~", "x", ""),
    ("not ", "x", ""),
    ("await ", "x", ""),
    ("lambda: ", "x", ""),
    ("x + ", "x", ""),
    ("x ** ", "x", ""),
    ("", "x", " + x"),
    ("", "x", ".a"),
    ("", "x", "[0]"),
    ("", "x", "()"),
    ("", "x", " and x"),
    ("", "x", " < x"),
    ("", "x", " if x else x"),
    ("x if x else ", "x", ""),
    ("x if ", "x", " else x"),
    ("*", "x", ""),
    ("[*", "x", "]"),
    ("{**", "x", "}"),
    ("f'{", "x", "}'"),
    ("[x for x in ", "x", "]"),
    ("[", "x", " for x in y]"),
    ("(yield ", "x", ")"),
    ("(x := ", "x", ")"),
    ("x = ", "x", ""),
    ("x: ", "x", ""),
    ("x[y:", "z", "]"),
    ("def f(x=", "1", "): pass"),
    ("@", "x", "\ndef f(): pass"),
    ("", "'a'", " 'b'"),
    ("", "f'{x}'", " f'{x}'"),
    ("del (", "x", ",)"),
    ("with (", "x", "): pass"),
    ("match x:\n case [", "y", "]: pass"),
    ("return ", "x", ""),
    ("t'{", "x", "}'"),
    ("\\\n", "x", ""),
    ("f'{x:{", "y", "}}'"),
    ("''' ", "x", ""),
    ("\"", "x", ""),
    ("{x: y for x in ", "x", "}"),
    ("print(*", "x", ")"),
    ("x @ (", "x", ")"),
];

/// Statements that open a block.
const BLOCKS: &[&str] = &[
    "if x:",
    "while x:",
    "for x in y:",
    "def f():",
    "class C:",
    "with x:",
    "try:",
    "async def f():",
    "match x:\n{}case _:",
    "else:",
    "def f[T]():",
];

fn blocks(block: &str, depth: usize) -> String {
    let mut text = String::new();
    for level in 0..depth {
        let indent = " ".repeat(level);
        text += &format!("{indent}{}\n", block.replace("{}", &indent));
    }
    text + &" ".repeat(depth) + "pass\n"
}

fn elifs(depth: usize) -> String {
    String::from("if x: pass\n") + &"elif x: pass\n".repeat(depth)
}

fn main() -> ExitCode {
    if let Some(bytes) = single_input() {
        println!("{:?}", compile(&bytes, Mode::Exec, false).map(drop));
        return ExitCode::SUCCESS;
    }
    let mut session = Session::from_arguments("nesting");
    // The process's main thread has what the system gives it; 8 MiB is what programs usually get.
    let thread = std::thread::Builder::new()
        .stack_size(8 << 20)
        .spawn(move || {
            while session.goes_on() {
                let depth = 1 << (4 + session.random.below(14));
                let depth = depth + session.random.below(depth);
                let text = match session.random.below(10) {
                    0 => blocks(
                        session.random.pick(BLOCKS).copied().unwrap_or_default(),
                        depth.min(3000),
                    ),
                    1 => elifs(depth.min(20_000)),
                    2 => {
                        // Two or three forms mixed, closed in order.
                        let (mut before, mut after) = (String::new(), String::new());
                        let forms: Vec<_> = (0..3)
                            .filter_map(|_| session.random.pick(FORMS).copied())
                            .collect();
                        for level in 0..depth {
                            let (open, _, close) = forms[level % forms.len()];
                            before += open;
                            after.insert_str(0, close);
                            if before.len() + after.len() > 1 << 18 {
                                break;
                            }
                        }
                        format!("{before}x{after}\n")
                    }
                    _ => {
                        let Some((open, core, close)) = session.random.pick(FORMS).copied() else {
                            continue;
                        };
                        let close = if session.random.one_in(6) {
                            String::new()
                        } else {
                            close.repeat(depth)
                        };
                        format!("{}{core}{close}\n", open.repeat(depth))
                    }
                };
                let mode = if session.random.one_in(4) {
                    Mode::Eval
                } else {
                    Mode::Exec
                };
                session.run(text.as_bytes(), |bytes| {
                    compile(bytes, mode, false).map(drop)
                });
            }
            session.finish()
        });
    thread
        .ok()
        .and_then(|thread| thread.join().ok())
        .unwrap_or(ExitCode::FAILURE)
}
