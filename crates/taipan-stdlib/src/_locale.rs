//! `_locale`: the C library's locales, for `locale`.
//!
//! Only what a program sets applies: at the start all categories but the encoding are "C".

use crate::ModuleDef;
use crate::path::{c_int, c_text, fs_string};
use crate::support::add;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::latch::Latch;
use taipan_core::str_object::{self, name, new_from_code_points, new_str};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{MethodDef, Py, Type, Value, Vm, builtin_types, f0, f1, f2, slice};
use taipan_types::list::new_list;

static FUNCTIONS: [MethodDef; 6] = [
    slice(
        "setlocale($module, category, locale=None, /)",
        setlocale,
        "Set a category's locale, or ask for it.",
    ),
    f0(
        "localeconv($module, /)",
        localeconv,
        "How the locale writes numbers and sums of money.",
    ),
    f2(
        "strcoll($module, os1, os2, /)",
        strcoll,
        "Compare two strings as the locale orders them.",
    ),
    f1(
        "strxfrm($module, string, /)",
        strxfrm,
        "A string that sorts as the locale orders the given one.",
    ),
    f1(
        "nl_langinfo($module, key, /)",
        nl_langinfo,
        "A text of the locale, by its number.",
    ),
    f0(
        "getencoding($module, /)",
        |_, _| Ok(new_str(&encoding())),
        "The encoding of text outside.",
    ),
];

/// The module `_locale`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_locale",
    doc: "The C library's locales.",
    functions: &FUNCTIONS,
    init,
};

macro_rules! numbers {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name as i64)),*] };
}

static NUMBERS: &[(&str, i64)] = numbers! {
    LC_ALL LC_COLLATE LC_CTYPE LC_MESSAGES LC_MONETARY LC_NUMERIC LC_TIME CODESET CRNCYSTR D_FMT D_T_FMT ERA ERA_D_FMT
    ERA_D_T_FMT ERA_T_FMT NOEXPR YESEXPR RADIXCHAR THOUSEP T_FMT T_FMT_AMPM AM_STR PM_STR ALT_DIGITS
    DAY_1 DAY_2 DAY_3 DAY_4 DAY_5 DAY_6 DAY_7 ABDAY_1 ABDAY_2 ABDAY_3 ABDAY_4 ABDAY_5 ABDAY_6 ABDAY_7
    MON_1 MON_2 MON_3 MON_4 MON_5 MON_6 MON_7 MON_8 MON_9 MON_10 MON_11 MON_12
    ABMON_1 ABMON_2 ABMON_3 ABMON_4 ABMON_5 ABMON_6 ABMON_7 ABMON_8 ABMON_9 ABMON_10 ABMON_11 ABMON_12
};

/// Takes the encoding of text from the environment, as programs started from the command line do; plain "C" becomes UTF-8.
pub fn start() {
    // SAFETY: C strings; the result is read at once.
    unsafe {
        let text = libc::setlocale(libc::LC_CTYPE, c"".as_ptr());
        if text.is_null() || matches!(std::ffi::CStr::from_ptr(text).to_bytes(), b"C" | b"POSIX") {
            libc::setlocale(libc::LC_CTYPE, c"C.UTF-8".as_ptr());
        }
    }
}

/// The encoding of the C library's locale, by its own name.
pub fn encoding() -> String {
    // SAFETY: the result is a C string, copied at once.
    let name = unsafe { std::ffi::CStr::from_ptr(libc::nl_langinfo(libc::CODESET)) };
    match name.to_str() {
        Ok(name) if !name.is_empty() => name.to_owned(),
        _ => "UTF-8".to_owned(),
    }
}

#[derive(Default)]
struct ErrorClass(Latch<Option<Value>>);

fn error_class(vm: &mut Vm) -> Py {
    if let Some(class) = &*vm.interpreter_state::<ErrorClass>().0.borrow() {
        return Ok(class.clone());
    }
    let namespace = new_dict();
    add(&namespace, "__module__", new_str("locale"));
    let bases = new_tuple([builtin_types::EXCEPTION.to_value()]);
    let class = vm.call(
        &builtin_types::TYPE.to_value(),
        &[new_str("Error"), bases, namespace],
    )?;
    *vm.interpreter_state::<ErrorClass>().0.borrow_mut() = Some(class.clone());
    Ok(class)
}

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    for (text, number) in NUMBERS {
        add(dict, text, Value::int(*number));
    }
    add(dict, "CHAR_MAX", Value::int(i64::from(libc::c_char::MAX)));
    let class = error_class(vm)?;
    add(dict, "Error", class);
    Ok(())
}

fn setlocale(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let category = c_int(vm, &args[0])?;
    let wanted = match args.get(1).filter(|locale| !locale.is_none()) {
        Some(locale) => Some(fs_string(vm, locale)?),
        None => None,
    };
    let wanted_at = wanted
        .as_ref()
        .map_or(std::ptr::null(), |text| text.as_ptr());
    // SAFETY: a C string or null; the result is copied at once.
    unsafe {
        let text = libc::setlocale(category, wanted_at);
        if !text.is_null() {
            return c_text(vm, text);
        }
    }
    let class = error_class(vm)?;
    let message = if wanted.is_some() {
        "unsupported locale setting"
    } else {
        "locale query failed"
    };
    Err(vm.raise(class.expect::<Type>(), message))
}

