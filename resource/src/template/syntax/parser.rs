//! Parses an entry: blocks, definitions, and the places where Go's messages come from.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use super::lexer::Lexer;
use super::node::{Block, Branches, Control, Node, NodeKind, Pipeline};
use super::token::{Keyword, Token, TokenKind};
use super::unquote::unquote;
use crate::template::function::Function;
use crate::template::print::quote;

/// An entry that does not parse; the text is Go's and quotes the template alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template: {entry}:{line}: {message}")]
pub(in crate::template) struct ParseError {
    pub(in crate::template) entry: String,
    pub(in crate::template) line: usize,
    pub(in crate::template) message: String,
}

/// The templates of an entry by name: the entry's own and what it defines.
pub(in crate::template) type Templates<'s> = BTreeMap<String, Block<'s>>;

/// A parsed entry.
#[derive(Debug)]
pub(in crate::template) struct Parsed<'s> {
    pub(in crate::template) templates: Templates<'s>,
    /// Whether a function of the clock or of randomness is named anywhere.
    pub(in crate::template) volatile: bool,
}

/// Parses `text`; `find` knows the functions, `depth` bounds the nesting.
pub(in crate::template) fn parse<'s>(
    entry: &str,
    text: &'s str,
    find: fn(&str) -> Option<&'static Function>,
    depth: usize,
) -> Result<Parsed<'s>, ParseError> {
    let mut parser = Parser {
        entry: entry.to_owned(),
        lexer: Lexer::new(text),
        waiting: Vec::new(),
        line: 0,
        find,
        depth,
        scope: Scope::new(),
        action_line: None,
        templates: Templates::new(),
        volatile: false,
    };
    let parsed = parser.whole(entry);
    parsed.map_err(|Failed(message)| ParseError { entry: entry.to_owned(), line: parser.line, message })?;
    Ok(Parsed { templates: parser.templates, volatile: parser.volatile })
}

/// The message of a failure; the line is that of the last token read.
pub(super) struct Failed(pub(super) String);

pub(super) struct Parser<'s> {
    pub(super) entry: String,
    pub(super) lexer: Lexer<'s>,
    /// Tokens given back, the next one last.
    pub(super) waiting: Vec<Token<'s>>,
    pub(super) line: usize,
    pub(super) find: fn(&str) -> Option<&'static Function>,
    pub(super) depth: usize,
    pub(super) scope: Scope<'s>,
    pub(super) action_line: Option<usize>,
    templates: Templates<'s>,
    pub(super) volatile: bool,
}

/// What a definition does not share with what stands around it.
pub(super) struct Scope<'s> {
    /// Variables as declared, the innermost last.
    declared: Vec<&'s str>,
    /// How often each is in `declared`.
    counts: HashMap<&'s str, usize>,
    ranges: usize,
}

impl<'s> Scope<'s> {
    fn new() -> Scope<'s> {
        Scope { declared: vec!["$"], counts: HashMap::from([("$", 1)]), ranges: 0 }
    }

    pub(super) fn declare(&mut self, variable: &'s str) {
        self.declared.push(variable);
        *self.counts.entry(variable).or_default() += 1;
    }

    pub(super) fn knows(&self, variable: &str) -> bool {
        self.counts.get(variable).is_some_and(|count| *count > 0)
    }

    /// Forgets the variables declared since there were `len`.
    fn truncate(&mut self, len: usize) {
        for variable in self.declared.drain(len..) {
            self.counts.entry(variable).and_modify(|count| *count -= 1);
        }
    }
}

/// What ended a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    End,
    Else,
}

impl Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if *self == Ending::End { "{{end}}" } else { "{{else}}" })
    }
}

enum Item<'s> {
    Node(Node<'s>),
    Ending(Ending),
}

