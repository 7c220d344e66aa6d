//! Filter chains: from Python's dicts to liblzma's arrays, and back.

use super::ERROR;
use super::stream::{Failure, check, raise};
use crate::numbers::unsigned;
use liblzma_sys as lib;
use std::ffi::c_void;
use std::ptr::null_mut;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::str_object::{new_str, str_of};
use taipan_core::{Py, Raised, Value, Vm};
use taipan_types::bytes::new_bytes;

/// Settings of the LZMA filters.
pub type LzmaOptions = lib::lzma_options_lzma;

enum Options {
    Lzma(Box<LzmaOptions>),
    Delta(Box<lib::lzma_options_delta>),
    Bcj(Box<lib::lzma_options_bcj>),
}

/// One filter with its settings.
pub struct Filter {
    id: u64,
    options: Options,
}

impl Filter {
    /// The settings, if it is the filter of the old container.
    pub fn lzma1(&self) -> Option<&LzmaOptions> {
        match &self.options {
            Options::Lzma(options) if self.id == lib::LZMA_FILTER_LZMA1 => Some(options),
            _ => None,
        }
    }

    /// The library's struct, which points into this one.
    fn as_raw(&mut self) -> lib::lzma_filter {
        let options: *mut c_void = match &mut self.options {
            Options::Lzma(options) => std::ptr::from_mut(&mut **options).cast(),
            Options::Delta(options) => std::ptr::from_mut(&mut **options).cast(),
            Options::Bcj(options) => std::ptr::from_mut(&mut **options).cast(),
        };
        lib::lzma_filter {
            id: self.id,
            options,
        }
    }
}

/// Most filters in a chain.
const MOST: usize = 4;

const END: lib::lzma_filter = lib::lzma_filter {
    id: lib::LZMA_VLI_UNKNOWN,
    options: null_mut(),
};

/// A chain of filters.
pub struct Chain(Vec<Filter>);

impl Chain {
    /// The chain of a `filters` argument.
    pub fn parse(vm: &mut Vm, specifiers: &Value) -> Py<Chain> {
        let count = vm.length(specifiers)?;
        if count > MOST {
            return Err(vm.value_error(format!(
                "Too many filters - liblzma supports a maximum of {MOST}"
            )));
        }
        let mut filters = Vec::new();
        for i in 0..count {
            let specifier = vm.get_item(specifiers, &Value::int(i as i64))?;
            filters.push(parse_filter(vm, &specifier)?);
        }
        Ok(Chain(filters))
    }

