//! Setting up a text stream: `__init__` and `reconfigure`.

use super::codec::{self, Codec};
use super::{Newline, State, forget_decoded, state};
use crate::config;
use crate::support::signature;
use taipan_core::{Args, Bound, MethodDef, Py, Value, Vm, builtin_types, name, str_object};
use taipan_types::bytes::bytes_of;

static INIT: MethodDef = signature(
    "TextIOWrapper(buffer, encoding=None, errors=None, newline=None, line_buffering=False, write_through=False)",
);

/// A text argument that may be `None`; `UnicodeEncodeError` if it is no Unicode.
fn text_argument(
    vm: &mut Vm,
    function: &str,
    what: &str,
    value: Option<&Value>,
) -> Py<Option<String>> {
    let Some(value) = value.filter(|value| !value.is_none()) else {
        return Ok(None);
    };
    if !str_object::is_str(value) {
        let message = format!(
            "{function}() argument '{what}' must be str or None, not {}",
            value.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let utf8 = taipan_types::codec::encode_str(vm, value, None, None)?;
    let bytes = bytes_of(&utf8).unwrap_or_default().to_vec();
    Ok(String::from_utf8(bytes).ok())
}

/// The encoding of text outside: what `"locale"` and, without UTF-8 mode, no encoding mean.
fn locale_encoding() -> String {
    crate::_locale::encoding()
}

fn default_encoding(vm: &mut Vm) -> Py<String> {
    let (warn, utf8) = config::read(vm, |config| {
        (config.flags.warn_default_encoding, config.flags.utf8_mode)
    });
    if warn {
        vm.warn(
            &builtin_types::ENCODING_WARNING,
            "'encoding' argument not specified",
            1,
        )?;
    }
    Ok(if utf8 {
        "utf-8".into()
    } else {
        locale_encoding()
    })
}

pub(super) fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let args = taipan_core::bind::bind(vm, &INIT, args)?;
    // Until all is well, the object is not usable.
    let old = state(vm, this, |own| std::mem::replace(own, State::blank()));
    drop(old);
    let buffer = args.req(0).clone();
    let encoding = text_argument(vm, "TextIOWrapper", "encoding", args.get(1))?;
    let errors = text_argument(vm, "TextIOWrapper", "errors", args.get(2))?;
    let newline = Newline::of_text(vm, "TextIOWrapper", args.get(3))?;
    let flag = |vm: &mut Vm, at: usize| match args.get(at) {
        Some(flag) => vm.truth(flag),
        None => Ok(false),
    };
    let line_buffering = flag(vm, 4)?;
    let write_through = flag(vm, 5)?;
    for text in [&encoding, &errors].into_iter().flatten() {
        if text.contains('\0') {
            return Err(vm.value_error("embedded null character"));
        }
    }
    let encoding = match encoding {
        Some(encoding) if encoding == "locale" => locale_encoding(),
        Some(encoding) => encoding,
        None => default_encoding(vm)?,
    };
    let errors = errors.unwrap_or_else(|| "strict".into());
    if config::read(vm, |config| config.flags.dev_mode) {
        taipan_types::codec::registry::lookup_error(vm, &errors)?;
    }
    let (decoder, encoder) = codecs(vm, &buffer, &encoding, &errors, newline)?;
    let has_read1 = vm.get_attr_opt(&buffer, name!("read1"))?.is_some();
    let seekable = vm.call_method(&buffer, name!("seekable"), &[])?;
    let seekable = vm.truth(&seekable)?;
    let fresh = State {
        buffer: Some(buffer.clone()),
        encoding,
        errors,
        decoder,
        encoder,
        newline,
        line_buffering,
        write_through,
        has_read1,
        seekable,
        telling: seekable,
        ..State::blank()
    };
    let old = state(vm, this, |own| std::mem::replace(own, fresh));
    drop(old);
    if let Err(raised) = fix_encoder(vm, this, &buffer) {
        let error = vm.take_raised(raised);
        let old = state(vm, this, |own| std::mem::replace(own, State::blank()));
        drop(old);
        return Err(vm.set_pending(error));
    }
    Ok(())
}

/// An encoder that writes a mark at the start of the stream must know if this is somewhere else.
fn fix_encoder(vm: &mut Vm, this: &Value, buffer: &Value) -> Py<()> {
    let (seekable, encoder) = state(vm, this, |own| (own.seekable, own.encoder.clone()));
    if !seekable || !matches!(encoder, Some(Codec::Object(_))) {
        return Ok(());
    }
    let at = vm.call_method(buffer, name!("tell"), &[])?;
    if !vm.equal(&at, &Value::from_i32(0))? {
        codec::set_encoder_start(vm, this, false)?;
    }
    Ok(())
}

/// What decodes and encodes for a buffer.
fn codecs(
    vm: &mut Vm,
    buffer: &Value,
    encoding: &str,
    errors: &str,
    newline: Newline,
) -> Py<(Option<Codec>, Option<Codec>)> {
    let simple = codec::simple(encoding);
    let info = match simple {
        Some(_) => None,
        None => Some(text_codec(vm, encoding)?),
    };
    let errors = str_object::new_str(errors);
    let part = |vm: &mut Vm, ability: &Value, factory: &Value| -> Py<Option<Codec>> {
        let able = vm.call_method(buffer, ability, &[])?;
        if !vm.truth(&able)? {
            return Ok(None);
        }
        match (simple, &info) {
            (Some(simple), _) => Ok(Some(Codec::BuiltIn(simple))),
            (None, Some(info)) => {
                let make = vm.get_attr(info, factory)?;
                let made = vm.call(&make, std::slice::from_ref(&errors))?;
                Ok(Some(Codec::Object(made)))
            }
            (None, None) => Ok(None),
        }
    };
    let mut decoder = part(vm, name!("readable"), name!("incrementaldecoder"))?;
    let encoder = part(vm, name!("writable"), name!("incrementalencoder"))?;
    if newline.is_universal()
        && let Some(Codec::Object(object)) = &decoder
    {
        let translate = Value::bool(newline == Newline::Universal);
        let class = super::super::NEWLINE_DECODER.to_value();
        let wrapped = vm.call(&class, &[object.clone(), translate])?;
        decoder = Some(Codec::Object(wrapped));
    }
    Ok((decoder, encoder))
}

/// The codec of an encoding, which must be one between text and bytes.
fn text_codec(vm: &mut Vm, encoding: &str) -> Py {
    let info = taipan_types::codec::registry::lookup(vm, encoding)?;
    if let Some(text) = vm.get_attr_opt(&info, name!("_is_text_encoding"))?
        && !vm.truth(&text)?
    {
        let message = format!(
            "'{encoding}' is not a text encoding; use codecs.open() to handle arbitrary codecs"
        );
        return Err(vm.raise(&builtin_types::LOOKUP_ERROR, message));
    }
    Ok(info)
}

/// A flag that may be left as it is.
fn flag(vm: &mut Vm, value: Option<&Value>, now: bool) -> Py<bool> {
    match value.filter(|value| !value.is_none()) {
        None => Ok(now),
        Some(value) => {
            let number = vm.index_i64(value)?;
            if i32::try_from(number).is_err() {
                return Err(vm.overflow_error("Python int too large to convert to C int"));
            }
            Ok(number != 0)
        }
    }
}

pub(super) fn reconfigure(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    for (at, what) in [(0, "encoding"), (1, "errors")] {
        if let Some(value) = args.get(at)
            && !value.is_none()
            && !str_object::is_str(value)
        {
            let message = format!(
                "reconfigure() argument '{what}' must be str or None, not {}",
                value.type_of().name()
            );
            return Err(vm.type_error(message));
        }
    }
    let given = |at: usize| args.get(at).filter(|value| !value.is_none());
    let reading = state(vm, this, |own| own.decoded.is_some());
    if reading && (given(0).is_some() || given(1).is_some() || args.get(2).is_some()) {
        return Err(super::super::unsupported(
            vm,
            "It is not possible to set the encoding or newline of stream after the first read",
        ));
    }
    let newline = match args.get(2) {
        Some(newline) => Some(Newline::of_text(vm, "reconfigure", Some(newline))?),
        None => None,
    };
    let (line_buffering, write_through) =
        state(vm, this, |own| (own.line_buffering, own.write_through));
    let line_buffering = flag(vm, args.get(3), line_buffering)?;
    let write_through = flag(vm, args.get(4), write_through)?;
    let encoding = text_argument(vm, "reconfigure", "encoding", args.get(0))?;
    let errors = text_argument(vm, "reconfigure", "errors", args.get(1))?;
    vm.call_method(this, name!("flush"), &[])?;
    state(vm, this, |own| own.bytes_per_char = 0.0);
    if encoding.is_some() || errors.is_some() || newline.is_some() {
        change_codecs(vm, this, encoding, errors, newline)?;
    }
    state(vm, this, |own| {
        own.line_buffering = line_buffering;
        own.write_through = write_through;
    });
    Ok(Value::none())
}

fn change_codecs(
    vm: &mut Vm,
    this: &Value,
    encoding: Option<String>,
    errors: Option<String>,
    newline: Option<Newline>,
) -> Py<()> {
    let errors = match (errors, &encoding) {
        (Some(errors), _) => errors,
        (None, Some(_)) => "strict".into(),
        (None, None) => state(vm, this, |own| own.errors.clone()),
    };
    let encoding = match encoding {
        Some(encoding) if encoding == "locale" => locale_encoding(),
        Some(encoding) => encoding,
        None => state(vm, this, |own| own.encoding.clone()),
    };
    let newline = match newline {
        Some(newline) => newline,
        None => state(vm, this, |own| own.newline),
    };
    let buffer = super::buffer(vm, this)?;
    let (decoder, encoder) = codecs(vm, &buffer, &encoding, &errors, newline)?;
    forget_decoded(vm, this);
    let old = state(vm, this, |own| {
        own.encoding = encoding;
        own.errors = errors;
        own.newline = newline;
        own.tail.clear();
        own.held_cr = false;
        (
            std::mem::replace(&mut own.decoder, decoder),
            std::mem::replace(&mut own.encoder, encoder),
        )
    });
    drop(old);
    fix_encoder(vm, this, &buffer)
}
