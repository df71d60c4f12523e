//! Asks the controller whether it can open SealedSecrets (spec/kubeseal-cli.md 10.5).

use sealed_secrets_resource::document::to_json_compact;

use crate::args::Args;
use crate::cluster::{Controller, Verdict};
use crate::error::{Error, Result};
use crate::input::{self, Input};

/// Stops at the first that does not open. Writes nothing, so a result file is not looked at (decision 10).
pub(super) fn run(args: &Args, input: Input) -> Result<()> {
    let controller = Controller::connect(args)?;
    let read = input.read().and_then(|text| input::sealed_secrets(&text));
    // The reference's words, which scripts match, with the cause behind them.
    let sealed_secrets = read.map_err(|error| error.prefix("unable to decrypt sealed secret: "))?;
    if sealed_secrets.is_empty() {
        return Err(
            Error::new("no sealed secrets found").hint("is the input empty, or are these documents of another kind?")
        );
    }
    for sealed_secret in sealed_secrets {
        let body = to_json_compact(&sealed_secret).map_err(|error| Error::new(error.to_string()))?;
        if controller.verify(body)? == Verdict::DoesNotOpen {
            return Err(Error::new(format!("unable to decrypt sealed secret: {}", sealed_secret.metadata.name))
                .hint("was it sealed for another cluster or with a lost key, or renamed or moved after sealing?"));
        }
    }
    Ok(())
}
