//! `repr`, `str` and `format`.

use crate::Py;
use crate::name;
use crate::str_object::{self, is_exact_str, is_str};
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    /// `repr(value)`
    pub fn repr(&mut self, value: &Value) -> Py {
        self.check_stack()?;
        let Some(repr) = value.type_of().slots().repr else {
            let text = format!("<{} object at {:#x}>", value.type_of().name(), value.bits());
            return Ok(str_object::new_str(&text));
        };
        let text = repr(self, value)?;
        if !is_str(&text) {
            let message = format!(
                "__repr__ returned non-string (type {})",
                text.type_of().name()
            );
            return Err(self.type_error(message));
        }
        Ok(text)
    }

    /// `str(value)`
    pub fn str(&mut self, value: &Value) -> Py {
        if is_exact_str(value) {
            return Ok(value.clone());
        }
        self.check_stack()?;
        let Some(str) = value.type_of().slots().str else {
            return self.repr(value);
        };
        let text = str(self, value)?;
        if !is_str(&text) {
            let message = format!(
                "__str__ returned non-string (type {})",
                text.type_of().name()
            );
            return Err(self.type_error(message));
        }
        Ok(text)
    }

    /// `repr(value)` for messages: lone surrogates replaced.
    pub fn repr_string(&mut self, value: &Value) -> Py<String> {
        let text = self.repr(value)?;
        Ok(str_object::str_of(&text)
            .map(|text| text.to_lossy())
            .unwrap_or_default())
    }

    /// `str(value)` for messages: lone surrogates replaced.
    pub fn str_string(&mut self, value: &Value) -> Py<String> {
        let text = self.str(value)?;
        Ok(str_object::str_of(&text)
            .map(|text| text.to_lossy())
            .unwrap_or_default())
    }

    /// `format(value, spec)`; `spec` is a string.
    pub fn format(&mut self, value: &Value, spec: &Value) -> Py {
        if str_object::str_of(spec).is_some_and(|spec| spec.is_empty()) {
            if is_exact_str(value) {
                return Ok(value.clone());
            }
            if value.is_small_int() {
                return self.str(value);
            }
        }
        match self.call_special(value, name!("__format__"), std::slice::from_ref(spec))? {
            Some(text) if is_str(&text) => Ok(text),
            Some(other) => {
                let message = format!(
                    "__format__ must return a str, not {}",
                    other.type_of().name()
                );
                Err(self.type_error(message))
            }
            None => {
                let message = format!("Type {} doesn't define __format__", value.type_of().name());
                Err(self.type_error(message))
            }
        }
    }
}
