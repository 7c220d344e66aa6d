//! Text and bytes that many code objects share: counted, or part of the executable.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// An immutable slice that is cheap to clone. Equality and hash are those of what it shows.
pub enum Shared<T: ?Sized + 'static> {
    /// Embedded in the executable.
    Static(&'static T),
    /// On the heap.
    Counted(Arc<T>),
}

/// A name in a code object.
pub type Name = Shared<str>;
/// Bytes, or text as WTF-8, in a code object.
pub type Bytes = Shared<[u8]>;

impl<T: ?Sized> Clone for Shared<T> {
    fn clone(&self) -> Self {
        match self {
            Shared::Static(part) => Shared::Static(part),
            Shared::Counted(part) => Shared::Counted(Arc::clone(part)),
        }
    }
}

impl<T: ?Sized> Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        match self {
            Shared::Static(part) => part,
            Shared::Counted(part) => part,
        }
    }
}

impl<T: ?Sized> AsRef<T> for Shared<T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: ?Sized> Borrow<T> for Shared<T> {
    fn borrow(&self) -> &T {
        self
    }
}

impl<T: ?Sized + PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: ?Sized + Eq> Eq for Shared<T> {}

impl<T: ?Sized + Hash> Hash for Shared<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl Default for Bytes {
    fn default() -> Self {
        Shared::Static(&[])
    }
}

macro_rules! from {
    ($($source:ty => $target:ty),*) => {$(
        impl From<$source> for Shared<$target> {
            fn from(part: $source) -> Self {
                Shared::Counted(part.into())
            }
        }
    )*};
}

from!(&str => str, String => str, Arc<str> => str, &[u8] => [u8], Vec<u8> => [u8], Arc<[u8]> => [u8]);
