//! The methods of `str`.

use super::text::{self, exact, from_buf, from_text, text_of};
use super::{format, substring, table};
use crate::arguments::{self, fit};
use crate::list::new_list;
use std::ops::Range;
use taipan_base::text::{self as algorithms, Text, TextBuf};
use taipan_core::builtin_types::TUPLE;
use taipan_core::native::Effects;
use taipan_core::str_object::{empty_str, is_exact_str};
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{Bound, MethodDef, Py, Value, Vm, bound, f0, f1, raw, slice};

/// An argument that must be a string: `find() argument 1 must be str, not int`.
fn needle<'a>(vm: &mut Vm, value: &'a Value, what: &str) -> Py<Text<'a>> {
    match text_of(value) {
        Some(text) => Ok(text),
        None => {
            let message = format!("{what} must be str, not {}", arguments::type_name(value));
            Err(vm.type_error(message))
        }
    }
}

/// The text if it has changed, else the object itself (an exact `str`).
fn changed(vm: &mut Vm, this: &Value, made: TextBuf) -> Py {
    if is_exact_str(this) && made.as_text() == text::text(this) {
        return Ok(this.clone());
    }
    from_buf(vm, made)
}

fn piece(vm: &mut Vm, this: &Value, range: Range<usize>) -> Py {
    if range == (0..text::text(this).len()) {
        return exact(vm, this);
    }
    substring(vm, this, range.start, range.end)
}

fn pieces(vm: &mut Vm, this: &Value, ranges: impl Iterator<Item = Range<usize>>) -> Py {
    let mut out = Vec::new();
    for range in ranges {
        out.push(piece(vm, this, range)?);
    }
    Ok(new_list(out))
}

// ---- case ----

macro_rules! mappings {
    ($($name:ident)*) => {
        $(fn $name(vm: &mut Vm, this: &Value) -> Py {
            let made = algorithms::$name(text::text(this));
            changed(vm, this, made)
        })*
    };
}

mappings!(capitalize casefold title swapcase);

fn lower(vm: &mut Vm, this: &Value) -> Py {
    if let Text::Ascii(units) = text::text(this) {
        return from_text(vm, Text::Ascii(&units.to_ascii_lowercase()));
    }
    from_buf(vm, algorithms::lower(text::text(this)))
}

fn upper(vm: &mut Vm, this: &Value) -> Py {
    if let Text::Ascii(units) = text::text(this) {
        return from_text(vm, Text::Ascii(&units.to_ascii_uppercase()));
    }
    from_buf(vm, algorithms::upper(text::text(this)))
}

// ---- predicates ----

macro_rules! predicates {
    ($($method:ident $name:ident)*) => {
        $(fn $method(_vm: &mut Vm, this: &Value) -> Py {
            Ok(Value::bool(algorithms::$name(text::text(this))))
        })*
    };
}

predicates! {
    isalpha is_alpha
    isalnum is_alnum
    isdecimal is_decimal
    isdigit is_digit
    isnumeric is_numeric
    isspace is_space
    isprintable is_printable
    islower is_lower
    isupper is_upper
    istitle is_title
    isidentifier is_identifier
}

fn isascii(_vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(text::text(this).is_ascii()))
}

// ---- searching ----

/// The part of the text that a search may look at, and where it begins; `None` if the start lies beyond the end.
fn searched<'a>(vm: &mut Vm, this: &'a Value, args: &[Value]) -> Py<Option<(Text<'a>, usize)>> {
    let range = arguments::range(vm, args, 1)?;
    let text = text::text(this);
    let (from, to) = fit(range, text.len());
    Ok((from <= to).then(|| (text.slice(from..to), from)))
}

type Search = fn(Text<'_>, Text<'_>) -> Option<usize>;

fn search(
    vm: &mut Vm,
    this: &Value,
    args: &[Value],
    name: &str,
    with: Search,
) -> Py<Option<usize>> {
    let what = format!("{name}() argument 1");
    let needle = needle(vm, &args[0], &what)?;
    let found = searched(vm, this, args)?;
    Ok(found.and_then(|(text, from)| with(text, needle).map(|at| at + from)))
}

fn position(found: Option<usize>) -> Value {
    Value::int(found.map_or(-1, |at| at as i64))
}

