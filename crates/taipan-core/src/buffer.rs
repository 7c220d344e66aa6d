//! The buffer protocol (PEP 3118): a typed, strided view of memory that an exporter lends.

use crate::value::Value;

/// Flags of a buffer request, numbered as in C and in `inspect.BufferFlags`.
pub mod flags {
    pub const SIMPLE: u32 = 0;
    pub const WRITABLE: u32 = 1;
    pub const FORMAT: u32 = 4;
    pub const ND: u32 = 8;
    pub const STRIDES: u32 = 0x10 | ND;
    pub const C_CONTIGUOUS: u32 = 0x20 | STRIDES;
    pub const F_CONTIGUOUS: u32 = 0x40 | STRIDES;
    pub const ANY_CONTIGUOUS: u32 = 0x80 | STRIDES;
    pub const INDIRECT: u32 = 0x100 | STRIDES;
    pub const FULL_RO: u32 = INDIRECT | FORMAT;
}

/// What an exporter lends. While it lives the exporter neither moves nor shrinks the memory (I-BUFFER-1): exporters
/// count their exports and refuse to resize; `release` runs when the buffer is dropped.
pub struct Buffer {
    /// The exporter, kept alive.
    pub owner: Value,
    pub data: *mut u8,
    /// Bytes from the first to the last element.
    pub len: usize,
    pub item_size: usize,
    pub readonly: bool,
    /// `struct` format of one element.
    pub format: Box<str>,
    pub shape: Vec<usize>,
    /// Distance between elements in bytes, one for each dimension.
    pub strides: Vec<isize>,
    /// Tells the exporter that this buffer is gone.
    pub release: Option<fn(&Value)>,
}

// SAFETY: the memory lives as long as the buffer; programs whose threads write to the same bytes at the same time get either's.
unsafe impl Send for Buffer {}
// SAFETY: as above.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// A one-dimensional buffer of bytes.
    pub fn bytes(
        owner: Value,
        data: *mut u8,
        len: usize,
        readonly: bool,
        release: Option<fn(&Value)>,
    ) -> Buffer {
        Buffer {
            owner,
            data,
            len,
            item_size: 1,
            readonly,
            format: "B".into(),
            shape: vec![len],
            strides: vec![1],
            release,
        }
    }

    /// Are the elements in one row in C order?
    pub fn is_c_contiguous(&self) -> bool {
        let mut expected = self.item_size as isize;
        for (len, stride) in self.shape.iter().zip(&self.strides).rev() {
            if *len > 1 && *stride != expected {
                return false;
            }
            expected *= *len as isize;
        }
        true
    }

    /// Number of elements.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// The bytes of all elements of a C-contiguous buffer.
    pub fn as_slice_of_items(&self) -> &[u8] {
        let len = self.count() * self.item_size;
        if len == 0 {
            return &[];
        }
        // SAFETY: I-BUFFER-1; contiguous, so the elements lie in one row.
        unsafe { std::slice::from_raw_parts(self.data, len) }
    }

    /// The bytes of the element at `offset` from the first; one that the shape and strides lead to.
    pub fn item(&self, offset: isize) -> &[u8] {
        // SAFETY: I-BUFFER-1: elements that the shape allows lie in the lent memory.
        unsafe { std::slice::from_raw_parts(self.data.offset(offset), self.item_size) }
    }

    /// Overwrites the element at `offset`; false if the buffer is read-only.
    pub fn set_item(&mut self, offset: isize, bytes: &[u8]) -> bool {
        if self.readonly || bytes.len() != self.item_size {
            return false;
        }
        // SAFETY: as for `item`; the source is no part of the buffer or is a copy.
        unsafe { std::ptr::copy(bytes.as_ptr(), self.data.offset(offset), bytes.len()) };
        true
    }

    /// The memory of a contiguous buffer.
    pub fn as_slice(&self) -> &[u8] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: I-BUFFER-1; Python code that writes meanwhile writes bytes, which are always valid.
        unsafe { std::slice::from_raw_parts(self.data, self.len) }
    }

    /// The memory of a contiguous buffer, to write; `None` if it is read-only.
    pub fn as_mut_slice(&mut self) -> Option<&mut [u8]> {
        if self.readonly {
            return None;
        }
        if self.len == 0 {
            return Some(&mut []);
        }
        // SAFETY: as above.
        Some(unsafe { std::slice::from_raw_parts_mut(self.data, self.len) })
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            release(&self.owner);
        }
    }
}
