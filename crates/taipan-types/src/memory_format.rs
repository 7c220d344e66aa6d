//! Elements of typed memory: the native single-character formats of `struct`, as `memoryview` and `array` read and write them.

use taipan_core::builtin_types::{OVERFLOW_ERROR, TYPE_ERROR};
use taipan_core::number::int_from_u64;
use taipan_core::{Py, Raised, Value, Vm};

/// An element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    Char,
    Int { size: u8, signed: bool },
    Half,
    Float,
    Double,
    Bool,
    Pointer,
}

impl Code {
    /// The element type of a format, which may have `@` in front. `None` for all that is not native or has more than one element.
    pub fn parse(format: &str) -> Option<Code> {
        let letter = format.strip_prefix('@').unwrap_or(format);
        let int = |size, signed| Some(Code::Int { size, signed });
        match letter {
            "c" => Some(Code::Char),
            "b" => int(1, true),
            "B" => int(1, false),
            "h" => int(2, true),
            "H" => int(2, false),
            "i" => int(4, true),
            "I" => int(4, false),
            "l" => int(size_of::<libc_long>() as u8, true),
            "L" => int(size_of::<libc_long>() as u8, false),
            "q" => int(8, true),
            "Q" => int(8, false),
            "n" => int(size_of::<isize>() as u8, true),
            "N" => int(size_of::<usize>() as u8, false),
            "e" => Some(Code::Half),
            "f" => Some(Code::Float),
            "d" => Some(Code::Double),
            "?" => Some(Code::Bool),
            "P" => Some(Code::Pointer),
            _ => None,
        }
    }

    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Code::Char | Code::Bool => 1,
            Code::Int { size, .. } => size as usize,
            Code::Half => 2,
            Code::Float => 4,
            Code::Double => 8,
            Code::Pointer => size_of::<usize>(),
        }
    }

    /// Is an element a single byte?
    pub fn is_byte(self) -> bool {
        matches!(self, Code::Char | Code::Int { size: 1, .. })
    }
}

#[expect(non_camel_case_types, reason = "C's name")]
type libc_long = std::ffi::c_long;

/// Why a value cannot be stored.
pub enum PackError {
    /// The value is of the wrong type.
    Type,
    /// The value is out of range.
    Range,
    /// Converting it raised something else.
    Raised(Raised),
}

/// The value of an element.
pub fn unpack(vm: &mut Vm, code: Code, bytes: &[u8]) -> Py {
    let mut word = [0u8; 8];
    let size = bytes.len().min(8);
    word[..size].copy_from_slice(&bytes[..size]);
    Ok(match code {
        Code::Char => return crate::bytes::new_bytes(vm, bytes),
        Code::Bool => Value::bool(bytes.first().is_some_and(|byte| *byte != 0)),
        Code::Half => Value::float(half_to_f64(u16::from_ne_bytes([word[0], word[1]]))),
        Code::Float => {
            Value::float(f32::from_ne_bytes([word[0], word[1], word[2], word[3]]) as f64)
        }
        Code::Double => Value::float(f64::from_ne_bytes(word)),
        Code::Pointer => int_from_u64(u64::from_ne_bytes(word)),
        Code::Int { size, signed } => match (size, signed) {
            (1, true) => Value::from_i32(word[0] as i8 as i32),
            (1, false) => Value::from_i32(word[0] as i32),
            (2, true) => Value::from_i32(i16::from_ne_bytes([word[0], word[1]]) as i32),
            (2, false) => Value::from_i32(u16::from_ne_bytes([word[0], word[1]]) as i32),
            (4, true) => Value::from_i32(i32::from_ne_bytes([word[0], word[1], word[2], word[3]])),
            (4, false) => {
                Value::int(u32::from_ne_bytes([word[0], word[1], word[2], word[3]]) as i64)
            }
            (_, true) => Value::int(i64::from_ne_bytes(word)),
            (_, false) => int_from_u64(u64::from_ne_bytes(word)),
        },
    })
}

