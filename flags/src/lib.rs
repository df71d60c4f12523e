//! Command lines as the original tools read them.
//!
//! Both binaries must accept exactly what the reference accepts, and its flags are those of Go's `pflag`: `--name value`,
//! `--name=value`, `-nvalue`, `-n=value`, booleans that take a value only after `=`, Go's durations and integers, and error
//! texts that scripts match. A binary describes its flags in a table of [`Flag`]s and gets typed [`Values`] back.
//!
//! Nothing here touches the process: arguments and environment come in as arguments, notices go out as values.
//!
//! ```
//! use sealed_secrets_flags::{EnvPolicy, Flag, Kind, Outcome, parse};
//!
//! const TABLE: &[Flag] = &[Flag::new("format", Kind::String, "output format: json or yaml").short('o').default("json")];
//!
//! let outcome = parse(TABLE, ["-oyaml".to_owned()], &|_| None, EnvPolicy::IgnoreInvalid)?;
//! let Outcome::Run(values) = outcome else { return Ok(()) };
//! assert_eq!(values.string("format"), "yaml");
//! # Ok::<(), sealed_secrets_flags::ParseError>(())
//! ```

mod csv;
mod duration;
mod error;
mod flag;
pub mod number;
mod parse;
mod quote;
mod usage;
mod values;

pub use duration::{DurationError, GoDuration};
pub use error::ParseError;
pub use flag::{Check, Flag, Kind};
pub use parse::{EnvPolicy, Outcome, environment_name, parse};
pub use quote::{prints, quote, quote_ascii, quote_char};
pub use usage::usage;
pub use values::{Source, Values};
