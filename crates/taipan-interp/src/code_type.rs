//! `types.CodeType`: what Python sees of code objects.

use crate::code_object::CodeObject;
use crate::quick::QuickCode;
use dashu_int::{IBig, Sign};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use taipan_bytecode::code::{BigInt, Body, Bytes, Code, CodeFlags, Constant, Name};
use taipan_bytecode::line_table::{self, Position};
use taipan_core::str_object::{is_str, new_str, str_of};
use taipan_core::tuple_object::{self, new_tuple};
use taipan_core::{
    Args, CompareOp, GetSetDef, Layout, MethodDef, Obj, Py, Raised, Slots, TypeFlags, TypeObject,
    TypeSpec, Value, Vm, bind, bound, builtin_types, f0, f1, getter,
};

fn object(value: &Value) -> &Obj<CodeObject> {
    value.expect::<CodeObject>()
}

fn plain(value: &Value) -> &Code {
    &object(value).code
}

fn bytes_value(vm: &mut Vm, data: &[u8]) -> Py {
    match taipan_types::bytes::try_new_bytes(data) {
        Some(value) => Ok(value),
        None => Err(vm.memory_error()),
    }
}

fn lossy(value: &Value) -> String {
    str_of(value)
        .map(|text| text.to_lossy())
        .unwrap_or_default()
}

// ---- attributes ----

fn names_tuple(names: &[Value]) -> Value {
    new_tuple(names.iter().cloned())
}

fn number(n: usize) -> Value {
    Value::int(n as i64)
}

/// The names of fast slots `start..start + count`.
fn slot_range(value: &Value, start: usize, count: usize) -> Value {
    names_tuple(&object(value).slot_names[start..start + count])
}

fn get_cellvars(_vm: &mut Vm, value: &Value) -> Py {
    let code = plain(value);
    Ok(slot_range(value, code.varnames.len(), code.cellvars.len()))
}

fn get_freevars(_vm: &mut Vm, value: &Value) -> Py {
    let code = plain(value);
    Ok(slot_range(
        value,
        code.varnames.len() + code.cellvars.len(),
        code.freevars.len(),
    ))
}

/// The portable code with the opcodes that the quickened copy has by now.
fn get_adaptive(vm: &mut Vm, value: &Value) -> Py {
    let this = object(value);
    let mut bytes = this.code.bytecode.to_vec();
    let quick: &QuickCode = this.quick();
    for index in 0..quick.len() as u32 {
        let unit = quick.first_unit(index) as usize;
        if let Some(place) = bytes.get_mut(2 * unit) {
            // SAFETY: an instruction of this code.
            *place = unsafe { (*quick.at(index)).op } as u8;
        }
    }
    bytes_value(vm, &bytes)
}

static CODE_GETSET: [GetSetDef; 19] = [
    getter(
        "co_argcount",
        |_, value| Ok(number(plain(value).argcount as usize)),
        "",
    ),
    getter(
        "co_posonlyargcount",
        |_, value| Ok(number(plain(value).posonlyargcount as usize)),
        "",
    ),
    getter(
        "co_kwonlyargcount",
        |_, value| Ok(number(plain(value).kwonlyargcount as usize)),
        "",
    ),
    getter(
        "co_stacksize",
        |_, value| Ok(number(plain(value).stacksize as usize)),
        "",
    ),
    getter(
        "co_flags",
        |_, value| Ok(Value::int(i64::from(plain(value).flags.bits()))),
        "",
    ),
    getter(
        "co_names",
        |_, value| Ok(names_tuple(&object(value).names)),
        "",
    ),
    getter(
        "co_filename",
        |_, value| Ok(object(value).filename.clone()),
        "",
    ),
    getter("co_name", |_, value| Ok(object(value).name.clone()), ""),
    getter(
        "co_qualname",
        |_, value| Ok(object(value).qualname.clone()),
        "",
    ),
    getter(
        "co_linetable",
        |vm, value| bytes_value(vm, &plain(value).linetable),
        "",
    ),
    getter(
        "co_exceptiontable",
        |vm, value| bytes_value(vm, &plain(value).exceptiontable),
        "",
    ),
    getter(
        "co_firstlineno",
        |_, value| Ok(number(plain(value).firstlineno as usize)),
        "",
    ),
    getter(
        "co_consts",
        |_, value| Ok(names_tuple(&object(value).consts)),
        "",
    ),
    getter(
        "co_nlocals",
        |_, value| Ok(number(plain(value).varnames.len())),
        "",
    ),
    getter(
        "co_varnames",
        |_, value| Ok(slot_range(value, 0, plain(value).varnames.len())),
        "",
    ),
    getter("co_cellvars", get_cellvars, ""),
    getter("co_freevars", get_freevars, ""),
    getter(
        "co_code",
        |vm, value| bytes_value(vm, &plain(value).bytecode),
        "",
    ),
    getter("_co_code_adaptive", get_adaptive, ""),
];

