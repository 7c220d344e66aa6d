//! Methods and attributes of parsers.

use super::handlers::{self, HANDLERS};
use super::{Expat, PARSER, error, new, own, run};
use crate::support::{c_argument, text_argument, utf8};
use taipan_core::native::GetSetDef;
use taipan_core::str_object::{is_str, name, new_str};
use taipan_core::{Bound, Layout, MethodDef, Py, TypeFlags, TypeSpec, Value, Vm};
use taipan_core::{bound, f0, f1, getset, getter};
use taipan_types::arguments::{flag, type_name};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::new_bytes;
use taipan_xml::{ErrorCode, ParamEntityParsing};

static SPEC: TypeSpec = TypeSpec {
    name: "pyexpat.xmlparser",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(const { &Layout::of::<Expat>() }),
    methods: &METHODS,
    getset: &GETSET,
    doc: "XML parser",
    ..TypeSpec::DEFAULT
};

static METHODS: [MethodDef; 14] = [
    bound(
        "Parse(self, data, isfinal=False, /)",
        parse,
        "Parse XML data.\n\n'isfinal' says that nothing comes behind it. A str is parsed as what it is, whatever encoding it declares.",
    ),
    f1(
        "ParseFile(self, file, /)",
        parse_file,
        "Parse XML data from a binary file-like object.",
    ),
    f1(
        "SetBase(self, base, /)",
        set_base,
        "Set the base URL for the parser.",
    ),
    f0(
        "GetBase(self, /)",
        |vm, this| {
            let base = own(this).lock(vm).parser.base().map(new_str);
            Ok(base.unwrap_or_else(Value::none))
        },
        "Return base URL string for the parser.",
    ),
    f0(
        "GetInputContext(self, /)",
        input_context,
        "Return the input which generated the current event as bytes.\n\nIt goes on to the end of what was read so far.",
    ),
    bound(
        "ExternalEntityParserCreate(self, context, encoding=<unrepresentable>, /)",
        external_parser,
        "Create a parser for parsing an external entity based on the information passed to the ExternalEntityRefHandler.",
    ),
    f1(
        "SetParamEntityParsing(self, flag, /)",
        set_param_entity_parsing,
        "Controls parsing of parameter entities, the external DTD subset among them.",
    ),
    bound(
        "UseForeignDTD(self, flag=True, /)",
        use_foreign_dtd,
        "Ask for an external subset even if the document names none.",
    ),
    f0(
        "GetReparseDeferralEnabled(self, /)",
        |vm, this| Ok(Value::bool(own(this).lock(vm).parser.deferral())),
        "Is an incomplete token looked at again only when much more has come?",
    ),
    f1(
        "SetReparseDeferralEnabled(self, enabled, /)",
        |vm, this, enabled| {
            let enabled = vm.truth(enabled)?;
            own(this).lock(vm).parser.set_deferral(enabled);
            Ok(Value::none())
        },
        "Choose whether an incomplete token is looked at again only when much more has come.",
    ),
    f1(
        "SetBillionLaughsAttackProtectionActivationThreshold(self, threshold, /)",
        |vm, this, threshold| set_threshold(vm, this, threshold, false),
        "Sets the number of bytes, those from entities included, from which on amplification is limited.",
    ),
    f1(
        "SetBillionLaughsAttackProtectionMaximumAmplification(self, max_factor, /)",
        |vm, this, factor| set_factor(vm, this, factor, false),
        "Sets how many times as much as was read entities may give.",
    ),
    f1(
        "SetAllocTrackerActivationThreshold(self, threshold, /)",
        |vm, this, threshold| set_threshold(vm, this, threshold, true),
        "Sets the number of bytes of memory from which on it is limited.",
    ),
    f1(
        "SetAllocTrackerMaximumAmplification(self, max_factor, /)",
        |vm, this, factor| set_factor(vm, this, factor, true),
        "Sets how many times as much memory as was read may be taken.",
    ),
];

/// A flag of the state as an attribute.
macro_rules! flag_attribute {
    ($name:literal, $field:ident) => {
        getset(
            $name,
            |vm, this| Ok(Value::bool(own(this).lock(vm).$field)),
            |vm, this, value| {
                let value = truth(vm, value)?;
                own(this).lock(vm).$field = value;
                Ok(())
            },
            "",
        )
    };
}

/// A part of the current place as an attribute.
macro_rules! place_attribute {
    ($name:literal, $place:ident => $value:expr) => {
        getter(
            $name,
            |vm, this| {
                let $place = own(this).lock(vm).parser.place();
                Ok(Value::int($value as i64))
            },
            "",
        )
    };
}

