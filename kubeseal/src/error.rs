//! What ends a run early, and how it is told.

use std::fmt;
use std::io;

use crate::trust;

/// A run that ends without success.
#[derive(Clone, Debug)]
pub(crate) enum Error {
    /// Something failed: `error: <message>`, then `hint: <hint>` if there is one; exit status 1.
    Failure {
        /// Lowercase, without a final period; never holds a value from the input.
        message: String,
        /// What to try.
        hint: Option<String>,
    },
    /// The command line cannot be used: the usage text, then the message; exit status 2.
    Usage(String),
    /// The arguments of a subcommand cannot be used: exit status 2.
    SubcommandUsage {
        /// What is wrong.
        message: String,
        /// Its name.
        subcommand: &'static str,
    },
    /// Everything has been said already: exit status 1.
    Reported,
    /// The same with a status of its own, which the help of the subcommand explains.
    Status(u8),
    /// Whoever read standard output has gone: nothing to say, exit status 141 (decision 34).
    BrokenPipe,
}

/// A result whose error ends the run.
pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A failure without a hint.
    pub(crate) fn new(message: impl Into<String>) -> Error {
        Error::Failure { message: message.into(), hint: None }
    }

    /// The same failure with something to try.
    pub(crate) fn hint(self, text: impl Into<String>) -> Error {
        match self {
            Error::Failure { message, .. } => Error::Failure { message, hint: Some(text.into()) },
            other => other,
        }
    }

    /// The same failure, with something to try if there is nothing yet.
    pub(crate) fn or_hint(self, text: &str) -> Error {
        match self {
            Error::Failure { message, hint: None } => Error::Failure { message, hint: Some(text.to_owned()) },
            other => other,
        }
    }

    /// The same failure, with the object that it is about in front of the hint.
    pub(crate) fn about(self, object: &str) -> Error {
        let this = format!("this is about {object}");
        match self {
            Error::Failure { message, hint } => {
                let hint = hint.map_or_else(|| this.clone(), |hint| format!("{this}; {hint}"));
                Error::Failure { message, hint: Some(hint) }
            }
            other => other,
        }
    }

    /// The same failure with words in front of its message.
    pub(crate) fn prefix(self, words: &str) -> Error {
        match self {
            Error::Failure { message, hint } => Error::Failure { message: format!("{words}{message}"), hint },
            other => other,
        }
    }

    /// `<operation> <name>: <cause>`, the way the reference words failures of files.
    pub(crate) fn file(operation: &str, name: &str, error: &io::Error) -> Error {
        Error::new(format!("{operation} {name}: {}", io_cause(error)))
    }

    /// What is wrong, without the hint.
    pub(crate) fn message(&self) -> String {
        match self {
            Error::Failure { message, .. } | Error::Usage(message) | Error::SubcommandUsage { message, .. } => {
                message.clone()
            }
            Error::BrokenPipe | Error::Reported | Error::Status(_) => String::new(),
        }
    }

    /// The exit status of the run.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Error::Failure { .. } | Error::Reported => 1,
            Error::Usage(_) | Error::SubcommandUsage { .. } => 2,
            Error::Status(status) => *status,
            Error::BrokenPipe => 141,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Failure { message, hint: None } | Error::Usage(message) => write!(f, "error: {message}"),
            Error::Failure { message, hint: Some(hint) } => write!(f, "error: {message}\nhint: {hint}"),
            Error::SubcommandUsage { message, subcommand } => {
                write!(f, "error: {message}\nhint: see kubeseal {subcommand} --help")
            }
            Error::BrokenPipe | Error::Reported | Error::Status(_) => Ok(()),
        }
    }
}

/// The system's words for an error in lower case, as scripts match them: `no such file or directory`.
pub(crate) fn io_cause(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => "unknown error".to_owned(),
    }
}

/// The innermost cause of an error: the only one that says something to a person.
pub(crate) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    if let Some(fault) = causes(error).find_map(|cause| cause.downcast_ref()) {
        return trust::in_words(fault);
    }
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    // An I/O error that carries another one shows it, but does not name it as its source.
    match innermost.downcast_ref::<io::Error>() {
        Some(io) => match io.get_ref().and_then(|inner| inner.source()) {
            Some(source) => root_cause(source),
            None => io_cause(io),
        },
        None => innermost.to_string(),
    }
}

/// An error and all that it comes from.
pub(crate) fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static)),
        None => error.source(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_s_words_are_lower_case_and_without_a_number() {
        assert_eq!(io_cause(&io::Error::from_raw_os_error(2)), "no such file or directory");
        assert_eq!(io_cause(&io::Error::other("Odd")), "odd");
    }

    #[test]
    fn message_and_hint_stand_on_lines_of_their_own() {
        let error = Error::new("no secrets found").hint("is the input empty?").prefix("cannot seal: ");
        assert_eq!(error.to_string(), "error: cannot seal: no secrets found\nhint: is the input empty?");
        assert_eq!(error.exit_code(), 1);
    }
}