fn find(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    search(vm, this, args, "find", algorithms::find).map(position)
}

fn rfind(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    search(vm, this, args, "rfind", algorithms::rfind).map(position)
}

fn index(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    match search(vm, this, args, "index", algorithms::find)? {
        None => Err(vm.value_error("substring not found")),
        found => Ok(position(found)),
    }
}

fn rindex(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    match search(vm, this, args, "rindex", algorithms::rfind)? {
        None => Err(vm.value_error("substring not found")),
        found => Ok(position(found)),
    }
}

fn count(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let needle = needle(vm, &args[0], "count() argument 1")?;
    let found = searched(vm, this, args)?;
    let times = found.map_or(0, |(text, _)| algorithms::count(text, needle, usize::MAX));
    Ok(Value::int(times as i64))
}

type AffixTest = fn(Text<'_>, Text<'_>) -> bool;

fn has_affix(vm: &mut Vm, this: &Value, args: &[Value], name: &str, test: AffixTest) -> Py {
    let range = arguments::range(vm, args, 1)?;
    let whole = text::text(this);
    let (from, to) = fit(range, whole.len());
    let part = whole.slice(from..to.max(from));
    let holds = |affix: Text<'_>| from <= to && from <= whole.len() && test(part, affix);
    if let Some(affixes) = items(&args[0]) {
        for affix in affixes {
            let Some(affix) = text_of(affix) else {
                let message = format!(
                    "tuple for {name} must only contain str, not {}",
                    affix.type_of().name()
                );
                return Err(vm.type_error(message));
            };
            if holds(affix) {
                return Ok(Value::bool(true));
            }
        }
        return Ok(Value::bool(false));
    }
    match text_of(&args[0]) {
        Some(affix) => Ok(Value::bool(holds(affix))),
        None => {
            let message = format!(
                "{name} first arg must be str or a tuple of str, not {}",
                args[0].type_of().name()
            );
            Err(vm.type_error(message))
        }
    }
}

fn startswith(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    has_affix(vm, this, args, "startswith", algorithms::starts_with)
}

fn endswith(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    has_affix(vm, this, args, "endswith", algorithms::ends_with)
}

fn removeprefix(vm: &mut Vm, this: &Value, prefix: &Value) -> Py {
    let prefix = needle(vm, prefix, "removeprefix() argument")?;
    let text = text::text(this);
    let from = if algorithms::starts_with(text, prefix) {
        prefix.len()
    } else {
        0
    };
    piece(vm, this, from..text.len())
}

fn removesuffix(vm: &mut Vm, this: &Value, suffix: &Value) -> Py {
    let suffix = needle(vm, suffix, "removesuffix() argument")?;
    let text = text::text(this);
    let cut = if algorithms::ends_with(text, suffix) {
        suffix.len()
    } else {
        0
    };
    piece(vm, this, 0..text.len() - cut)
}

fn replace(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let old = needle(vm, args.req(0), "replace() argument 1")?;
    let new = needle(vm, args.req(1), "replace() argument 2")?;
    let limit = limit(vm, args.get(2))?;
    let text = text::text(this);
    // A result that cannot fit into memory is refused before it is built.
    if new.len() > old.len() {
        let times = algorithms::count(text, old, limit);
        let grown = times
            .checked_mul(new.len() - old.len())
            .and_then(|more| more.checked_add(text.len()));
        let Some(grown) = grown.filter(|len| *len < isize::MAX as usize / 4) else {
            return Err(vm.overflow_error("replace string is too long"));
        };
        if grown > 1 << 24 && Vec::<u8>::new().try_reserve(grown).is_err() {
            return Err(vm.memory_error());
        }
    }
    match algorithms::replace(text, old, new, limit) {
        Some(made) => from_buf(vm, made),
        None => exact(vm, this),
    }
}

/// A number of cuts or replacements: negative means no limit.
fn limit(vm: &mut Vm, value: Option<&Value>) -> Py<usize> {
    match value {
        Some(value) => Ok(usize::try_from(vm.index_i64(value)?).unwrap_or(usize::MAX)),
        None => Ok(usize::MAX),
    }
}

// ---- splitting ----

