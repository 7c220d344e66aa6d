//! Programs that a Python compiler accepts, made for its scopes: every construct that binds, reads or hides a name, nested in every other,
//! over so few names that locals, cells, free variables and globals of one name meet all the time.
//!
//! What may stand where (`await`, `yield`, `:=`, `return`, `nonlocal`) is kept in [`Place`]. Where CPython's rule is more permissive than
//! ours here, the program is merely less wild; a program that is refused after all is harmless, only lost work.

use crate::Random;

const NAMES: &[&str] = &["a", "b", "c", "d", "__e", "__class__"];
/// All but `__class__`, which is no parameter, no type parameter and no capture here.
const PLAIN: usize = NAMES.len() - 1;

/// A set of [`NAMES`].
#[derive(Clone, Copy, Default)]
struct Names(u16);

impl Names {
    fn has(self, name: usize) -> bool {
        self.0 >> name & 1 != 0
    }

    fn add(&mut self, name: usize) {
        self.0 |= 1 << name;
    }

    fn without(self, other: Names) -> Names {
        Names(self.0 & !other.0)
    }

    fn with(self, other: Names) -> Names {
        Names(self.0 | other.0)
    }
}

/// What surrounds the piece being made.
#[derive(Clone, Copy, Default)]
struct Place {
    depth: usize,
    indent: usize,
    in_function: bool,
    in_async: bool,
    in_class: bool,
    in_loop: bool,
    /// Inside an `except*` block: it is not left by a jump.
    in_star: bool,
    /// In an async generator, or outside of functions: no `return` with a value.
    bare_return: bool,
    may_yield: bool,
    may_await: bool,
    may_walrus: bool,
    /// Bound by the functions around: what `nonlocal` may name.
    outer: Names,
    /// Declared here: neither annotated nor a parameter.
    declared: Names,
    /// Variables of the comprehensions around: `:=` leaves them alone.
    iterated: Names,
}

impl Place {
    fn deeper(mut self) -> Place {
        self.depth += 1;
        self
    }

    fn indented(mut self) -> Place {
        self.depth += 1;
        self.indent += 1;
        self
    }

    /// An annotation, a bound, a default of a type parameter: a scope of its own, without effects.
    fn annotation(mut self) -> Place {
        self.depth += 1;
        self.may_yield = false;
        self.may_await = false;
        self.may_walrus = false;
        // A comprehension of kind async needs an async function directly around.
        self.in_async = false;
        self
    }
}

/// Makes one program; in one with `top_level_await`, the module is a coroutine.
pub fn program(random: &mut Random, top_level_await: bool) -> Vec<u8> {
    let budget = 20 + random.below(200);
    let mut generator = Generator {
        random,
        out: String::new(),
        budget,
    };
    if generator.random.one_in(12) {
        generator
            .out
            .push_str("from __future__ import annotations\n");
    }
    let place = Place {
        may_walrus: true,
        may_await: top_level_await,
        in_async: top_level_await,
        ..Place::default()
    };
    generator.suite(place, 1 + place.depth);
    generator.out.into_bytes()
}

struct Generator<'r> {
    random: &'r mut Random,
    out: String,
    /// Nodes that may still be made; then only leaves follow.
    budget: usize,
}

