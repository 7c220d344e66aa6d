//! Placeholders for modules whose owners have not landed yet. LANDING YOUR MODULE: delete its entry here and in the `pub use` of lib.rs.
use taipan_core::*;
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
