//! `template % values` of `bytes` and `bytearray`.

use super::{like, with_data};
use crate::str::percent::{Flavour, expand};
use taipan_base::text::Text;
use taipan_core::{Py, Value, Vm};

pub(super) fn format(vm: &mut Vm, template: &Value, values: &Value) -> Py {
    let _held = super::hold(vm, template)?;
    let copy = with_data(vm, template, <[u8]>::to_vec);
    let out = expand(vm, Text::from_latin1(&copy), values, Flavour::Bytes)?;
    match out.as_text() {
        Text::Ascii(data) | Text::Latin1(data) => like(vm, template, data),
        wide => {
            let data: Vec<u8> = wide.chars().map(|c| c as u8).collect();
            like(vm, template, &data)
        }
    }
}
