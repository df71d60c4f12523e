//! Talks to the controller through the API server's service proxy, the only way there is (spec/kubeseal-cli.md 8).

use std::time::{Duration, Instant};

use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt};
use sealed_secrets_flags::quote;
use serde_json::Value;
use tower::ServiceBuilder;

use crate::args::Args;
use crate::error::{Error, Result, root_cause};
use crate::kubeconfig::{Connection, Patience, connection};
use crate::log::Log;
use crate::proxy::Proxies;
use crate::transport::{Connector, Runtime, Tls, install_crypto};
use crate::trust::Verifier;

/// How requests introduce themselves.
pub(crate) const USER_AGENT: &str = concat!("kubeseal/", env!("CARGO_PKG_VERSION"));

/// Longest wait for one reply when no limit was asked for. A server that is alive answers in milliseconds.
const DEFAULT_LIMIT: Duration = Duration::from_secs(9);
/// How often a request is repeated that the server put off.
const MOST_REPEATS: u32 = 10;
/// Waits from here on are worth a line to whoever is watching.
const LONG_WAIT: Duration = Duration::from_secs(10);
/// Largest reply that is read.
const LARGEST_REPLY: usize = 16 << 20;

/// The controller behind its Service.
pub(crate) struct Controller {
    server: ApiServer,
    runtime: Runtime,
    namespace: String,
    /// `http:<name>:<port name>`, the form that access rules list.
    service: String,
}

/// What the verify endpoint says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Opens,
    DoesNotOpen,
}

impl Controller {
    /// Finds the Service of the controller.
    ///
    /// # Errors
    /// `cannot get sealed secret service: …`, or the faults of the kubeconfig.
    pub(crate) fn connect(args: &Args) -> Result<Controller> {
        let connection = connection(&args.overrides, &args.log)?;
        let runtime = Runtime::start()?;
        let server = runtime.block_on(async { ApiServer::new(connection, args.log) })?;
        let (namespace, name) = (segment(&args.controller_namespace), segment(&args.controller_name));
        let path = format!("/api/v1/namespaces/{namespace}/services/{name}");
        let service = run(&runtime, server.request(Method::GET, &path, "application/json", None))?;
        let service = service.and_then(|reply| reply.success("get", &format!("services {name}")));
        let port = match service.and_then(|body| port_name(&body)) {
            Ok(port) => port,
            Err(cause) => {
                return Err(Error::new(format!("cannot get sealed secret service: {cause}")).hint(
                    "use --controller-name and --controller-namespace if the controller's Service has another name or namespace",
                ));
            }
        };
        let service = format!("http:{name}:{}", segment(&port));
        Ok(Controller { server, runtime, namespace, service })
    }

    /// The certificate that the controller publishes, as PEM text.
    ///
    /// # Errors
    /// `cannot fetch certificate: …`.
    pub(crate) fn certificate(&self) -> Result<Vec<u8>> {
        let reply = self.proxied(Method::GET, "cert.pem", "application/x-pem-file, */*", None)?;
        let body = reply.and_then(|reply| reply.success("get", &self.resource()));
        body.map(|body| body.to_vec()).map_err(|cause| Error::new(format!("cannot fetch certificate: {cause}")))
    }

    /// Asks whether the controller can open a SealedSecret, given as JSON.
    ///
    /// # Errors
    /// `cannot validate sealed secret: …` for every answer but yes and no.
    pub(crate) fn verify(&self, sealed_secret: String) -> Result<Verdict> {
        let reply = self.proxied(Method::POST, "verify", "*/*", Some(sealed_secret.into()))?;
        match reply {
            Ok(reply) if reply.status == StatusCode::CONFLICT => Ok(Verdict::DoesNotOpen),
            reply => match reply.and_then(|reply| reply.success("post", &self.resource())) {
                Ok(_) => Ok(Verdict::Opens),
                Err(cause) => Err(Error::new(format!("cannot validate sealed secret: {cause}"))),
            },
        }
    }

    fn proxied(&self, method: Method, endpoint: &str, accept: &str, body: Option<Bytes>) -> Result<Answer> {
        let path = format!("/api/v1/namespaces/{}/services/{}/proxy/v1/{endpoint}", self.namespace, self.service);
        run(&self.runtime, self.server.request(method, &path, accept, body))
    }

