//! Where formatted text gathers, and how one piece of it is padded.

use super::float::format_float;
use super::quote;
use crate::template::context::Context;
use crate::template::limits::Limit;

/// The flags of a verb.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%+v`
    pub(super) names: bool,
    /// `%#v`
    pub(super) go_syntax: bool,
}

/// Output of one `Sprint` or `Sprintf`, bounded by what may still be allocated.
pub(super) struct Printer<'p, 'c> {
    pub(super) context: &'p mut Context<'c>,
    pub(super) flags: Flags,
    /// Inside the report of a bad verb, where no `String` method is called.
    pub(super) erring: bool,
    output: Vec<u8>,
    /// More than this does not fit where the text goes.
    room: usize,
}

impl<'p, 'c> Printer<'p, 'c> {
    pub(super) fn new(context: &'p mut Context<'c>) -> Printer<'p, 'c> {
        Printer { context, flags: Flags::default(), erring: false, output: Vec::new(), room: usize::MAX }
    }

    pub(super) fn within(self, room: usize) -> Printer<'p, 'c> {
        Printer { room, ..self }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.output
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Limit> {
        if bytes.len() > self.room.saturating_sub(self.output.len()) {
            return Err(Limit::Output);
        }
        self.context.allocate(bytes.len())?;
        self.output.extend_from_slice(bytes);
        Ok(())
    }

    fn fill(&mut self, count: usize) -> Result<(), Limit> {
        self.context.allocate(count)?;
        // Zeros only ever stand on the left.
        let byte = if self.flags.zero && !self.flags.minus { b'0' } else { b' ' };
        self.output.resize(self.output.len() + count, byte);
        Ok(())
    }

    /// `bytes` filled up to the width, which counts characters.
    pub(super) fn pad(&mut self, bytes: &[u8]) -> Result<(), Limit> {
        let Some(width) = self.flags.width else { return self.write(bytes) };
        let missing = width.saturating_sub(characters(bytes));
        if !self.flags.minus {
            self.fill(missing)?;
        }
        self.write(bytes)?;
        if self.flags.minus { self.fill(missing) } else { Ok(()) }
    }

    /// As [`Printer::pad`], never with zeros.
    pub(super) fn pad_with_blanks(&mut self, bytes: &[u8]) -> Result<(), Limit> {
        let zero = std::mem::replace(&mut self.flags.zero, false);
        let result = self.pad(bytes);
        self.flags.zero = zero;
        result
    }

    /// The start of `bytes` that the precision keeps; it counts characters.
    fn truncated<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        let Some(precision) = self.flags.precision else { return bytes };
        let mut end = 0;
        for _ in 0..precision {
            match character_len(&bytes[end..]) {
                0 => break,
                len => end += len,
            }
        }
        &bytes[..end]
    }

    /// `%s`
    pub(super) fn string(&mut self, bytes: &[u8]) -> Result<(), Limit> {
        let bytes = self.truncated(bytes);
        self.pad(bytes)
    }

    /// `%q` of a string
    pub(super) fn quoted(&mut self, bytes: &[u8]) -> Result<(), Limit> {
        let bytes = self.truncated(bytes);
        self.context.allocate(bytes.len().saturating_mul(4))?;
        let raw = if self.flags.sharp { quote::backquoted(bytes) } else { None };
        let plus = self.flags.plus;
        let text = raw.unwrap_or_else(|| if plus { quote::quoted_ascii(bytes) } else { quote::quoted(bytes) });
        self.pad(text.as_bytes())
    }