    /// The only filter of the chain.
    pub fn only(&self) -> Option<&Filter> {
        match &self.0[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The library's array, which ends with a mark and points into this chain.
    pub fn as_raw(&mut self) -> [lib::lzma_filter; MOST + 1] {
        let mut raw = [END; MOST + 1];
        for (to, filter) in raw.iter_mut().zip(self.0.iter_mut().take(MOST)) {
            *to = filter.as_raw();
        }
        raw
    }
}

/// The settings of a level.
pub fn preset_options(preset: u32) -> Option<LzmaOptions> {
    // SAFETY: plain numbers and pointers, for which zero is a value.
    let mut options: LzmaOptions = unsafe { std::mem::zeroed() };
    // SAFETY: a struct to be filled in.
    let refused = unsafe { lib::lzma_lzma_preset(&mut options, preset) };
    (refused == 0).then_some(options)
}

/// The error of a level that there is not.
#[cold]
pub fn bad_preset(vm: &mut Vm, preset: u32) -> Raised {
    vm.raise(&ERROR, format!("Invalid compression preset: {preset}"))
}

/// A 32-bit setting.
pub fn setting(vm: &mut Vm, value: &Value) -> Py<u32> {
    let number = unsigned(vm, value, "uint32_t")?;
    u32::try_from(number).map_err(|_| vm.overflow_error("Python int too large for C uint32_t"))
}

/// The filter of one specifier.
pub fn parse_filter(vm: &mut Vm, specifier: &Value) -> Py<Filter> {
    if specifier.type_of().slots().get_item.is_none() {
        return Err(vm.type_error("Filter specifier must be a dict or dict-like object"));
    }
    let id = match vm.get_item(specifier, &new_str("id")) {
        Ok(id) => id,
        Err(raised) => {
            drop(vm.catch(raised, &taipan_core::builtin_types::KEY_ERROR)?);
            return Err(vm.value_error("Filter specifier must have an \"id\" entry"));
        }
    };
    let id = unsigned(vm, &id, "lzma_vli")?;
    let options = match id {
        lib::LZMA_FILTER_LZMA1 | lib::LZMA_FILTER_LZMA2 => lzma_options(vm, specifier)?,
        lib::LZMA_FILTER_DELTA => delta_options(vm, specifier)?,
        lib::LZMA_FILTER_X86
        | lib::LZMA_FILTER_POWERPC
        | lib::LZMA_FILTER_IA64
        | lib::LZMA_FILTER_ARM
        | lib::LZMA_FILTER_ARMTHUMB
        | lib::LZMA_FILTER_SPARC => bcj_options(vm, specifier)?,
        id => return Err(vm.value_error(format!("Invalid filter ID: {id}"))),
    };
    Ok(Filter { id, options })
}

/// Reads the settings of a specifier into the fields that `field` finds by name; other names are refused.
fn settings<T>(
    vm: &mut Vm,
    specifier: &Value,
    kind: &str,
    options: &mut T,
    field: for<'a> fn(&'a mut T, &str) -> Option<&'a mut u32>,
) -> Py<()> {
    let refuse =
        |vm: &mut Vm| vm.value_error(format!("Invalid filter specifier for {kind} filter"));
    let Some(dict) = specifier.cast::<Dict>() else {
        return Err(refuse(vm));
    };
    for (name, value) in dict.items() {
        let name = str_of(&name).and_then(|name| name.to_utf8());
        let name = match name.as_deref() {
            Some("id") => continue,
            Some("preset") if kind == "LZMA" => continue,
            Some(name) => name,
            None => return Err(refuse(vm)),
        };
        if field(options, name).is_none() {
            return Err(refuse(vm));
        }
        let number = match setting(vm, &value) {
            Ok(number) => number,
            Err(raised) => {
                drop(vm.catch(raised, &taipan_core::builtin_types::EXCEPTION)?);
                return Err(refuse(vm));
            }
        };
        if let Some(place) = field(options, name) {
            *place = number;
        }
    }
    Ok(())
}

fn lzma_options(vm: &mut Vm, specifier: &Value) -> Py<Options> {
    let preset = match vm.get_item(specifier, &new_str("preset")) {
        Ok(preset) => setting(vm, &preset)?,
        Err(raised) => {
            drop(vm.catch(raised, &taipan_core::builtin_types::KEY_ERROR)?);
            lib::LZMA_PRESET_DEFAULT
        }
    };
    let Some(mut options) = preset_options(preset) else {
        return Err(bad_preset(vm, preset));
    };
    settings(vm, specifier, "LZMA", &mut options, |options, name| {
        Some(match name {
            "dict_size" => &mut options.dict_size,
            "lc" => &mut options.lc,
            "lp" => &mut options.lp,
            "pb" => &mut options.pb,
            "mode" => &mut options.mode,
            "nice_len" => &mut options.nice_len,
            "mf" => &mut options.mf,
            "depth" => &mut options.depth,
            _ => return None,
        })
    })?;
    Ok(Options::Lzma(Box::new(options)))
}

fn delta_options(vm: &mut Vm, specifier: &Value) -> Py<Options> {
    // SAFETY: plain numbers and pointers, for which zero is a value.
    let mut options: lib::lzma_options_delta = unsafe { std::mem::zeroed() };
    options.dist = 1;
    settings(vm, specifier, "delta", &mut options, |options, name| {
        (name == "dist").then_some(&mut options.dist)
    })?;
    Ok(Options::Delta(Box::new(options)))
}

fn bcj_options(vm: &mut Vm, specifier: &Value) -> Py<Options> {
    let mut options = lib::lzma_options_bcj { start_offset: 0 };
    settings(vm, specifier, "BCJ", &mut options, |options, name| {
        (name == "start_offset").then_some(&mut options.start_offset)
    })?;
    Ok(Options::Bcj(Box::new(options)))
}

/// `_encode_filter_properties(filter)`
pub fn encode_properties(vm: &mut Vm, _module: &Value, specifier: &Value) -> Py {
    let mut filter = parse_filter(vm, specifier)?;
    match encode(&mut filter) {
        Ok(properties) => new_bytes(vm, &properties),
        Err(failure) => Err(raise(vm, failure)),
    }
}

fn encode(filter: &mut Filter) -> Result<Vec<u8>, Failure> {
    let raw = filter.as_raw();
    let mut size = 0;
    // SAFETY: a filter whose options live.
    check(unsafe { lib::lzma_properties_size(&mut size, &raw) })?;
    let mut properties = vec![0; size as usize];
    // SAFETY: as above, and there is room for the size that the library told.
    check(unsafe { lib::lzma_properties_encode(&raw, properties.as_mut_ptr()) })?;
    Ok(properties)
}

/// `_decode_filter_properties(filter_id, encoded_props)`
pub fn decode_properties(vm: &mut Vm, _module: &Value, id: &Value, properties: &Value) -> Py {
    let id = unsigned(vm, id, "lzma_vli")?;
    let properties = taipan_types::buffer::bytes_like(vm, properties)?;
    let mut filters = [END; 2];
    filters[0].id = id;
    // SAFETY: a filter to be filled in; pointer and length are of a live slice.
    let code = unsafe {
        lib::lzma_properties_decode(
            &mut filters[0],
            std::ptr::null(),
            properties.as_ptr(),
            properties.len(),
        )
    };
    check(code).map_err(|failure| raise(vm, failure))?;
    let rows = decoded(&filters[0]);
    if !filters[0].options.is_null() {
        // SAFETY: the options were allocated by the library, and the array ends with the mark.
        unsafe { lib::lzma_filters_free(filters.as_mut_ptr(), std::ptr::null()) };
    }
    let dict = new_dict();
    vm.set_item(
        &dict,
        &new_str("id"),
        &taipan_core::number::int_from_u64(id),
    )?;
    for (name, value) in rows {
        vm.set_item(&dict, &new_str(name), &Value::int(value as i64))?;
    }
    Ok(dict)
}

/// The settings that properties tell.
fn decoded(filter: &lib::lzma_filter) -> Vec<(&'static str, u32)> {
    if filter.options.is_null() {
        return Vec::new();
    }
    match filter.id {
        lib::LZMA_FILTER_LZMA1 => {
            // SAFETY: the library's options of this filter.
            let options = unsafe { &*filter.options.cast::<LzmaOptions>() };
            vec![
                ("lc", options.lc),
                ("lp", options.lp),
                ("pb", options.pb),
                ("dict_size", options.dict_size),
            ]
        }
        lib::LZMA_FILTER_LZMA2 => {
            // SAFETY: as above.
            let options = unsafe { &*filter.options.cast::<LzmaOptions>() };
            vec![("dict_size", options.dict_size)]
        }
        lib::LZMA_FILTER_DELTA => {
            // SAFETY: as above.
            let options = unsafe { &*filter.options.cast::<lib::lzma_options_delta>() };
            vec![("dist", options.dist)]
        }
        lib::LZMA_FILTER_X86
        | lib::LZMA_FILTER_POWERPC
        | lib::LZMA_FILTER_IA64
        | lib::LZMA_FILTER_ARM
        | lib::LZMA_FILTER_ARMTHUMB
        | lib::LZMA_FILTER_SPARC => {
            // SAFETY: as above.
            let options = unsafe { &*filter.options.cast::<lib::lzma_options_bcj>() };
            vec![("start_offset", options.start_offset)]
        }
        _ => Vec::new(),
    }
}
