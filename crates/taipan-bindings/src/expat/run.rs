//! Driving the parser: events to handlers, until all that came was looked at.

use super::convert::Action;
use super::handlers::Handler;
use super::{error, own};
use taipan_core::str_object::{new_str, str_of};
use taipan_core::{Py, Raised, Value, Vm};
use taipan_types::codec;
use taipan_xml::ErrorCode;

/// Gives the collected text to its handler.
pub fn flush(vm: &mut Vm, this: &Value) -> Py<()> {
    let text = {
        let mut state = own(this).lock(vm);
        if state.buffer.is_empty() {
            return Ok(());
        }
        let text = new_str(&state.buffer);
        state.buffer.clear();
        text
    };
    call_text(vm, this, text)
}

fn call_text(vm: &mut Vm, this: &Value, text: Value) -> Py<()> {
    let function = own(this).lock(vm).handler(Handler::CharacterData).cloned();
    match function {
        Some(function) => call(vm, this, &function, &[text]).map(drop),
        None => Ok(()),
    }
}

fn call(vm: &mut Vm, this: &Value, function: &Value, args: &[Value]) -> Py {
    let outer = std::mem::replace(&mut own(this).lock(vm).in_callback, true);
    let result = vm.call(function, args);
    own(this).lock(vm).in_callback = outer;
    result
}

/// Looks at all that was fed.
pub fn drain(vm: &mut Vm, this: &Value) -> Py<Result<(), ErrorCode>> {
    let object = own(this);
    loop {
        let action = object.lock(vm).next_action(object);
        let done = match action {
            Action::Done => return Ok(Ok(())),
            Action::Failed(code) => return Ok(Err(code)),
            Action::Again => Ok(()),
            Action::Call(handler, args) => call_handler(vm, this, handler, &args),
            Action::Text(text) => call_text(vm, this, text),
            Action::Flush(rest) => flush_full(vm, this, rest),
            Action::UnknownEncoding(name) => unknown_encoding(vm, this, &name),
            Action::TooDeep => Err(vm.raise(
                &taipan_core::builtin_types::RECURSION_ERROR,
                "maximum recursion depth exceeded in conv_content_model",
            )),
        };
        let done = done.and_then(|()| vm.safepoint());
        if let Err(raised) = done {
            return Err(stop(vm, this, raised));
        }
    }
}

/// An exception ends the parse: no handler is called any more.
fn stop(vm: &mut Vm, this: &Value, raised: Raised) -> Raised {
    let exception = vm.take_raised(raised);
    let old = {
        let mut state = own(this).lock(vm);
        state.parser.abort();
        state.buffer.clear();
        if state.error == 0 {
            state.error = ErrorCode::Aborted as i64;
        }
        state.clear_handlers()
    };
    drop(old);
    vm.set_pending(exception)
}

fn call_handler(vm: &mut Vm, this: &Value, handler: Handler, args: &[Value]) -> Py<()> {
    flush(vm, this)?;
    // The handler may be another one after that, or none.
    let function = own(this).lock(vm).handler(handler).cloned();
    let Some(function) = function else {
        return Ok(());
    };
    let result = call(vm, this, &function, args)?;
    if matches!(handler, Handler::NotStandalone | Handler::ExternalEntityRef) {
        let good = vm.index_i64(&result)? != 0;
        own(this).lock(vm).parser.answer(good);
    }
    Ok(())
}

/// There is more text than is to be collected.
fn flush_full(vm: &mut Vm, this: &Value, rest: Option<String>) -> Py<()> {
    flush(vm, this)?;
    let Some(rest) = rest else {
        return Ok(());
    };
    {
        let mut state = own(this).lock(vm);
        if state.handler(Handler::CharacterData).is_none() {
            return Ok(());
        }
        if state.buffer_text && rest.len() <= state.buffer_size {
            state.buffer.push_str(&rest);
            return Ok(());
        }
    }
    call_text(vm, this, new_str(&rest))
}

/// The characters of an encoding with one byte for each, asked from Python's codecs.
pub fn encoding_table(vm: &mut Vm, name: &str) -> Py<Box<[Option<char>; 256]>> {
    let bytes: Vec<u8> = (0..=255).collect();
    let decoded = codec::decode(vm, &bytes, Some(name), Some("replace"))?;
    let text = str_of(&decoded);
    let Some(text) = text.filter(|text| text.len() == 256) else {
        return Err(vm.value_error("multi-byte encodings are not supported"));
    };
    let mut table = Box::new([None; 256]);
    for (entry, c) in table.iter_mut().zip(text.code_points()) {
        *entry = char::from_u32(c).filter(|c| *c != '\u{FFFD}');
    }
    Ok(table)
}

fn unknown_encoding(vm: &mut Vm, this: &Value, name: &str) -> Py<()> {
    match encoding_table(vm, name) {
        Ok(table) => {
            own(this).lock(vm).parser.set_encoding_table(table);
            Ok(())
        }
        Err(raised) => {
            own(this).lock(vm).error = ErrorCode::UnknownEncoding as i64;
            Err(raised)
        }
    }
}

/// Bytes that are taken at a time.
const CHUNK: usize = 1 << 20;

/// Takes in data and looks at it.
pub fn parse(vm: &mut Vm, this: &Value, data: &[u8], last: bool) -> Py<Result<(), ErrorCode>> {
    let mut rest = data;
    loop {
        let (chunk, more) = rest.split_at(rest.len().min(CHUNK));
        rest = more;
        let fed = own(this)
            .lock(vm)
            .parser
            .feed(chunk, last && rest.is_empty());
        if let Err(code) = fed {
            return Ok(Err(code));
        }
        if let Err(code) = drain(vm, this)? {
            return Ok(Err(code));
        }
        if rest.is_empty() {
            return Ok(Ok(()));
        }
    }
}

/// Runs `work` as the one that parses.
pub fn alone(
    vm: &mut Vm,
    this: &Value,
    function: &str,
    work: impl FnOnce(&mut Vm) -> Py<Result<(), ErrorCode>>,
) -> Py {
    let busy = std::mem::replace(&mut own(this).lock(vm).busy, true);
    if busy {
        let message = format!("cannot call {function}() from within a handler");
        return Err(vm.runtime_error(message));
    }
    let result = work(vm);
    own(this).lock(vm).busy = false;
    match result? {
        Ok(()) => {
            flush(vm, this)?;
            Ok(Value::int(1))
        }
        Err(code) => {
            own(this).lock(vm).error = code as i64;
            Err(error::raise(vm, this, code))
        }
    }
}
