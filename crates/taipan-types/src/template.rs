//! Template strings (PEP 750): `Template` and `Interpolation` of `string.templatelib`.

use crate::check;
use crate::str::text::text_of;
use taipan_core::alloc::new_object;
use taipan_core::lock::{HasState, Locked};
use taipan_core::str_object::{empty_str, is_str, new_str};
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Payload, Py, Slots, Tracer, Type, TypeObject, TypeSpec,
    Value, Vm, f0, f1, getter, name,
};

/// The type `string.templatelib.Template`.
pub static TEMPLATE: TypeObject = Type::declare("string.templatelib.Template");
/// The type `string.templatelib.Interpolation`.
pub static INTERPOLATION: TypeObject = Type::declare("string.templatelib.Interpolation");
/// The type of a template's iterators.
pub static TEMPLATE_ITERATOR: TypeObject = Type::declare("string.templatelib.TemplateIter");

/// Payload of templates: one string more than interpolations.
pub struct Template {
    strings: Value,
    interpolations: Value,
}

// SAFETY: two references, both reported.
unsafe impl Payload for Template {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &TEMPLATE
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.strings);
        tracer.visit(&self.interpolations);
    }
}

/// Payload of interpolations.
pub struct Interpolation {
    value: Value,
    expression: Value,
    conversion: Value,
    format_spec: Value,
}

// SAFETY: four references, all reported.
unsafe impl Payload for Interpolation {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &INTERPOLATION
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit_all([
            &self.value,
            &self.expression,
            &self.conversion,
            &self.format_spec,
        ]);
    }
}

/// Which part comes next: `2 * n` is string `n`, `2 * n + 1` interpolation `n`.
pub struct TemplateIterator {
    template: Value,
    next: Locked<usize>,
}

impl HasState for TemplateIterator {
    type State = usize;
    fn cell(&self) -> &Locked<usize> {
        &self.next
    }
}

// SAFETY: the template is the only reference.
unsafe impl Payload for TemplateIterator {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &TEMPLATE_ITERATOR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.template);
    }
}

/// An interpolation of a template literal. The conversion is `None` or one of the strings `s`, `r`, `a`.
pub fn new_interpolation(
    _vm: &mut Vm,
    value: Value,
    expression: Value,
    conversion: Value,
    format_spec: Value,
) -> Py {
    Ok(new_object(Interpolation {
        value,
        expression,
        conversion,
        format_spec,
    }))
}

/// A template of a tuple of strings and a tuple of interpolations.
pub fn new_template(_vm: &mut Vm, strings: Value, interpolations: Value) -> Py {
    Ok(new_object(Template {
        strings,
        interpolations,
    }))
}

fn row(value: &Value) -> &[Value] {
    items(value).unwrap_or(&[])
}

// ---- Template ----

fn template(this: &Value) -> &Template {
    this.expect::<Template>()
}

fn template_new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
    if args.has_keywords() {
        return Err(vm.type_error("Template.__new__ only accepts *args arguments"));
    }
    let mut strings: Vec<Value> = Vec::new();
    let mut interpolations: Vec<Value> = Vec::new();
    // Neighbouring strings are joined, and neighbouring interpolations get an empty one between them.
    let mut pending: Option<Value> = None;
    for part in args.pos() {
        if is_str(part) {
            pending = Some(match pending {
                Some(before) => crate::str::concat(vm, &before, part)?,
                None => part.clone(),
            });
        } else if part.is_instance(&INTERPOLATION) {
            strings.push(pending.take().unwrap_or_else(empty_str));
            interpolations.push(part.clone());
        } else {
            let message = format!(
                "Template.__new__ *args need to be of type 'str' or 'Interpolation', got {}",
                part.type_of().name()
            );
            return Err(vm.type_error(message));
        }
    }
    strings.push(pending.unwrap_or_else(empty_str));
    new_template(vm, new_tuple(strings), new_tuple(interpolations))
}

fn template_repr(vm: &mut Vm, this: &Value) -> Py {
    let own = template(this);
    let mut out = taipan_base::text::TextBuf::from("Template(strings=");
    let strings = vm.repr(&own.strings)?;
    out.push_text(crate::str::text::text(&strings));
    out.push_str(", interpolations=");
    let interpolations = vm.repr(&own.interpolations)?;
    out.push_text(crate::str::text::text(&interpolations));
    out.push_str(")");
    crate::str::from_buf(vm, out)
}

