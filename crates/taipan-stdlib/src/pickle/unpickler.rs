//! The type `Unpickler`.

use super::input::{BytesInput, FileInput};
use super::load::{Input, Loader};
use super::memo::{LoadMemo, get_unpickler_memo, set_unpickler_memo};
use super::pickler::{is_name, is_native};
use super::{globals, reduce, unpickling_error};
use crate::support::{native_type, signature};
use taipan_core::alloc::new_instance;
use taipan_core::dict_object::Dict;
use taipan_core::lock::Locked;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, Bound, GetSetDef, Layout, MethodDef, Obj, Py, Slots, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, f0, f1, f2, generic_get_attr, generic_set_attr, getset, name,
};
use taipan_types::arguments;
use taipan_types::str::text_of;

native_type! {
    /// Payload of unpicklers.
    UNPICKLER "_pickle.Unpickler" Unpickler {}
    UnpicklerState {
        memo: LoadMemo,
        // `None` until `__init__` ran, and for unpickling from bytes.
        file: Option<FileInput>,
        buffers: Option<Value>,
        // What 8-bit strings are decoded with.
        encoding: String,
        errors: String,
        fix_imports: bool,
        // The protocol of the pickle that is being read.
        proto: i64,
        // `persistent_load` as an attribute of this very unpickler.
        persistent_load: Option<Value>,
        running: bool,
    }
}

impl crate::support::Holds for String {}

impl UnpicklerState {
    pub(super) fn memo(&mut self) -> &mut LoadMemo {
        &mut self.memo
    }

    /// Notes the protocol of the pickle that is being read.
    pub(super) fn set_protocol(&mut self, proto: u8) {
        self.proto = proto.into();
    }
}

impl Unpickler {
    fn empty() -> Unpickler {
        Unpickler {
            state: Locked::new(UnpicklerState {
                memo: LoadMemo::default(),
                file: None,
                buffers: None,
                encoding: String::new(),
                errors: String::new(),
                fix_imports: false,
                proto: 0,
                persistent_load: None,
                running: false,
            }),
        }
    }
}

static SPEC: TypeSpec = TypeSpec {
    name: "_pickle.Unpickler",
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
    doc: "Unpickler(file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())\n--\n\n\
          This takes a binary file for reading a pickle data stream.\n\n\
          The protocol version of the pickle is detected automatically, so no\n\
          protocol argument is needed.  Bytes past the pickled object's\n\
          representation are ignored.",
    ..TypeSpec::DEFAULT
};
static LAYOUT: Layout = Layout::of::<Unpickler>();
static METHODS: [MethodDef; 3] = [
    f0(
        "load(self, /)",
        load,
        "Load a pickle.\n\n\
         Read a pickled object representation from the open file object given\n\
         in the constructor, and return the reconstituted object hierarchy\n\
         specified therein.",
    ),
    f2(
        "find_class(self, module_name, global_name, /)",
        find_class,
        "Return an object from a specified module.\n\n\
         If necessary, the module will be imported. Subclasses may override\n\
         this method (e.g. to restrict unpickling of arbitrary classes and\nfunctions).\n\n\
         This method is called whenever a class or a function object is\n\
         needed.  Both arguments passed are str objects.",
    ),
    f1("persistent_load(self, pid, /)", no_persistent_load, ""),
];
static GETSET: [GetSetDef; 1] = [getset("memo", get_unpickler_memo, set_unpickler_memo, "")];

pub(super) fn define() -> &'static TypeObject {
    UNPICKLER.define(&SPEC);
    &UNPICKLER
}

fn own(this: &Value) -> &Obj<Unpickler> {
    this.expect::<Unpickler>()
}

// ---- construction ----

/// Checked arguments.
pub(super) struct Options {
    fix_imports: bool,
    encoding: String,
    errors: String,
    buffers: Option<Value>,
}

