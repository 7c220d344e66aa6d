//! `_sre`: the matcher for regular expressions that the package `re` compiles.
//!
//! `program` checks and translates the compiled code, `matcher` runs it; the rest are the Python types around them.

mod class;
mod match_object;
mod matcher;
mod pattern;
mod program;
mod subject;
mod template;
mod window;

use crate::ModuleDef;
use crate::support::add;
use pattern::Pattern;
use taipan_core::alloc::new_instance;
use taipan_core::dict_object::dict_of;
use taipan_core::str_object::{is_str, new_str};
use taipan_core::tuple_object::items;
use taipan_core::{Bound, MethodDef, Py, Value, Vm, bound, f0, f1, f2};

const MAGIC: i64 = 20_230_612;

fn compile(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let text = args.req(0);
    let flags = vm.index_i64(args.req(1))?;
    let groups = vm.index_i64(args.req(3))?.max(0) as usize;
    if taipan_types::list::list_of(args.req(2)).is_none() {
        let message = format!(
            "compile() argument 'code' must be list, not {}",
            args.req(2).type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let mut code = Vec::new();
    for word in vm.to_vec(args.req(2))? {
        let word = vm.index_i64(&word)?;
        match u32::try_from(word) {
            Ok(word) => code.push(word),
            Err(_) => {
                return Err(vm.overflow_error("regular expression code size limit exceeded"));
            }
        }
    }
    for (at, what, fits) in [
        (4, "groupindex", dict_of(args.req(4)).is_some()),
        (5, "indexgroup", items(args.req(5)).is_some()),
    ] {
        if !fits {
            let wanted = if at == 4 { "dict" } else { "tuple" };
            let message = format!(
                "compile() argument '{what}' must be {wanted}, not {}",
                args.req(at).type_of().name()
            );
            return Err(vm.type_error(message));
        }
    }
    let program = match program::translate(&code, groups) {
        Ok(program) => program,
        Err(program::Invalid) => return Err(vm.runtime_error("invalid SRE code")),
    };
    let is_bytes = if text.is_none() {
        None
    } else {
        Some(!is_str(text))
    };
    if is_bytes == Some(true) {
        taipan_types::buffer::bytes_like(vm, text)?;
    }
    Ok(new_instance(
        &pattern::PATTERN,
        Pattern {
            pattern: text.clone(),
            flags,
            groups,
            group_index: args.req(4).clone(),
            index_group: args.req(5).clone(),
            code,
            program,
            is_bytes,
        },
    ))
}

fn getcodesize(_vm: &mut Vm, _module: &Value) -> Py {
    Ok(Value::from_i32(4))
}

/// A character argument.
fn character(vm: &mut Vm, value: &Value) -> Py<u32> {
    let code = vm.index_i64(value)?;
    match u32::try_from(code) {
        Ok(code) => Ok(code),
        Err(_) => Err(vm.overflow_error("Python int too large to convert to C int")),
    }
}

fn ascii_iscased(vm: &mut Vm, _module: &Value, c: &Value) -> Py {
    let c = character(vm, c)?;
    let cased = u8::try_from(c).is_ok_and(|byte| byte.is_ascii_alphabetic());
    Ok(Value::bool(cased))
}

fn unicode_iscased(vm: &mut Vm, _module: &Value, c: &Value) -> Py {
    let c = character(vm, c)?;
    Ok(Value::bool(matcher::is_cased(c)))
}

fn ascii_tolower(vm: &mut Vm, _module: &Value, c: &Value) -> Py {
    let c = character(vm, c)?;
    Ok(Value::int(class::ascii_lower(c) as i64))
}

fn unicode_tolower(vm: &mut Vm, _module: &Value, c: &Value) -> Py {
    let c = character(vm, c)?;
    Ok(Value::int(class::unicode_lower(c) as i64))
}

static FUNCTIONS: [MethodDef; 7] = [
    bound(
        "compile(module, /, pattern, flags, code, groups, groupindex, indexgroup)",
        compile,
        "",
    ),
    f2(
        "template(module, pattern, template, /)",
        template::template,
        "",
    ),
    f0("getcodesize(module, /)", getcodesize, ""),
    f1("ascii_iscased(module, character, /)", ascii_iscased, ""),
    f1("unicode_iscased(module, character, /)", unicode_iscased, ""),
    f1("ascii_tolower(module, character, /)", ascii_tolower, ""),
    f1("unicode_tolower(module, character, /)", unicode_tolower, ""),
];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    pattern::define();
    match_object::define();
    template::define();
    add(dict, "MAGIC", Value::int(MAGIC));
    add(dict, "CODESIZE", Value::from_i32(4));
    add(dict, "MAXREPEAT", Value::int(u32::MAX as i64));
    add(dict, "MAXGROUPS", Value::int(i32::MAX as i64 / 2));
    add(dict, "copyright", new_str(" Taipan's matcher "));
    Ok(())
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_sre",
    doc: "",
    functions: &FUNCTIONS,
    init,
};