fn template_concat(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (Some(left), Some(right)) = (a.cast::<Template>(), b.cast::<Template>()) else {
        let message = format!(
            "can only concatenate string.templatelib.Template (not \"{}\") to string.templatelib.Template",
            b.type_of().full_name()
        );
        return Err(vm.type_error(message));
    };
    let (first, second) = (row(&left.strings), row(&right.strings));
    let mut strings = first.to_vec();
    if let (Some(last), Some(next)) = (strings.pop(), second.first()) {
        strings.push(crate::str::concat(vm, &last, next)?);
    }
    strings.extend_from_slice(second.get(1..).unwrap_or(&[]));
    let mut interpolations = row(&left.interpolations).to_vec();
    interpolations.extend_from_slice(row(&right.interpolations));
    new_template(vm, new_tuple(strings), new_tuple(interpolations))
}

fn template_iter(_vm: &mut Vm, this: &Value) -> Py {
    Ok(new_object(TemplateIterator {
        template: this.clone(),
        next: Locked::new(0),
    }))
}

fn iterator_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let iterator = this.expect::<TemplateIterator>();
    let own = template(&iterator.template);
    loop {
        let at = {
            let mut next = iterator.lock(vm);
            *next += 1;
            *next - 1
        };
        let parts = if at % 2 == 0 {
            &own.strings
        } else {
            &own.interpolations
        };
        let Some(part) = row(parts).get(at / 2) else {
            return Ok(None);
        };
        // Empty strings are left out.
        if text_of(part).is_none_or(|text| !text.is_empty()) {
            return Ok(Some(part.clone()));
        }
    }
}

fn same(_vm: &mut Vm, this: &Value) -> Py {
    Ok(this.clone())
}

fn template_reduce(vm: &mut Vm, this: &Value) -> Py {
    let module = crate::codec::registry::import(vm, "string.templatelib")?;
    let templatelib = vm.get_attr(&module, name!("templatelib"))?;
    let function = vm.get_attr(&templatelib, name!("_template_unpickle"))?;
    let own = template(this);
    let parts = new_tuple([own.strings.clone(), own.interpolations.clone()]);
    Ok(new_tuple([function, parts]))
}

fn values(_vm: &mut Vm, this: &Value) -> Py {
    let all = row(&template(this).interpolations)
        .iter()
        .map(|part| part.expect::<Interpolation>().value.clone());
    Ok(new_tuple(all.collect::<Vec<_>>()))
}

// ---- Interpolation ----

fn interpolation(this: &Value) -> &Interpolation {
    this.expect::<Interpolation>()
}

fn interpolation_new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
    let names = ["value", "expression", "conversion", "format_spec"];
    let [value, expression, conversion, format_spec] =
        crate::arguments::take(vm, "Interpolation", args, names, 0)?;
    let Some(value) = value else {
        return Err(vm.type_error("Interpolation() missing required argument 'value' (pos 1)"));
    };
    let wrong = |vm: &mut Vm, name: &str, value: &Value| {
        let message = format!(
            "Interpolation() argument '{name}' must be str, not {}",
            value.type_of().name()
        );
        vm.type_error(message)
    };
    for (name, value) in [("expression", expression), ("format_spec", format_spec)] {
        if let Some(value) = value
            && !is_str(value)
        {
            return Err(wrong(vm, name, value));
        }
    }
    if let Some(conversion) = conversion.filter(|conversion| !conversion.is_none()) {
        let Some(text) = text_of(conversion) else {
            return Err(wrong(vm, "conversion", conversion));
        };
        if !matches!(text.as_ascii_str(), Some("s" | "r" | "a")) {
            let message = "Interpolation() argument 'conversion' must be one of 's', 'a' or 'r'";
            return Err(vm.value_error(message));
        }
    }
    new_interpolation(
        vm,
        value.clone(),
        expression.cloned().unwrap_or_else(empty_str),
        conversion.cloned().unwrap_or_else(Value::none),
        format_spec.cloned().unwrap_or_else(empty_str),
    )
}

fn interpolation_parts(this: &Value) -> [Value; 4] {
    let own = interpolation(this);
    [
        own.value.clone(),
        own.expression.clone(),
        own.conversion.clone(),
        own.format_spec.clone(),
    ]
}

