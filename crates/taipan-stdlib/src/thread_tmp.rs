//! tmp
use crate::ModuleDef;
use taipan_core::*;
static FUNCTIONS: [MethodDef; 4] = [
    f0("get_ident($module, /)", |_, _| Ok(Value::from_i32(1)), ""),
    f0("allocate_lock($module, /)", |vm, _| { let t = vm.get_attr_str(&builtin_types::OBJECT.to_value(), "__name__"); drop(t); 
       let ns = dict_object::new_dict();
       let d = ns.expect::<dict_object::Dict>();
       for (n, def) in [("acquire", &ACQ), ("release", &REL), ("__enter__", &ACQ), ("__exit__", &REL), ("locked", &LOCKED)] { d.set_name(&str_object::name(n), descriptor::new_native_function(def, None, None)); }
       let cls = vm.call(&builtin_types::TYPE.to_value(), &[str_object::new_str("lock"), tuple_object::empty_tuple(), ns])?;
       vm.call(&cls, &[]) }, ""),
    f0("RLock($module, /)", |vm, m| { let f = vm.get_attr_str(m, "allocate_lock")?; vm.call(&f, &[]) }, ""),
    f0("allocate($module, /)", |vm, m| { let f = vm.get_attr_str(m, "allocate_lock")?; vm.call(&f, &[]) }, ""),
];
static ACQ: MethodDef = raw("acquire(*args)", |_, _, _| Ok(Value::bool(true)), "");
static REL: MethodDef = raw("release(*args)", |_, _, _| Ok(Value::none()), "");
static LOCKED: MethodDef = raw("locked(*args)", |_, _, _| Ok(Value::bool(false)), "");
pub static MODULE: ModuleDef = ModuleDef { name: "_thread", doc: "", functions: &FUNCTIONS, init: |_, d| { crate::support::add(d, "TIMEOUT_MAX", Value::float(1e9)); crate::support::add(d, "error", builtin_types::RUNTIME_ERROR.to_value()); crate::support::add(d, "LockType", builtin_types::OBJECT.to_value()); Ok(()) } };