/// The bytes of an element; only as many as the element has count.
pub fn pack(vm: &mut Vm, code: Code, value: &Value) -> Result<[u8; 8], PackError> {
    let mut word = [0u8; 8];
    match code {
        Code::Char => match crate::bytes::bytes_of(value) {
            Some([byte]) => word[0] = *byte,
            Some(_) => return Err(PackError::Range),
            None => return Err(PackError::Type),
        },
        Code::Bool => word[0] = vm.truth(value).map_err(PackError::Raised)? as u8,
        Code::Half | Code::Float | Code::Double => {
            let x = real(vm, value)?;
            match code {
                Code::Double => word = x.to_ne_bytes(),
                Code::Float => {
                    let narrow = x as f32;
                    if narrow.is_infinite() && x.is_finite() {
                        return Err(PackError::Range);
                    }
                    word[..4].copy_from_slice(&narrow.to_ne_bytes());
                }
                _ => {
                    let half = f64_to_half(x).ok_or(PackError::Range)?;
                    word[..2].copy_from_slice(&half.to_ne_bytes());
                }
            }
        }
        Code::Pointer => {
            let index = index(vm, value)?;
            let bits = index
                .as_i64()
                .map(|i| i as u64)
                .or_else(|| index.as_big().and_then(|big| u64::try_from(big).ok()));
            word = bits.ok_or(PackError::Range)?.to_ne_bytes();
        }
        Code::Int { size, signed } => {
            let index = index(vm, value)?;
            let bits = 8 * size as u32;
            let word64 = if signed {
                let i = index.as_i64().ok_or(PackError::Range)?;
                if bits < 64 && i >> (bits - 1) != 0 && i >> (bits - 1) != -1 {
                    return Err(PackError::Range);
                }
                i as u64
            } else {
                let i = match index.as_i64() {
                    Some(i) => u64::try_from(i).ok(),
                    None => index.as_big().and_then(|big| u64::try_from(big).ok()),
                };
                let i = i.ok_or(PackError::Range)?;
                if bits < 64 && i >> bits != 0 {
                    return Err(PackError::Range);
                }
                i
            };
            let bytes = word64.to_ne_bytes();
            let from = if cfg!(target_endian = "big") {
                8 - size as usize
            } else {
                0
            };
            word[..size as usize].copy_from_slice(&bytes[from..from + size as usize]);
        }
    }
    Ok(word)
}

fn index(vm: &mut Vm, value: &Value) -> Result<Value, PackError> {
    if !value.is_int() && value.type_of().slots().index.is_none() {
        return Err(PackError::Type);
    }
    vm.index(value).map_err(|raised| sorted(vm, raised))
}

fn real(vm: &mut Vm, value: &Value) -> Result<f64, PackError> {
    vm.to_f64(value).map_err(|raised| sorted(vm, raised))
}

/// Errors of a conversion by what they mean for the element.
fn sorted(vm: &mut Vm, raised: Raised) -> PackError {
    let kind = if vm.pending_is(&TYPE_ERROR) {
        PackError::Type
    } else if vm.pending_is(&OVERFLOW_ERROR) {
        PackError::Range
    } else {
        return PackError::Raised(raised);
    };
    drop(vm.take_raised(raised));
    kind
}

/// An IEEE half as a double.
pub fn half_to_f64(half: u16) -> f64 {
    let sign = if half & 0x8000 != 0 { -1.0 } else { 1.0 };
    let exponent = (half >> 10 & 0x1F) as i32;
    let fraction = (half & 0x3FF) as f64;
    match exponent {
        0 => sign * fraction * f64::powi(2.0, -24),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::from_bits(
            (half as u64 & 0x8000) << 48 | 0x7FF0_0000_0000_0000 | (half as u64 & 0x3FF) << 42,
        ),
        _ => sign * (1.0 + fraction / 1024.0) * f64::powi(2.0, exponent - 15),
    }
}

/// A double as an IEEE half, rounded to even; `None` if it is too large.
pub fn f64_to_half(x: f64) -> Option<u16> {
    let sign = if x.is_sign_negative() { 0x8000u16 } else { 0 };
    if x.is_nan() {
        let payload = (x.to_bits() >> 42 & 0x3FF) as u16;
        return Some(sign | 0x7C00 | payload | if payload == 0 { 0x200 } else { 0 });
    }
    let x = x.abs();
    if x.is_infinite() {
        return Some(sign | 0x7C00);
    }
    if x == 0.0 {
        return Some(sign);
    }
    let exponent = ((x.to_bits() >> 52) as i32 & 0x7FF) - 1023;
    // The weight of the last place.
    let unit = (exponent.max(-14) - 10).max(-24);
    let scaled = (x / f64::powi(2.0, unit)).round_ties_even();
    let mut bits = scaled as u32;
    if exponent >= -14 {
        // The leading one is implied; rounding up carries into the exponent by itself.
        bits = bits.wrapping_sub(1024) + (((exponent + 15) as u32) << 10);
    }
    (bits < 0x7C00).then_some(sign | bits as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves() {
        for half in 0..=0xFFFFu16 {
            let x = half_to_f64(half);
            if !x.is_nan() {
                assert_eq!(f64_to_half(x), Some(half), "{half:#x}");
            }
        }
        assert_eq!(f64_to_half(65519.9), Some(0x7BFF));
        assert_eq!(f64_to_half(65520.0), None);
        assert_eq!(f64_to_half(1e-10), Some(0));
    }
}
