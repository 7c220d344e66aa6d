//! The proleptic Gregorian calendar: days, ordinals (1 January of year 1 is day 1) and ISO weeks. No Python here.

/// The first and the last year.
pub const MIN_YEAR: i32 = 1;
pub const MAX_YEAR: i32 = 9999;
/// The ordinal of the last day.
pub const MAX_ORDINAL: i64 = 3_652_059;

const DAYS_IN_MONTH: [u8; 13] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAYS_BEFORE_MONTH: [i64; 13] = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const DAYS_IN_400_YEARS: i64 = 146_097;
const DAYS_IN_100_YEARS: i64 = 36_524;
const DAYS_IN_4_YEARS: i64 = 1_461;

/// A day. Unpickled ones may be no day of the calendar, but their month is one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Day {
    pub year: i32,
    pub month: u8,
    pub day: u8,
}

pub fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub fn days_in_month(year: i32, month: u8) -> u8 {
    if month == 2 && is_leap(year) {
        29
    } else {
        DAYS_IN_MONTH[usize::from(month.min(12))]
    }
}

fn days_before_year(year: i32) -> i64 {
    let y = i64::from(year) - 1;
    y * 365 + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400)
}

fn days_before_month(year: i32, month: u8) -> i64 {
    DAYS_BEFORE_MONTH[usize::from(month.min(12))] + i64::from(month > 2 && is_leap(year))
}

impl Day {
    pub fn new(year: i32, month: u8, day: u8) -> Day {
        Day { year, month, day }
    }

    /// The number of the day.
    pub fn ordinal(self) -> i64 {
        days_before_year(self.year) + self.day_of_year()
    }

    /// 1 on 1 January.
    pub fn day_of_year(self) -> i64 {
        days_before_month(self.year, self.month) + i64::from(self.day)
    }

    /// 0 on Mondays.
    pub fn weekday(self) -> i64 {
        (self.ordinal() + 6).rem_euclid(7)
    }

    /// The day with a number; `None` beyond the last year and before the first.
    pub fn from_ordinal(ordinal: i64) -> Option<Day> {
        (1..=MAX_ORDINAL)
            .contains(&ordinal)
            .then(|| Day::from_any_ordinal(ordinal))
    }

    /// The day with a number that is at least 1 and not enormous.
    pub fn from_any_ordinal(ordinal: i64) -> Day {
        let n = ordinal - 1;
        let (n400, n) = (
            n.div_euclid(DAYS_IN_400_YEARS),
            n.rem_euclid(DAYS_IN_400_YEARS),
        );
        let (n100, n) = (n / DAYS_IN_100_YEARS, n % DAYS_IN_100_YEARS);
        let (n4, n) = (n / DAYS_IN_4_YEARS, n % DAYS_IN_4_YEARS);
        let (n1, n) = (n / 365, n % 365);
        let year = (n400 * 400 + n100 * 100 + n4 * 4 + n1 + 1) as i32;
        // The last day of a leap cycle would begin a year of its own.
        if n1 == 4 || n100 == 4 {
            return Day::new(year - 1, 12, 31);
        }
        let mut month = ((n + 50) >> 5).clamp(1, 12) as u8;
        if days_before_month(year, month) > n {
            month -= 1;
        }
        let day = n - days_before_month(year, month) + 1;
        Day::new(year, month, day as u8)
    }

    /// ISO year, week and weekday.
    pub fn iso_week(self) -> (i32, i64, i64) {
        let mut year = self.year;
        let today = self.ordinal();
        let mut monday = first_iso_monday(year);
        let mut week = (today - monday).div_euclid(7);
        if week < 0 {
            year -= 1;
            monday = first_iso_monday(year);
            week = (today - monday).div_euclid(7);
        } else if week >= 52 && today >= first_iso_monday(year + 1) {
            year += 1;
            week = 0;
        }
        (year, week + 1, self.weekday() + 1)
    }
}

/// The Monday of ISO week 1: that week has the year's first Thursday.
fn first_iso_monday(year: i32) -> i64 {
    let first = Day::new(year, 1, 1).ordinal();
    let weekday = (first + 6).rem_euclid(7);
    let monday = first - weekday;
    if weekday > 3 { monday + 7 } else { monday }
}

/// Why an ISO week has no days.
#[derive(Debug, PartialEq, Eq)]
pub enum IsoError {
    Year,
    Week,
    Weekday,
}

/// The day of an ISO year, week and weekday. It may lie behind the last year.
pub fn from_iso_week(year: i32, week: i32, weekday: i32) -> Result<Day, IsoError> {
    if !(MIN_YEAR..=MAX_YEAR).contains(&year) {
        return Err(IsoError::Year);
    }
    if !(1..=52).contains(&week) {
        // A year has a week 53 if it begins on a Thursday, or on a Wednesday if it is a leap year.
        let first = (Day::new(year, 1, 1).ordinal() + 6).rem_euclid(7);
        let long = first == 3 || first == 2 && is_leap(year);
        if week != 53 || !long {
            return Err(IsoError::Week);
        }
    }
    if !(1..=7).contains(&weekday) {
        return Err(IsoError::Weekday);
    }
    let offset = i64::from(week - 1) * 7 + i64::from(weekday - 1);
    Ok(Day::from_any_ordinal(first_iso_monday(year) + offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_round_trip() {
        for ordinal in (1..=MAX_ORDINAL)
            .step_by(97)
            .chain([59, 60, 365, 366, 146_097, MAX_ORDINAL])
        {
            let day = Day::from_any_ordinal(ordinal);
            assert_eq!(day.ordinal(), ordinal);
            assert!(day.day >= 1 && day.day <= days_in_month(day.year, day.month));
        }
        assert_eq!(Day::from_ordinal(MAX_ORDINAL), Some(Day::new(9999, 12, 31)));
        assert_eq!(Day::from_ordinal(0), None);
    }

    #[test]
    fn iso_weeks() {
        assert_eq!(Day::new(2020, 2, 29).iso_week(), (2020, 9, 6));
        assert_eq!(Day::new(2010, 1, 3).iso_week(), (2009, 53, 7));
        assert_eq!(from_iso_week(2009, 53, 7), Ok(Day::new(2010, 1, 3)));
        assert_eq!(from_iso_week(2021, 53, 1), Err(IsoError::Week));
    }
}
