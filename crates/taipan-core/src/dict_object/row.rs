//! Rows of a table: vectors whose memory is retired, not freed, for readers without a lock may be looking at it.

use super::table::NoMemory;
use crate::{retire, world};
use std::alloc::Layout;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

/// A vector that grows by [`Row::reserve`] only.
pub(super) struct Row<T>(Vec<T>);

impl<T> Row<T> {
    pub(super) const fn new() -> Row<T> {
        Row(Vec::new())
    }

    pub(super) fn of(items: Vec<T>) -> Row<T> {
        Row(items)
    }

    /// Makes room for exactly `more` items, if there is less.
    pub(super) fn reserve(&mut self, more: usize) -> Result<(), NoMemory> {
        if self.0.capacity() - self.0.len() >= more {
            return Ok(());
        }
        if !world::is_shared() {
            return self.0.try_reserve_exact(more).map_err(|_| NoMemory);
        }
        self.move_to(self.0.len().checked_add(more).ok_or(NoMemory)?)
    }

    /// Moves the items to a block with room for `capacity`, no fewer than there are.
    fn move_to(&mut self, capacity: usize) -> Result<(), NoMemory> {
        let mut moved: Vec<T> = Vec::new();
        moved.try_reserve_exact(capacity).map_err(|_| NoMemory)?;
        // SAFETY: there is room for all items, which move: the old row forgets them.
        unsafe {
            std::ptr::copy_nonoverlapping(self.0.as_ptr(), moved.as_mut_ptr(), self.0.len());
            moved.set_len(self.0.len());
            self.0.set_len(0);
        }
        drop(std::mem::replace(self, Row(moved)));
        Ok(())
    }

    /// Gives memory back that is not needed for `wanted` items.
    pub(super) fn shrink_to(&mut self, wanted: usize) {
        if world::is_shared() {
            // Without memory for a smaller block it stays as it is.
            let _ = self.move_to(wanted.max(self.0.len()));
        } else {
            self.0.shrink_to(wanted);
        }
    }
}

impl<T: Clone> Clone for Row<T> {
    fn clone(&self) -> Row<T> {
        Row(self.0.clone())
    }
}

impl<T> Drop for Row<T> {
    #[inline]
    fn drop(&mut self) {
        if !world::is_shared() {
            return;
        }
        let mut row = ManuallyDrop::new(std::mem::take(&mut self.0));
        let items = std::ptr::slice_from_raw_parts_mut(row.as_mut_ptr(), row.len());
        let layout = Layout::array::<T>(row.capacity());
        // SAFETY: the row owns its items and its block, which the vector has allocated with this layout.
        unsafe {
            std::ptr::drop_in_place(items);
            if let Ok(layout) = layout {
                retire::buffer(row.as_mut_ptr().cast(), layout);
            }
        }
    }
}

impl<T> Deref for Row<T> {
    type Target = Vec<T>;
    #[inline(always)]
    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> DerefMut for Row<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}
