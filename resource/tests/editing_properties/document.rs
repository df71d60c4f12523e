//! Writes random documents in random styles.

/// Decisions, taken from random bytes so that a failing case shrinks; all zero when they run out.
pub(crate) struct Choices {
    bytes: std::vec::IntoIter<u8>,
}

impl Choices {
    pub(crate) fn new(bytes: Vec<u8>) -> Choices {
        Choices { bytes: bytes.into_iter() }
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::from(self.bytes.next().unwrap_or(0)) % limit
    }

    /// Seldom true for a large number, and never once the bytes have run out.
    pub(crate) fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == chances - 1
    }

    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

pub(crate) struct Generated {
    pub(crate) text: String,
    pub(crate) comments: Vec<String>,
    /// Has aliases, merge keys or blocks that run into the end of the file: some edits are refused.
    pub(crate) unusual: bool,
}

/// A file of one to three documents.
pub(crate) fn generate(choices: &mut Choices) -> Generated {
    let mut writer =
        Writer { choices, out: String::new(), comments: Vec::new(), anchors: Vec::new(), aliased: false, unit: 2 };
    let documents = 1 + writer.choices.below(3);
    for index in 0..documents {
        let json = writer.choices.one_in(4);
        if index > 0 || writer.choices.one_in(3) {
            writer.out.push_str("---\n");
        }
        writer.anchors.clear();
        writer.unit = 1 + writer.choices.below(4);
        if json {
            writer.json();
        } else if writer.choices.one_in(5) {
            writer.flow_map(0, true);
            writer.out.push('\n');
        } else {
            writer.block_map(0, 0);
        }
        if writer.choices.one_in(6) {
            writer.out.push_str("...\n");
        }
    }
    let Writer { mut out, comments, aliased, .. } = writer;
    if choices.one_in(3) {
        out = out.trim_end().to_owned();
    }
    if choices.one_in(3) {
        out = out.replace('\n', "\r\n");
    }
    let ends_in_block = !out.ends_with('\n') && out.contains(": |");
    Generated { text: out, comments, unusual: aliased || ends_in_block }
}

const KEYS: [&str; 9] = ["a", "user", "\"on\"", "'q r'", "k.x/y", "\"é\\n\"", "-x", "b:c", "5"];
const BARE: [&str; 9] = ["x", "AgB+/=", "a b", "5", "~", "true", "1.50", "https://x/y?z", "#no"];

/// Cuts pieces out of a text and puts others in.
pub(crate) fn damage(text: &str, choices: &mut Choices) -> String {
    const PIECES: [&str; 20] = [
        "", ":", " ", "\n", "\t", "- ", "? ", "#", "'", "\"", "{", "}", "[", ",", "&x ", "*x", "!!str ", "|\n", "é",
        "\u{feff}",
    ];
    let mut text = text.to_owned();
    for _ in 0..=choices.below(3) {
        let start = text.floor_char_boundary(choices.below(256) * (text.len() + 1) / 256);
        let end = text.ceil_char_boundary((start + choices.below(6)).min(text.len()));
        text.replace_range(start..end, choices.pick(&PIECES));
    }
    text
}

struct Writer<'c> {
    choices: &'c mut Choices,
    out: String,
    comments: Vec<String>,
    /// Names of anchors that hold text or a map.
    anchors: Vec<(String, bool)>,
    aliased: bool,
    unit: usize,
}

