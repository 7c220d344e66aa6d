//! Building strings piece by piece.

use taipan_core::str_object::{new_str, str_of, try_new_ascii, try_new_from_code_points};
use taipan_core::{Py, Value, Vm};

/// A growing string: ASCII bytes as long as nothing else comes.
#[derive(Default)]
pub struct Builder {
    ascii: Vec<u8>,
    /// All code points, once one was not ASCII.
    wide: Option<Vec<u32>>,
}

impl Builder {
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Appends Rust text.
    pub fn push_str(&mut self, text: &str) {
        match &mut self.wide {
            Some(wide) => wide.extend(text.chars().map(u32::from)),
            None if text.is_ascii() => self.ascii.extend_from_slice(text.as_bytes()),
            None => self.widen().extend(text.chars().map(u32::from)),
        }
    }

    /// Appends the text of a `str`; other values are passed over.
    pub fn push_value(&mut self, value: &Value) {
        let Some(text) = str_of(value) else { return };
        match (&mut self.wide, text.ascii()) {
            (None, Some(ascii)) => self.ascii.extend_from_slice(ascii.as_bytes()),
            (Some(wide), _) => wide.extend(text.code_points()),
            (None, None) => self.widen().extend(text.code_points()),
        }
    }

    fn widen(&mut self) -> &mut Vec<u32> {
        let ascii = std::mem::take(&mut self.ascii);
        self.wide
            .get_or_insert_with(|| ascii.into_iter().map(u32::from).collect())
    }

    /// The string.
    pub fn finish(self, vm: &mut Vm) -> Py {
        let value = match self.wide {
            Some(wide) => try_new_from_code_points(&wide),
            None if self.ascii.len() < 2 => Some(new_str(&String::from_utf8_lossy(&self.ascii))),
            None => try_new_ascii(&self.ascii),
        };
        match value {
            Some(value) => Ok(value),
            None => Err(vm.memory_error()),
        }
    }
}