// ---- positions ----

fn number_or_none(number: Option<u32>) -> Value {
    number.map_or_else(Value::none, |number| Value::int(i64::from(number)))
}

/// `co_lines()`: `(start, end, line)` of runs of bytes. The beginning of a frame, whose `f_lasti` is -1, counts as a place before
/// the first byte, on the line of the definition.
fn co_lines(vm: &mut Vm, value: &Value) -> Py {
    let code = plain(value);
    let mut runs: Vec<(i64, i64, Option<u32>)> =
        line_table::lines(&code.linetable, code.firstlineno)
            .into_iter()
            .map(|(start, end, line)| (2 * i64::from(start), 2 * i64::from(end), line))
            .collect();
    if !code.is_generator_like() {
        let line = Some(code.line_of_beginning());
        match runs.first_mut() {
            Some(first) if first.2 == line => first.0 = -1,
            _ => runs.insert(0, (-1, 0, line)),
        }
    }
    let rows: Vec<Value> = runs
        .into_iter()
        .map(|(start, end, line)| {
            new_tuple([Value::int(start), Value::int(end), number_or_none(line)])
        })
        .collect();
    vm.iter(&new_tuple(rows))
}

/// `co_branches()`: `(offset, offset straight on, offset of the jump)` of conditional jumps.
fn co_branches(vm: &mut Vm, value: &Value) -> Py {
    let rows: Vec<Value> = crate::monitor::parts::branches(plain(value))
        .into_iter()
        .map(|(from, left, right)| {
            new_tuple([from, left, right].map(|unit| Value::int(2 * i64::from(unit))))
        })
        .collect();
    vm.iter(&new_tuple(rows))
}

fn position_row(position: Position) -> Value {
    let column = |column| number_or_none((column != Position::NO_COLUMN).then_some(column));
    new_tuple([
        number_or_none(position.line()),
        number_or_none(position.line().map(|_| position.end_line)),
        column(position.col),
        column(position.end_col),
    ])
}

/// `co_positions()`: `(line, end line, column, end column)` of each two-byte unit.
fn co_positions(vm: &mut Vm, value: &Value) -> Py {
    let code = plain(value);
    let mut rows = Vec::with_capacity(code.units());
    for range in line_table::ranges(&code.linetable, code.firstlineno) {
        let row = position_row(range.position);
        rows.extend(
            (range.start..range.end)
                .take(code.units().saturating_sub(rows.len()))
                .map(|_| row.clone()),
        );
    }
    vm.iter(&new_tuple(rows))
}

fn varname_from_oparg(vm: &mut Vm, value: &Value, index: &Value) -> Py {
    let slots = &object(value).slot_names;
    match index
        .as_i64()
        .and_then(|index| slots.get(usize::try_from(index).ok()?))
    {
        Some(name) => Ok(name.clone()),
        None => Err(vm.index_error("tuple index out of range")),
    }
}

// ---- making code from parts ----

/// A value as a constant; `None` for what code cannot hold.
pub fn to_constant(vm: &mut Vm, value: &Value) -> Py<Option<Constant>> {
    vm.check_stack()?;
    let row = |vm: &mut Vm, items: &[Value]| -> Py<Option<Arc<[Constant]>>> {
        let mut row = Vec::with_capacity(items.len());
        for item in items {
            match to_constant(vm, item)? {
                Some(constant) => row.push(constant),
                None => return Ok(None),
            }
        }
        Ok(Some(row.into()))
    };
    if value.is_none() {
        return Ok(Some(Constant::None));
    }
    if value.is_true() || value.is_false() {
        return Ok(Some(Constant::Bool(value.is_true())));
    }
    if value.is(&Value::ellipsis()) {
        return Ok(Some(Constant::Ellipsis));
    }
    let ty = value.type_of();
    let is = |wanted: &TypeObject| std::ptr::eq(ty, wanted);
    Ok(if is(&builtin_types::INT) {
        match value.as_i64() {
            Some(i) => Some(Constant::Int(i)),
            None => value.as_big().map(big_constant),
        }
    } else if is(&builtin_types::FLOAT) {
        value.as_float().map(Constant::float)
    } else if is(&builtin_types::COMPLEX) {
        taipan_types::complex::parts_of(value)
            .map(|(re, im)| Constant::Complex(re.to_bits(), im.to_bits()))
    } else if is(&builtin_types::STR) {
        str_of(value).map(|text| Constant::Str(text.to_wtf8().into()))
    } else if is(&builtin_types::BYTES) {
        taipan_types::bytes::bytes_of(value).map(|bytes| Constant::Bytes(bytes.into()))
    } else if is(&builtin_types::TUPLE) {
        row(vm, tuple_object::items(value).unwrap_or(&[]))?.map(Constant::Tuple)
    } else if is(&builtin_types::FROZENSET) {
        let items = vm.to_vec(value)?;
        row(vm, &items)?.map(Constant::FrozenSet)
    } else if is(&builtin_types::SLICE) {
        let slice = value.expect::<taipan_types::slice::Slice>();
        let parts = [slice.start.clone(), slice.stop.clone(), slice.step.clone()];
        row(vm, &parts)?.and_then(|parts| {
            let [a, b, c] = &parts[..] else { return None };
            Some(Constant::Slice(Arc::new([a.clone(), b.clone(), c.clone()])))
        })
    } else if is(&builtin_types::CODE) {
        Some(Constant::Code(object(value).code.clone()))
    } else {
        None
    })
}

