//! Binding call arguments to the parameters of native functions, driven by the Python text of their signatures.
//!
//! There is one binder, [`bind`]; its messages are those of CPython's argument parsers. [`call_native`] is the way into every
//! native function.

use crate::Py;
use crate::Raised;
use crate::args::Args;
use crate::dict_object::{Dict, new_dict};
use crate::native::{MethodDef, NativeFn};
use crate::str_object::{self, immortal_name, str_eq};
use crate::tuple_object::new_tuple;
use crate::type_object::TypeObject;
use crate::value::Value;
use crate::vm::Vm;
use smallvec::SmallVec;

/// How a parameter can be given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParameterKind {
    PositionalOnly,
    PositionalOrKeyword,
    /// `*args`
    Rest,
    KeywordOnly,
    /// `**kwargs`
    KeywordRest,
}

/// One parameter of a native function.
pub struct Parameter {
    /// Interned, immortal.
    pub name: Value,
    pub text: &'static str,
    pub kind: ParameterKind,
    /// The text behind `=`.
    pub default: Option<&'static str>,
}

/// A parsed signature, without its receiver.
pub struct Signature {
    /// `"self"`, `"type"` or `"module"` as written (without `$`), if written.
    receiver: Option<&'static str>,
    /// What stands between the parentheses behind the receiver and its comma.
    tail: &'static str,
    parameters: Vec<Parameter>,
    /// Parameters that positional values fill, rest not counted.
    positional: usize,
    /// Of these, how many have no default.
    required: usize,
    positional_only: usize,
    rest: Option<usize>,
    keyword_rest: Option<usize>,
}

const RECEIVERS: [&str; 5] = ["self", "cls", "type", "module", "mcs"];

impl Signature {
    /// Parses `"name(self, a, /, b=1, *rest, c, **others)"`.
    pub fn parse(text: &'static str) -> Signature {
        let inside = match (text.find('('), text.rfind(')')) {
            (Some(open), Some(close)) if open < close => &text[open + 1..close],
            _ => "",
        };
        let mut parts: Vec<&'static str> = split_commas(inside)
            .into_iter()
            .flat_map(optional_parts)
            .collect();
        let mut receiver = None;
        let mut tail = inside.trim();
        if let Some(first) = parts.first() {
            let bare = first.trim_start_matches('$');
            if RECEIVERS.contains(&bare) {
                receiver = Some(if bare == "self" || bare == "module" {
                    bare
                } else {
                    "type"
                });
                parts.remove(0);
                tail = inside.split_once(',').map_or("", |(_, tail)| tail).trim();
            }
        }
        Signature::from_parts(receiver, tail, &parts)
    }

