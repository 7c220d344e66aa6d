//! `None`, `True`, `False`, `...` and `NotImplemented`: immortal statics.

use crate::builtin_types;
use crate::header::Obj;
use crate::payload::Payload;
use crate::type_object::TypeObject;

macro_rules! unit_payload {
    ($name:ident, $ty:ident) => {
        /// Payload without data.
        pub struct $name;
        // SAFETY: holds no references.
        unsafe impl Payload for $name {
            fn type_object() -> &'static TypeObject {
                &builtin_types::$ty
            }
        }
    };
}

unit_payload!(NoneObject, NONE_TYPE);
unit_payload!(NotImplementedObject, NOT_IMPLEMENTED_TYPE);
unit_payload!(EllipsisObject, ELLIPSIS_TYPE);

/// Payload of `True` and `False`.
pub struct BoolObject(pub bool);

// SAFETY: holds no references.
unsafe impl Payload for BoolObject {
    fn type_object() -> &'static TypeObject {
        &builtin_types::BOOL
    }
}

pub static NONE: Obj<NoneObject> = Obj::immortal(NoneObject);
pub static TRUE: Obj<BoolObject> = Obj::immortal(BoolObject(true));
pub static FALSE: Obj<BoolObject> = Obj::immortal(BoolObject(false));
pub static NOT_IMPLEMENTED: Obj<NotImplementedObject> = Obj::immortal(NotImplementedObject);
pub static ELLIPSIS: Obj<EllipsisObject> = Obj::immortal(EllipsisObject);

/// Gives the singletons their shapes, once their types are defined.
pub fn define() {
    NONE.header()
        .set_shape(builtin_types::NONE_TYPE.root_shape());
    TRUE.header().set_shape(builtin_types::BOOL.root_shape());
    FALSE.header().set_shape(builtin_types::BOOL.root_shape());
    NOT_IMPLEMENTED
        .header()
        .set_shape(builtin_types::NOT_IMPLEMENTED_TYPE.root_shape());
    ELLIPSIS
        .header()
        .set_shape(builtin_types::ELLIPSIS_TYPE.root_shape());
}
