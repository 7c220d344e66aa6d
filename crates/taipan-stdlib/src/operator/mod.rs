//! `_operator`: the operators as functions, and the getters in `getters`.

mod getters;

use crate::ModuleDef;
use crate::support::add_type;
use taipan_core::slots::{BinaryOp, Slots, UnaryFn};
use taipan_core::str_object::str_of;
use taipan_core::{Args, CompareOp, MethodDef, Py, Value, Vm, f1, f2, raw, slice};
use taipan_types::buffer::bytes_like;

/// `_operator`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_operator",
    doc: "Operator interface.\n\n\
          This module exports a set of functions implemented in C corresponding\n\
          to the intrinsic operators of Python.  For example, operator.add(x, y)\n\
          is equivalent to the expression x+y.",
    functions: &FUNCTIONS,
    init,
};

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    for (ty, spec) in getters::types() {
        ty.define(spec);
        add_type(dict, ty);
    }
    Ok(())
}

macro_rules! operators {
    ($($name:ident $op:ident;)*) => {
        $(fn $name(vm: &mut Vm, _module: &Value, a: &Value, b: &Value) -> Py {
            vm.binary(BinaryOp::$op, a, b)
        })*
    };
}

operators! {
    add Add; sub Subtract; mul Multiply; truediv TrueDivide; floordiv FloorDivide; rem Remainder; matmul MatrixMultiply;
    lshift LeftShift; rshift RightShift; and And; or Or; xor Xor;
}

macro_rules! inplace_operators {
    ($($name:ident $op:ident;)*) => {
        $(fn $name(vm: &mut Vm, _module: &Value, a: &Value, b: &Value) -> Py {
            vm.inplace(BinaryOp::$op, a, b)
        })*
    };
}

inplace_operators! {
    iadd Add; isub Subtract; imul Multiply; itruediv TrueDivide; ifloordiv FloorDivide; irem Remainder;
    imatmul MatrixMultiply; ilshift LeftShift; irshift RightShift; iand And; ior Or; ixor Xor;
}

macro_rules! comparisons {
    ($($name:ident $op:ident;)*) => {
        $(fn $name(vm: &mut Vm, _module: &Value, a: &Value, b: &Value) -> Py {
            vm.compare(a, b, CompareOp::$op)
        })*
    };
}

comparisons! { lt Lt; le Le; eq Eq; ne Ne; gt Gt; ge Ge; }

