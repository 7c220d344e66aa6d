//! The offsets of a time zone: its transitions, and the rule for the time after them.

use super::tz_string::{Change, Parsed};
use crate::support::Holds;
use taipan_core::{Tracer, Value};

/// An offset from UTC with its name. The values are what programs get.
#[derive(Clone)]
pub struct Offset {
    pub utc: i64,
    pub dst: i64,
    pub name: String,
    /// `utcoffset`, `dst` and `tzname`.
    pub values: [Value; 3],
}

impl Offset {
    fn same(&self, other: &Offset) -> bool {
        (self.utc, self.dst, &self.name) == (other.utc, other.dst, &other.name)
    }
}

/// What holds after the last transition.
pub enum After {
    Fixed(Offset),
    Yearly {
        standard: Offset,
        summer: Offset,
        start: Change,
        end: Change,
    },
}

/// A time zone.
pub struct Rules {
    /// Transitions in UTC, and in local time for `fold` 0 and 1.
    utc: Vec<i64>,
    local: [Vec<i64>; 2],
    /// The offset from each transition on, and all offsets.
    kinds: Vec<usize>,
    offsets: Vec<Offset>,
    before: Option<usize>,
    after: After,
    fixed: bool,
}

impl Holds for Rules {
    fn report(&self, tracer: &mut Tracer<'_>) {
        let after = match &self.after {
            After::Fixed(offset) => vec![offset],
            After::Yearly {
                standard, summer, ..
            } => vec![standard, summer],
        };
        for offset in self.offsets.iter().chain(after) {
            tracer.visit_all(&offset.values);
        }
    }
}

impl Rules {
    /// `transitions` are times in UTC with the number of the offset from then on. `after` may be left out if there are offsets.
    pub fn new(
        transitions: Vec<(i64, usize)>,
        is_dst: &[bool],
        offsets: Vec<Offset>,
        after: Option<After>,
    ) -> Option<Rules> {
        let (utc, kinds): (Vec<i64>, Vec<usize>) = transitions.into_iter().unzip();
        let offset_of: Vec<i64> = offsets.iter().map(|offset| offset.utc).collect();
        let before = is_dst
            .iter()
            .position(|dst| !dst)
            .or_else(|| kinds.first().copied());
        let last = kinds.last().copied().or(offsets.len().checked_sub(1));
        let after = match after {
            Some(after) => after,
            None => After::Fixed(offsets.get(last?)?.clone()),
        };
        let fixed = match &after {
            After::Fixed(after) => match offsets.as_slice() {
                [] => true,
                [only] => only.same(after),
                _ => false,
            },
            After::Yearly { .. } => false,
        };
        Some(Rules {
            local: to_local(&utc, &kinds, &offset_of),
            utc,
            kinds,
            offsets,
            before,
            after,
            fixed,
        })
    }

    fn since_transition(&self, index: usize) -> Option<&Offset> {
        self.offsets.get(*self.kinds.get(index)?)
    }

    fn before(&self) -> Option<&Offset> {
        self.offsets.get(self.before?)
    }

    /// The offset that holds always, if there is one.
    pub fn always(&self) -> Option<&Offset> {
        match &self.after {
            After::Fixed(offset) if self.fixed => Some(offset),
            _ => None,
        }
    }

    /// The offset at a local time, given as seconds since 1970; of an hour that comes twice `second` means the second one.
    pub fn at_local(&self, time: i64, year: i64, second: bool) -> Option<&Offset> {
        let local = &self.local[usize::from(second)];
        match (local.first(), local.last()) {
            (Some(first), _) if time < *first => self.before(),
            (_, Some(last)) if time <= *last => {
                let behind = local.partition_point(|at| *at <= time);
                self.since_transition(behind.checked_sub(1)?)
            }
            _ => Some(match &self.after {
                After::Fixed(offset) => offset,
                After::Yearly {
                    standard,
                    summer,
                    start,
                    end,
                } => {
                    let (mut start, mut end) = (start.in_year(year), end.in_year(year));
                    let gain = summer.utc - standard.utc;
                    // What the clocks skip counts as before the change the first time, as behind it the second time.
                    if second == (gain >= 0) {
                        end -= gain;
                    } else {
                        start += gain;
                    }
                    if within(start, end, time) {
                        summer
                    } else {
                        standard
                    }
                }
            }),
        }
    }

