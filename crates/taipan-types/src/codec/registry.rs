//! The registry of codecs: search functions, the cache of what they found, and named error handlers. One for each interpreter.

use super::handlers::{Standard, call_standard};
use std::collections::HashMap;
use taipan_core::builtin_types::{LOOKUP_ERROR, TYPE_ERROR};
use taipan_core::latch::{Latch, LatchCell};
use taipan_core::str_object::{self, new_str};
use taipan_core::tuple_object::items;
use taipan_core::{MethodDef, Py, Value, Vm, f1, name};

/// State of the registry.
#[derive(Default)]
pub struct Registry {
    search: Latch<Vec<Value>>,
    found: Latch<HashMap<String, Value>>,
    errors: Latch<HashMap<String, Value>>,
    loaded: LatchCell<bool>,
}

fn registry(vm: &Vm) -> &'static Registry {
    vm.interpreter_state::<Registry>()
}

/// `codecs.register(search_function)`
pub fn register(vm: &mut Vm, search: &Value) -> Py<()> {
    if !vm.is_callable(search) {
        return Err(vm.type_error("argument must be callable"));
    }
    registry(vm).search.borrow_mut().push(search.clone());
    Ok(())
}

/// `codecs.unregister(search_function)`
pub fn unregister(vm: &mut Vm, search: &Value) -> Py<()> {
    let own = registry(vm);
    let at = own.search.borrow().iter().position(|own| own.is(search));
    if let Some(at) = at {
        let gone = own.search.borrow_mut().remove(at);
        let stale = std::mem::take(&mut *own.found.borrow_mut());
        drop((gone, stale));
    }
    Ok(())
}

/// Names are looked up in lower case, with `_` for anything that is no letter, digit or dot.
fn normalize(encoding: &str) -> String {
    let mut out = String::with_capacity(encoding.len());
    let mut gap = false;
    for c in encoding.chars() {
        if c.is_ascii_alphanumeric() || c == '.' {
            if gap && !out.is_empty() {
                out.push('_');
            }
            out.push(c.to_ascii_lowercase());
            gap = false;
        } else {
            gap = true;
        }
    }
    out
}

/// Imports a module by its full name.
pub fn import(vm: &mut Vm, module: &str) -> Py {
    let builtins = vm.interpreter().builtins.get();
    let Some(builtins) = builtins else {
        return Err(vm.system_error("no builtins module"));
    };
    let function = vm.get_item(&builtins, name!("__import__"))?;
    vm.call(&function, &[new_str(module)])
}

/// `codecs.lookup(encoding)`
pub fn lookup(vm: &mut Vm, encoding: &str) -> Py {
    let own = registry(vm);
    if !own.loaded.replace(true) {
        // The package registers its search function when it is imported.
        if let Err(raised) = import(vm, "encodings") {
            own.loaded.set(false);
            return Err(raised);
        }
    }
    let key = normalize(encoding);
    if let Some(codec) = own.found.borrow().get(&key) {
        return Ok(codec.clone());
    }
    let wanted = new_str(&key);
    let searches = own.search.borrow().clone();
    for search in searches {
        let codec = vm.call(&search, std::slice::from_ref(&wanted))?;
        if codec.is_none() {
            continue;
        }
        if items(&codec).is_none_or(|parts| parts.len() != 4) {
            return Err(vm.type_error("codec search functions must return 4-tuples"));
        }
        let old = own.found.borrow_mut().insert(key, codec.clone());
        drop(old);
        return Ok(codec);
    }
    Err(vm.raise(&LOOKUP_ERROR, format!("unknown encoding: {encoding}")))
}

/// A codec for `str.encode` and `bytes.decode`: others are refused.
fn lookup_text(vm: &mut Vm, encoding: &str, alternative: &str) -> Py {
    let codec = lookup(vm, encoding)?;
    if !codec.is_exact(&taipan_core::builtin_types::TUPLE) {
        let flag = vm.get_attr_opt(&codec, name!("_is_text_encoding"))?;
        if let Some(flag) = flag
            && !vm.truth(&flag)?
        {
            let message = format!(
                "'{encoding}' is not a text encoding; use {alternative} to handle arbitrary codecs"
            );
            return Err(vm.raise(&LOOKUP_ERROR, message));
        }
    }
    Ok(codec)
}

/// Calls one of a codec's functions and takes the first part of its answer.
fn run(
    vm: &mut Vm,
    codec: &Value,
    part: usize,
    object: &Value,
    encoding: &str,
    errors: Option<&str>,
) -> Py {
    let function = items(codec).map(|parts| parts[part].clone());
    let Some(function) = function else {
        return Err(vm.type_error("codec search functions must return 4-tuples"));
    };
    let mut args = vec![object.clone()];
    args.extend(errors.map(new_str));
    let what = ["encoding", "decoding"][part];
    let answer = match vm.call(&function, &args) {
        Ok(answer) => answer,
        Err(raised) => {
            let exception = vm.take_raised(raised);
            let note = new_str(&format!("{what} with '{encoding}' codec failed"));
            if let Err(raised) = vm.call_method(&exception, name!("add_note"), &[note]) {
                drop(vm.take_raised(raised));
            }
            return Err(vm.set_pending(exception));
        }
    };
    match items(&answer) {
        Some([first, _]) => Ok(first.clone()),
        _ => {
            let who = ["encoder", "decoder"][part];
            Err(vm.raise(
                &TYPE_ERROR,
                format!("{who} must return a tuple (object, integer)"),
            ))
        }
    }
}

