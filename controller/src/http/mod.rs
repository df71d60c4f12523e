//! The two HTTP listeners (spec/controller.md 10): plain HTTP/1.1, methods are never looked at.
//!
//! `hyper` without a router on top: six paths, and a router would only have to be told not to look at methods.

pub mod bodies;
mod body;
pub mod cert;
mod connections;
pub mod gate;
mod leftover;
pub mod limit;
pub mod rotate;
pub mod scrape;
mod timed;
pub mod verify;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{CONNECTION, CONTENT_TYPE, EXPECT, HeaderName, HeaderValue, LOCATION};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::error;

use self::connections::{Connections, Place};
use self::rotate::Rotator;
use self::timed::{HeadBudget, Timed};
use self::verify::Verifier;
use crate::keys::Keys;
use crate::metrics::Metrics;
use crate::readiness::Readiness;

/// A complete reply.
pub type Reply = Response<Full<Bytes>>;

const PLAIN_TEXT: &str = "text/plain; charset=utf-8";
const HEADER_LIMIT: usize = 1 << 20;
/// Lines in the head of a request.
const MOST_HEADERS: usize = 1000;
/// Heads above [`LARGE_HEAD`] that are in memory at a time, for each listener. Nothing that works sends such heads; further
/// connections that do are closed.
const LARGE_HEADS: usize = 16;
const LARGE_HEAD: usize = 64 << 10;
/// Time for clients to finish what they have begun to send or to receive, once the connection or the process is to end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Time allowed for a request to come in and for its reply to go out.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From the first byte of a request to its last; also the life of an idle connection.
    pub read: Duration,
    /// From the end of the request's head to the last byte of the reply.
    pub write: Duration,
}

/// What the API listener answers from.
pub struct ApiService {
    /// Sealing keys.
    pub keys: Arc<Keys>,
    /// `/v1/verify`.
    pub verifier: Verifier,
    /// `/v1/rotate`.
    pub rotator: Rotator,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// What `/readyz` waits for.
    pub readiness: Arc<Readiness>,
}

/// Something that answers requests.
pub trait Service: Send + Sync + 'static {
    /// Answers one request.
    fn answer(&self, request: Request<&mut Incoming>) -> impl Future<Output = Reply> + Send;
}

impl Service for ApiService {
    async fn answer(&self, request: Request<&mut Incoming>) -> Reply {
        let start = Instant::now();
        let method = request.method().clone();
        let (path, reply) = match request.uri().path() {
            "/healthz" => return text(StatusCode::OK, "ok\n"),
            "/readyz" => return self.readiness.reply(),
            "/v1/cert.pem" => ("/v1/cert.pem", cert::answer(&self.keys)),
            "/v1/verify" => ("/v1/verify", self.verifier.answer(request).await),
            "/v1/rotate" => ("/v1/rotate", self.rotator.answer(request).await),
            _ => return unknown(&request),
        };
        self.metrics.http_request(path, &method, reply.status().as_u16(), start.elapsed());
        reply
    }
}

/// Binds a Go style address `host:port`; without a host, all interfaces of both IP versions.
pub async fn bind(address: &str) -> std::io::Result<TcpListener> {
    match address.strip_prefix(':') {
        Some(port) => match TcpListener::bind(format!("[::]:{port}")).await {
            Ok(listener) => Ok(listener),
            // A kernel without IPv6 has no such address; anything else fails the second time as well.
            Err(_) => TcpListener::bind(format!("0.0.0.0:{port}")).await,
        },
        None => TcpListener::bind(address).await,
    }
}

