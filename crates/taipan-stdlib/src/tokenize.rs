//! `_tokenize`: tokens of source text for the module `tokenize`.

use crate::ModuleDef;
use crate::builtins::source::raise_syntax_error;
use crate::support::{add_type, native_type, signature};
use std::collections::VecDeque;
use taipan_core::alloc::new_instance;
use taipan_core::bind::bind;
use taipan_core::builtin_types as types;
use taipan_core::lock::Locked;
use taipan_core::str_object::{new_str, str_of};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Args, Layout, MethodDef, Py, Slots, TypeObject, TypeSpec, Value, Vm};
use taipan_syntax::tokenize::{NO_COLUMN, TokenSource};
use taipan_syntax::{ErrorKind, SyntaxError};
use taipan_types::bytes::bytes_of;

/// `_tokenize`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_tokenize",
    doc: "",
    functions: &[],
    init,
};

native_type! {
    /// Payload of the iterator. Lines are read when the first token is asked for.
    TOKENIZER_ITER "_tokenize.TokenizerIter" TokenizerIter {
        readline: Value,
        encoding: Option<Value>,
        extra: bool,
    }
    TokenizerState {
        tokens: VecDeque<Value>,
        error: Failure,
        loaded: bool,
    }
}

/// The error that ends the tokens, if one does.
struct Failure(Option<SyntaxError>);

impl crate::support::Holds for Failure {}

static SPEC: TypeSpec = TypeSpec {
    name: "_tokenize.TokenizerIter",
    layout: Some(const { &Layout::of::<TokenizerIter>() }),
    slots: Slots {
        new: Some(new),
        iter: Some(|_, this| Ok(this.clone())),
        next: Some(next),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};
static NEW: MethodDef = signature("tokenizeriter(readline, /, *, extra_tokens, encoding=None)");

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    TOKENIZER_ITER.define(&SPEC);
    add_type(dict, &TOKENIZER_ITER);
    Ok(())
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = bind(vm, &NEW, args)?;
    let extra = vm.truth(args.req(1))?;
    Ok(new_instance(
        cls,
        TokenizerIter {
            readline: args.req(0).clone(),
            encoding: args.get_not_none(2).cloned(),
            extra,
            state: Locked::new(TokenizerState {
                tokens: VecDeque::new(),
                error: Failure(None),
                loaded: false,
            }),
        },
    ))
}

/// The next line of the source as text; `None` at its end.
fn read_line(vm: &mut Vm, readline: &Value, encoding: Option<&Value>) -> Py<Option<String>> {
    let line = match vm.call(readline, &[]) {
        Ok(line) => line,
        Err(raised) => {
            vm.catch(raised, &types::STOP_ITERATION)?;
            return Ok(None);
        }
    };
    let line = match encoding {
        Some(encoding) => {
            if bytes_of(&line).is_none() {
                return Err(vm.type_error("readline() returned a non-bytes object"));
            }
            let arguments = [encoding.clone(), new_str("replace")];
            vm.call_method(&line, taipan_core::name!("decode"), &arguments)?
        }
        None => line,
    };
    match str_of(&line) {
        Some(text) if text.is_empty() => Ok(None),
        Some(text) => Ok(Some(text.to_lossy())),
        None => Err(vm.type_error("readline() returned a non-string object")),
    }
}

/// Reads the whole source and finds its tokens.
fn load(vm: &mut Vm, this: &Value) -> Py<()> {
    let iterator = this.expect::<TokenizerIter>();
    let mut text = String::new();
    while let Some(line) = read_line(vm, &iterator.readline, iterator.encoding.as_ref())? {
        text.push_str(&line);
    }
    let source = TokenSource::new(&text);
    let mut tokens = VecDeque::new();
    let mut error = None;
    for token in source.tokens(iterator.extra) {
        match token {
            Ok(token) => {
                let place = |(line, column): (u32, u32)| {
                    let column = match column {
                        NO_COLUMN => -1,
                        column => i64::from(column),
                    };
                    new_tuple([Value::int(line.into()), Value::int(column)])
                };
                tokens.push_back(new_tuple([
                    Value::int(token.kind.into()),
                    new_str(&token.text),
                    place(token.start),
                    place(token.end),
                    new_str(source.lines(token.start.0, token.end.0)),
                ]));
            }
            Err(failure) => {
                error = Some(failure);
                break;
            }
        }
    }
    let mut state = iterator.lock(vm);
    if !state.loaded {
        state.loaded = true;
        state.tokens = tokens;
        state.error = Failure(error);
    }
    Ok(())
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let iterator = this.expect::<TokenizerIter>();
    if !iterator.lock(vm).loaded {
        load(vm, this)?;
    }
    let mut state = iterator.lock(vm);
    if let Some(token) = state.tokens.pop_front() {
        return Ok(Some(token));
    }
    let error = state.error.0.take();
    drop(state);
    match error {
        Some(mut error) => {
            if error.kind == ErrorKind::IncompleteInput {
                error.kind = ErrorKind::Syntax;
            }
            let filename = new_str("<string>");
            Err(raise_syntax_error(vm, &error, &filename))
        }
        None => Ok(None),
    }
}
