//! Random templates from a grammar, for comparisons with the oracle. The same seed gives the same templates.

use std::fmt::Write as _;

use super::function::{Function, Parameter};
use super::{functions, language};
use crate::against_go::Dice;

/// Functions whose answer Go itself does not repeat (order of maps, memory addresses), or that take long on purpose.
const LEFT_OUT: &[&str] = &["keys", "values", "derivePassword", "call", "fail", "buildCustomCert"];

/// What functions give, so that most calls fit together; all others give values of any type.
const GIVES: &[(Parameter, &str)] = &[
    (
        Parameter::Text,
        "trim trimAll trimPrefix trimSuffix upper lower title untitle swapcase repeat substr trunc abbrev abbrevboth initials \
         nospace wrap wrapWith quote squote cat indent nindent replace plural snakecase kebabcase camelcase toString join hello \
         b64enc b64dec b32enc b32dec sha1sum sha256sum sha512sum adler32sum toJson toPrettyJson toRawJson mustToJson base dir \
         clean ext osBase osDir osClean osExt regexFind regexReplaceAll regexReplaceAllLiteral regexQuoteMeta mustRegexFind \
         typeOf kindOf html js urlquery print printf println seq urlJoin durationRound duration htmlDate htmlDateInZone date",
    ),
    (Parameter::Int, "len int"),
    (Parameter::Int64, "int64 atoi toDecimal add add1 sub mul div mod max min biggest"),
    (Parameter::Float, "float64 addf add1f subf mulf divf maxf minf floor ceil round"),
    (
        Parameter::Bool,
        "eq ne lt le gt ge not contains hasPrefix hasSuffix empty all any hasKey has typeIs typeIsLike kindIs deepEqual isAbs \
         regexMatch mustRegexMatch semverCompare",
    ),
    (
        Parameter::List,
        "list tuple append push prepend rest initial reverse uniq without compact concat pluck mustAppend mustPrepend mustRest \
         mustInitial mustReverse mustUniq mustWithout mustCompact",
    ),
    (Parameter::Map, "dict set unset pick omit merge mergeOverwrite mustMerge deepCopy urlParse"),
];

fn gives(function: &Function) -> Parameter {
    let names = |(_, names): &&(Parameter, &str)| names.split(' ').any(|name| name == function.name);
    GIVES.iter().find(names).map_or(Parameter::Any, |(parameter, _)| *parameter)
}

/// Whether a value of type `given` fits, as far as one can tell.
fn fits(given: Parameter, parameter: Parameter) -> bool {
    given == parameter || matches!(parameter, Parameter::Any | Parameter::Reflected)
}

/// Writes templates.
pub(super) struct Grammar {
    dice: Dice,
    functions: Vec<&'static Function>,
    variables: Vec<String>,
    ranges: usize,
}

impl Grammar {
    pub(super) fn new(seed: u64) -> Grammar {
        let tables = functions::TABLES.iter().copied().chain([language::TABLE]);
        let known = |function: &&Function| !function.volatile && !LEFT_OUT.contains(&function.name);
        let functions = tables.flatten().filter(known).collect();
        Grammar { dice: Dice::new(seed), functions, variables: Vec::new(), ranges: 0 }
    }

    /// The next template.
    pub(super) fn template(&mut self) -> String {
        self.variables.clear();
        let mut text = String::new();
        for _ in 0..1 + self.dice.below(2) {
            self.action(&mut text, 2);
        }
        text
    }

    /// The next template with some characters lost, doubled or added: most do not parse.
    pub(super) fn damaged_template(&mut self) -> String {
        const ADDED: &[&str] = &[
            "{{",
            "}}",
            "{",
            "}",
            "(",
            ")",
            "|",
            "-",
            " ",
            "\n",
            "\"",
            "`",
            "'",
            ".",
            "$",
            ",",
            ":=",
            "=",
            "/*",
            "*/",
            "{{- ",
            " -}}",
            "{{end}}",
            "{{else}}",
            "{{ if",
            "{{range",
            "{{break}}",
            "{{define \"y\"}}",
            "{{template \"y\"}}",
            "nil",
            "\\",
            "1",
            "e",
            "x",
            "é",
            "@",
            "{{/* c */}}",
            "{{block \"z\" .}}",
            "{{with}}",
            "0x",
            "_",
            "+",
            "true",
            "else if",
            "else with",
        ];
        let mut text = self.template();
        for _ in 0..1 + self.dice.below(3) {
            let at = text.floor_char_boundary(self.dice.below(text.len() + 1));
            let width = text[at..].chars().next().map_or(0, char::len_utf8);
            match self.dice.below(4) {
                0 => drop(text.drain(at..at + width)),
                1 => {
                    let twice = text[at..at + width].to_owned();
                    text.insert_str(at, &twice);
                }
                _ => text.insert_str(at, self.dice.pick(ADDED)),
            }
        }
        text
    }