static FUNCTIONS: [MethodDef; 55] = [
    f2("add(module, a, b, /)", add, "Same as a + b."),
    f2("sub(module, a, b, /)", sub, "Same as a - b."),
    f2("mul(module, a, b, /)", mul, "Same as a * b."),
    f2("truediv(module, a, b, /)", truediv, "Same as a / b."),
    f2("floordiv(module, a, b, /)", floordiv, "Same as a // b."),
    f2("mod(module, a, b, /)", rem, "Same as a % b."),
    f2("matmul(module, a, b, /)", matmul, "Same as a @ b."),
    f2("lshift(module, a, b, /)", lshift, "Same as a << b."),
    f2("rshift(module, a, b, /)", rshift, "Same as a >> b."),
    f2("and_(module, a, b, /)", and, "Same as a & b."),
    f2("or_(module, a, b, /)", or, "Same as a | b."),
    f2("xor(module, a, b, /)", xor, "Same as a ^ b."),
    f2("pow(module, a, b, /)", pow, "Same as a ** b."),
    f2("iadd(module, a, b, /)", iadd, "Same as a += b."),
    f2("isub(module, a, b, /)", isub, "Same as a -= b."),
    f2("imul(module, a, b, /)", imul, "Same as a *= b."),
    f2("itruediv(module, a, b, /)", itruediv, "Same as a /= b."),
    f2("ifloordiv(module, a, b, /)", ifloordiv, "Same as a //= b."),
    f2("imod(module, a, b, /)", irem, "Same as a %= b."),
    f2("imatmul(module, a, b, /)", imatmul, "Same as a @= b."),
    f2("ilshift(module, a, b, /)", ilshift, "Same as a <<= b."),
    f2("irshift(module, a, b, /)", irshift, "Same as a >>= b."),
    f2("iand(module, a, b, /)", iand, "Same as a &= b."),
    f2("ior(module, a, b, /)", ior, "Same as a |= b."),
    f2("ixor(module, a, b, /)", ixor, "Same as a ^= b."),
    f2("ipow(module, a, b, /)", ipow, "Same as a **= b."),
    f2("lt(module, a, b, /)", lt, "Same as a < b."),
    f2("le(module, a, b, /)", le, "Same as a <= b."),
    f2("eq(module, a, b, /)", eq, "Same as a == b."),
    f2("ne(module, a, b, /)", ne, "Same as a != b."),
    f2("gt(module, a, b, /)", gt, "Same as a > b."),
    f2("ge(module, a, b, /)", ge, "Same as a >= b."),
    f2("is_(module, a, b, /)", is, "Same as a is b."),
    f2("is_not(module, a, b, /)", is_not, "Same as a is not b."),
    f1("is_none(module, a, /)", is_none, "Same as a is None."),
    f1(
        "is_not_none(module, a, /)",
        is_not_none,
        "Same as a is not None.",
    ),
    f1("not_(module, a, /)", not, "Same as not a."),
    f1(
        "truth(module, a, /)",
        truth,
        "Return True if a is true, False otherwise.",
    ),
    f1("neg(module, a, /)", neg, "Same as -a."),
    f1("pos(module, a, /)", pos, "Same as +a."),
    f1("abs(module, a, /)", abs, "Same as abs(a)."),
    f1("inv(module, a, /)", invert, "Same as ~a."),
    f1("invert(module, a, /)", invert, "Same as ~a."),
    f1("index(module, a, /)", index, "Same as a.__index__()"),
    f2(
        "concat(module, a, b, /)",
        concat,
        "Same as a + b, for a and b sequences.",
    ),
    f2(
        "iconcat(module, a, b, /)",
        iconcat,
        "Same as a += b, for a and b sequences.",
    ),
    f2(
        "contains(module, a, b, /)",
        contains,
        "Same as b in a (note reversed operands).",
    ),
    f2(
        "countOf(module, a, b, /)",
        count_of,
        "Return the number of items in a which are, or which equal, b.",
    ),
    f2(
        "indexOf(module, a, b, /)",
        index_of,
        "Return the first index of b in a.",
    ),
    f2("getitem(module, a, b, /)", getitem, "Same as a[b]."),
    slice("setitem(module, a, b, c, /)", setitem, "Same as a[b] = c."),
    f2("delitem(module, a, b, /)", delitem, "Same as del a[b]."),
    slice(
        "length_hint(module, obj, default=0, /)",
        length_hint,
        "Return an estimate of the number of items in obj.\n\n\
         This is useful for presizing containers when building from an iterable.\n\n\
         If the object supports len(), the result will be exact.\n\
         Otherwise, it may over- or under-estimate by an arbitrary amount.\n\
         The result will be an integer >= 0.",
    ),
    raw(
        "call(module, obj, /, *args, **kwargs)",
        call,
        "Same as obj(*args, **kwargs).",
    ),
    f2(
        "_compare_digest(module, a, b, /)",
        compare_digest,
        "Return 'a == b'.\n\n\
         This function uses an approach designed to prevent\n\
         timing analysis, making it appropriate for cryptography.\n\n\
         a and b must both be of the same type: either str (ASCII only),\n\
         or any bytes-like object.\n\n\
         Note: If a and b are of different lengths, or if an error occurs,\n\
         a timing attack could theoretically reveal information about the\n\
         types and lengths of a and b--but not their values.",
    ),
];

fn pow(vm: &mut Vm, _module: &Value, a: &Value, b: &Value) -> Py {
    vm.power(a, b, &Value::none())
}

fn ipow(vm: &mut Vm, _module: &Value, a: &Value, b: &Value) -> Py {
    vm.inplace_power(a, b)
}

fn is(_vm: &mut Vm, _module: &Value, a: &Value, b: &Value) -> Py {
    Ok(Value::bool(a.is(b)))
}

fn is_not(_vm: &mut Vm, _module: &Value, a: &Value, b: &Value) -> Py {
    Ok(Value::bool(!a.is(b)))
}

fn is_none(_vm: &mut Vm, _module: &Value, a: &Value) -> Py {
    Ok(Value::bool(a.is_none()))
}

fn is_not_none(_vm: &mut Vm, _module: &Value, a: &Value) -> Py {
    Ok(Value::bool(!a.is_none()))
}

fn not(vm: &mut Vm, _module: &Value, a: &Value) -> Py {
    Ok(Value::bool(!vm.truth(a)?))
}

fn truth(vm: &mut Vm, _module: &Value, a: &Value) -> Py {
    Ok(Value::bool(vm.truth(a)?))
}

fn neg(vm: &mut Vm, _module: &Value, a: &Value) -> Py {
    vm.unary(a, |slots: &Slots| slots.negative, "-")
}

fn pos(vm: &mut Vm, _module: &Value, a: &Value) -> Py {
    vm.unary(a, |slots: &Slots| slots.positive, "+")
}

fn invert(vm: &mut Vm, _module: &Value, a: &Value) -> Py {
    vm.unary(a, |slots: &Slots| slots.invert, "~")
}

fn abs(vm: &mut Vm, _module: &Value, a: &Value) -> Py {
    let absolute: Option<UnaryFn> = a.type_of().slots().absolute;
    match absolute {
        Some(absolute) => absolute(vm, a),
        None => {
            let message = format!("bad operand type for abs(): '{}'", a.type_of().name());
            Err(vm.type_error(message))
        }
    }
}

fn index(vm: &mut Vm, _module: &Value, a: &Value) -> Py {
    vm.index(a)
}

// ---- sequences ----

