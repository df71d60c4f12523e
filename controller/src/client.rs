//! The way to the API server: address, credentials, own namespace (spec/controller.md 2.1, 3.1).

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::header::USER_AGENT;
use http::{HeaderValue, Uri};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt};
use kube::config::{KubeConfigOptions, Kubeconfig};
use tower::{BoxError, ServiceBuilder};
use tracing::error;

use crate::api::chain;
use crate::args::VERSION;

const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// Longest time that the API server is asked to keep a watch going, in seconds. Short, so that a connection that died
/// without a word is noticed within a minute; a watch that ends by itself goes on without a list.
pub const LONGEST_WATCH: u32 = 45;
/// Longest silence on a connection. Above the longest watch.
const SILENCE: Duration = Duration::from_secs(55);

/// Why there is no way to the API server.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Neither in-cluster variables nor a kubeconfig.
    #[error(
        "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined"
    )]
    NotInCluster,
    /// The variables do not make an address.
    #[error(
        "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT do not make an address"
    )]
    BadAddress,
    /// The service account's token is missing.
    #[error("unable to load in-cluster configuration, open {path}: {reason}")]
    NoToken {
        /// Its place.
        path: String,
        /// Why it cannot be read.
        reason: String,
    },
    /// The proxy's setting is no URL. It may hold a password and is not repeated.
    #[error("HTTPS_PROXY is not a URL")]
    BadProxy,
    /// The kubeconfig cannot be used.
    #[error("unable to load the file named by KUBECONFIG: {0}")]
    Kubeconfig(String),
    /// Certificates or credentials cannot be used.
    #[error("unable to set up the client of the API server: {0}")]
    Setup(String),
}

/// Makes the client: from the service account in a cluster, else from the file that `KUBECONFIG` names.
pub async fn connect(environment: &dyn Fn(&str) -> Option<String>) -> Result<kube::Client, ClientError> {
    let filled = |name: &str| environment(name).filter(|value| !value.is_empty());
    let in_cluster = filled("KUBERNETES_SERVICE_HOST").zip(filled("KUBERNETES_SERVICE_PORT"));
    let mut config = match (in_cluster, filled("KUBECONFIG")) {
        (Some((host, port)), _) => service_account(&host, &port)?,
        (None, Some(_)) => kubeconfig().await?,
        (None, None) => return Err(ClientError::NotInCluster),
    };
    // Refusals are handled where the calls are made: its own repetition lasts minutes, also at start.
    config.default_retry = false;
    // The API server makes the name before the slash the field manager, as it does for the reference.
    let agent = format!("controller/{VERSION} (sealed-secrets)");
    config.headers.extend(HeaderValue::from_str(&agent).ok().map(|agent| (USER_AGENT, agent)));
    config.read_timeout = Some(SILENCE);
    config.reset_reader_on_write = true;
    if config.proxy_url.is_none() {
        config.proxy_url = proxy(&config.cluster_url, environment)?;
    }
    client(config).map_err(|error| ClientError::Setup(chain(&error)))
}

/// The client that kube makes of such a configuration, but that nothing is held back on new connections: without
/// `TCP_NODELAY` the first request waits until the end of the TLS handshake was acknowledged, which takes the other side 40 ms.
fn client(config: kube::Config) -> Result<kube::Client, kube::Error> {
    if config.proxy_url.is_some() {
        return kube::Client::try_from(config);
    }
    let mut plain = HttpConnector::new();
    plain.enforce_http(false);
    plain.set_nodelay(true);
    let mut connector = TimeoutConnector::new(config.rustls_https_connector_with_connector(plain)?);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_write_timeout(config.write_timeout);
    connector.set_reset_reader_on_write(config.reset_reader_on_write);
    let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build::<_, Body>(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(Into::<BoxError>::into)
        .service(http);
    Ok(kube::Client::new(service, config.default_namespace))
}

/// The namespace the controller runs in. First match of `POD_NAMESPACE`, the service account's, `default`.
pub fn own_namespace(environment: &dyn Fn(&str) -> Option<String>) -> String {
    let mounted = || fs::read_to_string(format!("{ACCOUNT}/namespace")).ok();
    let mounted = || mounted().map(|text| text.trim().to_owned());
    environment("POD_NAMESPACE")
        .filter(|name| !name.is_empty())
        .or_else(|| mounted().filter(|name| !name.is_empty()))
        .unwrap_or_else(|| "default".to_owned())
}

fn service_account(host: &str, port: &str) -> Result<kube::Config, ClientError> {
    let mut config = kube::Config::new(service_address(host, port)?);

    let token = format!("{ACCOUNT}/token");
    // Only whether it can be read; the client reads it again whenever it may have been replaced.
    fs::File::open(&token).map_err(|error| ClientError::NoToken { path: token.clone(), reason: error.to_string() })?;
    config.auth_info.token_file = Some(token);

    let authority = PathBuf::from(format!("{ACCOUNT}/ca.crt"));
    match fs::File::open(&authority) {
        Ok(_) => {
            // The file is what counts and is read again when it changes; the empty list keeps system roots out.
            config.root_cert = Some(Vec::new());
            config.root_cert_file = Some(authority);
        }
        Err(error) => error!(error = %error, "Expected to load root CA config, using the system's"),
    }
    Ok(config)
}

/// The address of the API server, by name or by IP address of either version.
fn service_address(host: &str, port: &str) -> Result<Uri, ClientError> {
    let host = match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => host.to_owned(),
    };
    let port: u16 = port.parse().map_err(|_| ClientError::BadAddress)?;
    format!("https://{host}:{port}").parse().map_err(|_| ClientError::BadAddress)
}

