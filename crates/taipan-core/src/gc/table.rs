//! The rows of a collection: one for each object looked at, with its references from outside of the table.
//!
//! While an object has a row its header's `local` is the row's number, so the way from a reference to a row is one load.

use super::total_references;
use crate::header::{BIT_COLLECTING, Header};
use crate::payload::Tracer;
use crate::type_object::{TypeFlags, TypeObject};
use crate::value::Value;

/// `Row::refs` of rows that are reachable.
const REACHED: i32 = i32::MIN;

struct Row {
    object: *const Header,
    /// What the header's `local` was.
    local: u32,
    /// References that no object of the table accounts for; or `REACHED`.
    refs: i32,
    /// An exact tuple without references to collected objects.
    inert: bool,
}

/// The objects of a collection.
pub(super) struct Table {
    rows: Vec<Row>,
    stack: Vec<u32>,
}

/// What became of a row's object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Reachable,
    /// Reachable, and can never be part of a cycle.
    Inert,
    Garbage,
}

impl Table {
    pub(super) fn new() -> Table {
        Table {
            rows: Vec::new(),
            stack: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Gives an object a row, of which `own` references are the collector's. False if the table is full.
    pub(super) fn add(&mut self, header: &Header, own: i64) -> bool {
        if self.rows.len() >= u32::MAX as usize {
            return false;
        }
        let refs =
            (total_references(header) - own).clamp(i32::MIN as i64 + 1, i32::MAX as i64) as i32;
        let index = self.rows.len() as u32;
        self.rows.push(Row {
            object: header,
            local: header.local(),
            refs,
            inert: false,
        });
        header.set_local(index);
        header.set_bit(BIT_COLLECTING);
        true
    }

    /// Takes the references between rows off their counts.
    pub(super) fn subtract_internal(&mut self) {
        for index in 0..self.rows.len() {
            let object = self.rows[index].object;
            let mut leaf = true;
            let rows = &mut self.rows;
            // SAFETY: rows hold live objects; a target with COLLECTING is live and has a row.
            unsafe {
                trace(object, &mut |target| {
                    let target = &*target;
                    if target.has_bit(BIT_COLLECTING) {
                        let row = &mut rows[target.local() as usize];
                        row.refs = row.refs.saturating_sub(1).max(REACHED + 1);
                    }
                    leaf = leaf && !can_be_in_cycle(target);
                });
                self.rows[index].inert = leaf && is_exact_tuple(&*object);
            }
        }
    }

    /// References to each object that no row accounts for. A negative number means that a payload reports too much.
    pub(super) fn outside_references(&self) -> impl Iterator<Item = (*const Header, i32)> + '_ {
        self.rows.iter().map(|row| (row.object, row.refs))
    }

    /// Marks what a type keeps alive, if it has a row.
    pub(super) fn reach_type(&mut self, ty: &TypeObject) {
        self.reach(ty.header());
        self.propagate();
    }

    /// Marks all that is reachable from rows with references from outside. A count below zero is a payload's lie: such
    /// objects are kept rather than freed under somebody's hands.
    pub(super) fn mark(&mut self) {
        for index in 0..self.rows.len() {
            let row = &mut self.rows[index];
            if row.refs != 0 && row.refs != REACHED {
                row.refs = REACHED;
                self.stack.push(index as u32);
                self.propagate();
            }
        }
    }

    #[inline]
    fn reach(&mut self, header: &Header) {
        if header.has_bit(BIT_COLLECTING) {
            let index = header.local();
            let row = &mut self.rows[index as usize];
            if row.refs != REACHED {
                row.refs = REACHED;
                self.stack.push(index);
            }
        }
    }

    fn propagate(&mut self) {
        while let Some(index) = self.stack.pop() {
            let object = self.rows[index as usize].object;
            // SAFETY: rows hold live objects, and so do the references in them; I-TYPE-1: an instance keeps its type.
            unsafe {
                trace(object, &mut |target| self.reach(&*target));
                self.reach((*object).type_object().header());
            }
        }
    }

    /// Gives all counts back and tells each object's fate. Objects keep `BIT_COLLECTING` for `each` to clear.
    pub(super) fn dissolve(self, mut each: impl FnMut(&Header, Fate)) {
        for row in &self.rows {
            // SAFETY: rows hold live objects.
            unsafe { &*row.object }.set_local(row.local);
        }
        for row in &self.rows {
            let fate = match row {
                Row {
                    refs: REACHED,
                    inert: true,
                    ..
                } => Fate::Inert,
                Row { refs: REACHED, .. } => Fate::Reachable,
                _ => Fate::Garbage,
            };
            // SAFETY: as above.
            each(unsafe { &*row.object }, fate);
        }
    }
}

fn can_be_in_cycle(header: &Header) -> bool {
    header.has_bit(crate::header::BIT_GC) && !header.has_bit(crate::header::BIT_UNTRACKED)
}

fn is_exact_tuple(header: &Header) -> bool {
    std::ptr::eq(header.type_object(), &crate::builtin_types::TUPLE)
}

/// Is the object a type?
pub(super) fn is_type(header: &Header) -> bool {
    header.type_object().has(TypeFlags::TYPE_SUBCLASS)
        || std::ptr::eq(header.type_object(), &crate::builtin_types::TYPE)
}

/// The object as a type.
pub(super) fn as_type(value: &Value) -> Option<&TypeObject> {
    value.cast::<crate::type_object::Type>()
}

/// Visits all counted references that an object holds.
///
/// # Safety
/// The object is whole, and nobody changes it meanwhile.
pub(super) unsafe fn trace(object: *const Header, visit: &mut dyn FnMut(*const Header)) {
    // SAFETY: whole, so live; its type is alive too (I-TYPE-1).
    unsafe {
        let header = &*object;
        let ty = header.type_object();
        let mut tracer = Tracer::new(visit);
        (ty.layout().trace)(payload(object), &mut tracer);
        crate::instance::trace(header, ty, &mut tracer);
    }
}

/// Moves all references that an object holds, and that may be taken from it, into `out`.
///
/// # Safety
/// The object is garbage, whole, and no guard on it is alive.
pub(super) unsafe fn clear(object: *const Header, out: &mut Vec<Value>) {
    // SAFETY: as in `trace`.
    unsafe {
        let header = &*object;
        let ty = header.type_object();
        (ty.layout().clear)(payload(object), out);
        crate::instance::clear(header, ty, out);
    }
}

fn payload(object: *const Header) -> *const u8 {
    object.wrapping_add(1).cast()
}
