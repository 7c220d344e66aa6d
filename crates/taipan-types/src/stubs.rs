//! Placeholders for modules whose owners have not landed yet. LANDING YOUR MODULE: delete its entry here and in the `pub use` of lib.rs.
use taipan_core::*;
pub mod complex {
    use super::*;
    pub fn new_complex(_: f64, _: f64) -> Value {
        Value::none()
    }
}
pub mod set {
    use super::*;
    pub struct SetObject;
    pub fn any_set(_: &Value) -> Option<&SetObject> {
        None
    }
    pub fn new_empty() -> Value {
        Value::none()
    }
    pub fn add(_: &mut Vm, _: &SetObject, _: &Value) -> Py<bool> {
        Ok(true)
    }
    pub fn update(_: &mut Vm, _: &SetObject, _: &Value) -> Py<()> {
        Ok(())
    }
    pub fn frozenset_from(_: &mut Vm, _: &Value) -> Py {
        Ok(Value::none())
    }
}
pub mod dict {
    use super::*;
    pub fn update(_: &mut Vm, _: &Obj<taipan_core::dict_object::Dict>, _: &Value) -> Py<()> {
        Ok(())
    }
}
pub mod template {
    use super::*;
    pub fn new_interpolation(_: &mut Vm, _: Value, _: Value, _: Value, _: Value) -> Py {
        Ok(Value::none())
    }
    pub fn new_template(_: &mut Vm, _: Value, _: Value) -> Py {
        Ok(Value::none())
    }
}
pub mod exceptions {
    use super::*;
    pub fn set_import_error(
        _: &mut Vm,
        _: &Value,
        _: Option<Value>,
        _: Option<Value>,
        _: Option<Value>,
    ) {
    }
    pub mod group {
        use super::*;
        pub fn split_for_except_star(
            _: &mut Vm,
            _: &Value,
            _: &Value,
        ) -> Py<(Option<Value>, Option<Value>)> {
            Ok((None, None))
        }
        pub fn prepare_reraise_star(_: &mut Vm, _: &Value, _: &[Value]) -> Py<Option<Value>> {
            Ok(None)
        }
    }
}
