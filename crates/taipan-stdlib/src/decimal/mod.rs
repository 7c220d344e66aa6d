//! `_decimal`: decimal numbers over `taipan_decimal`, which has the arithmetic.
//!
//! `signals` has exceptions and the mappings of flags and traps, `context` contexts, `current` which of them is the current one, `number`
//! the type `Decimal`, `construct` what becomes a number, `methods` and `context_methods` the operations by name.

mod construct;
mod context;
mod context_methods;
mod current;
mod format;
mod methods;
mod number;
mod ordering;
mod signals;

use crate::ModuleDef;
use crate::support::{add, add_type};
use taipan_core::latch::Latch;
use taipan_core::str_object::{name, new_str, try_new_ascii};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Args, MethodDef, Py, Raised, Value, Vm, f0, f1, name, raw};
use taipan_decimal::{MAX_EMAX, MAX_PREC, MIN_EMIN, MIN_ETINY, NoMemory};
use taipan_types::list::new_list;

/// `_decimal`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_decimal",
    doc: "Decimal floating-point arithmetic after the General Decimal Arithmetic specification.",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 4] = [
    f0(
        "getcontext(module, /)",
        current::getcontext,
        "The current context, a copy of DefaultContext if none was set.",
    ),
    f1(
        "setcontext(module, context, /)",
        current::setcontext,
        "Make a context the current one.",
    ),
    raw(
        "localcontext(module, /, ctx=None, **kwargs)",
        current::localcontext,
        "A context manager: within it the current context is a copy of ctx (or of the\n\
         current one) with the attributes given by name.",
    ),
    f1(
        "IEEEContext(module, bits, /)",
        context::ieee,
        "A context of an IEEE interchange format. The number of bits is a multiple of\n\
         32, not above IEEE_CONTEXT_MAX_BITS.",
    ),
];

/// What the module keeps for an interpreter.
#[derive(Default)]
struct State {
    signals: Latch<Option<&'static signals::Signals>>,
    templates: Latch<Vec<Value>>,
    variable: Latch<Option<Value>>,
    tuple: Latch<Option<Value>>,
    rational: Latch<Option<Value>>,
}

fn state(vm: &Vm) -> &'static State {
    vm.interpreter_state::<State>()
}

/// A module that is imported anew gets the classes and contexts that there are.
fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    if state(vm).tuple.borrow().is_none() {
        make_all(vm)?;
    }
    signals::add_classes(vm, dict)?;
    add_type(dict, &number::DECIMAL);
    add_type(dict, &context::CONTEXT);
    let tuple = state(vm).tuple.borrow().clone();
    add(dict, "DecimalTuple", tuple.unwrap_or_else(Value::none));
    for (name, template) in ["DefaultContext", "BasicContext", "ExtendedContext"]
        .iter()
        .zip(&*state(vm).templates.borrow())
    {
        add(dict, name, template.clone());
    }
    for text in context::ROUNDINGS {
        add(dict, text, name(text));
    }
    for (name, value) in [
        ("MAX_PREC", MAX_PREC),
        ("MAX_EMAX", MAX_EMAX),
        ("MIN_EMIN", MIN_EMIN),
        ("MIN_ETINY", MIN_ETINY),
        ("IEEE_CONTEXT_MAX_BITS", context::MAX_BITS),
    ] {
        add(dict, name, Value::int(value));
    }
    add(dict, "HAVE_THREADS", Value::bool(true));
    add(dict, "HAVE_CONTEXTVAR", Value::bool(true));
    add(dict, "__version__", new_str("1.70"));
    add(dict, "__libmpdec_version__", new_str("2.5.1"));
    Ok(())
}

fn make_all(vm: &mut Vm) -> Py<()> {
    number::define();
    context::define();
    current::define();
    signals::define(vm)?;
    let numbers = import(vm, "numbers")?;
    let number = vm.get_attr(&numbers, name!("Number"))?;
    vm.call_method(&number, name!("register"), &[number::DECIMAL.to_value()])?;
    *state(vm).rational.borrow_mut() = Some(vm.get_attr(&numbers, name!("Rational"))?);
    *state(vm).variable.borrow_mut() = Some(crate::contextvars::new_var("decimal_context", None));
    let templates = context::templates(vm)?;
    *state(vm).templates.borrow_mut() = templates;
    let tuple = decimal_tuple(vm)?;
    *state(vm).tuple.borrow_mut() = Some(tuple);
    Ok(())
}

