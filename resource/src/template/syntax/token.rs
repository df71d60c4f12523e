//! The words of the template language.

use std::fmt;

use crate::template::print::quote;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// The lexer gave up; the text is the message.
    Error,
    EndOfFile,
    Text,
    LeftDelimiter,
    RightDelimiter,
    Space,
    Assign,
    Declare,
    Pipe,
    LeftParenthesis,
    RightParenthesis,
    /// Any other printable ASCII character, such as a comma.
    Character,
    Bool,
    CharacterConstant,
    Number,
    Complex,
    Quoted,
    RawQuoted,
    Variable,
    Field,
    Identifier,
    Keyword(Keyword),
}

/// Words with a meaning of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    Dot,
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Keyword {
    /// The keyword of that spelling.
    pub(super) fn find(word: &str) -> Option<Keyword> {
        Some(match word {
            "." => Keyword::Dot,
            "block" => Keyword::Block,
            "break" => Keyword::Break,
            "continue" => Keyword::Continue,
            "define" => Keyword::Define,
            "else" => Keyword::Else,
            "end" => Keyword::End,
            "if" => Keyword::If,
            "nil" => Keyword::Nil,
            "range" => Keyword::Range,
            "template" => Keyword::Template,
            "with" => Keyword::With,
            _ => return None,
        })
    }
}

/// A token with its place.
#[derive(Debug, Clone)]
pub(super) struct Token<'s> {
    pub(super) kind: TokenKind,
    /// Byte offset in the template.
    pub(super) position: usize,
    /// Line where it begins, from 1.
    pub(super) line: usize,
    /// The token as written.
    pub(super) text: &'s str,
    /// The message of an error.
    pub(super) message: String,
}

/// How Go names the token in its messages.
impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TokenKind::EndOfFile => f.write_str("EOF"),
            TokenKind::Error => f.write_str(&self.message),
            TokenKind::Keyword(_) => write!(f, "<{}>", self.text),
            _ if self.text.len() > 10 => {
                let start: String = self.text.chars().take(10).collect();
                write!(f, "{}...", quote::quoted(start.as_bytes()))
            }
            _ => f.write_str(&quote::quoted(self.text.as_bytes())),
        }
    }
}
