//! One API server, and the requests that it puts off.

use std::time::{Duration, Instant};

use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt};
use sealed_secrets_flags::quote;
use tower::ServiceBuilder;

use super::failure::Failure;
use super::reply::{Answer, Reply};
use super::{Access, USER_AGENT};
use crate::certificate_url::without_password;
use crate::error::{Error, Result, root_cause};
use crate::kubeconfig::{Connection, Patience, connection};
use crate::log::Log;
use crate::proxy::{Proxies, Proxy};
use crate::transport::{Connector, Runtime, Tls, install_crypto};
use crate::trust::Verifier;

/// How often a request is repeated that the server put off.
const MOST_REPEATS: u32 = 10;
/// A server that asks for a longer wait than this is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// Waits from here on are worth a line to whoever is watching.
const LONG_WAIT: Duration = Duration::from_secs(10);
/// Largest reply that is read.
const LARGEST_REPLY: usize = 16 << 20;

/// Sends requests as the kubeconfig says.
pub(super) struct ApiServer {
    client: kube::Client,
    /// As messages show it.
    base: String,
    patience: Patience,
    log: Log,
    runtime: Runtime,
}

impl ApiServer {
    /// Gets ready for requests; none is sent yet.
    ///
    /// # Errors
    /// The faults of the kubeconfig.
    pub(super) fn connect(access: &Access) -> Result<ApiServer> {
        let Connection { config, proxy, patience } = connection(&access.overrides, &access.log)?;
        let runtime = Runtime::start()?;
        let (client, base) = runtime.block_on(async { client(config, proxy) })?;
        Ok(ApiServer { client, base, patience, log: access.log, runtime })
    }

    /// Sends a request, again and again while the server says when to come back. Waits `limit` for each reply, unless
    /// `--request-timeout` says otherwise. An answer that says no is for the caller to put into words.
    ///
    /// # Errors
    /// When the runtime has ended.
    pub(super) fn request(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Option<Bytes>,
        limit: Duration,
    ) -> Result<Answer> {
        self.runtime.block_on(async { Ok(self.repeated(method, path, accept, body, limit).await) })
    }

    async fn repeated(&self, method: Method, path: &str, accept: &str, body: Option<Bytes>, limit: Duration) -> Answer {
        let limit = match self.patience {
            Patience::Default => Some(limit),
            Patience::Endless => None,
            Patience::Limit(limit) => Some(limit),
        };
        let mut repeats = 0;
        loop {
            let reply = self.once(&method, path, accept, body.clone(), limit).await?;
            let put_off = reply.status == StatusCode::TOO_MANY_REQUESTS || reply.status.is_server_error();
            match reply.retry_after {
                Some(seconds) if put_off && repeats < MOST_REPEATS => {
                    repeats += 1;
                    let wait = Duration::from_secs(seconds);
                    if wait > LONGEST_WAIT {
                        let status = reply.status;
                        return Err(format!(
                            "the server answers {status} and asks to come back after {seconds} seconds"
                        )
                        .into());
                    }
                    if wait >= LONG_WAIT {
                        crate::say(&format!("note: the server asks to wait {seconds} seconds"));
                    }
                    tokio::time::sleep(wait).await;
                }
                _ => return Ok(reply),
            }
        }
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        accept: &str,
        body: Option<Bytes>,
        limit: Option<Duration>,
    ) -> Answer {
        let url = format!("{}{path}", self.base);
        let verb = match method.as_str() {
            "GET" => "Get",
            "PATCH" => "Patch",
            _ => "Post",
        };
        let failure = |failure: Failure| failure.prefix(&format!("{verb} {}", quote(&url)));
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::ACCEPT, accept)
            .header(header::USER_AGENT, USER_AGENT);
        if body.is_some() {
            // The form in which `kubectl` changes single fields, and lists by the names of their entries.
            let patch = "application/strategic-merge-patch+json";
            let kind = if method == Method::PATCH { patch } else { "application/json" };
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let request = request
            .body(body.map_or_else(Body::empty, Body::from))
            .map_err(|error| failure(error.to_string().into()))?;
        self.log.line(8, concat!(file!(), ":", line!()), || format!("Request Headers: {:?}", request.headers()));

        let start = Instant::now();
        let exchange = self.exchange(request);
        let reply = match limit {
            None => exchange.await,
            Some(limit) => match tokio::time::timeout(limit, exchange).await {
                Ok(reply) => reply,
                Err(_) => Err(Failure::late(format!("no answer within {} seconds", limit.as_secs_f32()))),
            },
        };
        self.log.line(6, concat!(file!(), ":", line!()), || {
            let outcome = reply.as_ref().map_or_else(|_| "failed".to_owned(), |reply| reply.status.to_string());
            format!("{method} {url} {outcome} in {} milliseconds", start.elapsed().as_millis())
        });
        reply.map_err(failure)
    }

