//! The abstract object protocol: what can be done with any value, as methods of [`crate::Vm`].

pub mod attribute;
pub mod call;
pub mod compare;
pub mod container;
pub mod number;
pub mod text;
