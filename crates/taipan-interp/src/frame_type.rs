//! `types.FrameType` and `types.TracebackType`. What `f_locals` gives for functions is in `frame_locals`.

use crate::frame::{self, Frame};
use crate::frame_object::{self, FrameObject};
use crate::function::Function;
use crate::generator::{State, generator_of};
use crate::traceback::Traceback;
use std::sync::atomic::Ordering::Relaxed;
use taipan_bytecode::code::CodeFlags;
use taipan_core::str_object::{new_str, str_of};
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Obj, Py, Slots, TypeObject, TypeSpec, Value, Vm, bind,
    builtin_types, f0, getset, getter, raw,
};

fn object(value: &Value) -> &Obj<FrameObject> {
    value.expect::<FrameObject>()
}

fn lossy(value: &Value) -> String {
    str_of(value)
        .map(|text| text.to_lossy())
        .unwrap_or_default()
}

fn or_none(value: Option<Value>) -> Value {
    value.unwrap_or_else(Value::none)
}

// ---- frames ----

/// The generator-like object whose frame it is, while the frame lives.
fn owner(value: &Value) -> Option<Value> {
    object(value).look(|live| {
        let frame = live?;
        // SAFETY: a live frame of a generator names its owner, which lives as long as the frame.
        unsafe {
            if (*frame).flags & frame::GENERATOR == 0 || (*frame).generator == 0 {
                return None;
            }
            Some((*(&raw const (*frame).generator).cast::<Value>()).clone())
        }
    })
}

fn f_back(vm: &mut Vm, value: &Value) -> Py {
    Ok(or_none(object(value).back(vm)))
}

fn f_code(_vm: &mut Vm, value: &Value) -> Py {
    Ok(object(value).code().to_value())
}

fn f_globals(_vm: &mut Vm, value: &Value) -> Py {
    Ok(object(value).function.expect::<Function>().globals.clone())
}

fn f_builtins(_vm: &mut Vm, value: &Value) -> Py {
    Ok(object(value).function.expect::<Function>().builtins.clone())
}

/// The mapping of module and class code; for functions a view that writes through to the fast locals.
pub fn f_locals(_vm: &mut Vm, value: &Value) -> Py {
    let this = object(value);
    if let Some(map) = this.locals_map() {
        return Ok(map);
    }
    if !this.code().flags().contains(CodeFlags::OPTIMIZED) {
        return Ok(this.function.expect::<Function>().globals.clone());
    }
    Ok(crate::frame_locals::new_proxy(value.clone()))
}

fn f_lasti(_vm: &mut Vm, value: &Value) -> Py {
    Ok(Value::int(
        object(value).unit().map_or(-1, |unit| 2 * i64::from(unit)),
    ))
}

fn f_lineno(_vm: &mut Vm, value: &Value) -> Py {
    Ok(object(value)
        .line()
        .map_or_else(Value::none, |line| Value::int(i64::from(line))))
}

fn set_f_lineno(vm: &mut Vm, value: &Value, new: Option<&Value>) -> Py<()> {
    let Some(new) = new else {
        return Err(vm.attribute_error("cannot delete attribute"));
    };
    if !new.is_int() {
        return Err(vm.value_error("lineno must be an integer"));
    }
    let live = object(value).live();
    match new.as_i64().filter(|line| i32::try_from(*line).is_ok()) {
        Some(line) => crate::monitor::set_line(vm, live, line),
        None => Err(vm.value_error("lineno out of range")),
    }
}

fn f_trace(_vm: &mut Vm, value: &Value) -> Py {
    let trace = object(value).trace.borrow().clone();
    Ok(or_none(trace))
}

fn set_f_trace(_vm: &mut Vm, value: &Value, new: Option<&Value>) -> Py<()> {
    let new = new.filter(|new| !new.is_none()).cloned();
    drop(object(value).trace.replace(new));
    Ok(())
}

/// A truth value for a flag of the frame.
fn flag(vm: &mut Vm, new: Option<&Value>) -> Py<bool> {
    match new {
        None => Err(vm.type_error("can't delete numeric/char attribute")),
        Some(new) if new.is_true() || new.is_false() => Ok(new.is_true()),
        Some(_) => Err(vm.type_error("attribute value type must be bool")),
    }
}

fn set_trace_lines(vm: &mut Vm, value: &Value, new: Option<&Value>) -> Py<()> {
    let on = flag(vm, new)?;
    object(value).trace_lines.store(on, Relaxed);
    Ok(())
}