static OWN_GETSET: [GetSetDef; 14] = [
    getter("intern", |_, this| Ok(own(this).intern.clone()), "").member(),
    getter(
        "ErrorCode",
        |vm, this| Ok(Value::int(own(this).lock(vm).error)),
        "",
    ),
    place_attribute!("ErrorLineNumber", place => place.line + 1),
    place_attribute!("ErrorColumnNumber", place => place.column),
    getter("ErrorByteIndex", byte_index, ""),
    place_attribute!("CurrentLineNumber", place => place.line + 1),
    place_attribute!("CurrentColumnNumber", place => place.column),
    getter("CurrentByteIndex", byte_index, ""),
    getset(
        "buffer_size",
        |vm, this| Ok(Value::int(own(this).lock(vm).buffer_size as i64)),
        set_buffer_size,
        "",
    ),
    getset(
        "buffer_text",
        |vm, this| Ok(Value::bool(own(this).lock(vm).buffer_text)),
        set_buffer_text,
        "",
    ),
    getter(
        "buffer_used",
        |vm, this| Ok(Value::int(own(this).lock(vm).buffer.len() as i64)),
        "",
    ),
    getset(
        "namespace_prefixes",
        |vm, this| Ok(Value::bool(own(this).lock(vm).namespace_prefixes)),
        |vm, this, value| {
            let value = truth(vm, value)?;
            let mut state = own(this).lock(vm);
            state.namespace_prefixes = value;
            state.parser.set_triplets(value);
            Ok(())
        },
        "",
    ),
    flag_attribute!("ordered_attributes", ordered_attributes),
    flag_attribute!("specified_attributes", specified_attributes),
];

static GETSET: [GetSetDef; 14 + HANDLERS.len()] = all_attributes();

const fn all_attributes() -> [GetSetDef; 14 + HANDLERS.len()] {
    let mut all = [const { getter("", |_, _| Ok(Value::none()), "") }; 14 + HANDLERS.len()];
    let mut at = 0;
    while at < all.len() {
        let from = if at < 14 {
            &OWN_GETSET[at]
        } else {
            &handlers::GETSET[at - 14]
        };
        all[at] = GetSetDef { ..*from };
        at += 1;
    }
    all
}

pub fn define() {
    PARSER.define(&SPEC);
}

fn truth(vm: &mut Vm, value: Option<&Value>) -> Py<bool> {
    match value {
        Some(value) => vm.truth(value),
        None => Err(vm.runtime_error("Cannot delete attribute")),
    }
}

fn byte_index(vm: &mut Vm, this: &Value) -> Py {
    let index = own(this).lock(vm).parser.byte_index();
    Ok(Value::int(index.map_or(-1, |index| index as i64)))
}

fn set_buffer_text(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let value = truth(vm, value)?;
    if !value {
        run::flush(vm, this)?;
    }
    own(this).lock(vm).buffer_text = value;
    Ok(())
}

fn set_buffer_size(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let Some(value) = value else {
        return Err(vm.runtime_error("Cannot delete attribute"));
    };
    if !value.is_int() {
        return Err(vm.type_error("buffer_size must be an integer"));
    }
    let Some(size) = value.as_i64() else {
        return Err(vm.overflow_error("Python int too large to convert to C long"));
    };
    if size <= 0 {
        return Err(vm.value_error("buffer_size must be greater than zero"));
    }
    if size > i64::from(i32::MAX) {
        let message = format!("buffer_size must not be greater than {}", i32::MAX);
        return Err(vm.value_error(message));
    }
    if own(this).lock(vm).buffer_size == size as usize {
        return Ok(());
    }
    run::flush(vm, this)?;
    own(this).lock(vm).buffer_size = size as usize;
    Ok(())
}

fn parse(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let data = args.req(0);
    let last = flag(vm, args.get(1), false)?;
    if is_str(data) {
        let text = utf8(vm, data)?;
        return run::alone(vm, this, "Parse", |vm| {
            own(this).lock(vm).parser.set_encoding_name(Some("utf-8"));
            run::parse(vm, this, &text, last)
        });
    }
    let data = bytes_like(vm, data)?;
    run::alone(vm, this, "Parse", |vm| run::parse(vm, this, &data, last))
}

/// Bytes that are read at a time.
const READ_SIZE: usize = 2048;

fn parse_file(vm: &mut Vm, this: &Value, file: &Value) -> Py {
    let Some(read) = vm.get_attr_opt(file, &name("read"))? else {
        return Err(vm.type_error("argument must have 'read' attribute"));
    };
    run::alone(vm, this, "ParseFile", |vm| {
        loop {
            let data = vm.call(&read, &[Value::int(READ_SIZE as i64)])?;
            let is_bytes = data.is_instance(&taipan_core::builtin_types::BYTES)
                || data.is_instance(&taipan_core::builtin_types::BYTEARRAY);
            if !is_bytes {
                let got = type_name(&data);
                let message = format!("read() did not return a bytes object (type={got})");
                return Err(vm.type_error(message));
            }
            let data = bytes_like(vm, &data)?;
            if data.len() > READ_SIZE {
                let message = format!(
                    "read() returned too much data: {READ_SIZE} bytes requested, {} returned",
                    data.len()
                );
                return Err(vm.value_error(message));
            }
            let last = data.is_empty();
            let parsed = run::parse(vm, this, &data, last)?;
            if last || parsed.is_err() {
                return Ok(parsed);
            }
        }
    })
}

