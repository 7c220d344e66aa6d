//! `Decimal.__format__`. What the arithmetic's own mini-language has not (underscores, `z`, `#`) the library's Python version formats.

use super::context::settings;
use super::current::current;
use super::number::{own, to_str};
use super::{import, no_memory, positional};
use std::borrow::Cow;
use taipan_core::dict_object::dict_of;
use taipan_core::str_object::{new_str, str_of};
use taipan_core::{Args, Py, Raised, Value, Vm, name};
use taipan_decimal::{FormatSpec, Separators};

pub(super) fn format(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let args = positional(vm, "__format__", args, 1, 2)?;
    let context = current(vm)?;
    let cx = settings(vm, &context);
    let Some(text) = str_of(&args[0]) else {
        return Err(vm.type_error("format arg must be str"));
    };
    let text = match text
        .ascii()
        .map_or_else(|| (None, text.to_utf8()), |text| (Some(text), None))
    {
        (Some(text), _) => Cow::Borrowed(text),
        (None, Some(text)) => Cow::Owned(text),
        // Encoding raises what a lone surrogate is worth.
        (None, None) => {
            taipan_types::codec::encode_str(vm, &args[0], Some("utf-8"), None)?;
            Cow::Borrowed("")
        }
    };
    let Some(spec) = FormatSpec::parse(&text, cx.capitals) else {
        return by_library(vm, this, &context, &args[0]);
    };
    if spec.deprecated {
        vm.warn(
            &taipan_core::builtin_types::DEPRECATION_WARNING,
            "Format specifier 'N' is deprecated and slated for removal in Python 3.18",
            1,
        )?;
    }
    let separators = match args.get(1) {
        Some(given) => Some(given_separators(vm, given, &spec)?),
        None if spec.localized => Some(locale_separators(vm)?),
        None => None,
    };
    let mut st = 0;
    match cx.format(own(this), &spec, separators.as_ref(), &mut st) {
        Ok(_) if st != 0 => {
            Err(vm.value_error("format specification exceeds internal limits of _decimal"))
        }
        Ok(text) => Ok(new_str(&text)),
        Err(error) => Err(no_memory(vm, error)),
    }
}

/// Formats by `_pydecimal`.
fn by_library(vm: &mut Vm, this: &Value, context: &Value, spec: &Value) -> Py {
    let module = import(vm, "_pydecimal")?;
    let text = to_str(vm, this)?;
    let number = vm.call_method(&module, name!("Decimal"), &[text])?;
    vm.call_method(
        &number,
        name!("__format__"),
        &[spec.clone(), context.clone()],
    )
}

#[cold]
fn invalid_override(vm: &mut Vm) -> Raised {
    vm.value_error("invalid override dict")
}

/// The separators of a dict like `localeconv`'s; what it has not is as usual.
fn given_separators(vm: &mut Vm, given: &Value, spec: &FormatSpec) -> Py<Separators> {
    let Some(dict) = dict_of(given) else {
        return Err(vm.type_error("optional argument must be a dict"));
    };
    let mut separators = if spec.localized {
        locale_separators(vm)?
    } else {
        spec.separators()
    };
    let mut texts = [None, None, None];
    for (place, key) in texts
        .iter_mut()
        .zip(["decimal_point", "thousands_sep", "grouping"])
    {
        let Some(value) = dict.get(vm, &taipan_core::str_object::name(key))? else {
            continue;
        };
        match str_of(&value).map(|text| text.to_utf8()) {
            Some(Some(text)) => *place = Some(text),
            Some(None) => return Err(invalid_override(vm)),
            None => return Err(vm.type_error("bad argument type for built-in operation")),
        }
    }
    let [point, separator, grouping] = texts;
    if let Some(point) = point {
        separators.point = Cow::Owned(point);
    }
    if let Some(separator) = separator {
        separators.separator = Cow::Owned(separator);
    }
    if let Some(grouping) = grouping {
        separators.grouping = Cow::Owned(grouping.into_bytes());
    }
    let fits = !separators.point.is_empty()
        && separators.point.len() <= 4
        && separators.separator.len() <= 4
        && separators.grouping.is_ascii();
    if !fits {
        return Err(invalid_override(vm));
    }
    Ok(separators)
}

/// What the current locale wants.
fn locale_separators(vm: &mut Vm) -> Py<Separators> {
    let module = import(vm, "_locale")?;
    let conventions = vm.call_method(&module, name!("localeconv"), &[])?;
    let text = |vm: &mut Vm, key: &str| {
        let value = vm.get_item(&conventions, &new_str(key))?;
        vm.str_string(&value)
    };
    let point = text(vm, "decimal_point")?;
    let separator = text(vm, "thousands_sep")?;
    let sizes = vm.get_item(&conventions, &new_str("grouping"))?;
    let mut grouping = Vec::new();
    for size in vm.to_vec(&sizes)? {
        grouping.push(vm.index_i64(&size)?.clamp(0, 127) as u8);
    }
    Ok(Separators {
        point: Cow::Owned(point),
        separator: Cow::Owned(separator),
        grouping: Cow::Owned(grouping),
    })
}
