//! A way to the API server that fails as it is told to: what a healthy API server on the same machine never shows.
//!
//! Everything that no rule is about goes to the real API server, with the caller's own credentials.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::client::Body;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::api::RUNTIME;
use crate::cluster::Cluster;

type Problem = Box<dyn std::error::Error + Send + Sync>;
type ReplyBody = UnsyncBoxBody<Bytes, Problem>;

/// What is done to a request instead of, or beside, passing it on.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The API server's answer would have been this refusal, with a pause to ask for in seconds.
    Refuse(u16, Option<u32>),
    /// The connection is closed without an answer and the API server never sees the request.
    ResetBefore,
    /// The API server does what it is asked, and the connection is closed without an answer.
    ResetAfter,
    /// The answer comes that much later.
    Delay(Duration),
    /// A watch that begins and at once says that its history is gone.
    GoneEvent,
}

/// Which requests, and how many of them.
#[derive(Clone, Debug)]
pub struct Rule {
    method: Option<Method>,
    part: String,
    is_watch: Option<bool>,
    left: u32,
    fault: Fault,
}

impl Rule {
    /// Every request whose path and query contain `part`.
    pub fn on(part: &str, fault: Fault) -> Rule {
        Rule { method: None, part: part.to_owned(), is_watch: None, left: u32::MAX, fault }
    }

    /// Of these, those with this method.
    #[must_use]
    pub fn method(self, method: Method) -> Rule {
        Rule { method: Some(method), ..self }
    }

    /// Of these, the watches; or all others.
    #[must_use]
    pub fn watches(self, is_watch: bool) -> Rule {
        Rule { is_watch: Some(is_watch), ..self }
    }

    /// Only the next few.
    #[must_use]
    pub fn times(self, times: u32) -> Rule {
        Rule { left: times, ..self }
    }
}

/// One request that came to the proxy.
#[derive(Clone, Debug)]
pub struct Asked {
    /// When.
    pub at: Instant,
    /// For example `PUT /api/v1/…`, with the query.
    pub what: String,
    /// Whether a rule was about it.
    pub is_faulty: bool,
}

/// See the module's documentation.
pub struct Proxy {
    state: Arc<State>,
    address: String,
    accepting: Mutex<Option<AbortHandle>>,
}

struct State {
    upstream: kube::Client,
    rules: Mutex<Vec<Rule>>,
    asked: Mutex<Vec<Asked>>,
    /// Rises when what was open before is cut off.
    cut: watch::Sender<u64>,
    /// Rises when what was open before falls silent.
    frozen: AtomicU64,
}

impl Proxy {
    /// A proxy that passes everything on.
    pub fn start() -> Proxy {
        let cluster = Cluster::get();
        let proxy = Proxy {
            state: Arc::new(State {
                upstream: cluster.client_of_nobody(),
                rules: Mutex::default(),
                asked: Mutex::default(),
                cut: watch::Sender::new(0),
                frozen: AtomicU64::new(0),
            }),
            address: format!("{}:{}", cluster.address, cluster.free_port()),
            accepting: Mutex::default(),
        };
        proxy.open();
        proxy
    }

    /// Its URL.
    pub fn server(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a rule. Of several that fit the first one counts.
    pub fn add(&self, rule: Rule) {
        self.state.rules.lock().unwrap().push(rule);
    }

    /// From here on everything is passed on.
    pub fn heal(&self) {
        self.state.rules.lock().unwrap().clear();
    }

    /// Cuts every connection that is open.
    pub fn cut(&self) {
        self.state.cut.send_modify(|epoch| *epoch += 1);
    }

    /// Makes every connection that is open fall silent without closing it, as a lost route does. New ones work.
    pub fn freeze(&self) {
        self.state.frozen.fetch_add(1, Ordering::SeqCst);
    }

    /// Refuses connections, and cuts those that are open.
    pub fn close(&self) {
        if let Some(accepting) = self.accepting.lock().unwrap().take() {
            accepting.abort();
        }
        self.cut();
    }

    /// Accepts connections again.
    pub fn open(&self) {
        let listener = {
            let _context = RUNTIME.enter();
            let address: SocketAddr = self.address.parse().unwrap();
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.set_reuseaddr(true).unwrap();
            socket.bind(address).unwrap();
            socket.listen(1024).unwrap()
        };
        let accepting = RUNTIME.spawn(accept(listener, Arc::clone(&self.state)));
        *self.accepting.lock().unwrap() = Some(accepting.abort_handle());
    }

    /// What it was asked since then.
    pub fn asked_since(&self, time: Instant) -> Vec<Asked> {
        let asked = self.state.asked.lock().unwrap();
        asked.iter().filter(|one| one.at >= time).cloned().collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.close();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(stream, Arc::clone(&state)));
        }
    }
}

