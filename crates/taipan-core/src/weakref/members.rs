//! A list of objects that counts no references to its members: what a module keeps to find its objects again, where weak references
//! would cost an object and a place in the table for each member.

use crate::header::{BIT_WEAKLY_REFERENCED, Header};
use crate::value::Value;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The list. A member takes itself out when its payload is dropped.
#[derive(Default)]
pub struct Members(Mutex<Places>);

#[derive(Default)]
struct Places {
    /// Addresses of headers; 0 in a free place.
    taken: Vec<usize>,
    free: Vec<usize>,
}

impl Members {
    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes `object` a member; gives its place. From now on its count ends as that of weakly referenced objects does, so that
    /// another thread may ask for it while its last reference goes.
    ///
    /// # Safety
    /// The object's payload calls [`Members::leave`] with that place when it is dropped, if it has not been called before.
    pub unsafe fn enter(&self, object: &Value) -> Option<usize> {
        let header = object.header()?;
        header.set_bit(BIT_WEAKLY_REFERENCED);
        let address = header as *const Header as usize;
        let mut places = self.lock();
        if let Some(place) = places.free.pop() {
            places.taken[place] = address;
            return Some(place);
        }
        places.taken.push(address);
        Some(places.taken.len() - 1)
    }

    /// Takes a member out.
    pub fn leave(&self, place: usize) {
        let mut places = self.lock();
        if let Some(address) = places.taken.get_mut(place)
            && *address != 0
        {
            *address = 0;
            places.free.push(place);
        }
    }

    /// The members that are alive.
    pub fn alive(&self) -> Vec<Value> {
        let places = self.lock();
        places
            .taken
            .iter()
            .filter(|address| **address != 0)
            // SAFETY: a member leaves, under the lock, before its memory is given back (I-WEAK-1).
            .filter_map(|address| unsafe { super::upgrade(*address as *const Header) })
            .collect()
    }
}
