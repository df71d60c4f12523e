//! Starting a program and seeing what it cost.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

use crate::Failure;

/// A program with its arguments and input.
#[derive(Debug, Clone)]
pub struct Launch {
    program: PathBuf,
    arguments: Vec<String>,
    input: Option<PathBuf>,
    quiet: bool,
}

/// What one run cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// From the start until it was gone.
    pub elapsed: Duration,
    /// In user and in system mode, on all processors.
    pub processor: Duration,
    /// Most memory at a time, in bytes; at least what the starting process had in memory.
    pub memory: u64,
}

impl Launch {
    /// A program without input.
    pub fn new(program: impl Into<PathBuf>, arguments: &[&str]) -> Launch {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Launch { program: program.into(), arguments, input: None, quiet: false }
    }

    /// The same with a file as standard input.
    #[must_use]
    pub fn reading(self, file: impl Into<PathBuf>) -> Launch {
        Launch { input: Some(file.into()), ..self }
    }

    /// The same, and what it tells on standard error is not shown.
    #[must_use]
    pub fn quietly(self) -> Launch {
        Launch { quiet: true, ..self }
    }

    /// The same under another program, such as `valgrind`.
    #[must_use]
    pub fn under(&self, program: &str, arguments: &[&str]) -> Launch {
        let mut all: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        all.push(self.program.to_string_lossy().into_owned());
        all.extend(self.arguments.iter().cloned());
        Launch { program: program.into(), arguments: all, input: self.input.clone(), quiet: self.quiet }
    }

    /// Runs it once, without the caller's environment: what people set for their clusters must not be measured.
    ///
    /// # Errors
    /// When it cannot be started or does not succeed.
    pub fn run(&self) -> Result<Cost, Failure> {
        let input = match &self.input {
            Some(file) => Stdio::from(File::open(file)?),
            None => Stdio::null(),
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().env("PATH", path).stdin(input).stdout(Stdio::null());
        if self.quiet {
            command.stderr(Stdio::null());
        }

        let start = Instant::now();
        let child = command.spawn().map_err(|error| format!("{}: {error}", self.program.display()))?;
        let used = child.wait4()?;
        let elapsed = start.elapsed();
        if !used.status.success() {
            return Err(format!("{} {}: {}", self.program.display(), self.arguments.join(" "), used.status).into());
        }
        Ok(Cost { elapsed, processor: used.rusage.utime + used.rusage.stime, memory: used.rusage.maxrss })
    }
}
