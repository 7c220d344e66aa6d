//! Ints as text: digits in, digits out, with the limit on long decimal conversions.

use super::operand::{Operand, from_int, operand};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use taipan_base::int_text::{self, ParseIntError};
use taipan_base::unicode;
use taipan_core::str_object::Str;
use taipan_core::{Py, Raised, Value, Vm};

/// What `sys.set_int_max_str_digits` sets; kept per interpreter.
pub struct IntLimits {
    /// 0 is no limit.
    pub max_str_digits: AtomicUsize,
}

impl IntLimits {
    /// The limit of a new interpreter.
    pub const DEFAULT: usize = 4300;
    /// The smallest limit that can be set.
    pub const LEAST: usize = 640;
}

impl Default for IntLimits {
    fn default() -> IntLimits {
        IntLimits {
            max_str_digits: AtomicUsize::new(IntLimits::DEFAULT),
        }
    }
}

fn limit(vm: &Vm) -> usize {
    vm.interpreter_state::<IntLimits>()
        .max_str_digits
        .load(Relaxed)
}

#[cold]
fn too_long(vm: &mut Vm, limit: usize, digits: Option<usize>) -> Raised {
    let has = match digits {
        Some(digits) => format!(": value has {digits} digits"),
        None => String::new(),
    };
    vm.value_error(format!(
        "Exceeds the limit ({limit} digits) for integer string conversion{has}; \
         use sys.set_int_max_str_digits() to increase the limit"
    ))
}

/// The decimal digits of an int.
pub fn decimal(vm: &mut Vm, value: &Value) -> Py<String> {
    let big = match operand(value) {
        Some(Operand::Small(i)) => return Ok(int_text::format_i64(i)),
        Some(Operand::Big(big)) => big,
        None => return Ok(String::new()),
    };
    let limit = limit(vm);
    let bits = Operand::Big(big).bit_length();
    // 10 ** n has n * 3.32 bits: above this many bits the number surely has more than `limit` digits.
    if limit != 0 && bits > limit.saturating_mul(333) / 100 + 8 {
        return Err(too_long(vm, limit, None));
    }
    let text = int_text::format_ibig(big);
    let digits = text.len() - text.starts_with('-') as usize;
    if limit != 0 && digits > limit {
        return Err(too_long(vm, limit, None));
    }
    Ok(text)
}

/// Characters of a number's text as ASCII: any Unicode decimal digit counts, any white space is a blank, and what can be in
/// no number becomes `?`.
pub(crate) fn ascii_digits(text: &Str) -> Vec<u8> {
    if let Some(ascii) = text.ascii() {
        return ascii.as_bytes().to_vec();
    }
    text.code_points()
        .map(|c| match c {
            0..128 => c as u8,
            _ if unicode::is_space(c) => b' ',
            _ => unicode::decimal(c).map_or(b'?', |digit| b'0' + digit),
        })
        .collect()
}

/// `int(text, base)`; `original` is for the message.
pub fn parse_text(vm: &mut Vm, original: &Value, text: &Str, base: u32) -> Py {
    match text.ascii() {
        Some(ascii) => parse(vm, original, ascii.as_bytes(), base),
        None => parse(vm, original, &ascii_digits(text), base),
    }
}

/// `int(bytes, base)`; `original` is for the message.
pub fn parse_bytes(vm: &mut Vm, original: &Value, bytes: &[u8], base: u32) -> Py {
    parse(vm, original, bytes, base)
}

fn parse(vm: &mut Vm, original: &Value, text: &[u8], base: u32) -> Py {
    match int_text::parse_int(text, base, limit(vm)) {
        Ok(int) => Ok(from_int(int)),
        Err(ParseIntError::TooManyDigits(digits)) => {
            let limit = limit(vm);
            Err(too_long(vm, limit, Some(digits)))
        }
        Err(ParseIntError::Invalid) => {
            let shown: String = vm.repr_string(original)?.chars().take(200).collect();
            Err(vm.value_error(format!(
                "invalid literal for int() with base {base}: {shown}"
            )))
        }
    }
}
