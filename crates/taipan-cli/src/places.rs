//! Where the executable is, and the folders below which packages are looked for.

use crate::arguments::Arguments;
use crate::settings::Environment;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The executable and the prefixes.
#[derive(Default)]
pub struct Places {
    pub executable: OsString,
    /// The executable that a virtual environment was made with.
    pub base_executable: OsString,
    pub prefix: OsString,
    pub exec_prefix: OsString,
    pub base_prefix: OsString,
    pub base_exec_prefix: OsString,
}

/// Finds the places of the process.
pub fn find(arguments: &Arguments, environment: Environment) -> Places {
    let executable = executable(arguments.words.first().map(OsString::as_os_str));
    let resolved = std::env::current_exe()
        .or_else(|_| executable.canonicalize())
        .unwrap_or_else(|_| executable.clone());
    let own = prefix_of(&resolved);
    let (mut base, mut base_exec) = (own.clone(), own);
    if let Some(home) = environment.get("PYTHONHOME") {
        let mut parts = home.as_bytes().splitn(2, |byte| *byte == b':');
        let first = OsStr::from_bytes(parts.next().unwrap_or_default()).to_owned();
        base_exec = parts
            .next()
            .map_or(first.clone(), |part| OsStr::from_bytes(part).to_owned());
        base = first;
    }
    let mut places = Places {
        executable: executable.clone().into(),
        prefix: base.clone(),
        exec_prefix: base_exec.clone(),
        base_prefix: base,
        base_exec_prefix: base_exec,
        ..Places::default()
    };
    if let Some(environment_of) = virtual_environment(&executable) {
        places.prefix = environment_of.folder.clone().into();
        places.exec_prefix = environment_of.folder.into();
        if let Some(home) = environment_of.home {
            let named = home.join(executable.file_name().unwrap_or_default());
            // Links in an environment have more names than what it was made with.
            let command = match environment_of.executable {
                Some(command) if !named.exists() && command.exists() => command,
                _ => named,
            };
            // A copy of the executable does not lead to where the first one is; a link does.
            if environment.get("PYTHONHOME").is_none() {
                let real = command.canonicalize().unwrap_or_else(|_| command.clone());
                places.base_prefix = prefix_of(&real);
                places.base_exec_prefix = prefix_of(&real);
            }
            places.base_executable = command.into();
        }
    }
    places
}

/// The absolute path of the command, links in it left as they are.
fn executable(name: Option<&OsStr>) -> PathBuf {
    let from_system = || std::env::current_exe().unwrap_or_default();
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return from_system();
    };
    if name.as_bytes().contains(&b'/') {
        return std::path::absolute(name).unwrap_or_else(|_| name.into());
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .and_then(|path| std::path::absolute(path).ok())
        .unwrap_or_else(from_system)
}

/// The folder that holds `bin` with the executable in it, or else the executable's own.
fn prefix_of(executable: &Path) -> OsString {
    let folder = executable.parent().unwrap_or(Path::new(""));
    match folder.parent() {
        Some(above) if folder.ends_with("bin") => above.into(),
        _ => folder.into(),
    }
}

/// A virtual environment, and what it was made with, as its settings say.
struct VirtualEnvironment {
    folder: PathBuf,
    /// The folder of the executable it was made with.
    home: Option<PathBuf>,
    executable: Option<PathBuf>,
}

/// The virtual environment that the executable belongs to.
fn virtual_environment(executable: &Path) -> Option<VirtualEnvironment> {
    let folder = executable.parent()?;
    let above = folder.parent().unwrap_or(folder);
    let text = [folder, above]
        .iter()
        .find_map(|place| std::fs::read_to_string(place.join("pyvenv.cfg")).ok())?;
    let setting = |wanted: &str| {
        text.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim().eq_ignore_ascii_case(wanted)).then(|| PathBuf::from(value.trim()))
        })
    };
    Some(VirtualEnvironment {
        folder: above.to_path_buf(),
        home: setting("home"),
        executable: setting("executable"),
    })
}
