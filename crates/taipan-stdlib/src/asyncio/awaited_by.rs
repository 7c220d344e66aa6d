//! Which tasks wait for a future (`asyncio.capture_call_graph`): nearly always one at most, so a set is made for the second.

use super::future::{FUTURE, Future};
use taipan_core::{Py, Value, Vm};
use taipan_types::set::{self, any_set};

/// The waiters of one future.
#[derive(Default)]
pub(super) enum Waiters {
    #[default]
    None,
    One(Value),
    /// A `set`.
    Many(Value),
}

impl Waiters {
    pub(super) fn value(&self) -> Option<&Value> {
        match self {
            Waiters::None => None,
            Waiters::One(value) | Waiters::Many(value) => Some(value),
        }
    }

    pub(super) fn take(&mut self) -> Option<Value> {
        match std::mem::take(self) {
            Waiters::None => None,
            Waiters::One(value) | Waiters::Many(value) => Some(value),
        }
    }

    fn share(&self) -> Waiters {
        match self {
            Waiters::None => Waiters::None,
            Waiters::One(value) => Waiters::One(value.clone()),
            Waiters::Many(value) => Waiters::Many(value.clone()),
        }
    }
}

fn futures(future: &Value, waiter: &Value) -> bool {
    future.is_instance(&FUTURE) && waiter.is_instance(&FUTURE)
}

/// Notes that `waiter` waits for `future`; objects of other kinds are none of our business.
pub(super) fn add(vm: &mut Vm, future: &Value, waiter: &Value) -> Py<()> {
    if !futures(future, waiter) {
        return Ok(());
    }
    let this = future.expect::<Future>();
    let mut state = this.lock(vm);
    let members = match state.waiters.share() {
        Waiters::None => {
            state.waiters = Waiters::One(waiter.clone());
            return Ok(());
        }
        Waiters::One(first) => {
            drop(state);
            let members = set::new_empty();
            insert(vm, &members, &first)?;
            members
        }
        Waiters::Many(members) => {
            drop(state);
            return insert(vm, &members, waiter);
        }
    };
    insert(vm, &members, waiter)?;
    let old = std::mem::replace(&mut this.lock(vm).waiters, Waiters::Many(members));
    drop(old);
    Ok(())
}

fn insert(vm: &mut Vm, members: &Value, waiter: &Value) -> Py<()> {
    if let Some(members) = any_set(members) {
        set::add(vm, members, waiter)?;
    }
    Ok(())
}

/// `waiter` does not wait for `future` any more.
pub(super) fn discard(vm: &mut Vm, future: &Value, waiter: &Value) -> Py<()> {
    if !futures(future, waiter) {
        return Ok(());
    }
    let mut state = future.expect::<Future>().lock(vm);
    match &state.waiters {
        Waiters::One(one) if one.is(waiter) => {
            let old = std::mem::take(&mut state.waiters);
            drop(state);
            drop(old);
        }
        Waiters::Many(members) => {
            let members = members.clone();
            drop(state);
            if let Some(members) = any_set(&members) {
                set::discard(vm, members, waiter)?;
            }
        }
        Waiters::None | Waiters::One(_) => {}
    }
    Ok(())
}

/// `_asyncio_awaited_by`: a frozen set, or None.
pub(super) fn get(vm: &mut Vm, future: &Value) -> Py {
    let waiters = future.expect::<Future>().lock(vm).waiters.share();
    match waiters {
        Waiters::None => Ok(Value::none()),
        Waiters::One(one) => {
            let members = set::new_empty();
            insert(vm, &members, &one)?;
            set::frozenset_from(vm, &members)
        }
        Waiters::Many(members) => set::frozenset_from(vm, &members),
    }
}
