//! `kubeseal`: seals Kubernetes Secrets so that only the controller in the cluster can open them.
//!
//! Arguments become an [`args::Args`], which picks a [`command`]; errors and hints are printed here and nowhere else.

mod age_file;
mod args;
mod certificate_source;
mod certificate_url;
mod cluster;
mod command;
mod error;
mod flag_table;
mod input;
mod key_files;
mod klog_flags;
mod kubeconfig;
mod log;
mod output;
mod parallel;
mod proxy;
mod repository;
mod subcommand;
mod transport;
mod trust;
mod web;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use args::Invocation;
use error::{Error, Result};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = arguments.next().map_or_else(|| "kubeseal".to_owned(), |name| name.to_string_lossy().into_owned());
    match run(&program, arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Error::Usage(_) = error {
                say(args::usage_text(&program).trim_end());
            }
            let text = error.to_string();
            if !text.is_empty() {
                say(&text);
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(program: &str, arguments: impl Iterator<Item = OsString>) -> Result<()> {
    let arguments = arguments.map(OsString::into_string).collect::<std::result::Result<Vec<_>, _>>();
    let arguments = arguments.map_err(|_| Error::Usage("an argument is not valid UTF-8".to_owned()))?;
    match args::read(program, arguments, &|name| std::env::var(name).ok())? {
        Invocation::Print(text) => output::write_stdout(text.as_bytes()),
        Invocation::Run(args) => command::run(&args),
        Invocation::Subcommand(subcommand, arguments) => subcommand.run(arguments),
    }
}

/// Writes a line to standard error. That nobody may be reading it changes nothing about the run.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
