//! `reader`: lines to rows of fields.

use super::dialect::{
    self, QUOTE_NONE, QUOTE_NONNUMERIC, QUOTE_NOTNULL, QUOTE_STRINGS, Rules, read_only,
};
use super::{error, split, state};
use crate::support::native_type;
use taipan_core::alloc::new_object;
use taipan_core::builtin_types as types;
use taipan_core::lock::Locked;
use taipan_core::str_object::{new_from_code_points, str_of};
use taipan_core::{Args, GetSetDef, Layout, Py, Slots, TypeFlags, TypeSpec, Value, Vm, getset};
use taipan_types::list::new_list;

native_type! {
    /// Payload of readers.
    READER "_csv.reader" Reader { lines: Value, dialect: Value }
    ReaderState { line: i64, rows: u64 }
}

static SPEC: TypeSpec = TypeSpec {
    name: "_csv.reader",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(const { &Layout::of::<Reader>() }),
    slots: Slots {
        iter: Some(|_, this| Ok(this.clone())),
        next: Some(next),
        ..Slots::NONE
    },
    getset: &GETSET,
    doc: "CSV reader\n\n\
          Reader objects are responsible for reading and parsing tabular data\n\
          in CSV format.",
    ..TypeSpec::DEFAULT
};
static GETSET: [GetSetDef; 2] = [
    getset(
        "dialect",
        |_, this| Ok(this.expect::<Reader>().dialect.clone()),
        read_only,
        "",
    ),
    getset(
        "line_num",
        |vm, this| Ok(Value::int(this.expect::<Reader>().lock(vm).line)),
        read_only,
        "",
    ),
];

pub(super) fn define() {
    READER.define(&SPEC);
}

pub(super) fn reader(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let (iterable, chosen, parameters) = split(vm, "reader", args)?;
    let lines = vm.iter(iterable)?;
    let dialect = dialect::make(vm, chosen.as_ref(), &parameters)?;
    Ok(new_object(Reader {
        lines,
        dialect,
        state: Locked::new(ReaderState { line: 0, rows: 0 }),
    }))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    StartRecord,
    StartField,
    Escaped,
    AfterEscapedNewline,
    InField,
    InQuoted,
    EscapeInQuoted,
    QuoteInQuoted,
    EatNewline,
}

/// A row while it is read.
struct Row<'a> {
    rules: &'a Rules,
    at: At,
    field: Vec<u32>,
    unquoted: bool,
    fields: Vec<Value>,
    limit: i64,
}

fn is_newline(c: u32) -> bool {
    c == u32::from(b'\n') || c == u32::from(b'\r')
}

