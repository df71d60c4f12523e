//! Parses what stands inside an action: pipelines, commands, operands.

use super::node::{Command, Operand, OperandKind, Pipeline};
use super::number::Number;
use super::parser::{Failed, Parser};
use super::token::{Keyword, Token, TokenKind};
use super::unquote::unquote;
use crate::template::print::quote;
use crate::template::text::Text;

impl<'s> Parser<'s> {
    /// A pipeline up to and including the token `end`.
    pub(super) fn pipeline(&mut self, context: &str, end: TokenKind) -> Result<Pipeline<'s>, Failed> {
        let position = self.peek_non_blank().position;
        let mut pipeline = Pipeline { position, assigns: false, variables: Vec::new(), commands: Vec::new() };
        while self.declaration(&mut pipeline, context)? {}
        loop {
            let token = self.next_non_blank();
            if token.kind == end {
                check(&pipeline, context)?;
                return Ok(pipeline);
            }
            if !begins_operand(token.kind) {
                return Err(self.unexpected(&token, context));
            }
            self.give_back(token);
            let command = self.command()?;
            pipeline.commands.push(command);
        }
    }

    /// Reads `$x :=`, `$x =` or `$x,` if it stands here; true when another variable may follow.
    fn declaration(&mut self, pipeline: &mut Pipeline<'s>, context: &str) -> Result<bool, Failed> {
        if self.peek_non_blank().kind != TokenKind::Variable {
            return Ok(false);
        }
        let variable = self.next();
        let (blank, next) = self.next_after_blank();
        let comma = next.kind == TokenKind::Character && next.text == ",";
        if !comma && !matches!(next.kind, TokenKind::Assign | TokenKind::Declare) {
            self.give_back(next);
            if let Some(blank) = blank {
                self.give_back(blank);
            }
            self.give_back(variable);
            return Ok(false);
        }
        pipeline.variables.push(variable.text);
        self.scope.declare(variable.text);
        if !comma {
            pipeline.assigns = next.kind == TokenKind::Assign;
            return Ok(false);
        }
        if context == "range" && pipeline.variables.len() < 2 {
            return match self.peek_non_blank().kind {
                TokenKind::Variable | TokenKind::RightDelimiter | TokenKind::RightParenthesis => Ok(true),
                _ => Err(Failed("range can only initialize variables".to_owned())),
            };
        }
        Err(Failed(format!("too many declarations in {context}")))
    }

    fn command(&mut self) -> Result<Command<'s>, Failed> {
        let position = self.peek_non_blank().position;
        let mut operands = Vec::new();
        loop {
            self.peek_non_blank();
            if let Some(operand) = self.operand()? {
                operands.push(operand);
            }
            let token = self.next();
            match token.kind {
                TokenKind::Space => {}
                TokenKind::RightDelimiter | TokenKind::RightParenthesis => {
                    self.give_back(token);
                    break;
                }
                TokenKind::Pipe => break,
                _ => return Err(self.unexpected(&token, "operand")),
            }
        }
        if operands.is_empty() {
            return Err(Failed("empty command".to_owned()));
        }
        Ok(Command { position, operands })
    }

    /// A term and the fields right behind it.
    fn operand(&mut self) -> Result<Option<Operand<'s>>, Failed> {
        let Some(mut operand) = self.term()? else { return Ok(None) };
        if self.peek().kind != TokenKind::Field {
            return Ok(Some(operand));
        }
        // Go's messages point at the first of the fields.
        let position = self.peek().position;
        let mut fields = Vec::new();
        while self.peek().kind == TokenKind::Field {
            fields.push(&self.next().text[1..]);
        }
        match &mut operand.kind {
            OperandKind::Field(names) | OperandKind::Variable(_, names) => {
                names.append(&mut fields);
                operand.position = position;
                Ok(Some(operand))
            }
            OperandKind::Function(_) | OperandKind::Chain(..) | OperandKind::Pipeline(_) => {
                Ok(Some(Operand { position, kind: OperandKind::Chain(Box::new(operand), fields) }))
            }
            _ => Err(Failed(format!("unexpected . after term {}", quote::quoted(operand.to_string().as_bytes())))),
        }
    }

    fn term(&mut self) -> Result<Option<Operand<'s>>, Failed> {
        let token = self.next_non_blank();
        let kind = match token.kind {
            TokenKind::Identifier => match self.function(token.text) {
                Some(function) => OperandKind::Function(function),
                None => {
                    let name = quote::quoted(token.text.as_bytes());
                    return Err(Failed(format!("function {name} not defined")));
                }
            },
            TokenKind::Keyword(Keyword::Dot) => OperandKind::Dot,
            TokenKind::Keyword(Keyword::Nil) => OperandKind::Nil,
            TokenKind::Variable => self.variable(&token)?,
            TokenKind::Field => OperandKind::Field(vec![&token.text[1..]]),
            TokenKind::Bool => OperandKind::Bool(token.text == "true"),
            TokenKind::CharacterConstant | TokenKind::Complex | TokenKind::Number => {
                OperandKind::Number(Number::parse(token.text, token.kind).map_err(Failed)?)
            }
            TokenKind::LeftParenthesis => {
                let inner = |parser: &mut Self| parser.pipeline("parenthesized pipeline", TokenKind::RightParenthesis);
                OperandKind::Pipeline(Box::new(self.nested(inner)?))
            }
            TokenKind::Quoted | TokenKind::RawQuoted => {
                let value = Text::from(unquote(token.text).map_err(Failed)?);
                OperandKind::Text { written: token.text, value }
            }
            _ => {
                self.give_back(token);
                return Ok(None);
            }
        };
        Ok(Some(Operand { position: token.position, kind }))
    }

    fn variable(&self, token: &Token<'s>) -> Result<OperandKind<'s>, Failed> {
        if self.scope.knows(token.text) {
            return Ok(OperandKind::Variable(token.text, Vec::new()));
        }
        Err(Failed(format!("undefined variable {}", quote::quoted(token.text.as_bytes()))))
    }
}

fn begins_operand(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Bool
            | TokenKind::CharacterConstant
            | TokenKind::Complex
            | TokenKind::Keyword(Keyword::Dot | Keyword::Nil)
            | TokenKind::Field
            | TokenKind::Identifier
            | TokenKind::Number
            | TokenKind::Quoted
            | TokenKind::RawQuoted
            | TokenKind::Variable
            | TokenKind::LeftParenthesis
    )
}

fn check(pipeline: &Pipeline<'_>, context: &str) -> Result<(), Failed> {
    if pipeline.commands.is_empty() {
        return Err(Failed(format!("missing value for {context}")));
    }
    for (index, command) in pipeline.commands.iter().enumerate().skip(1) {
        let first = command.operands.first().map(|operand| &operand.kind);
        if let Some(
            OperandKind::Bool(_)
            | OperandKind::Dot
            | OperandKind::Nil
            | OperandKind::Number(_)
            | OperandKind::Text { .. },
        ) = first
        {
            return Err(Failed(format!("non executable command in pipeline stage {}", index + 1)));
        }
    }
    Ok(())
}