fn set_trace_opcodes(vm: &mut Vm, value: &Value, new: Option<&Value>) -> Py<()> {
    if new.is_none() {
        let message = "attribute 'f_trace_opcodes' of 'frame' objects cannot be deleted";
        return Err(vm.attribute_error(message));
    }
    let on = flag(vm, new)?;
    object(value).trace_opcodes.store(on, Relaxed);
    Ok(())
}

/// `frame.clear()`: drops the locals of a frame that does not run.
fn clear(vm: &mut Vm, value: &Value) -> Py {
    if object(value).live().is_some() {
        let Some(owner) = owner(value) else {
            return Err(vm.runtime_error("cannot clear an executing frame"));
        };
        match generator_of(&owner).map(|generator| generator.state()) {
            Some(State::Running) => return Err(vm.runtime_error("cannot clear an executing frame")),
            Some(State::Suspended) => {
                return Err(vm.runtime_error("cannot clear a suspended frame"));
            }
            Some(State::Created) => {
                crate::generator_type::finalize(vm, &owner);
                crate::generator_type::close(vm, &owner)?;
            }
            _ => {}
        }
        return Ok(Value::none());
    }
    object(value).clear_locals();
    Ok(Value::none())
}

fn frame_repr(vm: &mut Vm, value: &Value) -> Py {
    let this = object(value);
    let code = this.code();
    let file = vm.repr_string(&code.filename)?;
    let line = this
        .line()
        .map_or_else(|| "None".to_owned(), |line| line.to_string());
    let text = format!(
        "<frame at {:#x}, file {file}, line {line}, code {}>",
        value.bits(),
        lossy(&code.name)
    );
    Ok(new_str(&text))
}

static FRAME_GETSET: [GetSetDef; 11] = [
    getter("f_back", f_back, ""),
    getter("f_code", f_code, "Return the code object of the frame."),
    getter(
        "f_builtins",
        f_builtins,
        "Return the built-in variables in the frame.",
    ),
    getter(
        "f_globals",
        f_globals,
        "Return the global variables in the frame.",
    ),
    getter(
        "f_locals",
        f_locals,
        "Return the mapping used by the frame to look up local variables.",
    ),
    getter(
        "f_lasti",
        f_lasti,
        "Return the index of the last attempted instruction in the frame.",
    ),
    getset(
        "f_lineno",
        f_lineno,
        set_f_lineno,
        "Return the current line number in the frame.",
    ),
    getset(
        "f_trace",
        f_trace,
        set_f_trace,
        "Return the trace function for this frame, or None if no trace function is set.",
    ),
    getset(
        "f_trace_lines",
        |_, value| Ok(Value::bool(object(value).trace_lines.load(Relaxed))),
        set_trace_lines,
        "",
    ),
    getset(
        "f_trace_opcodes",
        |_, value| Ok(Value::bool(object(value).trace_opcodes.load(Relaxed))),
        set_trace_opcodes,
        "Return True if opcode tracing is enabled, False otherwise.",
    ),
    getter(
        "f_generator",
        |_, value| Ok(or_none(owner(value))),
        "Return the generator or coroutine associated with this frame, or None.",
    ),
];

static FRAME_METHODS: [MethodDef; 1] = [f0(
    "clear(self, /)",
    clear,
    "Clear all references held by the frame.",
)];

static FRAME_SPEC: TypeSpec = TypeSpec {
    name: "frame",
    flags: taipan_core::TypeFlags::NO_INSTANTIATION,
    layout: Some(const { &Layout::of::<FrameObject>() }),
    slots: Slots {
        repr: Some(frame_repr),
        ..Slots::NONE
    },
    methods: &FRAME_METHODS,
    getset: &FRAME_GETSET,
    ..TypeSpec::DEFAULT
};

/// The Python-visible frame `depth` calls above the running one: `sys._getframe(depth)`.
pub fn caller(vm: &mut Vm, depth: usize) -> Option<Value> {
    let mut at: *mut Frame = frame::top(vm);
    for _ in 0..depth {
        if at.is_null() {
            return None;
        }
        // SAFETY: the chain of running frames.
        at = unsafe { (*at).previous };
    }
    if at.is_null() {
        None
    } else {
        Some(frame_object::object_of(vm, at))
    }
}

// ---- tracebacks ----

fn entry(value: &Value) -> &Obj<Traceback> {
    value.expect::<Traceback>()
}

