//! `_datetime`: dates, times of day, moments, differences and zones.
//!
//! `gregorian` knows the calendar and `iso` the format of ISO 8601, without any Python. `delta` is `timedelta`, `zone` is `tzinfo` and
//! `timezone`, `date`, `clock_time` and `moment` are `date`, `time` and `datetime`. `local` asks the C library about local time.

mod clock_time;
mod date;
mod delta;
mod fields;
mod gregorian;
mod iso;
mod local;
mod moment;
mod strftime;
mod zone;

use crate::ModuleDef;
use crate::support::{add, add_type};
use taipan_core::{Py, Value, Vm};

/// `_datetime`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_datetime",
    doc: "Fast implementation of the datetime module.",
    functions: &[],
    init,
};

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    delta::define();
    let zones = zone::define(vm)?;
    date::define(vm)?;
    clock_time::define(vm)?;
    moment::define(vm)?;
    let types = [
        &date::DATE,
        &clock_time::TIME,
        &moment::DATETIME,
        &delta::TIMEDELTA,
    ];
    for ty in types.into_iter().chain(zones) {
        add_type(dict, ty);
    }
    let utc = zone::utc(vm)?;
    add(dict, "UTC", utc);
    add(dict, "MINYEAR", Value::from_i32(gregorian::MIN_YEAR));
    add(dict, "MAXYEAR", Value::from_i32(gregorian::MAX_YEAR));
    Ok(())
}

/// The zone of a time or datetime.
fn zone_of(value: &Value) -> Option<Value> {
    if let Some(moment) = value.cast::<moment::DateTime>() {
        return moment.zone().cloned();
    }
    value.cast::<clock_time::Time>()?.zone().cloned()
}

/// The time of day of a time or datetime.
fn clock_of(value: &Value) -> Option<iso::Clock> {
    if let Some(moment) = value.cast::<moment::DateTime>() {
        return Some(moment.clock);
    }
    value.cast::<clock_time::Time>().map(|time| time.clock)
}
