//! The embedded library: every pure-Python module as a code file and its source, found by name.
//!
//! The table is made by the build script from the library dependency and the overlay folder `lib/`.

#![forbid(unsafe_code)]

/// Where the embedded modules pretend to lie: the entry on `sys.path`, and the start of their `__file__`.
pub const ROOT: &str = "/<taipan>";

struct Entry {
    name: &'static str,
    is_package: bool,
    /// Start and length in the data.
    code: (usize, usize),
    source: (usize, usize),
}

static DATA: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/library.bin"));
static INDEX: &[Entry] = include!(concat!(env!("OUT_DIR"), "/index.rs"));
/// Path, and start and length in the data.
static FILES: &[(&str, (usize, usize))] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

fn bytes((start, len): (usize, usize)) -> &'static [u8] {
    DATA.get(start..start + len).unwrap_or(&[])
}

/// One embedded module.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// Dotted name.
    pub name: &'static str,
    pub is_package: bool,
    /// The code file's body, for `taipan_bytecode::marshal::read_embedded`.
    pub code: &'static [u8],
    /// The source as it was compiled.
    pub source: &'static [u8],
}

fn module(entry: &'static Entry) -> Module {
    Module {
        name: entry.name,
        is_package: entry.is_package,
        code: bytes(entry.code),
        source: bytes(entry.source),
    }
}

/// The module with this dotted name.
pub fn find(name: &str) -> Option<Module> {
    INDEX
        .binary_search_by(|entry| entry.name.cmp(name))
        .ok()
        .map(|at| module(&INDEX[at]))
}

/// All embedded modules, by name.
pub fn modules() -> impl Iterator<Item = Module> {
    INDEX.iter().map(module)
}

/// The content of a package's data file, such as `venv/scripts/common/activate`.
pub fn file(path: &str) -> Option<&'static [u8]> {
    FILES
        .binary_search_by(|(name, _)| (*name).cmp(path))
        .ok()
        .map(|at| bytes(FILES[at].1))
}

/// The paths of all data files, in order.
pub fn files() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_files_are_found() {
        let script = file("venv/scripts/common/activate").expect("a script");
        assert!(script.windows(11).any(|part| part == b"VIRTUAL_ENV"));
        assert!(file("venv/scripts").is_none());
        let wheel = files().find(|name| name.ends_with(".whl")).expect("pip");
        assert!(file(wheel).is_some_and(|data| data.starts_with(b"PK")));
    }

    #[test]
    fn modules_are_found() {
        let json = find("json").expect("a package");
        assert!(json.is_package && !json.code.is_empty() && json.source.starts_with(b"r\"\"\""));
        assert!(!find("json.decoder").expect("a module").is_package);
        assert!(find("no_such_module").is_none());
        assert!(modules().count() > 400);
    }

    /// Code is read lazily, and without a way to report damage.
    #[test]
    fn all_code_is_undamaged() {
        for module in modules() {
            let lazy = taipan_bytecode::marshal::read_embedded(module.code);
            assert_eq!(
                lazy,
                taipan_bytecode::marshal::read_code(module.code),
                "{}",
                module.name
            );
            assert_eq!(
                taipan_bytecode::verify::verify(&lazy.expect("just read")),
                Ok(())
            );
        }
    }
}
