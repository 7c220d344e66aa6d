//! Native modules over third-party libraries: hashes, compression, SQLite. One file or folder for each, under CPython's names.
//!
//! They stand apart from `taipan-stdlib` so that those libraries are built beside it, and an embedder can leave them out.

use taipan_stdlib::ModuleDef;

/// All modules of this crate, by name.
pub static MODULES: &[&ModuleDef] = &[];
