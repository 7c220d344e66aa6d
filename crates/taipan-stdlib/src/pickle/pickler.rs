//! The type `Pickler`.

use super::memo::{SaveMemo, get_pickler_memo, set_pickler_memo};
use super::save::Saver;
use super::{DEFAULT_PROTOCOL, HIGHEST_PROTOCOL, globals, pickling_error};
use crate::support::{native_type, signature};
use taipan_core::alloc::new_instance;
use taipan_core::lock::Locked;
use taipan_core::method::Method;
use taipan_core::native_function::NativeFunction;
use taipan_core::str_object::str_of;
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Obj, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value, Vm,
    f0, f1, generic_get_attr, generic_set_attr, getset, name,
};
use taipan_types::arguments;

/// Bytes that a pickle has room for at first.
const SPACE: usize = 512;

native_type! {
    /// Payload of picklers.
    PICKLER "_pickle.Pickler" Pickler {}
    PicklerState {
        memo: SaveMemo,
        // The file's `write`; `None` until `__init__` ran, and for pickling to a string.
        write: Option<Value>,
        proto: i64,
        bin: i64,
        fast: i64,
        fix_imports: bool,
        buffer_callback: Option<Value>,
        dispatch_table: Option<Value>,
        // `persistent_id` as an attribute of this very pickler.
        persistent_id: Option<Value>,
        running: bool,
    }
}

impl PicklerState {
    pub(super) fn memo(&mut self) -> &mut SaveMemo {
        &mut self.memo
    }
}

impl Pickler {
    fn empty() -> Pickler {
        Pickler {
            state: Locked::new(PicklerState {
                memo: SaveMemo::default(),
                write: None,
                proto: 0,
                bin: 0,
                fast: 0,
                fix_imports: false,
                buffer_callback: None,
                dispatch_table: None,
                persistent_id: None,
                running: false,
            }),
        }
    }
}

static SPEC: TypeSpec = TypeSpec {
    name: "_pickle.Pickler",
    flags: TypeFlags::BASE,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        init: Some(init),
        get_attr: Some(get_attr),
        set_attr: Some(set_attr),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "Pickler(file, protocol=None, fix_imports=True, buffer_callback=None)\n--\n\n\
          This takes a binary file for writing a pickle data stream.\n\n\
          The optional *protocol* argument tells the pickler to use the given\n\
          protocol; supported protocols are 0, 1, 2, 3, 4 and 5.  The default\n\
          protocol is 5.",
    ..TypeSpec::DEFAULT
};
static LAYOUT: Layout = Layout::of::<Pickler>();
static METHODS: [MethodDef; 3] = [
    f1(
        "dump(self, obj, /)",
        dump,
        "Write a pickled representation of the given object to the open file.",
    ),
    f0(
        "clear_memo(self, /)",
        clear_memo,
        "Clears the pickler's \"memo\".\n\n\
         The memo is the data structure that remembers which objects the\n\
         pickler has already seen, so that shared or recursive objects are\n\
         pickled by reference and not by value.  This method is useful when\n\
         re-using picklers.",
    ),
    f1("persistent_id(self, obj, /)", no_persistent_id, ""),
];
static GETSET: [GetSetDef; 4] = [
    getset("memo", get_pickler_memo, set_pickler_memo, ""),
    getset(
        "bin",
        |vm, this| Ok(Value::int(own(this).lock(vm).bin)),
        |vm, this, value| {
            let number = number(vm, value)?;
            own(this).lock(vm).bin = number;
            Ok(())
        },
        "",
    ),
    getset(
        "fast",
        |vm, this| Ok(Value::int(own(this).lock(vm).fast)),
        |vm, this, value| {
            let number = number(vm, value)?;
            own(this).lock(vm).fast = number;
            Ok(())
        },
        "",
    ),
    getset("dispatch_table", get_dispatch_table, set_dispatch_table, ""),
];

pub(super) fn define() -> &'static TypeObject {
    PICKLER.define(&SPEC);
    &PICKLER
}

fn own(this: &Value) -> &Obj<Pickler> {
    this.expect::<Pickler>()
}

