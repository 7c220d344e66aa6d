//! What the command says about itself.

/// The line that every complaint about the command line shows.
pub fn usage_line(program: &str) -> String {
    format!("usage: {program} [option] ... [-c cmd | -m mod | file | -] [arg] ...")
}

/// `-V`, and `-VV` with the implementation.
pub fn version(level: u8) -> String {
    if level > 1 {
        format!("Python {}\n", taipan::version())
    } else {
        format!("Python {}\n", taipan::language_version())
    }
}

const OPTIONS: &str = "\
Options, and the variables that do the same:
-b     : warn when bytes meet str: str(bytes), and comparisons of the two or of
         bytes with int; -bb makes errors of the warnings
-B     : write no .pyc files (PYTHONDONTWRITEBYTECODE=x)
-c cmd : run the text cmd; what follows are its arguments
-d     : accepted for the parser's sake (PYTHONDEBUG=x)
-E     : ignore all PYTHON* variables
-h     : this text (also -? or --help)
-i     : go on at the prompt after the program, even if standard input is no
         terminal (PYTHONINSPECT=x)
-I     : keep away from the user's surroundings: implies -E, -P and -s
-m mod : run a module of the library as a program; what follows are its
         arguments
-O     : leave out assert and what depends on __debug__; .pyc files get the
         suffix .opt-1 (PYTHONOPTIMIZE=x)
-OO    : leave out docstrings, too; .pyc files get the suffix .opt-2
-P     : put no folder of the program's or the user's in front of sys.path
         (PYTHONSAFEPATH=x)
-q     : no version and hints before the prompt
-s     : no folder of the user's for packages on sys.path (PYTHONNOUSERSITE=x)
-S     : no 'import site' at the start
-u     : standard output and error without buffers (PYTHONUNBUFFERED=x)
-v     : tell about imports; more of it if repeated (PYTHONVERBOSE=x)
-V     : the version (also --version); -VV also says which build
-W arg : what to do about a warning: action:message:category:module:lineno
         (PYTHONWARNINGS=arg)
-x     : skip the first line of the program, whatever it is
-X opt : an option of the implementation's own; see --help-xoptions
--check-hash-based-pycs always|default|never:
         when .pyc files that hold a hash of their source are checked
--help-env: the variables
--help-xoptions: the -X options
--help-all: all three texts

Arguments:
file   : read the program from this file
-      : read the program from standard input (the default; from a terminal it
         is the prompt)
arg ...: arguments for the program, in sys.argv[1:]
";

const ENVIRONMENT: &[(&str, &str)] = &[
    ("PYTHONASYNCIODEBUG", "debug mode of asyncio"),
    ("PYTHONBREAKPOINT", "what breakpoint() calls; 0: nothing"),
    (
        "PYTHONCOERCECLOCALE",
        "0: leave the locale \"C\" as it is; warn: tell about it",
    ),
    ("PYTHONDEBUG", "the parser's debug level (-d)"),
    ("PYTHONDEVMODE", "development mode (-X dev)"),
    ("PYTHONDONTWRITEBYTECODE", "write no .pyc files (-B)"),
    (
        "PYTHONFAULTHANDLER",
        "tracebacks for fatal signals (-X faulthandler)",
    ),
    (
        "PYTHONHASHSEED",
        "random, or the number that hashes of text start from",
    ),
    ("PYTHONHOME", "prefix, or prefix:exec_prefix"),
    (
        "PYTHONINSPECT",
        "go on at the prompt after the program (-i)",
    ),
    (
        "PYTHONINTMAXSTRDIGITS",
        "most digits of int from and to text (-X int_max_str_digits)",
    ),
    (
        "PYTHONIOENCODING",
        "encoding[:errors] of the standard streams",
    ),
    (
        "PYTHONNODEBUGRANGES",
        "no columns in tracebacks (-X no_debug_ranges)",
    ),
    (
        "PYTHONNOUSERSITE",
        "no folder of the user's for packages (-s)",
    ),
    ("PYTHONOPTIMIZE", "level of optimisation (-O)"),
    (
        "PYTHONPATH",
        "folders in front of the library, parted by ':'",
    ),
    ("PYTHONPLATLIBDIR", "sys.platlibdir"),
    (
        "PYTHONPROFILEIMPORTTIME",
        "how long imports take (-X importtime)",
    ),
    (
        "PYTHONPYCACHEPREFIX",
        "a tree of its own for .pyc files (-X pycache_prefix)",
    ),
    (
        "PYTHONSAFEPATH",
        "no unsafe folder in front of sys.path (-P)",
    ),
    ("PYTHONSTARTUP", "a file to run before the prompt"),
    ("PYTHONTRACEMALLOC", "trace allocations (-X tracemalloc)"),
    (
        "PYTHONUNBUFFERED",
        "standard output and error without buffers (-u)",
    ),
    (
        "PYTHONUSERBASE",
        "the user's folder for packages (site.USER_BASE)",
    ),
    ("PYTHONUTF8", "UTF-8 mode on or off (-X utf8)"),
    ("PYTHONVERBOSE", "tell about imports (-v)"),
    (
        "PYTHONWARNDEFAULTENCODING",
        "warn of encodings left out (-X warn_default_encoding)",
    ),
    ("PYTHONWARNINGS", "what to do about warnings (-W)"),
    ("PYTHON_BASIC_REPL", "the plain prompt even at a terminal"),
    ("PYTHON_COLORS", "colours: 1 always, 0 never"),
    (
        "PYTHON_CONTEXT_AWARE_WARNINGS",
        "warning filters by context (-X context_aware_warnings)",
    ),
    (
        "PYTHON_CPU_COUNT",
        "what os.cpu_count() says (-X cpu_count)",
    ),
    (
        "PYTHON_FROZEN_MODULES",
        "on or off: whether to use them (-X frozen_modules)",
    ),
    (
        "PYTHON_GIL",
        "0 or 1: whether there shall be a lock (-X gil)",
    ),
    ("PYTHON_HISTORY", "the file of the prompt's history"),
    (
        "PYTHON_THREAD_INHERIT_CONTEXT",
        "threads start with a context (-X thread_inherit_context)",
    ),
];