    /// `%x` and `%X` of a string
    pub(super) fn hexadecimal(&mut self, bytes: &[u8], upper: bool) -> Result<(), Limit> {
        let bytes = &bytes[..self.flags.precision.map_or(bytes.len(), |precision| precision.min(bytes.len()))];
        self.context.allocate(bytes.len().saturating_mul(5))?;
        let prefix = if upper { "0X" } else { "0x" };
        let mut text = String::new();
        for (index, byte) in bytes.iter().enumerate() {
            if index > 0 && self.flags.space {
                text.push(' ');
            }
            if self.flags.sharp && (index == 0 || self.flags.space) {
                text.push_str(prefix);
            }
            text.push_str(&if upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
        }
        self.pad(text.as_bytes())
    }

    /// `%c`
    pub(super) fn character(&mut self, code: u64) -> Result<(), Limit> {
        let character = u32::try_from(code).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
        self.pad(character.encode_utf8(&mut [0; 4]).as_bytes())
    }

    /// `%U`, with the character itself if sharp
    pub(super) fn unicode(&mut self, code: u64) -> Result<(), Limit> {
        let digits = format!("{code:X}");
        let wanted = self.flags.precision.filter(|precision| *precision > 4).unwrap_or(4);
        self.context.allocate(wanted)?;
        let mut text = format!("U+{}{digits}", "0".repeat(wanted.saturating_sub(digits.len())));
        let printable =
            u32::try_from(code).ok().and_then(char::from_u32).filter(|c| crate::template::unicode::is_print(*c));
        if let Some(character) = printable.filter(|_| self.flags.sharp) {
            text.push_str(&format!(" '{character}'"));
        }
        self.pad_with_blanks(text.as_bytes())
    }

    /// `%d %b %o %O %x %X`
    pub(super) fn integer(&mut self, negative: bool, magnitude: u64, verb: char) -> Result<(), Limit> {
        let digits = match verb {
            'b' => format!("{magnitude:b}"),
            'o' | 'O' => format!("{magnitude:o}"),
            'x' => format!("{magnitude:x}"),
            'X' => format!("{magnitude:X}"),
            _ => magnitude.to_string(),
        };
        let signed = negative || self.flags.plus || self.flags.space;
        let wanted = match (self.flags.precision, self.flags.width) {
            (Some(0), _) if magnitude == 0 => return self.pad_with_blanks(b""),
            (Some(precision), _) => precision,
            (None, Some(width)) if self.flags.zero && !self.flags.minus => width.saturating_sub(usize::from(signed)),
            _ => 0,
        };
        self.context.allocate(wanted)?;
        let zeros = "0".repeat(wanted.saturating_sub(digits.len()));
        let octal_zero = self.flags.sharp && !digits.starts_with('0') && zeros.is_empty();
        let prefix = match verb {
            'b' if self.flags.sharp => "0b",
            'o' if octal_zero => "0",
            'O' if octal_zero => "0o0",
            'x' if self.flags.sharp => "0x",
            'X' if self.flags.sharp => "0X",
            'O' => "0o",
            _ => "",
        };
        let sign = match () {
            () if negative => "-",
            () if self.flags.plus => "+",
            () if self.flags.space => " ",
            () => "",
        };
        self.pad_with_blanks(format!("{sign}{prefix}{zeros}{digits}").as_bytes())
    }

    /// The floating-point verbs; `%v` comes as `g`.
    pub(super) fn float(&mut self, number: f64, verb: char) -> Result<(), Limit> {
        let default = if matches!(verb, 'e' | 'E' | 'f' | 'F') { Some(6) } else { None };
        let precision = self.flags.precision.or(default);
        self.context.allocate(precision.unwrap_or(0))?;
        let text = format_float(number, verb, precision);
        let (mut sign, mut digits) = match text.strip_prefix('-') {
            Some(rest) => ("-", rest.to_owned()),
            None => ("+", text.strip_prefix('+').unwrap_or(&text).to_owned()),
        };
        if self.flags.space && sign == "+" && !self.flags.plus {
            sign = " ";
        }
        if !number.is_finite() {
            let sign = if number.is_nan() && !self.flags.space && !self.flags.plus { "" } else { sign };
            return self.pad_with_blanks(format!("{sign}{digits}").as_bytes());
        }
        if self.flags.sharp && verb != 'b' {
            digits = with_point(&digits, verb, precision);
        }
        if !self.flags.plus && sign == "+" {
            return self.pad(digits.as_bytes());
        }
        let full = self.flags.width.is_none_or(|width| width <= digits.len() + 1);
        if !self.flags.zero || self.flags.minus || full {
            return self.pad(format!("{sign}{digits}").as_bytes());
        }
        self.write(sign.as_bytes())?;
        let width = self.flags.width;
        self.flags.width = width.map(|width| width - 1);
        let result = self.pad(digits.as_bytes());
        self.flags.width = width;
        result
    }
}

/// The sharp flag: always a point, and for `%g` the trailing zeros up to the precision.
fn with_point(digits: &str, verb: char, precision: Option<usize>) -> String {
    let hexadecimal = matches!(verb, 'x' | 'X');
    let end = digits.find(if hexadecimal { ['p', 'P'] } else { ['e', 'E'] }).unwrap_or(digits.len());
    let (number, tail) = digits.split_at(end);
    let mut number = number.to_owned();
    let significant = number.trim_start_matches(['0', '.']).chars().filter(|c| *c != '.').count();
    // The digits that Go counts include the prefix of a hexadecimal number.
    let counted = if hexadecimal { significant.max(1) } else { significant };
    let wanted = if matches!(verb, 'g' | 'G' | 'x') { precision.unwrap_or(6) } else { 0 };
    let mut missing = wanted.saturating_sub(counted);
    if !number.contains('.') {
        if number == "0" {
            missing = missing.saturating_sub(1);
        }
        number.push('.');
    }
    number.push_str(&"0".repeat(missing));
    number + tail
}

/// Go's count of the characters: each byte that is not UTF-8 counts as one.
fn characters(bytes: &[u8]) -> usize {
    bytes.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum()
}

/// The bytes of the first character, 1 for what is not UTF-8, 0 at the end.
fn character_len(bytes: &[u8]) -> usize {
    let start = &bytes[..bytes.len().min(4)];
    match start.utf8_chunks().next() {
        None => 0,
        Some(chunk) => chunk.valid().chars().next().map_or(1, char::len_utf8),
    }
}
