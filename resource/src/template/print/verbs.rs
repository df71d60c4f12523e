//! `Sprintf`: finds the verbs in a format, and what Go says about wrong ones.

use super::printer::{Flags, Printer};
use crate::template::context::Context;
use crate::template::limits::Limit;
use crate::template::value::Value;

/// Go's bound of widths, precisions and argument numbers.
const LARGEST: i64 = 1_000_000;

/// `fmt.Sprintf`
pub(in crate::template) fn sprintf(
    context: &mut Context<'_>,
    format: &[u8],
    values: &[Value],
) -> Result<Vec<u8>, Limit> {
    let mut format = Format {
        printer: Printer::new(context),
        format,
        at: 0,
        values,
        argument: 0,
        reordered: false,
        good_index: true,
        after_index: false,
    };
    format.run()?;
    Ok(format.printer.finish())
}

struct Format<'p, 'c, 'f> {
    printer: Printer<'p, 'c>,
    format: &'f [u8],
    at: usize,
    values: &'f [Value],
    /// The next argument.
    argument: usize,
    /// Some `[n]` was used, so that unused arguments are no mistake.
    reordered: bool,
    good_index: bool,
    /// The last thing read was `[n]`.
    after_index: bool,
}

impl Format<'_, '_, '_> {
    fn run(&mut self) -> Result<(), Limit> {
        while self.at < self.format.len() {
            let rest = &self.format[self.at..];
            let text = rest.iter().position(|byte| *byte == b'%').unwrap_or(rest.len());
            self.printer.write(&rest[..text])?;
            self.at += text;
            if self.at < self.format.len() {
                self.at += 1;
                self.printer.context.spend(1)?;
                self.verb()?;
            }
        }
        if self.reordered || self.argument >= self.values.len() { Ok(()) } else { self.extra() }
    }

    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    fn verb(&mut self) -> Result<(), Limit> {
        self.good_index = true;
        self.printer.flags = Flags::default();
        self.flags();
        self.index();
        self.width()?;
        self.precision()?;
        if !self.after_index {
            self.index();
        }
        let Some(verb) = self.next_character() else { return self.printer.write(b"%!(NOVERB)") };
        let Some(value) = self.values.get(self.argument) else {
            return match verb {
                '%' => self.printer.write(b"%"),
                _ if !self.good_index => self.complain(verb, "BADINDEX"),
                _ => self.complain(verb, "MISSING"),
            };
        };
        if verb == '%' {
            return self.printer.write(b"%");
        }
        if !self.good_index {
            return self.complain(verb, "BADINDEX");
        }
        if verb == 'v' {
            let flags = &mut self.printer.flags;
            (flags.go_syntax, flags.sharp) = (flags.sharp, false);
            (flags.names, flags.plus) = (flags.plus, false);
        }
        self.argument += 1;
        self.printer.argument(value, verb)
    }

    fn complain(&mut self, verb: char, what: &str) -> Result<(), Limit> {
        self.printer.write(format!("%!{verb}({what})").as_bytes())
    }

    fn next_character(&mut self) -> Option<char> {
        let rest = &self.format[self.at..];
        let start = &rest[..rest.len().min(4)];
        let chunk = start.utf8_chunks().next()?;
        let character = chunk.valid().chars().next();
        self.at += character.map_or(1, char::len_utf8);
        Some(character.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn flags(&mut self) {
        while let Some(flag) = self.peek() {
            let flags = &mut self.printer.flags;
            match flag {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                _ => return,
            }
            self.at += 1;
        }
    }

    /// `[n]`: the argument to take next.
    fn index(&mut self) {
        self.after_index = false;
        if self.peek() != Some(b'[') {
            return;
        }
        self.reordered = true;
        let rest = &self.format[self.at..];
        let close = rest.iter().position(|byte| *byte == b']').filter(|_| rest.len() >= 3);
        let Some(close) = close else {
            self.good_index = false;
            self.at += 1;
            return;
        };
        let (number, after) = number(self.format, self.at + 1, self.at + close);
        let number = number.filter(|_| after == self.at + close);
        self.at += close + 1;
        match number {
            Some(number) => {
                self.after_index = true;
                match number.checked_sub(1).filter(|index| *index < self.values.len()) {
                    Some(index) => self.argument = index,
                    None => self.good_index = false,
                }
            }
            None => self.good_index = false,
        }
    }

    fn width(&mut self) -> Result<(), Limit> {
        if self.peek() == Some(b'*') {
            self.at += 1;
            let width = self.integer_argument();
            if width.is_none() {
                self.printer.write(b"%!(BADWIDTH)")?;
            }
            let flags = &mut self.printer.flags;
            flags.width = width.map(|width| width.unsigned_abs() as usize);
            if width.is_some_and(|width| width < 0) {
                (flags.minus, flags.zero) = (true, false);
            }
            self.after_index = false;
            return Ok(());
        }
        let (width, after) = number(self.format, self.at, self.format.len());
        self.at = after;
        self.printer.flags.width = width;
        if self.after_index && width.is_some() {
            self.good_index = false;
        }
        Ok(())
    }

    fn precision(&mut self) -> Result<(), Limit> {
        // A point that ends the format is taken for the verb.
        if self.peek() != Some(b'.') || self.at + 1 == self.format.len() {
            return Ok(());
        }
        self.at += 1;
        if self.after_index {
            self.good_index = false;
        }
        self.index();
        if self.peek() == Some(b'*') {
            self.at += 1;
            let precision = self.integer_argument().and_then(|precision| usize::try_from(precision).ok());
            if precision.is_none() {
                self.printer.write(b"%!(BADPREC)")?;
            }
            self.printer.flags.precision = precision;
            self.after_index = false;
            return Ok(());
        }
        let (precision, after) = number(self.format, self.at, self.format.len());
        self.at = after;
        self.printer.flags.precision = Some(precision.unwrap_or(0));
        Ok(())
    }

    /// The next argument, for a star.
    fn integer_argument(&mut self) -> Option<i64> {
        let value = self.values.get(self.argument)?;
        self.argument += 1;
        let unsigned = || value.as_unsigned().and_then(|number| i64::try_from(number).ok());
        value.as_signed().or_else(unsigned).filter(|number| (-LARGEST..=LARGEST).contains(number))
    }

    fn extra(&mut self) -> Result<(), Limit> {
        self.printer.flags = Flags::default();
        self.printer.write(b"%!(EXTRA ")?;
        for (index, value) in self.values[self.argument..].iter().enumerate() {
            if index > 0 {
                self.printer.write(b", ")?;
            }
            if let Value::Nil = value {
                self.printer.write(b"<nil>")?;
                continue;
            }
            self.printer.write(value.type_name().as_bytes())?;
            self.printer.write(b"=")?;
            self.printer.argument(value, 'v')?;
        }
        self.printer.write(b")")
    }
}

/// The digits from `start` up to `end`; a number that is too large swallows the rest of the format, as in Go.
fn number(format: &[u8], start: usize, end: usize) -> (Option<usize>, usize) {
    let mut number: Option<usize> = None;
    for (at, byte) in format.iter().enumerate().take(end).skip(start) {
        if !byte.is_ascii_digit() {
            return (number, at);
        }
        let so_far = number.unwrap_or(0);
        if so_far > LARGEST as usize {
            return (None, end);
        }
        number = Some(so_far * 10 + usize::from(byte - b'0'));
    }
    (number, end.max(start))
}