fn separator<'a>(vm: &mut Vm, args: &'a Bound) -> Py<Option<Text<'a>>> {
    let Some(sep) = args.get(0).filter(|sep| !sep.is_none()) else {
        return Ok(None);
    };
    match text_of(sep) {
        Some(text) if text.is_empty() => Err(vm.value_error("empty separator")),
        Some(text) => Ok(Some(text)),
        None => {
            let message = format!("must be str or None, not {}", sep.type_of().name());
            Err(vm.type_error(message))
        }
    }
}

fn split(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let limit = limit(vm, args.get(1))?;
    let text = text::text(this);
    match separator(vm, args)? {
        None => pieces(vm, this, algorithms::split_whitespace(text, limit)),
        Some(sep) => pieces(vm, this, algorithms::split_on(text, sep, limit).into_iter()),
    }
}

fn rsplit(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let limit = limit(vm, args.get(1))?;
    let text = text::text(this);
    let ranges = match separator(vm, args)? {
        None => {
            let mut ranges: Vec<_> = algorithms::rsplit_whitespace(text, limit).collect();
            ranges.reverse();
            ranges
        }
        Some(sep) => algorithms::rsplit_on(text, sep, limit),
    };
    pieces(vm, this, ranges.into_iter())
}

fn splitlines(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let keep = arguments::flag(vm, args.get(0), false)?;
    let lines = algorithms::lines(text::text(this));
    let end = |line: algorithms::Line| if keep { line.full_end } else { line.end };
    pieces(vm, this, lines.map(|line| line.start..end(line)))
}

/// The places before and behind a separator, if it is there.
fn partition_at(
    vm: &mut Vm,
    this: &Value,
    sep: &Value,
    search: Search,
) -> Py<Option<(usize, usize)>> {
    let Some(needle) = text_of(sep) else {
        let message = format!("must be str, not {}", sep.type_of().name());
        return Err(vm.type_error(message));
    };
    if needle.is_empty() {
        return Err(vm.value_error("empty separator"));
    }
    Ok(search(text::text(this), needle).map(|at| (at, at + needle.len())))
}

fn partition(vm: &mut Vm, this: &Value, sep: &Value) -> Py {
    let parts = match partition_at(vm, this, sep, algorithms::find)? {
        Some((from, to)) => [
            piece(vm, this, 0..from)?,
            exact(vm, sep)?,
            piece(vm, this, to..text::text(this).len())?,
        ],
        None => [exact(vm, this)?, empty_str(), empty_str()],
    };
    Ok(new_tuple(parts))
}

fn rpartition(vm: &mut Vm, this: &Value, sep: &Value) -> Py {
    let parts = match partition_at(vm, this, sep, algorithms::rfind)? {
        Some((from, to)) => [
            piece(vm, this, 0..from)?,
            exact(vm, sep)?,
            piece(vm, this, to..text::text(this).len())?,
        ],
        None => [empty_str(), empty_str(), exact(vm, this)?],
    };
    Ok(new_tuple(parts))
}

fn strip_with(
    vm: &mut Vm,
    this: &Value,
    args: &[Value],
    name: &str,
    left: bool,
    right: bool,
) -> Py {
    let text = text::text(this);
    let range = match args.first().filter(|chars| !chars.is_none()) {
        None => algorithms::strip_whitespace(text, left, right),
        Some(chars) => match text_of(chars) {
            Some(set) => algorithms::strip_chars(text, set, left, right),
            None => return Err(vm.type_error(format!("{name} arg must be None or str"))),
        },
    };
    piece(vm, this, range)
}

fn strip(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    strip_with(vm, this, args, "strip", true, true)
}

fn lstrip(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    strip_with(vm, this, args, "lstrip", true, false)
}

fn rstrip(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    strip_with(vm, this, args, "rstrip", false, true)
}

// ---- joining and filling ----

fn join(vm: &mut Vm, this: &Value, iterable: &Value) -> Py {
    if iterable.is_exact(&TUPLE)
        && let Some(items) = items(iterable)
    {
        return super::join(vm, this, items);
    }
    let slots = iterable.type_of().slots();
    if slots.iter.is_none() && slots.get_item.is_none() {
        return Err(vm.type_error("can only join an iterable"));
    }
    let items = vm.to_vec(iterable)?;
    super::join(vm, this, &items)
}

