//! Random YAML documents in all the styles that people write, for comparisons with the oracle. The same seed gives the same
//! documents.

use crate::against_go::Dice;

/// Plain scalars that are text or numbers to one reader or another.
#[rustfmt::skip]
const PLAIN: &[&str] = &[
    "x", "a b", "AgB+/=", "https://x/y?z", "p#q", "a:b", "é", "😀", "it's", "say \"hi\"", "-x", "?x", ":x", "\\n", "a\tb",
    "....", "=", "~", "null", "Null", "NULL", "nUll", "yes", "No", "on", "OFF", "y", "n", "Y", "True", "FALSE", "tRue",
    "$(x)", "x,y", "[x", "x]", "x{}", "1.50", "007", "08", "010", "0x1F", "0o17", "0b101", "1_000", "1e3", "1E-3", ".5",
    "5.", "-.5", "+5", "-0", "0.0", "inf", "nan", "1:30", "2001-01-01", "2001-01-01T10:11:12Z", "9223372036854775807",
    "9223372036854775808", "18446744073709551615", "-9223372036854775808", "123456789012345678901234567890", "0.1e-400",
    "1e400", "1.7976931348623157e308", "12345678901234567.89", "0x", "0_8", "1__0", "1_", "--5", "+", "1e", "e3", "1.2.3",
];
/// What is text by any reading, and may stand anywhere.
const WORDS: &[&str] = &["x", "a b", "AgB", "é", "p#q", "it's", "x-y", "k.x/y"];
#[rustfmt::skip]
const KEYS: &[&str] = &[
    "a", "b", "user", "password", "k.x/y", "x-y", "1", "010", "1.50", "1e3", ".5", "0x1f", "on", "yes", "true",
    "2001-01-01", "é", "a b", "'q'", "\"r\\n\"", "'on'", "? a\n",
];
#[rustfmt::skip]
const ESCAPES: &[&str] = &[
    "\\n", "\\t", "\\0", "\\x41", "\\u00e9", "\\U0001F600", "\\ ", "\\_", "\\e", "\\\"", "\\\\", "\\a\\b\\v\\f\\r", "\\'",
];

/// Writes documents.
pub(super) struct Grammar {
    dice: Dice,
    anchors: usize,
}

impl Grammar {
    pub(super) fn new(seed: u64) -> Grammar {
        Grammar { dice: Dice::new(seed), anchors: 0 }
    }

    /// The next document, with a map at its root.
    pub(super) fn document(&mut self) -> String {
        self.anchors = 0;
        let head = self.dice.pick(&["", "", "", "--- # c\n", "---\n", "# c\n", "%YAML 1.1\n---\n", "\n\n"]);
        let body = if self.dice.one_in(12) { self.flow_mapping(0) } else { self.mapping(0, 0) };
        let tail = self.dice.pick(&["\n", "\n", "\n\n", "\n# end", "\n# end\n"]);
        let text = format!("{head}{body}{tail}");
        if self.dice.one_in(10) { text.replace('\n', "\r\n") } else { text }
    }

    fn mapping(&mut self, indent: usize, depth: usize) -> String {
        let count = 1 + self.dice.below(4);
        let entries = (0..count).map(|_| {
            let mut key = self.dice.pick(KEYS).to_owned();
            if key.ends_with('\n') {
                key += &" ".repeat(indent);
            }
            let colon = self.dice.pick(&[":", ":", ":", " :"]);
            let value = self.value(indent, depth);
            let behind = self.dice.pick(&["", "", "", "", "", "\n# c", "\n"]);
            format!("{}{key}{colon}{value}{behind}", " ".repeat(indent))
        });
        entries.collect::<Vec<_>>().join("\n")
    }

    /// What stands behind a colon or a dash.
    fn value(&mut self, indent: usize, depth: usize) -> String {
        let deeper = indent + [1, 2, 2, 4][self.dice.below(4)];
        let comment = self.dice.pick(&["", "", "", " # c"]);
        match self.dice.below(if depth < 3 { 22 } else { 16 }) {
            0 => self.dice.pick(&["", " ", " # c"]).to_owned(),
            1..=4 => format!(" {}{comment}", self.dice.pick(PLAIN)),
            5 => format!(
                " {} {}{comment}",
                self.dice.pick(&["!!str", "!x", "!<tag:yaml.org,2002:str>"]),
                self.dice.pick(WORDS)
            ),
            6 => format!(" {}\n{}{}", self.dice.pick(WORDS), " ".repeat(deeper), self.dice.pick(WORDS)),
            7 | 8 => format!(" {}{comment}", self.single_quoted(deeper)),
            9 | 10 => format!(" {}{comment}", self.double_quoted(deeper)),
            11 | 12 => format!(" {}", self.block(deeper)),
            13 => format!(" {}{comment}", self.flow(0)),
            14 => {
                self.anchors += 1;
                format!(" &a{} {}{comment}", self.anchors, self.dice.pick(PLAIN))
            }
            15 if self.anchors > 0 => format!(" *a{}{comment}", 1 + self.dice.below(self.anchors)),
            15 => String::new(),
            16..=18 => format!("{comment}\n{}", self.mapping(deeper, depth + 1)),
            _ => {
                // The items of a list may stand as far left as the key that has the list.
                let indent = if self.dice.one_in(2) { indent } else { deeper };
                format!("{comment}\n{}", self.sequence(indent, depth + 1))
            }
        }
    }