impl Row<'_> {
    fn push(&mut self, vm: &mut Vm, c: u32) -> Py<()> {
        if self.field.len() as i64 >= self.limit {
            let message = format!("field larger than field limit ({})", self.limit);
            return Err(error(vm, &message));
        }
        self.field.push(c);
        Ok(())
    }

    fn save(&mut self, vm: &mut Vm) -> Py<()> {
        let points = std::mem::take(&mut self.field);
        let unquoted = std::mem::replace(&mut self.unquoted, true);
        let quoting = self.rules.quoting;
        let value =
            if unquoted && points.is_empty() && matches!(quoting, QUOTE_STRINGS | QUOTE_NOTNULL) {
                Value::none()
            } else {
                let text = new_from_code_points(&points);
                let number = matches!(quoting, QUOTE_NONNUMERIC | QUOTE_STRINGS);
                if unquoted && number && !points.is_empty() {
                    vm.call(&types::FLOAT.to_value(), &[text])?
                } else {
                    text
                }
            };
        self.fields.push(value);
        Ok(())
    }

    fn is_quote(&self, c: u32) -> bool {
        self.rules.quoting != QUOTE_NONE && self.rules.quote == Some(c)
    }

    /// Ends a field at the end of a line (`c` is `None` at its very end).
    fn end_line(&mut self, vm: &mut Vm, c: Option<u32>) -> Py<()> {
        self.save(vm)?;
        self.at = match c {
            None => At::StartRecord,
            Some(_) => At::EatNewline,
        };
        Ok(())
    }

    fn step(&mut self, vm: &mut Vm, c: Option<u32>) -> Py<()> {
        match self.at {
            At::StartRecord => match c {
                None => Ok(()),
                Some(c) if is_newline(c) => {
                    self.at = At::EatNewline;
                    Ok(())
                }
                Some(_) => self.start_field(vm, c),
            },
            At::StartField => self.start_field(vm, c),
            At::Escaped => match c {
                Some(c) if is_newline(c) => {
                    self.push(vm, c)?;
                    self.at = At::AfterEscapedNewline;
                    Ok(())
                }
                _ => {
                    self.push(vm, c.unwrap_or(u32::from(b'\n')))?;
                    self.at = At::InField;
                    Ok(())
                }
            },
            At::AfterEscapedNewline if c.is_none() => Ok(()),
            At::AfterEscapedNewline | At::InField => self.in_field(vm, c),
            At::InQuoted => self.in_quoted(vm, c),
            At::EscapeInQuoted => {
                self.push(vm, c.unwrap_or(u32::from(b'\n')))?;
                self.at = At::InQuoted;
                Ok(())
            }
            At::QuoteInQuoted => self.after_quote(vm, c),
            At::EatNewline => match c {
                Some(c) if is_newline(c) => Ok(()),
                None => {
                    self.at = At::StartRecord;
                    Ok(())
                }
                Some(_) => Err(error(
                    vm,
                    "new-line character seen in unquoted field - do you need to open the file with newline=''?",
                )),
            },
        }
    }

    fn start_field(&mut self, vm: &mut Vm, c: Option<u32>) -> Py<()> {
        self.unquoted = true;
        match c {
            None => self.end_line(vm, c),
            Some(point) if is_newline(point) => self.end_line(vm, c),
            Some(point) if self.is_quote(point) => {
                self.unquoted = false;
                self.at = At::InQuoted;
                Ok(())
            }
            Some(point) if self.rules.escape == Some(point) => {
                self.at = At::Escaped;
                Ok(())
            }
            Some(point) if point == u32::from(b' ') && self.rules.skip_space => {
                self.at = At::StartField;
                Ok(())
            }
            Some(point) if point == self.rules.delimiter => {
                self.at = At::StartField;
                self.save(vm)
            }
            Some(point) => {
                self.at = At::InField;
                self.push(vm, point)
            }
        }
    }

    fn in_field(&mut self, vm: &mut Vm, c: Option<u32>) -> Py<()> {
        match c {
            None => self.end_line(vm, c),
            Some(point) if is_newline(point) => self.end_line(vm, c),
            Some(point) if self.rules.escape == Some(point) => {
                self.at = At::Escaped;
                Ok(())
            }
            Some(point) if point == self.rules.delimiter => {
                self.at = At::StartField;
                self.save(vm)
            }
            Some(point) => {
                self.at = At::InField;
                self.push(vm, point)
            }
        }
    }

    fn in_quoted(&mut self, vm: &mut Vm, c: Option<u32>) -> Py<()> {
        match c {
            None => Ok(()),
            Some(point) if self.rules.escape == Some(point) => {
                self.at = At::EscapeInQuoted;
                Ok(())
            }
            Some(point) if self.is_quote(point) => {
                self.at = if self.rules.double_quote {
                    At::QuoteInQuoted
                } else {
                    At::InField
                };
                Ok(())
            }
            Some(point) => self.push(vm, point),
        }
    }

    /// Behind a quote inside a quoted field: its end, or half of a doubled quote.
    fn after_quote(&mut self, vm: &mut Vm, c: Option<u32>) -> Py<()> {
        match c {
            Some(point) if self.is_quote(point) => {
                self.at = At::InQuoted;
                self.push(vm, point)
            }
            Some(point) if point == self.rules.delimiter => {
                self.at = At::StartField;
                self.save(vm)
            }
            None => self.end_line(vm, c),
            Some(point) if is_newline(point) => self.end_line(vm, c),
            Some(point) if !self.rules.strict => {
                self.at = At::InField;
                self.push(vm, point)
            }
            Some(_) => {
                let show = |c| char::from_u32(c).unwrap_or('\u{FFFD}');
                let message = format!(
                    "'{}' expected after '{}'",
                    show(self.rules.delimiter),
                    show(self.rules.quote.unwrap_or_default())
                );
                Err(error(vm, &message))
            }
        }
    }
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let reader = this.expect::<Reader>();
    let mut row = Row {
        rules: dialect::rules(&reader.dialect),
        at: At::StartRecord,
        field: Vec::new(),
        unquoted: true,
        fields: Vec::new(),
        limit: state(vm).limit.get(),
    };
    loop {
        let rows = reader.lock(vm).rows;
        let line = vm.next(&reader.lines)?;
        if reader.lock(vm).rows != rows {
            return Err(error(vm, "iterator has already advanced the reader"));
        }
        let Some(line) = line else {
            if row.field.is_empty() && row.at != At::InQuoted {
                return Ok(None);
            }
            if row.rules.strict {
                return Err(error(vm, "unexpected end of data"));
            }
            row.save(vm)?;
            break;
        };
        let Some(text) = str_of(&line) else {
            let message = format!(
                "iterator should return strings, not {} (the file should be opened in text mode)",
                line.type_of().name()
            );
            return Err(error(vm, &message));
        };
        reader.lock(vm).line += 1;
        for c in text.code_points() {
            row.step(vm, Some(c))?;
        }
        row.step(vm, None)?;
        if row.at == At::StartRecord {
            break;
        }
    }
    reader.lock(vm).rows += 1;
    Ok(Some(new_list(row.fields)))
}
