//! Portable bytecode: the instruction table, code objects as plain data, their tables, listing, checking and file form.

#![forbid(unsafe_code)]

mod body;
pub mod code;
pub mod disassemble;
pub mod exception_table;
pub mod landing;
pub mod line_table;
pub mod marshal;
pub mod ops;
mod shared;
pub mod verify;

pub use code::{Code, CodeFlags, Constant};
pub use ops::{Compare, Intrinsic1, Intrinsic2, Op, OpFlags, OpInfo, OperandKind};
