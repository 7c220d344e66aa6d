//! `binascii`: base64, hexadecimal, uuencode, quoted-printable, and two checksums.

use crate::ModuleDef;
use crate::support::add;
use std::sync::OnceLock;
use taipan_core::builtin_types::{EXCEPTION, VALUE_ERROR};
use taipan_core::{
    Bound, MethodDef, Py, Raised, Type, TypeFlags, TypeObject, TypeSpec, Value, Vm, bound, f1, f2,
    slice,
};
use taipan_types::buffer::{ascii_or_bytes_like, bytes_like};
use taipan_types::bytes::{hex_digits, new_bytes};

static ERROR: TypeObject = Type::declare("binascii.Error");
static INCOMPLETE: TypeObject = Type::declare("binascii.Incomplete");

static ERROR_SPEC: TypeSpec = TypeSpec {
    name: "binascii.Error",
    base: Some(&VALUE_ERROR),
    flags: TypeFlags::BASE
        .union(TypeFlags::DICT)
        .union(TypeFlags::WEAKREF),
    ..TypeSpec::DEFAULT
};

static INCOMPLETE_SPEC: TypeSpec = TypeSpec {
    name: "binascii.Incomplete",
    base: Some(&EXCEPTION),
    flags: TypeFlags::BASE
        .union(TypeFlags::DICT)
        .union(TypeFlags::WEAKREF),
    ..TypeSpec::DEFAULT
};

#[cold]
fn error(vm: &mut Vm, message: impl AsRef<str>) -> Raised {
    vm.raise(&ERROR, message)
}

fn flag(vm: &mut Vm, args: &Bound, at: usize, default: bool) -> Py<bool> {
    taipan_types::arguments::flag(vm, args.get(at), default)
}

// ---- base64 ----

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

fn b2a_base64(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let data = bytes_like(vm, args.req(0))?;
    let newline = flag(vm, args, 1, true)?;
    let mut out = Vec::with_capacity(data.len().div_ceil(3) * 4 + 1);
    for chunk in data.chunks(3) {
        let word = chunk
            .iter()
            .fold(0u32, |word, byte| word << 8 | *byte as u32)
            << (8 * (3 - chunk.len()));
        for i in 0..4 {
            out.push(if i <= chunk.len() {
                ALPHABET[(word >> (18 - 6 * i) & 63) as usize]
            } else {
                b'='
            });
        }
    }
    if newline {
        out.push(b'\n');
    }
    new_bytes(vm, &out)
}

fn a2b_base64(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let data = ascii_or_bytes_like(vm, args.req(0))?;
    let strict = flag(vm, args, 1, false)?;
    if strict && data.first() == Some(&b'=') {
        return Err(error(vm, "Leading padding not allowed"));
    }
    let mut out = Vec::with_capacity(data.len() / 4 * 3 + 3);
    // Characters of the group so far, the bits carried over, and the padding seen in it.
    let (mut quad, mut left, mut pads) = (0, 0u8, 0);
    let mut padding_started = false;
    for (i, byte) in data.iter().copied().enumerate() {
        if byte == b'=' {
            padding_started = true;
            if strict && quad == 0 {
                let message = if i == 0 {
                    "Leading padding not allowed"
                } else {
                    "Excess padding not allowed"
                };
                return Err(error(vm, message));
            }
            if quad >= 2 {
                pads += 1;
                if strict && quad + pads > 4 {
                    return Err(error(vm, "Excess padding not allowed"));
                }
            }
            continue;
        }
        let Some(value) = sextet(byte) else {
            if strict {
                return Err(error(vm, "Only base64 data is allowed"));
            }
            continue;
        };
        if strict && padding_started {
            let message = if quad >= 2 && quad + pads >= 4 {
                "Excess data after padding"
            } else {
                "Discontinuous padding not allowed"
            };
            return Err(error(vm, message));
        }
        pads = 0;
        match quad {
            0 => {
                quad = 1;
                left = value;
            }
            1 => {
                quad = 2;
                out.push(left << 2 | value >> 4);
                left = value & 0x0F;
            }
            2 => {
                quad = 3;
                out.push(left << 4 | value >> 2);
                left = value & 0x03;
            }
            _ => {
                quad = 0;
                out.push(left << 6 | value);
                left = 0;
            }
        }
    }
    match quad {
        0 => new_bytes(vm, &out),
        _ if quad >= 2 && quad + pads >= 4 => new_bytes(vm, &out),
        1 => {
            let count = out.len() / 3 * 4 + 1;
            let message = format!(
                "Invalid base64-encoded string: number of data characters ({count}) cannot be 1 more than a multiple of 4"
            );
            Err(error(vm, message))
        }
        _ => Err(error(vm, "Incorrect padding")),
    }
}

