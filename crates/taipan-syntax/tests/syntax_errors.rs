//! Compares refusals with those recorded from the reference interpreter.

use taipan_syntax::{Mode, Options, parse};

const RECORDED: &str = include_str!("syntax_errors.tsv");
/// Snippets, as written in the recording, whose answer is known to differ.
const KNOWN: &str = include_str!("known_differences.txt");

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                other => out.extend(other),
            },
            c => out.push(c),
        }
    }
    out
}

fn answer(mode: &str, source: &str) -> Vec<String> {
    let mode = match mode {
        "exec" => Mode::Exec,
        "eval" => Mode::Eval,
        _ => Mode::Single,
    };
    match parse(source, mode, &Options::default()) {
        Ok(_) => vec!["ok".to_owned()],
        Err(e) => vec![
            e.kind.class_name().to_owned(),
            e.message,
            e.lineno.to_string(),
            e.col_offset.to_string(),
            e.end_lineno.to_string(),
            e.end_offset.to_string(),
            e.text.unwrap_or_default(),
        ],
    }
}

#[test]
fn refusals_are_those_of_the_reference() {
    let known: Vec<&str> = KNOWN.lines().filter(|l| !l.starts_with("# ")).collect();
    let mut wrong = Vec::new();
    let mut total = 0;
    for line in RECORDED.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let expected: Vec<String> = fields[2..].iter().map(|f| unescape(f)).collect();
        let got = answer(fields[0], &unescape(fields[1]));
        total += 1;
        let differs = got != expected;
        // FIXME: each line of known_differences.txt is a fault.
        let listed = known.contains(&format!("{}\t{}", fields[0], fields[1]).as_str());
        if differs != listed {
            wrong.push(format!(
                "{} {:?}\n  expected {expected:?}\n  got      {got:?}",
                fields[0],
                unescape(fields[1])
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {total} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
