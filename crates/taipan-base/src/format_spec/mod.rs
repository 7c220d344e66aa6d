//! The format mini-language of `format()` and f-strings, and its layout of text and numbers.
//!
//! [`FormatSpec::parse`] reads a specifier; [`format_str`], [`format_int`], [`format_float`] and
//! [`format_complex`] apply it. Errors carry pieces; [`FormatError::message`] words them as CPython
//! does, given the name of the value's type.

mod layout;
mod parse;

use dashu_int::IBig;

use crate::float_text::{FloatFlags, push_float};
use crate::int_text;
use crate::text::{MAX_CODE, Text, TextBuf};

use layout::{Number, lay_out};
pub use layout::{NumericLocale, group_digits};

/// Where the padding goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// `<`
    Left,
    /// `>`
    Right,
    /// `^`
    Center,
    /// `=`: between the sign and the digits.
    AfterSign,
}

/// What non-negative numbers show as their sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignMode {
    /// Nothing was said: a sign only for negative numbers.
    #[default]
    Unset,
    /// `-`: the same, said aloud.
    Minus,
    /// `+`
    Plus,
    /// A space.
    Space,
}

/// Separators between groups of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// `,`
    Comma,
    /// `_`
    Underscore,
}

impl Grouping {
    fn symbol(self) -> char {
        match self {
            Grouping::Comma => ',',
            Grouping::Underscore => '_',
        }
    }
}

/// A parsed specifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatSpec {
    /// Padding character.
    pub fill: u32,
    /// Alignment, the type's own if none was given.
    pub align: Align,
    /// Sign option.
    pub sign: SignMode,
    /// `z`
    pub no_neg_0: bool,
    /// `#`
    pub alternate: bool,
    /// Least width.
    pub width: Option<usize>,
    /// Grouping of the whole part.
    pub grouping: Option<Grouping>,
    /// Precision.
    pub precision: Option<usize>,
    /// Grouping of the fraction.
    pub fraction_grouping: Option<Grouping>,
    /// Presentation type; 0 for none.
    pub code: u32,
}

/// Why a specifier is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// A width or precision that is no size.
    TooManyDigits,
    /// `,` and `_` together.
    BothGroupings,
    /// A separator that the presentation type does not take.
    Grouping(Grouping, u32),
    /// A point without precision.
    MissingPrecision,
    /// Text that is no specifier; it is quoted.
    Invalid(TextBuf),
    /// Unknown presentation type.
    UnknownCode(u32),
    /// A fixed message of `ValueError`.
    Value(&'static str),
    /// A fixed message of `OverflowError`.
    Overflow(&'static str),
    /// The result does not fit in memory.
    Memory,
}

/// The exception an error becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// `ValueError`
    Value,
    /// `OverflowError`
    Overflow,
    /// `MemoryError`
    Memory,
}

impl FormatError {
    /// Which exception to raise.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            FormatError::Overflow(_) => ErrorKind::Overflow,
            FormatError::Memory => ErrorKind::Memory,
            _ => ErrorKind::Value,
        }
    }

    /// The message, for a value of the type named.
    #[must_use]
    pub fn message(&self, type_name: &str) -> TextBuf {
        let code = |c: u32| match c {
            0x21..=0x7f => char::from_u32(c).map(String::from).unwrap_or_default(),
            _ => format!("\\x{c:x}"),
        };
        let text = match self {
            FormatError::TooManyDigits => "Too many decimal digits in format string".into(),
            FormatError::BothGroupings => "Cannot specify both ',' and '_'.".into(),
            FormatError::Grouping(grouping, c) => {
                format!(
                    "Cannot specify '{}' with '{}'.",
                    grouping.symbol(),
                    code(*c)
                )
            }
            FormatError::MissingPrecision => "Format specifier missing precision".into(),
            FormatError::UnknownCode(c) => {
                format!(
                    "Unknown format code '{}' for object of type '{type_name}'",
                    code(*c)
                )
            }
            FormatError::Value(text) | FormatError::Overflow(text) => (*text).into(),
            FormatError::Memory => String::new(),
            FormatError::Invalid(spec) => {
                let mut out = TextBuf::from("Invalid format specifier '");
                out.push_text(spec.as_text());
                out.push_str("' for object of type '");
                out.push_str(type_name);
                out.push_str("'");
                return out;
            }
        };
        TextBuf::from(text)
    }
}

