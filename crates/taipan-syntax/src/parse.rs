//! Parsing: the tree, the checks on it, and the owner of both.

use std::borrow::Cow;
use std::sync::Arc;

use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_python_ast::{Expr, Mod, PythonVersion, StringFlags};
use ruff_python_parser as rp;
use ruff_text_size::{Ranged, TextRange};

use crate::depth::{self, Depth, MAX_PARSE_DEPTH, MAX_TREE_DEPTH};
use crate::detour;
use crate::diagnostics;
use crate::error::{ErrorKind, SyntaxError, SyntaxWarning};
use crate::lexer::{Kind, Lexer, MAX_BRACKETS, MAX_INDENTS, Token};
use crate::literal;
use crate::position::LineIndex;
use crate::source::null_byte_in_string;

/// What is expected of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A module (`exec`).
    Exec,
    /// One expression (`eval`).
    Eval,
    /// One interactive statement (`single`).
    Single,
}

/// How to read a source.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Report [`ErrorKind::IncompleteInput`] where more lines could make the source valid
    /// (`PyCF_ALLOW_INCOMPLETE_INPUT`).
    pub allow_incomplete: bool,
    /// A block at the end of an interactive source needs no empty line after it
    /// (the negation of `PyCF_DONT_IMPLY_DEDENT`).
    pub dont_imply_dedent: bool,
}

/// A tree without errors.
pub type Tree = Mod;

/// An accepted source: its text, tree, tokens and warnings.
#[derive(Debug)]
pub struct Parsed {
    source: Arc<str>,
    // `None` only while dropping.
    tree: Option<Box<Tree>>,
    tokens: Tokens,
    lines: LineIndex,
    depth: Depth,
    warnings: Vec<SyntaxWarning>,
}

impl Parsed {
    /// The text that all ranges refer to (newlines are `\n`).
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The text, shared.
    pub fn shared_source(&self) -> Arc<str> {
        Arc::clone(&self.source)
    }

    /// The tree: `Mod::Expression` for [`Mode::Eval`], else `Mod::Module`.
    pub fn tree(&self) -> &Tree {
        // The option is emptied in `drop` alone.
        self.tree
            .as_deref()
            .unwrap_or_else(|| unreachable!("a dropped tree"))
    }

    /// Statements of a module; empty for an expression.
    pub fn body(&self) -> &[crate::ast::Stmt] {
        match self.tree() {
            Mod::Module(m) => &m.body,
            Mod::Expression(_) => &[],
        }
    }

    /// The expression of [`Mode::Eval`].
    pub fn expression(&self) -> Option<&crate::ast::Expr> {
        match self.tree() {
            Mod::Module(_) => None,
            Mod::Expression(e) => Some(&e.body),
        }
    }

    /// All tokens, comments and newlines among them.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Line table of the source.
    pub fn lines(&self) -> &LineIndex {
        &self.lines
    }

    /// An upper bound of the tree's depth, for passes that recurse.
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// Warnings about literals, in source order.
    pub fn warnings(&self) -> &[SyntaxWarning] {
        &self.warnings
    }

    /// Text of a range.
    pub fn text(&self, range: TextRange) -> &str {
        self.source
            .get(range.start().to_usize()..range.end().to_usize())
            .unwrap_or("")
    }
}

impl Drop for Parsed {
    fn drop(&mut self) {
        if let Some(tree) = self.tree.take() {
            drop_tree(tree, self.depth.total);
        }
    }
}

/// Frees a tree; dropping boxes recurses, so a deep one gets a stack that is big enough.
fn drop_tree(tree: Box<Tree>, depth: u32) {
    const SHALLOW: u32 = 400;
    const PER_LEVEL: usize = 1024;
    if depth <= SHALLOW {
        drop(tree);
    } else {
        let depth = depth.min(4_000_000) as usize;
        stacker::maybe_grow(depth * PER_LEVEL, depth * PER_LEVEL + 64 * 1024, || {
            drop(tree)
        });
    }
}

/// Text with every newline as `\n`.
pub(crate) fn normalize_newlines(source: &str) -> Cow<'_, str> {
    if source.contains('\r') {
        Cow::Owned(source.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(source)
    }
}

