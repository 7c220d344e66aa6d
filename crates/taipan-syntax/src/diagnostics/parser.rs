//! The machine under the diagnostic grammar: token cursor, nodes, memo table, raising.
//!
//! A rule is a function that returns a node and moves the cursor, or `None` with the cursor where
//! it was. After an error the cursor shows [`Kind::Error`] tokens only, so every rule fails at
//! once. Two passes are made: the first finds how far a valid source could reach, the second also
//! asks the rules for mistakes (`self.hints`).

use std::collections::HashMap;

use crate::error::{ErrorKind, SyntaxError};
use crate::lexer::{Kind, Lexer, Token};
use crate::parse::{Mode, Options};
use crate::position::LineIndex;

/// Index of a node.
pub(super) type N = u32;
/// What rules return.
pub(super) type R = Option<N>;

/// Kinds of nodes that error texts tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum E {
    Name,
    Attribute,
    Subscript,
    Starred,
    Tuple,
    List,
    Call,
    Literal,
    Ellipsis,
    True,
    False,
    None,
    FString,
    TString,
    Dict,
    Set,
    ListComp,
    DictComp,
    SetComp,
    GenExp,
    Yield,
    Await,
    Lambda,
    IfExp,
    Operation,
    /// A comparison; whether its first operator is `in`.
    Compare(bool),
    Named,
    /// `name=value` in a call; whether it is `**value`.
    Keyword(bool),
    Other,
}

impl E {
    /// How error texts name the kind.
    pub(super) fn name(self) -> &'static str {
        match self {
            E::Name => "name",
            E::Attribute => "attribute",
            E::Subscript => "subscript",
            E::Starred => "starred",
            E::Tuple => "tuple",
            E::List => "list",
            E::Call => "function call",
            E::Literal => "literal",
            E::Ellipsis => "ellipsis",
            E::True => "True",
            E::False => "False",
            E::None => "None",
            E::FString => "f-string expression",
            E::TString => "t-string expression",
            E::Dict => "dict literal",
            E::Set => "set display",
            E::ListComp => "list comprehension",
            E::DictComp => "dict comprehension",
            E::SetComp => "set comprehension",
            E::GenExp => "generator expression",
            E::Yield => "yield expression",
            E::Await => "await expression",
            E::Lambda => "lambda",
            E::IfExp => "conditional expression",
            E::Operation => "expression",
            E::Compare(_) => "comparison",
            E::Named => "named expression",
            E::Keyword(_) | E::Other => "expression",
        }
    }
}

/// A node: kind, byte range, the parts that error texts look into.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) kind: E,
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) kids: Vec<N>,
}

/// What a target is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Assign,
    Delete,
    For,
}

/// Rules whose results are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Rule {
    Expression,
    StarExpression,
    NamedInvalid,
    Disjunction,
    BitwiseOr,
    Sum,
    Factor,
    Primary,
    Atom,
    TPrimary,
    StarTarget,
    TargetAtom,
    Arguments,
    Block,
    SimpleStmt,
    Strings,
}

const NO_TOKEN: Token = Token {
    kind: Kind::Error,
    start: 0,
    end: 0,
    line: 0,
    placed: false,
    level: 0,
};

/// Depth of rules at which CPython's parser gives up.
const MAX_DEPTH: u32 = 6_000;

/// The parser state.
pub(super) struct Parser<'s> {
    pub(super) src: &'s str,
    pub(super) index: &'s LineIndex,
    pub(super) lex: Lexer<'s>,
    pub(super) tokens: Vec<Token>,
    pub(super) mark: usize,
    /// Ask the rules for mistakes.
    pub(super) hints: bool,
    pub(super) error: Option<Box<SyntaxError>>,
    /// The error is the tokenizer's.
    pub(super) lexical: bool,
    pub(super) nodes: Vec<Node>,
    memo: HashMap<(usize, Rule), (R, usize)>,
    pub(super) mode: Mode,
    pub(super) options: Options,
    started: bool,
    depth: u32,
}