fn set_base(vm: &mut Vm, this: &Value, base: &Value) -> Py {
    let base = c_argument(vm, "SetBase() argument", base)?;
    let base = base.to_string_lossy();
    own(this).lock(vm).parser.set_base(Some(&base));
    Ok(Value::none())
}

fn input_context(vm: &mut Vm, this: &Value) -> Py {
    let context = {
        let state = own(this).lock(vm);
        match state.in_callback {
            true => state.parser.input_context(),
            false => None,
        }
    };
    match context {
        Some(context) => new_bytes(vm, &context),
        None => Ok(Value::none()),
    }
}

fn external_parser(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let context = match args.req(0) {
        value if value.is_none() => None,
        value if is_str(value) => Some(c_argument(vm, "", value)?),
        value => {
            let got = type_name(value);
            let message =
                format!("ExternalEntityParserCreate() argument 1 must be str or None, not {got}");
            return Err(vm.type_error(message));
        }
    };
    let encoding = match args.get(1) {
        None => None,
        Some(value) => {
            let what = "ExternalEntityParserCreate() argument 2";
            text_argument(vm, what, value)?;
            Some(c_argument(vm, what, value)?)
        }
    };
    let context = context.map(|context| context.to_string_lossy().into_owned());
    let encoding = encoding.map(|encoding| encoding.to_string_lossy().into_owned());
    let parser = own(this)
        .lock(vm)
        .parser
        .external_entity_parser(context.as_deref(), encoding.as_deref());
    let object = own(this);
    let child = new(parser, object.intern.clone());
    let (handlers, default, flags, size) = {
        let state = object.lock(vm);
        let flags = [
            state.buffer_text,
            state.ordered_attributes,
            state.specified_attributes,
            state.namespace_prefixes,
        ];
        (
            state.handlers.clone(),
            state.default.0,
            flags,
            state.buffer_size,
        )
    };
    {
        let mut state = own(&child).lock(vm);
        state.handlers = handlers;
        state.default.0 = default;
        [
            state.buffer_text,
            state.ordered_attributes,
            state.specified_attributes,
            state.namespace_prefixes,
        ] = flags;
        state.buffer_size = size;
        state.update_interest();
    }
    Ok(child)
}

fn set_param_entity_parsing(vm: &mut Vm, this: &Value, flag: &Value) -> Py {
    let flag = crate::support::c_int(vm, flag)?;
    let parsing = match flag {
        0 => ParamEntityParsing::Never,
        1 => ParamEntityParsing::UnlessStandalone,
        _ => ParamEntityParsing::Always,
    };
    let done = own(this).lock(vm).parser.set_param_entity_parsing(parsing);
    Ok(Value::int(done.into()))
}

fn use_foreign_dtd(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let foreign = flag(vm, args.get(0), true)?;
    if own(this).lock(vm).parser.set_foreign_dtd(foreign) {
        return Ok(Value::none());
    }
    Err(error::raise(
        vm,
        this,
        ErrorCode::CantChangeFeatureOnceParsing,
    ))
}

fn set_threshold(vm: &mut Vm, this: &Value, threshold: &Value, memory: bool) -> Py {
    let number = vm.index(threshold)?;
    let threshold = match (number.as_i64(), number.as_big()) {
        (Some(0..), _) => number.as_i64().unwrap_or(0) as u64,
        (None, Some(big)) if big > dashu_int::IBig::ZERO => match u64::try_from(&big) {
            Ok(threshold) => threshold,
            Err(_) => {
                let message = "Python int too large for C unsigned long long";
                return Err(vm.overflow_error(message));
            }
        },
        _ => return Err(vm.value_error("Cannot convert negative int")),
    };
    let (is_root, limits) = {
        let state = own(this).lock(vm);
        (state.parser.is_root(), state.parser.shared_limits())
    };
    if !is_root {
        return Err(error::refuse(vm, this, "parser must be a root parser"));
    }
    match memory {
        true => limits.set_memory_threshold(threshold),
        false => limits.set_threshold(threshold),
    }
    Ok(Value::none())
}

fn set_factor(vm: &mut Vm, this: &Value, factor: &Value, memory: bool) -> Py {
    let factor = vm.to_f64(factor)? as f32;
    let (is_root, limits) = {
        let state = own(this).lock(vm);
        (state.parser.is_root(), state.parser.shared_limits())
    };
    if !is_root {
        return Err(error::refuse(vm, this, "parser must be a root parser"));
    }
    let done = match memory {
        true => limits.set_memory_factor(factor),
        false => limits.set_factor(factor),
    };
    match done {
        true => Ok(Value::none()),
        false => Err(error::refuse(vm, this, "'max_factor' must be at least 1.0")),
    }
}
