//! The part of a code object that only running it or looking at it needs.
//!
//! Code embedded in the executable is read when it is first looked at: most functions of a library are never called.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

use crate::code::Constant;
use crate::marshal::{self, ReadError};
use crate::shared::{Bytes, Name};

/// What [`crate::Code`] has besides its head.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Body {
    /// `co_varnames`; `co_nlocals` is its length.
    pub varnames: Vec<Name>,
    /// `co_cellvars`
    pub cellvars: Vec<Name>,
    /// `co_freevars`
    pub freevars: Vec<Name>,
    /// `co_names`
    pub names: Vec<Name>,
    /// `co_consts`
    pub consts: Vec<Constant>,
    /// `co_code`
    pub bytecode: Bytes,
    /// Positions, see [`crate::line_table`].
    pub linetable: Bytes,
    /// Handlers, see [`crate::exception_table`].
    pub exceptiontable: Bytes,
}

/// Numbers of fast-local slots.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Slots {
    /// Varnames.
    pub locals: u32,
    /// Cellvars.
    pub cells: u32,
    /// Freevars.
    pub free: u32,
}

impl Slots {
    pub(crate) fn of(body: &Body) -> Slots {
        Slots {
            locals: body.varnames.len() as u32,
            cells: body.cellvars.len() as u32,
            free: body.freevars.len() as u32,
        }
    }
}

/// Where an unread body begins.
#[derive(Clone, Copy)]
struct Place {
    file: &'static [u8],
    at: usize,
}

/// A body, or the place to read it from.
#[derive(Clone)]
pub struct LazyBody {
    body: OnceLock<Box<Body>>,
    slots: Slots,
    place: Option<Place>,
}

impl LazyBody {
    /// A body that is read from the place when somebody looks. The file is undamaged.
    pub(crate) fn unread(slots: Slots, file: &'static [u8], at: usize) -> LazyBody {
        LazyBody {
            body: OnceLock::new(),
            slots,
            place: Some(Place { file, at }),
        }
    }

    /// The numbers of slots, known without reading.
    #[inline]
    pub fn slots(&self) -> Slots {
        self.slots
    }

    #[cold]
    fn read(&self) -> Box<Body> {
        let body = match self.place {
            Some(Place { file, at }) => marshal::read_body(file, at, self.slots),
            None => Err(ReadError::Truncated),
        };
        match body {
            Ok(body) => Box::new(body),
            Err(error) => unreachable!("the file was checked when it was embedded: {error}"),
        }
    }
}

impl From<Body> for LazyBody {
    fn from(body: Body) -> LazyBody {
        LazyBody {
            slots: Slots::of(&body),
            body: OnceLock::from(Box::new(body)),
            place: None,
        }
    }
}

impl Deref for LazyBody {
    type Target = Body;
    #[inline]
    fn deref(&self) -> &Body {
        self.body.get_or_init(|| self.read())
    }
}

impl DerefMut for LazyBody {
    fn deref_mut(&mut self) -> &mut Body {
        if self.body.get().is_none() {
            self.body = OnceLock::from(self.read());
        }
        match self.body.get_mut() {
            Some(body) => body,
            None => unreachable!("it was set above"),
        }
    }
}

impl PartialEq for LazyBody {
    fn eq(&self, other: &LazyBody) -> bool {
        **self == **other
    }
}

impl Eq for LazyBody {}

impl Hash for LazyBody {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for LazyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
