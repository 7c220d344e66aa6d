//! `compile`, `eval`, `exec`: from source text to code, and running code in a given namespace.

use crate::audit::audit;
use crate::{config, warnings};
use std::sync::Arc;
use taipan_bytecode::code::CodeFlags;
use taipan_compiler::{Mode, Options};
use taipan_core::builtin_types as types;
use taipan_core::dict_object::dict_of;
use taipan_core::latch::LatchCell;
use taipan_core::str_object::{new_str, str_of};
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{Bound, Py, Raised, TypeObject, Value, Vm, name};
use taipan_interp::code_object::CodeObject;
use taipan_interp::function::Cell;
use taipan_interp::ops::build::{builtins_of, make_function};
use taipan_interp::{call, scope};
use taipan_syntax::{Decoded, ErrorKind, SyntaxError, SyntaxWarning};
use taipan_types::bytes::{bytearray_copy, bytes_of};

/// Bits of `compile`'s `flags` besides those of `__future__`.
mod flag {
    pub const SOURCE_IS_UTF8: i64 = 0x100;
    pub const DONT_IMPLY_DEDENT: i64 = 0x200;
    pub const ONLY_AST: i64 = 0x400;
    pub const IGNORE_COOKIE: i64 = 0x800;
    pub const TYPE_COMMENTS: i64 = 0x1000;
    pub const TOP_LEVEL_AWAIT: i64 = 0x2000;
    pub const ALLOW_INCOMPLETE_INPUT: i64 = 0x4000;
    pub const ALL: i64 = SOURCE_IS_UTF8
        | DONT_IMPLY_DEDENT
        | ONLY_AST
        | IGNORE_COOKIE
        | TYPE_COMMENTS
        | TOP_LEVEL_AWAIT
        | ALLOW_INCOMPLETE_INPUT
        | 0x8000;
}

/// How a text is to be compiled.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    pub options: Options,
    pub allow_incomplete: bool,
    pub dont_imply_dedent: bool,
}

impl Request {
    /// With the optimisation level of the command line.
    pub fn new(vm: &Vm, mode: Mode) -> Request {
        Request {
            options: Options {
                mode,
                future: CodeFlags::empty(),
                optimize: config::read(vm, |config| config.flags.optimize),
                top_level_await: false,
            },
            allow_incomplete: false,
            dont_imply_dedent: false,
        }
    }
}

// ---- text ----

/// The text of a source given as `str`, `bytes` or anything with a buffer; `None` for other objects.
pub(crate) fn source_text(vm: &mut Vm, source: &Value, filename: &Value) -> Py<Option<String>> {
    if str_of(source).is_some() {
        let encoded = taipan_types::codec::encode_str(vm, source, Some("utf-8"), None)?;
        let bytes = bytes_of(&encoded).unwrap_or(&[]).to_vec();
        return match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(vm.value_error("source is no valid text")),
        };
    }
    let bytes = if let Some(bytes) = bytes_of(source) {
        bytes.to_vec()
    } else if let Some(bytes) = bytearray_copy(vm, source) {
        bytes
    } else if source.type_of().slots().buffer.is_some() {
        let copy = vm.call(&types::BYTES.to_value(), std::slice::from_ref(source))?;
        bytes_of(&copy).unwrap_or(&[]).to_vec()
    } else {
        return Ok(None);
    };
    decode_source(vm, &bytes, filename, None).map(Some)
}

/// Decodes the bytes of a source, with a codec of the library if its cookie names one. `file` is its name if it is a script.
pub fn decode_source(
    vm: &mut Vm,
    bytes: &[u8],
    filename: &Value,
    file: Option<&str>,
) -> Py<String> {
    let encoding = match taipan_syntax::decode_source(bytes, file) {
        Ok(Decoded::Text(text)) => return Ok(text),
        Ok(Decoded::NeedsCodec(encoding)) => encoding,
        Err(error) => return Err(raise_syntax_error(vm, &error, filename)),
    };
    match taipan_types::codec::decode(vm, bytes, Some(&encoding), None) {
        Ok(text) => Ok(str_of(&text)
            .map(|text| text.to_lossy())
            .unwrap_or_default()),
        Err(raised) => {
            let error = if vm.pending_is(&types::LOOKUP_ERROR) {
                let _ = vm.take_raised(raised);
                taipan_syntax::source::unknown_encoding(&encoding)
            } else {
                let error = vm.catch(raised, &types::UNICODE_ERROR)?;
                let message = vm.str_string(&error)?;
                taipan_syntax::source::decoding_failed(&message)
            };
            Err(raise_syntax_error(vm, &error, filename))
        }
    }
}

