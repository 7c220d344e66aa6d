//! Character data of Unicode 3.2, which `unicodedata.ucd_3_2_0` shows and `stringprep` needs.
//!
//! Only what differs from today's data is here: names, combining classes and case mappings of a
//! character never change once it is assigned.

use super::old_tables as tables;

/// Version of the data.
pub const VERSION: &str = "3.2.0";

/// Properties shared by many code points.
pub(super) struct OldRecord {
    pub(super) category: u8,
    pub(super) bidirectional: u8,
    pub(super) width: u8,
    pub(super) mirrored: bool,
    /// 255 if the character has none.
    pub(super) decimal: u8,
}

#[inline]
fn record(c: u32) -> &'static OldRecord {
    let block = (c >> tables::OLD_SHIFT) as usize;
    let block = tables::OLD_BLOCKS[block.min(tables::OLD_BLOCKS.len() - 1)] as usize;
    let low = (c & ((1 << tables::OLD_SHIFT) - 1)) as usize;
    &tables::OLD_RECORDS[tables::OLD_INDEX[block << tables::OLD_SHIFT | low] as usize]
}

/// General category.
#[must_use]
pub fn category(c: u32) -> &'static str {
    super::tables::CATEGORY_NAMES[record(c).category as usize]
}

/// Bidirectional class.
#[must_use]
pub fn bidirectional(c: u32) -> &'static str {
    super::tables::BIDI_NAMES[record(c).bidirectional as usize]
}

/// East Asian width.
#[must_use]
pub fn east_asian_width(c: u32) -> &'static str {
    super::tables::WIDTH_NAMES[record(c).width as usize]
}

/// Mirrored in right-to-left text.
#[must_use]
pub fn is_mirrored(c: u32) -> bool {
    record(c).mirrored
}

/// Value of a decimal digit.
#[must_use]
pub fn decimal(c: u32) -> Option<u8> {
    let value = record(c).decimal;
    (value < 10).then_some(value)
}

/// Canonical combining class.
#[must_use]
pub fn combining(c: u32) -> u8 {
    if is_assigned(c) {
        super::combining(c)
    } else {
        0
    }
}

/// One step of decomposition, as [`super::decomposition`].
#[must_use]
pub fn decomposition(c: u32) -> Option<(&'static str, Vec<u32>)> {
    super::decomposition(c).filter(|_| is_assigned(c))
}

/// Had the version assigned this code point?
#[must_use]
pub fn is_assigned(c: u32) -> bool {
    category(c) != "Cn"
}

/// Numeric value.
#[must_use]
pub fn numeric(c: u32) -> Option<f64> {
    match tables::OLD_NUMERIC.binary_search_by_key(&c, |row| row.0) {
        Ok(at) => tables::OLD_NUMERIC[at].1,
        Err(_) if !is_assigned(c) => None,
        Err(_) => super::numeric(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_repertoire() {
        let mut sum = 0u64;
        for c in 0..0x11_0000 {
            let r = record(c);
            for value in [
                r.category,
                r.bidirectional,
                r.width,
                u8::from(r.mirrored),
                r.decimal,
            ] {
                sum = sum.wrapping_mul(1_000_003).wrapping_add(u64::from(value));
            }
        }
        assert_eq!(sum, tables::CHECKSUM);
        assert_eq!((category(0x220), category(0x221)), ("Lu", "Cn"));
    }
}
