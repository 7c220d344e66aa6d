//! The ways in which each program is run. `TAIPAN_TEST_MODES` chooses: names with commas between, or `all`.

/// What a run changes about the interpreter, by way of `TAIPAN_STRESS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    Plain,
    /// Each site is specialised the first time it runs.
    Quick,
    /// The collector runs at each safepoint.
    GcZeal,
    /// The native stack is small.
    StackTight,
    /// Reference counts are compared with the edges of the object graph when the program ends.
    Counts,
}

impl Mode {
    pub const ALL: [Mode; 5] = [
        Mode::Plain,
        Mode::Quick,
        Mode::GcZeal,
        Mode::StackTight,
        Mode::Counts,
    ];

    /// The name in test names, in `TAIPAN_TEST_MODES` and (but for `plain`) in `TAIPAN_STRESS`.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Plain => "plain",
            Mode::Quick => "quick",
            Mode::GcZeal => "gc-zeal",
            Mode::StackTight => "stack-tight",
            Mode::Counts => "counts",
        }
    }

    /// How much longer than a plain run this may take.
    pub fn patience(self) -> u32 {
        if self == Mode::GcZeal { 10 } else { 2 }
    }
}

/// The modes asked for; only the plain one where nothing is said.
pub fn chosen() -> Result<Vec<Mode>, String> {
    let Ok(text) = std::env::var("TAIPAN_TEST_MODES") else {
        return Ok(vec![Mode::Plain]);
    };
    if text == "all" {
        return Ok(Mode::ALL.to_vec());
    }
    text.split(',')
        .map(|name| {
            Mode::ALL
                .into_iter()
                .find(|mode| mode.name() == name.trim())
                .ok_or_else(|| format!("TAIPAN_TEST_MODES: no mode is called {name:?}"))
        })
        .collect()
}
