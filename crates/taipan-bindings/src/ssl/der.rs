//! A reader of DER, the encoding of certificates. It gives up (`None`) on what it does not understand; nothing in it panics.

/// Universal tags that certificates use.
pub const BOOLEAN: u8 = 0x01;
pub const INTEGER: u8 = 0x02;
pub const OCTET_STRING: u8 = 0x04;
pub const OBJECT_ID: u8 = 0x06;
pub const UTC_TIME: u8 = 0x17;
pub const GENERALIZED_TIME: u8 = 0x18;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;
const BMP_STRING: u8 = 0x1e;
const UNIVERSAL_STRING: u8 = 0x1c;
const T61_STRING: u8 = 0x14;

/// The tag of a context-specific element, primitive and constructed.
pub const fn context(number: u8) -> u8 {
    0x80 | number
}
pub const fn context_constructed(number: u8) -> u8 {
    0xa0 | number
}

/// One element.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    pub tag: u8,
    pub body: &'a [u8],
    /// With tag and length.
    pub whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// The elements inside.
    pub fn inside(&self) -> Reader<'a> {
        Reader(self.body)
    }
}

/// What is left to read.
#[derive(Clone, Copy)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next element.
    pub fn next(&mut self) -> Option<Element<'a>> {
        let all = self.0;
        let (&tag, rest) = all.split_first()?;
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (&first, mut rest) = rest.split_first()?;
        let mut len = usize::from(first);
        if first >= 0x80 {
            let count = usize::from(first & 0x7f);
            if !(1..=4).contains(&count) {
                return None;
            }
            len = 0;
            for &byte in rest.get(..count)? {
                len = len << 8 | usize::from(byte);
            }
            rest = rest.get(count..)?;
        }
        let body = rest.get(..len)?;
        self.0 = rest.get(len..)?;
        Some(Element {
            tag,
            body,
            whole: all.get(..all.len() - self.0.len())?,
        })
    }

    /// The next element, which has to have this tag.
    pub fn take(&mut self, tag: u8) -> Option<Element<'a>> {
        self.next().filter(|element| element.tag == tag)
    }

    /// The next element if it has this tag; else it stays.
    pub fn take_if(&mut self, tag: u8) -> Option<Element<'a>> {
        if self.0.first() == Some(&tag) {
            self.next()
        } else {
            None
        }
    }
}

/// An object identifier in dotted notation.
pub fn object_id(body: &[u8]) -> Option<String> {
    let mut text = String::new();
    let mut number: u128 = 0;
    let mut first = true;
    let mut open = false;
    for &byte in body {
        number = number.checked_mul(128)? | u128::from(byte & 0x7f);
        open = byte & 0x80 != 0;
        if open {
            continue;
        }
        if first {
            let root = (number / 40).min(2);
            text = format!("{root}.{}", number - root * 40);
            first = false;
        } else {
            text.push_str(&format!(".{number}"));
        }
        number = 0;
    }
    (!first && !open).then_some(text)
}

/// The body of an object identifier's encoding.
pub fn encode_object_id(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('.').map(|part| {
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if digits {
            part.parse::<u128>().ok()
        } else {
            None
        }
    });
    let (root, second) = (parts.next()??, parts.next()??);
    if root > 2 || (root < 2 && second > 39) {
        return None;
    }
    let mut body = Vec::new();
    push_base128(&mut body, second.checked_add(root * 40)?);
    for part in parts {
        push_base128(&mut body, part?);
    }
    Some(body)
}

fn push_base128(out: &mut Vec<u8>, number: u128) {
    let groups = (128 - number.leading_zeros()).div_ceil(7).max(1);
    for group in (0..groups).rev() {
        let more = if group == 0 { 0 } else { 0x80 };
        out.push((number >> (7 * group)) as u8 & 0x7f | more);
    }
}

/// The text of any of the string types.
pub fn text(element: &Element<'_>) -> String {
    let wide = |size: usize| {
        element.body.chunks(size).map(|unit| {
            let number = unit.iter().fold(0, |all, &byte| all << 8 | u32::from(byte));
            char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER)
        })
    };
    match element.tag {
        BMP_STRING => wide(2).collect(),
        UNIVERSAL_STRING => wide(4).collect(),
        T61_STRING => element.body.iter().map(|&byte| char::from(byte)).collect(),
        _ => String::from_utf8_lossy(element.body).into_owned(),
    }
}

