//! `BaseExceptionGroup`, `ExceptionGroup`, and what `except*` makes of them.

use super::{get_field, read_only, shown};
use crate::check::class_getitem_row;
use crate::list::{is_exact_list, new_list};
use crate::text::Builder;
use std::collections::HashSet;
use taipan_core::alloc::new_instance;
use taipan_core::builtin_types::{
    BASE_EXCEPTION, BASE_EXCEPTION_GROUP, DICT, EXCEPTION, EXCEPTION_GROUP,
};
use taipan_core::exception::{self, Exception, field, set_field};
use taipan_core::str_object::{is_str, new_str};
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{Args, GetSetDef, MethodDef, Py, Type, TypeObject, Value, Vm, f1, getset, name};

const MESSAGE: usize = 0;
/// A tuple.
const EXCEPTIONS: usize = 1;
/// The `repr` of the sequence that was given, unless that was a list or tuple.
const SHOWN: usize = 2;

pub(super) fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let given = args.pos();
    if given.len() != 2 || args.has_keywords() {
        let message = format!(
            "BaseExceptionGroup.__new__() takes exactly 2 arguments ({} given)",
            given.len()
        );
        return Err(vm.type_error(message));
    }
    if !is_str(&given[0]) {
        let message = format!(
            "BaseExceptionGroup.__new__() argument 1 must be str, not {}",
            given[0].type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let slots = given[1].type_of().slots();
    if slots.get_item.is_none() || given[1].is_instance(&DICT) {
        return Err(vm.type_error("second argument (exceptions) must be a sequence"));
    }
    // Other sequences may have changed until somebody asks what the group looks like.
    let plain = is_exact_list(&given[1]) || given[1].is_exact(&taipan_core::builtin_types::TUPLE);
    let shown = if plain {
        None
    } else {
        Some(vm.repr(&given[1])?)
    };
    let members = vm.to_vec(&given[1])?;
    if members.is_empty() {
        return Err(vm.value_error("second argument (exceptions) must be a non-empty sequence"));
    }
    if let Some(at) = members
        .iter()
        .position(|member| !member.is_instance(&BASE_EXCEPTION))
    {
        let message = format!("Item {at} of second argument (exceptions) is not an exception");
        return Err(vm.value_error(message));
    }
    let nested_base = members.iter().any(|member| !member.is_instance(&EXCEPTION));
    let class = checked_class(vm, cls, nested_base)?;
    let this = new_instance(class, Exception::new(new_tuple(given.iter().cloned())));
    set_field(vm, &this, MESSAGE, Some(given[0].clone()));
    set_field(vm, &this, EXCEPTIONS, Some(new_tuple(members)));
    if shown.is_some() {
        set_field(vm, &this, SHOWN, shown);
    }
    Ok(this)
}

/// The class of a group, given whether a member is no `Exception`.
fn checked_class<'a>(vm: &mut Vm, cls: &'a TypeObject, nested_base: bool) -> Py<&'a TypeObject> {
    if std::ptr::eq(cls, &BASE_EXCEPTION_GROUP) {
        return Ok(if nested_base { cls } else { &EXCEPTION_GROUP });
    }
    if nested_base && cls.is_subtype(&EXCEPTION) {
        if std::ptr::eq(cls, &EXCEPTION_GROUP) {
            return Err(vm.type_error("Cannot nest BaseExceptions in an ExceptionGroup"));
        }
        let message = format!("Cannot nest BaseExceptions in '{}'", cls.full_name());
        return Err(vm.type_error(message));
    }
    Ok(cls)
}

/// Is it an exception group?
pub fn is_group(value: &Value) -> bool {
    value.is_instance(&BASE_EXCEPTION_GROUP)
}

/// The members of a group, as a tuple.
pub fn members(vm: &mut Vm, group: &Value) -> Value {
    field(vm, group, EXCEPTIONS).unwrap_or_else(taipan_core::tuple_object::empty_tuple)
}

/// `BaseExceptionGroup(message, exceptions)`
pub fn create(vm: &mut Vm, message: &str, exceptions: Vec<Value>) -> Py {
    let args = [new_str(message), new_list(exceptions)];
    vm.call(&BASE_EXCEPTION_GROUP.to_value(), &args)
}

pub(super) fn str(vm: &mut Vm, this: &Value) -> Py {
    let message = field(vm, this, MESSAGE);
    let message = shown(vm, message.as_ref())?;
    let all = members(vm, this);
    let count = items(&all).map_or(0, <[Value]>::len);
    let mut out = Builder::new();
    out.push_value(&message);
    let plural = if count == 1 { "" } else { "s" };
    out.push_str(&format!(" ({count} sub-exception{plural})"));
    out.finish(vm)
}

