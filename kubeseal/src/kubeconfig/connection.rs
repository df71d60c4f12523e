//! From the selected entries to what a client needs: addresses, trust and credentials.

use std::fs;
use std::time::Duration;

use http::{HeaderValue, Uri};
use kube::Config;
use kube::config::AuthInfo;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sealed_secrets_flags::number::parse_int;
use sealed_secrets_flags::{GoDuration, quote};
use sealed_secrets_resource::{decode_base64, encode_base64};

use super::file::{self, User};
use super::selection::{Selection, given};
use super::service_account::ServiceAccount;
use super::{Overrides, Unusable, exec_plugin, no_configuration, oidc};
use crate::certificate_url::without_password;
use crate::error::{Error, Result, io_cause};
use crate::log::Log;
use crate::proxy::Proxy;

/// How to reach the API server.
pub(crate) struct Connection {
    /// Address, trust and credentials, in kube's terms. Its own proxy and retry settings are not used.
    pub(crate) config: Config,
    /// The proxy of the kubeconfig or the flag; those of the environment are not in here.
    pub(crate) proxy: Option<Proxy>,
    /// How long to wait for one reply.
    pub(crate) patience: Patience,
}

/// How long to wait for one reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Nothing was said: long enough for any server that is alive.
    Default,
    /// For ever, which `--request-timeout 0` asks for.
    Endless,
    /// So long.
    Limit(Duration),
}

/// Selects and checks the cluster to talk to, runs an exec plugin if the user needs one.
///
/// # Errors
/// A configuration that is missing or has faults, in the words of kubectl.
pub(crate) fn connection(overrides: &Overrides, log: &Log) -> Result<Connection> {
    let kubeconfig = file::load(overrides.kubeconfig.as_deref(), log)?;
    let selection = Selection::of(&kubeconfig, overrides)?;
    let selection = match (selection.check(), ServiceAccount::of_this_pod()) {
        (Ok(()), _) => selection,
        (Err(Unusable::Empty), None) => return Err(no_configuration()),
        (Err(Unusable::Empty), Some(pod)) => of_pod(selection, &pod),
        (Err(Unusable::Other(error)), _) => return Err(error),
    };
    let patience = patience(overrides.request_timeout.as_deref())?;
    let proxy = match selection.cluster.proxy_url.as_deref().filter(|url| !url.is_empty()) {
        Some(url) => Some(Proxy::parse(url).map_err(|problem| Error::new(format!("the proxy URL {problem}")))?),
        None => None,
    };
    Ok(Connection { config: config(selection)?, proxy, patience })
}

/// What a pod's service account stands for; flags that were given stay in force.
fn of_pod(mut selection: Selection, pod: &ServiceAccount) -> Selection {
    let path = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
    if !given(&selection.cluster.server) {
        selection.cluster.server = Some(pod.server());
    }
    if !given(&selection.cluster.certificate_authority) && pod.certificate_authority().exists() {
        selection.cluster.certificate_authority = Some(path(pod.certificate_authority()));
    }
    if !given(&selection.user.token) {
        selection.user.token_file = Some(path(pod.token_file()));
    }
    selection
}

fn config(mut selection: Selection) -> Result<Config> {
    let server = selection.cluster.server.take().unwrap_or_default();
    let server = if server.contains("://") { server } else { format!("http://{server}") };
    let invalid = |_| Error::new(format!("invalid server URL {}", quote(&without_password(&server))));
    let url: Uri = server.parse().map_err(invalid)?;
    let secure = url.scheme_str().is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
    selection.cluster.server = Some(server);

    let mut config = Config::new(url);
    config.default_retry = false;
    // Credentials go to servers that prove who they are, or at least encrypt; nobody is impersonated without asking.
    config.auth_info = impersonation(&mut selection.user);
    if secure {
        config.accept_invalid_certs = selection.cluster.insecure_skip_tls_verify.unwrap_or(false);
        config.tls_server_name = selection.cluster.tls_server_name.clone().filter(|name| !name.is_empty());
        if !config.accept_invalid_certs {
            config.root_cert = root_certificates(&selection)?;
        }
        config.auth_info = credentials(&selection, config.auth_info)?;
    }
    Ok(config)
}

fn impersonation(user: &mut User) -> AuthInfo {
    AuthInfo {
        impersonate: user.impersonate.take().filter(|name| !name.is_empty()),
        impersonate_uid: user.impersonate_uid.take().filter(|uid| !uid.is_empty()),
        impersonate_groups: user.impersonate_groups.take(),
        impersonate_user_extra: user.impersonate_user_extra.take(),
        ..AuthInfo::default()
    }
}

