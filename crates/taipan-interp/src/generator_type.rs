//! wip
use taipan_core::*;
pub fn record_origin(_: &mut Vm, _: &Value) {}
pub fn wrap_async_value(v: Value) -> Value {
    v
}