impl<'s> Parser<'s> {
    fn whole(&mut self, entry: &str) -> Result<(), Failed> {
        let mut root = Block::default();
        loop {
            let token = self.next();
            match token.kind {
                TokenKind::EndOfFile => break,
                TokenKind::LeftDelimiter => {
                    let (blank, word) = self.next_after_blank();
                    if word.kind == TokenKind::Keyword(Keyword::Define) {
                        self.definition()?;
                        continue;
                    }
                    self.give_back(word);
                    // Go reads the delimiter again but forgets the blank after it; nothing depends on the blank.
                    drop(blank);
                }
                _ => {}
            }
            self.give_back(token);
            match self.text_or_action()? {
                Item::Node(node) => root.0.push(node),
                Item::Ending(ending) => return Err(Failed(format!("unexpected {ending}"))),
            }
        }
        self.add(entry.to_owned(), root)
    }

    /// A blank template never replaces another, and is replaced by any.
    fn add(&mut self, name: String, block: Block<'s>) -> Result<(), Failed> {
        match self.templates.get(&name) {
            Some(known) if !known.is_blank() => {
                if !block.is_blank() {
                    let name = quote::quoted(name.as_bytes());
                    return Err(Failed(format!("template: multiple definition of template {name}")));
                }
            }
            _ => {
                self.templates.insert(name, block);
            }
        }
        Ok(())
    }

    fn definition(&mut self) -> Result<(), Failed> {
        const CONTEXT: &str = "define clause";
        let outer_line = self.action_line.take();
        let name = self.next_non_blank();
        let name = self.template_name(&name, CONTEXT)?;
        self.expect(TokenKind::RightDelimiter, CONTEXT)?;
        self.body(name, CONTEXT)?;
        self.action_line = outer_line;
        Ok(())
    }

    /// The content of a `define` or `block`, with variables of its own.
    fn body(&mut self, name: String, context: &str) -> Result<(), Failed> {
        let outer = std::mem::replace(&mut self.scope, Scope::new());
        let outer_line = self.action_line.take();
        let (block, ending) = self.nested(Self::block)?;
        if ending != Ending::End {
            return Err(Failed(format!("unexpected {ending} in {context}")));
        }
        self.add(name, block)?;
        (self.scope, self.action_line) = (outer, outer_line);
        Ok(())
    }

    fn block(&mut self) -> Result<(Block<'s>, Ending), Failed> {
        let mut block = Block::default();
        while self.peek_non_blank().kind != TokenKind::EndOfFile {
            match self.text_or_action()? {
                Item::Node(node) => block.0.push(node),
                Item::Ending(ending) => return Ok((block, ending)),
            }
        }
        Err(Failed("unexpected EOF".to_owned()))
    }

