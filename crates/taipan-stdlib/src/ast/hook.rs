//! What `compile` does when trees are asked for or given.

use super::{node, to_python};
use crate::builtins::source::{AstRequest, raise_syntax_error, source_text};
use taipan_compiler::Mode;
use taipan_core::{Py, Value, Vm};

/// Makes a tree of source text; `None` if no tree is involved.
pub(super) fn hook(
    vm: &mut Vm,
    source: &Value,
    filename: &Value,
    request: &AstRequest,
) -> Py<Option<Value>> {
    if source.is_instance(&node::AST) {
        return Ok(None);
    }
    if !request.only_ast {
        return Ok(None);
    }
    let Some(text) = source_text(vm, source, filename)? else {
        return Ok(None);
    };
    let options = taipan_syntax::Options {
        allow_incomplete: request.request.allow_incomplete,
        dont_imply_dedent: request.request.dont_imply_dedent,
    };
    let mode = request.request.options.mode;
    let parsed = match taipan_syntax::parse(&text, mode, &options) {
        Ok(parsed) => parsed,
        Err(error) => return Err(raise_syntax_error(vm, &error, filename)),
    };
    to_python::tree(vm, &parsed, mode == Mode::Single).map(Some)
}
