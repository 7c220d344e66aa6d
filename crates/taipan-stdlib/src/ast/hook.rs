//! What `compile` does when trees are asked for or given.

use super::{from_python, node, to_python};
use crate::builtins::source::{AstRequest, finish, raise_syntax_error, source_text};
use taipan_compiler::{Mode, Places, Source};
use taipan_core::{Py, Value, Vm};

/// Makes a tree of source text, or code of a tree; `None` if no tree is involved.
pub(super) fn hook(
    vm: &mut Vm,
    source: &Value,
    filename: &Value,
    request: &AstRequest,
) -> Py<Option<Value>> {
    if source.is_instance(&node::AST) {
        if request.only_ast {
            return Ok(Some(source.clone()));
        }
        return compile(vm, source, filename, request).map(Some);
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

/// Compiles a tree.
fn compile(vm: &mut Vm, source: &Value, filename: &Value, request: &AstRequest) -> Py {
    let tree = from_python::tree(vm, source)?;
    let options = request.request.options;
    let wanted = match options.mode {
        Mode::Exec => "Module",
        Mode::Eval => "Expression",
        Mode::Single => "Interactive",
    };
    if tree.kind != wanted {
        let message = format!("expected {wanted} node, got {}", tree.kind);
        return Err(vm.type_error(message));
    }
    let places = Source {
        text: "",
        places: Places::Table(&tree.places),
    };
    let shown = vm.str_string(filename)?;
    let compiled = taipan_compiler::compile_tree(&tree.root, places, &shown, &options);
    finish(vm, compiled, "", filename)
}