/// Shows the members as they were when the group was made, in the kind of sequence that was given.
pub(super) fn repr(vm: &mut Vm, this: &Value) -> Py {
    let args = exception::args(vm, this);
    let all = members(vm, this);
    let given = match items(&args) {
        Some([_, given]) => given.clone(),
        _ => all.clone(),
    };
    let exceptions = if let Some(shown) = field(vm, this, SHOWN) {
        shown
    } else if is_exact_list(&given) {
        let copy = new_list(items(&all).unwrap_or(&[]).to_vec());
        vm.repr(&copy)?
    } else if items(&given).is_some() {
        vm.repr(&all)?
    } else {
        vm.repr(&given)?
    };
    let message = field(vm, this, MESSAGE).unwrap_or_else(Value::none);
    let message = vm.repr(&message)?;
    let mut out = Builder::new();
    out.push_str(this.type_of().short_name());
    out.push_str("(");
    out.push_value(&message);
    out.push_str(", ");
    out.push_value(&exceptions);
    out.push_str(")");
    out.finish(vm)
}

// ---- splitting ----

/// What a member must be to be taken.
enum Matcher {
    /// An instance of one of these classes.
    Classes(Vec<Value>),
    /// Accepted by a function.
    Predicate(Value),
    /// One of these very objects; only leaves are asked.
    Leaves(HashSet<u64>),
}

fn is_class(value: &Value) -> bool {
    value
        .cast::<Type>()
        .is_some_and(|ty| ty.is_subtype(&BASE_EXCEPTION))
}

fn matcher(vm: &mut Vm, value: &Value) -> Py<Matcher> {
    if is_class(value) {
        return Ok(Matcher::Classes(vec![value.clone()]));
    }
    if let Some(classes) = items(value)
        && classes.iter().all(is_class)
    {
        return Ok(Matcher::Classes(classes.to_vec()));
    }
    if vm.is_callable(value) && value.cast::<Type>().is_none() {
        return Ok(Matcher::Predicate(value.clone()));
    }
    Err(vm.type_error(
        "expected an exception type, a tuple of exception types, or a callable (other than a class)",
    ))
}

fn accepts(vm: &mut Vm, matcher: &Matcher, raised: &Value) -> Py<bool> {
    match matcher {
        Matcher::Classes(classes) => Ok(classes.iter().any(|class| {
            class
                .cast::<Type>()
                .is_some_and(|ty| raised.is_instance(ty))
        })),
        Matcher::Predicate(function) => {
            let answer = vm.call(function, std::slice::from_ref(raised))?;
            vm.truth(&answer)
        }
        Matcher::Leaves(ids) => Ok(!is_group(raised) && ids.contains(&raised.bits())),
    }
}

/// Splits an exception into what the matcher takes and (if asked for) what it leaves.
fn split_tree(
    vm: &mut Vm,
    raised: &Value,
    matcher: &Matcher,
    want_rest: bool,
) -> Py<(Option<Value>, Option<Value>)> {
    if accepts(vm, matcher, raised)? {
        return Ok((Some(raised.clone()), None));
    }
    if !is_group(raised) {
        return Ok((None, Some(raised.clone()).filter(|_| want_rest)));
    }
    vm.check_stack()?;
    let mut taken = Vec::new();
    let mut left = Vec::new();
    let all = members(vm, raised);
    for member in items(&all).unwrap_or(&[]) {
        let (matched, rest) = split_tree(vm, member, matcher, want_rest)?;
        taken.extend(matched);
        left.extend(rest);
    }
    let matched = subset(vm, raised, taken)?;
    let rest = if want_rest {
        subset(vm, raised, left)?
    } else {
        None
    };
    Ok((matched, rest))
}

/// A group like `original` with some of its members: same traceback, context, cause and notes.
fn subset(vm: &mut Vm, original: &Value, chosen: Vec<Value>) -> Py<Option<Value>> {
    if chosen.is_empty() {
        return Ok(None);
    }
    let group = vm.call_method(original, name!("derive"), &[new_list(chosen)])?;
    if !is_group(&group) {
        return Err(vm.type_error("derive must return an instance of BaseExceptionGroup"));
    }
    let traceback = exception::traceback(vm, original);
    if traceback.is_some() {
        exception::set_traceback(vm, &group, traceback);
    }
    let context = exception::context(vm, original);
    exception::set_context(vm, &group, context);
    let cause = exception::cause(vm, original);
    exception::set_cause(vm, &group, cause);
    if let Some(notes) = vm.get_attr_opt(original, name!("__notes__"))?
        && notes.type_of().slots().get_item.is_some()
        && !notes.is_instance(&DICT)
    {
        let copy = new_list(vm.to_vec(&notes)?);
        vm.set_attr(&group, name!("__notes__"), Some(&copy))?;
    }
    Ok(Some(group))
}

fn derive(vm: &mut Vm, this: &Value, exceptions: &Value) -> Py {
    let message = field(vm, this, MESSAGE).unwrap_or_else(Value::none);
    vm.call(
        &BASE_EXCEPTION_GROUP.to_value(),
        &[message, exceptions.clone()],
    )
}

fn split(vm: &mut Vm, this: &Value, condition: &Value) -> Py {
    let matcher = matcher(vm, condition)?;
    let (matched, rest) = split_tree(vm, this, &matcher, true)?;
    Ok(new_tuple([
        matched.unwrap_or_else(Value::none),
        rest.unwrap_or_else(Value::none),
    ]))
}

