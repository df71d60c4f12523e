//! kubeseal as a person has it: on a terminal, by `script`.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Kubeseal;

/// Ctrl-C, as the keyboard sends it.
pub(crate) const CTRL_C: &str = "\x03";
/// Ctrl-\, likewise.
pub(crate) const CTRL_BACKSLASH: &str = "\x1c";
/// A run that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct Terminal {
    script: Child,
    keyboard: ChildStdin,
    screen: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Terminal {
    /// Starts kubeseal with these arguments.
    pub(crate) fn start(kubeseal: &Kubeseal, args: &[&str]) -> Terminal {
        let wanted = kubeseal.command(args);
        let words = [wanted.get_program()].into_iter().chain(wanted.get_args());
        let words: Vec<String> =
            words.map(|word| format!("'{}'", word.to_str().unwrap().replace('\'', r"'\''"))).collect();
        let mut command = Command::new("script");
        command.args(["-qec", &format!("exec {}", words.join(" ")), "/dev/null"]);
        command.env_clear().envs(wanted.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("SHELL", "/bin/sh").current_dir(kubeseal.path());
        let mut script = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (keyboard, mut output) = (script.stdin.take().unwrap(), script.stdout.take().unwrap());
        let screen = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&screen);
        let reader = thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut piece) {
                seen.lock().unwrap().extend_from_slice(&piece[..length]);
            }
        });
        Terminal { script, keyboard, screen, reader }
    }

    /// What the screen showed so far.
    pub(crate) fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).replace("\r\n", "\n")
    }

    /// Waits until something is so; the screen is shown where it never becomes so.
    #[track_caller]
    pub(crate) fn wait_until(&mut self, what: &str, is_so: impl Fn(&Terminal) -> bool) {
        let deadline = Instant::now() + LIMIT;
        while !is_so(self) {
            assert!(Instant::now() < deadline, "{what}: {:?}", self.screen());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the screen shows this.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) {
        self.wait_until(text, |terminal| terminal.screen().contains(text));
    }

    /// Waits until what is typed does not show.
    #[track_caller]
    pub(crate) fn wait_until_input_is_hidden(&mut self) {
        let script = self.script.id();
        let children = format!("/proc/{script}/task/{script}/children");
        let hides = |_: &Terminal| {
            let child = std::fs::read_to_string(&children).unwrap_or_default();
            let Ok(name) = std::fs::read_link(format!("/proc/{}/fd/0", child.trim())) else { return false };
            let settings = Command::new("stty").arg("-F").arg(name).arg("-a").output().unwrap();
            String::from_utf8_lossy(&settings.stdout).split_whitespace().any(|word| word == "-echo")
        };
        self.wait_until("the input is hidden", hides);
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Waits for the end: the exit status as a shell shows it, and the screen.
    #[track_caller]
    pub(crate) fn end(mut self) -> (i32, String) {
        let deadline = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = self.script.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                let _ = self.script.kill();
                assert!(Instant::now() < deadline, "the run goes on: {:?}", self.screen());
            }
            thread::sleep(Duration::from_millis(5));
        };
        // It keeps the pipe as long as somebody holds the terminal.
        let _ = self.reader.join();
        let screen = String::from_utf8_lossy(&self.screen.lock().unwrap()).replace("\r\n", "\n");
        (status.code().unwrap(), screen)
    }
}