    fn resource(&self) -> String {
        format!("services {}", self.service)
    }
}

/// An answer that says no is for the caller to put into words.
fn run(runtime: &Runtime, request: impl Future<Output = Answer>) -> Result<Answer> {
    runtime.block_on(async { Ok(request.await) })
}

/// A reply, or why there is none.
type Answer = std::result::Result<Reply, String>;

struct Reply {
    status: StatusCode,
    retry_after: Option<u64>,
    body: Bytes,
}

impl Reply {
    /// The body of a successful reply, otherwise the cause in the words of the API's Go client.
    fn success(self, verb: &str, resource: &str) -> std::result::Result<Bytes, String> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        if let Some(message) = status_message(&self.body) {
            return Err(message);
        }
        let text = String::from_utf8_lossy(&self.body);
        let cause = match self.status.as_u16() {
            400 => "the server rejected our request for an unknown reason".to_owned(),
            401 => "the server has asked for the client to provide credentials".to_owned(),
            403 | 406 | 415 if !text.trim().is_empty() => text.trim().to_owned(),
            404 => "the server could not find the requested resource".to_owned(),
            405 => "the server does not allow this method on the requested resource".to_owned(),
            409 => "the server reported a conflict".to_owned(),
            429 => "the server has received too many requests and has asked us to try again later".to_owned(),
            503 => "the server is currently unable to handle the request".to_owned(),
            504 => "the server was unable to return a response in the time allotted, but may still be processing the request".to_owned(),
            500.. => format!("an error on the server ({}) has prevented the request from succeeding", quote(text.trim())),
            code => format!("the server responded with the status code {code} but did not return more information"),
        };
        Err(format!("{cause} ({verb} {resource})"))
    }
}

/// The message of a Kubernetes `Status` that reports a failure.
fn status_message(body: &[u8]) -> Option<String> {
    let status: Value = serde_json::from_slice(body).ok()?;
    let failed = status["kind"] == "Status" && status["status"] == "Failure";
    status["message"].as_str().filter(|message| failed && !message.is_empty()).map(str::to_owned)
}

/// The name of the Service's first port; empty if it has none, or no ports at all.
fn port_name(service: &[u8]) -> std::result::Result<String, String> {
    let service: Value =
        serde_json::from_slice(service).map_err(|_| "the API server's reply is not JSON".to_owned())?;
    Ok(service["spec"]["ports"][0]["name"].as_str().unwrap_or_default().to_owned())
}

struct ApiServer {
    client: kube::Client,
    base: String,
    limit: Option<Duration>,
    log: Log,
}

impl ApiServer {
    /// Must run inside the runtime, because the client keeps a task there.
    fn new(connection: Connection, log: Log) -> Result<ApiServer> {
        let Connection { config, proxy, patience } = connection;
        let failure = |problem: String| Error::new(format!("cannot reach {}: {problem}", config.cluster_url));
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
        let proxy_authorization = proxy.as_ref().and_then(crate::proxy::Proxy::authorization).filter(|_| !secure);

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
        let limit = match patience {
            Patience::Default => Some(DEFAULT_LIMIT),
            Patience::Endless => None,
            Patience::Limit(limit) => Some(limit),
        };
        let base = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        Ok(ApiServer { client: kube::Client::new(service, config.default_namespace), base, limit, log })
    }

    /// Sends a request, again and again while the server says when to come back.
    async fn request(&self, method: Method, path: &str, accept: &str, body: Option<Bytes>) -> Answer {
        let mut repeats = 0;
        loop {
            let reply = self.once(&method, path, accept, body.clone()).await?;
            let put_off = reply.status == StatusCode::TOO_MANY_REQUESTS || reply.status.is_server_error();
            match reply.retry_after {
                Some(seconds) if put_off && repeats < MOST_REPEATS => {
                    repeats += 1;
                    let wait = Duration::from_secs(seconds);
                    if wait >= LONG_WAIT {
                        crate::say(&format!("note: the server asks to wait {seconds} seconds"));
                    }
                    tokio::time::sleep(wait).await;
                }
                _ => return Ok(reply),
            }
        }
    }

