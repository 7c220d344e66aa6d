//! Compiles the pure-Python half of the standard library (a dependency) and our own modules in `lib/` to code files, and packs
//! them into one table that the crate embeds. A module in `lib/` wins over the library's of the same name. Packages' data files
//! are embedded as they are, in a table of their own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Folders and files that are not part of an embedded library.
const LEFT_OUT: &[&str] = &[
    "idlelib",
    "turtledemo",
    "tkinter",
    "test",
    "tests",
    "__pycache__",
    "site-packages",
    "_pycodecs.py",
    "_dummy_thread.py",
    "_dummy_os.py",
    "dummy_threading.py",
    "_bundled",
];

/// Files of packages that are no modules but are read when a program runs, relative to the library. A folder stands for all in it.
const DATA_FILES: &[&str] = &[
    "ensurepip/_bundled",
    "pydoc_data/_pydoc.css",
    "venv/scripts",
];

/// A place where the library's copy differs from CPython's file, or names the implementation that the copy is made for.
struct Edit {
    module: &'static str,
    /// The text from here on, ...
    from: &'static str,
    /// ... up to the next place where this stands (at once, if it is empty), ...
    up_to: &'static str,
    /// ... becomes this.
    with: &'static str,
}

const EDITS: &[Edit] = &[
    Edit {
        module: "sysconfig",
        from: "return 'RustPython'",
        up_to: "\n",
        with: "return 'Taipan'",
    },
    Edit {
        module: "sysconfig",
        from: "f'_sysconfigdata_{sys.abiflags}_{sys.platform}_{multiarch}'",
        up_to: "",
        with: "'_sysconfigdata'",
    },
    Edit {
        module: "site",
        from: "return 'RustPython'",
        up_to: "\n",
        with: "return 'Taipan'",
    },
    Edit {
        module: "site",
        from: "    # XXX: RUSTPYTHON\n",
        up_to: "",
        with: "",
    },
    Edit {
        module: "site",
        from: "/lib/rustpython{version",
        up_to: "",
        with: "/lib/taipan{version",
    },
    Edit {
        module: "platform",
        from: "        # XXX: RUSTPYTHON support\n        if \"RustPython\" in sys_version:\n            name = \"RustPython\"",
        up_to: "",
        with: "        if \"Taipan\" in sys_version:\n            name = \"Taipan\"",
    },
    Edit {
        // The scripts are data of the package, which does not lie in a folder.
        module: "venv",
        from: "        path = os.path.abspath(os.path.dirname(__file__))\n        path = os.path.join(path, 'scripts')\n        self.install_scripts(context, path)\n",
        up_to: "",
        with: "        from importlib import resources\n        with resources.as_file(resources.files(__package__) / 'scripts') as path:\n            self.install_scripts(context, os.fspath(path))\n",
    },
    Edit {
        module: "zipapp",
        from: "isinstance(new_archive, str)",
        up_to: "",
        with: "isinstance(new_archive, (str, os.PathLike))",
    },
    Edit {
        // The tools look into another process, by a module that there is not; the prompt can do without.
        module: "asyncio.__main__",
        from: "import asyncio.tools\n",
        up_to: "",
        with: "",
    },
    Edit {
        module: "asyncio.__main__",
        from: "            asyncio.tools.display_awaited_by_tasks_table",
        up_to: "(",
        with: "            from asyncio import tools\n            tools.display_awaited_by_tasks_table",
    },
    Edit {
        module: "asyncio.__main__",
        from: "            asyncio.tools.display_awaited_by_tasks_tree",
        up_to: "(",
        with: "            from asyncio import tools\n            tools.display_awaited_by_tasks_tree",
    },
    Edit {
        // There is no RESUME; a generator begins with GEN_START.
        module: "pdb",
        from: "    prev = None\n    for instr in dis.get_instructions(code):\n        if prev",
        up_to: "            if instr.pos",
        with: "    for instr in dis.get_instructions(code):\n        if instr.opname != 'GEN_START':\n",
    },
    Edit {
        module: "pdb",
        from: "            return code.co_firstlineno\n        prev = instr\n",
        up_to: "",
        with: "            return code.co_firstlineno\n",
    },
    Edit {
        module: "io",
        from: "# XXX: RUSTPYTHON;",
        up_to: "# for seek()",
        with: "from _io import FileIO\n\n",
    },
    Edit {
        module: "io",
        from: "if FileIO is not None:  # XXX",
        up_to: "\nfor klass",
        with: "RawIOBase.register(FileIO)\n",
    },
    Edit {
        module: "json.decoder",
        from: "    # RUSTPYTHON SPECIFIC\n",
        up_to: "    # Note that this",
        with: "",
    },
    Edit {
        module: "_compat_pickle",
        from: "# NOTE: RUSTPYTHON exceptions\n",
        up_to: "for excname in",
        with: "",
    },
    Edit {
        module: "unittest",
        from: "# XXX: RUSTPYTHON\n# This is very useful",
        up_to: "# Even more",
        with: "",
    },
    Edit {
        module: "unittest",
        from: "# Even more useful",
        up_to: "# XXX: RUSTPYTHON\n# For a rare",
        with: "",
    },
    Edit {
        module: "unittest",
        from: "# XXX: RUSTPYTHON\n# For a rare",
        up_to: "    return test_item\n",
        with: "",
    },
    Edit {
        module: "unittest",
        from: "    return test_item\n",
        up_to: "",
        with: "",
    },
    // The name of a table stands inside a text of SQL there.
    Edit {
        module: "sqlite3.dump",
        from: "q = \"SELECT 'INSERT INTO {0} VALUES('{1}')' FROM {0};\".format(",
        up_to: "",
        with: "quoted = table_name_ident.replace(\"'\", \"''\").replace('{', '{{').replace('}', '}}')\n        \
               q = (\"SELECT 'INSERT INTO \" + quoted + \" VALUES('{1}')' FROM {0};\").format(",
    },
];

