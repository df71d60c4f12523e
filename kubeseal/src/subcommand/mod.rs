//! What is done when the very first argument is a word and no flag (decision 12).
//!
//! A subcommand is a value of [`Subcommand`] in a module of its own: its flags, its help and the function that does it. It
//! becomes known by standing in [`ALL`]; the usage text, completion and the manual page follow.

mod completion;
mod edit;
mod flags;
mod inspect;
mod keys;
mod lint;
mod manual;
mod one_object;
mod reencrypt;
mod report;
mod set;
mod unset;

use sealed_secrets_flags::{EnvPolicy, Flag, Outcome, Values, parse, usage};

use crate::error::{Error, Result};
use crate::output::write_stdout;

/// Every subcommand, by name.
pub(crate) const ALL: &[&Subcommand] = &[
    &completion::COMPLETION,
    &edit::EDIT,
    &inspect::INSPECT,
    &keys::KEYS,
    &lint::LINT,
    &manual::MAN,
    &reencrypt::REENCRYPT,
    &set::SET,
    &unset::UNSET,
];

/// A word that is understood as the first argument.
#[derive(Debug)]
pub(crate) struct Subcommand {
    /// The word.
    pub(crate) name: &'static str,
    /// What stands behind it, without flags.
    pub(crate) arguments: &'static str,
    /// What it does, on one line.
    pub(crate) summary: &'static str,
    /// What there is to know besides.
    pub(crate) about: &'static str,
    /// What it is for, and how to type it.
    pub(crate) examples: &'static [(&'static str, &'static str)],
    /// Exit statuses and what they mean.
    pub(crate) statuses: &'static [(u8, &'static str)],
    /// Its flags.
    pub(crate) flags: fn() -> &'static [Flag],
    /// Does it.
    pub(crate) run: fn(&Values) -> Result<()>,
}

impl Subcommand {
    /// The subcommand of this name.
    pub(crate) fn named(word: &str) -> Option<&'static Subcommand> {
        ALL.iter().copied().find(|subcommand| subcommand.name == word)
    }

    /// The words that may stand behind its name, each a subcommand of its own; none for most.
    pub(crate) fn actions(&self) -> &'static [&'static Subcommand] {
        if self.name == keys::KEYS.name { keys::ACTIONS } else { &[] }
    }

    /// Does what it does, given the arguments behind its name.
    ///
    /// # Errors
    /// Arguments that it does not understand, and whatever goes wrong.
    pub(crate) fn run(&'static self, mut arguments: Vec<String>) -> Result<()> {
        let is_first = |action: &&&Subcommand| {
            let action = action.name.strip_prefix(self.name).map(str::trim_start);
            arguments.first().is_some_and(|word| action == Some(word.as_str()))
        };
        if let Some(action) = self.actions().iter().find(is_first) {
            arguments.remove(0);
            return action.run(arguments);
        }
        let environment = |name: &str| std::env::var(name).ok();
        match parse((self.flags)(), arguments, &environment, EnvPolicy::IgnoreInvalid) {
            Ok(Outcome::Help) => write_stdout(self.help().as_bytes()),
            Ok(Outcome::Run(values)) => (self.run)(&values),
            Err(error) => Err(self.misused(error.to_string())),
        }
    }

    /// The error for arguments that cannot be used.
    pub(crate) fn misused(&self, message: impl Into<String>) -> Error {
        Error::SubcommandUsage { message: message.into(), subcommand: self.name }
    }

    /// Refuses a word where none can stand.
    ///
    /// # Errors
    /// When there is one.
    fn takes_no(&self, word: Option<&String>) -> Result<()> {
        word.map_or(Ok(()), |word| Err(self.misused(format!("unexpected argument {word:?}"))))
    }

    /// What `--help` prints.
    pub(crate) fn help(&self) -> String {
        let line = format!("kubeseal {} {}", self.name, self.arguments);
        let mut text = format!("{}\n\n{}\n", line.trim_end(), self.about.trim_end());
        let table = (self.flags)();
        if !table.is_empty() {
            let flags = usage("", table);
            text.push_str("\nFlags:\n");
            text.push_str(flags.split_once('\n').map_or("", |(_, flags)| flags));
        }
        text.push_str("\nExamples:\n");
        for (what, how) in self.examples {
            text.push_str(&format!("  {what}\n    {how}\n"));
        }
        text.push_str("\nExit status:\n");
        for (status, meaning) in self.statuses {
            text.push_str(&format!("  {status}  {meaning}\n"));
        }
        text
    }
}

/// Every subcommand and every action of one.
pub(crate) fn with_actions() -> impl Iterator<Item = &'static Subcommand> {
    ALL.iter().copied().flat_map(|subcommand| std::iter::once(subcommand).chain(subcommand.actions().iter().copied()))
}

/// What the usage text says about subcommands.
pub(crate) fn list() -> String {
    let mut text = "Subcommands, only as the first argument (kubeseal SUBCOMMAND --help says more):\n".to_owned();
    for subcommand in ALL {
        let words = format!("{} {}", subcommand.name, subcommand.arguments);
        text.push_str(&format!("  {:<42}{}\n", words.trim_end(), subcommand.summary));
    }
    text
}

/// Status 0, 1 and 2 of a subcommand that either succeeds or does not.
const PLAIN_STATUSES: &[(u8, &str)] =
    &[(0, "done"), (1, "something went wrong; standard error says what"), (2, "the arguments cannot be used")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subcommands_are_sorted_and_their_help_is_complete() {
        assert!(ALL.is_sorted_by_key(|subcommand| subcommand.name));
        assert!(ALL.iter().all(|subcommand| subcommand.actions().is_sorted_by_key(|action| action.name)));
        for subcommand in with_actions() {
            let help = subcommand.help();
            for flag in (subcommand.flags)() {
                assert!(help.contains(&format!("--{}", flag.name())), "{}: {}", subcommand.name, flag.name());
            }
            assert!(!subcommand.examples.is_empty() && subcommand.statuses.len() >= 2, "{}", subcommand.name);
            assert!(help.lines().all(|line| line == line.trim_end()), "{}", subcommand.name);
            let name_is_used = |(_, how): &(&str, &str)| how.contains(&format!("kubeseal {}", subcommand.name));
            assert!(subcommand.examples.iter().all(name_is_used), "{}", subcommand.name);
        }
    }

    #[test]
    fn no_table_has_a_flag_twice() {
        for subcommand in with_actions() {
            let mut names: Vec<&str> = (subcommand.flags)().iter().map(Flag::name).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{}", subcommand.name);
        }
    }
}
