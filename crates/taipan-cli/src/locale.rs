//! The encodings of text outside of the program: the C library's locale, UTF-8 mode, `PYTHONIOENCODING`.
//!
//! A locale that knows ASCII only ("C", "POSIX", or one that the system does not have) is replaced by one of UTF-8 where that is possible,
//! and switches UTF-8 mode on. The order of the steps is CPython's.

use std::ffi::{CStr, CString, OsString};
use taipan::Encodings;

/// What is done about a locale of ASCII (`PYTHONCOERCECLOCALE`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Coercion {
    Off,
    On,
    /// As `On`, and the user is told.
    Warn,
}

/// What the command line and the environment say.
pub struct Wishes {
    pub utf8: Option<bool>,
    pub coercion: Coercion,
    /// `PYTHONIOENCODING`
    pub streams: Option<OsString>,
}

/// What follows from the wishes and the locale.
pub struct Settled {
    pub utf8_mode: bool,
    pub encodings: Encodings,
}

/// The locales of UTF-8 that can stand for "C".
const SUBSTITUTES: [&CStr; 3] = [c"C.UTF-8", c"C.utf8", c"UTF-8"];

/// Sets the locale of characters; gives its name, if there is such a locale.
fn set(name: &CStr) -> Option<String> {
    // SAFETY: a C string; the result is copied before the locale can change again.
    unsafe {
        let text = libc::setlocale(libc::LC_CTYPE, name.as_ptr());
        (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
    }
}

/// The locale's name for its encoding.
fn code_set() -> String {
    // SAFETY: the result is a C string, copied at once.
    unsafe { CStr::from_ptr(libc::nl_langinfo(libc::CODESET)) }
        .to_string_lossy()
        .into_owned()
}

/// Settles how text is encoded, and sets the C library's locale.
pub fn settle(wishes: &Wishes) -> Settled {
    let mut locale = set(c"").unwrap_or_else(|| "C".into());
    let ascii_only = matches!(&*locale, "C" | "POSIX");
    if ascii_only {
        if wishes.coercion != Coercion::Off && !is_set("LC_ALL") {
            coerce(&mut locale, wishes.coercion);
        }
        if wishes.coercion == Coercion::Warn && matches!(&*locale, "C" | "POSIX") {
            eprintln!(
                "Python runtime initialized with LC_CTYPE=C (a locale with default ASCII encoding), which may cause Unicode \
                 compatibility problems. Using C.UTF-8, C.utf8, or UTF-8 (if available) as alternative Unicode-compatible \
                 locales is recommended."
            );
        }
    }
    let utf8_mode = wishes.utf8.unwrap_or(ascii_only);
    let filesystem = if utf8_mode { None } else { codec(&code_set()) };
    let tolerant = utf8_mode
        || matches!(&*locale, "C" | "POSIX")
        || SUBSTITUTES
            .iter()
            .any(|name| name.to_bytes() == locale.as_bytes());
    let mut encodings = Encodings {
        streams: filesystem.clone(),
        filesystem,
        filesystem_errors: None,
        stream_errors: tolerant.then(|| "surrogateescape".into()),
        locale_is_set: true,
    };
    if let Some(wish) = &wishes.streams {
        let wish = wish.to_string_lossy();
        let (encoding, errors) = wish.split_once(':').unwrap_or((&wish, ""));
        if !encoding.is_empty() {
            encodings.streams = Some(encoding.into());
            encodings.stream_errors = None;
        }
        if !errors.is_empty() {
            encodings.stream_errors = Some(errors.into());
        }
    }
    Settled {
        utf8_mode,
        encodings,
    }
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

/// Replaces a locale of ASCII, for this process and those that it starts.
fn coerce(locale: &mut String, coercion: Coercion) {
    for name in SUBSTITUTES {
        let Some(new) = set(name) else { continue };
        if code_set().is_empty() {
            continue;
        }
        // SAFETY: C strings; nothing else runs yet that could read the environment.
        unsafe { libc::setenv(c"LC_CTYPE".as_ptr(), name.as_ptr(), 1) };
        if coercion == Coercion::Warn {
            eprintln!(
                "Python detected LC_CTYPE=C: LC_CTYPE coerced to {new} (set another locale or PYTHONCOERCECLOCALE=0 to disable \
                 this locale coercion behavior)."
            );
        }
        *locale = new;
        return;
    }
    let old = CString::new(&**locale).unwrap_or_default();
    set(&old);
}

/// The codec of a locale's encoding; `None` is UTF-8.
fn codec(code_set: &str) -> Option<String> {
    let name = code_set.to_ascii_lowercase();
    match &*name {
        "" | "utf-8" | "utf8" => None,
        "ansi_x3.4-1968" | "646" | "us-ascii" => Some("ascii".into()),
        _ => match name.strip_prefix("iso-8859-") {
            Some(part) => Some(format!("iso8859-{part}")),
            None => Some(name),
        },
    }
}