// ---- construction ----

/// Checked arguments.
pub(super) struct Options {
    proto: u8,
    fix_imports: bool,
    buffer_callback: Option<Value>,
}

impl Options {
    pub fn new(
        vm: &mut Vm,
        proto: Option<&Value>,
        fix_imports: bool,
        buffer_callback: Option<&Value>,
    ) -> Py<Options> {
        let proto = match proto.filter(|proto| !proto.is_none()) {
            None => DEFAULT_PROTOCOL,
            Some(proto) => match c_long(vm, proto)? {
                ..0 => HIGHEST_PROTOCOL,
                proto if proto > HIGHEST_PROTOCOL.into() => {
                    let message = format!("pickle protocol must be <= {HIGHEST_PROTOCOL}");
                    return Err(vm.value_error(message));
                }
                proto => proto as u8,
            },
        };
        let buffer_callback = buffer_callback.filter(|callback| !callback.is_none());
        if buffer_callback.is_some() && proto < 5 {
            return Err(vm.value_error("buffer_callback needs protocol >= 5"));
        }
        Ok(Options {
            proto,
            fix_imports: fix_imports && proto < 3,
            buffer_callback: buffer_callback.cloned(),
        })
    }
}

/// An int in the words of C's `long`.
fn c_long(vm: &mut Vm, value: &Value) -> Py<i64> {
    let index = vm.index(value)?;
    match index.as_i64() {
        Some(i) => Ok(i),
        None => Err(vm.overflow_error("Python int too large to convert to C long")),
    }
}

/// The `write` of a file.
pub(super) fn write_method(vm: &mut Vm, file: &Value) -> Py {
    match vm.get_attr_opt(file, name!("write"))? {
        Some(write) => Ok(write),
        None => Err(vm.type_error("file must have a 'write' attribute")),
    }
}

/// A pickler that was given its arguments.
pub(super) fn create(write: Option<Value>, options: Options) -> Value {
    let mut pickler = Pickler::empty();
    let state = pickler.state.get_mut();
    state.write = write;
    state.proto = options.proto.into();
    state.bin = (options.proto > 0).into();
    state.fix_imports = options.fix_imports;
    state.buffer_callback = options.buffer_callback;
    new_instance(&PICKLER, pickler)
}

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(new_instance(cls, Pickler::empty()))
}

static INIT: MethodDef =
    signature("Pickler(file, protocol=None, fix_imports=True, buffer_callback=None)");

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let bound = taipan_core::bind::bind(vm, &INIT, args)?;
    if own(this).lock(vm).running {
        return Err(already_used(vm));
    }
    let fix_imports = arguments::flag(vm, bound.get(2), true)?;
    let options = Options::new(vm, bound.get(1), fix_imports, bound.get(3))?;
    let write = write_method(vm, bound.req(0))?;
    let old = {
        let mut state = own(this).lock(vm);
        state.proto = options.proto.into();
        state.bin = (options.proto > 0).into();
        state.fast = 0;
        state.fix_imports = options.fix_imports;
        (
            state.write.replace(write),
            std::mem::replace(&mut state.buffer_callback, options.buffer_callback),
            std::mem::take(&mut state.memo),
        )
    };
    drop(old);
    Ok(())
}

#[cold]
fn already_used(vm: &mut Vm) -> taipan_core::Raised {
    vm.runtime_error("Pickler object is already used")
}

// ---- methods ----