    fn text_or_action(&mut self) -> Result<Item<'s>, Failed> {
        let token = self.next_non_blank();
        match token.kind {
            TokenKind::Text => Ok(Item::Node(Node { position: token.position, kind: NodeKind::Text(token.text) })),
            TokenKind::LeftDelimiter => {
                self.action_line = Some(token.line);
                let item = self.action();
                if item.is_ok() {
                    self.action_line = None;
                }
                item
            }
            _ => Err(self.unexpected(&token, "input")),
        }
    }

    fn action(&mut self) -> Result<Item<'s>, Failed> {
        let token = self.next_non_blank();
        let TokenKind::Keyword(keyword) = token.kind else { return self.plain_action(token) };
        match keyword {
            Keyword::Block => self.block_clause(),
            Keyword::Break => self.loop_clause(&token, NodeKind::Break),
            Keyword::Continue => self.loop_clause(&token, NodeKind::Continue),
            Keyword::Else => {
                let next = self.peek_non_blank().kind;
                if !matches!(next, TokenKind::Keyword(Keyword::If | Keyword::With)) {
                    self.expect(TokenKind::RightDelimiter, "else")?;
                }
                Ok(Item::Ending(Ending::Else))
            }
            Keyword::End => {
                self.expect(TokenKind::RightDelimiter, "end")?;
                Ok(Item::Ending(Ending::End))
            }
            Keyword::If => self.control(Control::If).map(Item::Node),
            Keyword::Range => self.control(Control::Range).map(Item::Node),
            Keyword::With => self.control(Control::With).map(Item::Node),
            Keyword::Template => self.template_clause(),
            Keyword::Dot | Keyword::Define | Keyword::Nil => self.plain_action(token),
        }
    }

    fn plain_action(&mut self, first: Token<'s>) -> Result<Item<'s>, Failed> {
        let position = first.position;
        self.give_back(first);
        let pipeline = self.pipeline("command", TokenKind::RightDelimiter)?;
        Ok(Item::Node(Node { position, kind: NodeKind::Action(pipeline) }))
    }

    fn loop_clause(&mut self, word: &Token<'s>, kind: NodeKind<'s>) -> Result<Item<'s>, Failed> {
        let node = Node { position: word.position, kind };
        let end = self.next_non_blank();
        if end.kind != TokenKind::RightDelimiter {
            return Err(self.unexpected(&end, &node.to_string()));
        }
        if self.scope.ranges == 0 {
            return Err(Failed(format!("{node} outside {{{{range}}}}")));
        }
        Ok(Item::Node(node))
    }

    fn control(&mut self, control: Control) -> Result<Node<'s>, Failed> {
        let variables = self.scope.declared.len();
        let branches = self.nested(|parser| parser.branches(control))?;
        self.scope.truncate(variables);
        let position = branches.pipeline.position;
        Ok(Node { position, kind: NodeKind::Control(control, Box::new(branches)) })
    }

    fn branches(&mut self, control: Control) -> Result<Branches<'s>, Failed> {
        let pipeline = self.pipeline(control.word(), TokenKind::RightDelimiter)?;
        let ranges = usize::from(control == Control::Range);
        self.scope.ranges += ranges;
        let (then, ending) = self.block()?;
        self.scope.ranges -= ranges;
        if ending == Ending::End {
            return Ok(Branches { pipeline, then, otherwise: None });
        }
        // `else if` and `else with` continue their own kind, with one `end` for all.
        let again = match control {
            Control::If => Some(Keyword::If),
            Control::With => Some(Keyword::With),
            Control::Range => None,
        };
        if again.is_some_and(|word| self.peek().kind == TokenKind::Keyword(word)) {
            self.next();
            let otherwise = Block(vec![self.control(control)?]);
            return Ok(Branches { pipeline, then, otherwise: Some(otherwise) });
        }
        let (otherwise, ending) = self.block()?;
        if ending != Ending::End {
            return Err(Failed(format!("expected end; found {ending}")));
        }
        Ok(Branches { pipeline, then, otherwise: Some(otherwise) })
    }

    fn block_clause(&mut self) -> Result<Item<'s>, Failed> {
        const CONTEXT: &str = "block clause";
        let token = self.next_non_blank();
        let name = self.template_name(&token, CONTEXT)?;
        let argument = self.pipeline(CONTEXT, TokenKind::RightDelimiter)?;
        self.body(name.clone(), CONTEXT)?;
        Ok(template(token.position, name, Some(argument)))
    }

    fn template_clause(&mut self) -> Result<Item<'s>, Failed> {
        const CONTEXT: &str = "template clause";
        let token = self.next_non_blank();
        let name = self.template_name(&token, CONTEXT)?;
        let next = self.next_non_blank();
        if next.kind == TokenKind::RightDelimiter {
            return Ok(template(token.position, name, None));
        }
        self.give_back(next);
        let argument = self.pipeline(CONTEXT, TokenKind::RightDelimiter)?;
        Ok(template(token.position, name, Some(argument)))
    }

    fn template_name(&mut self, token: &Token<'s>, context: &str) -> Result<String, Failed> {
        match token.kind {
            TokenKind::Quoted | TokenKind::RawQuoted => {
                let name = unquote(token.text).map_err(Failed)?;
                Ok(String::from_utf8_lossy(&name).into_owned())
            }
            _ => Err(self.unexpected(token, context)),
        }
    }
}

fn template<'s>(position: usize, name: String, argument: Option<Pipeline<'s>>) -> Item<'s> {
    Item::Node(Node { position, kind: NodeKind::Template { name, argument } })
}