/// The files that `KUBECONFIG` names, merged.
async fn kubeconfig() -> Result<kube::Config, ClientError> {
    let refused = |error: kube::config::KubeconfigError| ClientError::Kubeconfig(chain(&error));
    let files = Kubeconfig::from_env().map_err(refused)?.ok_or(ClientError::NotInCluster)?;
    kube::Config::from_custom_kubeconfig(files, &KubeConfigOptions::default()).await.map_err(refused)
}

/// The proxy that `HTTPS_PROXY` (or `HTTP_PROXY`, for a plain address) and `NO_PROXY` choose. This machine is never reached
/// through one.
fn proxy(target: &Uri, environment: &dyn Fn(&str) -> Option<String>) -> Result<Option<Uri>, ClientError> {
    let either = |upper: &str, lower: &str| environment(upper).or_else(|| environment(lower)).unwrap_or_default();
    let host = target.host().unwrap_or_default().trim_matches(['[', ']']);
    let address: Option<IpAddr> = host.parse().ok();
    let setting = match target.scheme_str() {
        Some("https") => either("HTTPS_PROXY", "https_proxy"),
        _ => either("HTTP_PROXY", "http_proxy"),
    };
    if setting.is_empty() || host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return Ok(None);
    }
    let matcher = Matcher::builder().all(setting.clone()).no(either("NO_PROXY", "no_proxy")).build();
    if matcher.intercept(target).is_none() {
        return Ok(None);
    }
    let url = if setting.contains("://") { setting } else { format!("http://{setting}") };
    url.parse().map(Some).map_err(|_| ClientError::BadProxy)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn pod_namespace_wins_and_an_empty_one_does_not_count() {
        let set = |value: &'static str| move |name: &str| (name == "POD_NAMESPACE").then(|| value.to_owned());
        assert_eq!(own_namespace(&set("keys")), "keys");
        if fs::metadata(ACCOUNT).is_err() {
            assert_eq!(own_namespace(&set("")), "default");
        }
    }

    #[test]
    fn the_api_server_may_have_a_name_or_an_address_of_either_version() {
        let cases = [
            ("10.96.0.1", "443", Some("https://10.96.0.1:443/")),
            ("fd00:10:96::1", "443", Some("https://[fd00:10:96::1]:443/")),
            ("kubernetes.default.svc", "6443", Some("https://kubernetes.default.svc:6443/")),
            ("no host", "443", None),
            ("10.96.0.1", "https", None),
        ];
        for (host, port, want) in cases {
            let address = service_address(host, port).ok().map(|address| address.to_string());
            assert_eq!(address.as_deref(), want, "{host} {port}");
        }
    }

    #[test]
    fn the_proxy_of_the_environment_is_used_except_for_what_no_proxy_names() {
        let with = |target: &str, no_proxy: &'static str| {
            let environment = move |name: &str| match name {
                "HTTPS_PROXY" => Some("http://user:word@proxy:3128".to_owned()),
                "no_proxy" => Some(no_proxy.to_owned()),
                _ => None,
            };
            proxy(&target.parse().unwrap(), &environment).unwrap().map(|url| url.to_string())
        };
        let used = Some("http://user:word@proxy:3128/".to_owned());
        assert_eq!(with("https://api.example:6443", ""), used);
        assert_eq!(with("https://10.96.0.1", "10.0.0.0/8"), None);
        assert_eq!(with("https://api.example:6443", ".example,x"), None);
        assert_eq!(with("https://api.example:6443", "other"), used);
        assert_eq!(with("https://127.0.0.1:6443", ""), None);
        assert_eq!(with("http://api.example", ""), None, "HTTP_PROXY is not set");
    }
}