impl Options {
    /// The arguments from `first` on: `fix_imports`, `encoding`, `errors`, `buffers`.
    pub fn new(vm: &mut Vm, function: &str, args: &Bound, first: usize) -> Py<Options> {
        Ok(Options {
            fix_imports: arguments::flag(vm, args.get(first), true)?,
            encoding: text(vm, function, "encoding", args.get(first + 1), "ASCII")?,
            errors: text(vm, function, "errors", args.get(first + 2), "strict")?,
            buffers: match args.get_not_none(first + 3) {
                Some(buffers) => Some(vm.iter(buffers)?),
                None => None,
            },
        })
    }
}

fn text(
    vm: &mut Vm,
    function: &str,
    name: &str,
    value: Option<&Value>,
    default: &str,
) -> Py<String> {
    let Some(value) = value else {
        return Ok(default.to_owned());
    };
    let Some(text) = text_of(value) else {
        let message = format!(
            "{function}() argument '{name}' must be str, not {}",
            arguments::type_name(value)
        );
        return Err(vm.type_error(message));
    };
    let text = text.to_utf8_lossy().into_owned();
    if text.contains('\0') {
        return Err(vm.value_error("embedded null character"));
    }
    Ok(text)
}

/// The methods of a file that are needed for reading.
pub(super) fn file_methods(vm: &mut Vm, file: &Value) -> Py<FileInput> {
    let peek = vm.get_attr_opt(file, name!("peek"))?;
    let read = vm.get_attr_opt(file, name!("read"))?;
    let readline = vm.get_attr_opt(file, name!("readline"))?;
    match (read, readline) {
        (Some(read), Some(readline)) => Ok(FileInput::new(peek, read, readline)),
        _ => Err(vm.type_error("file must have 'read' and 'readline' attributes")),
    }
}

/// An unpickler that was given its arguments.
pub(super) fn create(file: Option<FileInput>, options: Options) -> Value {
    let mut unpickler = Unpickler::empty();
    let state = unpickler.state.get_mut();
    state.file = file;
    state.buffers = options.buffers;
    state.encoding = options.encoding;
    state.errors = options.errors;
    state.fix_imports = options.fix_imports;
    new_instance(&UNPICKLER, unpickler)
}

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(new_instance(cls, Unpickler::empty()))
}

static INIT: MethodDef = signature(
    "Unpickler(file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())",
);

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let bound = taipan_core::bind::bind(vm, &INIT, args)?;
    if own(this).lock(vm).running {
        return Err(already_used(vm));
    }
    let options = Options::new(vm, "Unpickler", &bound, 1)?;
    let file = file_methods(vm, bound.req(0))?;
    let old = {
        let mut state = own(this).lock(vm);
        state.encoding = options.encoding;
        state.errors = options.errors;
        state.fix_imports = options.fix_imports;
        state.proto = 0;
        (
            state.file.replace(file),
            std::mem::replace(&mut state.buffers, options.buffers),
            std::mem::take(&mut state.memo),
        )
    };
    drop(old);
    Ok(())
}

#[cold]
fn already_used(vm: &mut Vm) -> taipan_core::Raised {
    vm.runtime_error("Unpickler object is already used")
}

// ---- running ----

fn run<I: Input>(vm: &mut Vm, unpickler: &Value, input: I) -> Py<(Value, I)> {
    let globals = globals::get(vm)?;
    let persistent_load = hook(vm, unpickler)?;
    let exact = unpickler.is_exact(&UNPICKLER);
    let mut loader = {
        let mut state = own(unpickler).lock(vm);
        state.running = true;
        state.proto = 0;
        Loader {
            owner: unpickler,
            unpickler: own(unpickler),
            globals,
            input,
            stack: Vec::new(),
            marks: Vec::new(),
            fence: 0,
            encoding: state.encoding.clone(),
            errors: state.errors.clone(),
            buffers: state.buffers.clone(),
            persistent_load,
            plain_find_class: exact,
        }
    };
    let result = loader.run(vm);
    let Loader { input, stack, .. } = loader;
    drop(stack);
    own(unpickler).lock(vm).running = false;
    result.map(|value| (value, input))
}