static NEW: MethodDef = raw(
    "traceback(tb_next, tb_frame, tb_lasti, tb_lineno)",
    |vm, _, _| Err(vm.system_error("not a function to call")),
    "",
);

/// A small number given to the constructor.
fn number(vm: &mut Vm, value: &Value) -> Py<i64> {
    let index = vm.index(value)?;
    match index.as_i64() {
        Some(number) if i32::try_from(number).is_ok() => Ok(number),
        Some(number) if number > 0 => {
            Err(vm.overflow_error("signed integer is greater than maximum"))
        }
        Some(_) => Err(vm.overflow_error("signed integer is less than minimum")),
        None => Err(vm.overflow_error("Python int too large to convert to C int")),
    }
}

fn traceback_new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
    let bound = bind::bind(vm, &NEW, args)?;
    let next = bound.req(0);
    let next = if next.is_none() {
        None
    } else if next.is_exact(&builtin_types::TRACEBACK) {
        Some(next.clone())
    } else {
        let message = format!(
            "expected traceback object or None, got '{}'",
            next.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let frame = bound.req(1);
    if !frame.is_exact(&builtin_types::FRAME) {
        let message = format!(
            "traceback() argument 'tb_frame' must be frame, not {}",
            frame.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let lasti = number(vm, bound.req(2))? as i32;
    let line = number(vm, bound.req(3))?;
    // -1 means: by the position; the entry works it out.
    let line = if line == -1 {
        None
    } else {
        Some(line.max(0) as u32)
    };
    Ok(Traceback::by_hand(next, frame.clone(), lasti, line))
}

fn tb_next(_vm: &mut Vm, value: &Value) -> Py {
    Ok(or_none(entry(value).next()))
}

fn set_tb_next(vm: &mut Vm, value: &Value, new: Option<&Value>) -> Py<()> {
    let Some(new) = new else {
        return Err(vm.type_error("can't delete tb_next attribute"));
    };
    if new.is_none() {
        entry(value).set_next(None);
        return Ok(());
    }
    if !new.is_exact(&builtin_types::TRACEBACK) {
        let message = format!("expected traceback object, got '{}'", new.type_of().name());
        return Err(vm.type_error(message));
    }
    let mut at = Some(new.clone());
    while let Some(link) = at {
        if link.is(value) {
            return Err(vm.value_error("traceback loop detected"));
        }
        at = entry(&link).next();
    }
    entry(value).set_next(Some(new.clone()));
    Ok(())
}

fn readonly(vm: &mut Vm, _value: &Value, _new: Option<&Value>) -> Py<()> {
    Err(vm.attribute_error("readonly attribute"))
}

fn tb_lineno(_vm: &mut Vm, value: &Value) -> Py {
    Ok(entry(value)
        .lineno()
        .map_or_else(Value::none, |line| Value::int(i64::from(line))))
}

fn traceback_dir(_vm: &mut Vm, _value: &Value) -> Py {
    let names = ["tb_frame", "tb_next", "tb_lasti", "tb_lineno"].map(new_str);
    Ok(taipan_types::list::new_list(names.to_vec()))
}

static TRACEBACK_GETSET: [GetSetDef; 4] = [
    getset("tb_next", tb_next, set_tb_next, ""),
    getset(
        "tb_frame",
        |_, value| Ok(entry(value).frame.clone()),
        readonly,
        "",
    ),
    getset(
        "tb_lasti",
        |_, value| Ok(Value::int(entry(value).lasti())),
        readonly,
        "",
    ),
    getter("tb_lineno", tb_lineno, ""),
];

static TRACEBACK_METHODS: [MethodDef; 1] = [f0("__dir__(self, /)", traceback_dir, "")];

static TRACEBACK_SPEC: TypeSpec = TypeSpec {
    name: "traceback",
    layout: Some(const { &Layout::of::<Traceback>() }),
    slots: Slots {
        new: Some(traceback_new),
        ..Slots::NONE
    },
    methods: &TRACEBACK_METHODS,
    getset: &TRACEBACK_GETSET,
    doc: "traceback(tb_next, tb_frame, tb_lasti, tb_lineno)\n--\n\nCreate a new traceback object.",
    ..TypeSpec::DEFAULT
};

/// Defines `frame` and `traceback`.
pub fn define() {
    builtin_types::FRAME.define(&FRAME_SPEC);
    builtin_types::TRACEBACK.define(&TRACEBACK_SPEC);
    crate::frame_locals::define();
}