fn subgroup(vm: &mut Vm, this: &Value, condition: &Value) -> Py {
    let matcher = matcher(vm, condition)?;
    let (matched, _) = split_tree(vm, this, &matcher, false)?;
    Ok(matched.unwrap_or_else(Value::none))
}

// ---- except* ----

/// What an `except* class` clause takes from the exception, and what is left for the others. A bare exception that matches
/// comes wrapped in a group.
pub fn split_for_except_star(
    vm: &mut Vm,
    raised: &Value,
    class: &Value,
) -> Py<(Option<Value>, Option<Value>)> {
    if raised.is_none() {
        return Ok((None, None));
    }
    let one = std::slice::from_ref(class);
    let classes = items(class).unwrap_or(one);
    let whole = classes.iter().any(|class| {
        class
            .cast::<Type>()
            .is_some_and(|ty| raised.is_instance(ty))
    });
    if whole {
        if is_group(raised) {
            return Ok((Some(raised.clone()), None));
        }
        let wrapped = create(vm, "", vec![raised.clone()])?;
        return Ok((Some(wrapped), None));
    }
    if !is_group(raised) {
        return Ok((None, Some(raised.clone())));
    }
    let pair = vm.call_method(raised, name!("split"), one)?;
    let ty = raised.type_of().name();
    match items(&pair) {
        Some([matched, rest, ..]) => {
            let present = |value: &Value| Some(value.clone()).filter(|value| !value.is_none());
            Ok((present(matched), present(rest)))
        }
        Some(short) => {
            let message = format!(
                "{ty}.split must return a 2-tuple, got tuple of size {}",
                short.len()
            );
            Err(vm.type_error(message))
        }
        None => {
            let given = pair.type_of().name();
            Err(vm.type_error(format!("{ty}.split must return a tuple, not {given}")))
        }
    }
}

/// What is to be raised at the end of a `try` with `except*` clauses, given what they raised or left (None for nothing).
pub fn prepare_reraise_star(vm: &mut Vm, original: &Value, results: &[Value]) -> Py<Option<Value>> {
    if !is_group(original) {
        // A bare exception: only one clause can have run.
        return Ok(results.first().cloned().filter(|value| !value.is_none()));
    }
    let mut raised = Vec::new();
    let mut reraised = Vec::new();
    for result in results.iter().filter(|result| !result.is_none()) {
        if same_metadata(vm, result, original) {
            reraised.push(result.clone());
        } else {
            raised.push(result.clone());
        }
    }
    if !reraised.is_empty() {
        let mut leaves = HashSet::new();
        for group in &reraised {
            collect_leaves(vm, group, &mut leaves)?;
        }
        let (kept, _) = split_tree(vm, original, &Matcher::Leaves(leaves), false)?;
        if raised.is_empty() {
            return Ok(kept);
        }
        raised.extend(kept);
    }
    match raised.len() {
        0 | 1 => Ok(raised.pop()),
        _ => create(vm, "", raised).map(Some),
    }
}

/// Are traceback, cause and context of two groups the same objects? Then one was split off the other and not raised anew.
fn same_metadata(vm: &mut Vm, a: &Value, b: &Value) -> bool {
    if !is_group(a) || !is_group(b) {
        return false;
    }
    let same = |a: Option<Value>, b: Option<Value>| match (a, b) {
        (Some(a), Some(b)) => a.is(&b),
        (None, None) => true,
        _ => false,
    };
    same(exception::traceback(vm, a), exception::traceback(vm, b))
        && same(exception::cause(vm, a), exception::cause(vm, b))
        && same(exception::context(vm, a), exception::context(vm, b))
}

fn collect_leaves(vm: &mut Vm, raised: &Value, out: &mut HashSet<u64>) -> Py<()> {
    if !is_group(raised) {
        out.insert(raised.bits());
        return Ok(());
    }
    vm.check_stack()?;
    let all = members(vm, raised);
    for member in items(&all).unwrap_or(&[]) {
        collect_leaves(vm, member, out)?;
    }
    Ok(())
}

pub(super) static METHODS: [MethodDef; 4] = [
    class_getitem_row(),
    f1("derive(self, excs, /)", derive, ""),
    f1("split(self, matcher_value, /)", split, ""),
    f1("subgroup(self, matcher_value, /)", subgroup, ""),
];

pub(super) static GETSET: [GetSetDef; 2] = [
    getset(
        "message",
        get_field::<MESSAGE>,
        read_only,
        "exception message",
    ),
    getset(
        "exceptions",
        get_field::<EXCEPTIONS>,
        read_only,
        "nested exceptions",
    ),
];

/// Gives `ExceptionGroup` its second base, `Exception`.
pub(super) fn finish_hierarchy() {
    if EXCEPTION_GROUP.bases().len() == 2 {
        return;
    }
    EXCEPTION_GROUP.set_bases(vec![&BASE_EXCEPTION_GROUP, &EXCEPTION]);
    let mut mro: Vec<&'static TypeObject> = vec![&EXCEPTION_GROUP, &BASE_EXCEPTION_GROUP];
    mro.extend(EXCEPTION.mro());
    EXCEPTION_GROUP.set_mro(mro);
    EXCEPTION.add_subclass(&EXCEPTION_GROUP);
}