async fn connection(stream: TcpStream, state: Arc<State>) {
    let _ = stream.set_nodelay(true);
    let mut cut = state.cut.subscribe();
    let frozen = state.frozen.load(Ordering::SeqCst);
    let service = service_fn(|request| answer(request, Arc::clone(&state), frozen));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // A request that is to be reset ends in an error, and that closes the connection.
    tokio::select! {
        _ = connection => {}
        _ = cut.changed() => {}
    }
}

async fn answer(request: Request<Incoming>, state: Arc<State>, frozen: u64) -> Result<Response<ReplyBody>, Problem> {
    let is_frozen = || state.frozen.load(Ordering::SeqCst) != frozen;
    if is_frozen() {
        std::future::pending::<Infallible>().await;
    }
    let what = format!("{} {}", request.method(), request.uri());
    let fault = state.fault(&request);
    state.asked.lock().unwrap().push(Asked { at: Instant::now(), what, is_faulty: fault.is_some() });
    match fault {
        Some(Fault::Refuse(code, pause)) => return Ok(refusal(code, pause)),
        Some(Fault::ResetBefore) => return Err("reset".into()),
        Some(Fault::GoneEvent) => return Ok(gone_event()),
        Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
        Some(Fault::ResetAfter) | None => {}
    }
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    parts.headers.remove(http::header::HOST);
    let reply = state.upstream.send(Request::from_parts(parts, Body::from(body))).await?;
    if let Some(Fault::ResetAfter) = fault {
        return Err("reset".into());
    }
    if is_frozen() {
        std::future::pending::<Infallible>().await;
    }
    let (mut parts, body) = reply.into_parts();
    // These are between us and the next one.
    parts.headers.remove(http::header::TRANSFER_ENCODING);
    parts.headers.remove(http::header::CONNECTION);
    let body = Freezing { body, state: Arc::clone(&state), frozen };
    Ok(Response::from_parts(parts, body.boxed_unsync()))
}

impl State {
    fn fault(&self, request: &Request<Incoming>) -> Option<Fault> {
        let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let is_watch = target.contains("watch=true") || target.contains("watch=1");
        let mut rules = self.rules.lock().unwrap();
        let rule = rules.iter_mut().find(|rule| {
            rule.left > 0
                && rule.method.as_ref().is_none_or(|method| method == request.method())
                && rule.is_watch.is_none_or(|wanted| wanted == is_watch)
                && target.contains(&rule.part)
        })?;
        rule.left -= 1;
        Some(rule.fault)
    }
}

fn refusal(code: u16, pause: Option<u32>) -> Response<ReplyBody> {
    let reason = match code {
        409 => "Conflict",
        410 => "Expired",
        429 => "TooManyRequests",
        _ => "InternalError",
    };
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
        "message": format!("made up by the test: {reason}")});
    let mut reply = Response::new(whole(status.to_string()));
    *reply.status_mut() = StatusCode::from_u16(code).unwrap();
    reply.headers_mut().insert(http::header::CONTENT_TYPE, "application/json".parse().unwrap());
    if let Some(pause) = pause {
        reply.headers_mut().insert(http::header::RETRY_AFTER, pause.into());
    }
    reply
}

fn gone_event() -> Response<ReplyBody> {
    let event = json!({"type": "ERROR", "object": {"kind": "Status", "apiVersion": "v1", "metadata": {},
        "status": "Failure", "message": "too old resource version", "reason": "Expired", "code": 410}});
    let mut reply = Response::new(whole(format!("{event}\n")));
    reply.headers_mut().insert(http::header::CONTENT_TYPE, "application/json".parse().unwrap());
    reply
}

fn whole(text: String) -> ReplyBody {
    Full::new(Bytes::from(text)).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// A body that falls silent with its connection.
struct Freezing {
    body: Body,
    state: Arc<State>,
    frozen: u64,
}

impl hyper::body::Body for Freezing {
    type Data = Bytes;
    type Error = Problem;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Problem>>> {
        if self.state.frozen.load(Ordering::SeqCst) != self.frozen {
            return Poll::Pending;
        }
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match self.state.frozen.load(Ordering::SeqCst) == self.frozen {
            true => polled.map_err(Into::into),
            false => Poll::Pending,
        }
    }
}
