//! Patterns of `match` as Python objects.

use super::to_python::Maker;
use taipan_core::str_object::name;
use taipan_core::{Py, Value, Vm};
use taipan_syntax::Ranged;
use taipan_syntax::ast::{Identifier, Pattern, Singleton};
use taipan_types::list::new_list;

fn optional(id: Option<&Identifier>) -> Value {
    id.map_or_else(Value::none, |id| name(&id.id))
}

impl Maker<'_> {
    fn patterns(&mut self, vm: &mut Vm, patterns: &[Pattern]) -> Py {
        let mut row = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            row.push(self.pattern(vm, pattern)?);
        }
        Ok(new_list(row))
    }

    pub(super) fn pattern(&mut self, vm: &mut Vm, pattern: &Pattern) -> Py {
        vm.check_stack()?;
        let range = pattern.range();
        match pattern {
            Pattern::MatchValue(p) => {
                let value = self.expr(vm, &p.value)?;
                self.node(vm, "MatchValue", range, &[("value", value)])
            }
            Pattern::MatchSingleton(p) => {
                let value = match p.value {
                    Singleton::None => Value::none(),
                    Singleton::True => Value::bool(true),
                    Singleton::False => Value::bool(false),
                };
                self.node(vm, "MatchSingleton", range, &[("value", value)])
            }
            Pattern::MatchSequence(p) => {
                let patterns = self.patterns(vm, &p.patterns)?;
                self.node(vm, "MatchSequence", range, &[("patterns", patterns)])
            }
            Pattern::MatchMapping(p) => {
                let fields = [
                    ("keys", self.exprs(vm, &p.keys)?),
                    ("patterns", self.patterns(vm, &p.patterns)?),
                    ("rest", optional(p.rest.as_ref())),
                ];
                self.node(vm, "MatchMapping", range, &fields)
            }
            Pattern::MatchClass(p) => {
                let cls = self.expr(vm, &p.cls)?;
                let patterns = self.patterns(vm, &p.arguments.patterns)?;
                let (mut names, mut values) = (Vec::new(), Vec::new());
                for keyword in &p.arguments.keywords {
                    names.push(name(&keyword.attr.id));
                    values.push(self.pattern(vm, &keyword.pattern)?);
                }
                let fields = [
                    ("cls", cls),
                    ("patterns", patterns),
                    ("kwd_attrs", new_list(names)),
                    ("kwd_patterns", new_list(values)),
                ];
                self.node(vm, "MatchClass", range, &fields)
            }
            Pattern::MatchStar(p) => self.node(
                vm,
                "MatchStar",
                range,
                &[("name", optional(p.name.as_ref()))],
            ),
            Pattern::MatchAs(p) => {
                let inner = match p.pattern.as_deref() {
                    Some(inner) => self.pattern(vm, inner)?,
                    None => Value::none(),
                };
                let fields = [("pattern", inner), ("name", optional(p.name.as_ref()))];
                self.node(vm, "MatchAs", range, &fields)
            }
            Pattern::MatchOr(p) => {
                let patterns = self.patterns(vm, &p.patterns)?;
                self.node(vm, "MatchOr", range, &[("patterns", patterns)])
            }
        }
    }
}
