//! The table a binary describes its flags with.

/// Checks a value of a [`Kind::Custom`] flag; the error is the reason shown behind `invalid argument "…" for "…" flag: `.
pub type Check = fn(&str) -> Result<(), String>;

/// What a flag holds and how its text is read.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `true` when given bare; a value only after `=`, one of Go's boolean words.
    Bool,
    /// Any text.
    String,
    /// A 64-bit integer with Go's base prefixes and `_` separators.
    Int,
    /// A single-precision number.
    Float32,
    /// A Go duration, for example `720h30m`.
    Duration,
    /// A list: every occurrence is one CSV record, occurrences append.
    CsvList,
    /// A list: every occurrence is one entry, commas are literal.
    Array,
    /// One of these words. An empty word in the list makes the empty value acceptable without being advertised.
    Choice(&'static [&'static str]),
    /// Text that must pass a check.
    Custom {
        /// The word that stands for the value in the usage text.
        type_name: &'static str,
        /// What makes a value acceptable.
        check: Check,
    },
}

impl Kind {
    /// The word for the value in the usage text, as `pflag` chooses it; empty for booleans.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Kind::Bool => "",
            Kind::String | Kind::Choice(_) => "string",
            Kind::Int => "int",
            Kind::Float32 => "float32",
            Kind::Duration => "duration",
            Kind::CsvList => "strings",
            Kind::Array => "stringArray",
            Kind::Custom { type_name, .. } => type_name,
        }
    }

    /// Whether the usage text shows the default in double quotes.
    pub(crate) fn quotes_default(&self) -> bool {
        matches!(self, Kind::String | Kind::Choice(_))
    }
}

/// One flag. Built with [`Flag::new`] and the methods that follow it, all usable in constants.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    pub(crate) name: &'static str,
    pub(crate) short: Option<char>,
    pub(crate) kind: Kind,
    pub(crate) default: &'static str,
    pub(crate) help: &'static str,
    pub(crate) value_name: &'static str,
    pub(crate) heading: &'static str,
    pub(crate) hidden: bool,
    pub(crate) deprecated: Option<&'static str>,
    pub(crate) alias_of: Option<&'static str>,
    pub(crate) env: bool,
}

impl Flag {
    /// A visible flag `--name` with an environment form and the zero value of its kind as default.
    #[must_use]
    pub const fn new(name: &'static str, kind: Kind, help: &'static str) -> Flag {
        Flag {
            name,
            short: None,
            kind,
            default: "",
            help,
            value_name: "",
            heading: "",
            hidden: false,
            deprecated: None,
            alias_of: None,
            env: true,
        }
    }

    /// Another spelling of the flag `target`: same variable, the last one given wins. Needs the same kind.
    #[must_use]
    pub const fn alias(name: &'static str, target: &'static str, kind: Kind, help: &'static str) -> Flag {
        let mut flag = Flag::new(name, kind, help);
        flag.alias_of = Some(target);
        flag
    }

    /// Adds the one-letter form `-x`. The letter must be ASCII.
    #[must_use]
    pub const fn short(mut self, letter: char) -> Flag {
        self.short = Some(letter);
        self
    }

    /// Sets the built-in default, written as on the command line.
    #[must_use]
    pub const fn default(mut self, text: &'static str) -> Flag {
        self.default = text;
        self
    }

    /// Sets the word that stands for the value in the usage text.
    #[must_use]
    pub const fn value_name(mut self, word: &'static str) -> Flag {
        self.value_name = word;
        self
    }

    /// Puts the flag under a heading of the usage text. Headings appear in the order of their first flag in the table.
    #[must_use]
    pub const fn heading(mut self, heading: &'static str) -> Flag {
        self.heading = heading;
        self
    }

    /// Keeps the flag out of the usage text.
    #[must_use]
    pub const fn hidden(mut self) -> Flag {
        self.hidden = true;
        self
    }

    /// Hides the flag and prints `Flag --name has been deprecated, <message>` whenever the command line uses it.
    #[must_use]
    pub const fn deprecated(mut self, message: &'static str) -> Flag {
        self.deprecated = Some(message);
        self.hidden = true;
        self
    }

    /// Takes the environment form away.
    #[must_use]
    pub const fn no_env(mut self) -> Flag {
        self.env = false;
        self
    }

    /// The long name, without dashes.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The letter of the short form, if there is one.
    #[must_use]
    pub const fn letter(&self) -> Option<char> {
        self.short
    }

    /// What the flag holds.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The description, as the usage text has it.
    #[must_use]
    pub const fn description(&self) -> &'static str {
        self.help
    }

    /// The heading that the flag stands under; may be empty.
    #[must_use]
    pub const fn group(&self) -> &'static str {
        self.heading
    }

    /// The built-in default, written as on the command line.
    #[must_use]
    pub const fn default_text(&self) -> &'static str {
        self.default
    }

    /// Whether the usage text leaves the flag out.
    #[must_use]
    pub const fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// Whether a variable of the environment can set the flag.
    #[must_use]
    pub const fn has_env(&self) -> bool {
        self.env
    }

    /// How errors name the flag: `--cert`, or `-o, --format` when there is a shorthand.
    pub(crate) fn display_name(&self) -> String {
        match self.short {
            Some(letter) => format!("-{letter}, --{}", self.name),
            None => format!("--{}", self.name),
        }
    }
}
