pub fn inherit(_: &mut crate::Slots, _: &crate::Slots) {}
