//! Parameters of both directions: their numbers, names and bounds, and options given as dicts.

use super::ERROR;
use super::failure::{Failure, check};
use crate::numbers::c_int;
use taipan_core::builtin_types::TYPE;
use taipan_core::dict_object::Dict;
use taipan_core::latch::Latch;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Bound, Py, Raised, Value, Vm};
use zstd_safe::zstd_sys as lib;

use lib::ZSTD_cParameter as C;
use lib::ZSTD_dParameter as D;

/// Parameters of compression: the library's name, Python's, and the parameter.
pub static COMPRESSION: [(&str, &str, C); 19] = [
    (
        "ZSTD_c_compressionLevel",
        "compression_level",
        C::ZSTD_c_compressionLevel,
    ),
    ("ZSTD_c_windowLog", "window_log", C::ZSTD_c_windowLog),
    ("ZSTD_c_hashLog", "hash_log", C::ZSTD_c_hashLog),
    ("ZSTD_c_chainLog", "chain_log", C::ZSTD_c_chainLog),
    ("ZSTD_c_searchLog", "search_log", C::ZSTD_c_searchLog),
    ("ZSTD_c_minMatch", "min_match", C::ZSTD_c_minMatch),
    (
        "ZSTD_c_targetLength",
        "target_length",
        C::ZSTD_c_targetLength,
    ),
    ("ZSTD_c_strategy", "strategy", C::ZSTD_c_strategy),
    (
        "ZSTD_c_enableLongDistanceMatching",
        "enable_long_distance_matching",
        C::ZSTD_c_enableLongDistanceMatching,
    ),
    ("ZSTD_c_ldmHashLog", "ldm_hash_log", C::ZSTD_c_ldmHashLog),
    ("ZSTD_c_ldmMinMatch", "ldm_min_match", C::ZSTD_c_ldmMinMatch),
    (
        "ZSTD_c_ldmBucketSizeLog",
        "ldm_bucket_size_log",
        C::ZSTD_c_ldmBucketSizeLog,
    ),
    (
        "ZSTD_c_ldmHashRateLog",
        "ldm_hash_rate_log",
        C::ZSTD_c_ldmHashRateLog,
    ),
    (
        "ZSTD_c_contentSizeFlag",
        "content_size_flag",
        C::ZSTD_c_contentSizeFlag,
    ),
    (
        "ZSTD_c_checksumFlag",
        "checksum_flag",
        C::ZSTD_c_checksumFlag,
    ),
    ("ZSTD_c_dictIDFlag", "dict_id_flag", C::ZSTD_c_dictIDFlag),
    ("ZSTD_c_nbWorkers", "nb_workers", C::ZSTD_c_nbWorkers),
    ("ZSTD_c_jobSize", "job_size", C::ZSTD_c_jobSize),
    ("ZSTD_c_overlapLog", "overlap_log", C::ZSTD_c_overlapLog),
];

/// Parameters of decompression.
pub static DECOMPRESSION: [(&str, &str, D); 1] = [(
    "ZSTD_d_windowLogMax",
    "window_log_max",
    D::ZSTD_d_windowLogMax,
)];

/// One of the two directions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Compression,
    Decompression,
}

impl Direction {
    fn name(self) -> &'static str {
        match self {
            Direction::Compression => "compression",
            Direction::Decompression => "decompression",
        }
    }

    /// Python's name of a parameter.
    fn parameter_name(self, number: i32) -> Option<&'static str> {
        match self {
            Direction::Compression => COMPRESSION
                .iter()
                .find(|row| row.2 as i32 == number)
                .map(|row| row.1),
            Direction::Decompression => DECOMPRESSION
                .iter()
                .find(|row| row.2 as i32 == number)
                .map(|row| row.1),
        }
    }

    fn bounds(self, number: i32) -> Result<(i32, i32), Failure> {
        let unknown = || Failure::Library("Unsupported parameter".to_string());
        let bounds = match self {
            Direction::Compression => {
                let parameter = compression_parameter(number).ok_or_else(unknown)?;
                // SAFETY: plain call.
                unsafe { lib::ZSTD_cParam_getBounds(parameter) }
            }
            Direction::Decompression => {
                let parameter = decompression_parameter(number).ok_or_else(unknown)?;
                // SAFETY: plain call.
                unsafe { lib::ZSTD_dParam_getBounds(parameter) }
            }
        };
        check(bounds.error)?;
        Ok((bounds.lowerBound, bounds.upperBound))
    }
}

/// The parameter of a number.
pub fn compression_parameter(number: i32) -> Option<C> {
    let row = COMPRESSION.iter().find(|row| row.2 as i32 == number)?;
    Some(row.2)
}

/// The parameter of a number.
pub fn decompression_parameter(number: i32) -> Option<D> {
    let row = DECOMPRESSION.iter().find(|row| row.2 as i32 == number)?;
    Some(row.2)
}