impl Writer<'_> {
    fn block_map(&mut self, column: usize, depth: usize) {
        let first = self.choices.below(KEYS.len());
        for index in 0..=self.choices.below(4) {
            if index > 0 || column == 0 {
                self.own_line_comment(column);
            }
            if index > 0 || column == 0 || self.out.ends_with('\n') {
                self.indent(column);
            }
            if depth > 0 && self.choices.one_in(12) && self.alias(true) {
                self.out.insert_str(self.out.rfind('*').unwrap_or_default(), "<<: ");
                self.end_line();
                continue;
            }
            if self.choices.one_in(12) {
                self.out.push_str("? ");
                self.out.push_str(KEYS[(first + index) % KEYS.len()]);
                self.end_line();
                self.indent(column);
            } else {
                self.out.push_str(KEYS[(first + index) % KEYS.len()]);
            }
            self.out.push(':');
            self.block_value(column, depth);
        }
    }

    /// The value behind a colon, and the end of its line.
    fn block_value(&mut self, column: usize, depth: usize) {
        match self.choices.below(if depth < 3 { 10 } else { 7 }) {
            0 => {}
            1 => {
                self.out.push(' ');
                if !self.alias(false) {
                    self.out.push_str("\"none\"");
                }
            }
            2 => return self.block_scalar(column),
            3 => {
                self.out.push_str(["\n", " "][self.choices.below(2)]);
                if self.out.ends_with('\n') {
                    self.indent(column + self.unit);
                }
                self.scalar(false);
            }
            7 => {
                let map = self.choices.one_in(2);
                self.anchor(map);
                if map {
                    self.end_line();
                    return self.block_map(column + self.unit, depth + 1);
                }
                self.out.push_str(" x");
            }
            8 => {
                self.end_line();
                if !self.choices.one_in(4) {
                    return self.block_map(column + self.unit, depth + 1);
                }
                for _ in 0..=self.choices.below(2) {
                    self.indent(column);
                    self.out.push_str("- ");
                    if self.choices.one_in(2) {
                        self.block_map(column + 2, depth + 1);
                    } else {
                        self.scalar(false);
                        self.end_line();
                    }
                }
                return;
            }
            9 => {
                self.out.push(' ');
                self.flow_map(column + 1, true);
            }
            _ => {
                self.out.push(' ');
                self.scalar(false);
            }
        }
        self.end_line();
    }

    fn block_scalar(&mut self, column: usize) {
        let header = self.choices.pick(&[" |", " |-", " >-", " |+", " >"]);
        self.out.push_str(header);
        self.end_line();
        for _ in 0..=self.choices.below(3) {
            self.indent(column + self.unit);
            self.out.push_str("line\n");
        }
        if self.choices.one_in(3) {
            self.out.push('\n');
        }
    }

    fn flow_map(&mut self, column: usize, outermost: bool) {
        let lines = outermost && self.choices.one_in(2);
        let count = self.choices.below(4);
        let first = self.choices.below(KEYS.len());
        // Read as no document otherwise.
        let count = if column == 0 { count.max(1) } else { count };
        self.out.push('{');
        for index in 0..count {
            if lines {
                self.end_line();
                self.indent(column + 2);
            }
            self.out.push_str(KEYS[(first + index) % KEYS.len()]);
            self.out.push_str(": ");
            match self.choices.below(7) {
                0 if outermost => self.flow_map(column, false),
                1 => self.out.push_str("[p, {a: b}]"),
                2 if self.alias(false) => self.out.push(' '),
                3 => self.out.push_str("{}"),
                _ => self.scalar(true),
            }
            if index + 1 < count || self.choices.one_in(4) {
                self.out.push(',');
                if !lines {
                    self.out.push(' ');
                }
            }
        }
        if lines {
            self.end_line();
            // Inside a block the brace must not stand at its column.
            self.indent(column);
        }
        self.out.push('}');
    }

    fn scalar(&mut self, in_flow: bool) {
        match self.choices.below(5) {
            0 => self.out.push_str("'it''s'"),
            1 => self.out.push_str("\"a\\tb\""),
            2 if !in_flow => self.out.push_str("p, [q"),
            // Go's reader minds neither the columns nor the escape.
            3 => self.out.push_str("\"it\\'s\nx\n\ty\""),
            _ => {
                let text = self.choices.pick(&BARE);
                // Behind a blank it begins a comment.
                self.out.push_str(if text == "#no" { "a#no" } else { text });
            }
        }
    }

    fn json(&mut self) {
        let (eol, colon) = [("", ":"), (" ", ": "), ("\n\t", ": "), ("\n    ", " : ")][self.choices.below(4)];
        let first = self.choices.below(5);
        self.out.push('{');
        for index in 0..=self.choices.below(3) {
            let comma = if index > 0 { "," } else { "" };
            let deeper = format!("{eol}{}", eol.strip_prefix('\n').unwrap_or_default());
            let value = match self.choices.below(6) {
                0 => "{}".to_owned(),
                1 => "null".to_owned(),
                2 => format!("{{{deeper}\"x\"{colon}\"y\",{deeper}\"z\"{colon}5{eol}}}"),
                3 => "[1, {\"k\": \"v\"}]".to_owned(),
                4 => "\"a\\u00e9\\/\"".to_owned(),
                _ => "\"v\"".to_owned(),
            };
            self.out.push_str(&format!("{comma}{eol}\"k{}\"{colon}{value}", first + index));
        }
        if eol.starts_with('\n') {
            self.out.push('\n');
        }
        self.out.push_str("}\n");
    }

    fn anchor(&mut self, map: bool) {
        let name = self.choices.pick(&["x", "y", "m"]).to_owned();
        self.out.push_str(&format!(" &{name}"));
        // The map is still open while its entries are written, so that an alias in it would be an error.
        self.anchors.retain(|(known, _)| *known != name);
        if !map {
            self.anchors.push((name, false));
        }
    }

    fn alias(&mut self, map: bool) -> bool {
        let Some((name, _)) = self.anchors.iter().find(|(_, is_map)| *is_map == map).cloned() else {
            return false;
        };
        self.out.push_str(&format!("*{name}"));
        self.aliased = true;
        true
    }

    fn own_line_comment(&mut self, column: usize) {
        // Behind a block it would be a line of it.
        if self.choices.one_in(5) && !self.out.ends_with("line\n") && self.out.ends_with('\n') {
            self.indent(column);
            self.comment();
            self.out.push('\n');
        }
    }

    fn end_line(&mut self) {
        if self.choices.one_in(6) {
            self.out.push(' ');
            self.comment();
        }
        self.out.push('\n');
    }

    fn comment(&mut self) {
        let comment = format!("# c{}.", self.comments.len());
        self.out.push_str(&comment);
        self.comments.push(comment);
    }

    fn indent(&mut self, column: usize) {
        self.out.extend(std::iter::repeat_n(' ', column));
    }
}
