//! `_opcode`: the instruction table of `taipan_bytecode` as `dis` and `opcode` read it.

use crate::ModuleDef;
use taipan_bytecode::ops::{Compare, HAVE_ARGUMENT, Intrinsic1, Intrinsic2, OPS, Op, OperandKind};
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::slots::BinaryOp;
use taipan_core::str_object::{name as interned, new_str};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Bound, MethodDef, Py, Value, Vm, bound, f0, f1, name};
use taipan_interp::code_object::CodeObject;
use taipan_types::list::new_list;

/// The module `_opcode`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_opcode",
    doc: "Opcode support module.",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 15] = [
    bound(
        "stack_effect(module, opcode, oparg=None, /, *, jump=None)",
        stack_effect,
        "By how much an instruction changes the depth of the stack.",
    ),
    bound(
        "is_valid(module, /, opcode)",
        is_valid,
        "Is there an instruction with this number?",
    ),
    bound(
        "has_arg(module, /, opcode)",
        has_arg,
        "Does the instruction have an operand?",
    ),
    bound(
        "has_const(module, /, opcode)",
        has_const,
        "Does the instruction use a constant?",
    ),
    bound(
        "has_name(module, /, opcode)",
        has_name,
        "Does the instruction use an attribute, global or other name?",
    ),
    bound(
        "has_jump(module, /, opcode)",
        has_jump,
        "May the instruction jump?",
    ),
    bound(
        "has_free(module, /, opcode)",
        has_free,
        "Does the instruction use a cell or free variable?",
    ),
    bound(
        "has_local(module, /, opcode)",
        has_local,
        "Does the instruction use a local variable?",
    ),
    bound(
        "has_exc(module, /, opcode)",
        has_exc,
        "Does the instruction set up an exception handler?",
    ),
    f0(
        "get_nb_ops(module, /)",
        get_nb_ops,
        "The binary operators as (name, symbol), plain ones, then in-place ones.",
    ),
    f0(
        "get_intrinsic1_descs(module, /)",
        get_intrinsic1_descs,
        "Names of the intrinsics with one argument.",
    ),
    f0(
        "get_intrinsic2_descs(module, /)",
        get_intrinsic2_descs,
        "Names of the intrinsics with two arguments.",
    ),
    f0(
        "get_special_method_names(module, /)",
        get_special_method_names,
        "Names of special methods that instructions load.",
    ),
    f0(
        "get_operand_kinds(module, /)",
        get_operand_kinds,
        "A dict from instruction names to what their operand means.",
    ),
    f1(
        "quickened(module, code, /)",
        quickened,
        "The instructions that the interpreter runs for a code object, as a list of\n\
         (start offset, end offset, number, name, cache): each stands for the portable instructions between the offsets;\n\
         the cache is None or a tuple (counter, shape, version, word).",
    ),
];

/// `opmap`, `docs`, `cmp_op` and two numbers: what Python modules need to be derived from the one table.
fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    let module = dict.expect::<Dict>();
    let (opmap, docs) = (new_dict(), new_dict());
    for info in OPS {
        opmap
            .expect::<Dict>()
            .set_name(&interned(info.name), Value::int((info.op as u8).into()));
        docs.expect::<Dict>()
            .set_name(&interned(info.name), new_str(info.doc));
    }
    module.set_name(name!("opmap"), opmap);
    module.set_name(name!("docs"), docs);
    module.set_name(
        name!("cmp_op"),
        new_tuple(Compare::ALL.iter().map(|op| new_str(op.text()))),
    );
    module.set_name(name!("HAVE_ARGUMENT"), Value::int(HAVE_ARGUMENT.into()));
    module.set_name(
        name!("EXTENDED_ARG"),
        Value::int((Op::ExtendedArg as u8).into()),
    );
    // Specialised instructions are not in bytecode.
    module.set_name(name!("ENABLE_SPECIALIZATION"), Value::bool(false));
    module.set_name(name!("ENABLE_SPECIALIZATION_FT"), Value::bool(false));
    Ok(())
}

/// The instruction that an argument names by its number.
fn op(vm: &mut Vm, number: &Value) -> Py<Option<Op>> {
    let index = vm.index(number)?;
    Ok(index
        .as_i64()
        .and_then(|i| u8::try_from(i).ok())
        .and_then(Op::from_u8))
}

fn stack_effect(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let jump = match args.get_not_none(2) {
        None => None,
        Some(jump) if jump.is_true() => Some(true),
        Some(jump) if jump.is_false() => Some(false),
        Some(_) => return Err(vm.value_error("stack_effect: jump must be False, True or None")),
    };
    let operand = match args.get_not_none(1) {
        Some(operand) => {
            let operand = vm.index(operand)?;
            operand.as_i64().and_then(|i| u32::try_from(i).ok())
        }
        None => Some(0),
    };
    let (Some(op), Some(operand)) = (op(vm, args.req(0))?, operand) else {
        return Err(vm.value_error("invalid opcode or oparg"));
    };
    let effect = match jump {
        Some(jump) => op.stack_effect(operand, jump),
        None => op
            .stack_effect(operand, false)
            .max(op.stack_effect(operand, true)),
    };
    Ok(Value::int(effect))
}

fn test(vm: &mut Vm, args: &Bound, holds: fn(Op) -> bool) -> Py {
    Ok(Value::bool(op(vm, args.req(0))?.is_some_and(holds)))
}

fn is_valid(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    test(vm, args, |_| true)
}

