//! How far the run is, for whoever watches it in a terminal.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often the line is drawn anew.
const PAUSE: Duration = Duration::from_millis(100);

/// A line on standard error, if that is a terminal.
pub(super) struct Progress {
    total: usize,
    state: Option<Mutex<State>>,
}

struct State {
    done: usize,
    changed: usize,
    drawn: Instant,
}

impl Progress {
    pub(super) fn new(total: usize) -> Progress {
        let state = io::stderr().is_terminal().then(|| State { done: 0, changed: 0, drawn: Instant::now() });
        Progress { total, state: state.map(Mutex::new) }
    }

    /// A file is done.
    pub(super) fn step(&self, changed: bool) {
        let Some(state) = &self.state else { return };
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done += 1;
        state.changed += usize::from(changed);
        if state.drawn.elapsed() >= PAUSE {
            state.drawn = Instant::now();
            let _ = write!(io::stderr(), "\r{}\x1b[K", line(state.done, self.total, state.changed));
        }
    }

    /// Takes the line away.
    pub(super) fn end(&self) {
        if self.state.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(done: usize, total: usize, changed: usize) -> String {
    const WIDTH: usize = 24;
    let filled = (done * WIDTH).checked_div(total).unwrap_or(WIDTH);
    format!("[{:<WIDTH$}] {done} of {total} files, {changed} changed", "#".repeat(filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_empty_at_first_and_full_at_the_end() {
        assert_eq!(line(0, 4, 0), format!("[{}] 0 of 4 files, 0 changed", " ".repeat(24)));
        assert_eq!(line(2, 4, 1), format!("[{}{}] 2 of 4 files, 1 changed", "#".repeat(12), " ".repeat(12)));
        assert_eq!(line(0, 0, 0), format!("[{}] 0 of 0 files, 0 changed", "#".repeat(24)));
    }
}
