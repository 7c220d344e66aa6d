//! The string or bytes-like object that a pattern is matched against, and running a pattern over it.

use super::matcher::{Ending, Matcher, Registers};
use super::pattern::Pattern;
use taipan_base::text::Text;
use taipan_core::builtin_types::BYTES;
use taipan_core::str_object::is_str;
use taipan_core::{Py, Value, Vm};
use taipan_types::buffer::{BytesLike, bytes_like};
use taipan_types::bytes::{bytes_of, new_bytes};
use taipan_types::str::text::text;

/// A subject, held in place.
pub enum Subject {
    Text(Value),
    Bytes(Value, BytesLike),
}

impl Subject {
    /// Checks that the subject is of the kind the pattern wants.
    pub fn new(vm: &mut Vm, pattern: &Pattern, value: &Value) -> Py<Subject> {
        let subject = Subject::of(vm, value)?;
        match (pattern.is_bytes, &subject) {
            (Some(true), Subject::Text(_)) => {
                Err(vm.type_error("cannot use a bytes pattern on a string-like object"))
            }
            (Some(false), Subject::Bytes(..)) => {
                Err(vm.type_error("cannot use a string pattern on a bytes-like object"))
            }
            _ => Ok(subject),
        }
    }

    /// Any string or bytes-like object.
    pub fn of(vm: &mut Vm, value: &Value) -> Py<Subject> {
        if is_str(value) {
            return Ok(Subject::Text(value.clone()));
        }
        if value.type_of().slots().buffer.is_none() {
            let message = format!(
                "expected string or bytes-like object, got '{}'",
                value.type_of().name()
            );
            return Err(vm.type_error(message));
        }
        let data = bytes_like(vm, value)?;
        Ok(Subject::Bytes(value.clone(), data))
    }

    /// The object.
    pub fn value(&self) -> &Value {
        match self {
            Subject::Text(value) | Subject::Bytes(value, _) => value,
        }
    }

    pub fn is_bytes(&self) -> bool {
        matches!(self, Subject::Bytes(..))
    }

    pub fn len(&self) -> usize {
        match self {
            Subject::Text(value) => text(value).len(),
            Subject::Bytes(_, data) => data.len(),
        }
    }

    /// A part, as a string or as bytes.
    pub fn part(&self, vm: &mut Vm, from: usize, to: usize) -> Py {
        match self {
            Subject::Text(value) => {
                if from == 0 && to == text(value).len() {
                    return taipan_types::str::exact(vm, value);
                }
                taipan_types::str::substring(vm, value, from, to)
            }
            Subject::Bytes(value, data) => {
                if value.is_exact(&BYTES) && from == 0 && to == data.len() {
                    return Ok(value.clone());
                }
                new_bytes(vm, &data[from..to])
            }
        }
    }

    /// Looks for a match from `from` on, before `end`.
    pub fn search(
        &self,
        vm: &mut Vm,
        pattern: &Pattern,
        registers: &mut Registers,
        (from, end): (usize, usize),
        ending: Ending,
    ) -> Py<Option<(usize, usize)>> {
        let program = &pattern.program;
        match self.units() {
            Units::One(units) => {
                Matcher::new(program, &units[..end]).search(vm, registers, from, ending)
            }
            Units::Two(units) => {
                Matcher::new(program, &units[..end]).search(vm, registers, from, ending)
            }
            Units::Four(units) => {
                Matcher::new(program, &units[..end]).search(vm, registers, from, ending)
            }
        }
    }

    /// Matches at `from`, before `end`.
    pub fn match_at(
        &self,
        vm: &mut Vm,
        pattern: &Pattern,
        registers: &mut Registers,
        (from, end): (usize, usize),
        ending: Ending,
    ) -> Py<Option<(usize, usize)>> {
        let program = &pattern.program;
        let stop = match self.units() {
            Units::One(units) => {
                Matcher::new(program, &units[..end]).run(vm, registers, from, ending)?
            }
            Units::Two(units) => {
                Matcher::new(program, &units[..end]).run(vm, registers, from, ending)?
            }
            Units::Four(units) => {
                Matcher::new(program, &units[..end]).run(vm, registers, from, ending)?
            }
        };
        Ok(stop.map(|stop| (from, stop)))
    }

    fn units(&self) -> Units<'_> {
        match self {
            Subject::Bytes(_, data) => Units::One(data),
            Subject::Text(value) => match text(value) {
                Text::Ascii(units) | Text::Latin1(units) => Units::One(units),
                Text::Ucs2(units) => Units::Two(units),
                Text::Ucs4(units) => Units::Four(units),
            },
        }
    }
}

enum Units<'a> {
    One(&'a [u8]),
    Two(&'a [u16]),
    Four(&'a [u32]),
}

/// A window of a subject: `pos` and `endpos` clamped to its length.
pub fn window(
    vm: &mut Vm,
    pos: Option<&Value>,
    endpos: Option<&Value>,
    len: usize,
) -> Py<(usize, usize)> {
    let clamp = |vm: &mut Vm, value: Option<&Value>, default: usize| match value {
        Some(value) => {
            let i = vm.index_clamped(value)?;
            Ok(i.clamp(0, len as i64) as usize)
        }
        None => Ok(default),
    };
    let from = clamp(vm, pos, 0)?;
    let to = clamp(vm, endpos, len)?;
    Ok((from, to))
}

/// Joins parts of results: strings, or bytes-like objects for a bytes subject.
pub fn join(vm: &mut Vm, is_bytes: bool, parts: &[Value]) -> Py {
    if !is_bytes {
        return taipan_types::str::join(vm, &taipan_core::str_object::empty_str(), parts);
    }
    let mut out = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        if let Some(data) = bytes_of(part) {
            out.extend_from_slice(data);
        } else if part.type_of().slots().buffer.is_some() {
            out.extend_from_slice(&bytes_like(vm, part)?);
        } else {
            let message = format!(
                "sequence item {i}: expected a bytes-like object, {} found",
                part.type_of().name()
            );
            return Err(vm.type_error(message));
        }
    }
    new_bytes(vm, &out)
}