    async fn once(&self, method: &Method, path: &str, accept: &str, body: Option<Bytes>) -> Answer {
        let url = format!("{}{path}", self.base);
        let verb = if method == Method::GET { "Get" } else { "Post" };
        let failure = |cause: String| format!("{verb} {}: {cause}", quote(&url));
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::ACCEPT, accept)
            .header(header::USER_AGENT, USER_AGENT);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request =
            request.body(body.map_or_else(Body::empty, Body::from)).map_err(|error| failure(error.to_string()))?;
        self.log.line(8, concat!(file!(), ":", line!()), || format!("Request Headers: {:?}", request.headers()));

        let start = Instant::now();
        let exchange = self.exchange(request);
        let reply = match self.limit {
            None => exchange.await,
            Some(limit) => match tokio::time::timeout(limit, exchange).await {
                Ok(reply) => reply,
                Err(_) => {
                    Err(format!("no answer within {} seconds (--request-timeout sets the limit)", limit.as_secs_f32()))
                }
            },
        };
        self.log.line(6, concat!(file!(), ":", line!()), || {
            let outcome = reply.as_ref().map_or_else(|_| "failed".to_owned(), |reply| reply.status.to_string());
            format!("{method} {url} {outcome} in {} milliseconds", start.elapsed().as_millis())
        });
        reply.map_err(failure)
    }

    async fn exchange(&self, request: Request<Body>) -> Answer {
        let reply = self.client.send(request).await.map_err(|error| client_fault(&error))?;
        let status = reply.status();
        self.log.line(8, concat!(file!(), ":", line!()), || format!("Response Headers: {:?}", reply.headers()));
        let retry_after =
            reply.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let body =
            Limited::new(reply.into_body(), LARGEST_REPLY).collect().await.map_err(|error| root_cause(&*error))?;
        Ok(Reply { status, retry_after, body: body.to_bytes() })
    }
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

/// A name as one segment of a path. Colons stay as they are: access rules are compared with the text.
fn segment(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn cause(status: u16, body: &str) -> String {
        let status = StatusCode::from_u16(status).unwrap();
        let reply = Reply { status, retry_after: None, body: Bytes::copy_from_slice(body.as_bytes()) };
        reply.success("post", "services http:c:").unwrap_err()
    }

    #[test]
    fn failures_are_told_in_the_words_of_the_go_client() {
        for (status, body, want) in [
            (
                500,
                "",
                "an error on the server (\"\") has prevented the request from succeeding (post services http:c:)",
            ),
            (
                502,
                " bad\n",
                "an error on the server (\"bad\") has prevented the request from succeeding (post services http:c:)",
            ),
            (404, "404 page not found\n", "the server could not find the requested resource (post services http:c:)"),
            (503, "x", "the server is currently unable to handle the request (post services http:c:)"),
            (403, "no\n", "no (post services http:c:)"),
            (
                418,
                "",
                "the server responded with the status code 418 but did not return more information (post services http:c:)",
            ),
            (
                404,
                r#"{"kind":"Status","status":"Failure","message":"services \"x\" not found"}"#,
                "services \"x\" not found",
            ),
            (
                404,
                r#"{"kind":"Status","status":"Success","message":"x"}"#,
                "the server could not find the requested resource (post services http:c:)",
            ),
        ] {
            assert_eq!(cause(status, body), want);
        }
    }

    #[test]
    fn a_service_without_ports_has_an_unnamed_one() {
        for (service, want) in [
            (r#"{"spec":{"ports":[{"name":"http"},{"name":"metrics"}]}}"#, "http"),
            (r#"{"spec":{"ports":[{"port":8080}]}}"#, ""),
            (r#"{"spec":{}}"#, ""),
            ("{}", ""),
        ] {
            assert_eq!(port_name(service.as_bytes()).unwrap(), want);
        }
        assert!(port_name(b"<html>").is_err());
    }

    #[test]
    fn names_stay_one_segment_of_the_path() {
        assert_eq!(segment("sealed-secrets-controller"), "sealed-secrets-controller");
        assert_eq!(segment("a/../b?c:d é"), "a%2F..%2Fb%3Fc:d%20%C3%A9");
    }
}
