//! Plain HTTP to a controller, past the API server.

use std::sync::LazyLock;
use std::time::Duration;

use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::Body;

use crate::api::RUNTIME;

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

static CLIENT: LazyLock<Client<HttpConnector, Body>> =
    LazyLock::new(|| Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(HttpConnector::new()));

/// An HTTP answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The body as text.
    pub body: String,
    headers: HeaderMap,
}

impl Reply {
    /// A header, empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Sends a request on a connection of its own. `None` when there is no answer.
pub(crate) fn send(method: Method, url: &str, headers: &[(&str, &str)], body: &str) -> Option<Reply> {
    Some(send_for_bytes(method, url, headers, body)?.0)
}

/// [`send`], with the body as it came beside the reply.
pub(crate) fn send_for_bytes(
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<(Reply, Vec<u8>)> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.as_bytes().to_vec())).unwrap();
    RUNTIME.block_on(async {
        let answer = async {
            let (parts, body) = CLIENT.request(request).await.ok()?.into_parts();
            let bytes = body.collect().await.ok()?.to_bytes();
            let reply = Reply {
                status: parts.status.as_u16(),
                body: String::from_utf8_lossy(&bytes).into_owned(),
                headers: parts.headers,
            };
            Some((reply, bytes.to_vec()))
        };
        tokio::time::timeout(PATIENCE, answer).await.unwrap_or(None)
    })
}
