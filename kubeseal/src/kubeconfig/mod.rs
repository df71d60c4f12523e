//! Which cluster, as whom, and in which namespace: kubeconfig files, the flags that override them, and the service account
//! of a pod (spec/kubeseal-cli.md 6).
//!
//! Reading a kubeconfig is plain file work; no network and no runtime is needed for the namespace.

mod connection;
mod exec_plugin;
mod file;
mod oidc;
mod selection;
mod service_account;

pub(crate) use connection::{Connection, Patience, connection};

use sealed_secrets_resource::Namespace;

use crate::error::{Error, Result};
use crate::log::Log;
use file::Kubeconfig;
use selection::Selection;
use service_account::ServiceAccount;

/// The flags that pick from a kubeconfig or override it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) kubeconfig: Option<String>,
    pub(crate) context: Option<String>,
    pub(crate) cluster: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) server: Option<String>,
    pub(crate) certificate_authority: Option<String>,
    pub(crate) insecure_skip_tls_verify: bool,
    pub(crate) tls_server_name: Option<String>,
    pub(crate) proxy_url: Option<String>,
    pub(crate) client_certificate: Option<String>,
    pub(crate) client_key: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) impersonate: Option<String>,
    pub(crate) impersonate_uid: Option<String>,
    pub(crate) impersonate_groups: Vec<String>,
    /// The text of `--request-timeout`, if it was given.
    pub(crate) request_timeout: Option<String>,
}

/// The namespace to seal for: the one asked for, else that of the selected context, else that of the pod, else `default`.
///
/// # Errors
/// Without a namespace that was asked for, the kubeconfig must be usable.
pub(crate) fn namespace(asked: Option<&str>, overrides: &Overrides, log: &Log) -> Result<Namespace> {
    let implicit = |name: String| Namespace { name, explicit: false };
    if let Some(asked) = asked {
        return Ok(Namespace { name: asked.to_owned(), explicit: true });
    }
    let kubeconfig = file::load(overrides.kubeconfig.as_deref(), log)?;
    let (name, usable) = context_namespace(&kubeconfig, overrides);
    match (usable, ServiceAccount::of_this_pod()) {
        (Err(Unusable::Empty), None) => Err(or_offline(no_configuration())),
        (Err(Unusable::Other(error)), _) => Err(error),
        (Ok(()), None) => Ok(implicit(name.unwrap_or_else(|| "default".to_owned()))),
        (Ok(()), Some(_)) if name.is_some() => Ok(implicit(name.unwrap_or_default())),
        (_, Some(pod)) => Ok(implicit(pod.namespace())),
    }
}

/// The namespace that the selected context names, and whether the configuration could be used at all.
fn context_namespace(
    kubeconfig: &Kubeconfig,
    overrides: &Overrides,
) -> (Option<String>, std::result::Result<(), Unusable>) {
    match Selection::of(kubeconfig, overrides) {
        Ok(selection) => {
            let name = selection.namespace.clone();
            (name, selection.check())
        }
        Err(error) => (None, Err(Unusable::Other(error))),
    }
}

/// Why a configuration cannot be used.
#[derive(Debug)]
enum Unusable {
    /// There is none: a pod's service account may stand in.
    Empty,
    /// There is one, with this fault.
    Other(Error),
}

fn no_configuration() -> Error {
    Error::new(NO_CONFIGURATION).hint("name a kubeconfig with --kubeconfig or KUBECONFIG")
}

const NO_CONFIGURATION: &str =
    "invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable";

/// What to try where a cluster is missing that could be done without.
pub(crate) fn or_offline(error: Error) -> Error {
    if error.message() == NO_CONFIGURATION {
        error.hint("name a kubeconfig with --kubeconfig or KUBECONFIG, or work offline with --cert and --namespace")
    } else {
        error
    }
}
