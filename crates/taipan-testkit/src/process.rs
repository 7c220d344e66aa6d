//! Running an interpreter: input in, output out, and an end to those that hang.

use crate::mode::Mode;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What a process did.
#[derive(Debug)]
pub struct Outcome {
    pub status: ExitStatus,
    /// Both streams, in the order in which they were written.
    pub output: String,
}

/// One run of an interpreter.
pub struct Run<'a> {
    pub interpreter: &'a Path,
    pub arguments: Vec<String>,
    pub folder: &'a Path,
    pub input: &'a str,
    pub mode: Mode,
}

impl Run<'_> {
    /// Runs it to its end, or kills it after the time that `TAIPAN_TEST_TIMEOUT` gives it (in seconds, 120 where it is not set).
    pub fn run(&self) -> Result<Outcome, String> {
        let mut command = Command::new(self.interpreter);
        command.args(&self.arguments).current_dir(self.folder);
        for (key, _) in std::env::vars_os() {
            let key_text = key.to_string_lossy();
            if key_text.starts_with("PYTHON") || key_text.starts_with("TAIPAN_") {
                command.env_remove(&key);
            }
        }
        command
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("NO_COLOR", "1")
            .env("PYTHON_BASIC_REPL", "1");
        if self.mode != Mode::Plain {
            command.env("TAIPAN_STRESS", self.mode.name());
        }
        let (reader, writer) = io::pipe().map_err(|error| error.to_string())?;
        let second = writer.try_clone().map_err(|error| error.to_string())?;
        command.stdin(Stdio::piped()).stdout(writer).stderr(second);
        let mut child = command
            .spawn()
            .map_err(|error| format!("{}: {error}", self.interpreter.display()))?;
        // The command holds the pipe's write ends: the reader sees no end before they are gone.
        drop(command);
        if let Some(mut stdin) = child.stdin.take() {
            // A program that ends without reading its input is fine.
            let _ = stdin.write_all(self.input.as_bytes());
        }
        let collector = std::thread::spawn(move || collect(reader));
        let status = wait(&mut child, self.patience())?;
        let output = collector.join().unwrap_or_default();
        match status {
            Some(status) => Ok(Outcome { status, output }),
            None => Err(format!(
                "still running after {:?}; so far:\n{output}",
                self.patience()
            )),
        }
    }

    fn patience(&self) -> Duration {
        let seconds = std::env::var("TAIPAN_TEST_TIMEOUT")
            .ok()
            .and_then(|text| text.parse().ok());
        Duration::from_secs(seconds.unwrap_or(60)) * self.mode.patience()
    }
}

fn collect(mut reader: io::PipeReader) -> String {
    let mut bytes = Vec::new();
    let _ = reader.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits; `None` when time was up and the process was killed.
fn wait(child: &mut Child, patience: Duration) -> Result<Option<ExitStatus>, String> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok(Some(status));
        }
        if start.elapsed() > patience {
            let _ = child.kill();
            let _ = child.wait();
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}