/// Parses a source. Any error refuses all of it.
pub fn parse(source: &str, mode: Mode, options: &Options) -> Result<Parsed, SyntaxError> {
    if source.contains('\0') {
        return Err(null_byte_in_string());
    }
    let source: Arc<str> = Arc::from(normalize_newlines(source));
    if u32::try_from(source.len()).is_err() {
        return Err(SyntaxError::bare(
            ErrorKind::TooComplex,
            "source is too large",
        ));
    }
    let rp_mode = match mode {
        Mode::Exec | Mode::Single => rp::Mode::Module,
        Mode::Eval => rp::Mode::Expression,
    };
    let rp_options = rp::ParseOptions::from(rp_mode).with_target_version(PythonVersion::PY314);
    let raw = rp::parse_unchecked(&source, rp_options.clone());
    let lines = LineIndex::new(&source);
    let mut failure = raw
        .errors()
        .first()
        .map(|e| (e.error.to_string(), e.location))
        .or_else(|| {
            raw.unsupported_syntax_errors()
                .first()
                .map(|e| (e.to_string(), e.range))
        });
    let mut tokens = raw.tokens().clone();
    let mut tree = Box::new(raw.into_syntax());
    if failure.is_some()
        && let Some((other, patched)) = detour::parse(&source, &lines, rp_options)
    {
        let refused = std::mem::replace(&mut *tree, patched);
        drop_tree(Box::new(refused), Shape::of(&tokens).bound);
        (tokens, failure) = (other, None);
    }
    let mut shape = Shape::of(&tokens);
    // The parser crate skips a byte order mark, which text has no use for.
    shape.suspicious |= source.starts_with('\u{FEFF}');
    let bound = shape.bound;
    let depth = if bound > 1_000 {
        depth::measure(&tree)
    } else {
        Depth {
            total: bound,
            nested: bound,
        }
    };
    let mut parsed = Parsed {
        source,
        tree: Some(tree),
        tokens,
        lines,
        depth,
        warnings: Vec::new(),
    };
    if (failure.is_some() || shape.suspicious || mode == Mode::Single)
        && let Some(error) = diagnostics::diagnose(&parsed.source, mode, options)
    {
        return Err(error);
    }
    if let Some((message, range)) = failure {
        return Err(locate(&parsed.source, &parsed.lines, message, range));
    }
    if depth.nested > MAX_PARSE_DEPTH {
        let message = "Parser stack overflowed - Python source too complex to parse";
        return Err(SyntaxError::bare(ErrorKind::TooComplex, message));
    }
    if depth.total > MAX_TREE_DEPTH {
        let message = "maximum recursion depth exceeded during compilation";
        return Err(SyntaxError::bare(ErrorKind::Recursion, message));
    }
    parsed.warnings = literal_warnings(&parsed.source, &parsed.tokens, &parsed.lines);
    Ok(parsed)
}

fn locate(source: &str, lines: &LineIndex, message: String, range: TextRange) -> SyntaxError {
    let (lineno, start) = lines.char_position(source, range.start());
    let (end_lineno, end) = lines.char_position(source, range.end());
    SyntaxError {
        kind: ErrorKind::Syntax,
        message,
        lineno,
        col_offset: start as i32,
        end_lineno,
        end_offset: end as i32,
        text: Some(lines.line_text(source, lineno).to_owned()),
    }
}

/// What one look over the tokens tells.
struct Shape {
    /// More than the depth of any tree over these tokens: the longest logical line plus the blocks.
    bound: u32,
    /// A limit of the tokenizer may be passed, or blanks may be mixed: look closer.
    suspicious: bool,
}