fn big_constant(big: IBig) -> Constant {
    let (sign, magnitude) = big.into_parts();
    Constant::BigInt(BigInt {
        negative: sign == Sign::Negative,
        magnitude: magnitude.to_le_bytes().into(),
    })
}

/// The parts of a code object by their `co_` names, in the order of the constructor's parameters.
const PARTS: [&str; 18] = [
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
    "co_nlocals",
    "co_stacksize",
    "co_flags",
    "co_code",
    "co_consts",
    "co_names",
    "co_varnames",
    "co_filename",
    "co_name",
    "co_qualname",
    "co_firstlineno",
    "co_linetable",
    "co_exceptiontable",
    "co_freevars",
    "co_cellvars",
];

/// Fills a [`Code`] from Python values. `function` and `by_name` are for messages.
struct Maker<'a> {
    function: &'static str,
    values: &'a [Option<Value>],
}

impl Maker<'_> {
    fn wrong(&self, vm: &mut Vm, index: usize, wanted: &str, got: &Value) -> Raised {
        let place = if self.function == "replace" {
            format!("'{}'", PARTS[index])
        } else {
            (index + 1).to_string()
        };
        let message = format!(
            "{}() argument {place} must be {wanted}, not {}",
            self.function,
            got.type_of().name()
        );
        vm.type_error(message)
    }

    fn number(&self, vm: &mut Vm, index: usize, old: u32) -> Py<u32> {
        let Some(value) = &self.values[index] else {
            return Ok(old);
        };
        let number = vm.index(value)?;
        match number.as_i64() {
            Some(number) if (0..=i64::from(i32::MAX)).contains(&number) => Ok(number as u32),
            Some(number) if number < 0 && index != 4 => {
                Err(vm.value_error(format!("{} must be a positive integer", PARTS[index])))
            }
            Some(number) if number < 0 => Err(vm.value_error("code: invalid stacksize")),
            _ => Err(vm.overflow_error("signed integer is greater than maximum")),
        }
    }

    fn bytes(&self, vm: &mut Vm, index: usize, old: &Bytes) -> Py<Bytes> {
        let Some(value) = &self.values[index] else {
            return Ok(old.clone());
        };
        match taipan_types::bytes::bytes_of(value) {
            Some(bytes) => Ok(bytes.into()),
            None => Err(self.wrong(vm, index, "bytes", value)),
        }
    }

    fn text(&self, vm: &mut Vm, index: usize, old: &Name) -> Py<Name> {
        let Some(value) = &self.values[index] else {
            return Ok(old.clone());
        };
        if !is_str(value) {
            return Err(self.wrong(vm, index, "str", value));
        }
        Ok(lossy(value).into())
    }

    fn names(&self, vm: &mut Vm, index: usize, old: &[Name]) -> Py<Vec<Name>> {
        let Some(value) = &self.values[index] else {
            return Ok(old.to_vec());
        };
        let Some(items) = tuple_object::items(value) else {
            return Err(self.wrong(vm, index, "tuple", value));
        };
        let mut names = Vec::with_capacity(items.len());
        for item in items {
            if !is_str(item) {
                let message = format!(
                    "name tuples must contain only strings, not '{}'",
                    item.type_of().name()
                );
                return Err(vm.type_error(message));
            }
            names.push(lossy(item).into());
        }
        Ok(names)
    }

    fn consts(&self, vm: &mut Vm, index: usize, old: &[Constant]) -> Py<Vec<Constant>> {
        let Some(value) = &self.values[index] else {
            return Ok(old.to_vec());
        };
        let Some(items) = tuple_object::items(value) else {
            return Err(self.wrong(vm, index, "tuple", value));
        };
        let mut consts = Vec::with_capacity(items.len());
        for item in items {
            match to_constant(vm, item)? {
                Some(constant) => consts.push(constant),
                None => {
                    let message =
                        format!("'{}' object cannot be a constant", item.type_of().name());
                    return Err(vm.type_error(message));
                }
            }
        }
        Ok(consts)
    }

    /// The code object: every part given, the others as in `old`. What does not verify is refused.
    fn make(&self, vm: &mut Vm, old: &Code) -> Py {
        let flags = CodeFlags::from_bits_retain(self.number(vm, 5, old.flags.bits())?);
        let body = Body {
            bytecode: self.bytes(vm, 6, &old.bytecode)?,
            consts: self.consts(vm, 7, &old.consts)?,
            names: self.names(vm, 8, &old.names)?,
            varnames: self.names(vm, 9, &old.varnames)?,
            linetable: self.bytes(vm, 14, &old.linetable)?,
            exceptiontable: self.bytes(vm, 15, &old.exceptiontable)?,
            freevars: self.names(vm, 16, &old.freevars)?,
            cellvars: self.names(vm, 17, &old.cellvars)?,
        };
        let code = Code {
            argcount: self.number(vm, 0, old.argcount)?,
            posonlyargcount: self.number(vm, 1, old.posonlyargcount)?,
            kwonlyargcount: self.number(vm, 2, old.kwonlyargcount)?,
            stacksize: self.number(vm, 4, old.stacksize)?,
            flags,
            filename: self.text(vm, 10, &old.filename)?,
            name: self.text(vm, 11, &old.name)?,
            qualname: self.text(vm, 12, &old.qualname)?,
            firstlineno: self.number(vm, 13, old.firstlineno)?,
            body: body.into(),
        };
        let nlocals = self.number(vm, 3, code.varnames.len() as u32)?;
        check_shape(vm, &code, nlocals)?;
        // A larger stack than needed is allowed; the verifier wants the exact depth, so it is what the copy keeps.
        let mut code = code;
        match taipan_bytecode::verify::verify_one(&code) {
            Ok(depth) => code.stacksize = code.stacksize.max(depth),
            Err(error) => return Err(vm.value_error(format!("code: {error}"))),
        }
        Ok(CodeObject::create(&Arc::new(code)))
    }
}

