//! `strftime`: what the C library does not know (microseconds, offsets of zones, years below 1000) is written here, the rest by
//! `time.strftime`.

use super::date::{Date, day_of};
use super::iso::offset_text;
use super::zone::{self, microseconds};
use taipan_core::str_object::{new_from_code_points, new_str, str_of};
use taipan_core::{Py, Value, Vm, name};
use taipan_types::codec::registry::import;

/// The text of a format being rewritten, as code points.
struct Rewriter<'a> {
    out: Vec<u32>,
    object: &'a Value,
    /// The time tuple.
    tuple: &'a Value,
    /// What the zone's methods are asked about.
    about: &'a Value,
    zone: Option<Value>,
}

/// `object.strftime(format)`, given its time tuple and what its zone is asked about.
pub(super) fn format(
    vm: &mut Vm,
    object: &Value,
    format: &Value,
    tuple: &Value,
    about: &Value,
) -> Py {
    let mut rewriter = Rewriter {
        out: Vec::new(),
        object,
        tuple,
        about,
        zone: super::zone_of(object),
    };
    let points: Vec<u32> = match str_of(format) {
        Some(text) => text.code_points().collect(),
        None => Vec::new(),
    };
    let mut at = 0;
    while let Some(c) = points.get(at) {
        at += 1;
        if *c != u32::from('%') {
            rewriter.out.push(*c);
            continue;
        }
        at += rewriter.conversion(vm, &points[at..])?;
    }
    let format = new_from_code_points(&rewriter.out);
    time_strftime(vm, &format, tuple)
}

fn time_strftime(vm: &mut Vm, format: &Value, tuple: &Value) -> Py {
    let time = import(vm, "time")?;
    vm.call_method(&time, name!("strftime"), &[format.clone(), tuple.clone()])
}

impl Rewriter<'_> {
    fn text(&mut self, text: &str) {
        self.out.extend(text.chars().map(u32::from));
    }

    /// Rewrites what follows a `%`; gives the number of characters used.
    fn conversion(&mut self, vm: &mut Vm, rest: &[u32]) -> Py<usize> {
        let letter = |at: usize| rest.get(at).and_then(|c| char::from_u32(*c));
        match letter(0) {
            Some('f') => {
                let us = super::clock_of(self.object).map_or(0, |clock| clock.microsecond);
                self.text(&format!("{us:06}"));
            }
            Some('z') => self.offset(vm, "")?,
            Some(':') if letter(1) == Some('z') => {
                self.offset(vm, ":")?;
                return Ok(2);
            }
            Some('Z') => self.zone_name(vm)?,
            Some(letter @ ('Y' | 'G' | 'F' | 'C')) => self.year(vm, letter)?,
            _ => {
                self.text("%");
                self.out.extend(rest.first());
            }
        }
        Ok(rest.len().min(1))
    }

    fn offset(&mut self, vm: &mut Vm, separator: &str) -> Py<()> {
        if let Some(offset) = zone::offset(vm, &self.zone, "utcoffset", self.about)? {
            self.text(&offset_text(microseconds(&offset) as i64, separator));
        }
        Ok(())
    }

    fn zone_name(&mut self, vm: &mut Vm) -> Py<()> {
        let name = zone::zone_name(vm, &self.zone, self.about)?;
        if name.is_none() {
            return Ok(());
        }
        // The C library would take a percent sign for a conversion.
        let escaped = vm.call_method(&name, name!("replace"), &[new_str("%"), new_str("%%")])?;
        let Some(escaped) = str_of(&escaped) else {
            return Err(vm.type_error("tzname.replace() did not return a string"));
        };
        self.out.extend(escaped.code_points());
        Ok(())
    }

    /// Years below 1000, which the C library does not fill up with zeros.
    fn year(&mut self, vm: &mut Vm, letter: char) -> Py<()> {
        let first = vm.get_item(self.tuple, &Value::from_i32(0))?;
        let mut year = vm.index_i64(&first)?;
        if year >= 1000 {
            self.text(&format!("%{letter}"));
            return Ok(());
        }
        if letter == 'G' {
            let text = time_strftime(vm, &new_str("%G"), self.tuple)?;
            let text = vm.str_string(&text)?;
            year = text.trim().parse().unwrap_or(year);
        }
        match letter {
            'C' => self.text(&format!("{:02}", year / 100)),
            'F' => {
                let (month, day) = match self.object.cast::<Date>() {
                    Some(_) => {
                        let day = day_of(self.object);
                        (day.month, day.day)
                    }
                    None => (1, 1),
                };
                self.text(&format!("{year:04}-{month:02}-{day:02}"));
            }
            _ => self.text(&format!("{year:04}")),
        }
        Ok(())
    }
}