fn class_of(kind: ErrorKind) -> &'static TypeObject {
    match kind {
        ErrorKind::Syntax => &types::SYNTAX_ERROR,
        ErrorKind::Indentation => &types::INDENTATION_ERROR,
        ErrorKind::Tab => &types::TAB_ERROR,
        ErrorKind::IncompleteInput => &types::INCOMPLETE_INPUT_ERROR,
        ErrorKind::TooComplex => &types::MEMORY_ERROR,
        ErrorKind::Recursion => &types::RECURSION_ERROR,
    }
}

/// Raises the Python exception of a refused source.
#[cold]
pub fn raise_syntax_error(vm: &mut Vm, error: &SyntaxError, filename: &Value) -> Raised {
    let class = class_of(error.kind);
    let message = new_str(&error.message);
    let bare = error.lineno == 0 && error.col_offset == 0 && error.text.is_none();
    if bare || !class.is_subtype(&types::SYNTAX_ERROR) {
        return vm.raise_with(class, &[message]);
    }
    let place = new_tuple([
        filename.clone(),
        Value::int(error.lineno.into()),
        Value::int(error.col_offset.into()),
        error.text.as_deref().map_or_else(Value::none, new_str),
        Value::int(error.end_lineno.into()),
        Value::int(error.end_offset.into()),
    ]);
    vm.raise_with(class, &[message, place])
}

/// Compiles a text to a code object; warnings are issued before it is used.
pub fn compile_text(vm: &mut Vm, text: &str, filename: &Value, request: &Request) -> Py {
    let shown = str_of(filename)
        .map(|text| text.to_lossy())
        .unwrap_or_default();
    compile_text_as(vm, text, &shown, filename, request)
}

/// Compiles a text to a code object whose file name is not that of errors and warnings.
pub fn compile_text_as(
    vm: &mut Vm,
    text: &str,
    code_file: &str,
    filename: &Value,
    request: &Request,
) -> Py {
    let parse = taipan_syntax::Options {
        allow_incomplete: request.allow_incomplete,
        dont_imply_dedent: request.dont_imply_dedent,
    };
    let mode = request.options.mode;
    let parsed = match taipan_syntax::parse(text, mode, &parse) {
        Ok(parsed) => parsed,
        Err(error) => {
            for warning in taipan_syntax::refused_warnings(text, mode, &error) {
                issue(vm, &warning, text, filename)?;
            }
            return Err(raise_syntax_error(vm, &error, filename));
        }
    };
    let compiled = taipan_compiler::compile(&parsed, code_file, &request.options);
    if compiled.is_err() {
        for warning in parsed.warnings() {
            issue(vm, warning, text, filename)?;
        }
    }
    finish(vm, compiled, text, filename)
}

/// Issues the warnings of a compilation and makes the code object, or raises its error.
pub(crate) fn finish(
    vm: &mut Vm,
    compiled: Result<taipan_compiler::Compiled, SyntaxError>,
    text: &str,
    filename: &Value,
) -> Py {
    let compiled = match compiled {
        Ok(compiled) => compiled,
        Err(error) => return Err(raise_syntax_error(vm, &error, filename)),
    };
    for warning in &compiled.warnings {
        issue(vm, warning, text, filename)?;
    }
    if cfg!(debug_assertions)
        && let Err(error) = taipan_bytecode::verify::verify(&compiled.code)
    {
        // The loop relies on what the verifier checks; a fault of the compiler is an error here, and wild in a release.
        return Err(vm.system_error(format!("compiled code is refused: {error}")));
    }
    let lines_only = config::read(vm, |config| config.imports.no_debug_ranges);
    let code = if lines_only {
        compiled.code.without_columns()
    } else {
        compiled.code
    };
    Ok(CodeObject::create(&Arc::new(code)))
}