fn check_shape(vm: &mut Vm, code: &Code, nlocals: u32) -> Py<()> {
    let message = if code.posonlyargcount > code.argcount {
        "code: argcount < posonlyargcount"
    } else if !code.bytecode.len().is_multiple_of(2) {
        "code: co_code is malformed"
    } else if code.nparams() > code.varnames.len() {
        "code: co_varnames is too small"
    } else if nlocals as usize != code.varnames.len() {
        "code: co_nlocals != len(co_varnames)"
    } else {
        return Ok(());
    };
    Err(vm.value_error(message))
}

fn empty_code() -> Code {
    Code {
        name: "".into(),
        qualname: "".into(),
        filename: "".into(),
        flags: CodeFlags::empty(),
        argcount: 0,
        posonlyargcount: 0,
        kwonlyargcount: 0,
        stacksize: 0,
        firstlineno: 0,
        body: Body::default().into(),
    }
}

fn code_new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
    taipan_types::check::no_keywords(vm, "code", args)?;
    taipan_types::check::count(vm, "code", args.pos().len(), 16, 18)?;
    let values: Vec<Option<Value>> = (0..PARTS.len())
        .map(|index| args.pos().get(index).cloned())
        .collect();
    Maker {
        function: "code",
        values: &values,
    }
    .make(vm, &empty_code())
}

const REPLACE_SIGNATURE: &str = "replace(self, /, *, co_argcount=0, co_posonlyargcount=0, co_kwonlyargcount=0, co_nlocals=0, co_stacksize=0, \
     co_flags=0, co_code=b'', co_consts=(), co_names=(), co_varnames=(), co_filename='', co_name='', co_qualname='', \
     co_firstlineno=0, co_linetable=b'', co_exceptiontable=b'', co_freevars=(), co_cellvars=())";
const REPLACE_DOC: &str =
    "Return a copy of the code object with new values for the specified fields.";

static REPLACE: MethodDef = bound(REPLACE_SIGNATURE, replace, REPLACE_DOC);