/// The source of a module of the library with its edits made. An edit whose place is gone is an error: the library has changed.
fn edited(name: &str, mut source: String) -> Result<String, String> {
    for edit in EDITS.iter().filter(|edit| edit.module == name) {
        let lost = || format!("{name}: no place for the edit of {:?}", edit.from);
        let start = source.find(edit.from).ok_or_else(lost)?;
        let behind = start + edit.from.len();
        let end = behind + source[behind..].find(edit.up_to).ok_or_else(lost)?;
        source.replace_range(start..end, edit.with);
    }
    Ok(source)
}

struct Module {
    path: PathBuf,
    is_package: bool,
}

fn collect(folder: &Path, prefix: &str, modules: &mut BTreeMap<String, Module>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(file) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if LEFT_OUT.contains(&file) {
            continue;
        }
        if path.is_dir() {
            // Our own folders may add to packages of the library.
            let is_package = path.join("__init__.py").is_file();
            if is_package || !prefix.is_empty() || !path.starts_with(rustpython_pylib::LIB_PATH) {
                collect(&path, &format!("{prefix}{file}."), modules)?;
            }
        } else if let Some(stem) = file.strip_suffix(".py") {
            let is_package = stem == "__init__";
            let name = if is_package {
                prefix.trim_end_matches('.').to_string()
            } else {
                format!("{prefix}{stem}")
            };
            if !name.is_empty()
                && name.split('.').all(|part| {
                    part.chars()
                        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
                })
            {
                modules.insert(name, Module { path, is_package });
            }
        }
    }
    Ok(())
}

/// All files at or below a place.
fn collect_data(
    root: &Path,
    relative: &str,
    files: &mut BTreeMap<String, PathBuf>,
) -> io::Result<()> {
    let path = root.join(relative);
    if !path.is_dir() {
        files.insert(relative.to_string(), path);
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        if let Some(name) = entry?.file_name().to_str() {
            collect_data(root, &format!("{relative}/{name}"), files)?;
        }
    }
    Ok(())
}

fn compile(name: &str, source: &[u8], filename: &str) -> Result<Vec<u8>, String> {
    let text = match taipan_syntax::decode_source(source, Some(filename)) {
        Ok(taipan_syntax::Decoded::Text(text)) => text,
        Ok(_) => return Err(format!("{name}: unusual source encoding")),
        Err(error) => return Err(format!("{name}: {}", error.message)),
    };
    let parsed = taipan_syntax::parse(
        &text,
        taipan_syntax::Mode::Exec,
        &taipan_syntax::Options::default(),
    )
    .map_err(|error| format!("{name}: {}", error.message))?;
    let compiled =
        taipan_compiler::compile(&parsed, filename, &taipan_compiler::Options::default())
            .map_err(|error| format!("{name}: {}", error.message))?;
    Ok(taipan_bytecode::marshal::write_code(&compiled.code))
}

/// The file name in tracebacks. The import machinery's own frames bear the name by which tracebacks leave them out.
fn filename(name: &str, relative: &str) -> String {
    match name {
        "importlib._bootstrap"
        | "importlib._bootstrap_external"
        | "zipimport"
        | "_taipan_importer" => {
            format!("<frozen {name}>")
        }
        _ => format!("/<taipan>/{relative}"),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let overlay = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../lib");
    println!("cargo::rerun-if-changed={}", overlay.display());
    println!("cargo::rerun-if-changed=build.rs");
    let mut modules = BTreeMap::new();
    collect(Path::new(rustpython_pylib::LIB_PATH), "", &mut modules)?;
    collect(&overlay, "", &mut modules)?;
    let mut index = String::new();
    let mut data: Vec<u8> = Vec::new();
    for (name, module) in &modules {
        let mut source = fs::read(&module.path)?;
        if module.path.starts_with(rustpython_pylib::LIB_PATH)
            && EDITS.iter().any(|edit| edit.module == name)
        {
            source = edited(name, String::from_utf8(source)?)?.into_bytes();
        }
        let relative = name.replace('.', "/")
            + if module.is_package {
                "/__init__.py"
            } else {
                ".py"
            };
        match compile(name, &source, &filename(name, &relative)) {
            Ok(code) => {
                let (start, len) = (data.len(), code.len());
                data.extend(code);
                let text = data.len();
                data.extend(&source);
                index.push_str(&format!(
                    "    Entry {{ name: {name:?}, is_package: {}, code: ({start}, {len}), source: ({text}, {}) }},\n",
                    module.is_package,
                    source.len()
                ));
            }
            Err(message) => println!("cargo::warning=left out of the library: {message}"),
        }
    }
    let mut files = BTreeMap::new();
    for place in DATA_FILES {
        collect_data(Path::new(rustpython_pylib::LIB_PATH), place, &mut files)?;
    }
    let mut file_index = String::new();
    for (name, path) in &files {
        let bytes = fs::read(path)?;
        let (start, len) = (data.len(), bytes.len());
        data.extend(bytes);
        file_index.push_str(&format!("    ({name:?}, ({start}, {len})),\n"));
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("files.rs"), format!("&[\n{file_index}]\n"))?;
    fs::write(out.join("library.bin"), &data)?;
    fs::write(out.join("index.rs"), format!("&[\n{index}]\n"))?;
    Ok(())
}
