//! The certificate, byte for byte as its source gives it (spec/kubeseal-cli.md 10.3).

use crate::args::Args;
use crate::certificate_source;
use crate::error::Result;
use crate::output::Output;

pub(super) fn run(args: &Args) -> Result<()> {
    let mut output = Output::prepare(args.sealed_secret_file.as_deref(), &args.format)?;
    output.write_bytes(&certificate_source::fetch(args)?)?;
    output.commit()
}
