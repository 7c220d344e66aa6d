//! Reading a specifier: `[[fill]align][sign][z][#][0][width][grouping][.precision[grouping]][type]`.

use super::{Align, FormatError, FormatSpec, Grouping, SignMode};
use crate::text::Text;
use crate::unicode::decimal;

struct Reader<'a> {
    text: Text<'a>,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        // A lone surrogate is no syntax; any character that is none either stands for it.
        self.text
            .get(self.at + ahead)
            .map(|c| char::from_u32(c).unwrap_or('\u{fffd}'))
    }

    fn take(&mut self, c: char) -> bool {
        let hit = self.peek(0) == Some(c);
        self.at += usize::from(hit);
        hit
    }

    fn size(&mut self) -> Result<Option<usize>, FormatError> {
        let mut value: Option<usize> = None;
        while let Some(digit) = self.text.get(self.at).and_then(decimal) {
            let next = value
                .unwrap_or(0)
                .checked_mul(10)
                .and_then(|n| n.checked_add(usize::from(digit)))
                .filter(|n| isize::try_from(*n).is_ok());
            value = Some(next.ok_or(FormatError::TooManyDigits)?);
            self.at += 1;
        }
        Ok(value)
    }

    fn grouping(&mut self) -> Result<Option<Grouping>, FormatError> {
        let comma = self.take(',');
        let underscore = self.take('_');
        if underscore && (comma || self.peek(0) == Some(',')) {
            return Err(FormatError::BothGroupings);
        }
        Ok(match (comma, underscore) {
            (true, _) => Some(Grouping::Comma),
            (_, true) => Some(Grouping::Underscore),
            _ => None,
        })
    }
}

fn align_of(c: Option<char>) -> Option<Align> {
    Some(match c? {
        '<' => Align::Left,
        '>' => Align::Right,
        '^' => Align::Center,
        '=' => Align::AfterSign,
        _ => return None,
    })
}

impl FormatSpec {
    /// Reads a specifier. `align` is what the value's type does if nothing is said: left for text,
    /// right for numbers, whose leading `0` then means zeros after the sign.
    pub fn parse(text: Text<'_>, align: Align) -> Result<FormatSpec, FormatError> {
        let mut spec = FormatSpec {
            fill: u32::from(' '),
            align,
            sign: SignMode::Unset,
            no_neg_0: false,
            alternate: false,
            width: None,
            grouping: None,
            precision: None,
            fraction_grouping: None,
            code: 0,
        };
        let mut reader = Reader { text, at: 0 };
        let (mut fill_given, mut align_given) = (false, false);
        if let Some(given) = align_of(reader.peek(1)) {
            spec.fill = text.get(0).unwrap_or(spec.fill);
            spec.align = given;
            (fill_given, align_given) = (true, true);
            reader.at = 2;
        } else if let Some(given) = align_of(reader.peek(0)) {
            spec.align = given;
            align_given = true;
            reader.at = 1;
        }
        spec.sign = match reader.peek(0) {
            Some('+') => SignMode::Plus,
            Some('-') => SignMode::Minus,
            Some(' ') => SignMode::Space,
            _ => SignMode::Unset,
        };
        reader.at += usize::from(spec.sign != SignMode::Unset);
        spec.no_neg_0 = reader.take('z');
        spec.alternate = reader.take('#');
        if !fill_given && reader.take('0') {
            spec.fill = u32::from('0');
            if !align_given && align == Align::Right {
                spec.align = Align::AfterSign;
            }
        }
        spec.width = reader.size()?;
        spec.grouping = reader.grouping()?;
        if reader.take('.') {
            spec.precision = reader.size()?;
            spec.fraction_grouping = reader.grouping()?;
            if spec.precision.is_none() && spec.fraction_grouping.is_none() {
                return Err(FormatError::MissingPrecision);
            }
        }
        if text.len() - reader.at > 1 {
            return Err(FormatError::Invalid(text.to_buf()));
        }
        // Text is of type `s` even if that is not said; numbers tell the difference.
        let default = if align == Align::Left {
            u32::from('s')
        } else {
            0
        };
        spec.code = text.get(reader.at).unwrap_or(default);
        spec.check_grouping()?;
        Ok(spec)
    }

    fn check_grouping(&self) -> Result<(), FormatError> {
        let code = char::from_u32(self.code).unwrap_or('?');
        if let Some(grouping) = self.grouping {
            match code {
                '\0' | 'd' | 'e' | 'f' | 'g' | 'E' | 'G' | '%' | 'F' => {}
                'b' | 'o' | 'x' | 'X' if grouping == Grouping::Underscore => {}
                _ => return Err(FormatError::Grouping(grouping, self.code)),
            }
        }
        match self.fraction_grouping {
            Some(grouping) if code == 'n' => Err(FormatError::Grouping(grouping, self.code)),
            _ => Ok(()),
        }
    }
}
