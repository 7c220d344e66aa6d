//! Character classes the tokenizer asks for.

/// Whether an identifier may start with `c`.
pub fn is_xid_start(c: char) -> bool {
    c == '_' || unicode_ident::is_xid_start(c)
}

/// Whether an identifier may go on with `c`.
pub fn is_xid_continue(c: char) -> bool {
    unicode_ident::is_xid_continue(c)
}

/// Ranges of separators, controls, format and private-use characters, which error texts name by
/// number alone. Unassigned code points of the planes without text count as well.
const UNPRINTABLE: &[(u32, u32)] = &[
    (0x00, 0x1F),
    (0x7F, 0xA0),
    (0xAD, 0xAD),
    (0x378, 0x379),
    (0x600, 0x605),
    (0x61C, 0x61C),
    (0x6DD, 0x6DD),
    (0x70F, 0x70F),
    (0x890, 0x891),
    (0x8E2, 0x8E2),
    (0x1680, 0x1680),
    (0x180E, 0x180E),
    (0x2000, 0x200F),
    (0x2028, 0x202F),
    (0x205F, 0x206F),
    (0x3000, 0x3000),
    (0xD800, 0xF8FF),
    (0xFEFF, 0xFEFF),
    (0xFFF0, 0xFFFB),
    (0xFFFE, 0xFFFF),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0x1FFFE, 0x1FFFF),
    (0x323B0, 0xE00FF),
    (0xE01F0, 0x10_FFFF),
];

/// `str.isprintable` for one character, as far as error texts need it.
pub fn is_printable(c: char) -> bool {
    let code = c as u32;
    !UNPRINTABLE
        .iter()
        .any(|&(lo, hi)| (lo..=hi).contains(&code))
}