/// The text with `left` and `right` fill characters around it.
fn padded(vm: &mut Vm, this: &Value, left: usize, right: usize, fill: u32) -> Py {
    if left + right == 0 {
        return exact(vm, this);
    }
    let text = text::text(this);
    let mut probe: Vec<u8> = Vec::new();
    let width = left.saturating_add(right).saturating_add(text.len());
    if width > isize::MAX as usize / 4 || probe.try_reserve_exact(width).is_err() {
        return Err(vm.memory_error());
    }
    drop(probe);
    let mut out = TextBuf::with_capacity(width);
    out.push_repeat(fill, left);
    out.push_text(text);
    out.push_repeat(fill, right);
    from_buf(vm, out)
}

/// Missing width and fill character of the justifying methods.
fn padding(vm: &mut Vm, this: &Value, args: &[Value]) -> Py<(usize, usize, u32)> {
    let width = vm.index_i64(&args[0])?;
    let fill = match args.get(1) {
        None => 32,
        Some(fill) => match text_of(fill) {
            None => {
                let message = format!(
                    "The fill character must be a unicode character, not {}",
                    fill.type_of().name()
                );
                return Err(vm.type_error(message));
            }
            Some(text) => match (text.len(), text.get(0)) {
                (1, Some(code)) => code,
                _ => {
                    return Err(
                        vm.type_error("The fill character must be exactly one character long")
                    );
                }
            },
        },
    };
    let len = text::text(this).len();
    let width = width.max(0) as usize;
    Ok((width.saturating_sub(len), width, fill))
}

fn center(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let (missing, width, fill) = padding(vm, this, args)?;
    let left = missing / 2 + (missing & width & 1);
    padded(vm, this, left, missing - left, fill)
}

fn ljust(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let (missing, _, fill) = padding(vm, this, args)?;
    padded(vm, this, 0, missing, fill)
}

fn rjust(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let (missing, _, fill) = padding(vm, this, args)?;
    padded(vm, this, missing, 0, fill)
}

fn zfill(vm: &mut Vm, this: &Value, width: &Value) -> Py {
    let (missing, _, _) = padding(vm, this, std::slice::from_ref(width))?;
    let text = text::text(this);
    let signed = matches!(text.get(0), Some(0x2B | 0x2D)) && missing > 0;
    if !signed {
        return padded(vm, this, missing, 0, 0x30);
    }
    let rest = substring(vm, this, 1, text.len())?;
    let filled = padded(vm, &rest, missing, 0, 0x30)?;
    let sign = substring(vm, this, 0, 1)?;
    super::concat(vm, &sign, &filled)
}

fn expandtabs(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let size = match args.get(0) {
        Some(size) => vm.index_i64(size)?.max(0) as usize,
        None => 8,
    };
    let text = text::text(this);
    if algorithms::find_char(text, 9).is_none() {
        return exact(vm, this);
    }
    let tabs = algorithms::count(text, Text::Ascii(b"\t"), usize::MAX);
    if size.saturating_mul(tabs) > isize::MAX as usize / 8 {
        return Err(vm.overflow_error("new string is too long"));
    }
    let most = size.saturating_mul(tabs).saturating_add(text.len());
    let mut probe: Vec<u32> = Vec::new();
    if probe.try_reserve_exact(most).is_err() {
        return Err(vm.memory_error());
    }
    drop(probe);
    let mut out = TextBuf::with_capacity(text.len());
    let mut column = 0;
    for c in text.chars() {
        match c {
            9 if size > 0 => {
                let fill = size - column % size;
                out.push_repeat(32, fill);
                column += fill;
            }
            9 => {}
            10 | 13 => {
                out.push(c);
                column = 0;
            }
            _ => {
                out.push(c);
                column += 1;
            }
        }
    }
    from_buf(vm, out)
}

// ---- encoding and the rest ----

fn encode(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let encoding = super::text_argument(vm, "encode", "encoding", args.get(0))?;
    let errors = super::text_argument(vm, "encode", "errors", args.get(1))?;
    crate::codec::encode_str(vm, this, encoding.as_deref(), errors.as_deref())
}

