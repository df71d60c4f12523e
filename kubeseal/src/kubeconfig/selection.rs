//! What a kubeconfig and the flags come to: one cluster, one user, one namespace, checked as kubectl checks them.

use std::fs::File;
use std::path::Path;

use sealed_secrets_flags::quote;

use super::file::{Cluster, Kubeconfig, User};
use super::{Overrides, Unusable};
use crate::error::{Error, Result, io_cause};
use crate::proxy::Proxy;

/// The entries in force, flags applied.
#[derive(Debug, Default)]
pub(super) struct Selection {
    pub(super) cluster_name: String,
    /// Whether a file defines the cluster: such an entry is never "no configuration".
    cluster_defined: bool,
    pub(super) cluster: Cluster,
    pub(super) user_name: String,
    pub(super) user: User,
    /// The namespace of the context, if it names one.
    pub(super) namespace: Option<String>,
}

impl Selection {
    /// Picks the entries and applies the flags. What the files merely refer to may be missing, what a flag names may not.
    ///
    /// # Errors
    /// A context, cluster or user that was asked for and does not exist.
    pub(super) fn of(kubeconfig: &Kubeconfig, overrides: &Overrides) -> Result<Selection> {
        let missing = |what: &str, name: &str| Err(Error::new(format!("{what} {} does not exist", quote(name))));
        let context_name = overrides.context.as_ref().unwrap_or(&kubeconfig.current_context);
        let context = match kubeconfig.contexts.get(context_name) {
            Some(context) => context.clone(),
            None if overrides.context.is_some() => return missing("context", context_name),
            None => super::file::Context::default(),
        };
        let user_name = overrides.user.clone().or(context.user).unwrap_or_default();
        let user = kubeconfig.users.get(&user_name);
        if user.is_none() && overrides.user.is_some() {
            return missing("auth info", &user_name);
        }
        let cluster_name = overrides.cluster.clone().or(context.cluster).unwrap_or_default();
        let cluster = kubeconfig.clusters.get(&cluster_name);
        if cluster.is_none() && overrides.cluster.is_some() {
            return missing("cluster", &cluster_name);
        }
        if !context_name.is_empty() && !kubeconfig.contexts.contains_key(context_name) {
            return missing("context", context_name);
        }
        Ok(Selection {
            cluster_defined: cluster.is_some(),
            cluster: overridden_cluster(cluster.cloned().unwrap_or_default(), overrides),
            user: overridden_user(user.cloned().unwrap_or_default(), overrides),
            namespace: context.namespace.filter(|name| !name.is_empty()),
            cluster_name,
            user_name,
        })
    }

    /// Checks that the entries are complete and that the files they name can be read.
    pub(super) fn check(&self) -> std::result::Result<(), Unusable> {
        let user_faults = self.user_faults();
        if self.is_empty_cluster() {
            if user_faults.is_empty() {
                return Err(Unusable::Empty);
            }
            let faults = user_faults.into_iter().chain(["cluster has no server defined".to_owned()]);
            return invalid(faults.collect());
        }
        let faults: Vec<String> = user_faults.into_iter().chain(self.cluster_faults()).collect();
        if faults.is_empty() { Ok(()) } else { invalid(faults) }
    }

    /// Whether there is nothing at all about a cluster, in files and flags.
    fn is_empty_cluster(&self) -> bool {
        let cluster = &self.cluster;
        let texts = [
            &cluster.server,
            &cluster.certificate_authority,
            &cluster.certificate_authority_data,
            &cluster.tls_server_name,
            &cluster.proxy_url,
        ];
        !self.cluster_defined
            && !cluster.insecure_skip_tls_verify.unwrap_or(false)
            && texts.iter().all(|text| !given(text))
    }

    fn cluster_faults(&self) -> Vec<String> {
        let (cluster, name) = (&self.cluster, &self.cluster_name);
        let mut faults = Vec::new();
        if !given(&cluster.server) {
            faults.push(match name.as_str() {
                "" => "default cluster has no server defined".to_owned(),
                name => format!("no server found for cluster {}", quote(name)),
            });
        }
        if let Some(Err(problem)) = cluster.proxy_url.as_deref().filter(|url| !url.is_empty()).map(Proxy::parse) {
            faults.push(format!("invalid 'proxy-url' for cluster {}: it {problem}", quote(name)));
        }
        if given(&cluster.certificate_authority) && given(&cluster.certificate_authority_data) {
            faults.push(format!(
                "certificate-authority-data and certificate-authority are both specified for {name}. \
                 certificate-authority-data will override."
            ));
        }
        faults.extend(unreadable("certificate-authority", &cluster.certificate_authority, name));
        faults
    }

