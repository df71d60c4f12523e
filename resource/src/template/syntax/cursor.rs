//! Hands tokens to the parser: peeks, gives back, and complains.

use super::parser::{Failed, Parser};
use super::token::{Token, TokenKind};
use crate::template::function::Function;

impl<'s> Parser<'s> {
    pub(super) fn next(&mut self) -> Token<'s> {
        self.waiting.pop().unwrap_or_else(|| {
            let token = self.lexer.next();
            self.line = token.line;
            token
        })
    }

    pub(super) fn give_back(&mut self, token: Token<'s>) {
        self.waiting.push(token);
    }

    pub(super) fn peek(&mut self) -> &Token<'s> {
        if self.waiting.is_empty() {
            let token = self.next();
            self.waiting.push(token);
        }
        &self.waiting[self.waiting.len() - 1]
    }

    /// The next token that is no blank, and the blank before it.
    pub(super) fn next_after_blank(&mut self) -> (Option<Token<'s>>, Token<'s>) {
        let token = self.next();
        if token.kind == TokenKind::Space { (Some(token), self.next()) } else { (None, token) }
    }

    pub(super) fn next_non_blank(&mut self) -> Token<'s> {
        self.next_after_blank().1
    }

    pub(super) fn peek_non_blank(&mut self) -> &Token<'s> {
        let token = self.next_non_blank();
        self.give_back(token);
        self.peek()
    }

    pub(super) fn expect(&mut self, kind: TokenKind, context: &str) -> Result<Token<'s>, Failed> {
        let token = self.next_non_blank();
        if token.kind == kind { Ok(token) } else { Err(self.unexpected(&token, context)) }
    }

    pub(super) fn unexpected(&self, token: &Token<'s>, context: &str) -> Failed {
        if token.kind != TokenKind::Error {
            return Failed(format!("unexpected {token} in {context}"));
        }
        match self.action_line {
            Some(line) if line != token.line => {
                let here = if token.message.ends_with(" action") { " started" } else { " in action started" };
                Failed(format!("{token}{here} at {}:{line}", self.entry))
            }
            _ => Failed(token.to_string()),
        }
    }

    pub(super) fn function(&mut self, name: &str) -> Option<&'static Function> {
        let function = (self.find)(name)?;
        self.volatile |= function.volatile;
        Some(function)
    }

    /// Parses something one level deeper.
    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Failed>) -> Result<T, Failed> {
        self.depth = self.depth.checked_sub(1).ok_or_else(|| Failed("the nesting is too deep".to_owned()))?;
        let parsed = parse(self);
        self.depth += 1;
        parsed
    }
}
