//! Sets of characters: what `[...]`, `\w`, literals without regard to case and the like come down to.

use taipan_base::unicode;

/// How a character is changed before it is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    None,
    Ascii,
    Unicode,
    /// Bytes under the locale's rules: those of the C locale.
    Locale,
}

impl Fold {
    #[inline]
    pub fn lower(self, c: u32) -> u32 {
        match self {
            Fold::None => c,
            Fold::Ascii | Fold::Locale => ascii_lower(c),
            Fold::Unicode => unicode_lower(c),
        }
    }
}

#[inline]
pub fn ascii_lower(c: u32) -> u32 {
    if (0x41..=0x5A).contains(&c) {
        c + 32
    } else {
        c
    }
}

fn ascii_upper(c: u32) -> u32 {
    if (0x61..=0x7A).contains(&c) {
        c - 32
    } else {
        c
    }
}

#[inline]
pub fn unicode_lower(c: u32) -> u32 {
    if c < 128 {
        ascii_lower(c)
    } else {
        unicode::simple_lower(c)
    }
}

#[inline]
pub fn unicode_upper(c: u32) -> u32 {
    if c < 128 {
        ascii_upper(c)
    } else {
        unicode::simple_upper(c)
    }
}

/// Character categories, by their number in compiled code.
pub fn in_category(category: u32, c: u32) -> Option<bool> {
    let ascii_word =
        |c: u32| u8::try_from(c).is_ok_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let holds = match category / 2 {
        0 => (0x30..=0x39).contains(&c),
        1 => matches!(c, 32 | 9..=13),
        2 => ascii_word(c),
        3 => c == 10,
        4 => ascii_word(c),
        5 => unicode::is_decimal(c),
        6 => unicode::is_space(c),
        7 => is_word(c),
        8 => unicode::is_line_break(c),
        _ => return None,
    };
    Some(holds != (category % 2 == 1))
}

/// `\w` of text.
#[inline]
pub fn is_word(c: u32) -> bool {
    if c < 128 {
        (c as u8).is_ascii_alphanumeric() || c == 0x5F
    } else {
        unicode::is_alnum(c)
    }
}

/// `\w` of bytes and under the flag ASCII.
#[inline]
pub fn is_ascii_word(c: u32) -> bool {
    c < 128 && is_word(c)
}

/// One rule of a set; the first that matches decides.
#[derive(Clone, Debug)]
pub enum Rule {
    Literal(u32),
    Range(u32, u32),
    RangeIgnoreCase(u32, u32),
    Category(u32),
    /// 256 bits.
    Small(Box<[u32]>),
    /// Chunk numbers of all 256-character blocks, and the chunks of 256 bits.
    Big(Box<[u8]>, Box<[u32]>),
    /// All further rules mean the opposite.
    Negate,
}

fn bit(bits: &[u32], at: usize) -> bool {
    bits.get(at / 32)
        .is_some_and(|word| word >> (at % 32) & 1 != 0)
}

/// Does this rule name the character?
fn hits(rule: &Rule, c: u32) -> bool {
    match rule {
        Rule::Negate => false,
        Rule::Literal(own) => c == *own,
        Rule::Range(low, high) => (*low..=*high).contains(&c),
        Rule::RangeIgnoreCase(low, high) => {
            (*low..=*high).contains(&c) || (*low..=*high).contains(&unicode_upper(c))
        }
        Rule::Category(category) => in_category(*category, c).unwrap_or(false),
        Rule::Small(bits) => c < 256 && bit(bits, c as usize),
        Rule::Big(blocks, chunks) => {
            c < 0x10000
                && bit(
                    chunks,
                    blocks[(c >> 8) as usize] as usize * 256 + (c & 0xFF) as usize,
                )
        }
    }
}

/// Follows the rules for a character that may be written in two ways.
fn follow(rules: &[Rule], c: u32, other: u32) -> bool {
    let mut answer = true;
    for rule in rules {
        if matches!(rule, Rule::Negate) {
            answer = !answer;
        } else if hits(rule, c) || other != c && hits(rule, other) {
            return answer;
        }
    }
    !answer
}

/// A set with the answers for Latin-1 computed beforehand.
#[derive(Clone, Debug)]
pub struct Class {
    latin1: [bool; 256],
    rules: Vec<Rule>,
    fold: Fold,
    negated: bool,
}

impl Class {
    pub fn new(rules: Vec<Rule>, fold: Fold, negated: bool) -> Class {
        let mut class = Class {
            latin1: [false; 256],
            rules,
            fold,
            negated,
        };
        for c in 0..256u32 {
            class.latin1[c as usize] = class.contains_slow(c);
        }
        class
    }

    #[inline(always)]
    pub fn contains(&self, c: u32) -> bool {
        if c < 256 {
            self.latin1[c as usize]
        } else {
            self.contains_slow(c)
        }
    }

    #[inline(never)]
    fn contains_slow(&self, c: u32) -> bool {
        let lower = self.fold.lower(c);
        let other = if self.fold == Fold::Locale {
            ascii_upper(c)
        } else {
            lower
        };
        let inside = follow(&self.rules, lower, other);
        inside != self.negated
    }
}
