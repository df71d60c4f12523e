//! Our binaries as processes.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::wait::DEADLINE;

/// How a program ended.
#[derive(Debug)]
pub struct Finished {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

/// Runs `controller` in an environment of nothing but these variables, and waits for its end.
///
/// # Panics
/// When it does not end.
pub fn run_controller(args: &[&str], variables: &[(&str, &str)]) -> Finished {
    let mut command = command("controller");
    command.args(args).envs(variables.iter().copied());
    Process::start(command, b"").finish()
}

/// Where our kubeseal is, for what runs it in ways of its own.
///
/// # Panics
/// When it has not been built.
pub fn kubeseal_program() -> PathBuf {
    path("kubeseal")
}

/// A built program of the workspace, without any of this process's environment but the search path.
pub(crate) fn command(name: &str) -> Command {
    let mut command = Command::new(path(name));
    clear_environment(&mut command);
    command
}

pub(crate) fn clear_environment(command: &mut Command) {
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
}

/// Where the program is: what `CONTROLLER_BIN` or `KUBESEAL_BIN` names, else beside this test's own build.
pub(crate) fn path(name: &str) -> PathBuf {
    let variable = format!("{}_BIN", name.to_uppercase());
    let path = std::env::var_os(&variable).map_or_else(
        || {
            let test = std::env::current_exe().unwrap();
            // target/PROFILE/deps/test
            test.ancestors().nth(2).unwrap().join(name)
        },
        PathBuf::from,
    );
    assert!(path.is_file(), "{} is missing: build it with `cargo build`, or name it in {variable}", path.display());
    path
}

/// A running program whose output is kept.
pub(crate) struct Process {
    child: Child,
    stdout: Stream,
    stderr: Stream,
}

struct Stream {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts it with `input` as its standard input.
    pub(crate) fn start(mut command: Command, input: &[u8]) -> Process {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = Stream::keep(child.stdout.take().unwrap());
        let stderr = Stream::keep(child.stderr.take().unwrap());
        // A program that does not read its input may have closed it.
        let _ = child.stdin.take().unwrap().write_all(input);
        Process { child, stdout, stderr }
    }

    pub(crate) fn stdout(&self) -> String {
        self.stdout.text.lock().unwrap().clone()
    }

    pub(crate) fn stderr(&self) -> String {
        self.stderr.text.lock().unwrap().clone()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("sh").arg("-c").arg(format!("kill -s {name} {}", self.child.id())).status().unwrap();
        assert!(status.success(), "signal {name} could not be sent");
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) -> ExitStatus {
        // It may have ended by itself.
        let _ = self.child.kill();
        let status = self.child.wait().unwrap();
        self.stdout.drain();
        self.stderr.drain();
        status
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Finished {
        let code = self.wait().code();
        Finished { code, stdout: self.stdout(), stderr: self.stderr() }
    }

    /// [`Process::finish`], keeping the output.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let began = Instant::now();
        while self.ended().is_none() {
            if began.elapsed() > DEADLINE {
                self.kill();
                panic!("it should have ended; it said:\n{}\n{}", self.stdout(), self.stderr());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.kill()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Stream {
    fn keep(pipe: impl Read + Send + 'static) -> Stream {
        let text = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            let mut lines = BufReader::new(pipe);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                kept.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        Stream { text, reader: Some(reader) }
    }

    /// Waits until everything that was written is here.
    fn drain(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
    }
}