/// Pickles an object; gives what no file has taken.
pub(super) fn run(vm: &mut Vm, pickler: &Value, object: &Value) -> Py<Vec<u8>> {
    let globals = globals::get(vm)?;
    let persistent_id = hook(vm, pickler)?;
    let subclass = !pickler.is_exact(&PICKLER);
    let reducer_override = if subclass {
        vm.get_attr_opt(pickler, name!("reducer_override"))?
    } else {
        None
    };
    let dispatch_table = if subclass {
        vm.get_attr_opt(pickler, name!("dispatch_table"))?
    } else {
        own(pickler).lock(vm).dispatch_table.clone()
    };
    let mut saver = {
        let mut state = own(pickler).lock(vm);
        state.running = true;
        Saver {
            pickler: own(pickler),
            globals,
            out: Vec::with_capacity(SPACE),
            framing: false,
            frame: None,
            proto: state.proto as u8,
            bin: state.bin != 0,
            fast: state.fast != 0,
            fix_imports: state.fix_imports,
            write: state.write.clone(),
            buffer_callback: state.buffer_callback.clone(),
            persistent_id,
            reducer_override,
            dispatch_table,
            nested: Vec::new(),
        }
    };
    let result = saver.dump(vm, object);
    let out = std::mem::take(&mut saver.out);
    drop(saver);
    own(pickler).lock(vm).running = false;
    result.map(|()| out)
}

/// `persistent_id`, unless it is this type's own, which knows no ids.
fn hook(vm: &mut Vm, pickler: &Value) -> Py<Option<Value>> {
    if pickler.is_exact(&PICKLER) {
        return Ok(own(pickler).lock(vm).persistent_id.clone());
    }
    let found = vm.get_attr_opt(pickler, name!("persistent_id"))?;
    Ok(found.filter(|found| !is_native(found, &METHODS[2])))
}

/// Is this the method `def`, bound?
pub(super) fn is_native(value: &Value, def: &'static MethodDef) -> bool {
    value
        .cast_exact::<NativeFunction>()
        .is_some_and(|function| std::ptr::eq(function.def, def))
        || value
            .cast_exact::<Method>()
            .and_then(|method| taipan_core::descriptor::method_def(&method.function))
            .is_some_and(|(own, _)| std::ptr::eq(own, def))
}

fn dump(vm: &mut Vm, this: &Value, object: &Value) -> Py {
    let (ready, running) = {
        let state = own(this).lock(vm);
        (state.write.is_some(), state.running)
    };
    if !ready {
        let message = format!(
            "Pickler.__init__() was not called by {}.__init__()",
            this.type_of().name()
        );
        return Err(pickling_error(vm, message));
    }
    if running {
        return Err(already_used(vm));
    }
    run(vm, this, object)?;
    Ok(Value::none())
}

fn clear_memo(vm: &mut Vm, this: &Value) -> Py {
    super::memo::replace_save_memo(vm, this, SaveMemo::default());
    Ok(Value::none())
}

fn no_persistent_id(_vm: &mut Vm, _this: &Value, _object: &Value) -> Py {
    Ok(Value::none())
}

// ---- attributes ----

fn number(vm: &mut Vm, value: Option<&Value>) -> Py<i64> {
    let Some(value) = value else {
        return Err(vm.type_error("can't delete numeric/char attribute"));
    };
    let number = c_long(vm, value)?;
    Ok(number as i32 as i64)
}

fn get_dispatch_table(vm: &mut Vm, this: &Value) -> Py {
    let table = own(this).lock(vm).dispatch_table.clone();
    table.ok_or_else(|| vm.no_attribute(this, name!("dispatch_table")))
}

fn set_dispatch_table(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let old = std::mem::replace(&mut own(this).lock(vm).dispatch_table, value.cloned());
    if old.is_none() && value.is_none() {
        return Err(vm.no_attribute(this, name!("dispatch_table")));
    }
    Ok(())
}

pub(super) fn is_name(name: &Value, text: &str) -> bool {
    str_of(name).is_some_and(|name| name.ascii() == Some(text))
}

/// `persistent_id` may be set on the pickler itself.
fn get_attr(vm: &mut Vm, this: &Value, name: &Value) -> Py {
    if is_name(name, "persistent_id")
        && let Some(own) = own(this).lock(vm).persistent_id.clone()
    {
        return Ok(own);
    }
    generic_get_attr(vm, this, name)
}

fn set_attr(vm: &mut Vm, this: &Value, name: &Value, value: Option<&Value>) -> Py<()> {
    if is_name(name, "persistent_id") {
        let old = std::mem::replace(&mut own(this).lock(vm).persistent_id, value.cloned());
        drop(old);
        return Ok(());
    }
    generic_set_attr(vm, this, name, value)
}
