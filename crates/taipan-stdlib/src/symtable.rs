//! `_symtable`: the compiler's symbol tables as objects, one for each block.
//!
//! All entries of a source are made at once: the library's `symtable` relies on one entry standing for one block.

use crate::ModuleDef;
use crate::builtins::source::{Request, file_name, issue, raise_syntax_error, source_text};
use crate::support::{add, native_type};
use std::collections::HashMap;
use taipan_compiler::Mode;
use taipan_compiler::scopes::{Block, BlockId, BlockKind, SymbolTable, flags};
use taipan_core::alloc::new_object;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::lock::Locked;
use taipan_core::str_object::{name, new_str, str_of};
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Py, Slots, TypeObject, TypeSpec, Value, Vm, getset, slice,
};
use taipan_types::list::new_list;

/// `_symtable`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_symtable",
    doc: "",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 1] = [slice(
    "symtable(module, source, filename, startstr, /)",
    symtable,
    "Return symbol and scope dictionaries used internally by compiler.",
)];

/// Where the scope stands in a symbol's number, above the bits of [`flags`].
const SCOPE_OFFSET: i64 = 12;

static CONSTANTS: [(&str, i64); 26] = [
    ("USE", flags::USE as i64),
    ("DEF_GLOBAL", flags::DEF_GLOBAL as i64),
    ("DEF_NONLOCAL", flags::DEF_NONLOCAL as i64),
    ("DEF_LOCAL", flags::DEF_LOCAL as i64),
    ("DEF_PARAM", flags::DEF_PARAM as i64),
    ("DEF_TYPE_PARAM", flags::DEF_TYPE_PARAM as i64),
    ("DEF_FREE_CLASS", flags::DEF_FREE_CLASS as i64),
    ("DEF_IMPORT", flags::DEF_IMPORT as i64),
    // Type parameters are bound too, but the public mask has never said so.
    (
        "DEF_BOUND",
        (flags::DEF_LOCAL | flags::DEF_PARAM | flags::DEF_IMPORT) as i64,
    ),
    ("DEF_ANNOT", flags::DEF_ANNOT as i64),
    ("DEF_COMP_ITER", flags::DEF_COMP_ITER as i64),
    ("DEF_COMP_CELL", flags::DEF_COMP_CELL as i64),
    ("TYPE_FUNCTION", 0),
    ("TYPE_CLASS", 1),
    ("TYPE_MODULE", 2),
    ("TYPE_ANNOTATION", 3),
    ("TYPE_TYPE_ALIAS", 4),
    ("TYPE_TYPE_PARAMETERS", 5),
    ("TYPE_TYPE_VARIABLE", 6),
    ("LOCAL", 1),
    ("GLOBAL_EXPLICIT", 2),
    ("GLOBAL_IMPLICIT", 3),
    ("FREE", 4),
    ("CELL", 5),
    ("SCOPE_OFF", SCOPE_OFFSET),
    ("SCOPE_MASK", 15),
];

fn kind_number(kind: BlockKind) -> i64 {
    match kind {
        BlockKind::Function => 0,
        BlockKind::Class => 1,
        BlockKind::Module => 2,
        BlockKind::Annotation => 3,
        BlockKind::TypeAlias => 4,
        BlockKind::TypeParameters => 5,
        BlockKind::TypeVariable => 6,
    }
}

native_type! {
    /// Payload of a block's entry.
    ENTRY "symtable entry" Entry {
        name: Value,
        symbols: Value,
        parameters: Value,
        children: Value,
        nested: bool,
        kind: i64,
        line: i64,
    }
    EntryState {}
}

static SPEC: TypeSpec = TypeSpec {
    name: "symtable entry",
    layout: Some(const { &Layout::of::<Entry>() }),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        ..Slots::NONE
    },
    getset: &GETSET,
    ..TypeSpec::DEFAULT
};