impl<'s> Parser<'s> {
    pub(super) fn new(src: &'s str, index: &'s LineIndex, mode: Mode, options: &Options) -> Self {
        Parser {
            src,
            index,
            lex: Lexer::new(src, index),
            tokens: Vec::new(),
            mark: 0,
            hints: false,
            error: None,
            lexical: false,
            nodes: Vec::new(),
            memo: HashMap::new(),
            mode,
            options: options.clone(),
            started: false,
            depth: 0,
        }
    }

    /// Back to the first token, with the rules for mistakes.
    pub(super) fn second_pass(&mut self) {
        self.mark = 0;
        self.hints = true;
        self.memo.clear();
    }

    // Tokens

    fn fill(&mut self) {
        match self.lex.next_token() {
            Ok(mut token) => {
                if self.mode == Mode::Single && token.kind == Kind::End && self.started {
                    token.kind = Kind::Newline;
                    self.started = false;
                    if !self.options.dont_imply_dedent {
                        self.lex.close_blocks();
                    }
                } else {
                    self.started = true;
                }
                self.tokens.push(token);
            }
            Err(error) => {
                self.error = Some(error);
                self.lexical = true;
            }
        }
    }

    /// The token under the cursor.
    pub(super) fn tok(&mut self) -> Token {
        if self.error.is_none() && self.mark >= self.tokens.len() {
            self.fill();
        }
        if self.error.is_some() {
            return NO_TOKEN;
        }
        self.tokens.get(self.mark).copied().unwrap_or(NO_TOKEN)
    }

