//! Checks of arguments that constructors share, with the interpreter's usual words.

use taipan_core::{Args, MethodDef, Py, Raised, TypeObject, Value, Vm, f1};

/// Refuses keyword arguments: `list() takes no keyword arguments`.
#[inline]
pub fn no_keywords(vm: &mut Vm, name: &str, args: Args<'_>) -> Py<()> {
    if args.has_keywords() {
        return Err(vm.type_error(format!("{name}() takes no keyword arguments")));
    }
    Ok(())
}

/// As [`no_keywords`], for the constructor of `own`: a subclass with an `__init__` of its own may take keywords.
pub fn no_keywords_for(
    vm: &mut Vm,
    name: &str,
    cls: &TypeObject,
    own: &TypeObject,
    args: Args<'_>,
) -> Py<()> {
    let init = |ty: &TypeObject| ty.slots().init.map(|init| init as usize);
    if init(cls) != init(own) {
        return Ok(());
    }
    no_keywords(vm, name, args)
}

/// Refuses too few or too many positional arguments: `list expected at most 1 argument, got 2`.
#[inline]
pub fn count(vm: &mut Vm, name: &str, got: usize, least: usize, most: usize) -> Py<()> {
    if got < least || got > most {
        return Err(wrong_count(vm, name, got, least, most));
    }
    Ok(())
}

/// The error of a wrong number of positional arguments.
#[cold]
pub fn wrong_count(vm: &mut Vm, name: &str, got: usize, least: usize, most: usize) -> Raised {
    let (word, number) = if least == most {
        ("", least)
    } else if got < least {
        ("at least ", least)
    } else {
        ("at most ", most)
    };
    let plural = if number == 1 { "" } else { "s" };
    vm.type_error(format!(
        "{name} expected {word}{number} argument{plural}, got {got}"
    ))
}

/// Does `cls` (derived from `base`) have a `__new__` of its own? Then its `__init__` lets keyword arguments pass.
pub fn overrides_new(cls: &TypeObject, base: &TypeObject) -> bool {
    !std::ptr::eq(cls, base)
        && cls.slots().new.map(|new| new as usize) != base.slots().new.map(|new| new as usize)
}

/// `cls[key]` of a builtin class: a generic alias.
pub fn class_getitem(vm: &mut Vm, cls: &Value, key: &Value) -> Py {
    (vm.interpreter().hooks.generic_alias)(vm, cls, key)
}

/// The `__class_getitem__` row of container types.
pub const fn class_getitem_row() -> MethodDef {
    f1(
        "__class_getitem__(cls, object, /)",
        class_getitem,
        "See PEP 585",
    )
    .class_method()
}

/// Binds arguments to parameters that may be given by position or name, of which `required` must be there.
pub fn bind<const N: usize>(
    vm: &mut Vm,
    function: &str,
    args: Args<'_>,
    names: [&str; N],
    required: usize,
) -> Py<[Option<Value>; N]> {
    let given = args.all().len();
    if given > N {
        let plural = if N == 1 { "" } else { "s" };
        let most = if required == N { "exactly" } else { "at most" };
        return Err(vm.type_error(format!(
            "{function}() takes {most} {N} argument{plural} ({given} given)"
        )));
    }
    let mut bound = [const { None }; N];
    for (place, value) in bound.iter_mut().zip(args.pos()) {
        *place = Some(value.clone());
    }
    for (keyword, value) in args.keywords() {
        let text = vm.str_string(keyword)?;
        let Some(at) = names.iter().position(|name| *name == text) else {
            return Err(vm.type_error(format!(
                "{function}() got an unexpected keyword argument '{text}'"
            )));
        };
        if bound[at].is_some() {
            let message = format!(
                "argument for {function}() given by name ('{text}') and position ({})",
                at + 1
            );
            return Err(vm.type_error(message));
        }
        bound[at] = Some(value.clone());
    }
    if let Some(at) = bound.iter().take(required).position(Option::is_none) {
        let message = format!(
            "{function}() missing required argument '{}' (pos {})",
            names[at],
            at + 1
        );
        return Err(vm.type_error(message));
    }
    Ok(bound)
}