fn dunder_format(vm: &mut Vm, this: &Value, spec: &Value) -> Py {
    let Some(spec) = text_of(spec) else {
        let message = format!(
            "__format__() argument must be str, not {}",
            spec.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    if spec.is_empty() && !taipan_core::str_object::is_exact_str(this) {
        return vm.str(this);
    }
    format::format_str(vm, this, spec)
}

fn sizeof(_vm: &mut Vm, this: &Value) -> Py {
    let text = this.expect::<taipan_core::str_object::Str>();
    let fixed = size_of::<taipan_core::Obj<taipan_core::str_object::Str>>();
    Ok(Value::int((fixed + text.bytes().len()) as i64))
}

fn getnewargs(vm: &mut Vm, this: &Value) -> Py {
    let copy = from_text(vm, text::text(this))?;
    Ok(new_tuple([copy]))
}

pub(super) static METHODS: [MethodDef; 50] = [
    bound(
        "encode(self, /, encoding='utf-8', errors='strict')",
        encode,
        "The text as bytes in the given encoding.\n\n\
         errors names the handler for characters that the encoding lacks: 'strict' (raise\n\
         UnicodeEncodeError), 'ignore', 'replace', 'xmlcharrefreplace', or any name known to\n\
         codecs.register_error.",
    ),
    bound(
        "replace(self, old, new, /, count=-1)",
        replace,
        "A copy with occurrences of old replaced by new, the first count ones if count is given.",
    ),
    bound(
        "split(self, /, sep=None, maxsplit=-1)",
        split,
        "The words of the text, as a list.\n\n\
         sep parts the words; None means any white space, and that empty words are left out.\n\
         At most maxsplit cuts are made, from the left.",
    ),
    bound(
        "rsplit(self, /, sep=None, maxsplit=-1)",
        rsplit,
        "The words of the text, as a list; at most maxsplit cuts are made, from the right.",
    ),
    f1(
        "join(self, iterable, /)",
        join,
        "The strings of an iterable in one, with this text between them.",
    ),
    f0(
        "capitalize(self, /)",
        capitalize,
        "A copy whose first character is in title case and the rest in lower case.",
    ),
    f0(
        "casefold(self, /)",
        casefold,
        "A copy for comparison without regard to case.",
    ),
    f0(
        "title(self, /)",
        title,
        "A copy in which each word begins in title case and goes on in lower case.",
    ),
    slice(
        "center(self, width, fillchar=' ', /)",
        center,
        "The text in the middle of a field of the given width.",
    ),
    slice(
        "count(self, sub[, start[, end]], /)",
        count,
        "How often sub occurs in the text (in self[start:end]) without overlap.",
    ),
    bound(
        "expandtabs(self, /, tabsize=8)",
        expandtabs,
        "A copy with tabs replaced by spaces up to the next column divisible by tabsize.",
    ),
    slice(
        "find(self, sub[, start[, end]], /)",
        find,
        "The lowest index at which sub is found (within self[start:end]), or -1.",
    ),
    f1(
        "partition(self, sep, /)",
        partition,
        "The part before the first sep, sep itself, and the part behind it.\n\n\
         Without a sep in it, the text and two empty strings.",
    ),
    slice(
        "index(self, sub[, start[, end]], /)",
        index,
        "The lowest index at which sub is found (within self[start:end]); ValueError if nowhere.",
    ),
    slice(
        "ljust(self, width, fillchar=' ', /)",
        ljust,
        "The text at the left of a field of the given width.",
    ),
    f0("lower(self, /)", lower, "A copy in lower case."),
    slice(
        "lstrip(self, chars=None, /)",
        lstrip,
        "A copy without white space (or the characters in chars) at the start.",
    ),
    slice(
        "rfind(self, sub[, start[, end]], /)",
        rfind,
        "The highest index at which sub is found (within self[start:end]), or -1.",
    ),
    slice(
        "rindex(self, sub[, start[, end]], /)",
        rindex,
        "The highest index at which sub is found (within self[start:end]); ValueError if nowhere.",
    ),
    slice(
        "rjust(self, width, fillchar=' ', /)",
        rjust,
        "The text at the right of a field of the given width.",
    ),
    slice(
        "rstrip(self, chars=None, /)",
        rstrip,
        "A copy without white space (or the characters in chars) at the end.",
    ),
    f1(
        "rpartition(self, sep, /)",
        rpartition,
        "The part before the last sep, sep itself, and the part behind it.\n\n\
         Without a sep in it, two empty strings and the text.",
    ),
    bound(
        "splitlines(self, /, keepends=False)",
        splitlines,
        "The lines of the text, as a list; with their ends if keepends is true.",
    ),
    slice(
        "strip(self, chars=None, /)",
        strip,
        "A copy without white space (or the characters in chars) at both ends.",
    ),
    f0(
        "swapcase(self, /)",
        swapcase,
        "A copy with upper and lower case exchanged.",
    ),
    f1(
        "translate(self, table, /)",
        table::translate,
        "A copy with each character replaced by what the table says.\n\n\
         The table maps code points to code points, strings, or None (the character goes away);\n\
         LookupError leaves a character as it is. See str.maketrans.",
    ),
    f0("upper(self, /)", upper, "A copy in upper case."),
    slice(
        "startswith(self, prefix[, start[, end]], /)",
        startswith,
        "Does the text (or self[start:end]) begin with prefix, a string or a tuple of them?",
    ),
    slice(
        "endswith(self, suffix[, start[, end]], /)",
        endswith,
        "Does the text (or self[start:end]) end with suffix, a string or a tuple of them?",
    ),
    f1(
        "removeprefix(self, prefix, /)",
        removeprefix,
        "A copy without the prefix, if it is there.",
    ),
    f1(
        "removesuffix(self, suffix, /)",
        removesuffix,
        "A copy without the suffix, if it is there.",
    ),
    f0(
        "isascii(self, /)",
        isascii,
        "Are all characters ASCII? The empty string's are.",
    ),
    f0(
        "islower(self, /)",
        islower,
        "Are there cased characters, all of them in lower case?",
    ),
    f0(
        "isupper(self, /)",
        isupper,
        "Are there cased characters, all of them in upper case?",
    ),
    f0("istitle(self, /)", istitle, "Is the text in title case?"),
    f0(
        "isspace(self, /)",
        isspace,
        "Is there only white space, and some?",
    ),
    f0(
        "isdecimal(self, /)",
        isdecimal,
        "Are there only decimal digits, and some?",
    ),
    f0(
        "isdigit(self, /)",
        isdigit,
        "Are there only digits, and some?",
    ),
    f0(
        "isnumeric(self, /)",
        isnumeric,
        "Are there only characters with a numeric value, and some?",
    ),
    f0(
        "isalpha(self, /)",
        isalpha,
        "Are there only letters, and some?",
    ),
    f0(
        "isalnum(self, /)",
        isalnum,
        "Are there only letters and digits, and some?",
    ),
    f0(
        "isidentifier(self, /)",
        isidentifier,
        "Could the text be an identifier? keyword.iskeyword tells reserved words.",
    ),
    f0(
        "isprintable(self, /)",
        isprintable,
        "Does repr() leave all characters as they are?",
    )
    .effects(Effects::PURE),
    f1(
        "zfill(self, width, /)",
        zfill,
        "The text with zeros at the left (behind a sign) to fill a field of the given width.",
    ),
    raw(
        "format(self, /, *args, **kwargs)",
        format::method_format,
        "The text with replacement fields in braces filled from the arguments.",
    ),
    f1(
        "format_map(self, mapping, /)",
        format::method_format_map,
        "The text with replacement fields in braces filled from a mapping.",
    ),
    f1(
        "__format__(self, format_spec, /)",
        dunder_format,
        "The text formatted by format_spec.",
    ),
    slice(
        "maketrans(x[, y[, z]], /)",
        table::maketrans,
        "A table for str.translate.\n\n\
         From a dict of characters or code points to replacements, or from two strings of equal\n\
         length whose characters correspond, and a third of characters to be taken away.",
    )
    .static_method(),
    f0(
        "__sizeof__(self, /)",
        sizeof,
        "Bytes that the object takes.",
    ),
    f0("__getnewargs__(self, /)", getnewargs, ""),
];
