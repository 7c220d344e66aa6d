//! `from __future__ import` statements.

use taipan_bytecode::CodeFlags;
use taipan_syntax::ast::{Expr, Mod, Stmt, StmtImportFrom};

use crate::context::Failure;

/// The features that a tree switches on.
pub(crate) fn features(tree: &Mod) -> Result<CodeFlags, Failure> {
    let Mod::Module(module) = tree else {
        return Ok(CodeFlags::empty());
    };
    let mut found = CodeFlags::empty();
    let mut done = false;
    for (i, stmt) in module.body.iter().enumerate() {
        match stmt {
            Stmt::ImportFrom(import) if is_future(import) => {
                if done {
                    let message = "from __future__ imports must occur at the beginning of the file";
                    return Err(Failure::new(message, import.range));
                }
                for alias in &import.names {
                    found |= feature(&alias.name, alias.range)?;
                }
            }
            Stmt::Expr(e) if i == 0 && matches!(&*e.value, Expr::StringLiteral(_)) => {}
            other => {
                done = true;
                misplaced(other)?;
            }
        }
    }
    Ok(found)
}

fn is_future(import: &StmtImportFrom) -> bool {
    import.level == 0
        && import
            .module
            .as_ref()
            .is_some_and(|module| module.as_str() == "__future__")
}

/// Refuses a future import inside another statement.
fn misplaced(stmt: &Stmt) -> Result<(), Failure> {
    let mut bodies: Vec<&[Stmt]> = Vec::new();
    let mut queue: Vec<&Stmt> = vec![stmt];
    while let Some(stmt) = queue.pop() {
        match stmt {
            Stmt::ImportFrom(import) if is_future(import) => {
                let message = "from __future__ imports must occur at the beginning of the file";
                return Err(Failure::new(message, import.range));
            }
            Stmt::FunctionDef(s) => bodies.push(&s.body),
            Stmt::ClassDef(s) => bodies.push(&s.body),
            Stmt::For(s) => bodies.extend([&s.body[..], &s.orelse]),
            Stmt::While(s) => bodies.extend([&s.body[..], &s.orelse]),
            Stmt::If(s) => {
                bodies.push(&s.body);
                bodies.extend(s.elif_else_clauses.iter().map(|clause| &clause.body[..]));
            }
            Stmt::With(s) => bodies.push(&s.body),
            Stmt::Match(s) => bodies.extend(s.cases.iter().map(|case| &case.body[..])),
            Stmt::Try(s) => {
                bodies.extend([&s.body[..], &s.orelse, &s.finalbody]);
                bodies.extend(
                    s.handlers
                        .iter()
                        .filter_map(|h| h.as_except_handler())
                        .map(|h| &h.body[..]),
                );
            }
            _ => {}
        }
        queue.extend(bodies.drain(..).flatten());
    }
    Ok(())
}

fn feature(name: &str, range: taipan_syntax::TextRange) -> Result<CodeFlags, Failure> {
    Ok(match name {
        "nested_scopes" | "generators" => CodeFlags::empty(),
        "division" => CodeFlags::FUTURE_DIVISION,
        "absolute_import" => CodeFlags::FUTURE_ABSOLUTE_IMPORT,
        "with_statement" => CodeFlags::FUTURE_WITH_STATEMENT,
        "print_function" => CodeFlags::FUTURE_PRINT_FUNCTION,
        "unicode_literals" => CodeFlags::FUTURE_UNICODE_LITERALS,
        "barry_as_FLUFL" => CodeFlags::FUTURE_BARRY_AS_BDFL,
        "generator_stop" => CodeFlags::FUTURE_GENERATOR_STOP,
        "annotations" => CodeFlags::FUTURE_ANNOTATIONS,
        "braces" => return Err(Failure::new("not a chance", range)),
        _ => {
            return Err(Failure::new(
                format!("future feature {name} is not defined"),
                range,
            ));
        }
    })
}
