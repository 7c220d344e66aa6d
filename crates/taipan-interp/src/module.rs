//! Module objects: a dict with a name. What Python sees of them is in `module_type`.

use taipan_core::dict_object::{self, Dict};
use taipan_core::payload::{Payload, Tracer};
use taipan_core::{Obj, TypeObject, Value, alloc, builtin_types, name};

/// Payload of modules.
pub struct Module {
    dict: Value,
}

// SAFETY: the reference is reported.
unsafe impl Payload for Module {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &builtin_types::MODULE
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.dict);
    }
}

impl Module {
    /// A module of type `cls` with an empty namespace.
    pub fn create_of(cls: &TypeObject) -> Value {
        let dict = dict_object::new_dict();
        let module = alloc::new_instance(cls, Module { dict: dict.clone() });
        // The attribute storage shares the dict, so that generic attribute access works on modules.
        drop(taipan_core::instance::set_dict(&module, dict));
        module
    }

    /// A module with the names that every module has.
    pub fn create(module_name: &str, doc: Option<&str>) -> Value {
        let module = Module::create_of(&builtin_types::MODULE);
        let dict = module.expect::<Module>().dict();
        let doc = doc.map_or_else(Value::none, taipan_core::str_object::new_str);
        dict.set_name(
            name!("__name__"),
            taipan_core::str_object::name(module_name),
        );
        dict.set_name(name!("__doc__"), doc);
        dict.set_name(name!("__package__"), Value::none());
        dict.set_name(name!("__loader__"), Value::none());
        dict.set_name(name!("__spec__"), Value::none());
        module
    }

    /// The namespace.
    #[inline(always)]
    pub fn dict(&self) -> &Obj<Dict> {
        // SAFETY: always an exact dict.
        unsafe { self.dict.cast_unchecked::<Dict>() }
    }
}