    async fn exchange(&self, request: Request<Body>) -> Answer {
        let reply = self.client.send(request).await.map_err(|error| match error {
            kube::Error::Auth(_) => Failure::about_credentials(&client_fault(&error)),
            error => Failure::without_reply(&error),
        })?;
        let status = reply.status();
        self.log.line(8, concat!(file!(), ":", line!()), || format!("Response Headers: {:?}", reply.headers()));
        let retry_after =
            reply.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let body = Limited::new(reply.into_body(), LARGEST_REPLY)
            .collect()
            .await
            .map_err(|error| Failure::without_reply(&*error))?;
        Ok(Reply { status, retry_after, body: body.to_bytes() })
    }
}

/// The client, and the server's address as messages show it. Must run inside the runtime, because the client keeps a task there.
fn client(config: kube::Config, proxy: Option<Proxy>) -> Result<(kube::Client, String)> {
    let base = without_password(config.cluster_url.to_string().trim_end_matches('/'));
    let failure = |problem: String| Error::new(format!("cannot reach {base}: {problem}"));
    let proxy = match proxy {
        Some(proxy) => Some(proxy),
        None => Proxies::from_environment().choose(&config.cluster_url).map_err(failure)?,
    };
    let secure = config.cluster_url.scheme_str() == Some("https");
    let to_target = if secure { Some(tls(&config)?) } else { None };
    let to_proxy = match &proxy {
        Some(proxy) if proxy.is_https() => Some(Tls::new(crate::transport::system_roots().map_err(failure)?)),
        _ => None,
    };
    let connector = Connector::new(proxy.as_ref(), to_target, to_proxy).map_err(failure)?;
    let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build::<_, Body>(connector);
    let proxy_authorization = proxy.as_ref().and_then(Proxy::authorization).filter(|_| !secure);

    let unusable = |error: kube::Error| Error::new(format!("invalid configuration: {}", client_fault(&error)));
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer().map_err(unusable)?)
        .layer(config.extra_headers_layer().map_err(unusable)?)
        .map_request(move |mut request: Request<Body>| {
            if let Some(value) = &proxy_authorization {
                request.headers_mut().insert(header::PROXY_AUTHORIZATION, value.clone());
            }
            request
        })
        .map_err(Into::<tower::BoxError>::into)
        .service(http);
    Ok((kube::Client::new(service, config.default_namespace), base))
}

fn tls(config: &kube::Config) -> Result<Tls> {
    install_crypto();
    let unusable = |cause: String| Error::new(format!("invalid configuration: {cause}"));
    let mut client = config.rustls_client_config().map_err(|error| unusable(client_fault(&error)))?;
    if let Some(trusted) = config.root_cert.clone() {
        let verifier = Verifier::new(trusted.into_iter().map(Into::into).collect()).map_err(unusable)?;
        client.dangerous().set_certificate_verifier(verifier);
    }
    let tls = Tls::new(client);
    match &config.tls_server_name {
        None => Ok(tls),
        Some(name) => {
            let name =
                name.clone().try_into().map_err(|_| unusable(format!("invalid TLS server name {}", quote(name))))?;
            Ok(tls.expecting(name))
        }
    }
}

/// What went wrong in kube or below it. Its errors about credentials can hold what a credential helper printed, so of those
/// only the kind is told.
fn client_fault(error: &kube::Error) -> String {
    match error {
        kube::Error::Auth(_) => "the credentials of the kubeconfig's user cannot be used".to_owned(),
        error => root_cause(error),
    }
}