const NONE: u32 = 0;

/// Is this a code that `int` hands over to `float`?
#[must_use]
pub fn is_float_code(code: u32) -> bool {
    matches!(
        char::from_u32(code),
        Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%')
    )
}

/// Applies a specifier to text.
pub fn format_str(spec: &FormatSpec, text: Text<'_>) -> Result<TextBuf, FormatError> {
    let refuse = |message| Err(FormatError::Value(message));
    if spec.code != NONE && spec.code != u32::from('s') {
        return Err(FormatError::UnknownCode(spec.code));
    }
    match spec.sign {
        SignMode::Unset => {}
        SignMode::Space => return refuse("Space not allowed in string format specifier"),
        _ => return refuse("Sign not allowed in string format specifier"),
    }
    if spec.no_neg_0 {
        return refuse("Negative zero coercion (z) not allowed in string format specifier");
    }
    if spec.alternate {
        return refuse("Alternate form (#) not allowed in string format specifier");
    }
    if spec.align == Align::AfterSign {
        return refuse("'=' alignment not allowed in string format specifier");
    }
    let text = text.slice(0..spec.precision.unwrap_or(usize::MAX));
    layout::pad(spec, text)
}

/// An integer to format.
#[derive(Clone, Copy, Debug)]
pub enum IntArg<'a> {
    /// A small one.
    Small(i64),
    /// A big one.
    Big(&'a IBig),
}

impl IntArg<'_> {
    fn is_negative(self) -> bool {
        match self {
            IntArg::Small(n) => n < 0,
            IntArg::Big(n) => n.sign() == dashu_int::Sign::Negative,
        }
    }

    fn digits(self, radix: u32, upper: bool) -> String {
        match self {
            IntArg::Small(n) => int_text::digits_u64(n.unsigned_abs(), radix, upper),
            IntArg::Big(n) => int_text::magnitude_digits(n, radix, upper),
        }
    }
}