// ---- the enumerations of `compression.zstd` ----

/// The enumeration types that the Python side has made known, compression first.
#[derive(Default)]
struct Types(Latch<Option<(Value, Value)>>);

/// `set_parameter_types(c_parameter_type, d_parameter_type)`
pub fn set_parameter_types(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    for (at, name) in ["c_parameter_type", "d_parameter_type"]
        .into_iter()
        .enumerate()
    {
        if !args.req(at).is_instance(&TYPE) {
            let message = format!(
                "set_parameter_types() argument '{name}' must be type, not {}",
                taipan_types::arguments::type_name(args.req(at))
            );
            return Err(vm.type_error(message));
        }
    }
    let types = vm.interpreter_state::<Types>();
    let old = types
        .0
        .borrow_mut()
        .replace((args.req(0).clone(), args.req(1).clone()));
    drop(old);
    Ok(Value::none())
}

/// Is the key of an option a member of the other direction's enumeration?
fn is_foreign(vm: &mut Vm, key: &Value, direction: Direction) -> bool {
    let types = vm.interpreter_state::<Types>();
    let types = types.0.borrow();
    let Some((compression, decompression)) = &*types else {
        return false;
    };
    let foreign = match direction {
        Direction::Compression => decompression,
        Direction::Decompression => compression,
    };
    key.type_of().to_value().is(foreign)
}

// ---- options ----

/// The pairs of an options dict, checked as far as that needs no library: numbers of parameters, and values.
pub fn options(vm: &mut Vm, options: &Value, direction: Direction) -> Py<Vec<(i32, i32)>> {
    let Some(dict) = options.cast::<Dict>() else {
        return Ok(Vec::new());
    };
    let mut pairs = Vec::new();
    for (key, value) in dict.items() {
        if is_foreign(vm, &key, direction) {
            let other = match direction {
                Direction::Compression => "DecompressionParameter",
                Direction::Decompression => "CompressionParameter",
            };
            return Err(vm.type_error(format!(
                "{} options dictionary key must not be a {other} attribute",
                direction.name()
            )));
        }
        let key = c_int(vm, &key)?;
        let value = c_int(vm, &value)?;
        pairs.push((key, value));
    }
    Ok(pairs)
}

/// The error of an option that the library refused.
#[cold]
pub fn refused(vm: &mut Vm, direction: Direction, number: i32, value: i32) -> Raised {
    let name = match direction.parameter_name(number) {
        Some(name) => name.to_string(),
        None => format!("unknown parameter (key {number})"),
    };
    let kind = direction.name();
    match direction.bounds(number) {
        Ok((low, high)) => vm.value_error(format!(
            "{kind} parameter '{name}' received an illegal value {value}; the valid range is [{low}, {high}]"
        )),
        Err(_) => vm.value_error(format!("invalid {kind} parameter '{name}'")),
    }
}

/// `get_param_bounds(parameter, is_compress)`
pub fn get_param_bounds(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let number = c_int(vm, args.req(0))?;
    let direction = if vm.truth(args.req(1))? {
        Direction::Compression
    } else {
        Direction::Decompression
    };
    match direction.bounds(number) {
        Ok((low, high)) => Ok(new_tuple([Value::int(low as i64), Value::int(high as i64)])),
        Err(failure) => {
            let doing = format!("Unable to get zstd {} parameter bounds", direction.name());
            Err(failure.raise(vm, &doing))
        }
    }
}

/// Refuses a level that the library does not know.
pub fn check_level(vm: &mut Vm, level: i32) -> Py<()> {
    // SAFETY: plain calls.
    let (low, high) = unsafe { (lib::ZSTD_minCLevel(), lib::ZSTD_maxCLevel()) };
    if (low..=high).contains(&level) {
        return Ok(());
    }
    Err(vm.value_error(format!(
        "illegal compression level {level}; the valid range is [{low}, {high}]"
    )))
}

/// A `level` argument.
pub fn level(vm: &mut Vm, level: &Value) -> Py<i32> {
    if !level.is_int() {
        return Err(vm.type_error("invalid type for level, expected int"));
    }
    match level.as_i64().and_then(|level| i32::try_from(level).ok()) {
        Some(level) => {
            check_level(vm, level)?;
            Ok(level)
        }
        None => {
            // SAFETY: plain calls.
            let (low, high) = unsafe { (lib::ZSTD_minCLevel(), lib::ZSTD_maxCLevel()) };
            Err(vm.value_error(format!(
                "illegal compression level; the valid range is [{low}, {high}]"
            )))
        }
    }
}

/// Raises the module's exception.
#[cold]
pub fn error(vm: &mut Vm, message: &str) -> Raised {
    vm.raise(&ERROR, message)
}