    /// The offset at a time in UTC, and whether the local time comes a second time.
    pub fn at_utc(&self, time: i64, year: i64) -> Option<(&Offset, bool)> {
        let (Some(first), Some(last)) = (self.utc.first(), self.utc.last()) else {
            return match &self.after {
                After::Fixed(offset) => Some((offset, false)),
                After::Yearly { .. } => Some(self.yearly_utc(time, year)?),
            };
        };
        if time < *first {
            return Some((self.before()?, false));
        }
        if time > *last && matches!(self.after, After::Yearly { .. }) {
            return self.yearly_utc(time, year);
        }
        let index = self.utc.partition_point(|at| *at <= time);
        let (earlier, now) = if index >= 2 {
            (
                self.since_transition(index - 2)?,
                self.since_transition(index - 1)?,
            )
        } else if time > *last {
            match &self.after {
                After::Fixed(after) => (self.before()?, after),
                After::Yearly { .. } => return None,
            }
        } else {
            (self.before()?, self.since_transition(0)?)
        };
        let change = self.utc.get(index.checked_sub(1)?)?;
        let again = earlier.utc - now.utc > time.saturating_sub(*change);
        Some((now, again))
    }

    fn yearly_utc(&self, time: i64, year: i64) -> Option<(&Offset, bool)> {
        let After::Yearly {
            standard,
            summer,
            start,
            end,
        } = &self.after
        else {
            return None;
        };
        let start = start.in_year(year) - standard.utc;
        let end = end.in_year(year) - summer.utc;
        let gain = summer.utc - standard.utc;
        let repeated = if gain > 0 {
            end..end + gain
        } else {
            start..start - gain
        };
        let offset = if within(start, end, time) {
            summer
        } else {
            standard
        };
        Some((offset, repeated.contains(&time)))
    }
}

/// Is a time in the part of the year from `start` to `end`, which may go over its end?
fn within(start: i64, end: i64, time: i64) -> bool {
    if start < end {
        (start..end).contains(&time)
    } else {
        !(end..start).contains(&time)
    }
}

/// Transitions in local time: for `fold` 0 by the greater of the offsets around each, for 1 by the smaller.
fn to_local(utc: &[i64], kinds: &[usize], offsets: &[i64]) -> [Vec<i64>; 2] {
    let offset = |kind: usize| offsets.get(kind).copied().unwrap_or(0);
    let mut local = [Vec::with_capacity(utc.len()), Vec::with_capacity(utc.len())];
    for (index, (time, kind)) in utc.iter().zip(kinds).enumerate() {
        let earlier = match index.checked_sub(1) {
            Some(before) => offset(kinds[before]),
            None => offset(0),
        };
        let pair = (earlier, offset(*kind));
        local[0].push(time.saturating_add(pair.0.max(pair.1)));
        local[1].push(time.saturating_add(pair.0.min(pair.1)));
    }
    local
}

/// How much of each offset is summer time. Files only say whether it is: the rest is found by comparing it with a neighbour that
/// is not; without one it is taken for an hour.
pub fn summer_parts(kinds: &[usize], utc: &[i64], is_dst: &[bool]) -> Vec<i64> {
    let mut parts = vec![0; utc.len()];
    let wanted = is_dst.iter().filter(|dst| **dst).count();
    let mut found = 0;
    for index in 1..kinds.len() {
        if found == wanted {
            return parts;
        }
        let kind = kinds[index];
        if !is_dst[kind] || parts[kind] != 0 {
            continue;
        }
        let mut part = 0;
        let earlier = kinds[index - 1];
        if !is_dst[earlier] {
            part = utc[kind] - utc[earlier];
        }
        if part == 0
            && kind + 1 < utc.len()
            && let Some(later) = kinds.get(index + 1)
        {
            if is_dst[*later] {
                continue;
            }
            part = utc[kind] - utc[*later];
        }
        if part != 0 {
            found += 1;
            parts[kind] = part;
        }
    }
    for (part, dst) in parts.iter_mut().zip(is_dst) {
        if *dst && *part == 0 {
            *part = 3600;
        }
    }
    parts
}

/// The rule of a parsed text.
pub fn after(
    parsed: &Parsed,
    mut offset: impl FnMut(i64, i64, &str) -> taipan_core::Py<Offset>,
) -> taipan_core::Py<After> {
    let (name, utc) = &parsed.standard;
    let standard = offset(*utc, 0, name)?;
    Ok(match &parsed.summer {
        None => After::Fixed(standard),
        Some((name, summer, start, end)) => After::Yearly {
            standard,
            summer: offset(*summer, summer - utc, name)?,
            start: *start,
            end: *end,
        },
    })
}