/// Applies a specifier to an integer. Codes for which [`is_float_code`] holds are the caller's: it
/// converts to a float first, which may overflow.
pub fn format_int(
    spec: &FormatSpec,
    value: IntArg<'_>,
    locale: &NumericLocale<'_>,
) -> Result<TextBuf, FormatError> {
    let code = char::from_u32(spec.code).unwrap_or('?');
    let (radix, prefix) = match code {
        '\0' | 'd' | 'n' | 'c' => (10, ""),
        'b' => (2, "0b"),
        'o' => (8, "0o"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => return Err(FormatError::UnknownCode(spec.code)),
    };
    let refuse = |message| Err(FormatError::Value(message));
    if spec.precision.is_some() {
        return refuse("Precision not allowed in integer format specifier");
    }
    if spec.no_neg_0 {
        return refuse("Negative zero coercion (z) not allowed in integer format specifier");
    }
    if code == 'c' {
        return format_char(spec, value, locale);
    }
    let digits = value.digits(radix, code == 'X');
    let number = Number {
        negative: value.is_negative(),
        prefix: if spec.alternate { prefix } else { "" },
        digits: &digits,
        ..Number::default()
    };
    let mut out = TextBuf::new();
    lay_out(&mut out, spec, &number, locale)?;
    Ok(out)
}

fn format_char(
    spec: &FormatSpec,
    value: IntArg<'_>,
    locale: &NumericLocale<'_>,
) -> Result<TextBuf, FormatError> {
    if spec.sign != SignMode::Unset {
        return Err(FormatError::Value(
            "Sign not allowed with integer format specifier 'c'",
        ));
    }
    if spec.alternate {
        let message = "Alternate form (#) not allowed with integer format specifier 'c'";
        return Err(FormatError::Value(message));
    }
    let IntArg::Small(n) = value else {
        return Err(FormatError::Overflow(
            "Python int too large to convert to C long",
        ));
    };
    let Some(c) = u32::try_from(n).ok().filter(|c| *c <= MAX_CODE) else {
        return Err(FormatError::Overflow("%c arg not in range(0x110000)"));
    };
    let number = Number {
        tail: TextBuf::from_chars(&[c]),
        ..Number::default()
    };
    let mut out = TextBuf::new();
    lay_out(&mut out, spec, &number, locale)?;
    Ok(out)
}

fn precision_of(spec: &FormatSpec, default: usize) -> Result<usize, FormatError> {
    let precision = spec.precision.unwrap_or(default);
    if i32::try_from(precision).is_err() {
        return Err(FormatError::Value("precision too big"));
    }
    Ok(precision)
}

/// Applies a specifier to a float.
pub fn format_float(
    spec: &FormatSpec,
    x: f64,
    locale: &NumericLocale<'_>,
) -> Result<TextBuf, FormatError> {
    let code = match char::from_u32(spec.code).unwrap_or('?') {
        // Without a type, a precision means significant digits.
        '\0' if spec.precision.is_some() => 'g',
        '\0' => 'r',
        'n' => 'g',
        code @ ('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') => code,
        _ => return Err(FormatError::UnknownCode(spec.code)),
    };
    let flags = FloatFlags {
        always_sign: false,
        add_dot_0: spec.code == NONE,
        alternate: spec.alternate,
        no_neg_0: spec.no_neg_0,
    };
    let mut text = String::new();
    push_float(&mut text, x, code, precision_of(spec, 6)?, flags);
    let mut out = TextBuf::with_capacity(text.len());
    lay_out(&mut out, spec, &Number::parse(&text), locale)?;
    Ok(out)
}

/// Applies a specifier to a complex number.
pub fn format_complex(
    spec: &FormatSpec,
    real: f64,
    imag: f64,
    locale: &NumericLocale<'_>,
) -> Result<TextBuf, FormatError> {
    let bare = spec.code == NONE;
    let code = match char::from_u32(spec.code).unwrap_or('?') {
        '\0' if spec.precision.is_some() => 'g',
        '\0' => 'r',
        'n' => 'g',
        code @ ('e' | 'E' | 'f' | 'F' | 'g' | 'G') => code,
        _ => return Err(FormatError::UnknownCode(spec.code)),
    };
    if spec.fill == u32::from('0') {
        return Err(FormatError::Value(
            "Zero padding is not allowed in complex format specifier",
        ));
    }
    if spec.align == Align::AfterSign {
        return Err(FormatError::Value(
            "'=' alignment flag is not allowed in complex format specifier",
        ));
    }
    let flags = FloatFlags {
        alternate: spec.alternate,
        no_neg_0: spec.no_neg_0,
        ..FloatFlags::default()
    };
    let precision = precision_of(spec, 6)?;
    let lone_imaginary = bare && real == 0.0 && real.is_sign_positive();
    let mut inner = FormatSpec {
        width: None,
        align: Align::Left,
        ..*spec
    };
    let mut body = TextBuf::new();
    let part = |body: &mut TextBuf, inner: &FormatSpec, x: f64| {
        let mut text = String::new();
        push_float(&mut text, x, code, precision, flags);
        lay_out(body, inner, &Number::parse(&text), locale)
    };
    if bare && !lone_imaginary {
        body.push_str("(");
    }
    if !lone_imaginary {
        part(&mut body, &inner, real)?;
        inner.sign = SignMode::Plus;
    }
    part(&mut body, &inner, imag)?;
    body.push_str(if bare && !lone_imaginary { "j)" } else { "j" });
    layout::pad(spec, body.as_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    const C: NumericLocale<'static> = NumericLocale::C;

    fn spec(text: &str, align: Align) -> Result<FormatSpec, FormatError> {
        FormatSpec::parse(TextBuf::from(text).as_text(), align)
    }

    fn show(result: Result<TextBuf, FormatError>, name: &str) -> String {
        let text = result.unwrap_or_else(|error| error.message(name));
        text.as_text().to_utf8_lossy().into_owned()
    }

    fn int(n: i64, text: &str) -> String {
        let done = spec(text, Align::Right).and_then(|s| format_int(&s, IntArg::Small(n), &C));
        show(done, "int")
    }

    fn float(x: f64, text: &str) -> String {
        show(
            spec(text, Align::Right).and_then(|s| format_float(&s, x, &C)),
            "float",
        )
    }

    fn string(value: &str, text: &str) -> String {
        let value = TextBuf::from(value);
        show(
            spec(text, Align::Left).and_then(|s| format_str(&s, value.as_text())),
            "str",
        )
    }

    #[test]
    fn integers() {
        assert_eq!(int(1_234_567, "010,"), "01,234,567");
        assert_eq!(int(-5, "010,"), "-0,000,005");
        assert_eq!(int(1_234_567, "#012_x"), "0x0_0012_d687");
        assert_eq!(int(-5, "=+10,"), "-        5");
        assert_eq!(int(1, "05c"), "0000\u{1}");
        assert_eq!(int(255, "#X"), "0XFF");
        assert_eq!(int(5, "\u{20ac}^5"), "\u{20ac}\u{20ac}5\u{20ac}\u{20ac}");
    }

    #[test]
    fn floats() {
        assert_eq!(float(f64::INFINITY, "+010,"), "+000000inf");
        assert_eq!(float(1e16, "+010,"), "+0,001e+16");
        assert_eq!(float(0.1, "020.10,f"), "000000.100,000,000,0");
        assert_eq!(float(1234567.1234567, "._"), "1234567.123_456_7");
        assert_eq!(float(-1234.5, "*^12"), "**-1234.5***");
        assert_eq!(float(-0.0, "z.1f"), "0.0");
        assert_eq!(float(123.0, ".3"), "1.23e+02");
    }

    #[test]
    fn complexes() {
        let c = |re, im, text: &str| {
            show(
                spec(text, Align::Right).and_then(|s| format_complex(&s, re, im, &C)),
                "complex",
            )
        };
        assert_eq!(c(0.0, 3.0, "+"), "+3j");
        assert_eq!(c(1.0, 2.0, "#"), "(1.+2.j)");
        assert_eq!(c(1e20, -1.5, "<30.1f"), "100000000000000000000.0-1.5j  ");
        assert_eq!(
            c(1.0, 2.0, "05"),
            "Zero padding is not allowed in complex format specifier"
        );
    }

    #[test]
    fn strings_and_messages() {
        assert_eq!(string("abc", "010"), "abc0000000");
        assert_eq!(string("abc", "*>5.2"), "***ab");
        assert_eq!(
            string("abc", "xx"),
            "Invalid format specifier 'xx' for object of type 'str'"
        );
        assert_eq!(
            string("abc", "\u{e9}"),
            "Unknown format code '\\xe9' for object of type 'str'"
        );
        assert_eq!(string("abc", ",s"), "Cannot specify ',' with 's'.");
        assert_eq!(string("abc", "._,"), "Cannot specify both ',' and '_'.");
        assert_eq!(string("abc", "5."), "Format specifier missing precision");
        assert_eq!(
            string("abc", "=5"),
            "'=' alignment not allowed in string format specifier"
        );
        assert_eq!(
            int(5, "99999999999999999999"),
            "Too many decimal digits in format string"
        );
    }

    #[test]
    fn locales() {
        let german = NumericLocale {
            decimal_point: ",",
            separator: ".",
            grouping: &[3, 0],
        };
        let s = spec("n", Align::Right).expect("valid");
        assert_eq!(
            format_int(&s, IntArg::Small(1_234_567), &german),
            Ok(TextBuf::from("1.234.567"))
        );
        assert_eq!(
            format_float(&s, 1234.5, &german),
            Ok(TextBuf::from("1.234,5"))
        );
    }
}