static GETSET: [GetSetDef; 8] = [
    getset("id", |_, this| Ok(id(this)), read_only, ""),
    getset(
        "name",
        |_, this| Ok(entry(this).name.clone()),
        read_only,
        "",
    ),
    getset(
        "symbols",
        |_, this| Ok(entry(this).symbols.clone()),
        read_only,
        "",
    ),
    getset(
        "varnames",
        |_, this| Ok(entry(this).parameters.clone()),
        read_only,
        "",
    ),
    getset(
        "children",
        |_, this| Ok(entry(this).children.clone()),
        read_only,
        "",
    ),
    getset(
        "nested",
        |_, this| Ok(Value::int(entry(this).nested.into())),
        read_only,
        "",
    ),
    getset(
        "type",
        |_, this| Ok(Value::int(entry(this).kind)),
        read_only,
        "",
    ),
    getset(
        "lineno",
        |_, this| Ok(Value::int(entry(this).line)),
        read_only,
        "",
    ),
];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    ENTRY.define(&SPEC);
    for (constant, value) in CONSTANTS {
        add(dict, constant, Value::int(value));
    }
    Ok(())
}

fn new(vm: &mut Vm, _cls: &TypeObject, _args: Args<'_>) -> Py {
    Err(vm.type_error("cannot create 'symtable entry' instances"))
}

fn read_only(vm: &mut Vm, _this: &Value, _value: Option<&Value>) -> Py<()> {
    Err(vm.attribute_error("readonly attribute"))
}

fn entry(this: &Value) -> &Entry {
    this.expect::<Entry>()
}

fn id(this: &Value) -> Value {
    Value::int(this.bits() as i64)
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let title = vm.str_string(&entry(this).name)?;
    let (id, line) = (this.bits(), entry(this).line);
    Ok(new_str(&format!(
        "<symtable entry {title}({id}), line {line}>"
    )))
}

fn symtable(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let [source, filename, start] = args else {
        return Err(vm.type_error("symtable expected 3 arguments"));
    };
    let Some(start) = str_of(start) else {
        let got = start.type_of().name();
        return Err(vm.type_error(format!("symtable() argument 3 must be str, not {got}")));
    };
    let start = start.to_lossy();
    let filename = file_name(vm, filename)?;
    let Some(text) = source_text(vm, source, &filename)? else {
        return Err(vm.type_error("symtable() arg 1 must be a string or bytes object"));
    };
    let mode = match start.as_str() {
        "exec" => Mode::Exec,
        "eval" => Mode::Eval,
        "single" => Mode::Single,
        _ => {
            let message = "symtable() arg 3 must be 'exec' or 'eval' or 'single'";
            return Err(vm.value_error(message));
        }
    };
    let options = Request::new(vm, mode).options;
    let parsed = match taipan_syntax::parse(&text, mode, &taipan_syntax::Options::default()) {
        Ok(parsed) => parsed,
        Err(error) => return Err(raise_syntax_error(vm, &error, &filename)),
    };
    for warning in parsed.warnings() {
        issue(vm, warning, &text, &filename)?;
    }
    match taipan_compiler::symbol_table(&parsed, &options) {
        Ok(table) => Ok(entries(&table, |block| match block.kind {
            BlockKind::Module => 0,
            _ => parsed.lines().position(block.range.start()).line.into(),
        })),
        Err(error) => Err(raise_syntax_error(vm, &error, &filename)),
    }
}

/// The entries of all blocks; gives the outermost one.
fn entries(table: &SymbolTable, line_of: impl Fn(&Block) -> i64) -> Value {
    let mut made: HashMap<BlockId, Value> = HashMap::new();
    // A block's number is higher than that of the block around it.
    for id in table.ids().rev() {
        let block = table.block(id);
        let children = block.children.iter().filter_map(|child| made.remove(child));
        let children = new_list(children.collect());
        made.insert(id, new_entry(block, children, line_of(block)));
    }
    made.remove(&SymbolTable::TOP).unwrap_or_else(Value::none)
}

fn new_entry(block: &Block, children: Value, line: i64) -> Value {
    let symbols = new_dict();
    for symbol in block.symbols.iter() {
        let value = i64::from(symbol.flags) | (symbol.scope as i64) << SCOPE_OFFSET;
        symbols
            .expect::<Dict>()
            .set_name(&name(&symbol.name), Value::int(value));
    }
    let parameters = block.params.iter().map(|parameter| name(parameter));
    new_object(Entry {
        name: name(&block.name),
        symbols,
        parameters: new_list(parameters.collect()),
        children,
        nested: block.nested,
        kind: kind_number(block.kind),
        line,
        state: Locked::new(EntryState {}),
    })
}