    fn action(&mut self, text: &mut String, depth: usize) {
        let scope = self.variables.len();
        match if depth == 0 { 0 } else { self.dice.below(20) } {
            0..=10 => {
                let pipeline = self.pipeline(3);
                let _ = write!(text, "{{{{ {pipeline} }}}}");
            }
            11..=13 => {
                let name = format!("$v{}", self.dice.below(3));
                let pipeline = self.pipeline(3);
                let known = self.variables.contains(&name);
                let sets = if known && self.dice.below(2) == 0 { "=" } else { ":=" };
                let _ = write!(text, "{{{{ {name} {sets} {pipeline} }}}}");
                self.variables.push(name);
                self.action(text, depth - 1);
            }
            14..=16 => {
                let (word, pipeline) = (self.dice.pick(&["if", "with"]), self.pipeline(2));
                let _ = write!(text, "{{{{ {word} {pipeline} }}}}");
                self.action(text, depth - 1);
                self.variables.truncate(scope);
                if self.dice.below(2) == 0 {
                    text.push_str(self.dice.pick(&["{{ else }}", "{{- else -}}"]));
                    self.action(text, depth - 1);
                }
                self.variables.truncate(scope);
                text.push_str("{{ end }}");
            }
            17 | 18 => {
                let pipeline = self.pipeline(2);
                let variables = self.dice.pick(&["", "", "$v0 := ", "$v0, $v1 := "]);
                let _ = write!(text, "{{{{ range {variables}{pipeline} }}}}");
                self.variables.extend(
                    ["$v0", "$v1"].iter().filter(|name| variables.contains(**name)).map(|name| name.to_string()),
                );
                self.ranges += 1;
                self.action(text, depth - 1);
                if self.dice.below(6) == 0 {
                    text.push_str(self.dice.pick(&["{{ break }}", "{{ continue }}"]));
                }
                self.ranges -= 1;
                text.push_str(",{{ end }}");
                self.variables.truncate(scope);
            }
            _ => {
                let pipeline = self.pipeline(2);
                let _ = write!(text, "{{{{- template \"x\" {pipeline} -}}}} ");
                let outer = std::mem::take(&mut self.variables);
                text.push_str("{{ define \"x\" }}");
                self.action(text, 0);
                text.push_str("{{ end }}");
                self.variables = outer;
            }
        }
    }

    fn pipeline(&mut self, depth: usize) -> String {
        let (mut pipeline, mut given) = self.command(depth, None, Parameter::Any);
        while self.dice.below(3) == 0 {
            let (command, gives) = self.command(depth.saturating_sub(1), Some(given), Parameter::Any);
            (pipeline, given) = (format!("{pipeline} | {command}"), gives);
        }
        pipeline
    }

