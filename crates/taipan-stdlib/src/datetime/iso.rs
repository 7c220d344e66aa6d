//! ISO 8601 text, written and read. No Python here: text comes as code points.

use super::gregorian::{Day, from_iso_week};

/// A time of day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Clock {
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub microsecond: u32,
}

impl Clock {
    /// Whole seconds since midnight.
    pub fn seconds(self) -> i64 {
        i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second)
    }

    /// The time of a number of microseconds since midnight, below a day's.
    pub fn from_microseconds(microseconds: i64) -> Clock {
        let seconds = microseconds / 1_000_000;
        Clock {
            hour: (seconds / 3600) as u8,
            minute: (seconds / 60 % 60) as u8,
            second: (seconds % 60) as u8,
            microsecond: (microseconds % 1_000_000) as u32,
        }
    }

    pub fn microseconds(self) -> i64 {
        self.seconds() * 1_000_000 + i64::from(self.microsecond)
    }
}

/// How much of a time `isoformat` shows.
#[derive(Clone, Copy)]
pub enum Precision {
    Auto,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
    Microseconds,
}

impl Precision {
    pub fn named(name: &str) -> Option<Precision> {
        Some(match name {
            "auto" => Precision::Auto,
            "hours" => Precision::Hours,
            "minutes" => Precision::Minutes,
            "seconds" => Precision::Seconds,
            "milliseconds" => Precision::Milliseconds,
            "microseconds" => Precision::Microseconds,
            _ => return None,
        })
    }
}

pub fn day_text(day: Day) -> String {
    format!("{:04}-{:02}-{:02}", day.year, day.month, day.day)
}

pub fn clock_text(clock: Clock, precision: Precision) -> String {
    let Clock {
        hour: h,
        minute: m,
        second: s,
        microsecond: us,
    } = clock;
    match precision {
        Precision::Hours => format!("{h:02}"),
        Precision::Minutes => format!("{h:02}:{m:02}"),
        Precision::Milliseconds => format!("{h:02}:{m:02}:{s:02}.{:03}", us / 1000),
        Precision::Microseconds => format!("{h:02}:{m:02}:{s:02}.{us:06}"),
        Precision::Auto if us != 0 => format!("{h:02}:{m:02}:{s:02}.{us:06}"),
        Precision::Auto | Precision::Seconds => format!("{h:02}:{m:02}:{s:02}"),
    }
}

/// An offset from UTC in microseconds: `+HH:MM[:SS[.ffffff]]`.
pub fn offset_text(offset: i64, separator: &str) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    let offset = offset.unsigned_abs();
    let (seconds, us) = (offset / 1_000_000, offset % 1_000_000);
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut text = format!("{sign}{h:02}{separator}{m:02}");
    if s != 0 || us != 0 {
        text.push_str(&format!("{separator}{s:02}"));
    }
    if us != 0 {
        text.push_str(&format!(".{us:06}"));
    }
    text
}

/// Text that is not in the format.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

type Parsed<T> = Result<T, Malformed>;

/// Text that is read from the front.
struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn digits(&mut self, count: usize) -> Parsed<i32> {
        let digits = self.text.get(self.at..self.at + count).ok_or(Malformed)?;
        self.at += count;
        digits.iter().try_fold(0, |number, digit| match digit {
            b'0'..=b'9' => Ok(number * 10 + i32::from(digit - b'0')),
            _ => Err(Malformed),
        })
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip(&mut self, byte: u8) -> bool {
        let here = self.peek() == Some(byte);
        self.at += usize::from(here);
        here
    }
}

/// Fields of a date as written: not checked against the calendar, unless they were a week's.
pub type DayFields = (i32, i32, i32);

/// `YYYY-MM-DD`, `YYYYMMDD`, `YYYY-Www[-D]` or `YYYYWww[D]`
pub fn parse_day(text: &[u32]) -> Parsed<DayFields> {
    let text = ascii(text)?;
    if !matches!(text.len(), 7 | 8 | 10) {
        return Err(Malformed);
    }
    let mut scanner = Scanner { text: &text, at: 0 };
    let year = scanner.digits(4)?;
    let dashes = scanner.skip(b'-');
    if scanner.skip(b'W') {
        let week = scanner.digits(2)?;
        let mut weekday = 1;
        if scanner.at < text.len() {
            if scanner.skip(b'-') != dashes {
                return Err(Malformed);
            }
            weekday = scanner.digits(1)?;
        }
        let day = from_iso_week(year, week, weekday).map_err(|_| Malformed)?;
        return end(&scanner, (day.year, day.month.into(), day.day.into()));
    }
    let month = scanner.digits(2)?;
    if scanner.skip(b'-') != dashes {
        return Err(Malformed);
    }
    let day = scanner.digits(2)?;
    end(&scanner, (year, month, day))
}

fn end<T>(scanner: &Scanner<'_>, value: T) -> Parsed<T> {
    if scanner.at == scanner.text.len() {
        Ok(value)
    } else {
        Err(Malformed)
    }
}

