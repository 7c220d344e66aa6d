pub fn fill_namespace(_: &crate::TypeObject, _: &crate::TypeSpec) {}