    /// A function that may take `piped` as its last argument and may give `wanted`; any function now and then.
    fn function(&mut self, piped: Option<Parameter>, wanted: Parameter) -> &'static Function {
        loop {
            let choice = self.dice.below(self.functions.len());
            let function = self.functions[choice];
            let last = function.rest.or(function.parameters.last().copied());
            let takes = piped.is_none_or(|piped| last.is_some_and(|last| fits(piped, last)));
            if takes && fits(gives(function), wanted) || self.dice.below(200) == 0 {
                return function;
            }
        }
    }

    /// A call and what it gives; `piped` is the type of the last argument, which comes from before.
    fn command(&mut self, depth: usize, piped: Option<Parameter>, wanted: Parameter) -> (String, Parameter) {
        if piped.is_none() && (depth == 0 || self.dice.below(6) == 0) {
            return (self.operand(wanted, 0), wanted);
        }
        let function = self.function(piped, wanted);
        let mut parameters: Vec<Parameter> = function.parameters.to_vec();
        if let Some(rest) = function.rest {
            parameters.extend(std::iter::repeat_n(rest, self.dice.below(3)));
        }
        // A wrong number of arguments, now and then.
        match self.dice.below(100) {
            0 => drop(parameters.pop()),
            1 => parameters.push(Parameter::Any),
            _ => {}
        }
        if piped.is_some() {
            parameters.pop();
        }
        let mut command = function.name.to_owned();
        for (index, parameter) in parameters.into_iter().enumerate() {
            let operand = match (index, function.name) {
                (0, "printf") => self.format(),
                (0, name) if name.contains("egex") => self.regex(),
                (_, "add" | "sub" | "mul" | "max" | "min" | "floor" | "ceil" | "div" | "mod") => self.int(),
                (0, name) if takes_list(name) => self.operand(Parameter::List, depth.saturating_sub(1)),
                _ => self.operand(parameter, depth.saturating_sub(1)),
            };
            command.push(' ');
            command.push_str(&operand);
        }
        (command, gives(function))
    }

    fn operand(&mut self, parameter: Parameter, depth: usize) -> String {
        let parameter = if self.dice.below(60) == 0 { Parameter::Any } else { parameter };
        if depth > 0 && self.dice.below(3) == 0 {
            let (inner, _) = self.command(depth, None, parameter);
            return format!("({inner})");
        }
        if matches!(parameter, Parameter::Any | Parameter::Reflected)
            && !self.variables.is_empty()
            && self.dice.below(3) == 0
        {
            let choice = self.dice.below(self.variables.len());
            return self.variables[choice].clone();
        }
        match parameter {
            Parameter::Text => self.text(),
            Parameter::Int | Parameter::Int64 | Parameter::Uint32 | Parameter::Duration => self.int(),
            Parameter::Float => self.dice.pick(&["0.5", "1.0", "-2.25", "1e3", "0.0"]).to_owned(),
            Parameter::Bool => self.dice.pick(&["true", "false", "(eq 1 1)", "(empty .empty)"]).to_owned(),
            Parameter::List => self.list(),
            Parameter::Map => self.dict(),
            Parameter::Object(name) if name.contains("Time") => self
                .dice
                .pick(&["(toDate \"2006-01-02\" \"2024-02-29\")", "(mustToDate \"15:04\" \"12:34\")"])
                .to_owned(),
            _ => match self.dice.below(12) {
                0..=2 => self.text(),
                3 | 4 => self.int(),
                5 => self.dice.pick(&["1.5", "0.0", "1e6", "2.5e-7", "123456789.0", "-3.0", "3.7"]).to_owned(),
                6 => self.dice.pick(&["true", "false", "nil", ".nosuch", ".", "$", "'x'"]).to_owned(),
                7 | 8 => self.list(),
                9 => self.dict(),
                10 => self
                    .dice
                    .pick(&["(fromJson .json)", "(int64 7)", "(float64 2)", "(until 3)", "(semver .version)"])
                    .to_owned(),
                _ => self
                    .dice
                    .pick(&["(splitList \",\" .list)", "(split \",\" .list)", "(index .user 0)", "(list nil)"])
                    .to_owned(),
            },
        }
    }

    fn text(&mut self) -> String {
        const TEXTS: &[&str] = &[
            ".user",
            ".num",
            ".float",
            ".unicode",
            ".list",
            ".lines",
            ".spaces",
            ".json",
            ".password",
            ".empty",
            ".binary",
            ".version",
            ".date",
            ".url",
            "\"\"",
            "\"a\"",
            "\"b c\"",
            "\"Hello World\"",
            "\"foo_bar-baz Qux\"",
            "\",\"",
            "\" \"",
            "\"\\n\"",
            "\"é\"",
            "\"ß日本\"",
            "\"1.2.3\"",
            "\"0x1F\"",
            "\"-7\"",
            "\"3.5\"",
            "\"true\"",
            "`a\\b`",
            "\"%d\"",
            "\"aGVsbG8=\"",
            "\"MZXW6===\"",
            "\"/a/b/../c.txt\"",
            "\"1h30m\"",
            "\"2006-01-02\"",
            "\"^1.0\"",
            "(index . \"tls.key\")",
            "\"\\xff\"",
            "\"aaabbb\"",
            "\"_0\"",
            "\"b\"",
            "\"string\"",
            "\"int\"",
        ];
        self.dice.pick(TEXTS).to_owned()
    }

    fn int(&mut self) -> String {
        self.dice
            .pick(&["0", "1", "2", "3", "5", "8", "-1", "-2", "12", "(int .num)", "(len .user)", "'a'", "3.0"])
            .to_owned()
    }

    fn list(&mut self) -> String {
        let count = self.dice.below(4);
        let items: Vec<String> = (0..count).map(|_| self.element()).collect();
        format!("(list {})", items.join(" ")).replace("list )", "list)")
    }

    fn dict(&mut self) -> String {
        let count = self.dice.below(3);
        let entry = |grammar: &mut Grammar| {
            format!("{} {}", grammar.dice.pick(&["\"a\"", "\"b\"", "\"c d\""]), grammar.element())
        };
        let entries: Vec<String> = (0..count).map(|_| entry(self)).collect();
        format!("(dict {})", entries.join(" ")).replace("dict )", "dict)")
    }

    fn element(&mut self) -> String {
        const ELEMENTS: &[&str] = &[
            "1",
            "2",
            "2.5",
            "\"a\"",
            "\"b\"",
            "\"\"",
            "nil",
            "true",
            "(list 1)",
            "(dict \"a\" 1)",
            ".user",
            "0",
            "'x'",
        ];
        self.dice.pick(ELEMENTS).to_owned()
    }

    fn format(&mut self) -> String {
        let mut format = String::from("\"");
        for _ in 0..1 + self.dice.below(3) {
            format.push('%');
            format.push_str(self.dice.pick(&["", "", "", "-", "+", "#", "0", " ", "+-", "#0"]));
            format.push_str(self.dice.pick(&["", "", "", "6", "12", "*", "[1]", "[2]"]));
            format.push_str(self.dice.pick(&["", "", "", ".2", ".0", ".10", ".*"]));
            format.push_str(
                self.dice
                    .pick(&["v", "v", "d", "s", "q", "x", "X", "t", "c", "U", "e", "f", "g", "b", "o", "T", "%", "z"]),
            );
            format.push_str(self.dice.pick(&["", " ", "|"]));
        }
        format.push('"');
        format
    }

    fn regex(&mut self) -> String {
        const PATTERNS: &[&str] = &[
            "\"a+\"",
            "\"[a-z]+\"",
            "\"(\\\\w)(\\\\d)?\"",
            "\"^$\"",
            "\"\"",
            "\"(?i)HELLO\"",
            "\".\"",
            "\"\\\\s+\"",
            "\"(a|b)*\"",
            "\"(\"",
            "\"(?P<x>l+)\"",
            "\"\\\\bb\"",
            "\"é\"",
            "\"[^a]\"",
            "\"a{2,3}\"",
            "\"(?m)^\"",
            "\",\"",
        ];
        self.dice.pick(PATTERNS).to_owned()
    }
}

/// Functions whose first parameter is of any type but must be a list.
fn takes_list(name: &str) -> bool {
    const NAMES: &str = "append push prepend first last rest initial reverse uniq without compact slice concat sortAlpha join \
                         mustAppend mustPush mustPrepend mustFirst mustLast mustRest mustInitial mustReverse mustUniq \
                         mustWithout mustCompact mustSlice";
    NAMES.split(' ').any(|known| known == name)
}

#[test]
fn the_same_seed_writes_the_same_templates() {
    let (mut one, mut two, mut three) = (Grammar::new(7), Grammar::new(7), Grammar::new(8));
    let templates: Vec<String> = (0..50).map(|_| one.damaged_template()).collect();
    assert!(templates.iter().all(|template| *template == two.damaged_template()));
    assert!(templates.iter().any(|template| *template != three.damaged_template()));
}