fn replace(vm: &mut Vm, value: &Value, bound: &bind::Bound) -> Py {
    let values: Vec<Option<Value>> = (0..PARTS.len())
        .map(|index| bound.get(index).cloned())
        .collect();
    Maker {
        function: "replace",
        values: &values,
    }
    .make(vm, plain(value))
}

fn replace_dunder(vm: &mut Vm, value: &Value, args: Args<'_>) -> Py {
    let bound = bind::bind(vm, &REPLACE, args)?;
    replace(vm, value, &bound)
}

// ---- comparing, showing ----

/// Code is equal if it does the same under the same name at the same line; the file does not matter.
fn same_code(a: &Code, b: &Code) -> bool {
    a.name == b.name
        && a.argcount == b.argcount
        && a.posonlyargcount == b.posonlyargcount
        && a.kwonlyargcount == b.kwonlyargcount
        && a.flags == b.flags
        && a.firstlineno == b.firstlineno
        && a.bytecode == b.bytecode
        && a.consts.len() == b.consts.len()
        && a.consts.iter().zip(&b.consts).all(|(a, b)| match (a, b) {
            (Constant::Code(a), Constant::Code(b)) => same_code(a, b),
            _ => a == b,
        })
        && a.names == b.names
        && a.varnames == b.varnames
        && a.cellvars == b.cellvars
        && a.freevars == b.freevars
        && a.linetable == b.linetable
        && a.exceptiontable == b.exceptiontable
}

fn code_compare(_vm: &mut Vm, left: &Value, right: &Value, op: CompareOp) -> Py {
    let (CompareOp::Eq | CompareOp::Ne, Some(a), Some(b)) =
        (op, left.cast::<CodeObject>(), right.cast::<CodeObject>())
    else {
        return Ok(Value::not_implemented());
    };
    let equal = Arc::ptr_eq(&a.code, &b.code) || same_code(&a.code, &b.code);
    Ok(Value::bool(equal == (op == CompareOp::Eq)))
}

fn code_hash(_vm: &mut Vm, value: &Value) -> Py<i64> {
    let code = plain(value);
    let mut hasher = DefaultHasher::new();
    (
        &code.name,
        code.argcount,
        code.posonlyargcount,
        code.kwonlyargcount,
    )
        .hash(&mut hasher);
    (
        code.flags,
        code.firstlineno,
        &code.bytecode,
        &code.names,
        &code.varnames,
    )
        .hash(&mut hasher);
    (
        &code.cellvars,
        &code.freevars,
        &code.linetable,
        &code.exceptiontable,
    )
        .hash(&mut hasher);
    let hash = (hasher.finish() >> 3) as i64;
    Ok(hash)
}

fn code_repr(_vm: &mut Vm, value: &Value) -> Py {
    let this = object(value);
    let line = match this.code.firstlineno {
        0 => -1,
        line => i64::from(line),
    };
    let text = format!(
        "<code object {} at {:#x}, file \"{}\", line {line}>",
        lossy(&this.name),
        value.bits(),
        lossy(&this.filename)
    );
    Ok(new_str(&text))
}

static CODE_METHODS: [MethodDef; 6] = [
    f0("co_lines(self, /)", co_lines, ""),
    f0("co_branches(self, /)", co_branches, ""),
    f0("co_positions(self, /)", co_positions, ""),
    bound(REPLACE_SIGNATURE, replace, REPLACE_DOC),
    taipan_core::raw(
        "__replace__(self, /, **changes)",
        replace_dunder,
        "The same as replace().",
    ),
    f1(
        "_varname_from_oparg(self, oparg, /)",
        varname_from_oparg,
        "(internal-only) Return the local variable name for the given oparg.",
    ),
];

static CODE_SPEC: TypeSpec = TypeSpec {
    name: "code",
    flags: TypeFlags::WEAKREF,
    layout: Some(const { &Layout::of::<CodeObject>() }),
    slots: Slots {
        new: Some(code_new),
        repr: Some(code_repr),
        compare: Some(code_compare),
        hash: Some(code_hash),
        ..Slots::NONE
    },
    methods: &CODE_METHODS,
    getset: &CODE_GETSET,
    doc: "code(argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize,\n     flags, codestring, constants, names, \
          varnames, filename, name,\n     qualname, firstlineno, linetable, exceptiontable, freevars=(),\n     \
          cellvars=(), /)\n--\n\nCreate a code object.  Not for the faint of heart.",
    ..TypeSpec::DEFAULT
};

/// Defines `code`.
pub fn define() {
    builtin_types::CODE.define(&CODE_SPEC);
}
