//! The text at the end of a time zone file: the rule for the time after its last transition, in the form of the POSIX variable `TZ`.

/// What is wrong with a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    StandardName,
    StandardOffset,
    SummerName,
    SummerOffset,
    NoRules,
    Rule,
    Rest,
}

impl Fault {
    /// The message about a text, given as its `repr`.
    pub fn message(self, shown: &str) -> String {
        match self {
            Fault::StandardName => format!("Invalid STD format in {shown}"),
            Fault::StandardOffset => format!("Invalid STD offset in {shown}"),
            Fault::SummerName => format!("Invalid DST format in {shown}"),
            Fault::SummerOffset => format!("Invalid DST offset in {shown}"),
            Fault::NoRules => format!("Missing transition rules in TZ string: {shown}"),
            Fault::Rule => format!("Malformed transition rule in TZ string: {shown}"),
            Fault::Rest => format!("Extraneous characters at end of TZ string: {shown}"),
        }
    }
}

/// The day of a year on which the clocks change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Day {
    /// Counted with February 29th.
    Plain(i64),
    /// Counted without it, from 1.
    Julian(i64),
    /// Month, week (5 is the last) and day of the week (0 is Sunday).
    Weekday(i64, i64, i64),
}

/// When the clocks change in each year, by the time they show before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    day: Day,
    /// Seconds after midnight; may be negative or beyond a day.
    time: i64,
}

/// A parsed text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parsed {
    pub standard: (String, i64),
    /// Name and offset of summer time, and when it begins and ends.
    pub summer: Option<(String, i64, Change, Change)>,
}

const DAY: i64 = 86400;

/// Days from 1970-01-01 to the day before a year.
fn days_before(year: i64) -> i64 {
    let before = year - 1;
    before * 365 + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400) - 719163
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const MONTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl Change {
    /// The change in a year, in seconds of local time since 1970.
    pub fn in_year(&self, year: i64) -> i64 {
        let day = match self.day {
            Day::Plain(day) => days_before(year) + day,
            Day::Julian(day) => {
                let behind = day >= 60 && is_leap(year);
                days_before(year) + day + i64::from(behind)
            }
            Day::Weekday(month, week, weekday) => nth_weekday(year, month, week, weekday),
        };
        day * DAY + self.time
    }
}

fn nth_weekday(year: i64, month: i64, week: i64, weekday: i64) -> i64 {
    let leap = i64::from(is_leap(year));
    let before: i64 = MONTHS.iter().take(month as usize - 1).sum();
    let first = days_before(year) + before + 1 + if month > 2 { leap } else { 0 };
    let length = MONTHS[month as usize - 1] + if month == 2 { leap } else { 0 };
    // 1970-01-01 was a Thursday.
    let first_weekday = (first + 4).rem_euclid(7);
    let mut day = (weekday - first_weekday).rem_euclid(7) + (week - 1) * 7;
    if day >= length {
        day -= 7;
    }
    first + day
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    /// `least` to `most` digits.
    fn number(&mut self, least: usize, most: usize) -> Option<i64> {
        let digits = self
            .rest
            .iter()
            .take(most)
            .take_while(|c| c.is_ascii_digit())
            .count();
        if digits < least {
            return None;
        }
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        Some(
            number
                .iter()
                .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')),
        )
    }

    /// A name of letters, or of letters, digits and signs between `<` and `>`.
    fn name(&mut self) -> Option<String> {
        let quoted = self.take(b'<');
        let fits = |c: &u8| {
            c.is_ascii_alphabetic() || quoted && (c.is_ascii_digit() || matches!(c, b'+' | b'-'))
        };
        let length = self.rest.iter().take_while(|c| fits(c)).count();
        let (name, rest) = self.rest.split_at(length);
        self.rest = rest;
        if length == 0 || quoted && !self.take(b'>') {
            return None;
        }
        String::from_utf8(name.to_vec()).ok()
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    fn time(&mut self, most_hours: i64) -> Option<i64> {
        let negative = !self.take(b'+') && self.take(b'-');
        let mut seconds = self.number(1, 3).filter(|hours| *hours <= most_hours)? * 3600;
        if self.take(b':') {
            seconds += self.number(2, 2)? * 60;
            if self.take(b':') {
                seconds += self.number(2, 2)?;
            }
        }
        Some(if negative { -seconds } else { seconds })
    }

    /// An offset from UTC: the sign counts towards the west.
    fn offset(&mut self) -> Option<i64> {
        Some(-self.time(24)?)
    }

    fn change(&mut self) -> Option<Change> {
        let day = if self.take(b'M') {
            let month = self.number(1, 2).filter(|month| (1..=12).contains(month))?;
            let week = self.dotted(1..=5)?;
            let weekday = self.dotted(0..=6)?;
            Day::Weekday(month, week, weekday)
        } else if self.take(b'J') {
            Day::Julian(self.number(1, 3).filter(|day| (1..=365).contains(day))?)
        } else {
            Day::Plain(self.number(1, 3).filter(|day| (0..=365).contains(day))?)
        };
        let time = if self.take(b'/') {
            self.time(167)?
        } else {
            2 * 3600
        };
        Some(Change { day, time })
    }

    fn dotted(&mut self, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        if !self.take(b'.') {
            return None;
        }
        self.number(1, 1).filter(|number| range.contains(number))
    }
}

/// Parses a text.
pub fn parse(text: &[u8]) -> Result<Parsed, Fault> {
    let mut reader = Reader { rest: text };
    let name = reader.name().ok_or(Fault::StandardName)?;
    let offset = reader.offset().ok_or(Fault::StandardOffset)?;
    let standard = (name, offset);
    if reader.rest.is_empty() {
        return Ok(Parsed {
            standard,
            summer: None,
        });
    }
    let summer = reader.name().ok_or(Fault::SummerName)?;
    let summer_offset = if reader.peek() == Some(b',') {
        offset + 3600
    } else {
        reader.offset().ok_or(Fault::SummerOffset)?
    };
    let mut changes = [None, None];
    for change in &mut changes {
        if !reader.take(b',') {
            return Err(Fault::NoRules);
        }
        *change = Some(reader.change().ok_or(Fault::Rule)?);
    }
    let [Some(start), Some(end)] = changes else {
        return Err(Fault::NoRules);
    };
    if !reader.rest.is_empty() {
        return Err(Fault::Rest);
    }
    Ok(Parsed {
        standard,
        summer: Some((summer, summer_offset, start, end)),
    })
}

#[cfg(test)]
mod tests {
    use super::{Fault, parse};

    #[test]
    fn changes_fall_on_the_right_days() {
        let parsed = parse(b"CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        assert_eq!(parsed.standard, ("CET".to_owned(), 3600));
        let (name, offset, start, end) = parsed.summer.unwrap();
        assert_eq!((name.as_str(), offset), ("CEST", 7200));
        // 2024-03-31 02:00 and 2024-10-27 03:00 local time.
        assert_eq!(start.in_year(2024), 1_711_850_400);
        assert_eq!(end.in_year(2024), 1_729_998_000);
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, fault) in [
            ("<>3", Fault::StandardName),
            ("AAA", Fault::StandardOffset),
            ("AAA25", Fault::StandardOffset),
            ("AAA3,M1.1.1", Fault::SummerName),
            ("AAA3BBB", Fault::SummerOffset),
            ("AAA3BBB4X", Fault::NoRules),
            ("AAA3BBB,M13.1.1,J1", Fault::Rule),
            ("AAA3BBB,0,J1,", Fault::Rest),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(fault), "{text}");
        }
    }
}
