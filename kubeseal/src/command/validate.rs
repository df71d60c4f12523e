//! Asks the controller whether it can open SealedSecrets (spec/kubeseal-cli.md 10.5).

use super::none_found;
use crate::args::Args;
use crate::cluster::{Controller, Verdict};
use crate::error::{Error, Result};
use crate::input::{self, Input};

/// Stops at the first that does not open. Writes nothing, so a result file is not looked at (decision 10).
pub(super) fn run(args: &Args, input: Input) -> Result<()> {
    let controller = Controller::connect(&args.access())?;
    let name = input.name();
    let read = input.read().and_then(|text| input::sealed_secrets(&text, &name));
    // The reference's words, which scripts match, with the cause behind them.
    let sealed_secrets = read.map_err(|error| error.prefix("unable to decrypt sealed secret: "))?;
    if sealed_secrets.is_empty() {
        return Err(none_found());
    }
    for sealed_secret in sealed_secrets {
        if controller.verify(&sealed_secret)? == Verdict::DoesNotOpen {
            return Err(Error::new(format!("unable to decrypt sealed secret: {}", sealed_secret.metadata.name))
                .hint("was it sealed for another cluster or with a lost key, or renamed or moved after sealing?"));
        }
    }
    Ok(())
}