// ---- hexadecimal ----

fn hexlify(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let data = bytes_like(vm, args.req(0))?;
    let digits = hex_digits(vm, &data, args.get(1), args.get(2))?;
    new_bytes(vm, &digits)
}

fn unhexlify(vm: &mut Vm, _module: &Value, digits: &Value) -> Py {
    let digits = ascii_or_bytes_like(vm, digits)?;
    if digits.len() % 2 == 1 {
        return Err(error(vm, "Odd-length string"));
    }
    let digit = |byte: u8| (byte as char).to_digit(16);
    let mut out = Vec::with_capacity(digits.len() / 2);
    for pair in digits.chunks_exact(2) {
        match (digit(pair[0]), digit(pair[1])) {
            (Some(high), Some(low)) => out.push((high << 4 | low) as u8),
            _ => return Err(error(vm, "Non-hexadecimal digit found")),
        }
    }
    new_bytes(vm, &out)
}

// ---- uuencode ----

fn a2b_uu(vm: &mut Vm, _module: &Value, data: &Value) -> Py {
    let data = ascii_or_bytes_like(vm, data)?;
    let Some((first, mut rest)) = data.split_first() else {
        return Err(error(vm, "Missing length byte"));
    };
    let len = (first.wrapping_sub(b' ') & 0x3F) as usize;
    let mut out = Vec::with_capacity(len);
    let (mut bits, mut word) = (0, 0u32);
    while out.len() < len {
        let value = match rest.split_first() {
            // Short lines stand for trailing zeros.
            None | Some((b'\n' | b'\r', _)) => 0,
            Some((byte, tail)) => {
                rest = tail;
                match byte {
                    b' '..=0x60 => (byte - b' ') & 0x3F,
                    _ => return Err(error(vm, "Illegal char")),
                }
            }
        };
        word = word << 6 | value as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((word >> bits) as u8);
            word &= (1 << bits) - 1;
        }
    }
    if rest
        .iter()
        .any(|byte| !matches!(byte, b' ' | b'`' | b'\n' | b'\r'))
    {
        return Err(error(vm, "Trailing garbage"));
    }
    new_bytes(vm, &out)
}

fn b2a_uu(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let data = bytes_like(vm, args.req(0))?;
    let backtick = flag(vm, args, 1, false)?;
    if data.len() > 45 {
        return Err(error(vm, "At most 45 bytes at once"));
    }
    let letter = |value: u32| {
        let value = (value & 63) as u8;
        if backtick && value == 0 {
            b'`'
        } else {
            value + b' '
        }
    };
    let mut out = vec![letter(data.len() as u32)];
    for chunk in data.chunks(3) {
        let word = chunk
            .iter()
            .fold(0u32, |word, byte| word << 8 | *byte as u32)
            << (8 * (3 - chunk.len()));
        out.extend((0..4).map(|i| letter(word >> (18 - 6 * i))));
    }
    out.push(b'\n');
    new_bytes(vm, &out)
}

// ---- quoted-printable ----

fn a2b_qp(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let data = ascii_or_bytes_like(vm, args.req(0))?;
    let header = flag(vm, args, 1, false)?;
    let digit = |at: usize| data.get(at).and_then(|byte| (*byte as char).to_digit(16));
    let mut out = Vec::with_capacity(data.len());
    let mut at = 0;
    while let Some(byte) = data.get(at).copied() {
        if byte == b'=' {
            match data.get(at + 1) {
                None => break,
                // A soft line break, up to the end of its line.
                Some(b'\n' | b'\r') => {
                    at += 1;
                    while at < data.len() && data[at] != b'\n' {
                        at += 1;
                    }
                    at += 1;
                }
                Some(b'=') => {
                    // A broken coding of the escape itself.
                    out.push(b'=');
                    at += 2;
                }
                _ => match (digit(at + 1), digit(at + 2)) {
                    (Some(high), Some(low)) => {
                        out.push((high << 4 | low) as u8);
                        at += 3;
                    }
                    _ => {
                        out.push(b'=');
                        at += 1;
                    }
                },
            }
            continue;
        }
        out.push(if header && byte == b'_' { b' ' } else { byte });
        at += 1;
    }
    new_bytes(vm, &out)
}