/// Issues a `SyntaxWarning`; one that the filters make an error becomes a `SyntaxError` with the place.
pub(crate) fn issue(vm: &mut Vm, warning: &SyntaxWarning, text: &str, filename: &Value) -> Py<()> {
    let message = new_str(&warning.message);
    let issued = warnings::warn_explicit(
        vm,
        &types::SYNTAX_WARNING,
        &message,
        filename,
        warning.lineno,
    );
    let Err(raised) = issued else { return Ok(()) };
    vm.catch(raised, &types::SYNTAX_WARNING)?;
    let start = (warning.start as usize).min(text.len());
    let end = (warning.end as usize).clamp(start, text.len());
    let column = |at: usize| {
        let before = text.get(..at).unwrap_or("");
        let line = before.rsplit('\n').next().unwrap_or("");
        line.chars().count() as i32 + 1
    };
    let line = text
        .lines()
        .nth((warning.lineno as usize).saturating_sub(1));
    let error = SyntaxError {
        kind: ErrorKind::Syntax,
        // An error has no future.
        message: warning
            .message
            .replace(" Such sequences will not work in the future.", ""),
        lineno: warning.lineno,
        col_offset: column(start),
        end_lineno: warning.lineno
            + text.get(start..end).unwrap_or("").matches('\n').count() as u32,
        end_offset: column(end),
        text: line.map(|line| format!("{line}\n")),
    };
    Err(raise_syntax_error(vm, &error, filename))
}

// ---- compile ----

/// A file name given as `str`, `bytes` or path object, as a `str`.
pub(crate) fn file_name(vm: &mut Vm, path: &Value) -> Py {
    let path = crate::path::fspath(vm, path)?;
    let path = match bytes_of(&path) {
        Some(bytes) => crate::path::decode(vm, bytes)?,
        None => path,
    };
    if str_of(&path).is_some_and(|text| text.code_points().any(|c| c == 0)) {
        return Err(vm.value_error("embedded null character"));
    }
    Ok(path)
}

/// The `__future__` features of the calling code.
fn inherited(vm: &Vm) -> CodeFlags {
    scope::flags(vm).unwrap_or_default() & CodeFlags::FUTURE
}

