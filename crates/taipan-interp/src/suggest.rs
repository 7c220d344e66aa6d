//! "Did you mean": the closest of some known names, by the distance CPython uses.

const MOVE: usize = 2;
const CASE: usize = 1;
/// Names longer than this are not compared.
const MAX_LEN: usize = 40;

fn cost(a: char, b: char) -> usize {
    if a == b {
        0
    } else if a.eq_ignore_ascii_case(&b) {
        CASE
    } else {
        MOVE
    }
}

/// The weighted edit distance, or `None` if it is above `limit`.
fn distance(a: &str, b: &str, limit: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len() > MAX_LEN || b.len() > MAX_LEN || a.len().abs_diff(b.len()) * MOVE > limit {
        return None;
    }
    let mut row: Vec<usize> = (0..=b.len()).map(|i| i * MOVE).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = (i + 1) * MOVE;
        for (j, cb) in b.iter().enumerate() {
            let substituted = diagonal + cost(*ca, *cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + MOVE).min(row[j] + MOVE);
        }
    }
    row.last().copied().filter(|found| *found <= limit)
}

/// The name closest to `wanted`, if one is close enough to be meant.
pub fn closest<'a>(wanted: &str, known: &[&'a str]) -> Option<&'a str> {
    let mut best: Option<(usize, &str)> = None;
    for name in known {
        if *name == wanted {
            continue;
        }
        let mut limit = (name.chars().count() + wanted.chars().count() + 3) * MOVE / 6;
        if let Some((found, _)) = best {
            limit = limit.min(found.saturating_sub(1));
        }
        if let Some(found) = distance(wanted, name, limit)
            && best.is_none_or(|(old, _)| found < old)
        {
            best = Some((found, name));
        }
    }
    best.map(|(_, name)| name)
}
