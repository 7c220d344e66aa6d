//! A listing of code for tests and for people.

use std::fmt::Write;

use crate::code::{Code, Constant};
use crate::exception_table;
use crate::line_table;
use crate::ops::{Compare, Intrinsic1, Intrinsic2, Op, OperandKind};
use crate::shared::Name;

/// A constant as Python would show it.
pub fn constant_text(value: &Constant) -> String {
    match value {
        Constant::None => "None".to_owned(),
        Constant::Bool(true) => "True".to_owned(),
        Constant::Bool(false) => "False".to_owned(),
        Constant::Ellipsis => "Ellipsis".to_owned(),
        Constant::Int(i) => i.to_string(),
        Constant::BigInt(big) => {
            let digits: String = big
                .magnitude
                .iter()
                .rev()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            format!(
                "{}0x{}",
                if big.negative { "-" } else { "" },
                digits.trim_start_matches('0')
            )
        }
        Constant::Float(bits) => taipan_base::float_text::repr(f64::from_bits(*bits)),
        Constant::Complex(re, im) => complex_text(f64::from_bits(*re), f64::from_bits(*im)),
        Constant::Str(text) => str_text(text),
        Constant::Bytes(bytes) => {
            let escaped: String = bytes.iter().map(|&byte| byte_text(byte)).collect();
            format!("b'{escaped}'")
        }
        Constant::Tuple(items) if items.len() == 1 => format!("({},)", constant_text(&items[0])),
        Constant::Tuple(items) => format!("({})", join(items)),
        Constant::FrozenSet(items) => format!("frozenset({{{}}})", join(items)),
        Constant::Slice(parts) => format!("slice({})", join(&parts[..])),
        Constant::Code(code) => format!("<code object {}, line {}>", code.name, code.firstlineno),
    }
}

fn join(items: &[Constant]) -> String {
    items
        .iter()
        .map(constant_text)
        .collect::<Vec<_>>()
        .join(", ")
}

fn complex_text(re: f64, im: f64) -> String {
    let part = |x: f64| {
        let text = taipan_base::float_text::repr(x);
        text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
    };
    let sign = if im.is_sign_negative() { "" } else { "+" };
    if re == 0.0 && !re.is_sign_negative() {
        format!("{}j", part(im))
    } else {
        format!("({}{sign}{}j)", part(re), part(im))
    }
}

fn byte_text(byte: u8) -> String {
    match byte {
        b'\'' => "\\'".to_owned(),
        b'\\' => "\\\\".to_owned(),
        b'\n' => "\\n".to_owned(),
        b'\r' => "\\r".to_owned(),
        b'\t' => "\\t".to_owned(),
        0x20..=0x7e => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    }
}

fn str_text(text: &[u8]) -> String {
    let mut out = String::new();
    let quote = if text.contains(&b'\'') && !text.contains(&b'"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                c if c == quote => {
                    out.push('\\');
                    out.push(c);
                }
                c if (c as u32) < 0x20 || c as u32 == 0x7f => {
                    let _ = write!(out, "\\x{:02x}", c as u32);
                }
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push(quote);
    out
}

/// What an operand stands for, for the column after the number.
pub fn operand_text(code: &Code, op: Op, operand: u32) -> Option<String> {
    let index = operand as usize;
    let named = |name: Option<&Name>| name.map(|name| name.to_string());
    match op.info().operand {
        OperandKind::None | OperandKind::Count | OperandKind::Prefix => None,
        OperandKind::Flags => flags_text(op, operand),
        OperandKind::Const => code.consts.get(index).map(constant_text),
        OperandKind::Local => named(code.varnames.get(index)),
        OperandKind::Name => named(code.names.get(index)),
        OperandKind::NameFlag => named(code.names.get(index >> 1)),
        OperandKind::Cell => named(code.cell_name(index)),
        OperandKind::Jump => Some(format!("to {}", u64::from(operand) * 2)),
        OperandKind::Compare => Compare::from_operand(operand).map(|op| op.text().to_owned()),
        OperandKind::Intrinsic1 => Intrinsic1::from_operand(operand).map(|i| i.text().to_owned()),
        OperandKind::Intrinsic2 => Intrinsic2::from_operand(operand).map(|i| i.text().to_owned()),
    }
}

fn flags_text(op: Op, operand: u32) -> Option<String> {
    let table: &[&str] = match op {
        Op::MakeFunction => &["defaults", "kwdefaults", "annotate", "closure"],
        Op::FormatValue => {
            let conversion = ["", "str", "repr", "ascii"][(operand & 3) as usize];
            let spec = if operand & 4 != 0 { "with format" } else { "" };
            let parts: Vec<&str> = [conversion, spec]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect();
            return (!parts.is_empty()).then(|| parts.join(", "));
        }
        _ => return None,
    };
    let parts: Vec<&str> = table
        .iter()
        .enumerate()
        .filter(|(i, _)| operand >> i & 1 == 1)
        .map(|(_, text)| *text)
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Lists a code object; with `nested`, those among its constants too.
pub fn disassemble(code: &Code, nested: bool) -> String {
    let mut out = String::new();
    let mut queue = std::collections::VecDeque::from([code]);
    while let Some(code) = queue.pop_front() {
        if !out.is_empty() {
            let _ = writeln!(out);
        }
        list(&mut out, code);
        if nested {
            queue.extend(code.consts.iter().filter_map(|value| match value {
                Constant::Code(inner) => Some(&**inner),
                _ => None,
            }));
        }
    }
    out
}

fn list(out: &mut String, code: &Code) {
    let _ = writeln!(
        out,
        "{} (line {}, stack {})",
        code.qualname, code.firstlineno, code.stacksize
    );
    let mut targets: Vec<u32> = exception_table::entries(&code.exceptiontable)
        .map(|entry| entry.target)
        .collect();
    let jumps = code
        .instructions()
        .filter(|instr| instr.op.is_ok_and(Op::jumps));
    targets.extend(jumps.map(|instr| instr.operand));
    let mut line = 0;
    for instr in code.instructions() {
        let position = line_table::position_at(&code.linetable, code.firstlineno, instr.at);
        let shown = if position.line == line {
            String::new()
        } else {
            position.line.to_string()
        };
        line = position.line;
        let mark = if targets.contains(&instr.start) {
            ">>"
        } else {
            ""
        };
        let offset = instr.at * 2;
        let Ok(op) = instr.op else {
            let _ = writeln!(
                out,
                "{shown:>5} {mark:>2} {offset:>5} <{}>",
                instr.op.err().unwrap_or(0)
            );
            continue;
        };
        let _ = write!(out, "{shown:>5} {mark:>2} {offset:>5} {}", op.name());
        if op.has_operand() {
            let _ = write!(
                out,
                "{:1$}{2}",
                "",
                28usize.saturating_sub(op.name().len()),
                instr.operand
            );
            if let Some(text) = operand_text(code, op, instr.operand) {
                let _ = write!(out, " ({text})");
            }
        }
        let _ = writeln!(out);
    }
    for entry in exception_table::entries(&code.exceptiontable) {
        let lasti = if entry.lasti { " lasti" } else { "" };
        let (start, end, target) = (entry.start * 2, entry.end * 2, entry.target * 2);
        let _ = writeln!(
            out,
            "      {start} to {end} -> {target} [{}]{lasti}",
            entry.depth
        );
    }
}
