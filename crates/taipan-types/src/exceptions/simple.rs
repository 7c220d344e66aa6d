//! `StopIteration` and `SystemExit`: one member each.

use super::{base, member};
use taipan_core::exception::set_field;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Args, GetSetDef, Py, Value, Vm};

/// Field of `StopIteration.value` and of `SystemExit.code`.
const VALUE: usize = 0;

/// `StopIteration.__init__`: the value is the first argument.
pub(super) fn init_stop(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    base::init(vm, this, args)?;
    let value = args.pos().first().cloned();
    set_field(vm, this, VALUE, value);
    Ok(())
}

/// `SystemExit.__init__`: the code is the only argument, or all of them.
pub(super) fn init_exit(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    base::init(vm, this, args)?;
    let code = match args.pos() {
        [] => return Ok(()),
        [only] => only.clone(),
        all => new_tuple(all.iter().cloned()),
    };
    set_field(vm, this, VALUE, Some(code));
    Ok(())
}

pub(super) static STOP_GETSET: [GetSetDef; 1] =
    [member::<VALUE>("value", "generator return value")];

pub(super) static EXIT_GETSET: [GetSetDef; 1] = [member::<VALUE>("code", "exception code")];