/// Sizes of groups of digits; the last number says whether they repeat.
fn grouping(text: *const libc::c_char) -> Value {
    let mut row = Vec::new();
    let mut at = text;
    // SAFETY: a C string.
    unsafe {
        while *at != 0 && *at != libc::c_char::MAX {
            row.push(Value::int(i64::from(*at)));
            at = at.add(1);
        }
        if !row.is_empty() || *at != 0 {
            row.push(Value::int(i64::from(*at)));
        }
    }
    new_list(row)
}

fn localeconv(vm: &mut Vm, _module: &Value) -> Py {
    let dict = new_dict();
    let put = |key: &str, value: Value| drop(dict.expect::<Dict>().set_name(&name(key), value));
    // SAFETY: the C library's structure, which nothing changes meanwhile.
    let facts = unsafe { &*libc::localeconv() };
    let texts = [
        ("decimal_point", facts.decimal_point),
        ("thousands_sep", facts.thousands_sep),
        ("int_curr_symbol", facts.int_curr_symbol),
        ("currency_symbol", facts.currency_symbol),
        ("mon_decimal_point", facts.mon_decimal_point),
        ("mon_thousands_sep", facts.mon_thousands_sep),
        ("positive_sign", facts.positive_sign),
        ("negative_sign", facts.negative_sign),
    ];
    for (key, text) in texts {
        // SAFETY: C strings of the structure.
        let text = unsafe { c_text(vm, text) }?;
        put(key, text);
    }
    put("grouping", grouping(facts.grouping));
    put("mon_grouping", grouping(facts.mon_grouping));
    let numbers = [
        ("int_frac_digits", facts.int_frac_digits),
        ("frac_digits", facts.frac_digits),
        ("p_cs_precedes", facts.p_cs_precedes),
        ("p_sep_by_space", facts.p_sep_by_space),
        ("n_cs_precedes", facts.n_cs_precedes),
        ("n_sep_by_space", facts.n_sep_by_space),
        ("p_sign_posn", facts.p_sign_posn),
        ("n_sign_posn", facts.n_sign_posn),
    ];
    for (key, number) in numbers {
        put(key, Value::int(i64::from(number)));
    }
    Ok(dict)
}

unsafe extern "C" {
    fn wcscoll(a: *const libc::wchar_t, b: *const libc::wchar_t) -> libc::c_int;
    fn wcsxfrm(to: *mut libc::wchar_t, from: *const libc::wchar_t, len: usize) -> usize;
}

/// A string as the C library's wide characters, ended by a null.
fn wide(vm: &mut Vm, value: &Value, function: &str) -> Py<Vec<libc::wchar_t>> {
    let Some(text) = str_object::str_of(value) else {
        let message = format!(
            "{function}() argument must be str, not {}",
            value.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let mut units: Vec<libc::wchar_t> = text.code_points().map(|c| c as libc::wchar_t).collect();
    if units.contains(&0) {
        return Err(vm.value_error("embedded null character"));
    }
    units.push(0);
    Ok(units)
}

fn strcoll(vm: &mut Vm, _module: &Value, a: &Value, b: &Value) -> Py {
    let (a, b) = (wide(vm, a, "strcoll")?, wide(vm, b, "strcoll")?);
    // SAFETY: wide strings that end with a null.
    Ok(Value::from_i32(unsafe { wcscoll(a.as_ptr(), b.as_ptr()) }))
}

fn strxfrm(vm: &mut Vm, _module: &Value, text: &Value) -> Py {
    let text = wide(vm, text, "strxfrm")?;
    let mut room = vec![0 as libc::wchar_t; text.len() + 1];
    // SAFETY: a wide string that ends with a null, and room of the given length.
    let mut len = unsafe { wcsxfrm(room.as_mut_ptr(), text.as_ptr(), room.len()) };
    if len >= room.len() {
        room.resize(len + 1, 0);
        // SAFETY: as above.
        len = unsafe { wcsxfrm(room.as_mut_ptr(), text.as_ptr(), room.len()) };
    }
    let units: Vec<u32> = room[..len.min(room.len())]
        .iter()
        .map(|c| *c as u32 & 0x1f_ffff)
        .collect();
    Ok(new_from_code_points(&units))
}

fn nl_langinfo(vm: &mut Vm, _module: &Value, key: &Value) -> Py {
    let key = c_int(vm, key)?;
    if key == libc::CODESET {
        return Ok(new_str("UTF-8"));
    }
    if !NUMBERS
        .iter()
        .skip(7)
        .any(|(_, number)| *number == i64::from(key))
    {
        return Err(vm.value_error("unsupported langinfo constant"));
    }
    // SAFETY: the C library's text, which is copied at once.
    unsafe { c_text(vm, libc::nl_langinfo(key as libc::nl_item)) }
}
