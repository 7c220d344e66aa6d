//! From the tree to code objects: symbol tables, lowering, flow graph, local improvements, assembly.

#![forbid(unsafe_code)]

mod assemble;
mod context;
mod flowgraph;
mod fold;
mod future;
mod lower;
mod peephole;
pub mod scopes;
mod unparse;

use std::sync::Arc;

use taipan_bytecode::{Code, CodeFlags};
use taipan_syntax::ast::Mod;
use taipan_syntax::{LineIndex, Parsed, SyntaxError, SyntaxWarning};

pub use context::{Places, Source};
pub use taipan_syntax::Mode;

/// How to compile.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What kind of source it is.
    pub mode: Mode,
    /// `__future__` features that are on from the start.
    pub future: CodeFlags,
    /// 0; 1 drops assertions and clears `__debug__`; 2 drops docstrings too.
    pub optimize: u8,
    /// `await` may stand outside functions (`PyCF_ALLOW_TOP_LEVEL_AWAIT`).
    pub top_level_await: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            mode: Mode::Exec,
            future: CodeFlags::empty(),
            optimize: 0,
            top_level_await: false,
        }
    }
}

/// Code, and the warnings to be issued before it is used, in the order of the source.
#[derive(Debug)]
pub struct Compiled {
    /// The code of the module, expression or interactive statement.
    pub code: Code,
    /// `SyntaxWarning`s, those of the parser first.
    pub warnings: Vec<SyntaxWarning>,
}

/// Compiles an accepted source.
pub fn compile(
    parsed: &Parsed,
    filename: &str,
    options: &Options,
) -> Result<Compiled, SyntaxError> {
    let source = Source {
        text: parsed.source(),
        places: Places::Text(parsed.lines()),
    };
    let mut compiled = compile_tree(parsed.tree(), source, filename, options)?;
    let mut warnings = parsed.warnings().to_vec();
    warnings.append(&mut compiled.warnings);
    compiled.warnings = warnings;
    Ok(compiled)
}

/// Compiles a tree that a program may have made.
pub fn compile_tree(
    tree: &Mod,
    source: Source<'_>,
    filename: &str,
    options: &Options,
) -> Result<Compiled, SyntaxError> {
    let context = context::Context {
        source,
        top_level_await: options.top_level_await,
        not_constant: fold::NotConstant::default(),
    };
    let mut interner = context::Interner::default();
    let mut warnings = context::Warnings::default();
    let code = passes(
        tree,
        &context,
        filename,
        options,
        &mut interner,
        &mut warnings,
    );
    match code {
        Ok(code) => Ok(Compiled {
            code,
            warnings: warnings.into_list(),
        }),
        Err(failure) => Err(failure.locate(&source)),
    }
}

fn passes(
    tree: &Mod,
    context: &context::Context<'_>,
    filename: &str,
    options: &Options,
    interner: &mut context::Interner,
    warnings: &mut context::Warnings,
) -> Result<Code, context::Failure> {
    let future = options.future | future::features(tree)?;
    let annotations = future.contains(CodeFlags::FUTURE_ANNOTATIONS);
    let table = scopes::SymbolTable::build(tree, context, interner, annotations)?;
    let compiler = lower::Compiler {
        context,
        table: &table,
        interner,
        warnings,
        filename: Arc::from(filename),
        future,
        optimize: options.optimize,
        mode: options.mode,
        units: Vec::new(),
    };
    compiler.run(tree)
}

/// Builds the symbol tables alone.
pub fn symbol_table(
    parsed: &Parsed,
    options: &Options,
) -> Result<scopes::SymbolTable, SyntaxError> {
    let lines: &LineIndex = parsed.lines();
    let source = Source {
        text: parsed.source(),
        places: Places::Text(lines),
    };
    let context = context::Context {
        source,
        top_level_await: options.top_level_await,
        not_constant: fold::NotConstant::default(),
    };
    let build = || {
        let future = options.future | future::features(parsed.tree())?;
        let annotations = future.contains(CodeFlags::FUTURE_ANNOTATIONS);
        scopes::SymbolTable::build(
            parsed.tree(),
            &context,
            &mut context::Interner::default(),
            annotations,
        )
    };
    build().map_err(|failure: context::Failure| failure.locate(&source))
}
