//! Cuts a template into tokens, one at a time, as Go's lexer does.

use super::token::{Keyword, Token, TokenKind};
use crate::template::print::quote;
use crate::template::unicode::{is_alphanumeric, unicode_name};

const LEFT: &str = "{{";
const RIGHT: &str = "}}";
const COMMENT_START: &str = "/*";
const COMMENT_END: &str = "*/";
/// A dash and the blank that must stand beside it.
const TRIM_MARKER: usize = 2;
/// Pieces of a template; what is parsed of them takes some hundred times the room of what is written.
const TOKENS: usize = 150_000;
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// The state between two tokens.
#[derive(Debug)]
pub(super) struct Lexer<'s> {
    input: &'s str,
    /// Where the token being read begins.
    start: usize,
    position: usize,
    start_line: usize,
    line: usize,
    inside_action: bool,
    open_parentheses: usize,
    /// Tokens that may still be read.
    left: usize,
}

impl<'s> Lexer<'s> {
    pub(super) fn new(input: &'s str) -> Lexer<'s> {
        Lexer {
            input,
            start: 0,
            position: 0,
            start_line: 1,
            line: 1,
            inside_action: false,
            open_parentheses: 0,
            left: TOKENS,
        }
    }

    /// The next token; after the end or an error always the end.
    pub(super) fn next(&mut self) -> Token<'s> {
        let Some(left) = self.left.checked_sub(1) else {
            self.left = usize::MAX;
            return self.error("the template is too long");
        };
        self.left = left;
        if self.inside_action { self.in_action() } else { self.in_text() }
    }

    fn rest(&self) -> &'s str {
        &self.input[self.position..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.position += next.len_utf8();
        if next == '\n' {
            self.line += 1;
        }
        Some(next)
    }

    /// Takes the character back that `bump` gave last.
    fn unbump(&mut self, taken: char) {
        self.position -= taken.len_utf8();
        if taken == '\n' {
            self.line -= 1;
        }
    }

    /// Skips `bytes`, counting lines.
    fn advance(&mut self, bytes: usize) {
        self.line += self.rest()[..bytes].matches('\n').count();
        self.position += bytes;
    }

    fn ignore(&mut self) {
        self.start = self.position;
        self.start_line = self.line;
    }