fn has_arg(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    test(vm, args, Op::has_operand)
}

fn has_const(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    test(vm, args, |op| op.info().operand == OperandKind::Const)
}

fn has_name(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    test(vm, args, |op| {
        matches!(op.info().operand, OperandKind::Name | OperandKind::NameFlag)
    })
}

fn has_jump(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    test(vm, args, |op| op.info().operand == OperandKind::Jump)
}

fn has_free(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    test(vm, args, |op| op.info().operand == OperandKind::Cell)
}

fn has_local(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    test(vm, args, |op| op.info().operand == OperandKind::Local)
}

/// Handlers are found in the exception table: no instruction sets one up.
fn has_exc(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    test(vm, args, |_| false)
}

/// The name of an operator in CPython's list of them.
fn nb_name(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "ADD",
        BinaryOp::Subtract => "SUBTRACT",
        BinaryOp::Multiply => "MULTIPLY",
        BinaryOp::TrueDivide => "TRUE_DIVIDE",
        BinaryOp::FloorDivide => "FLOOR_DIVIDE",
        BinaryOp::Remainder => "REMAINDER",
        BinaryOp::MatrixMultiply => "MATRIX_MULTIPLY",
        BinaryOp::LeftShift => "LSHIFT",
        BinaryOp::RightShift => "RSHIFT",
        BinaryOp::And => "AND",
        BinaryOp::Or => "OR",
        BinaryOp::Xor => "XOR",
        BinaryOp::Divmod => "DIVMOD",
    }
}

fn get_nb_ops(_vm: &mut Vm, _module: &Value) -> Py {
    let mut operators: Vec<(String, &str)> = BinaryOp::ALL
        .iter()
        .filter(|op| **op != BinaryOp::Divmod)
        .map(|op| (nb_name(*op).to_owned(), op.symbol()))
        .chain([("POWER".to_owned(), "**")])
        .collect();
    operators.sort();
    let plain = operators
        .iter()
        .map(|(name, symbol)| (format!("NB_{name}"), (*symbol).to_owned()));
    let inplace = operators
        .iter()
        .map(|(name, symbol)| (format!("NB_INPLACE_{name}"), format!("{symbol}=")));
    let rows = plain
        .chain(inplace)
        .map(|(name, symbol)| new_tuple([new_str(&name), new_str(&symbol)]));
    Ok(new_list(rows.collect()))
}

fn get_intrinsic1_descs(_vm: &mut Vm, _module: &Value) -> Py {
    Ok(new_list(
        Intrinsic1::ALL
            .iter()
            .map(|intrinsic| new_str(intrinsic.text()))
            .collect(),
    ))
}

fn get_intrinsic2_descs(_vm: &mut Vm, _module: &Value) -> Py {
    Ok(new_list(
        Intrinsic2::ALL
            .iter()
            .map(|intrinsic| new_str(intrinsic.text()))
            .collect(),
    ))
}

fn get_special_method_names(_vm: &mut Vm, _module: &Value) -> Py {
    Ok(new_list(
        ["__enter__", "__exit__", "__aenter__", "__aexit__"]
            .map(new_str)
            .into(),
    ))
}

fn get_operand_kinds(_vm: &mut Vm, _module: &Value) -> Py {
    let kinds = new_dict();
    for info in OPS {
        let kind = match info.operand {
            OperandKind::None => "none",
            OperandKind::Const => "const",
            OperandKind::Local => "local",
            OperandKind::Name => "name",
            OperandKind::Cell => "cell",
            OperandKind::Jump => "jump",
            OperandKind::Compare => "compare",
            OperandKind::Count => "count",
            OperandKind::Flags => "flags",
            OperandKind::NameFlag => "name_flag",
            OperandKind::Intrinsic1 => "intrinsic1",
            OperandKind::Intrinsic2 => "intrinsic2",
            OperandKind::Prefix => "prefix",
        };
        kinds
            .expect::<Dict>()
            .set_name(&interned(info.name), new_str(kind));
    }
    Ok(kinds)
}

/// `LoadFastLoadFast` as `LOAD_FAST_LOAD_FAST`.
fn upper_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 6);
    for (at, c) in name.char_indices() {
        if c.is_ascii_uppercase() && at > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}

fn quickened(vm: &mut Vm, _module: &Value, code: &Value) -> Py {
    let Some(code) = code.cast::<CodeObject>() else {
        let message = format!("expected a code object, not '{}'", code.type_of().name());
        return Err(vm.type_error(message));
    };
    let quick = code.quick();
    let count = quick.len() as u32;
    let rows = (0..count).map(|index| {
        let start = 2 * i64::from(quick.first_unit(index));
        let end = if index + 1 < count {
            2 * i64::from(quick.first_unit(index + 1))
        } else {
            code.code.bytecode.len() as i64
        };
        let instruction = quick.instruction(index);
        let number = instruction.op as u8;
        let name = match Op::from_u8(number) {
            Some(op) => op.name().to_owned(),
            None => upper_name(&format!("{:?}", instruction.op)),
        };
        let cache = quick.cache(index).map_or_else(Value::none, |cache| {
            new_tuple([
                Value::int(instruction.counter.into()),
                Value::int(cache.shape.into()),
                Value::int(cache.version.into()),
                taipan_core::number::int_from_u64(cache.word),
            ])
        });
        new_tuple([
            Value::int(start),
            Value::int(end),
            Value::int(number.into()),
            new_str(&name),
            cache,
        ])
    });
    Ok(new_list(rows.collect()))
}