    /// Text of a byte range.
    pub(super) fn text(&self, start: u32, end: u32) -> &'s str {
        self.src.get(start as usize..end as usize).unwrap_or("")
    }

    /// Text of a token.
    pub(super) fn token_text(&self, t: Token) -> &'s str {
        self.text(t.start, t.end)
    }

    /// Is the keyword or operator `s` under the cursor?
    pub(super) fn at(&mut self, s: &str) -> bool {
        let t = self.tok();
        matches!(t.kind, Kind::Name | Kind::Op) && self.token_text(t) == s
    }

    /// Is any of these under the cursor?
    pub(super) fn at_any(&mut self, list: &[&str]) -> bool {
        let t = self.tok();
        matches!(t.kind, Kind::Name | Kind::Op) && list.contains(&self.token_text(t))
    }

    pub(super) fn at_kind(&mut self, kind: Kind) -> bool {
        self.tok().kind == kind
    }

    /// Takes the keyword or operator `s`.
    pub(super) fn eat(&mut self, s: &str) -> Option<Token> {
        if !self.at(s) {
            return None;
        }
        self.mark += 1;
        Some(self.tokens[self.mark - 1])
    }

    pub(super) fn eat_any(&mut self, list: &[&str]) -> Option<Token> {
        if !self.at_any(list) {
            return None;
        }
        self.mark += 1;
        Some(self.tokens[self.mark - 1])
    }

    pub(super) fn eat_kind(&mut self, kind: Kind) -> Option<Token> {
        let t = self.tok();
        if t.kind != kind {
            return None;
        }
        self.mark += 1;
        Some(t)
    }

    /// Takes `s`, or raises "expected 's'" in the second pass.
    pub(super) fn force(&mut self, s: &str) -> Option<Token> {
        let t = self.eat(s);
        if t.is_none() && self.hints {
            let found = self.tok();
            return self.raise_token(found, format!("expected '{s}'"));
        }
        t
    }

    pub(super) fn at_name(&mut self) -> bool {
        let t = self.tok();
        t.kind == Kind::Name && !is_keyword(self.token_text(t))
    }

    /// An identifier.
    pub(super) fn name(&mut self) -> R {
        if !self.at_name() {
            return None;
        }
        let t = self.tok();
        self.mark += 1;
        Some(self.leaf(E::Name, t))
    }

    /// End of the last token taken.
    pub(super) fn last_end(&self) -> u32 {
        if self.mark == 0 {
            0
        } else {
            self.tokens[self.mark - 1].end
        }
    }

    /// Start of the token under the cursor.
    pub(super) fn here(&mut self) -> u32 {
        self.tok().start
    }

    // Nodes

    pub(super) fn node(&mut self, kind: E, start: u32, kids: Vec<N>) -> N {
        let end = self.last_end();
        self.nodes.push(Node {
            kind,
            start,
            end,
            kids,
        });
        self.nodes.len() as N - 1
    }

    pub(super) fn leaf(&mut self, kind: E, t: Token) -> N {
        self.nodes.push(Node {
            kind,
            start: t.start,
            end: t.end,
            kids: Vec::new(),
        });
        self.nodes.len() as N - 1
    }

    pub(super) fn get(&self, n: N) -> &Node {
        &self.nodes[n as usize]
    }

    pub(super) fn kind(&self, n: N) -> E {
        self.get(n).kind
    }

    pub(super) fn describe(&self, n: N) -> &'static str {
        self.kind(n).name()
    }

    pub(super) fn node_text(&self, n: N) -> &'s str {
        let n = self.get(n);
        self.text(n.start, n.end)
    }

    // Combinators

    /// Runs a rule; on failure the cursor goes back.
    pub(super) fn seq<T>(&mut self, f: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let mark = self.mark;
        let result = f(self);
        if result.is_none() {
            self.mark = mark;
        }
        result
    }

    /// Whether a rule would succeed here.
    pub(super) fn ahead<T>(&mut self, f: impl FnOnce(&mut Self) -> Option<T>) -> bool {
        let mark = self.mark;
        let result = f(self).is_some();
        self.mark = mark;
        result
    }

    /// `sep.f+`
    pub(super) fn gather<T>(
        &mut self,
        sep: &str,
        f: &mut dyn FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut list = vec![self.seq(&mut *f)?];
        while let Some(item) = self.seq(|p| {
            p.eat(sep)?;
            f(p)
        }) {
            list.push(item);
        }
        Some(list)
    }

    /// `f*`
    pub(super) fn many<T>(&mut self, mut f: impl FnMut(&mut Self) -> Option<T>) -> Vec<T> {
        let mut list = Vec::new();
        loop {
            let mark = self.mark;
            match self.seq(&mut f) {
                Some(item) if self.mark > mark => list.push(item),
                _ => return list,
            }
        }
    }

    /// `f+`
    pub(super) fn some<T>(&mut self, f: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let list = self.many(f);
        if list.is_empty() { None } else { Some(list) }
    }

    /// Runs a rule whose result at each place is kept.
    pub(super) fn memo(&mut self, rule: Rule, f: fn(&mut Self) -> R) -> R {
        if let Some(&(result, mark)) = self.memo.get(&(self.mark, rule)) {
            self.mark = mark;
            return result;
        }
        let start = self.mark;
        let result = self.deep(f);
        if result.is_none() {
            self.mark = start;
        }
        self.memo.insert((start, rule), (result, self.mark));
        result
    }

    /// Runs a rule that may nest, on a stack that grows up to a limit.
    pub(super) fn deep(&mut self, f: impl FnOnce(&mut Self) -> R) -> R {
        // A nested expression passes here about seven times.
        if self.depth > MAX_DEPTH * 7 {
            if self.error.is_none() {
                let message = "Parser stack overflowed - Python source too complex to parse";
                self.error = Some(Box::new(SyntaxError::bare(ErrorKind::TooComplex, message)));
                self.lexical = true;
            }
            return None;
        }
        self.depth += 1;
        let result = stacker::maybe_grow(128 * 1024, 2 * 1024 * 1024, || f(self));
        self.depth -= 1;
        result
    }

    // Raising

    /// Line and one-based character column.
    fn place(&self, offset: u32) -> (u32, i32) {
        let (line, col) = self.index.char_position(self.src, offset.into());
        (line, col as i32)
    }

    /// Where a range ends; the end of a line is one past its last column.
    fn place_end(&self, start: u32, end: u32) -> (u32, i32) {
        if end > start && self.src.as_bytes().get(end as usize - 1) == Some(&b'\n') {
            let (line, col) = self.place(end - 1);
            return (line, col + 1);
        }
        let place = self.index.position(end.into());
        let first = self.index.line(start.into());
        if place.line == first {
            return self.place(end);
        }
        // CPython counts the characters of the end column in the text of the first line.
        let text = self
            .index
            .line_text(self.src, first)
            .trim_end_matches('\n')
            .as_bytes();
        let bytes = (place.column as usize).min(text.len());
        let beyond = i32::from(place.column as usize > text.len());
        let chars = String::from_utf8_lossy(&text[..bytes]).chars().count() as i32;
        (place.line, chars + beyond.max(1))
    }

    fn error_text(&self, line: u32) -> String {
        let text = self.index.line_text(self.src, line);
        let current = line >= self.lex.line;
        if current {
            text.to_owned()
        } else {
            text.trim_end_matches('\n').to_owned()
        }
    }

    fn raise<T>(
        &mut self,
        kind: ErrorKind,
        message: String,
        at: (u32, i32),
        end: (u32, i32),
    ) -> Option<T> {
        if self.error.is_none() {
            self.error = Some(Box::new(SyntaxError {
                kind,
                message,
                lineno: at.0,
                col_offset: at.1,
                end_lineno: end.0,
                end_offset: end.1,
                text: Some(self.error_text(at.0)),
            }));
        }
        None
    }

    /// Raises at a byte range.
    pub(super) fn raise_range<T>(
        &mut self,
        start: u32,
        end: u32,
        message: impl Into<String>,
    ) -> Option<T> {
        let (at, end) = (self.place(start), self.place_end(start, end));
        self.raise(ErrorKind::Syntax, message.into(), at, end)
    }

    /// Raises at a node.
    pub(super) fn raise_node<T>(&mut self, n: N, message: impl Into<String>) -> Option<T> {
        let (start, end) = (self.get(n).start, self.get(n).end);
        self.raise_range(start, end, message)
    }

    /// Raises over two nodes and what is between.
    pub(super) fn raise_nodes<T>(&mut self, a: N, b: N, message: impl Into<String>) -> Option<T> {
        let (start, end) = (self.get(a).start, self.get(b).end);
        self.raise_range(start, end, message)
    }

    /// Raises at a token.
    pub(super) fn raise_token<T>(&mut self, t: Token, message: impl Into<String>) -> Option<T> {
        if t.kind == Kind::Error {
            return None;
        }
        if t.placed {
            return self.raise_range(t.start, t.end, message);
        }
        let line = t.line;
        self.raise(ErrorKind::Syntax, message.into(), (line, 0), (line, 0))
    }

    /// Raises from a place to as far as the tokenizer has read.
    pub(super) fn raise_from<T>(&mut self, start: u32, message: impl Into<String>) -> Option<T> {
        let at = self.place(start);
        self.raise_up_to_lexer(at, message.into())
    }

    /// The same from a token, which may have no columns.
    pub(super) fn raise_from_token<T>(
        &mut self,
        t: Token,
        message: impl Into<String>,
    ) -> Option<T> {
        let at = if t.placed {
            self.place(t.start)
        } else {
            (t.line, 0)
        };
        self.raise_up_to_lexer(at, message.into())
    }

    fn raise_up_to_lexer<T>(&mut self, at: (u32, i32), message: String) -> Option<T> {
        let text = self.text(self.lex.line_start as u32, self.lex.cur as u32);
        let end = (self.lex.line.max(1), text.chars().count() as i32);
        self.raise(ErrorKind::Syntax, message, at, end)
    }

    /// Raises with the end left open, as columns of zero are.
    pub(super) fn raise_open<T>(&mut self, start: u32, message: impl Into<String>) -> Option<T> {
        let at = self.place(start);
        self.raise(ErrorKind::Syntax, message.into(), at, (at.0, 0))
    }

    fn raise_at_token<T>(&mut self, kind: ErrorKind, t: Token, message: String) -> Option<T> {
        if t.placed {
            let (at, end) = (self.place(t.start), self.place_end(t.start, t.end));
            return self.raise(kind, message, at, end);
        }
        let text = self.text(self.lex.line_start as u32, self.lex.cur as u32);
        let col = text.chars().count() as i32;
        self.raise(kind, message, (t.line, col), (t.line, -1))
    }

    /// Raises that the source may go on.
    pub(super) fn raise_incomplete(&mut self) {
        let message = "incomplete input".to_owned();
        let kind = ErrorKind::IncompleteInput;
        if let (false, Some(&last)) = (self.lexical, self.tokens.last()) {
            self.raise_at_token::<()>(kind, last, message);
            return;
        }
        // The token that failed has no columns of its own.
        let text = self.text(self.lex.line_start as u32, self.lex.cur as u32);
        let (line, col) = (self.lex.line, text.chars().count() as i32);
        self.raise::<()>(kind, message, (line, col), (line, -1));
    }

    /// Raises at the last token read.
    pub(super) fn raise_last<T>(&mut self, message: impl Into<String>) -> Option<T> {
        let t = self.tokens.last().copied().unwrap_or(NO_TOKEN);
        self.raise_at_token(ErrorKind::Syntax, t, message.into())
    }

    /// Raises at the token under the cursor.
    pub(super) fn raise_here<T>(&mut self, message: impl Into<String>) -> Option<T> {
        let t = self.tok();
        if t.kind == Kind::Error {
            return None;
        }
        self.raise_at_token(ErrorKind::Syntax, t, message.into())
    }

    /// Raises another class of error at the last token read.
    pub(super) fn raise_kind<T>(
        &mut self,
        kind: ErrorKind,
        message: impl Into<String>,
    ) -> Option<T> {
        let t = self.tokens.last().copied().unwrap_or(NO_TOKEN);
        self.raise_at_token(kind, t, message.into())
    }

    /// Raises when a block is missing after the statement that began with `t`.
    pub(super) fn raise_block<T>(&mut self, t: Token, what: &str) -> Option<T> {
        let message = format!("expected an indented block after {what} on line {}", t.line);
        self.raise_kind(ErrorKind::Indentation, message)
    }

    /// The first part of `n` that cannot be a target.
    pub(super) fn invalid_target(&self, n: N, target: Target) -> R {
        let node = self.get(n);
        match node.kind {
            E::Name | E::Attribute | E::Subscript => None,
            E::List | E::Tuple => node
                .kids
                .iter()
                .find_map(|&kid| self.invalid_target(kid, target)),
            E::Starred if target != Target::Delete => node
                .kids
                .first()
                .and_then(|&kid| self.invalid_target(kid, target)),
            E::Compare(first_in) if target == Target::For => {
                let left = node.kids.first().filter(|_| first_in);
                left.and_then(|&kid| self.invalid_target(kid, target))
            }
            _ => Some(n),
        }
    }

    /// Raises if `n` cannot be a target.
    pub(super) fn check_target<T>(&mut self, n: N, target: Target) -> Option<T> {
        let bad = self.invalid_target(n, target)?;
        let verb = if target == Target::Delete {
            "delete"
        } else {
            "assign to"
        };
        let what = self.describe(bad);
        self.raise_node(bad, format!("cannot {verb} {what}"))
    }
}

/// Reserved words.
pub(super) fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "False"
            | "None"
            | "True"
            | "and"
            | "as"
            | "assert"
            | "async"
            | "await"
            | "break"
            | "class"
            | "continue"
            | "def"
            | "del"
            | "elif"
            | "else"
            | "except"
            | "finally"
            | "for"
            | "from"
            | "global"
            | "if"
            | "import"
            | "in"
            | "is"
            | "lambda"
            | "nonlocal"
            | "not"
            | "or"
            | "pass"
            | "raise"
            | "return"
            | "try"
            | "while"
            | "with"
            | "yield"
    )
}
