//! Replacement templates: literals and group numbers, as `re._parser.parse_template` gives them.

use super::match_object::{Match, group_value};
use super::subject::join;
use taipan_core::alloc::new_instance;
use taipan_core::{
    Layout, Payload, Py, Slots, Tracer, Type, TypeFlags, TypeObject, TypeSpec, Value, Vm,
};
use taipan_types::list;

/// The type `_sre.SRE_Template`.
pub static TEMPLATE: TypeObject = Type::declare("_sre.SRE_Template");

/// Payload of templates: literals around group numbers.
pub struct Template {
    first: Value,
    rest: Vec<(usize, Value)>,
}

// SAFETY: the literals are the only references.
#[expect(unsafe_code, reason = "payloads report their references")]
unsafe impl Payload for Template {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &TEMPLATE
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.first);
        tracer.visit_all(self.rest.iter().map(|(_, literal)| literal));
    }
}

fn is_empty(vm: &mut Vm, literal: &Value) -> Py<bool> {
    Ok(vm.length(literal)? == 0)
}

/// `_sre.template(pattern, [literal, group, literal, ...])`
pub fn template(vm: &mut Vm, _module: &Value, _pattern: &Value, parts: &Value) -> Py {
    if list::list_of(parts).is_none() {
        return Err(vm.type_error("invalid template"));
    }
    let parts = vm.to_vec(parts)?;
    let Some((first, rest)) = parts.split_first().filter(|(_, rest)| rest.len() % 2 == 0) else {
        return Err(vm.type_error("invalid template"));
    };
    let mut groups = Vec::new();
    for pair in rest.chunks_exact(2) {
        match vm.index_i64(&pair[0])? {
            group @ 0.. => groups.push((group as usize, pair[1].clone())),
            _ => return Err(vm.type_error("invalid template")),
        }
    }
    Ok(new_instance(
        &TEMPLATE,
        Template {
            first: first.clone(),
            rest: groups,
        },
    ))
}

/// The text of a template for a match.
pub fn expand(vm: &mut Vm, template: &Template, of: &Match, is_bytes: bool) -> Py {
    let mut parts = Vec::with_capacity(template.rest.len() * 2 + 1);
    if !is_empty(vm, &template.first)? {
        parts.push(template.first.clone());
    }
    for (group, literal) in &template.rest {
        if *group > of.groups() {
            return Err(vm.index_error("no such group"));
        }
        let value = group_value(vm, of, *group)?;
        if !value.is_none() {
            parts.push(value);
        }
        if !is_empty(vm, literal)? {
            parts.push(literal.clone());
        }
    }
    match &parts[..] {
        [] => Ok(template.first.clone()),
        [part] => Ok(part.clone()),
        _ => join(vm, is_bytes, &parts),
    }
}

static LAYOUT: Layout = Layout::of::<Template>();

static SPEC: TypeSpec = TypeSpec {
    name: "_sre.SRE_Template",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&LAYOUT),
    slots: Slots::NONE,
    ..TypeSpec::DEFAULT
};

pub fn define() {
    TEMPLATE.define(&SPEC);
}
