//! What can be wrong with a command line, in `pflag`'s words.

use crate::quote::{quote, quote_char};

/// A command line or environment that cannot be used. The exit code for all of them is 2.
///
/// The texts are part of the interface: scripts match them (spec/kubeseal-cli.md 1.2, spec/controller.md 1.1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// A long flag that is not in the table.
    #[error("unknown flag: --{0}")]
    UnknownFlag(String),
    /// A letter that no flag has as its shorthand.
    #[error("unknown shorthand flag: {} in -{letters}", quote_char(*.letter))]
    UnknownShorthand {
        /// The letter.
        letter: char,
        /// It and what follows it in the same argument.
        letters: String,
    },
    /// The command line ends where a long flag's value should stand.
    #[error("flag needs an argument: --{0}")]
    MissingArgument(String),
    /// The command line ends where a short flag's value should stand.
    #[error("flag needs an argument: {} in -{letters}", quote_char(*.letter))]
    MissingShortArgument {
        /// The letter.
        letter: char,
        /// It and what follows it in the same argument.
        letters: String,
    },
    /// Two dashes followed by `-` or `=`.
    #[error("bad flag syntax: {0}")]
    BadSyntax(String),
    /// A value that the flag does not take.
    #[error("invalid argument {} for {} flag: {reason}", quote(.value), quote(.flag))]
    InvalidArgument {
        /// The value as given.
        value: String,
        /// The flag with its shorthand.
        flag: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A variable of the environment that its flag does not take ([`crate::EnvPolicy::FailOnInvalid`]).
    #[error("invalid value {} for environment variable {variable}: {reason}", quote(.value))]
    InvalidVariable {
        /// The value as found.
        value: String,
        /// Name of the variable.
        variable: String,
        /// What is wrong with it.
        reason: String,
    },
}
