//! What the fuzz targets share: a seeded generator, mutation of bytes, the clock, and a record of the input under way.
//!
//! A target is a plain binary that runs for a number of seconds. The current input is written to a file before it is used, so that it is
//! at hand when the process is ended by a signal. See `fuzz/README.md`.

#![forbid(unsafe_code)]

pub mod generate;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// SplitMix64: small, and the same everywhere.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    #[expect(
        clippy::should_implement_trait,
        reason = "endless: there is no Option to give"
    )]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number below `n`; 0 if `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }
}

/// Changes bytes: flips, insertions, deletions, copies within, and pieces of `words`.
pub fn mutate(random: &mut Random, bytes: &mut Vec<u8>, words: &[&[u8]]) {
    for _ in 0..1 + random.below(6) {
        let at = random.below(bytes.len() + 1);
        match random.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = random.next() as u8,
            2 => bytes.insert(at, random.next() as u8),
            3 => {
                let end = (at + 1 + random.below(20)).min(bytes.len());
                bytes.drain(at.min(end)..end);
            }
            4 => {
                let from = random.below(bytes.len() + 1);
                let end = (from + random.below(60)).min(bytes.len());
                let piece = bytes[from..end].to_vec();
                bytes.splice(at..at, piece);
            }
            5 if random.one_in(4) => bytes.truncate(at),
            _ => {
                if let Some(word) = random.pick(words) {
                    bytes.splice(at..at, word.iter().copied());
                }
            }
        }
    }
}

/// What the command line asks for.
pub struct Session {
    pub random: Random,
    target: &'static str,
    start: Instant,
    end: Duration,
    folder: PathBuf,
    runs: u64,
    finds: u64,
    said: Duration,
}

impl Session {
    /// Reads `--seconds N`, `--seed N`, and the folder for finds from `--finds DIR`.
    pub fn from_arguments(target: &'static str) -> Session {
        let words: Vec<String> = std::env::args().collect();
        let number = |name: &str| {
            let at = words.iter().position(|word| word == name)?;
            words.get(at + 1)?.parse::<u64>().ok()
        };
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let seed = number("--seed").unwrap_or_else(|| now.map_or(1, |time| time.as_nanos() as u64));
        let folder = words
            .iter()
            .position(|word| word == "--finds")
            .and_then(|at| words.get(at + 1));
        let folder = folder.map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("finds"),
            PathBuf::from,
        );
        println!("{target}: seed {seed}");
        Session {
            random: Random::new(seed),
            target,
            start: Instant::now(),
            end: Duration::from_secs(number("--seconds").unwrap_or(60)),
            folder,
            runs: 0,
            finds: 0,
            said: Duration::ZERO,
        }
    }

    /// Is there time for another run?
    pub fn goes_on(&mut self) -> bool {
        let elapsed = self.start.elapsed();
        if elapsed - self.said > Duration::from_secs(60) {
            self.said = elapsed;
            println!(
                "{}: {:>6} s, {} runs, {} finds",
                self.target,
                elapsed.as_secs(),
                self.runs,
                self.finds
            );
        }
        elapsed < self.end
    }

    /// Runs the test on the input. A panic, or an error that the test gives, is a find and is kept.
    /// So is an input that takes too long twice: the machine may have been busy once.
    pub fn run(&mut self, input: &[u8], test: impl Fn(&[u8]) -> Result<(), String>) {
        self.runs += 1;
        let _ = std::fs::create_dir_all(&self.folder);
        let current = self
            .folder
            .join(format!("{}-{}.current", self.target, std::process::id()));
        let _ = std::fs::write(&current, input);
        let timed = || {
            let started = processor_time();
            test(input).map(|()| processor_time().saturating_sub(started))
        };
        let long = Duration::from_secs(10);
        let verdict = match catch_unwind(AssertUnwindSafe(timed)) {
            Ok(Ok(took)) if took > long => Err(format!("took {took:?}")),
            Ok(verdict) => verdict.map(drop),
            Err(payload) => Err(payload
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| payload.downcast_ref::<&str>().map(|text| text.to_string()))
                .unwrap_or_else(|| "panic".into())),
        };
        if let Err(what) = verdict {
            self.finds += 1;
            let kept = self.folder.join(format!(
                "{}-{}-{}",
                self.target,
                std::process::id(),
                self.finds
            ));
            let _ = std::fs::write(&kept, input);
            println!("{}: find in {}: {what}", self.target, kept.display());
        }
        let _ = std::fs::remove_file(&current);
    }

    /// The last line; the status is 1 if there were finds.
    pub fn finish(self) -> std::process::ExitCode {
        println!(
            "{}: {} runs in {} s, {} finds",
            self.target,
            self.runs,
            self.start.elapsed().as_secs(),
            self.finds
        );
        if self.finds == 0 {
            std::process::ExitCode::SUCCESS
        } else {
            std::process::ExitCode::FAILURE
        }
    }
}

/// Time that the process has had a processor: others may keep the machine busy. Zero where the system does not tell.
fn processor_time() -> Duration {
    const TICKS_PER_SECOND: f64 = 100.0;
    let status = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name, in parentheses, may hold anything; user and system time are the 12th and 13th field behind it.
    let fields = status.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u32 = ticks.flat_map(str::parse::<u32>).sum();
    Duration::from_secs_f64(f64::from(ticks) / TICKS_PER_SECOND)
}

/// The bytes of the file after `--input`: one input to try instead of a session.
pub fn single_input() -> Option<Vec<u8>> {
    let mut words = std::env::args().skip_while(|word| word != "--input");
    std::fs::read(words.nth(1)?).ok()
}

/// Source files of the workspace: what is mutated.
pub fn corpus() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for folder in ["tests", "lib", "examples"] {
        collect(&root.join(folder), &mut found);
    }
    found
}

fn collect(folder: &Path, found: &mut Vec<Vec<u8>>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "py") {
            found.extend(std::fs::read(&path));
        }
    }
}

/// From bytes to verified code, as running a file does it. An error is code of ours that the verifier refuses.
pub fn compile(
    bytes: &[u8],
    mode: taipan_syntax::Mode,
    top_level_await: bool,
) -> Result<Option<taipan_bytecode::Code>, String> {
    let Ok(taipan_syntax::Decoded::Text(text)) =
        taipan_syntax::decode_source(bytes, Some("fuzz.py"))
    else {
        return Ok(None);
    };
    let parsed = match taipan_syntax::parse(&text, mode, &taipan_syntax::Options::default()) {
        Ok(parsed) => parsed,
        Err(error) => {
            taipan_syntax::refused_warnings(&text, mode, &error);
            return Ok(None);
        }
    };
    let options = taipan_compiler::Options {
        mode,
        top_level_await,
        ..Default::default()
    };
    let Ok(compiled) = taipan_compiler::compile(&parsed, "fuzz.py", &options) else {
        return Ok(None);
    };
    match taipan_bytecode::verify::verify(&compiled.code) {
        Ok(()) => Ok(Some(compiled.code)),
        Err(error) => Err(format!("the verifier refuses our own code: {error}")),
    }
}