fn ascii(text: &[u32]) -> Parsed<Vec<u8>> {
    text.iter()
        .map(|c| u8::try_from(*c).ok().filter(u8::is_ascii).ok_or(Malformed))
        .collect()
}

/// Hours, minutes, seconds and microseconds as written.
pub type ClockFields = [i32; 4];

/// `HH[:?MM[:?SS[{.,}f+]]]`
fn parse_clock(text: &[u8]) -> Parsed<ClockFields> {
    let mut scanner = Scanner { text, at: 0 };
    let mut fields = [0; 4];
    let mut colons = false;
    for (at, field) in fields.iter_mut().take(3).enumerate() {
        *field = scanner.digits(2)?;
        let next = scanner.peek();
        if at == 0 {
            colons = next == Some(b':');
        }
        match next {
            None => break,
            Some(_) if at == 2 => break,
            Some(_) if colons => {
                if !scanner.skip(b':') {
                    return Err(Malformed);
                }
            }
            Some(_) => {}
        }
    }
    if scanner.at == text.len() {
        return Ok(fields);
    }
    if !scanner.skip(b'.') && !scanner.skip(b',') {
        return Err(Malformed);
    }
    let fraction = &text[scanner.at..];
    if fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
        return Err(Malformed);
    }
    let digits = fraction.iter().chain(std::iter::repeat(&b'0')).take(6);
    fields[3] = digits.fold(0, |number, digit| number * 10 + i32::from(digit - b'0'));
    Ok(fields)
}

/// An offset from UTC as written.
#[derive(Debug, PartialEq, Eq)]
pub enum Offset {
    None,
    Utc,
    Microseconds(i64),
}

/// A time with an offset.
pub fn parse_time(text: &[u32]) -> Parsed<(ClockFields, Offset)> {
    let text = ascii(text)?;
    if text.len() < 2 {
        return Err(Malformed);
    }
    let Some(sign) = ["-", "+", "Z"]
        .iter()
        .find_map(|sign| text.iter().position(|c| *c == sign.as_bytes()[0]))
    else {
        return Ok((parse_clock(&text)?, Offset::None));
    };
    let clock = parse_clock(&text[..sign])?;
    let zone = &text[sign + 1..];
    if text[sign] == b'Z' {
        return if zone.is_empty() {
            Ok((clock, Offset::Utc))
        } else {
            Err(Malformed)
        };
    }
    if matches!(zone.len(), 0 | 1 | 3) {
        return Err(Malformed);
    }
    let [hours, minutes, seconds, microseconds] = parse_clock(zone)?.map(i64::from);
    let offset = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + microseconds;
    Ok((
        clock,
        match (offset, text[sign]) {
            (0, _) => Offset::Utc,
            (offset, b'-') => Offset::Microseconds(-offset),
            (offset, _) => Offset::Microseconds(offset),
        },
    ))
}

/// Where the date ends in the text of a date and time.
pub fn separator(text: &[u32]) -> Parsed<usize> {
    let at = |index: usize| text.get(index).and_then(|c| char::from_u32(*c));
    let is_digit = |index: usize| at(index).is_some_and(|c| c.is_ascii_digit());
    let len = text.len();
    if len == 7 {
        return Ok(7);
    }
    if at(4) == Some('-') {
        if at(5) != Some('W') {
            return Ok(10);
        }
        if len < 8 {
            return Err(Malformed);
        }
        if len > 8 && at(8) == Some('-') {
            if len == 9 {
                return Err(Malformed);
            }
            // A hyphen may be part of the date or the separator itself: more digits behind it than a weekday tell.
            return Ok(if len > 10 && is_digit(10) { 8 } else { 10 });
        }
        return Ok(8);
    }
    if at(4) != Some('W') {
        return Ok(8);
    }
    let mut end = 7;
    while end < len && is_digit(end) {
        end += 1;
    }
    Ok(if end < 9 {
        end
    } else if end % 2 == 0 {
        7
    } else {
        8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(text: &str) -> Vec<u32> {
        text.chars().map(u32::from).collect()
    }

    #[test]
    fn days() {
        assert_eq!(parse_day(&points("2020-02-29")), Ok((2020, 2, 29)));
        assert_eq!(parse_day(&points("20200229")), Ok((2020, 2, 29)));
        assert_eq!(parse_day(&points("2020-W09-6")), Ok((2020, 2, 29)));
        assert_eq!(parse_day(&points("2020W09")), Ok((2020, 2, 24)));
        assert_eq!(parse_day(&points("2020-0229")), Err(Malformed));
    }

    #[test]
    fn times() {
        let clock = [12, 30, 45, 120_000];
        let offset = Offset::Microseconds(-5_400_000_000);
        assert_eq!(
            parse_time(&points("12:30:45.12-01:30")),
            Ok((clock, offset))
        );
        assert_eq!(parse_time(&points("12Z")), Ok(([12, 0, 0, 0], Offset::Utc)));
        assert_eq!(parse_time(&points("12:3")), Err(Malformed));
    }
}