impl Shape {
    fn of(tokens: &Tokens) -> Self {
        let (mut longest, mut current, mut indents, mut deepest) = (0u32, 0u32, 0u32, 0u32);
        let (mut brackets, mut strings, mut braces) = (0usize, 0usize, 0usize);
        let mut suspicious = false;
        let mut after_yield = false;
        for token in tokens {
            current += 1;
            // The parser takes `yield` before these for a whole expression.
            suspicious |= after_yield && !may_follow_yield(token.kind());
            after_yield = token.kind() == TokenKind::Yield;
            match token.kind() {
                TokenKind::Newline => {
                    longest = longest.max(current);
                    current = 0;
                }
                TokenKind::Indent => {
                    indents += 1;
                    deepest = deepest.max(indents);
                }
                TokenKind::Dedent => indents = indents.saturating_sub(1),
                TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                    brackets += 1;
                    braces += usize::from(strings > 0);
                    suspicious |= brackets > MAX_BRACKETS || braces > 3;
                }
                TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => {
                    brackets = brackets.saturating_sub(1);
                    braces = braces.saturating_sub(1);
                }
                TokenKind::FStringStart | TokenKind::TStringStart => strings += 1,
                TokenKind::FStringEnd | TokenKind::TStringEnd => {
                    strings = strings.saturating_sub(1)
                }
                _ => {}
            }
        }
        suspicious |= deepest as usize >= MAX_INDENTS;
        Shape {
            bound: longest.max(current) + 2 * deepest,
            suspicious,
        }
    }
}

/// Whether a token may stand after `yield`, as its operand or its end.
fn may_follow_yield(kind: TokenKind) -> bool {
    use TokenKind as K;
    let operand = matches!(
        kind,
        K::Plus | K::Minus | K::Tilde | K::Star | K::Not | K::Await
    ) || matches!(
        kind,
        K::Lpar | K::Lsqb | K::Lbrace | K::Ellipsis | K::From | K::Lambda
    );
    let end = matches!(
        kind,
        K::Rpar | K::Rbrace | K::Semi | K::Colon | K::Exclamation | K::Equal
    );
    operand
        || end
        || !(kind.is_operator()
            || matches!(
                kind,
                K::And | K::Or | K::In | K::Is | K::If | K::Else | K::For
            ))
}

/// Warnings for escapes that are kept as they are.
fn literal_warnings(source: &str, tokens: &Tokens, lines: &LineIndex) -> Vec<SyntaxWarning> {
    let mut warnings = Vec::new();
    let mut number: Option<TextRange> = None;
    for token in tokens {
        if let Some(range) = number.take()
            && range.end() == token.start()
            && token.kind().is_non_soft_keyword()
        {
            let text = source
                .get(range.start().to_usize()..range.end().to_usize())
                .unwrap_or("");
            warnings.push(number_warning(text, range, lines));
        }
        if matches!(
            token.kind(),
            TokenKind::Int | TokenKind::Float | TokenKind::Complex
        ) {
            number = Some(token.range());
        }
        let middle = matches!(
            token.kind(),
            TokenKind::FStringMiddle | TokenKind::TStringMiddle
        );
        if !middle && token.kind() != TokenKind::String {
            continue;
        }
        let Some(flags) = token.string_flags() else {
            continue;
        };
        if flags.is_raw_string() {
            continue;
        }
        let range = token.range();
        let (body, base) = if middle {
            let body = source
                .get(range.start().to_usize()..range.end().to_usize())
                .unwrap_or("");
            (body, range.start().to_u32())
        } else {
            let base = range.start() + flags.opener_len();
            (literal::body_of(source, range, flags), base.to_u32())
        };
        // One warning for each literal, as the first one ends CPython's search.
        if let Some(found) = literal::invalid_escapes(body, flags.is_byte_string(), middle).first()
        {
            let start = base + found.offset as u32;
            let text = if found.offset + found.len > body.len() {
                // The backslash stands before a field.
                "\"\\{\" is an invalid escape sequence. Such sequences will not work in the future. \
                 Did you mean \"\\\\{\"? A raw string is also an option."
                    .to_owned()
            } else {
                found.message(body)
            };
            warnings.push(SyntaxWarning {
                message: text,
                lineno: lines.line(start.into()),
                start,
                end: start + found.len as u32,
            });
        }
    }
    warnings
}

