//! `writer`: rows of fields to lines.

use super::dialect::{
    self, QUOTE_ALL, QUOTE_NONE, QUOTE_NONNUMERIC, QUOTE_NOTNULL, QUOTE_STRINGS, Rules, read_only,
};
use super::{error, split};
use crate::support::native_type;
use taipan_core::alloc::new_object;
use taipan_core::builtin_types as types;
use taipan_core::lock::Locked;
use taipan_core::str_object::{is_str, name, str_of, try_new_from_code_points};
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Py, TypeFlags, TypeSpec, Value, Vm, f1, getset,
};

native_type! {
    /// Payload of writers: the file's `write`, and the dialect.
    WRITER "_csv.writer" Writer { write: Value, dialect: Value }
    WriterState {}
}

static SPEC: TypeSpec = TypeSpec {
    name: "_csv.writer",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(const { &Layout::of::<Writer>() }),
    methods: &METHODS,
    getset: &GETSET,
    doc: "CSV writer\n\n\
          Writer objects are responsible for generating tabular data\n\
          in CSV format from sequence input.",
    ..TypeSpec::DEFAULT
};
static METHODS: [MethodDef; 2] = [
    f1(
        "writerow(self, row, /)",
        write_row,
        "Construct and write a CSV record from an iterable of fields.\n\n\
         Non-string elements will be converted to string.",
    ),
    f1(
        "writerows(self, rows, /)",
        write_rows,
        "Construct and write a series of iterables to a csv file.\n\n\
         Non-string elements will be converted to string.",
    ),
];
static GETSET: [GetSetDef; 1] = [getset(
    "dialect",
    |_, this| Ok(this.expect::<Writer>().dialect.clone()),
    read_only,
    "",
)];

pub(super) fn define() {
    WRITER.define(&SPEC);
}

pub(super) fn writer(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let (file, chosen, parameters) = split(vm, "writer", args)?;
    let dialect = dialect::make(vm, chosen.as_ref(), &parameters)?;
    let write = vm.get_attr_opt(file, &name("write"))?;
    let Some(write) = write.filter(|write| vm.is_callable(write)) else {
        return Err(vm.type_error("argument 1 must have a \"write\" method"));
    };
    Ok(new_object(Writer {
        write,
        dialect,
        state: Locked::new(WriterState {}),
    }))
}

/// A line while it is made.
struct Line<'a> {
    rules: &'a Rules,
    out: Vec<u32>,
    fields: usize,
}

impl Line<'_> {
    fn push(&mut self, vm: &mut Vm, field: Option<&Value>, mut quoted: bool) -> Py<()> {
        let rules = self.rules;
        if self.fields > 0 {
            self.out.push(rules.delimiter);
        }
        let text = field.and_then(str_of);
        let empty = text.is_none_or(|text| text.is_empty());
        if empty && rules.delimiter == u32::from(b' ') && rules.skip_space {
            let bare = field.is_none() && matches!(rules.quoting, QUOTE_STRINGS | QUOTE_NOTNULL);
            if rules.quoting == QUOTE_NONE || bare {
                return Err(error(
                    vm,
                    "empty field must be quoted if delimiter is a space and skipinitialspace is true",
                ));
            }
            quoted = true;
        }
        let mut body = Vec::new();
        for c in text.into_iter().flat_map(|text| text.code_points()) {
            if self.must_escape(c, &mut quoted, &mut body) {
                let Some(escape) = rules.escape else {
                    return Err(error(vm, "need to escape, but no escapechar set"));
                };
                body.push(escape);
            }
            body.push(c);
        }
        let quote = rules.quote.filter(|_| quoted);
        self.out.extend(quote);
        self.out.append(&mut body);
        self.out.extend(quote);
        self.fields += 1;
        Ok(())
    }

    /// Does an escape go before `c`? It may also double a quote, or make the field a quoted one.
    fn must_escape(&self, c: u32, quoted: &mut bool, body: &mut Vec<u32>) -> bool {
        let rules = self.rules;
        let special = c == rules.delimiter
            || rules.escape == Some(c)
            || rules.quote == Some(c)
            || c == u32::from(b'\n')
            || c == u32::from(b'\r')
            || rules.terminates(c);
        if !special {
            return false;
        }
        if rules.quoting == QUOTE_NONE {
            return true;
        }
        if rules.quote == Some(c) {
            if !rules.double_quote {
                return true;
            }
            body.push(c);
        } else if rules.escape == Some(c) {
            return true;
        }
        *quoted = true;
        false
    }
}

fn is_number(value: &Value) -> bool {
    let slots = value.type_of().slots();
    slots.index.is_some()
        || slots.int.is_some()
        || slots.float.is_some()
        || value.is_instance(&types::COMPLEX)
}

fn write_row(vm: &mut Vm, this: &Value, row: &Value) -> Py {
    let writer = this.expect::<Writer>();
    let rules = dialect::rules(&writer.dialect);
    let iterator = match vm.iter(row) {
        Ok(iterator) => iterator,
        Err(raised) => {
            vm.catch(raised, &types::TYPE_ERROR)?;
            let message = format!("iterable expected, not {}", row.type_of().name());
            return Err(error(vm, &message));
        }
    };
    let mut line = Line {
        rules,
        out: Vec::new(),
        fields: 0,
    };
    let mut null = false;
    while let Some(field) = vm.next(&iterator)? {
        let quoted = match rules.quoting {
            QUOTE_NONNUMERIC => !is_number(&field),
            QUOTE_ALL => true,
            QUOTE_STRINGS => is_str(&field),
            QUOTE_NOTNULL => !field.is_none(),
            _ => false,
        };
        null = field.is_none();
        if is_str(&field) {
            line.push(vm, Some(&field), quoted)?;
        } else if null {
            line.push(vm, None, quoted)?;
        } else {
            let text = vm.str(&field)?;
            line.push(vm, Some(&text), quoted)?;
        }
    }
    if line.fields > 0 && line.out.is_empty() {
        let bare = null && matches!(rules.quoting, QUOTE_STRINGS | QUOTE_NOTNULL);
        if rules.quoting == QUOTE_NONE || bare {
            return Err(error(vm, "single empty field record must be quoted"));
        }
        line.fields -= 1;
        line.push(vm, None, true)?;
    }
    if let Some(text) = str_of(&rules.terminator) {
        line.out.extend(text.code_points());
    }
    match try_new_from_code_points(&line.out) {
        Some(text) => vm.call(&writer.write, &[text]),
        None => Err(vm.memory_error()),
    }
}

fn write_rows(vm: &mut Vm, this: &Value, rows: &Value) -> Py {
    let iterator = vm.iter(rows)?;
    while let Some(row) = vm.next(&iterator)? {
        write_row(vm, this, &row)?;
    }
    Ok(Value::none())
}
