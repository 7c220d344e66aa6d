//! Arguments on their way to a callee: a row of values of which the last few have names.

use crate::value::Value;

/// Borrowed call arguments: positional values first, then the values of keyword arguments in the order of `names`.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    values: &'a [Value],
    names: &'a [Value],
}

impl<'a> Args<'a> {
    /// No arguments.
    pub const NONE: Args<'static> = Args {
        values: &[],
        names: &[],
    };

    /// Positional arguments only.
    #[inline(always)]
    pub fn positional(values: &'a [Value]) -> Args<'a> {
        Args { values, names: &[] }
    }

    /// `values` ends with one value for each of `names` (strings).
    #[inline(always)]
    pub fn new(values: &'a [Value], names: &'a [Value]) -> Args<'a> {
        debug_assert!(names.len() <= values.len());
        Args { values, names }
    }

    /// Positional values.
    #[inline(always)]
    pub fn pos(&self) -> &'a [Value] {
        &self.values[..self.values.len() - self.names.len()]
    }

    /// All values: positional, then keyword.
    #[inline(always)]
    pub fn all(&self) -> &'a [Value] {
        self.values
    }

    /// Names of the keyword arguments.
    #[inline(always)]
    pub fn names(&self) -> &'a [Value] {
        self.names
    }

    /// `(name, value)` of keyword arguments.
    pub fn keywords(&self) -> impl Iterator<Item = (&'a Value, &'a Value)> + use<'a> {
        self.names
            .iter()
            .zip(&self.values[self.values.len() - self.names.len()..])
    }

    pub fn has_keywords(&self) -> bool {
        !self.names.is_empty()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The same arguments without the first positional one.
    pub fn skip_first(&self) -> Args<'a> {
        Args {
            values: &self.values[1..],
            names: self.names,
        }
    }
}