/// A point in time, to the second, in UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Time {
    year: i64,
    /// 1 to 12.
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

impl Time {
    /// The time of an element of one of the two types.
    pub fn parse(element: &Element<'_>) -> Option<Time> {
        let digits = element.body.strip_suffix(b"Z")?;
        let pair = |at: usize| -> Option<u8> {
            match digits.get(at..at + 2)? {
                [high @ b'0'..=b'9', low @ b'0'..=b'9'] => Some((high - b'0') * 10 + (low - b'0')),
                _ => None,
            }
        };
        let (year, at) = match element.tag {
            UTC_TIME => {
                let year = i64::from(pair(0)?);
                (if year < 50 { 2000 + year } else { 1900 + year }, 2)
            }
            GENERALIZED_TIME => (i64::from(pair(0)?) * 100 + i64::from(pair(2)?), 4),
            _ => return None,
        };
        let time = Time {
            year,
            month: pair(at)?,
            day: pair(at + 2)?,
            hour: pair(at + 4)?,
            minute: pair(at + 6)?,
            second: pair(at + 8).unwrap_or(0),
        };
        let fits = (1..=12).contains(&time.month)
            && (1..=31).contains(&time.day)
            && time.hour < 24
            && time.minute < 60
            && time.second < 61;
        fits.then_some(time)
    }

    /// Seconds since 1970.
    pub fn unix(&self) -> i64 {
        // Days since 1970-03-01 of a calendar whose years begin in March.
        let (year, month) = match self.month {
            0..=2 => (self.year - 1, i64::from(self.month) + 9),
            month => (self.year, i64::from(month) - 3),
        };
        let days = 365 * year + year.div_euclid(4) - year.div_euclid(100)
            + year.div_euclid(400)
            + (153 * month + 2) / 5
            + i64::from(self.day)
            - 719_469;
        ((days * 24 + i64::from(self.hour)) * 60 + i64::from(self.minute)) * 60
            + i64::from(self.second)
    }

    /// As OpenSSL prints it.
    pub fn print(&self) -> String {
        const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
        let start = usize::from(self.month - 1) * 3;
        let month = String::from_utf8_lossy(MONTHS.get(start..start + 3).unwrap_or(b"???"));
        format!(
            "{month} {:2} {:02}:{:02}:{:02} {} GMT",
            self.day, self.hour, self.minute, self.second, self.year
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_ids_round_trip() {
        for text in [
            "1.3.6.1.5.5.7.3.1",
            "2.5.4.3",
            "2.999.1",
            "0.9.2342.19200300.100.1.1",
        ] {
            let body = encode_object_id(text).expect(text);
            assert_eq!(object_id(&body).as_deref(), Some(text));
        }
        for text in ["", "1", "3.1", "1.40", "1..2", "a.b", "1.2.x"] {
            assert_eq!(encode_object_id(text), None, "{text}");
        }
        assert_eq!(object_id(&[0x80]), None);
    }

    #[test]
    fn lengths_are_checked() {
        assert!(Reader(&[0x30, 0x82, 0xff]).next().is_none());
        assert!(Reader(&[0x30, 0x05, 1]).next().is_none());
        assert!(Reader(&[0x30, 0x80]).next().is_none());
        let element = Reader(&[0x04, 0x81, 1, 7, 9]).next().expect("an element");
        assert_eq!(
            (element.body, element.whole),
            (&[7][..], &[4, 0x81, 1, 7][..])
        );
    }

    #[test]
    fn times() {
        let time = |tag, body| {
            Time::parse(&Element {
                tag,
                body,
                whole: body,
            })
        };
        let epoch = time(UTC_TIME, b"700101000000Z").expect("a time");
        assert_eq!(epoch.unix(), 0);
        let leap = time(GENERALIZED_TIME, b"20240229120000Z").expect("a time");
        assert_eq!(leap.unix(), 1_709_208_000);
        assert_eq!(leap.print(), "Feb 29 12:00:00 2024 GMT");
        assert_eq!(time(UTC_TIME, b"701301000000Z"), None);
    }
}