    fn from_parts(
        receiver: Option<&'static str>,
        tail: &'static str,
        parts: &[&'static str],
    ) -> Signature {
        let mut signature = Signature {
            receiver,
            tail,
            parameters: Vec::with_capacity(parts.len()),
            positional: 0,
            required: 0,
            positional_only: 0,
            rest: None,
            keyword_rest: None,
        };
        let mut kind = ParameterKind::PositionalOrKeyword;
        for part in parts.iter().copied() {
            match part {
                "" => {}
                "/" => {
                    signature
                        .parameters
                        .iter_mut()
                        .for_each(|p| p.kind = ParameterKind::PositionalOnly);
                    signature.positional_only = signature.parameters.len();
                }
                "*" => kind = ParameterKind::KeywordOnly,
                _ => {
                    let (text, default) =
                        match (part.split_once('='), part.strip_prefix(['[', ' '])) {
                            (Some((text, default)), _) => (text.trim(), Some(default.trim())),
                            (None, Some(text)) => (text.trim(), Some("")),
                            (None, None) => (part, None),
                        };
                    let index = signature.parameters.len();
                    let (text, own_kind) = if let Some(text) = text.strip_prefix("**") {
                        signature.keyword_rest = Some(index);
                        (text, ParameterKind::KeywordRest)
                    } else if let Some(text) = text.strip_prefix('*') {
                        signature.rest = Some(index);
                        kind = ParameterKind::KeywordOnly;
                        (text, ParameterKind::Rest)
                    } else {
                        (text, kind)
                    };
                    if own_kind == ParameterKind::PositionalOrKeyword {
                        signature.positional += 1;
                        signature.required += default.is_none() as usize;
                    }
                    signature.parameters.push(Parameter {
                        name: immortal_name(text),
                        text,
                        kind: own_kind,
                        default,
                    });
                }
            }
        }
        signature
    }

    /// The parameters in order, without the receiver.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Least number of positional values, if none is given by name.
    pub fn required(&self) -> usize {
        self.required
    }

    /// Greatest number of positional values; `None` with `*args`.
    pub fn max_positional(&self) -> Option<usize> {
        if self.rest.is_some() {
            None
        } else {
            Some(self.positional)
        }
    }

    /// Can no argument be given by name?
    pub fn takes_no_keywords(&self) -> bool {
        self.keyword_rest.is_none()
            && self
                .parameters
                .iter()
                .all(|p| matches!(p.kind, ParameterKind::PositionalOnly | ParameterKind::Rest))
    }

    /// `__text_signature__`; `receiver` is used if the signature names none.
    pub fn text_signature(&self, receiver: Option<&str>) -> String {
        let Some(receiver) = self.receiver.or(receiver) else {
            return format!("({})", self.tail);
        };
        if self.tail.is_empty() {
            return format!("(${receiver}, /)");
        }
        // A receiver is positional-only: the slash must stand behind it.
        if self.positional_only > 0 || self.tail.starts_with('/') {
            return format!("(${receiver}, {})", self.tail);
        }
        format!("(${receiver}, /, {})", self.tail)
    }

    fn keyword_index(&self, name: &Value) -> Option<usize> {
        let by_name = |p: &Parameter| {
            matches!(
                p.kind,
                ParameterKind::PositionalOrKeyword | ParameterKind::KeywordOnly
            )
        };
        match self
            .parameters
            .iter()
            .position(|p| by_name(p) && p.name.is(name))
        {
            Some(index) => Some(index),
            None => self
                .parameters
                .iter()
                .position(|p| by_name(p) && str_eq(&p.name, name)),
        }
    }
}

/// The parameters of a part such as `sub[, start[, end]]`: those in brackets are optional and keep a `[` in front.
fn optional_parts(part: &'static str) -> Vec<&'static str> {
    let Some(first) = part.find('[').filter(|at| !part[..*at].contains('=')) else {
        return vec![part];
    };
    let mut out = vec![part[..first].trim()];
    for (at, _) in part.match_indices('[') {
        let name = part[at + 1..].trim_start_matches([',', ' ']);
        let end = name.find(['[', ',', ']']).unwrap_or(name.len());
        let start = part.len() - name.len();
        // The bracket or blank in front of the name stands for "optional".
        out.push(part[start - 1..start + end].trim_end());
    }
    out.retain(|part| !part.is_empty());
    out
}

/// Splits at commas outside of quotes and brackets.
fn split_commas(text: &'static str) -> Vec<&'static str> {
    let mut parts = Vec::new();
    let mut depth = 0;
    let mut quote = None;
    let mut start = 0;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if let Some(open) = quote {
            if !escaped && c == open {
                quote = None;
            }
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '\'' | '"' => quote = Some(c),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = text[start..].trim();
    if !last.is_empty() {
        parts.push(last);
    }
    parts
}

/// Argument values in the order of the parameters.
pub struct Bound {
    values: SmallVec<[Option<Value>; 6]>,
}

impl Bound {
    /// The value of parameter `index`, if given. `*args` is a tuple, `**kwargs` a dict, always given.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&Value> {
        self.values.get(index)?.as_ref()
    }

    /// As [`Bound::get`], but `None` counts as not given.
    #[inline]
    pub fn get_not_none(&self, index: usize) -> Option<&Value> {
        self.get(index).filter(|value| !value.is_none())
    }

    /// The value of a parameter without default.
    ///
    /// # Panics
    /// If parameter `index` has a default and was not given: a bug of the native function.
    #[inline]
    pub fn req(&self, index: usize) -> &Value {
        match self.get(index) {
            Some(value) => value,
            None => panic!("parameter {index} of a native function is optional"),
        }
    }
}

/// Where a native function is at home, for the name in messages.
#[derive(Clone, Copy)]
pub enum Home<'a> {
    /// A method: `list.append()`.
    Type(&'a TypeObject),
    /// A function of a module (its name): `math.sin()`; those of `builtins` go without.
    Module(&'a str),
    None,
}

impl Home<'_> {
    /// The name as CPython's call machinery writes it: `list.append()`.
    fn function_text(&self, def: &MethodDef) -> String {
        match self {
            Home::Type(ty) => format!("{}.{}()", ty.short_name(), def.name()),
            Home::Module(module) if *module != "builtins" && !module.is_empty() => {
                format!("{module}.{}()", def.name())
            }
            _ => format!("{}()", def.name()),
        }
    }
}

/// Calls a native function on its receiver after checking (and binding) the arguments.
#[inline]
pub fn call_native(
    vm: &mut Vm,
    def: &'static MethodDef,
    receiver: &Value,
    args: Args<'_>,
    home: Home<'_>,
) -> Py {
    match def.function {
        NativeFn::F0(function) => {
            if args.is_empty() {
                return function(vm, receiver);
            }
        }
        NativeFn::F1(function) => {
            if let ([argument], []) = (args.all(), args.names()) {
                return function(vm, receiver, argument);
            }
        }
        NativeFn::F2(function) => {
            if let ([first, second], []) = (args.all(), args.names()) {
                return function(vm, receiver, first, second);
            }
        }
        NativeFn::Slice(function) => {
            let signature = def.parsed();
            let count = args.all().len();
            if !args.has_keywords()
                && count >= signature.required
                && (count <= signature.positional || signature.rest.is_some())
            {
                return function(vm, receiver, args.all());
            }
        }
        NativeFn::Raw(function) => return function(vm, receiver, args),
        NativeFn::Bound(function) => {
            let bound = bind_at(vm, def, args, home)?;
            return function(vm, receiver, &bound);
        }
    }
    Err(wrong_arguments(vm, def, args, home))
}

/// The error of a call that fits no parameter list without keywords.
#[cold]
#[inline(never)]
fn wrong_arguments(vm: &mut Vm, def: &'static MethodDef, args: Args<'_>, home: Home<'_>) -> Raised {
    let signature = def.parsed();
    let text = home.function_text(def);
    let given = args.all().len();
    if args.has_keywords() {
        return vm.type_error(format!("{text} takes no keyword arguments"));
    }
    let message = match def.function {
        NativeFn::F0(_) => format!("{text} takes no arguments ({given} given)"),
        NativeFn::F1(_) => format!("{text} takes exactly one argument ({given} given)"),
        NativeFn::F2(_) => expected(def.name(), 2, Some(2), given),
        _ => expected(
            def.name(),
            signature.required,
            signature.max_positional(),
            given,
        ),
    };
    vm.type_error(message)
}

/// `"pop expected at most 1 argument, got 2"`
fn expected(name: &str, min: usize, max: Option<usize>, given: usize) -> String {
    let (least, bound) = if given < min {
        (if max == Some(min) { "" } else { "at least " }, min)
    } else {
        (
            if max == Some(min) { "" } else { "at most " },
            max.unwrap_or(min),
        )
    };
    format!(
        "{name} expected {least}{bound} argument{}, got {given}",
        plural(bound)
    )
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Binds arguments to the parameters of `def`.
pub fn bind(vm: &mut Vm, def: &'static MethodDef, args: Args<'_>) -> Py<Bound> {
    bind_at(vm, def, args, Home::None)
}

/// As [`bind`], with the function's home for messages.
pub fn bind_at(vm: &mut Vm, def: &'static MethodDef, args: Args<'_>, home: Home<'_>) -> Py<Bound> {
    let signature = def.parsed();
    let positional = args.pos();
    if args.has_keywords() && signature.takes_no_keywords() {
        let text = home.function_text(def);
        return Err(vm.type_error(format!("{text} takes no keyword arguments")));
    }
    check_counts(vm, def, signature, args)?;
    let count = signature.parameters.len();
    let mut values: SmallVec<[Option<Value>; 6]> = SmallVec::with_capacity(count);
    values.extend(
        positional
            .iter()
            .take(signature.positional)
            .cloned()
            .map(Some),
    );
    values.resize(count, None);
    if let Some(rest) = signature.rest {
        let extra = positional.get(signature.positional..).unwrap_or(&[]);
        values[rest] = Some(new_tuple(extra.iter().cloned()));
    }
    if let Some(index) = signature.keyword_rest {
        values[index] = Some(new_dict());
    }
    let mut unknown = None;
    for (name, value) in args.keywords() {
        match signature.keyword_index(name) {
            Some(index) if index < positional.len() && index < signature.positional => {
                let message = format!(
                    "argument for {}() given by name ('{}') and position ({})",
                    def.name(),
                    signature.parameters[index].text,
                    index + 1
                );
                return Err(vm.type_error(message));
            }
            Some(index) => values[index] = Some(value.clone()),
            None => match signature
                .keyword_rest
                .and_then(|index| values[index].as_ref())
            {
                Some(dict) => {
                    dict.expect::<Dict>().insert(vm, name, value.clone())?;
                }
                None => unknown = unknown.or(Some(name)),
            },
        }
    }
    check_missing(vm, def, signature, &values)?;
    if let Some(name) = unknown {
        return Err(unexpected_keyword(vm, def, name));
    }
    Ok(Bound { values })
}

/// Too many or too few arguments, as far as the numbers alone tell.
fn check_counts(
    vm: &mut Vm,
    def: &'static MethodDef,
    signature: &Signature,
    args: Args<'_>,
) -> Py<()> {
    let given = args.pos().len();
    let name = def.name();
    let all_positional_only = signature.takes_no_keywords();
    if all_positional_only {
        let fits = given >= signature.required
            && (given <= signature.positional || signature.rest.is_some());
        if fits {
            return Ok(());
        }
        return Err(vm.type_error(expected(
            name,
            signature.required,
            signature.max_positional(),
            given,
        )));
    }
    let most = signature.parameters.len() - signature.keyword_rest.is_some() as usize;
    if signature.rest.is_none() && signature.keyword_rest.is_none() && args.all().len() > most {
        let message = format!(
            "{name}() takes {} {most} {}argument{} ({} given)",
            if signature.required < most {
                "at most"
            } else {
                "exactly"
            },
            if given == 0 { "keyword " } else { "" },
            plural(most),
            args.all().len()
        );
        return Err(vm.type_error(message));
    }
    if signature.rest.is_none() && given > signature.positional {
        let most = signature.positional;
        let message = if most == 0 {
            format!("{name}() takes no positional arguments")
        } else {
            let bound = if signature.required < most {
                "at most"
            } else {
                "exactly"
            };
            format!(
                "{name}() takes {bound} {most} positional argument{} ({given} given)",
                plural(most)
            )
        };
        return Err(vm.type_error(message));
    }
    let least = signature.positional_only.min(signature.required);
    if given < least {
        let bound = if least < signature.positional || signature.rest.is_some() {
            "at least"
        } else {
            "exactly"
        };
        let message = format!(
            "{name}() takes {bound} {least} positional argument{} ({given} given)",
            plural(least)
        );
        return Err(vm.type_error(message));
    }
    Ok(())
}

fn check_missing(
    vm: &mut Vm,
    def: &'static MethodDef,
    signature: &Signature,
    values: &[Option<Value>],
) -> Py<()> {
    for (index, (parameter, value)) in signature.parameters.iter().zip(values).enumerate() {
        if value.is_none() && parameter.default.is_none() {
            let message = format!(
                "{}() missing required argument '{}' (pos {})",
                def.name(),
                parameter.text,
                index + 1
            );
            return Err(vm.type_error(message));
        }
    }
    Ok(())
}

#[cold]
fn unexpected_keyword(vm: &mut Vm, def: &'static MethodDef, name: &Value) -> Raised {
    let Some(text) = str_object::str_of(name) else {
        return vm.type_error("keywords must be strings");
    };
    let text = text.to_lossy();
    vm.type_error(format!(
        "{}() got an unexpected keyword argument '{text}'",
        def.name()
    ))
}

#[cfg(test)]
mod tests {
    use super::{optional_parts, split_commas};

    #[test]
    fn brackets_mean_optional() {
        assert_eq!(
            optional_parts("sub[, start[, end]]"),
            ["sub", " start", " end"]
        );
        assert_eq!(optional_parts("a=[]"), ["a=[]"]);
    }

    #[test]
    fn commas_inside_quotes_do_not_split() {
        assert_eq!(
            split_commas("*args, sep=',', end='\\''"),
            ["*args", "sep=','", "end='\\''"]
        );
        assert_eq!(split_commas("a=(1, 2), b"), ["a=(1, 2)", "b"]);
        assert!(split_commas("").is_empty());
    }
}
