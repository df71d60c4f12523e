//! Ending an editor with everything that it started.

use std::fs;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a process may take to tidy up, which for an editor means to give the terminal back as it was.
const GRACE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(10);

/// A process, told apart from a later one of the same number by the time of its start.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Process {
    number: u32,
    started: String,
}

/// Ends a child and its descendants, first by asking. Where the system shows no descendants (`/proc`) the child alone ends.
pub(super) fn end(child: &mut Child) {
    let deadline = Instant::now() + GRACE;
    let mut known: Vec<Process> = Vec::new();
    while Instant::now() < deadline {
        for process in descendants(child.id(), &known) {
            process.send(Signal::TERM);
            known.push(process);
        }
        let has_ended = child.try_wait().is_ok_and(|status| status.is_some());
        if has_ended && !known.iter().any(Process::is_alive) {
            return;
        }
        sleep(PAUSE);
    }
    for process in known.iter().filter(|process| process.is_alive()) {
        process.send(Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// What is not known yet of a process, its descendants and those of the known ones.
fn descendants(root: u32, known: &[Process]) -> Vec<Process> {
    let mut found: Vec<Process> = Vec::new();
    let mut waiting: Vec<u32> = known.iter().filter(|process| process.is_alive()).map(|known| known.number).collect();
    waiting.push(root);
    while let Some(number) = waiting.pop() {
        let Some(process) = Process::of(number) else { continue };
        if found.contains(&process) {
            continue;
        }
        waiting.extend(children(number));
        found.push(process);
    }
    found.retain(|process| !known.contains(process));
    found
}

/// The children of all threads of a process.
fn children(number: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{number}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<u32>>()).collect()
}

impl Process {
    /// Nothing for one that has ended, be it waited for or not.
    fn of(number: u32) -> Option<Process> {
        let line = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
        // The second field is a name in parentheses that may hold anything.
        let mut fields = line.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?;
        let started = fields.nth(18)?.to_owned();
        (!matches!(state, "Z" | "X")).then_some(Process { number, started })
    }

    fn is_alive(&self) -> bool {
        Process::of(self.number).as_ref() == Some(self)
    }

    fn send(&self, signal: Signal) {
        if let Some(number) = i32::try_from(self.number).ok().and_then(Pid::from_raw) {
            let _ = kill_process(number, signal);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn descendants_end_with_the_child_even_those_that_do_not_listen() {
        // A shell in a shell, and one that takes no notice of being asked.
        let script = "sh -c 'sleep 60; :' & (trap '' TERM; sleep 60 & echo started; while :; do sleep 60; done); :";
        let mut child = Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let all = descendants(child.id(), &[]);
        assert!(all.len() >= 4, "{all:?}");
        end(&mut child);
        let deadline = Instant::now() + Duration::from_secs(5);
        while all.iter().any(Process::is_alive) {
            assert!(Instant::now() < deadline, "{all:?}");
            sleep(PAUSE);
        }
        assert!(child.try_wait().unwrap().is_some());
    }
}
