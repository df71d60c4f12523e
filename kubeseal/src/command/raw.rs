//! One value in, the text for `spec.encryptedData` out (spec/kubeseal-cli.md 10.2).

use std::io::{self, IsTerminal};

use sealed_secrets_crypto::SystemRandom;
use sealed_secrets_resource::{Scope, seal_value};
use zeroize::Zeroizing;

use crate::args::Args;
use crate::certificate_source;
use crate::error::{Error, Result};
use crate::input::{self, Input};
use crate::output::Output;
use crate::{kubeconfig, say};

pub(super) fn run(args: &Args) -> Result<()> {
    let mut output = Output::prepare(args.sealed_secret_file.as_deref(), &args.format)?;
    let key = certificate_source::key(args)?;

    let scope = args.scope.unwrap_or_default();
    let namespace = namespace(args, scope)?;
    let name = match (scope, &args.name) {
        (Scope::Strict, None) => return Err(Error::new("must provide the --name flag with --raw and --scope strict")),
        (_, name) => name.as_deref().unwrap_or_default(),
    };
    let value = value(args)?;
    let label = scope.label(&namespace, name);
    let sealed = seal_value(&key, &label, &value, &mut SystemRandom).map_err(|error| Error::new(error.to_string()))?;
    output.write_bytes(sealed.as_bytes())?;
    output.commit()
}

/// The namespace that the value is bound to; none for the whole cluster.
fn namespace(args: &Args, scope: Scope) -> Result<String> {
    if scope == Scope::ClusterWide {
        return Ok(String::new());
    }
    let namespace = kubeconfig::namespace(args.namespace.as_deref(), &args.overrides, &args.log)?;
    if namespace.name.is_empty() {
        return Err(Error::new(format!("must provide the --namespace flag with --raw and --scope {scope}")));
    }
    if !namespace.explicit && io::stderr().is_terminal() {
        say(&format!("note: sealing for namespace {}; --namespace chooses another", namespace.name));
    }
    Ok(namespace.name)
}

fn value(args: &Args) -> Result<Zeroizing<Vec<u8>>> {
    match args.from_file.as_slice() {
        [] => {
            if io::stdin().is_terminal() {
                say("(tty detected: expecting a secret to encrypt in stdin)");
            }
            Input::Stdin.read()
        }
        // What stands before the first equals sign would be an item's name, which the envelope does not hold.
        [entry] => input::read_file(entry.split_once('=').map_or(entry.as_str(), |(_, path)| path)),
        _ => Err(Error::new("must provide only one --from-file when encrypting a single item with --raw")
            .hint("put a path that holds a comma in double quotes: --from-file '\"a,b\"'")),
    }
}