/// `codecs.encode(object, encoding, errors)`
pub fn encode(vm: &mut Vm, object: &Value, encoding: &str, errors: Option<&str>) -> Py {
    let codec = lookup(vm, encoding)?;
    run(vm, &codec, 0, object, encoding, errors)
}

/// `codecs.decode(object, encoding, errors)`
pub fn decode(vm: &mut Vm, object: &Value, encoding: &str, errors: Option<&str>) -> Py {
    let codec = lookup(vm, encoding)?;
    run(vm, &codec, 1, object, encoding, errors)
}

/// `str.encode` with an encoding that is not built in.
pub(super) fn encode_text(vm: &mut Vm, text: &Value, encoding: &str, errors: Option<&str>) -> Py {
    let codec = lookup_text(vm, encoding, "codecs.encode()")?;
    let made = run(vm, &codec, 0, text, encoding, errors)?;
    if super::is_bytes(&made) {
        return Ok(made);
    }
    if let Some(copy) = crate::bytes::bytearray_copy(vm, &made) {
        let message = format!(
            "encoder {encoding} returned bytearray instead of bytes; use codecs.encode() to encode to arbitrary types"
        );
        vm.warn(&taipan_core::builtin_types::RUNTIME_WARNING, &message, 1)?;
        return crate::bytes::new_bytes(vm, &copy);
    }
    let message = format!(
        "'{encoding}' encoder returned '{}' instead of 'bytes'; use codecs.encode() to encode to arbitrary types",
        made.type_of().name()
    );
    Err(vm.type_error(message))
}

/// `bytes.decode` with an encoding that is not built in.
pub(super) fn decode_text(vm: &mut Vm, data: &Value, encoding: &str, errors: Option<&str>) -> Py {
    let codec = lookup_text(vm, encoding, "codecs.decode()")?;
    let made = run(vm, &codec, 1, data, encoding, errors)?;
    if str_object::is_str(&made) {
        return Ok(made);
    }
    let message = format!(
        "'{encoding}' decoder returned '{}' instead of 'str'; use codecs.decode() to decode to arbitrary types",
        made.type_of().name()
    );
    Err(vm.type_error(message))
}

// ---- error handlers ----

/// `codecs.register_error(name, handler)`
pub fn register_error(vm: &mut Vm, name: &str, handler: &Value) -> Py<()> {
    if !vm.is_callable(handler) {
        return Err(vm.type_error("handler must be callable"));
    }
    let own = registry(vm);
    let old = own
        .errors
        .borrow_mut()
        .insert(name.to_owned(), handler.clone());
    drop(old);
    Ok(())
}

/// `codecs._unregister_error(name)`: was there such a handler?
pub fn unregister_error(vm: &mut Vm, name: &str) -> Py<bool> {
    if Standard::named(name).is_some() {
        let message = format!("cannot un-register built-in error handler '{name}'");
        return Err(vm.value_error(message));
    }
    let gone = registry(vm).errors.borrow_mut().remove(name);
    Ok(gone.is_some())
}

/// `codecs.lookup_error(name)`
pub fn lookup_error(vm: &mut Vm, name: &str) -> Py {
    let own = registry(vm);
    if let Some(handler) = own.errors.borrow().get(name) {
        return Ok(handler.clone());
    }
    let Some(at) = Standard::ALL.iter().position(|(own, _)| *own == name) else {
        return Err(vm.raise(
            &LOOKUP_ERROR,
            format!("unknown error handler name '{name}'"),
        ));
    };
    let function = taipan_core::descriptor::new_native_function(&HANDLERS[at], None, None);
    own.errors
        .borrow_mut()
        .insert(name.to_owned(), function.clone());
    Ok(function)
}

macro_rules! handlers {
    ($($name:literal $handler:ident $doc:literal,)*) => {
        /// In the order of [`Standard::ALL`].
        static HANDLERS: [MethodDef; 8] = [
            $(f1($name, |vm, _, exception| call_standard(vm, Standard::$handler, exception), $doc)),*
        ];
    };
}

handlers! {
    "strict_errors(exc, /)" Strict "Error handler 'strict': raises the exception.",
    "ignore_errors(exc, /)" Ignore "Error handler 'ignore': leaves malformed data out.",
    "replace_errors(exc, /)" Replace "Error handler 'replace': puts a replacement mark in.",
    "xmlcharrefreplace_errors(exc, /)" XmlCharRefReplace "Error handler 'xmlcharrefreplace': writes XML character references.",
    "backslashreplace_errors(exc, /)" BackslashReplace "Error handler 'backslashreplace': writes backslash escapes.",
    "namereplace_errors(exc, /)" NameReplace "Error handler 'namereplace': writes \\N{...} escapes.",
    "surrogateescape(exc, /)" SurrogateEscape "Error handler 'surrogateescape': carries bytes as lone surrogates.",
    "surrogatepass(exc, /)" SurrogatePass "Error handler 'surrogatepass': lets surrogates through.",
}