const X_OPTIONS: &[(&str, &str)] = &[
    (
        "context_aware_warnings=[0|1]",
        "whether catch_warnings() belongs to a context",
    ),
    (
        "cpu_count=N",
        "what os.cpu_count() says; default: what there is",
    ),
    ("dev", "development mode: more checks, more warnings"),
    ("faulthandler", "tracebacks for fatal signals"),
    ("frozen_modules=[on|off]", "whether to use frozen modules"),
    ("gil=[0|1]", "whether there shall be a lock; there is none"),
    (
        "importtime[=2]",
        "how long imports take; 2: tell also of those that are done already",
    ),
    (
        "int_max_str_digits=N",
        "most digits of int from and to text; 0: no limit",
    ),
    ("no_debug_ranges", "no columns in code and tracebacks"),
    (
        "pycache_prefix=PATH",
        "write .pyc files to a tree of their own",
    ),
    (
        "thread_inherit_context=[0|1]",
        "whether threads start with a copy of a context",
    ),
    (
        "tracemalloc[=N]",
        "trace allocations, with N frames each (1)",
    ),
    ("utf8[=0|1]", "UTF-8 mode on (1) or off (0)"),
    ("warn_default_encoding", "warn of encoding=None"),
];

/// `-h`
pub fn usage(program: &str) -> String {
    format!("{}\n{OPTIONS}", usage_line(program))
}

/// `--help-env`
pub fn environment() -> String {
    let mut text = String::from("Variables that change what the command does:\n");
    for (name, meaning) in ENVIRONMENT {
        text += &entry(name, meaning);
    }
    text
}

/// `--help-xoptions`
pub fn x_options() -> String {
    let mut text = String::from("The implementation's own options:\n");
    for (name, meaning) in X_OPTIONS {
        text += &entry(&format!("-X {name}"), meaning);
    }
    text
}

/// `--help-all`
pub fn all(program: &str) -> String {
    format!("{}\n{}\n{}", usage(program), environment(), x_options())
}

/// A name with its meaning, beside it if there is room.
fn entry(name: &str, meaning: &str) -> String {
    const WIDTH: usize = 80;
    let line = format!("{name}: {meaning}\n");
    if line.len() <= WIDTH {
        return line;
    }
    format!("{name}:\n         {meaning}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_names_are_sorted() {
        assert!(all("taipan").lines().all(|line| line.len() <= 80));
        assert!(ENVIRONMENT.is_sorted());
        assert!(X_OPTIONS.is_sorted());
    }
}
