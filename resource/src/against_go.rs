//! What comparisons with programs in Go share: dice that fall alike for the same seed, and the program that answers.

#![allow(clippy::disallowed_methods)] // Talks to the oracle's process, whose path tests/compare.sh gives.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// How often a program that gave no answer is asked again.
const TRIES: usize = 3;

/// How much is compared.
pub(crate) fn count() -> u64 {
    setting("GO_COUNT").parse().unwrap()
}

/// What the dice fall by.
pub(crate) fn seed() -> u64 {
    setting("GO_SEED").parse().unwrap()
}

fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run tests/compare.sh"))
}

/// Random numbers; the same seed gives the same ones.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(2) | 1)
    }

    fn next(&mut self) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    pub(crate) fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    /// `true` in one of so many cases.
    pub(crate) fn one_in(&mut self, cases: usize) -> bool {
        self.below(cases) == 0
    }
}

/// A program that answers line by line.
pub(crate) struct Oracle {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    pub(crate) fn start() -> Oracle {
        let mut process = Command::new(setting("GO_ORACLE"))
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let requests = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Oracle { process, requests, answers }
    }

    /// The answer; `None` when the program ran out of time, memory or stack, and a new process took the old one's place.
    pub(crate) fn answer(&mut self, request: &str) -> Option<String> {
        self.requests.write_all(format!("{request}\n").as_bytes()).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        if answer.is_empty() {
            *self = Oracle::start();
            return None;
        }
        Some(answer)
    }

    /// [`Oracle::answer`] for what must have one: a machine that is busy elsewhere makes the program miss its time as well.
    pub(crate) fn sure_answer(&mut self, request: &str) -> Option<String> {
        (0..TRIES).find_map(|_| self.answer(request))
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