/// Checks that both operands are sequences when the left one has no concatenation of its own.
fn check_sequence(vm: &mut Vm, a: &Value, b: &Value) -> Py<()> {
    let sequence = |value: &Value| value.type_of().slots().get_item.is_some();
    if sequence(a) && sequence(b) {
        return Ok(());
    }
    let message = format!("'{}' object can't be concatenated", a.type_of().name());
    Err(vm.type_error(message))
}

fn concat(vm: &mut Vm, _module: &Value, a: &Value, b: &Value) -> Py {
    if let Some(concat) = a.type_of().slots().concat {
        return concat(vm, a, b);
    }
    check_sequence(vm, a, b)?;
    vm.binary(BinaryOp::Add, a, b)
}

fn iconcat(vm: &mut Vm, _module: &Value, a: &Value, b: &Value) -> Py {
    let slots = a.type_of().slots();
    if let Some(concat) = slots.inplace_concat.or(slots.concat) {
        return concat(vm, a, b);
    }
    check_sequence(vm, a, b)?;
    vm.inplace(BinaryOp::Add, a, b)
}

fn contains(vm: &mut Vm, _module: &Value, a: &Value, b: &Value) -> Py {
    Ok(Value::bool(vm.contains(a, b)?))
}

/// An iterator over a sequence to be searched.
fn search(vm: &mut Vm, sequence: &Value) -> Py {
    match vm.iter(sequence) {
        Ok(iterator) => Ok(iterator),
        Err(raised) => {
            vm.catch(raised, &taipan_core::builtin_types::TYPE_ERROR)?;
            let message = format!(
                "argument of type '{}' is not iterable",
                sequence.type_of().name()
            );
            Err(vm.type_error(message))
        }
    }
}

fn count_of(vm: &mut Vm, _module: &Value, a: &Value, b: &Value) -> Py {
    let iterator = search(vm, a)?;
    let mut count = 0;
    while let Some(item) = vm.next(&iterator)? {
        count += vm.equal(&item, b)? as i64;
    }
    Ok(Value::int(count))
}

fn index_of(vm: &mut Vm, _module: &Value, a: &Value, b: &Value) -> Py {
    let iterator = search(vm, a)?;
    let mut at = 0;
    while let Some(item) = vm.next(&iterator)? {
        if vm.equal(&item, b)? {
            return Ok(Value::int(at));
        }
        at += 1;
    }
    Err(vm.value_error("sequence.index(x): x not in sequence"))
}

fn getitem(vm: &mut Vm, _module: &Value, a: &Value, b: &Value) -> Py {
    vm.get_item(a, b)
}

fn setitem(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    if let [a, b, c] = args {
        vm.set_item(a, b, c)?;
    }
    Ok(Value::none())
}

fn delitem(vm: &mut Vm, _module: &Value, a: &Value, b: &Value) -> Py {
    vm.del_item(a, b)?;
    Ok(Value::none())
}

fn length_hint(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let default = match args.get(1) {
        Some(default) => vm.index_i64(default)?,
        None => 0,
    };
    let Some(object) = args.first() else {
        return Ok(Value::none());
    };
    // A default below zero is given back as it is.
    let unknown = usize::MAX;
    match vm.length_hint(object, unknown)? {
        hint if hint == unknown => Ok(Value::int(default)),
        hint => Ok(Value::int(hint as i64)),
    }
}

fn call(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    match args.pos().first() {
        Some(callable) => vm.call_args(callable, args.skip_first()),
        None => Err(vm.type_error("call expected at least 1 argument, got 0")),
    }
}

// ---- comparison in constant time ----

/// Compares without a branch that depends on the bytes; only the lengths show.
pub(crate) fn equal_in_constant_time(a: &[u8], b: &[u8]) -> bool {
    let longest = a.len().max(b.len());
    let difference = (0..longest).fold((a.len() != b.len()) as u8, |difference, at| {
        let x = a.get(at).copied().unwrap_or(0);
        let y = b.get(at).copied().unwrap_or(0);
        difference | std::hint::black_box(x ^ y)
    });
    difference == 0
}

/// `_compare_digest(a, b)`
pub fn compare_digest(vm: &mut Vm, _module: &Value, a: &Value, b: &Value) -> Py {
    if let (Some(x), Some(y)) = (str_of(a), str_of(b)) {
        let (Some(x), Some(y)) = (x.ascii(), y.ascii()) else {
            return Err(
                vm.type_error("comparing strings with non-ASCII characters is not supported")
            );
        };
        return Ok(Value::bool(equal_in_constant_time(
            x.as_bytes(),
            y.as_bytes(),
        )));
    }
    if a.type_of().slots().buffer.is_none() && b.type_of().slots().buffer.is_none() {
        let message = format!(
            "unsupported operand types(s) or combination of types: '{}' and '{}'",
            a.type_of().name(),
            b.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let x = bytes_like(vm, a)?;
    let y = bytes_like(vm, b)?;
    Ok(Value::bool(equal_in_constant_time(&x, &y)))
}