/// Answers connections until `stop`, then lets those in flight end.
pub async fn serve(listener: TcpListener, service: Arc<impl Service>, timeouts: Timeouts, stop: CancellationToken) {
    let places = Connections::within_limits();
    let large_heads = Arc::new(Semaphore::new(LARGE_HEADS));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _peer)) => {
                    let place = Arc::new(places.enter());
                    let stream = Timed::new(stream, timeouts, HeadBudget::new(&place, &large_heads));
                    connections.spawn(connection(stream, place, Arc::clone(&service), timeouts, stop.clone()));
                }
                Err(error) => {
                    // Out of file descriptors, most likely; without a pause this would be a busy loop.
                    error!(error = %error, "connection not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: Timed,
    place: Arc<Place>,
    service: Arc<impl Service>,
    timeouts: Timeouts,
    stop: CancellationToken,
) {
    let held = Arc::clone(&place);
    let answer = service_fn(move |request: Request<Incoming>| {
        let (service, place) = (Arc::clone(&service), Arc::clone(&held));
        async move {
            place.is_asked(true);
            let reply = complete_reply(&*service, request, timeouts.write).await;
            place.is_asked(false);
            Ok::<_, Infallible>(reply)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeouts.read)
        .max_buf_size(HEADER_LIMIT)
        .max_headers(MOST_HEADERS)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = std::pin::pin!(connection);
    // A failed connection is the client's business; nothing of it is logged.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = place.taken() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            // Who has asked is answered; half a request, or a reply that nobody takes, is not waited for.
            while tokio::time::timeout(LAST_WORDS, connection.as_mut()).await.is_err() && place.is_busy() {}
        }
    }
}

/// The reply within that time, and whether the connection ends with it.
async fn complete_reply(service: &impl Service, request: Request<Incoming>, within: Duration) -> Reply {
    let (head, mut body) = request.into_parts();
    let is_waiting = head.headers.contains_key(EXPECT);
    let answered = tokio::time::timeout(within, service.answer(Request::from_parts(head, &mut body))).await;
    let mut reply = answered.unwrap_or_else(|_| empty(StatusCode::SERVICE_UNAVAILABLE));
    if !leftover::is_read(&mut body, is_waiting).await {
        reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    reply
}

/// A reply with a body.
pub fn reply(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// A plain text reply.
pub fn text(status: StatusCode, body: &'static str) -> Reply {
    reply(status, PLAIN_TEXT, body)
}

/// A reply without body and content type.
pub fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = status;
    reply
}

/// A plain text refusal, marked as Go's library marks its own.
pub fn refusal(status: StatusCode, body: &'static str) -> Reply {
    let mut reply = text(status, body);
    reply.headers_mut().insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    reply
}

/// 404, or the way to the cleaned path if that is another one.
fn unknown<B>(request: &Request<B>) -> Reply {
    let path = request.uri().path();
    let clean = cleaned(path);
    if clean == path || request.method() == Method::CONNECT {
        return refusal(StatusCode::NOT_FOUND, "404 page not found\n");
    }
    let target = match request.uri().query() {
        Some(query) => format!("{clean}?{query}"),
        None => clean,
    };
    let shown = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut redirect = if shown {
        let link = target.replace('&', "&amp;").replace('"', "&#34;").replace('<', "&lt;").replace('>', "&gt;");
        let body = format!("<a href=\"{link}\">Temporary Redirect</a>.\n\n");
        reply(StatusCode::TEMPORARY_REDIRECT, "text/html; charset=utf-8", body)
    } else {
        empty(StatusCode::TEMPORARY_REDIRECT)
    };
    match HeaderValue::from_str(&target) {
        Ok(location) => redirect.headers_mut().insert(LOCATION, location),
        Err(_) => return refusal(StatusCode::NOT_FOUND, "404 page not found\n"),
    };
    redirect
}

/// A path without empty, `.` and `..` segments; a slash at the end stays.
fn cleaned(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let mut clean = String::from("/");
    clean.push_str(&segments.join("/"));
    if path.ends_with('/') && clean != "/" {
        clean.push('/');
    }
    clean
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    fn ask(method: &str, target: &str) -> Reply {
        unknown(&Request::builder().method(method).uri(target).body(()).unwrap())
    }

    /// Row 149.
    #[tokio::test]
    async fn without_a_host_both_versions_of_ip_are_answered() {
        let listener = bind(":0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let has_ipv6 = TcpListener::bind("[::1]:0").await.is_ok();
        assert_eq!(TcpStream::connect(("::1", port)).await.is_ok(), has_ipv6, "as far as the machine has it");
        for address in ["127.0.0.1:0", "localhost:0"] {
            assert!(bind(address).await.is_ok(), "{address}");
        }
        assert!(bind("127.0.0.1").await.is_err(), "without a port");
        assert!(bind(&format!(":{port}")).await.is_err(), "taken");
    }

    #[test]
    fn unknown_paths_are_404_with_the_words_of_the_reference() {
        for path in ["/", "/nope", "/v1/verify/", "/healthz/", "/metrics"] {
            let reply = ask("POST", path);
            assert_eq!(reply.status(), 404, "{path}");
            assert_eq!(reply.headers()["content-type"], "text/plain; charset=utf-8");
            assert_eq!(reply.headers()["x-content-type-options"], "nosniff");
        }
    }

    #[test]
    fn doubled_slashes_lead_to_the_clean_path() {
        let cases = [
            ("//healthz", "/healthz"),
            ("/v1//verify?x=1", "/v1/verify?x=1"),
            ("/a/../healthz", "/healthz"),
            ("/v1/./", "/v1/"),
            ("//", "/"),
        ];
        for (target, location) in cases {
            let reply = ask("GET", target);
            assert_eq!(reply.status(), 307, "{target}");
            assert_eq!(reply.headers()["location"], location);
            assert_eq!(reply.headers()["content-type"], "text/html; charset=utf-8");
        }
        assert!(!ask("POST", "//healthz").headers().contains_key("content-type"));
    }

    #[test]
    fn a_redirect_cannot_carry_markup_or_leave_the_host() {
        let reply = ask("GET", "//evil.example/%22");
        assert_eq!(reply.headers()["location"], "/evil.example/%22");
    }

    #[test]
    fn empty_replies_have_no_content_type() {
        assert!(empty(StatusCode::CONFLICT).headers().is_empty());
    }
}