    fn emit(&mut self, kind: TokenKind) -> Token<'s> {
        let text = &self.input[self.start..self.position];
        let token = Token { kind, position: self.start, line: self.start_line, text, message: String::new() };
        self.ignore();
        token
    }

    fn error(&mut self, message: impl Into<String>) -> Token<'s> {
        let (position, line) = (self.start, self.start_line);
        self.input = "";
        (self.start, self.position, self.inside_action) = (0, 0, false);
        Token { kind: TokenKind::Error, position, line, text: "", message: message.into() }
    }

    fn in_text(&mut self) -> Token<'s> {
        loop {
            let Some(offset) = self.rest().find(LEFT) else {
                self.advance(self.rest().len());
                return self.emit(if self.position > self.start { TokenKind::Text } else { TokenKind::EndOfFile });
            };
            let text = &self.rest()[..offset];
            if offset > 0 {
                let trims = has_left_trim_marker(&self.rest()[offset + LEFT.len()..]);
                let kept = if trims { text.trim_end_matches(BLANKS).len() } else { offset };
                self.advance(kept);
                let token = self.emit(TokenKind::Text);
                self.advance(offset - kept);
                self.ignore();
                if kept > 0 {
                    return token;
                }
            }
            let marker = if has_left_trim_marker(&self.rest()[LEFT.len()..]) { TRIM_MARKER } else { 0 };
            if !self.rest()[LEFT.len() + marker..].starts_with(COMMENT_START) {
                self.position += LEFT.len();
                let token = self.emit(TokenKind::LeftDelimiter);
                self.advance(marker);
                self.ignore();
                (self.inside_action, self.open_parentheses) = (true, 0);
                return token;
            }
            self.advance(LEFT.len() + marker);
            if let Err(message) = self.comment() {
                return self.error(message);
            }
        }
    }

    fn comment(&mut self) -> Result<(), &'static str> {
        self.advance(COMMENT_START.len());
        let end = self.rest().find(COMMENT_END).ok_or("unclosed comment")?;
        self.advance(end + COMMENT_END.len());
        let trims = self.right_delimiter().ok_or("comment ends before closing delimiter")?;
        self.skip_right_delimiter(trims);
        self.ignore();
        Ok(())
    }

    /// Whether the action ends here, and whether it trims what follows.
    fn right_delimiter(&self) -> Option<bool> {
        if right_trim_marker(self.rest()) {
            return Some(true);
        }
        self.rest().starts_with(RIGHT).then_some(false)
    }

    fn skip_right_delimiter(&mut self, trims: bool) {
        self.advance(if trims { TRIM_MARKER } else { 0 } + RIGHT.len());
        if trims {
            self.skip_blanks_after();
        }
    }

    fn skip_blanks_after(&mut self) {
        let rest = self.rest();
        self.advance(rest.len() - rest.trim_start_matches(BLANKS).len());
    }

    fn in_action(&mut self) -> Token<'s> {
        if let Some(trims) = self.right_delimiter() {
            return if self.open_parentheses > 0 {
                self.error("unclosed left paren")
            } else {
                self.end_of_action(trims)
            };
        }
        let Some(next) = self.bump() else { return self.error("unclosed action") };
        match next {
            blank if BLANKS.contains(&blank) => self.space(blank),
            '=' => self.emit(TokenKind::Assign),
            ':' if self.bump() == Some('=') => self.emit(TokenKind::Declare),
            ':' => self.error("expected :="),
            '|' => self.emit(TokenKind::Pipe),
            '"' => self.quoted('"', TokenKind::Quoted, "unterminated quoted string"),
            '\'' => self.quoted('\'', TokenKind::CharacterConstant, "unterminated character constant"),
            '`' => match self.rest().find('`') {
                Some(end) => {
                    self.advance(end + 1);
                    self.emit(TokenKind::RawQuoted)
                }
                None => self.error("unterminated raw quoted string"),
            },
            '$' => self.name_after(TokenKind::Variable),
            '.' if !self.rest().starts_with(|c: char| c.is_ascii_digit()) && !self.rest().is_empty() => {
                self.name_after(TokenKind::Field)
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.unbump(next);
                self.number()
            }
            letter if is_alphanumeric(letter) => {
                self.unbump(next);
                self.identifier()
            }
            '(' => {
                self.open_parentheses += 1;
                self.emit(TokenKind::LeftParenthesis)
            }
            ')' if self.open_parentheses == 0 => self.error("unexpected right paren"),
            ')' => {
                self.open_parentheses -= 1;
                self.emit(TokenKind::RightParenthesis)
            }
            ascii if ascii.is_ascii_graphic() => self.emit(TokenKind::Character),
            other => self.error(format!("unrecognized character in action: {}", unicode_name(other))),
        }
    }

    fn end_of_action(&mut self, trims: bool) -> Token<'s> {
        self.advance(if trims { TRIM_MARKER } else { 0 });
        self.ignore();
        self.position += RIGHT.len();
        let token = self.emit(TokenKind::RightDelimiter);
        if trims {
            self.skip_blanks_after();
            self.ignore();
        }
        self.inside_action = false;
        token
    }

    /// A run of blanks; the last one may belong to the trim marker of the closing delimiter.
    fn space(&mut self, first: char) -> Token<'s> {
        let (mut last, mut count) = (first, 1);
        while let Some(blank) = self.peek().filter(|c| BLANKS.contains(c)) {
            self.bump();
            (last, count) = (blank, count + 1);
        }
        if right_trim_marker(&self.input[self.position - 1..]) {
            self.unbump(last);
            if count == 1 {
                return self.end_of_action(true);
            }
        }
        self.emit(TokenKind::Space)
    }

    fn quoted(&mut self, quote: char, kind: TokenKind, unterminated: &str) -> Token<'s> {
        loop {
            match self.bump() {
                Some('\\') if !matches!(self.bump(), None | Some('\n')) => {}
                None | Some('\n' | '\\') => return self.error(unterminated),
                Some(c) if c == quote => return self.emit(kind),
                Some(_) => {}
            }
        }
    }

    /// `.name` or `$name`; alone, the dot is the cursor and the dollar the root.
    fn name_after(&mut self, kind: TokenKind) -> Token<'s> {
        if self.at_terminator() {
            let dot = TokenKind::Keyword(Keyword::Dot);
            return self.emit(if kind == TokenKind::Variable { kind } else { dot });
        }
        self.word();
        if self.at_terminator() { self.emit(kind) } else { self.bad_character() }
    }

    fn identifier(&mut self) -> Token<'s> {
        self.word();
        if !self.at_terminator() {
            return self.bad_character();
        }
        let word = &self.input[self.start..self.position];
        self.emit(match word {
            "true" | "false" => TokenKind::Bool,
            _ => Keyword::find(word).map_or(TokenKind::Identifier, TokenKind::Keyword),
        })
    }

    fn word(&mut self) {
        let rest = self.rest();
        self.advance(rest.find(|c| !is_alphanumeric(c)).unwrap_or(rest.len()));
    }

    fn bad_character(&mut self) -> Token<'s> {
        let name = self.peek().map(unicode_name).unwrap_or_default();
        self.error(format!("bad character {name}"))
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(_) => self.rest().starts_with(RIGHT),
        }
    }

    /// Roughly a number; the parser decides whether it is one.
    fn number(&mut self) -> Token<'s> {
        let mut kind = TokenKind::Number;
        let mut good = self.scan_number();
        if good && matches!(self.peek(), Some('+' | '-')) {
            kind = TokenKind::Complex;
            good = self.scan_number() && self.input[..self.position].ends_with('i');
        }
        if good {
            return self.emit(kind);
        }
        let text = quote::quoted(&self.input.as_bytes()[self.start..self.position]);
        self.error(format!("bad number syntax: {text}"))
    }

    fn scan_number(&mut self) -> bool {
        self.accept("+-");
        let (mut digits, mut exponents) = ("0123456789_", "eE");
        if self.accept("0") {
            if self.accept("xX") {
                (digits, exponents) = ("0123456789abcdefABCDEF_", "pP");
            } else if self.accept("oO") {
                (digits, exponents) = ("01234567_", "");
            } else if self.accept("bB") {
                (digits, exponents) = ("01_", "");
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        if self.accept(exponents) {
            self.accept("+-");
            self.accept_run("0123456789_");
        }
        self.accept("i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.bump();
            return false;
        }
        true
    }

    fn accept(&mut self, characters: &str) -> bool {
        let accepted = self.peek().is_some_and(|c| characters.contains(c));
        if accepted {
            self.bump();
        }
        accepted
    }

    fn accept_run(&mut self, characters: &str) {
        while self.accept(characters) {}
    }
}

/// After the opening delimiter: a dash, then a blank.
fn has_left_trim_marker(after: &str) -> bool {
    after.strip_prefix('-').is_some_and(|rest| rest.starts_with(BLANKS))
}

/// A blank, a dash and the closing delimiter.
fn right_trim_marker(text: &str) -> bool {
    let dash = text.strip_prefix(BLANKS).and_then(|rest| rest.strip_prefix('-'));
    dash.is_some_and(|rest| rest.starts_with(RIGHT))
}