/// Reads one pickle from bytes.
pub(super) fn run_bytes(vm: &mut Vm, unpickler: &Value, data: &[u8]) -> Py {
    Ok(run(vm, unpickler, BytesInput::new(data))?.0)
}

/// Reads one pickle from the unpickler's file.
pub(super) fn run_file(vm: &mut Vm, unpickler: &Value) -> Py {
    // A frame that the file gave may hold the beginning of the next pickle: it is kept in the unpickler.
    let Some(file) = own(unpickler).lock(vm).file.take() else {
        let message = format!(
            "Unpickler.__init__() was not called by {}.__init__()",
            unpickler.type_of().name()
        );
        return Err(unpickling_error(vm, message));
    };
    let methods = file.methods();
    match run(vm, unpickler, file) {
        Ok((value, mut file)) => {
            let skipped = file.skip_consumed(vm);
            let old = own(unpickler).lock(vm).file.replace(file);
            drop(old);
            skipped?;
            Ok(value)
        }
        Err(raised) => {
            let old = own(unpickler).lock(vm).file.replace(methods);
            drop(old);
            Err(raised)
        }
    }
}

fn load(vm: &mut Vm, this: &Value) -> Py {
    if own(this).lock(vm).running {
        return Err(already_used(vm));
    }
    run_file(vm, this)
}

/// `persistent_load`, unless it is this type's own, which only raises.
fn hook(vm: &mut Vm, unpickler: &Value) -> Py<Option<Value>> {
    if unpickler.is_exact(&UNPICKLER) {
        return Ok(own(unpickler).lock(vm).persistent_load.clone());
    }
    let found = vm.get_attr_opt(unpickler, name!("persistent_load"))?;
    Ok(found.filter(|found| !is_native(found, &METHODS[2])))
}

fn no_persistent_load(vm: &mut Vm, _this: &Value, _id: &Value) -> Py {
    let message = "A load persistent id instruction was encountered, but no persistent_load \
                   function was specified.";
    Err(unpickling_error(vm, message))
}

/// What a pickle without `persistent_load` gets.
pub(super) fn unexpected_id(vm: &mut Vm) -> taipan_core::Raised {
    match no_persistent_load(vm, &Value::none(), &Value::none()) {
        Err(raised) => raised,
        Ok(_) => unpickling_error(vm, ""),
    }
}

/// `unpickler.find_class(module, name)`
pub(super) fn find_class(vm: &mut Vm, this: &Value, module: &Value, name: &Value) -> Py {
    crate::audit::audit(vm, "pickle.find_class", || {
        vec![module.clone(), name.clone()]
    })?;
    let (proto, fix_imports) = {
        let state = own(this).lock(vm);
        (state.proto, state.fix_imports)
    };
    let (mut module, mut name) = (module.clone(), name.clone());
    if proto < 3 && fix_imports {
        let globals = globals::get(vm)?;
        let key = new_tuple([module.clone(), name.clone()]);
        if let Some(pair) = globals.names_2to3.expect::<Dict>().get(vm, &key)? {
            (module, name) = reduce::name_pair(vm, &pair, "NAME_MAPPING")?;
        } else if let Some(other) = globals.modules_2to3.expect::<Dict>().get(vm, &module)? {
            module = reduce::module_name(vm, other, "IMPORT_MAPPING")?;
        }
    }
    reduce::find_global(vm, &module, &name, proto >= 4)
}

// ---- attributes ----

/// `persistent_load` may be set on the unpickler itself.
fn get_attr(vm: &mut Vm, this: &Value, name: &Value) -> Py {
    if is_name(name, "persistent_load")
        && let Some(own) = own(this).lock(vm).persistent_load.clone()
    {
        return Ok(own);
    }
    generic_get_attr(vm, this, name)
}

fn set_attr(vm: &mut Vm, this: &Value, name: &Value, value: Option<&Value>) -> Py<()> {
    if is_name(name, "persistent_load") {
        let old = std::mem::replace(&mut own(this).lock(vm).persistent_load, value.cloned());
        drop(old);
        return Ok(());
    }
    generic_set_attr(vm, this, name, value)
}
