//! Reading a command line and its environment against a table.

use crate::error::ParseError;
use crate::flag::{Flag, Kind};
use crate::values::{Source, Value, Values};

/// What to do with a variable that its flag does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvPolicy {
    /// Leave the default in place, booleans become false (spec/kubeseal-cli.md 3).
    IgnoreInvalid,
    /// Refuse to start (spec/controller.md W29).
    FailOnInvalid,
}

/// A command line that could be read.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// `-h` or `--help` came first and the table has no such flag: print the usage text and stop with success.
    Help,
    /// Everything was read.
    Run(Values),
}

/// Reads `args` (without the program's name) and the environment against `table`.
///
/// The command line beats the environment, which beats the defaults; the last occurrence of a flag wins, lists collect the
/// occurrences of one source. Variables are applied in the order of their flags' names, so that of two aliases the later
/// name wins.
///
/// # Errors
/// The first thing wrong on the command line; then, with [`EnvPolicy::FailOnInvalid`], the first variable that does not parse.
pub fn parse(
    table: &'static [Flag],
    args: impl IntoIterator<Item = String>,
    environment: &dyn Fn(&str) -> Option<String>,
    policy: EnvPolicy,
) -> Result<Outcome, ParseError> {
    let mut values = Values::defaults(table);
    let invalid = apply_environment(table, environment, &mut values);

    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let proceed = if arg == "--" {
            values.positionals.extend(args.by_ref());
            true
        } else if let Some(long) = arg.strip_prefix("--") {
            read_long(table, long, &mut args, &mut values)?
        } else if arg.len() > 1 && arg.starts_with('-') {
            read_short(table, &arg[1..], &mut args, &mut values)?
        } else {
            values.positionals.push(arg);
            true
        };
        if !proceed {
            return Ok(Outcome::Help);
        }
    }
    match invalid {
        Some(error) if policy == EnvPolicy::FailOnInvalid => Err(error),
        _ => Ok(Outcome::Run(values)),
    }
}

/// The variable that sets a flag: `SEALED_SECRETS_` and the name in capitals, dashes as underscores.
#[must_use]
pub fn environment_name(flag_name: &str) -> String {
    let mut name = String::from("SEALED_SECRETS_");
    name.extend(flag_name.chars().map(|letter| if letter == '-' { '_' } else { letter.to_ascii_uppercase() }));
    name
}

/// Applies the environment; gives the first variable that does not parse.
fn apply_environment(
    table: &'static [Flag],
    environment: &dyn Fn(&str) -> Option<String>,
    values: &mut Values,
) -> Option<ParseError> {
    let mut flags: Vec<&Flag> = table.iter().filter(|flag| flag.env).collect();
    flags.sort_unstable_by_key(|flag| flag.name);
    let mut first_error = None;
    for flag in flags {
        let variable = environment_name(flag.name);
        let Some(text) = environment(&variable) else {
            continue;
        };
        match Value::read(&flag.kind, &text) {
            Ok(value) => values.set(flag, value, Source::Environment),
            Err(reason) => {
                // The reference's boolean is written before the error is looked at, which matters for two aliases.
                if let Kind::Bool = flag.kind {
                    values.set(flag, Value::Bool(false), Source::Environment);
                }
                first_error.get_or_insert(ParseError::InvalidVariable { value: text, variable, reason });
            }
        }
    }
    first_error
}

/// Reads `--name`, `--name=value` or `--name value`; `false` means that help was asked for.
fn read_long(
    table: &'static [Flag],
    long: &str,
    args: &mut impl Iterator<Item = String>,
    values: &mut Values,
) -> Result<bool, ParseError> {
    if long.starts_with(['-', '=']) {
        return Err(ParseError::BadSyntax(format!("--{long}")));
    }
    let (name, attached) = match long.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (long, None),
    };
    let Some(flag) = table.iter().find(|flag| flag.name == name) else {
        if name == "help" {
            return Ok(false);
        }
        return Err(ParseError::UnknownFlag(name.to_owned()));
    };
    match (attached, flag.kind) {
        (Some(text), _) => assign(flag, text, values)?,
        (None, Kind::Bool) => assign(flag, "true", values)?,
        (None, _) => {
            let text = args.next().ok_or_else(|| ParseError::MissingArgument(long.to_owned()))?;
            assign(flag, &text, values)?;
        }
    }
    Ok(true)
}

/// Reads an argument of shorthands: `-abc`, `-ovalue`, `-o=value` or `-o value`; `false` means that help was asked for.
fn read_short(
    table: &'static [Flag],
    mut letters: &str,
    args: &mut impl Iterator<Item = String>,
    values: &mut Values,
) -> Result<bool, ParseError> {
    while let Some(letter) = letters.chars().next() {
        let rest = &letters[letter.len_utf8()..];
        let Some(flag) = table.iter().find(|flag| flag.short == Some(letter)) else {
            if letter == 'h' {
                return Ok(false);
            }
            return Err(ParseError::UnknownShorthand { letter, letters: letters.to_owned() });
        };
        // An equals sign with nothing behind it is the value itself (spec/kubeseal-cli.md 1.1).
        let attached = rest.strip_prefix('=').filter(|value| !value.is_empty());
        match (attached, flag.kind) {
            (Some(text), _) => return assign(flag, text, values).map(|()| true),
            (None, Kind::Bool) => assign(flag, "true", values)?,
            (None, _) if !rest.is_empty() => return assign(flag, rest, values).map(|()| true),
            (None, _) => {
                let missing = || ParseError::MissingShortArgument { letter, letters: letters.to_owned() };
                assign(flag, &args.next().ok_or_else(missing)?, values)?;
            }
        }
        letters = rest;
    }
    Ok(true)
}

fn assign(flag: &'static Flag, text: &str, values: &mut Values) -> Result<(), ParseError> {
    let value = Value::read(&flag.kind, text).map_err(|reason| ParseError::InvalidArgument {
        value: text.to_owned(),
        flag: flag.display_name(),
        reason,
    })?;
    values.set(flag, value, Source::CommandLine);
    if let Some(message) = flag.deprecated {
        values.notices.push(format!("Flag --{} has been deprecated, {message}", flag.name));
    }
    Ok(())
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