fn import(vm: &mut Vm, module: &str) -> Py {
    crate::builtins::import::import_module(vm, module)
}

/// The class of what `as_tuple` gives.
fn decimal_tuple(vm: &mut Vm) -> Py {
    let collections = import(vm, "collections")?;
    let fields = new_list(vec![
        new_str("sign"),
        new_str("digits"),
        new_str("exponent"),
    ]);
    let class = vm.call_method(
        &collections,
        name!("namedtuple"),
        &[new_str("DecimalTuple"), fields],
    )?;
    vm.set_attr_str(&class, "__module__", &new_str("decimal"))?;
    Ok(class)
}

#[cold]
fn no_memory(vm: &mut Vm, _error: NoMemory) -> Raised {
    vm.memory_error()
}

/// Text of digits, signs and letters.
fn ascii_text(vm: &mut Vm, text: Result<Vec<u8>, NoMemory>) -> Py {
    match text {
        Ok(text) => ascii(vm, &text),
        Err(error) => Err(no_memory(vm, error)),
    }
}

fn ascii(vm: &mut Vm, text: &[u8]) -> Py {
    match try_new_ascii(text) {
        Some(text) => Ok(text),
        None => Err(vm.memory_error()),
    }
}

/// Arguments bound to names, of which the first `required` must be there, with the words of CPython's argument parser.
fn bind<'a, const N: usize>(
    vm: &mut Vm,
    args: Args<'a>,
    names: [&str; N],
    required: usize,
) -> Py<[Option<&'a Value>; N]> {
    let mut bound = [None; N];
    let given = args.all().len();
    if given > N {
        let bound = if required == N { "exactly" } else { "at most" };
        let plural = if N == 1 { "" } else { "s" };
        let message = format!("function takes {bound} {N} argument{plural} ({given} given)");
        return Err(vm.type_error(message));
    }
    for (place, value) in bound.iter_mut().zip(args.pos()) {
        *place = Some(value);
    }
    for (keyword, value) in args.keywords() {
        let at = names.iter().position(|own| {
            taipan_core::str_object::str_of(keyword).is_some_and(|text| text.ascii() == Some(own))
        });
        match at {
            Some(at) if at < args.pos().len() => {
                let message = format!(
                    "argument for function given by name ('{}') and position ({})",
                    names[at],
                    at + 1
                );
                return Err(vm.type_error(message));
            }
            Some(at) => bound[at] = Some(value),
            None => {
                let keyword = vm.str_string(keyword)?;
                let message =
                    format!("this function got an unexpected keyword argument '{keyword}'");
                return Err(vm.type_error(message));
            }
        }
    }
    for at in 0..required {
        if bound[at].is_none() {
            let message = format!(
                "function missing required argument '{}' (pos {})",
                names[at],
                at + 1
            );
            return Err(vm.type_error(message));
        }
    }
    Ok(bound)
}

/// Arguments by position only.
fn positional<'a>(
    vm: &mut Vm,
    name: &str,
    args: Args<'a>,
    least: usize,
    most: usize,
) -> Py<&'a [Value]> {
    if args.has_keywords() {
        return Err(vm.type_error(format!("{name}() takes no keyword arguments")));
    }
    let given = args.all().len();
    if (least..=most).contains(&given) {
        return Ok(args.all());
    }
    let (word, bound) = match () {
        () if least == most => ("exactly", most),
        () if given < least => ("at least", least),
        () => ("at most", most),
    };
    let plural = if bound == 1 { "" } else { "s" };
    Err(vm.type_error(format!(
        "function takes {word} {bound} argument{plural} ({given} given)"
    )))
}

/// A tuple of two.
fn pair(first: Value, second: Value) -> Value {
    new_tuple([first, second])
}