fn interpolation_repr(vm: &mut Vm, this: &Value) -> Py {
    let mut out = taipan_base::text::TextBuf::from("Interpolation(");
    for (i, part) in interpolation_parts(this).iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        let shown = vm.repr(part)?;
        out.push_text(crate::str::text::text(&shown));
    }
    out.push_str(")");
    crate::str::from_buf(vm, out)
}

fn interpolation_reduce(_vm: &mut Vm, this: &Value) -> Py {
    let class = this.type_of().to_value();
    Ok(new_tuple([class, new_tuple(interpolation_parts(this))]))
}

fn match_args() -> Value {
    new_tuple(["value", "expression", "conversion", "format_spec"].map(new_str))
}

static TEMPLATE_LAYOUT: Layout = Layout::of::<Template>();
static INTERPOLATION_LAYOUT: Layout = Layout::of::<Interpolation>();
static ITERATOR_LAYOUT: Layout = Layout::of::<TemplateIterator>();

static TEMPLATE_METHODS: [MethodDef; 2] = [
    f0(
        "__reduce__(self, /)",
        template_reduce,
        "State for pickling.",
    ),
    f1(
        "__class_getitem__(type, object, /)",
        check::class_getitem,
        "See PEP 585.",
    )
    .class_method(),
];

static TEMPLATE_GETSET: [GetSetDef; 3] = [
    getter(
        "strings",
        |_, this| Ok(template(this).strings.clone()),
        "The strings around the interpolations.",
    ),
    getter(
        "interpolations",
        |_, this| Ok(template(this).interpolations.clone()),
        "The interpolations.",
    ),
    getter("values", values, "The values of the interpolations."),
];

static INTERPOLATION_METHODS: [MethodDef; 2] = [
    f0(
        "__reduce__(self, /)",
        interpolation_reduce,
        "State for pickling.",
    ),
    f1(
        "__class_getitem__(type, object, /)",
        check::class_getitem,
        "See PEP 585.",
    )
    .class_method(),
];

static INTERPOLATION_GETSET: [GetSetDef; 4] = [
    getter(
        "value",
        |_, this| Ok(interpolation(this).value.clone()),
        "The value of the expression.",
    ),
    getter(
        "expression",
        |_, this| Ok(interpolation(this).expression.clone()),
        "The text of the expression.",
    ),
    getter(
        "conversion",
        |_, this| Ok(interpolation(this).conversion.clone()),
        "'s', 'r', 'a' or None.",
    ),
    getter(
        "format_spec",
        |_, this| Ok(interpolation(this).format_spec.clone()),
        "The text of the format specifier.",
    ),
];

static TEMPLATE_SPEC: TypeSpec = TypeSpec {
    name: "string.templatelib.Template",
    layout: Some(&TEMPLATE_LAYOUT),
    slots: Slots {
        new: Some(template_new),
        repr: Some(template_repr),
        iter: Some(template_iter),
        concat: Some(template_concat),
        ..Slots::NONE
    },
    methods: &TEMPLATE_METHODS,
    getset: &TEMPLATE_GETSET,
    doc: "What a template string literal makes: strings and interpolations.",
    ..TypeSpec::DEFAULT
};

static INTERPOLATION_SPEC: TypeSpec = TypeSpec {
    name: "string.templatelib.Interpolation",
    layout: Some(&INTERPOLATION_LAYOUT),
    slots: Slots {
        new: Some(interpolation_new),
        repr: Some(interpolation_repr),
        ..Slots::NONE
    },
    methods: &INTERPOLATION_METHODS,
    getset: &INTERPOLATION_GETSET,
    doc: "A replacement field of a template string, with its value.",
    ..TypeSpec::DEFAULT
};

static ITERATOR_SPEC: TypeSpec = TypeSpec {
    name: "string.templatelib.TemplateIter",
    layout: Some(&ITERATOR_LAYOUT),
    slots: Slots {
        iter: Some(same),
        next: Some(iterator_next),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

/// Defines the types.
pub fn define() {
    TEMPLATE.define(&TEMPLATE_SPEC);
    INTERPOLATION.define(&INTERPOLATION_SPEC);
    TEMPLATE_ITERATOR.define(&ITERATOR_SPEC);
    INTERPOLATION
        .namespace()
        .set_name(name!("__match_args__"), match_args());
}
