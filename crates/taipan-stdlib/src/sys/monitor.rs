//! `sys.settrace`, `sys.setprofile` and the namespace `sys.monitoring`; the machinery is `taipan_interp::monitor`.
#![expect(
    clippy::declare_interior_mutable_const,
    reason = "rows that the one static table of sys takes in"
)]

use crate::support::add;
use taipan_core::dict_object::Dict;
use taipan_core::native_function::new_native_function;
use taipan_core::str_object::new_str;
use taipan_core::{MethodDef, Py, Value, Vm, f0, f1, f2, name, slice};
use taipan_interp::module::Module;
use taipan_interp::monitor::tools::{self, Event};
use taipan_interp::monitor::trace;

fn or_none(value: Option<Value>) -> Value {
    value.unwrap_or_else(Value::none)
}

fn not_none(value: &Value) -> Option<Value> {
    if value.is_none() {
        None
    } else {
        Some(value.clone())
    }
}

pub(super) const SETTRACE: MethodDef = f1(
    "settrace(module, function, /)",
    |vm, _, function| {
        crate::audit::audit(vm, "sys.settrace", Vec::new)?;
        trace::set_trace(vm, not_none(function));
        Ok(Value::none())
    },
    "Set the global debug tracing function.\n\nIt will be called on each function call.  See the debugger chapter\nin the library manual.",
);
pub(super) const GETTRACE: MethodDef = f0(
    "gettrace(module, /)",
    |vm, _| Ok(or_none(trace::get_trace(vm))),
    "Return the global debug tracing function set with sys.settrace.\n\nSee the debugger chapter in the library manual.",
);
pub(super) const SETPROFILE: MethodDef = f1(
    "setprofile(module, function, /)",
    |vm, _, function| {
        crate::audit::audit(vm, "sys.setprofile", Vec::new)?;
        trace::set_profile(vm, not_none(function));
        Ok(Value::none())
    },
    "Set the profiling function.\n\nIt will be called on each function call and return.  See the profiler\nchapter in the library manual.",
);
pub(super) const SETTRACE_ALL: MethodDef = f1(
    "_settraceallthreads($module, function, /)",
    |vm, _, function| {
        crate::audit::audit(vm, "sys.settrace", Vec::new)?;
        trace::set_trace_for_all(vm, not_none(function));
        Ok(Value::none())
    },
    "Set the global debug tracing function in all threads that run now.",
);
pub(super) const SETPROFILE_ALL: MethodDef = f1(
    "_setprofileallthreads($module, function, /)",
    |vm, _, function| {
        crate::audit::audit(vm, "sys.setprofile", Vec::new)?;
        trace::set_profile_for_all(vm, not_none(function));
        Ok(Value::none())
    },
    "Set the profiling function in all threads that run now.",
);
pub(super) const GETPROFILE: MethodDef = f0(
    "getprofile(module, /)",
    |vm, _| Ok(or_none(trace::get_profile(vm))),
    "Return the profiling function set with sys.setprofile.\n\nSee the profiler chapter in the library manual.",
);

// ---- sys.monitoring ----

/// A tool number or an event set.
fn number(vm: &mut Vm, value: &Value) -> Py<i64> {
    let index = vm.index(value)?;
    match index
        .as_i64()
        .filter(|number| i32::try_from(*number).is_ok())
    {
        Some(number) => Ok(number),
        None => Err(vm.overflow_error("Python int too large to convert to C int")),
    }
}

fn register_callback(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let (tool, event) = (number(vm, &args[0])?, number(vm, &args[1])?);
    crate::audit::audit(vm, "sys.monitoring.register_callback", || {
        vec![args[2].clone()]
    })?;
    Ok(or_none(tools::register_callback(
        vm,
        tool,
        event,
        not_none(&args[2]),
    )?))
}

fn set_local_events(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let tool = number(vm, &args[0])?;
    let events = number(vm, &args[2])?;
    tools::set_local_events(vm, tool, &args[1], events)?;
    Ok(Value::none())
}

