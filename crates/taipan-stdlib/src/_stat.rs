//! `_stat`: the bits of file modes, for `stat`.

use crate::ModuleDef;
use crate::support::add;
use taipan_core::str_object::new_str;
use taipan_core::{MethodDef, Py, Value, Vm, f1};

/// A test of the kind of file.
macro_rules! test {
    ($text:literal, $kind:expr, $doc:literal) => {
        f1(
            $text,
            |vm, _module, mode| Ok(Value::bool(mode_of(vm, mode)? & libc::S_IFMT == $kind)),
            $doc,
        )
    };
}

/// A kind of file that this system has not got.
macro_rules! never {
    ($text:literal, $doc:literal) => {
        f1(
            $text,
            |vm, _module, mode| mode_of(vm, mode).map(|_| Value::bool(false)),
            $doc,
        )
    };
}

static FUNCTIONS: [MethodDef; 13] = [
    test!(
        "S_ISDIR($module, mode, /)",
        libc::S_IFDIR,
        "Is it a folder?"
    ),
    test!(
        "S_ISCHR($module, mode, /)",
        libc::S_IFCHR,
        "Is it a device of characters?"
    ),
    test!(
        "S_ISBLK($module, mode, /)",
        libc::S_IFBLK,
        "Is it a device of blocks?"
    ),
    test!(
        "S_ISREG($module, mode, /)",
        libc::S_IFREG,
        "Is it a regular file?"
    ),
    test!(
        "S_ISFIFO($module, mode, /)",
        libc::S_IFIFO,
        "Is it a named pipe?"
    ),
    test!(
        "S_ISLNK($module, mode, /)",
        libc::S_IFLNK,
        "Is it a symbolic link?"
    ),
    test!(
        "S_ISSOCK($module, mode, /)",
        libc::S_IFSOCK,
        "Is it a socket?"
    ),
    never!("S_ISDOOR($module, mode, /)", "Is it a door?"),
    never!("S_ISPORT($module, mode, /)", "Is it an event port?"),
    never!("S_ISWHT($module, mode, /)", "Is it a whiteout?"),
    f1(
        "S_IMODE($module, mode, /)",
        |vm, _, mode| Ok(Value::int((mode_of(vm, mode)? & 0o7777).into())),
        "The part of a mode that chmod() sets.",
    ),
    f1(
        "S_IFMT($module, mode, /)",
        |vm, _, mode| Ok(Value::int((mode_of(vm, mode)? & libc::S_IFMT).into())),
        "The part of a mode that says what kind of file it is.",
    ),
    f1(
        "filemode($module, mode, /)",
        filemode,
        "A mode as text: '-rwxrwxrwx'.",
    ),
];

/// The module `_stat`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_stat",
    doc: "The bits of file modes.",
    functions: &FUNCTIONS,
    init,
};

static NUMBERS: &[(&str, i64)] = &[
    ("ST_MODE", 0),
    ("ST_INO", 1),
    ("ST_DEV", 2),
    ("ST_NLINK", 3),
    ("ST_UID", 4),
    ("ST_GID", 5),
    ("ST_SIZE", 6),
    ("ST_ATIME", 7),
    ("ST_MTIME", 8),
    ("ST_CTIME", 9),
    ("S_IFDIR", 0o040000),
    ("S_IFCHR", 0o020000),
    ("S_IFBLK", 0o060000),
    ("S_IFREG", 0o100000),
    ("S_IFIFO", 0o010000),
    ("S_IFLNK", 0o120000),
    ("S_IFSOCK", 0o140000),
    ("S_IFDOOR", 0),
    ("S_IFPORT", 0),
    ("S_IFWHT", 0),
    ("S_ISUID", 0o4000),
    ("S_ISGID", 0o2000),
    ("S_ISVTX", 0o1000),
    ("S_ENFMT", 0o2000),
    ("S_IREAD", 0o400),
    ("S_IWRITE", 0o200),
    ("S_IEXEC", 0o100),
    ("S_IRWXU", 0o700),
    ("S_IRUSR", 0o400),
    ("S_IWUSR", 0o200),
    ("S_IXUSR", 0o100),
    ("S_IRWXG", 0o070),
    ("S_IRGRP", 0o040),
    ("S_IWGRP", 0o020),
    ("S_IXGRP", 0o010),
    ("S_IRWXO", 0o007),
    ("S_IROTH", 0o004),
    ("S_IWOTH", 0o002),
    ("S_IXOTH", 0o001),
    ("UF_SETTABLE", 0x0000_ffff),
    ("UF_NODUMP", 0x0000_0001),
    ("UF_IMMUTABLE", 0x0000_0002),
    ("UF_APPEND", 0x0000_0004),
    ("UF_OPAQUE", 0x0000_0008),
    ("UF_NOUNLINK", 0x0000_0010),
    ("UF_COMPRESSED", 0x0000_0020),
    ("UF_TRACKED", 0x0000_0040),
    ("UF_DATAVAULT", 0x0000_0080),
    ("UF_HIDDEN", 0x0000_8000),
    ("SF_SETTABLE", 0xffff_0000),
    ("SF_ARCHIVED", 0x0001_0000),
    ("SF_IMMUTABLE", 0x0002_0000),
    ("SF_APPEND", 0x0004_0000),
    ("SF_NOUNLINK", 0x0010_0000),
    ("SF_SNAPSHOT", 0x0020_0000),
    ("SF_FIRMLINK", 0x0080_0000),
    ("SF_DATALESS", 0x4000_0000),
];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    for (text, number) in NUMBERS {
        add(dict, text, Value::int(*number));
    }
    Ok(())
}

fn mode_of(vm: &mut Vm, value: &Value) -> Py<u32> {
    let index = vm.index(value)?;
    match index.as_i64() {
        Some(mode) => match u32::try_from(mode) {
            Ok(mode) => Ok(mode),
            Err(_) if mode < 0 => {
                Err(vm.overflow_error("can't convert negative value to unsigned int"))
            }
            Err(_) => Err(vm.overflow_error("mode out of range")),
        },
        None => Err(vm.overflow_error("Python int too large to convert to C unsigned long")),
    }
}

fn filemode(vm: &mut Vm, _module: &Value, mode: &Value) -> Py {
    let mode = mode_of(vm, mode)?;
    let kind = match mode & libc::S_IFMT {
        libc::S_IFREG => '-',
        libc::S_IFDIR => 'd',
        libc::S_IFLNK => 'l',
        libc::S_IFBLK => 'b',
        libc::S_IFCHR => 'c',
        libc::S_IFIFO => 'p',
        libc::S_IFSOCK => 's',
        _ => '?',
    };
    let mut text = String::from(kind);
    // For each class of users: its bits, the special bit, and the special letter.
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => letter,
            (true, false) => letter.to_ascii_uppercase(),
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    Ok(new_str(&text))
}