fn credentials(selection: &Selection, base: AuthInfo) -> Result<AuthInfo> {
    let user = &selection.user;
    let text = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
    let mut auth = AuthInfo {
        client_certificate: text(&user.client_certificate),
        client_certificate_data: text(&user.client_certificate_data),
        client_key: text(&user.client_key),
        client_key_data: text(&user.client_key_data).map(Into::into),
        ..base
    };
    let mut bearer = token(user)?;
    if bearer.is_some() {
        // Nothing else is asked for credentials then.
    } else if given(&user.username) || given(&user.password) {
        auth.username = Some(user.username.clone().unwrap_or_default());
        auth.password = Some(user.password.clone().unwrap_or_default().into());
    } else if let Some(plugin) = &user.exec {
        let answer = exec_plugin::run(plugin, &selection.cluster)?;
        bearer = answer.token;
        if let (Some(certificate), Some(key)) = (answer.client_certificate_data, answer.client_key_data) {
            auth.client_certificate_data = Some(encode_base64(certificate.as_bytes()));
            auth.client_key_data = Some(encode_base64(key.as_bytes()).into());
        }
    } else if let Some(provider) = &user.auth_provider {
        bearer = Some(oidc::token(provider, &user.origin, &selection.user_name)?);
    }
    if let Some(token) = bearer {
        check_token(&token, &selection.user_name)?;
        auth.token = Some(token.into());
    }
    Ok(auth)
}

/// The bearer token. Its file comes before the one in the kubeconfig, which stands in where the file gives none, as in
/// Kubernetes' own clients; `--token` has removed the file. Files often end in a newline, which is no part of it.
fn token(user: &User) -> Result<Option<String>> {
    let inline = user.token.clone().filter(|token| !token.is_empty());
    let Some(path) = user.token_file.as_deref().filter(|path| !path.is_empty()) else { return Ok(inline) };
    match (fs::read_to_string(path).map(|token| token.trim().to_owned()), inline) {
        (Ok(token), _) if !token.is_empty() => Ok(Some(token)),
        (_, Some(inline)) => Ok(Some(inline)),
        (Ok(_), None) => Err(Error::new(format!("invalid configuration: the token file {path} is empty"))),
        (Err(error), None) => Err(Error::file("open", path, &error)),
    }
}

/// Makes sure that a header can hold the token, whose text no error may show.
fn check_token(token: &str, user: &str) -> Result<()> {
    if HeaderValue::try_from(format!("Bearer {token}")).is_ok() {
        return Ok(());
    }
    let whose = if user.is_empty() { String::new() } else { format!(" of user {}", quote(user)) };
    let what = if token.contains(['\n', '\r']) { "a line break" } else { "a control character" };
    Err(Error::new(format!("invalid configuration: the token{whose} holds {what}")).hint(
        "a token is a single line: in a kubeconfig write it on the line of `token:`, and have a plugin print it without a line break",
    ))
}

/// The certificate authorities of the kubeconfig, if it names any; data beats a file.
fn root_certificates(selection: &Selection) -> Result<Option<Vec<Vec<u8>>>> {
    let cluster = &selection.cluster;
    let pem = if let Some(data) = cluster.certificate_authority_data.as_deref().filter(|data| !data.is_empty()) {
        let name = quote(&selection.cluster_name);
        let problem = |_| {
            let file = selection.cluster.origin.display();
            Error::new(format!(
                "invalid configuration: certificate-authority-data of cluster {name} in {file} is not Base64"
            ))
            .hint("PEM text belongs into a file that certificate-authority names")
        };
        decode_base64(data).map_err(problem)?.to_vec()
    } else if let Some(path) = cluster.certificate_authority.as_deref().filter(|path| !path.is_empty()) {
        let problem = |error| Error::new(format!("unable to read certificate-authority {path}: {}", io_cause(&error)));
        fs::read(path).map_err(problem)?
    } else {
        return Ok(None);
    };
    let found: Vec<Vec<u8>> =
        CertificateDer::pem_slice_iter(&pem).filter_map(|block| Some(block.ok()?.to_vec())).collect();
    if found.is_empty() {
        return Err(Error::new(
            "unable to load root certificates: there is no certificate in the certificate authority's file or data",
        ));
    }
    Ok(Some(found))
}

/// Reads `--request-timeout`: whole seconds or a duration; zero and less wait for ever.
fn patience(text: Option<&str>) -> Result<Patience> {
    let Some(text) = text else { return Ok(Patience::Default) };
    let limit = match parse_int(text, 10, 64) {
        Ok(seconds @ 0..) => Some(Duration::from_secs(seconds.unsigned_abs())),
        _ => text.parse::<GoDuration>().map_err(|_| invalid_timeout())?.to_std(),
    };
    Ok(limit.filter(|limit| !limit.is_zero()).map_or(Patience::Endless, Patience::Limit))
}

fn invalid_timeout() -> Error {
    Error::new(
        "Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit \
         (e.g. 1s | 2m | 3h)",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_request_timeout_is_seconds_or_a_duration() {
        for (text, want) in [
            (None, Patience::Default),
            (Some("0"), Patience::Endless),
            (Some("0s"), Patience::Endless),
            (Some("-1s"), Patience::Endless),
            (Some("5"), Patience::Limit(Duration::from_secs(5))),
            (Some("1m30s"), Patience::Limit(Duration::from_secs(90))),
        ] {
            assert_eq!(patience(text).unwrap(), want, "{text:?}");
        }
        for text in ["soon", "-1", "5d", ""] {
            assert!(
                patience(Some(text)).is_err_and(|error| error.to_string().starts_with("error: Invalid timeout value")),
                "{text}"
            );
        }
    }
}
