//! Interned strings for names that Rust code uses.

/// `name!("text")` is a `&'static Value`: the interned string with that text, made on first use and never freed.
#[macro_export]
macro_rules! name {
    ($text:literal) => {{
        static NAME: ::std::sync::OnceLock<$crate::Value> = ::std::sync::OnceLock::new();
        NAME.get_or_init(|| $crate::str_object::immortal_name($text))
    }};
}

pub use crate::name;