static FUNCTIONS: [MethodDef; 11] = [
    f2(
        "use_tool_id(module, tool_id, name, /)",
        |vm, _, tool, name| {
            let tool = number(vm, tool)?;
            tools::use_tool(vm, tool, name).map(|()| Value::none())
        },
        "",
    ),
    f1(
        "clear_tool_id(module, tool_id, /)",
        |vm, _, tool| {
            let tool = number(vm, tool)?;
            tools::clear_tool(vm, tool).map(|()| Value::none())
        },
        "",
    ),
    f1(
        "free_tool_id(module, tool_id, /)",
        |vm, _, tool| {
            let tool = number(vm, tool)?;
            tools::free_tool(vm, tool).map(|()| Value::none())
        },
        "",
    ),
    f1(
        "get_tool(module, tool_id, /)",
        |vm, _, tool| {
            let tool = number(vm, tool)?;
            tools::get_tool(vm, tool).map(or_none)
        },
        "",
    ),
    slice(
        "register_callback(module, tool_id, event, func, /)",
        register_callback,
        "",
    ),
    f1(
        "get_events(module, tool_id, /)",
        |vm, _, tool| {
            let tool = number(vm, tool)?;
            Ok(Value::int(tools::get_events(vm, tool)?.into()))
        },
        "",
    ),
    f2(
        "set_events(module, tool_id, event_set, /)",
        |vm, _, tool, events| {
            let (tool, events) = (number(vm, tool)?, number(vm, events)?);
            tools::set_events(vm, tool, events).map(|()| Value::none())
        },
        "",
    ),
    f2(
        "get_local_events(module, tool_id, code, /)",
        |vm, _, tool, code| {
            let tool = number(vm, tool)?;
            Ok(Value::int(tools::get_local_events(vm, tool, code)?.into()))
        },
        "",
    ),
    slice(
        "set_local_events(module, tool_id, code, event_set, /)",
        set_local_events,
        "",
    ),
    f0(
        "restart_events(module, /)",
        |vm, _| {
            tools::restart_events(vm);
            Ok(Value::none())
        },
        "",
    ),
    f0("_all_events(module, /)", all_events, ""),
];

/// Which tools watch what, by the events' names.
fn all_events(vm: &mut Vm, _module: &Value) -> Py {
    let result = taipan_core::dict_object::new_dict();
    for event in Event::ALL {
        let set = tools::watched_by(vm, *event);
        if set != 0 {
            drop(result.expect::<Dict>().set_name(
                &taipan_core::str_object::name(event.name()),
                Value::int(set.into()),
            ));
        }
    }
    Ok(result)
}

/// Makes `sys.monitoring` and puts it into the dict of `sys`.
pub(super) fn fill(vm: &mut Vm, dict: &Value) -> Py<()> {
    let module = Module::create("sys.monitoring", None);
    let own = module.expect::<Module>().dict().to_value();
    for def in &FUNCTIONS {
        let function =
            new_native_function(def, Some(module.clone()), Some(new_str("sys.monitoring")));
        add(&own, def.name(), function);
    }
    add(&own, "DISABLE", tools::disable(vm));
    add(&own, "MISSING", tools::missing(vm));
    for (text, tool) in [
        ("DEBUGGER_ID", 0),
        ("COVERAGE_ID", 1),
        ("PROFILER_ID", 2),
        ("OPTIMIZER_ID", 5),
    ] {
        add(&own, text, Value::int(tool));
    }
    let events = vm.call(
        &taipan_core::builtin_types::SIMPLE_NAMESPACE.to_value(),
        &[],
    )?;
    for event in Event::ALL {
        vm.set_attr_str(&events, event.name(), &Value::int(event.bit().into()))?;
    }
    vm.set_attr_str(&events, "NO_EVENTS", &Value::int(0))?;
    add(&own, "events", events);
    if let Some(modules) = vm
        .interpreter()
        .modules
        .get()
        .as_ref()
        .and_then(|modules| modules.cast::<Dict>())
    {
        drop(modules.set_name(name!("sys.monitoring"), module.clone()));
    }
    add(dict, "monitoring", module);
    Ok(())
}