    fn user_faults(&self) -> Vec<String> {
        let (user, name) = (&self.user, &self.user_name);
        let mut faults = Vec::new();
        let mut methods = Vec::new();
        if given(&user.token) {
            methods.push("token");
        }
        if given(&user.username) || given(&user.password) {
            methods.push("basicAuth");
        }
        if given(&user.client_certificate) || given(&user.client_certificate_data) {
            for (file, data, word) in [
                (&user.client_certificate, &user.client_certificate_data, "client-cert"),
                (&user.client_key, &user.client_key_data, "client-key"),
            ] {
                if given(file) && given(data) {
                    faults.push(format!(
                        "{word}-data and {word} are both specified for {name}. {word}-data will override."
                    ));
                }
            }
            if !given(&user.client_key) && !given(&user.client_key_data) {
                faults.push(format!(
                    "client-key-data or client-key must be specified for {name} to use the clientCert authentication method."
                ));
            }
            faults.extend(unreadable("client-cert", &user.client_certificate, name));
            faults.extend(unreadable("client-key", &user.client_key, name));
        }
        faults.extend(self.exec_faults());
        if methods.len() > 1 {
            faults.push(format!(
                "more than one authentication method found for {name}; found [{}], only one is allowed",
                methods.join(" ")
            ));
        }
        let extra = user.impersonate_groups.as_ref().is_some_and(|groups| !groups.is_empty())
            || user.impersonate_user_extra.as_ref().is_some_and(|extra| !extra.is_empty())
            || given(&user.impersonate_uid);
        if extra && !given(&user.impersonate) {
            faults.push(format!("requesting uid, groups or user-extra for {name} without impersonating a user"));
        }
        faults
    }

    fn exec_faults(&self) -> Vec<String> {
        let name = &self.user_name;
        let Some(exec) = &self.user.exec else { return Vec::new() };
        let mut faults = Vec::new();
        if self.user.auth_provider.is_some() {
            faults.push(format!("authProvider cannot be provided in combination with an exec plugin for {name}"));
        }
        if !given(&exec.command) {
            faults.push(format!("command must be specified for {name} to use exec authentication plugin"));
        }
        if !given(&exec.api_version) {
            faults.push(format!("apiVersion must be specified for {name} to use exec authentication plugin"));
        }
        let version_one = exec.api_version.as_deref() == Some("client.authentication.k8s.io/v1");
        if version_one && exec.interactive_mode.is_none() {
            faults.push(format!("interactiveMode must be specified for {name} to use exec authentication plugin"));
        }
        faults
    }
}

fn overridden_cluster(mut cluster: Cluster, overrides: &Overrides) -> Cluster {
    if overrides.insecure_skip_tls_verify || overrides.certificate_authority.is_some() {
        cluster.insecure_skip_tls_verify = Some(overrides.insecure_skip_tls_verify);
        cluster.certificate_authority.clone_from(&overrides.certificate_authority);
        cluster.certificate_authority_data = None;
    }
    // The name in the file belongs to the server in the file.
    if overrides.server.is_some() || overrides.tls_server_name.is_some() {
        cluster.tls_server_name.clone_from(&overrides.tls_server_name);
    }
    replace(&mut cluster.server, &overrides.server);
    replace(&mut cluster.proxy_url, &overrides.proxy_url);
    cluster
}

fn overridden_user(mut user: User, overrides: &Overrides) -> User {
    if overrides.client_certificate.is_some() {
        user.client_certificate_data = None;
    }
    if overrides.client_key.is_some() {
        user.client_key_data = None;
    }
    replace(&mut user.client_certificate, &overrides.client_certificate);
    replace(&mut user.client_key, &overrides.client_key);
    if overrides.token.is_some() {
        user.token_file = None;
    }
    replace(&mut user.token, &overrides.token);
    replace(&mut user.username, &overrides.username);
    replace(&mut user.password, &overrides.password);
    replace(&mut user.impersonate, &overrides.impersonate);
    replace(&mut user.impersonate_uid, &overrides.impersonate_uid);
    if !overrides.impersonate_groups.is_empty() {
        user.impersonate_groups = Some(overrides.impersonate_groups.clone());
    }
    user
}

fn replace(field: &mut Option<String>, flag: &Option<String>) {
    if flag.is_some() {
        field.clone_from(flag);
    }
}

pub(super) fn given(text: &Option<String>) -> bool {
    text.as_ref().is_some_and(|text| !text.is_empty())
}

fn unreadable(what: &str, path: &Option<String>, owner: &str) -> Option<String> {
    let path = path.as_deref().filter(|path| !path.is_empty())?;
    let error = File::open(Path::new(path)).err()?;
    let owner = if owner.is_empty() { String::new() } else { format!(" for {owner}") };
    Some(format!("unable to read {what} {path}{owner} due to open {path}: {}", io_cause(&error)))
}

fn invalid(faults: Vec<String>) -> std::result::Result<(), Unusable> {
    let text = if faults.len() == 1 { faults.concat() } else { format!("[{}]", faults.join(", ")) };
    Err(Unusable::Other(Error::new(format!("invalid configuration: {text}"))))
}

#[cfg(test)]
#[path = "selection_tests.rs"]
mod tests;
