//! What is done when the very first argument is a word and no flag (decision 12).
//!
//! Everything here is made from the table of flags; no file is touched.

mod completion;
mod manual;

use crate::error::{Error, Result};

/// What the usage text says about subcommands.
pub(crate) const USAGE: &str = "\
Subcommands, only as the first argument:
  completion bash|zsh|fish|powershell       print a completion script for this shell
  man                                       print the manual page, for example for: kubeseal man | man -l -
";

/// A word that is understood as the first argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subcommand {
    Completion,
    Man,
}

impl Subcommand {
    /// The subcommand of this name.
    pub(crate) fn named(word: &str) -> Option<Subcommand> {
        match word {
            "completion" => Some(Subcommand::Completion),
            "man" => Some(Subcommand::Man),
            _ => None,
        }
    }

    /// What the subcommand prints, given the arguments behind its name.
    ///
    /// # Errors
    /// Arguments that it does not understand.
    pub(crate) fn run(self, arguments: impl Iterator<Item = String>) -> Result<String> {
        let arguments: Vec<String> = arguments.collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match (self, arguments.as_slice()) {
            (_, ["-h" | "--help"]) => Ok(USAGE.to_owned()),
            (Subcommand::Completion, [shell]) => completion::script(shell)
                .ok_or_else(|| Error::new(format!("no completion for shell {shell:?}")).hint(SHELLS)),
            (Subcommand::Completion, []) => Err(Error::new("completion needs the name of a shell").hint(SHELLS)),
            (Subcommand::Man, []) => Ok(manual::page()),
            (Subcommand::Completion, [_, more, ..]) | (Subcommand::Man, [more, ..]) => {
                Err(Error::new(format!("unexpected argument {more:?}")).hint("see kubeseal --help"))
            }
        }
    }
}

const SHELLS: &str = "bash, zsh, fish and powershell are supported";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_are_not_understood_are_named() {
        for (subcommand, arguments, message) in [
            (Subcommand::Completion, &[][..], "completion needs the name of a shell"),
            (Subcommand::Completion, &["tcsh"], "no completion for shell \"tcsh\""),
            (Subcommand::Completion, &["bash", "x"], "unexpected argument \"x\""),
            (Subcommand::Man, &["x"], "unexpected argument \"x\""),
        ] {
            let result = subcommand.run(arguments.iter().map(|argument| (*argument).to_owned()));
            let error = result.err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.starts_with(&format!("error: {message}\nhint: ")), "{arguments:?}: {error}");
        }
    }
}