fn b2a_qp(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let data = bytes_like(vm, args.req(0))?;
    let quote_tabs = flag(vm, args, 1, false)?;
    let is_text = flag(vm, args, 2, true)?;
    let header = flag(vm, args, 3, false)?;
    // Line ends are written as the first one in the data is.
    let crlf = memchr::memchr(b'\n', &data).is_some_and(|at| at > 0 && data[at - 1] == b'\r');
    const LINE: usize = 76;
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out: Vec<u8> = Vec::with_capacity(data.len() * 3 / 2);
    let mut column = 0;
    let mut at = 0;
    while let Some(byte) = data.get(at).copied() {
        let line_end =
            is_text && (byte == b'\n' || byte == b'\r' && data.get(at + 1) == Some(&b'\n'));
        if line_end {
            if let Some(last @ (b' ' | b'\t')) = out.last().copied() {
                out.pop();
                out.extend([
                    b'=',
                    DIGITS[(last >> 4) as usize],
                    DIGITS[(last & 15) as usize],
                ]);
            }
            if crlf {
                out.push(b'\r');
            }
            out.push(b'\n');
            column = 0;
            at += if byte == b'\r' { 2 } else { 1 };
            continue;
        }
        let lone_dot = byte == b'.'
            && column == 0
            && matches!(data.get(at + 1), None | Some(b'\n' | b'\r' | 0));
        let blank = matches!(byte, b' ' | b'\t');
        let quoted = byte > 126
            || byte == b'='
            || header && byte == b'_'
            || lone_dot
            || !is_text && matches!(byte, b'\r' | b'\n')
            || blank && at + 1 == data.len()
            || byte < 33 && !matches!(byte, b'\r' | b'\n' | b'\t' | b' ')
            || byte < 33 && !matches!(byte, b'\r' | b'\n') && quote_tabs;
        let width = if quoted { 3 } else { 1 };
        // The last column is kept for the soft line break, unless the line ends with a plain character.
        let fits =
            column + width < LINE || !quoted && matches!(data.get(at + 1), None | Some(b'\n'));
        if !fits {
            out.push(b'=');
            if crlf {
                out.push(b'\r');
            }
            out.push(b'\n');
            column = 0;
        }
        if quoted {
            out.extend([
                b'=',
                DIGITS[(byte >> 4) as usize],
                DIGITS[(byte & 15) as usize],
            ]);
        } else if header && byte == b' ' {
            out.push(b'_');
        } else {
            out.push(byte);
        }
        column += width;
        at += 1;
    }
    new_bytes(vm, &out)
}

// ---- checksums ----

fn crc_hqx(vm: &mut Vm, _module: &Value, data: &Value, crc: &Value) -> Py {
    let data = bytes_like(vm, data)?;
    let mut crc = word(vm, crc)? as u16;
    for byte in data.iter() {
        crc ^= (*byte as u16) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 != 0 {
                crc << 1 ^ 0x1021
            } else {
                crc << 1
            };
        }
    }
    Ok(Value::from_i32(crc as i32))
}

/// The low 32 bits of an int.
fn word(vm: &mut Vm, value: &Value) -> Py<u32> {
    let index = vm.index(value)?;
    if let Some(i) = index.as_i64() {
        return Ok(i as u32);
    }
    let big = index.as_big().unwrap_or_default();
    let modulus = dashu_int::IBig::from(1u64 << 32);
    let low = ((big % &modulus) + &modulus) % &modulus;
    Ok(u32::try_from(&low).unwrap_or(0))
}