fn mode_of(vm: &mut Vm, mode: &Value, flags: i64) -> Py<Mode> {
    let Some(text) = str_of(mode) else {
        let message = format!(
            "compile() argument 'mode' must be str, not {}",
            mode.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let only_ast = flags & flag::ONLY_AST != 0;
    let message = match text.ascii().unwrap_or("") {
        "exec" => return Ok(Mode::Exec),
        "eval" => return Ok(Mode::Eval),
        "single" => return Ok(Mode::Single),
        "func_type" if !only_ast => "compile() mode 'func_type' requires flag PyCF_ONLY_AST",
        _ if only_ast => "compile() mode must be 'exec', 'eval', 'single' or 'func_type'",
        _ => "compile() mode must be 'exec', 'eval' or 'single'",
    };
    Err(vm.value_error(message))
}

pub(super) fn compile(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let source = args.req(0);
    let filename = file_name(vm, args.req(1))?;
    let flags = match args.get(3) {
        Some(flags) => vm.index_i64(flags)?,
        None => 0,
    };
    let dont_inherit = match args.get(4) {
        Some(flag) => vm.truth(flag)?,
        None => false,
    };
    let optimize = match args.get(5) {
        Some(level) => vm.index_i64(level)?,
        None => -1,
    };
    // CO_NESTED was a feature of old.
    if flags & !(flag::ALL | i64::from((CodeFlags::FUTURE | CodeFlags::NESTED).bits())) != 0 {
        return Err(vm.value_error("compile(): unrecognised flags"));
    }
    if !(-1..=2).contains(&optimize) {
        return Err(vm.value_error("compile(): invalid optimize value"));
    }
    let mode = mode_of(vm, args.req(2), flags)?;
    audit(vm, "compile", || vec![source.clone(), filename.clone()])?;
    let mut request = Request::new(vm, mode);
    if let Ok(level) = u8::try_from(optimize) {
        request.options.optimize = level;
    }
    request.options.future = CodeFlags::from_bits_truncate(flags as u32) & CodeFlags::FUTURE;
    if !dont_inherit {
        request.options.future |= inherited(vm);
    }
    request.options.top_level_await = flags & flag::TOP_LEVEL_AWAIT != 0;
    request.allow_incomplete = flags & flag::ALLOW_INCOMPLETE_INPUT != 0;
    request.dont_imply_dedent = flags & flag::DONT_IMPLY_DEDENT != 0;
    if let Some(hook) = ast_hook(vm) {
        let ast = AstRequest {
            only_ast: flags & flag::ONLY_AST != 0,
            optimize_ast: flags & 0x8000 != 0,
            type_comments: flags & flag::TYPE_COMMENTS != 0,
            request,
        };
        if let Some(done) = hook(vm, source, &filename, &ast)? {
            return Ok(done);
        }
    } else if flags & flag::ONLY_AST != 0 {
        return Err(vm.value_error("compile(): unrecognised flags"));
    }
    match source_text(vm, source, &filename)? {
        Some(text) => compile_text(vm, &text, &filename, &request),
        None => Err(vm.type_error("compile() arg 1 must be a string, bytes or AST object")),
    }
}

// ---- syntax trees ----

/// What `compile` is asked for when trees are involved.
#[derive(Clone, Copy, Debug)]
pub struct AstRequest {
    /// `PyCF_ONLY_AST`: the result is a tree.
    pub only_ast: bool,
    pub optimize_ast: bool,
    pub type_comments: bool,
    pub request: Request,
}

/// Compiles a tree, or makes one from source; `None` if neither is asked for.
pub type AstHook = fn(&mut Vm, &Value, &Value, &AstRequest) -> Py<Option<Value>>;

#[derive(Default)]
struct AstState(LatchCell<Option<AstHook>>);

/// Installs what module `_ast` does for `compile`.
pub fn set_ast_hook(vm: &Vm, hook: AstHook) {
    vm.interpreter_state::<AstState>().0.set(Some(hook));
}

fn ast_hook(vm: &Vm) -> Option<AstHook> {
    vm.interpreter_state::<AstState>().0.get()
}

// ---- eval and exec ----

fn is_mapping(value: &Value) -> bool {
    let slots = value.type_of().slots();
    slots.get_item.is_some()
        && !value.is_instance(&types::LIST)
        && !value.is_instance(&types::TUPLE)
        && str_of(value).is_none()
}

/// Puts `__builtins__` into the globals, unless they have it.
fn ensure_builtins(vm: &mut Vm, globals: &Value) {
    let Some(dict) = dict_of(globals) else { return };
    if dict.contains_name(name!("__builtins__")) {
        return;
    }
    let builtins = scope::builtins(vm).or_else(|| vm.interpreter().builtins.get());
    if let Some(builtins) = builtins {
        drop(dict.set_name(name!("__builtins__"), builtins));
    }
}

/// Runs code with a namespace, as `exec` and `eval` do.
pub fn run_code(
    vm: &mut Vm,
    code: &Value,
    globals: &Value,
    locals: &Value,
    closure: Option<Value>,
) -> Py {
    audit(vm, "exec", || vec![code.clone()])?;
    ensure_builtins(vm, globals);
    let builtins = builtins_of(vm, globals)?;
    let optimized = code
        .expect::<CodeObject>()
        .flags()
        .contains(CodeFlags::OPTIMIZED);
    let function = make_function(code.clone(), globals.clone(), builtins, closure);
    if optimized {
        return vm.call(&function, &[]);
    }
    call::run_with_locals(vm, &function, locals.clone())
}

/// The globals and locals to run in, given or the caller's.
fn namespaces(
    vm: &mut Vm,
    globals: Option<&Value>,
    locals: Option<&Value>,
    without_frame: fn(&mut Vm) -> Raised,
) -> Py<(Value, Value)> {
    match (globals, locals) {
        (Some(globals), Some(locals)) => Ok((globals.clone(), locals.clone())),
        (Some(globals), None) => Ok((globals.clone(), globals.clone())),
        (None, locals) => {
            let Some(globals) = scope::globals(vm) else {
                return Err(without_frame(vm));
            };
            let locals = match locals {
                Some(locals) => locals.clone(),
                None => scope::locals(vm)?.unwrap_or_else(|| globals.clone()),
            };
            Ok((globals, locals))
        }
    }
}

pub(super) fn eval(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let source = args.req(0);
    let (globals, locals) = (args.get_not_none(1), args.get_not_none(2));
    if locals.is_some_and(|locals| !is_mapping(locals)) {
        return Err(vm.type_error("locals must be a mapping"));
    }
    if let Some(globals) = globals
        && dict_of(globals).is_none()
    {
        return Err(vm.type_error(if is_mapping(globals) {
            "globals must be a real dict; try eval(code, {}, mapping)"
        } else {
            "globals must be a dict"
        }));
    }
    let (globals, locals) = namespaces(vm, globals, locals, |vm| {
        vm.type_error("eval must be given globals and locals when called without a frame")
    })?;
    if let Some(code) = source.cast::<CodeObject>() {
        if !code.code.freevars.is_empty() {
            return Err(
                vm.type_error("code object passed to eval() may not contain free variables")
            );
        }
        return run_code(vm, source, &globals, &locals, None);
    }
    let filename = new_str("<string>");
    let Some(text) = source_text(vm, source, &filename)? else {
        return Err(vm.type_error("eval() arg 1 must be a string, bytes or code object"));
    };
    let mut request = Request::new(vm, Mode::Eval);
    request.options.future = inherited(vm);
    let text = text.trim_start_matches([' ', '\t']);
    let code = compile_text(vm, text, &filename, &request)?;
    run_code(vm, &code, &globals, &locals, None)
}

pub(super) fn exec(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let source = args.req(0);
    let (globals, locals) = (args.get_not_none(1), args.get_not_none(2));
    let closure = args.get_not_none(3);
    if let Some(globals) = globals
        && dict_of(globals).is_none()
    {
        let message = format!(
            "exec() globals must be a dict, not {}",
            globals.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    if let Some(locals) = locals
        && !is_mapping(locals)
    {
        let message = format!(
            "locals must be a mapping or None, not {}",
            locals.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let (globals, locals) = namespaces(vm, globals, locals, |vm| {
        vm.system_error("globals and locals cannot be NULL")
    })?;
    if let Some(code) = source.cast::<CodeObject>() {
        let closure = checked_closure(vm, code.code.freevars.len(), closure)?;
        run_code(vm, source, &globals, &locals, closure)?;
        return Ok(Value::none());
    }
    if closure.is_some() {
        return Err(vm.type_error("closure can only be used when source is a code object"));
    }
    let filename = new_str("<string>");
    let Some(text) = source_text(vm, source, &filename)? else {
        return Err(vm.type_error("exec() arg 1 must be a string, bytes or code object"));
    };
    let mut request = Request::new(vm, Mode::Exec);
    request.options.future = inherited(vm);
    let code = compile_text(vm, &text, &filename, &request)?;
    run_code(vm, &code, &globals, &locals, None)?;
    Ok(Value::none())
}

/// The cells for the free variables of a code object.
fn checked_closure(vm: &mut Vm, free: usize, closure: Option<&Value>) -> Py<Option<Value>> {
    if free == 0 {
        return match closure {
            None => Ok(None),
            Some(_) => Err(vm.type_error("cannot use a closure with this code object")),
        };
    }
    let fits = closure.is_some_and(|closure| {
        closure.is_exact(&types::TUPLE)
            && items(closure).is_some_and(|cells| {
                cells.len() == free && cells.iter().all(|cell| cell.cast::<Cell>().is_some())
            })
    });
    if fits {
        return Ok(closure.cloned());
    }
    Err(vm.type_error(format!(
        "code object requires a closure of exactly length {free}"
    )))
}
