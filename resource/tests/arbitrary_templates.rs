//! The fuzz target `rendering` over seeded inputs, so that it runs, and is kept compiling, without a fuzzer.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)] // Reads the recorded cases.

#[allow(unreachable_pub)]
#[path = "../../fuzz/src/rendering.rs"]
mod rendering;

use std::path::Path;

const INPUTS: usize = 10_000;

/// Templates as they are recorded, cut, joined and damaged, and bytes without any order.
#[test]
fn seeded_inputs_keep_to_the_bounds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/templates/corpus");
    let mut templates = Vec::new();
    for file in std::fs::read_dir(corpus).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            let lines = std::fs::read_to_string(path).unwrap();
            templates.extend(lines.lines().map(|line| {
                let case: serde_json::Value = serde_json::from_str(line).unwrap();
                case["template"].as_str().unwrap().as_bytes().to_vec()
            }));
        }
    }
    templates.sort();
    assert!(templates.len() > 5_000);
    let mut random = Xorshift(0x5eed);
    for _ in 0..INPUTS {
        let mut input = match random.below(8) {
            0 => (0..random.below(200)).map(|_| random.byte()).collect(),
            _ => {
                let mut first = templates[random.below(templates.len())].clone();
                let second = &templates[random.below(templates.len())];
                first.truncate(first.len().saturating_sub(random.below(first.len() + 1) / 4));
                first.extend(&second[random.below(second.len() + 1) / 2..]);
                first
            }
        };
        input.truncate(4_096);
        for _ in 0..random.below(4) {
            let at = random.below(input.len() + 1);
            match random.below(3) {
                0 if at < input.len() => drop(input.remove(at)),
                1 => input.insert(at, random.byte()),
                _ => drop(input.splice(at..at, *b"{{ ")),
            }
        }
        rendering::render(&input);
    }
}

struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        (self.next() >> 32).to_le_bytes()[0]
    }
}