impl Generator<'_> {
    fn name(&mut self) -> &'static str {
        NAMES[self.random.below(NAMES.len())]
    }

    fn plain(&mut self) -> usize {
        self.random.below(PLAIN)
    }

    fn spent(&mut self, place: Place) -> bool {
        let left = self.budget;
        self.budget = left.saturating_sub(1);
        left == 0 || place.depth > 12
    }

    fn line(&mut self, place: Place, text: &str) {
        for _ in 0..place.indent {
            self.out.push(' ');
        }
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// A few statements; at least `least`.
    fn suite(&mut self, place: Place, least: usize) {
        for _ in 0..least.max(1) + self.random.below(3) {
            self.statement(place);
        }
    }

    fn block(&mut self, place: Place, head: &str) {
        self.line(place, head);
        self.suite(place.indented(), 1);
    }

    fn statement(&mut self, place: Place) {
        if self.spent(place) {
            let name = self.name();
            return self.line(place, name);
        }
        match self.random.below(20) {
            0..=2 => self.function(place),
            3 | 4 => self.class(place),
            5 => self.try_statement(place),
            6 => self.try_star(place),
            7 => self.with(place),
            8 => self.match_statement(place),
            9 => self.for_loop(place),
            10 => {
                let test = self.expression(place);
                let inside = Place {
                    in_loop: true,
                    ..place
                };
                self.block(inside, &format!("while {test}:"));
                self.may_else(place, "else:");
            }
            11 => {
                let test = self.expression(place);
                self.block(place, &format!("if {test}:"));
                self.may_else(place, "else:");
            }
            12 => self.leave(place),
            13 => self.annotated(place),
            14 => self.alias(place),
            15 | 16 => self.assignment(place),
            17 => {
                let target = self.target(place);
                self.line(place, &format!("del {target}"));
            }
            18 => {
                let (left, right) = (self.name(), self.expression(place));
                self.line(place, &format!("{left} += {right}"));
            }
            _ => {
                let value = self.expression(place);
                self.line(place, &value);
            }
        }
    }

    fn may_else(&mut self, place: Place, head: &str) {
        if self.random.one_in(3) {
            self.block(place, head);
        }
    }

    fn assignment(&mut self, place: Place) {
        let value = self.expression(place);
        let target = match self.random.below(4) {
            0 => {
                let (first, rest) = (self.target(place), self.name());
                format!("{first}, *{rest}")
            }
            _ => self.target(place),
        };
        match self.random.below(8) {
            0 => self.line(place, &format!("import {}", NAMES[1])),
            1 => self.line(place, "from a import b as c, d"),
            _ => self.line(place, &format!("{target} = {value}")),
        }
    }

    fn target(&mut self, place: Place) -> String {
        if self.spent(place) {
            return self.name().into();
        }
        let inner = place.deeper();
        match self.random.below(8) {
            0 => format!("{}.__e", self.primary(inner)),
            1 => format!("{}[{}]", self.primary(inner), self.expression(inner)),
            2 => format!("({}, {})", self.target(inner), self.target(inner)),
            3 => format!("[{}]", self.target(inner)),
            _ => self.name().into(),
        }
    }

    fn annotated(&mut self, place: Place) {
        let name = self.random.below(NAMES.len());
        if place.declared.has(name) {
            return self.line(place, "pass");
        }
        let name = NAMES[name];
        let kind = self.expression(place.annotation());
        let target = match self.random.below(4) {
            0 => format!("{name}.a"),
            1 => format!("({name})"),
            _ => name.into(),
        };
        let value = match self.random.one_in(2) {
            true => format!(" = {}", self.expression(place)),
            false => String::new(),
        };
        self.line(place, &format!("{target}: {kind}{value}"));
    }

    fn alias(&mut self, place: Place) {
        let name = NAMES[self.plain()];
        let parameters = self.type_parameters(place);
        let value = self.expression(place.annotation());
        self.line(place, &format!("type {name}{parameters} = {value}"));
    }

    fn type_parameters(&mut self, place: Place) -> String {
        if self.random.below(3) != 0 {
            return String::new();
        }
        let inner = place.annotation();
        let mut parts = Vec::new();
        let first = self.plain();
        let with_default = self.random.one_in(3);
        for step in 0..1 + self.random.below(2) {
            let name = NAMES[(first + step) % PLAIN];
            let star = match self.random.below(6) {
                0 => "*",
                1 => "**",
                _ => "",
            };
            let bound = match self.random.one_in(3) && star.is_empty() {
                true => format!(": {}", self.expression(inner)),
                false => String::new(),
            };
            let default = match with_default {
                true => format!(" = {}", self.expression(inner)),
                false => String::new(),
            };
            parts.push(format!("{star}{name}{bound}{default}"));
        }
        format!("[{}]", parts.join(", "))
    }

    /// Parameters with annotations and defaults, which are evaluated outside, and their names.
    fn parameters(&mut self, place: Place, annotate: bool) -> (String, Names) {
        let mut names = Names::default();
        let mut parts = Vec::new();
        let mut stars = 0;
        let mut defaults = false;
        for _ in 0..self.random.below(4) {
            let name = self.plain();
            if names.has(name) || stars == 2 {
                continue;
            }
            names.add(name);
            let star = match self.random.below(6) {
                0 if stars == 0 => "*",
                1 => "**",
                _ => "",
            };
            stars = stars.max(star.len());
            let mut part = format!("{star}{}", NAMES[name]);
            if annotate && self.random.one_in(4) {
                let kind = self.expression(place.annotation());
                part = match star {
                    "*" => format!("{part}: *{}", self.primary(place.annotation())),
                    _ => format!("{part}: {kind}"),
                };
            }
            if star.is_empty() && (defaults || self.random.one_in(4)) {
                // Once there is a default, the following positional parameters need one.
                defaults = stars == 0;
                part = format!("{part} = {}", self.expression(place.deeper()));
            }
            parts.push(part);
        }
        (parts.join(", "), names)
    }

    fn function(&mut self, place: Place) {
        let decorated = self.random.one_in(4);
        if decorated {
            let decorator = self.expression(place.deeper());
            self.line(place, &format!("@{decorator}"));
        }
        let name = self.name();
        let is_async = self.random.one_in(3);
        let generics = self.type_parameters(place);
        // Defaults and annotations of a generic function are evaluated inside of the scope of its type parameters.
        let around = match generics.is_empty() {
            true => place,
            false => place.annotation(),
        };
        let (parameters, names) = self.parameters(around, true);
        let returns = match self.random.one_in(4) {
            true => format!(" -> {}", self.expression(place.annotation())),
            false => String::new(),
        };
        let keyword = if is_async { "async def" } else { "def" };
        let head = format!("{keyword} {name}{generics}({parameters}){returns}:");
        self.line(place, &head);
        let generates = !is_async || self.random.one_in(2);
        let mut inside = Place {
            in_function: true,
            in_async: is_async,
            in_class: false,
            in_loop: false,
            in_star: false,
            bare_return: is_async && generates,
            may_yield: generates,
            may_await: is_async,
            may_walrus: true,
            declared: Names::default(),
            iterated: Names::default(),
            ..place.indented()
        };
        self.declare(&mut inside, names);
        // What is certainly bound here, for the functions within: an assignment makes it so.
        let mut bound = names;
        if self.random.one_in(2) {
            let local = self.plain();
            if !inside.declared.has(local) {
                bound.add(local);
                self.line(inside, &format!("{} = 1", NAMES[local]));
            }
        }
        inside.outer = place.outer.without(inside.declared).with(bound);
        self.suite(inside, 1);
    }

    /// `global` and `nonlocal` at the head of a block.
    fn declare(&mut self, inside: &mut Place, parameters: Names) {
        let outer = inside.outer;
        for _ in 0..self.random.below(3) {
            let name = self.random.below(NAMES.len());
            if parameters.with(inside.declared).has(name) {
                continue;
            }
            if outer.has(name) {
                inside.declared.add(name);
                self.line(*inside, &format!("nonlocal {}", NAMES[name]));
            } else if self.random.one_in(2) {
                inside.declared.add(name);
                self.line(*inside, &format!("global {}", NAMES[name]));
            }
        }
    }

    fn class(&mut self, place: Place) {
        if self.random.one_in(4) {
            let decorator = self.expression(place.deeper());
            self.line(place, &format!("@{decorator}"));
        }
        let name = self.name();
        let generics = self.type_parameters(place);
        let around = match generics.is_empty() {
            true => place.deeper(),
            false => place.annotation(),
        };
        let bases = match self.random.below(4) {
            0 => format!("({})", self.expression(around)),
            1 => format!("({}, metaclass={})", self.starred(around), self.name()),
            _ => String::new(),
        };
        self.line(place, &format!("class {name}{generics}{bases}:"));
        let mut inside = Place {
            in_function: false,
            in_async: false,
            in_class: true,
            in_loop: false,
            in_star: false,
            may_yield: false,
            may_await: false,
            may_walrus: true,
            declared: Names::default(),
            iterated: Names::default(),
            ..place.indented()
        };
        self.declare(&mut inside, Names::default());
        self.suite(inside, 1);
    }

    fn try_statement(&mut self, place: Place) {
        self.block(place, "try:");
        let handlers = self.random.below(3);
        for _ in 0..handlers {
            let (kind, name) = (self.expression(place.deeper()), self.name());
            let head = match self.random.below(3) {
                0 => format!("except {kind}:"),
                _ => format!("except {kind} as {name}:"),
            };
            self.block(place, &head);
        }
        if handlers != 0 {
            if self.random.one_in(3) {
                self.block(place, "except:");
            }
            self.may_else(place, "else:");
        }
        if handlers == 0 || self.random.one_in(2) {
            self.block(place, "finally:");
        }
    }

    fn try_star(&mut self, place: Place) {
        self.block(place, "try:");
        let inside = Place {
            in_star: true,
            in_loop: false,
            ..place
        };
        for _ in 0..1 + self.random.below(2) {
            let (kind, name) = (self.expression(place.deeper()), self.name());
            self.block(inside, &format!("except* {kind} as {name}:"));
        }
        self.may_else(place, "else:");
        self.may_else(place, "finally:");
    }

    fn with(&mut self, place: Place) {
        let (one, other) = (
            self.expression(place.deeper()),
            self.expression(place.deeper()),
        );
        let (target, second) = (self.target(place.deeper()), self.target(place.deeper()));
        let prefix = self.async_prefix(place);
        let head = match self.random.below(3) {
            0 => format!("{prefix}with {one}:"),
            1 => format!("{prefix}with ({one} as {target}):"),
            _ => format!("{prefix}with ({one} as {target}, {other} as {second}):"),
        };
        self.block(place, &head);
    }

    fn async_prefix(&mut self, place: Place) -> &'static str {
        match place.in_async && self.random.one_in(2) {
            true => "async ",
            false => "",
        }
    }

    fn for_loop(&mut self, place: Place) {
        let (target, items) = (self.target(place), self.expression(place));
        let prefix = self.async_prefix(place);
        let inside = Place {
            in_loop: true,
            ..place
        };
        self.block(inside, &format!("{prefix}for {target} in {items}:"));
        self.may_else(place, "else:");
    }

    fn match_statement(&mut self, place: Place) {
        let subject = self.expression(place.deeper());
        self.line(place, &format!("match {subject}:"));
        let case = place.indented();
        for _ in 0..1 + self.random.below(3) {
            let mut captured = Names::default();
            let pattern = self.pattern(case, &mut captured);
            let guard = match self.random.one_in(3) {
                true => format!(" if {}", self.expression(case)),
                false => String::new(),
            };
            self.block(case, &format!("case [{pattern}, *_]{guard}:"));
        }
        if self.random.one_in(2) {
            let name = NAMES[self.plain()];
            self.block(case, &format!("case {name}:"));
        }
    }

    fn pattern(&mut self, place: Place, captured: &mut Names) -> String {
        let name = self.plain();
        let fresh = !captured.has(name);
        if fresh {
            captured.add(name);
        }
        let name = NAMES[name];
        if self.spent(place) {
            return "None".into();
        }
        let inner = place.deeper();
        match self.random.below(9) {
            0 if fresh => name.into(),
            1 if fresh => format!("[*{name}]"),
            2 if fresh => format!("{{'k': {}, **{name}}}", self.pattern(inner, captured)),
            3 if fresh => format!("({} as {name})", self.pattern(inner, captured)),
            4 => format!(
                "{}({}, k={})",
                self.name(),
                self.pattern(inner, captured),
                { self.pattern(inner, captured) }
            ),
            5 => format!(
                "[{}, _, {}]",
                self.pattern(inner, captured),
                self.pattern(inner, captured)
            ),
            6 => format!("{}.__e", self.name()),
            7 => "(-1 | 'x' | 2+3j)".into(),
            _ => "_".into(),
        }
    }

    fn leave(&mut self, place: Place) {
        let value = self.expression(place);
        let text = match self.random.below(5) {
            0 if place.in_loop => "break".into(),
            1 if place.in_loop => "continue".into(),
            2 | 3 if place.in_function && !place.in_star => match place.bare_return {
                true => "return".into(),
                false => format!("return {value}"),
            },
            4 => format!("raise {value}"),
            _ => format!("assert {value}"),
        };
        self.line(place, &text);
    }

    /// `a.b` may follow it.
    fn primary(&mut self, place: Place) -> String {
        match self.random.below(4) {
            0 => format!("({})", self.expression(place)),
            1 => "super()".into(),
            _ => self.name().into(),
        }
    }

    fn starred(&mut self, place: Place) -> String {
        match self.random.one_in(4) {
            true => format!("*{}", self.primary(place)),
            false => self.expression(place),
        }
    }

    fn expression(&mut self, place: Place) -> String {
        if self.spent(place) || self.random.one_in(3) {
            return match self.random.below(8) {
                0 => "super()".into(),
                1 => "1".into(),
                2 => "locals()".into(),
                _ => self.name().into(),
            };
        }
        let inner = place.deeper();
        match self.random.below(22) {
            0 | 1 => self.lambda(inner),
            2..=6 => self.comprehension(inner),
            7 if place.may_walrus => self.walrus(inner),
            8 if place.may_yield => match self.random.one_in(2) && !place.in_async {
                true => format!("(yield from {})", self.expression(inner)),
                false => format!("(yield {})", self.expression(inner)),
            },
            9 if place.may_await => format!("(await {})", self.primary(inner)),
            10 => self.interpolated(inner),
            11 => format!("({}, {})", self.starred(inner), self.starred(inner)),
            12 => format!("[{}, {}]", self.starred(inner), self.starred(inner)),
            13 => format!(
                "{{{}: {}, **{}}}",
                self.expression(inner),
                self.expression(inner),
                self.primary(inner)
            ),
            14 => format!("{{*{}, {}}}", self.primary(inner), self.expression(inner)),
            15 => format!(
                "({} if {} else {})",
                self.expression(inner),
                self.expression(inner),
                self.expression(inner)
            ),
            16 => {
                let operator = ["and", "or", "<", "in", "is not", "+", "**"];
                let operator = operator[self.random.below(operator.len())];
                let (left, right) = (self.primary(inner), self.expression(inner));
                format!("({left} {operator} {right} < {})", self.primary(inner))
            }
            17 => format!(
                "{}({}, k={}, **{})",
                self.primary(inner),
                self.starred(inner),
                self.expression(inner),
                self.primary(inner)
            ),
            18 => format!("{}[{}:]", self.primary(inner), self.expression(inner)),
            19 => format!("{}.{}", self.primary(inner), self.name()),
            20 => format!("(not {})", self.expression(inner)),
            _ => format!("super().{}({})", self.name(), self.expression(inner)),
        }
    }

    fn walrus(&mut self, place: Place) -> String {
        let name = self.plain();
        match place.iterated.has(name) {
            true => self.expression(place),
            false => format!("({} := {})", NAMES[name], self.expression(place)),
        }
    }

    fn lambda(&mut self, place: Place) -> String {
        let (parameters, names) = self.parameters(place, false);
        let inside = Place {
            in_function: true,
            in_async: false,
            in_class: false,
            may_yield: true,
            may_await: false,
            may_walrus: true,
            outer: place.outer.with(names),
            iterated: Names::default(),
            ..place
        };
        format!("(lambda {parameters}: {})", self.expression(inside))
    }

    fn interpolated(&mut self, place: Place) -> String {
        let prefix = if self.random.one_in(3) { "t" } else { "f" };
        let (value, width) = (self.primary(place), self.primary(place));
        let tail = ["", "!r", "=", "=!s"][self.random.below(4)];
        match self.random.one_in(2) {
            true => format!("{prefix}'''x {{{value}{tail}:>{{{width}}}}}'''"),
            false => format!("{prefix}'''{{{value}{tail}}}{{{width}}}'''"),
        }
    }

    fn comprehension(&mut self, place: Place) -> String {
        let kind = self.random.below(4);
        let generator = kind == 3;
        // The first iterable is evaluated outside; no `:=` in any iterable.
        let outside = Place {
            may_walrus: false,
            ..place
        };
        let mut clauses = String::new();
        let mut iterated = place.iterated;
        let mut targets = Vec::new();
        for _ in 0..1 + self.random.below(2) {
            let name = self.plain();
            iterated.add(name);
            let target = match self.random.below(4) {
                0 => format!("[{}, *_]", NAMES[name]),
                1 => format!("{}, ", NAMES[name]),
                _ => NAMES[name].into(),
            };
            targets.push(target);
        }
        let may_async = generator && place.may_walrus || place.in_async;
        let inside = Place {
            may_yield: false,
            may_await: place.may_await,
            may_walrus: place.may_walrus && !place.in_class,
            iterated,
            ..place
        };
        for (index, target) in targets.iter().enumerate() {
            let around = match index {
                0 => outside,
                _ => Place {
                    may_walrus: false,
                    ..inside
                },
            };
            let items = match self.random.one_in(2) {
                true => self.primary(around),
                false => format!("[{}]", self.expression(around)),
            };
            let prefix = match may_async && self.random.one_in(3) {
                true => "async ",
                false => "",
            };
            clauses.push_str(&format!(" {prefix}for {target} in {items}"));
            if self.random.one_in(4) {
                clauses.push_str(&format!(" if {}", self.expression(inside)));
            }
        }
        let element = self.expression(inside);
        match kind {
            0 => format!("[{element}{clauses}]"),
            1 => format!("{{{element}{clauses}}}"),
            2 => {
                let value = self.expression(inside);
                format!("{{{element}: {value}{clauses}}}")
            }
            _ => format!("({element}{clauses})"),
        }
    }
}