/// Eight tables, so that eight bytes are taken at a time.
fn crc_tables() -> &'static [[u32; 256]; 8] {
    static TABLES: OnceLock<Box<[[u32; 256]; 8]>> = OnceLock::new();
    TABLES.get_or_init(|| {
        let mut tables = Box::new([[0u32; 256]; 8]);
        for i in 0..256u32 {
            tables[0][i as usize] = (0..8).fold(i, |crc, _| {
                if crc & 1 != 0 {
                    crc >> 1 ^ 0xEDB8_8320
                } else {
                    crc >> 1
                }
            });
        }
        for k in 1..8 {
            for i in 0..256 {
                let before = tables[k - 1][i];
                tables[k][i] = before >> 8 ^ tables[0][(before & 0xFF) as usize];
            }
        }
        tables
    })
}

/// CRC-32 as zip and PNG have it, going on from `crc`.
pub fn crc32_of(data: &[u8], crc: u32) -> u32 {
    let tables = crc_tables();
    let mut crc = !crc;
    let mut chunks = data.chunks_exact(8);
    for chunk in &mut chunks {
        let low = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]) ^ crc;
        crc = tables[7][(low & 0xFF) as usize]
            ^ tables[6][(low >> 8 & 0xFF) as usize]
            ^ tables[5][(low >> 16 & 0xFF) as usize]
            ^ tables[4][(low >> 24) as usize]
            ^ tables[3][chunk[4] as usize]
            ^ tables[2][chunk[5] as usize]
            ^ tables[1][chunk[6] as usize]
            ^ tables[0][chunk[7] as usize];
    }
    for byte in chunks.remainder() {
        crc = crc >> 8 ^ tables[0][((crc ^ *byte as u32) & 0xFF) as usize];
    }
    !crc
}

fn crc32(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let data = bytes_like(vm, &args[0])?;
    let start = match args.get(1) {
        Some(start) => word(vm, start)?,
        None => 0,
    };
    Ok(Value::int(crc32_of(&data, start) as i64))
}

static FUNCTIONS: [MethodDef; 12] = [
    f1(
        "a2b_uu(module, data, /)",
        a2b_uu,
        "Decodes a line of uuencoded data.",
    ),
    bound(
        "b2a_uu(module, data, /, *, backtick=False)",
        b2a_uu,
        "Uuencodes a line of data.",
    ),
    bound(
        "a2b_base64(module, data, /, *, strict_mode=False)",
        a2b_base64,
        "Decodes base64 data.\n\nstrict_mode refuses anything that the standard does not allow.",
    ),
    bound(
        "b2a_base64(module, data, /, *, newline=True)",
        b2a_base64,
        "Encodes data as base64.",
    ),
    f1(
        "a2b_hex(module, hexstr, /)",
        unhexlify,
        "Decodes hexadecimal digits.",
    ),
    bound(
        "b2a_hex(module, /, data, sep=<unrepresentable>, bytes_per_sep=1)",
        hexlify,
        "Data as hexadecimal digits.",
    ),
    bound(
        "hexlify(module, /, data, sep=<unrepresentable>, bytes_per_sep=1)",
        hexlify,
        "Data as hexadecimal digits.",
    ),
    f1(
        "unhexlify(module, hexstr, /)",
        unhexlify,
        "Decodes hexadecimal digits.",
    ),
    f2(
        "crc_hqx(module, data, crc, /)",
        crc_hqx,
        "CRC-CCITT of data.",
    ),
    slice("crc32(module, data, crc=0, /)", crc32, "CRC-32 of data."),
    bound(
        "a2b_qp(module, /, data, header=False)",
        a2b_qp,
        "Decodes quoted-printable data.",
    ),
    bound(
        "b2a_qp(module, /, data, quotetabs=False, istext=True, header=False)",
        b2a_qp,
        "Encodes data as quoted-printable.",
    ),
];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    ERROR.define(&ERROR_SPEC);
    INCOMPLETE.define(&INCOMPLETE_SPEC);
    add(dict, "Error", ERROR.to_value());
    add(dict, "Incomplete", INCOMPLETE.to_value());
    Ok(())
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "binascii",
    doc: "Conversions between binary data and ASCII.",
    functions: &FUNCTIONS,
    init,
};