/// Warnings for the literals of a refused source that stand before the error: those come first.
pub fn refused_warnings(source: &str, mode: Mode, error: &SyntaxError) -> Vec<SyntaxWarning> {
    if error.lineno == 0 {
        return Vec::new();
    }
    let source = normalize_newlines(source);
    let rp_mode = match mode {
        Mode::Exec | Mode::Single => rp::Mode::Module,
        Mode::Eval => rp::Mode::Expression,
    };
    let rp_options = rp::ParseOptions::from(rp_mode).with_target_version(PythonVersion::PY314);
    let raw = rp::parse_unchecked(&source, rp_options);
    let lines = LineIndex::new(&source);
    let tokens = raw.tokens().clone();
    let mut warnings = literal_warnings(&source, &tokens, &lines);
    drop_tree(Box::new(raw.into_syntax()), Shape::of(&tokens).bound);
    warnings.retain(|warning| {
        let (line, column) = lines.char_position(&source, warning.start.into());
        (line, column as i32) < (error.lineno, error.col_offset)
    });
    warnings
}

/// The warning for a number that a keyword follows without a blank.
fn number_warning(text: &str, range: TextRange, lines: &LineIndex) -> SyntaxWarning {
    let name = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => "hexadecimal",
        [b'0', b'o' | b'O', ..] => "octal",
        [b'0', b'b' | b'B', ..] => "binary",
        [.., b'j' | b'J'] => "imaginary",
        _ => "decimal",
    };
    SyntaxWarning {
        message: format!("invalid {name} literal"),
        lineno: lines.line(range.start()),
        start: range.start().to_u32(),
        end: range.end().to_u32(),
    }
}

/// A signature comment, `(int, *str) -> bool`, as `ast.parse` reads it in mode `func_type`.
#[derive(Debug)]
pub struct FuncType {
    /// Types of the parameters, without their stars.
    pub args: Vec<Expr>,
    /// Type of the result.
    pub returns: Expr,
}

/// Parses a signature comment. Ranges refer to the text as it is.
pub fn parse_func_type(source: &str) -> Result<FuncType, SyntaxError> {
    let lines = LineIndex::new(source);
    let mut lexer = Lexer::new(source, &lines);
    let mut tokens: Vec<Token> = Vec::new();
    loop {
        let token = lexer.next_token().map_err(|e| *e)?;
        if token.kind == Kind::End {
            break;
        }
        if !matches!(token.kind, Kind::Newline) {
            tokens.push(token);
        }
    }
    let end = source.len() as u32;
    let refuse = |start: u32, end: u32| {
        let range = TextRange::new(start.into(), end.into());
        locate(source, &lines, "invalid syntax".to_owned(), range)
    };
    let part = |start: u32, end: u32| {
        let range = TextRange::new(start.into(), end.into());
        rp::parse_parenthesized_expression_range(source, range)
            .map(|p| p.into_expr())
            .map_err(|e| refuse(e.location.start().to_u32(), e.location.end().to_u32()))
    };
    let text = |t: &Token| source.get(t.start as usize..t.end as usize).unwrap_or("");
    let Some(first) = tokens.first().filter(|t| text(t) == "(") else {
        return Err(refuse(0, tokens.first().map_or(0, |t| t.end)));
    };
    let mut args = Vec::new();
    let mut start = first.end;
    for (i, token) in tokens.iter().enumerate().skip(1) {
        let closes = token.level == 0 && text(token) == ")";
        let separates = token.level == 1 && text(token) == ",";
        if text(token).starts_with('*') && token.start >= start && tokens[i - 1].end <= start {
            start = token.end;
            continue;
        }
        if !closes && !separates {
            continue;
        }
        let empty = source
            .get(start as usize..token.start as usize)
            .is_none_or(|s| s.trim().is_empty());
        if !(empty && closes && args.is_empty()) {
            args.push(part(start, token.start)?);
        }
        start = token.end;
        if closes {
            let Some(arrow) = tokens.get(i + 1).filter(|t| text(t) == "->") else {
                let next = tokens.get(i + 1).map_or((end, end), |t| (t.start, t.end));
                return Err(refuse(next.0, next.1));
            };
            let last = tokens.last().map_or(end, |t| t.end);
            return Ok(FuncType {
                args,
                returns: part(arrow.end, last)?,
            });
        }
    }
    Err(refuse(end, end))
}