    fn sequence(&mut self, indent: usize, depth: usize) -> String {
        let count = 1 + self.dice.below(3);
        let items = (0..count).map(|_| {
            let item = match self.dice.below(3) {
                0 => format!(" {}", self.mapping(indent + 2, depth).trim_start_matches(' ')),
                _ => self.value(indent, depth),
            };
            format!("{}-{item}", " ".repeat(indent))
        });
        items.collect::<Vec<_>>().join("\n")
    }

    fn line_end(&mut self, indent: usize) -> String {
        let breaks = self.dice.pick(&["\n", "\n", " \n", "\n\n", "\n \n"]);
        format!("{breaks}{}", " ".repeat(if self.dice.one_in(6) { 0 } else { indent }))
    }

    fn single_quoted(&mut self, indent: usize) -> String {
        let mut text = self.dice.pick(PLAIN).replace('\'', "''");
        while self.dice.one_in(3) {
            text += &self.line_end(indent);
            text += &self.dice.pick(WORDS).replace('\'', "''");
        }
        format!("'{text}'")
    }

    fn double_quoted(&mut self, indent: usize) -> String {
        let mut text = String::new();
        for _ in 0..self.dice.below(4) {
            match self.dice.below(6) {
                0 => {
                    text += &self.line_end(indent);
                    text.push('x');
                }
                1 => text += &format!("\\\n{}x", " ".repeat(indent)),
                2 | 3 => text += self.dice.pick(ESCAPES),
                _ => text += &self.dice.pick(PLAIN).replace('\\', "\\\\").replace('"', "\\\""),
            }
        }
        format!("\"{text}\"")
    }

    fn block(&mut self, indent: usize) -> String {
        let header = self.dice.pick(&["|", "|", "|-", "|+", ">", ">-", ">+"]);
        let comment = self.dice.pick(&["", "", "", " # c"]);
        let mut lines = vec![format!("{header}{comment}")];
        for index in 0..self.dice.below(5) {
            let further = if index > 0 && self.dice.one_in(4) { 2 } else { 0 };
            let text = match self.dice.below(5) {
                0 if index > 0 => "",
                1 => self.dice.pick(&["# x", "a: b", "- x", "{{ .x }}", "'", "x\t"]),
                _ => self.dice.pick(PLAIN),
            };
            let margin = if text.is_empty() { 0 } else { indent + further };
            lines.push(format!("{}{text}", " ".repeat(margin)));
        }
        lines.join("\n")
    }

    fn flow(&mut self, depth: usize) -> String {
        match self.dice.below(if depth < 3 { 6 } else { 4 }) {
            0 => self.single_quoted(1),
            1 => self.double_quoted(1),
            2 | 3 => self
                .dice
                .pick(&["x", "a b", "5", "1.50", "true", "null", "~", "é", "a:b", "0x1f", "on", "-x"])
                .to_owned(),
            4 => {
                let items: Vec<_> = (0..self.dice.below(4)).map(|_| self.flow(depth + 1)).collect();
                let last = if !items.is_empty() && self.dice.one_in(4) { "," } else { "" };
                format!("[{}{last}]", items.join(self.dice.pick(&[", ", ",", "\n , ", " , "])))
            }
            _ => self.flow_mapping(depth),
        }
    }

    fn flow_mapping(&mut self, depth: usize) -> String {
        let entries: Vec<_> = (0..self.dice.below(4))
            .map(|_| {
                let key = self.dice.pick(&["a", "b", "user", "1", "on", "é", "a b", "'q'", "\"r\"", "k.x/y"]);
                let colon = self.dice.pick(&[": ", ": ", " : ", ":  "]);
                format!("{key}{colon}{}", self.flow(depth + 1))
            })
            .collect();
        format!("{{{}}}", entries.join(self.dice.pick(&[", ", ",\n  ", " , "])))
    }
}
