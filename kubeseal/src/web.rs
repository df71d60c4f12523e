//! One request to a web server, directly or through the proxy of the environment.

use http::{Request, Response, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rustls::ClientConfig;

use crate::error::root_cause;
use crate::proxy::Proxies;
use crate::transport::{Connector, Tls, system_roots};

/// Largest reply that is read.
const LARGEST_REPLY: usize = 16 << 20;

/// Sends a request for an absolute URL; `trust` says whom to believe, if TLS is needed.
///
/// # Errors
/// Why there is no answer, without the URL.
pub(crate) async fn send(
    mut request: Request<Full<Bytes>>,
    trust: impl FnOnce() -> Result<ClientConfig, String>,
) -> Result<Response<Incoming>, String> {
    let target = request.uri();
    let proxy = Proxies::from_environment().choose(target)?;
    let secure = target.scheme() == Some(&http::uri::Scheme::HTTPS);
    let to_target = if secure { Some(Tls::new(trust()?)) } else { None };
    let to_proxy = match &proxy {
        Some(proxy) if proxy.is_https() => Some(Tls::new(system_roots()?)),
        _ => None,
    };
    let connector = Connector::new(proxy.as_ref(), to_target, to_proxy)?;
    let headers = request.headers_mut();
    headers.insert(header::USER_AGENT, header::HeaderValue::from_static(crate::cluster::USER_AGENT));
    if let Some(value) = proxy.as_ref().and_then(|proxy| proxy.authorization()).filter(|_| !secure) {
        headers.insert(header::PROXY_AUTHORIZATION, value);
    }
    let client: Client<Connector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    client.request(request).await.map_err(|error| root_cause(&error))
}

/// All of a reply's body.
///
/// # Errors
/// A connection that broke, or more than anybody would send in earnest.
pub(crate) async fn body(reply: Response<Incoming>) -> Result<Bytes, String> {
    let body = Limited::new(reply.into_body(), LARGEST_REPLY).collect().await;
    body.map(|body| body.to_bytes()).map_err(|error| root_cause(&*error))
}
