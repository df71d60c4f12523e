//! Connections for HTTP requests: direct, through an HTTP proxy, or through SOCKS, with or without TLS.
//!
//! Nothing here is built before a request is due: sealing offline needs neither a runtime nor a TLS client.

use std::error::Error as StdError;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};

use crate::error::{Error, Result, causes, io_cause, root_cause};
use crate::proxy::Proxy;
use crate::trust::Verifier;

/// Longest wait for a connection to be accepted.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

type BoxError = Box<dyn StdError + Send + Sync>;

/// Runs requests to their end on this thread.
///
/// A name lookup that hangs is left behind when this is dropped, instead of being waited for.
pub(crate) struct Runtime(Option<tokio::runtime::Runtime>);

impl Runtime {
    /// Starts one; only when a request is due.
    ///
    /// # Errors
    /// When the system gives no event queue.
    pub(crate) fn start() -> Result<Runtime> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::new(format!("cannot start networking: {}", io_cause(&error))))?;
        Ok(Runtime(Some(runtime)))
    }

    /// Runs `work` to its end, or not at all when the runtime has been shut down, which only `drop` does.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        match &self.0 {
            Some(runtime) => runtime.block_on(work),
            None => Err(Error::new("networking has ended")),
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// How to prove a server's identity.
#[derive(Clone)]
pub(crate) struct Tls {
    config: ClientConfig,
    server_name: Option<ServerName<'static>>,
}

impl Tls {
    /// TLS with this configuration, expecting the host of the URL.
    pub(crate) fn new(config: ClientConfig) -> Tls {
        Tls { config, server_name: None }
    }

    /// Expects this name in the certificate instead of the host of the URL.
    pub(crate) fn expecting(mut self, name: ServerName<'static>) -> Tls {
        self.server_name = Some(name);
        self
    }

    fn wrap<C>(self, inner: C) -> HttpsConnector<C> {
        let mut builder = HttpsConnectorBuilder::new().with_tls_config(self.config).https_or_http();
        if let Some(name) = self.server_name {
            builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
        }
        builder.enable_http1().wrap_connector(inner)
    }
}

/// TLS by the system's certificate authorities and those of `SSL_CERT_FILE` and `SSL_CERT_DIR` (decision 35).
///
/// # Errors
/// When there is not one certificate authority to be found.
pub(crate) fn system_roots() -> std::result::Result<ClientConfig, String> {
    let mut trusted = rustls_native_certs::load_native_certs().certs;
    if ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| std::env::var_os(name).is_some()) {
        // The variables replaced the system's own in that list; here are the places that Go looks in as well.
        let bundle = SYSTEM_BUNDLES.iter().map(Path::new).find(|path| path.exists());
        trusted.extend(rustls_native_certs::load_certs_from_paths(bundle, None).certs);
    }
    if trusted.is_empty() {
        return Err("no trusted certificate authorities found on this system; SSL_CERT_FILE can name a file with some"
            .to_owned());
    }
    trusting(trusted)
}

/// TLS by these certificate authorities alone.
///
/// # Errors
/// When none of them can be used.
pub(crate) fn trusting(trusted: Vec<CertificateDer<'static>>) -> std::result::Result<ClientConfig, String> {
    install_crypto();
    let verifier = Verifier::new(trusted)?;
    Ok(ClientConfig::builder().dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

const SYSTEM_BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Makes the TLS cryptography known to rustls; a second call changes nothing.
pub(crate) fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Lost only to another thread that installed the same.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
}

/// The value of an `Authorization` header for a user and password.
pub(crate) fn basic_authorization(user: &str, password: &str) -> HeaderValue {
    let credentials = sealed_secrets_resource::encode_base64(format!("{user}:{password}").as_bytes());
    let mut value = HeaderValue::try_from(format!("Basic {credentials}")).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// What went wrong at or on the way to a proxy, which is named without its credentials.
#[derive(Debug)]
pub(crate) struct ProxyFault(String);

impl std::fmt::Display for ProxyFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for ProxyFault {}

/// Opens the connections of one client.
#[derive(Clone)]
pub(crate) struct Connector {
    route: BoxCloneSyncService<Uri, Stream, BoxError>,
}

impl Connector {
    /// Connections by way of `proxy`, or directly; `to_target` and `to_proxy` are needed for https at either end.
    ///
    /// # Errors
    /// Credentials that no header can hold.
    pub(crate) fn new(
        proxy: Option<&Proxy>,
        to_target: Option<Tls>,
        to_proxy: Option<Tls>,
    ) -> std::result::Result<Connector, String> {
        let mut plain = HttpConnector::new();
        plain.enforce_http(false);
        // Else the first request waits until the end of the TLS handshake was acknowledged, which takes 40 ms.
        plain.set_nodelay(true);
        plain.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let Some(proxy) = proxy else { return Ok(Connector::ending(plain, to_target)) };

        if proxy.is_socks() {
            return Ok(Connector::ending(Connector::through_socks(proxy, plain), to_target));
        }
        let to_proxy = Connector::ending(plain, to_proxy.filter(|_| proxy.is_https())).blaming(proxy);
        let Some(tls) = to_target else { return Ok(to_proxy.forwarding(proxy.uri().clone())) };
        let mut tunnel = Tunnel::new(proxy.uri().clone(), to_proxy);
        if let Some(value) = proxy.authorization() {
            tunnel = tunnel.with_auth(value);
        }
        Ok(Connector::ending(Connector::boxed(tunnel).blaming(proxy), Some(tls)))
    }

    /// The connection to the proxy is opened here: the library would not say why it failed.
    fn through_socks(proxy: &Proxy, plain: HttpConnector) -> Connector {
        let (uri, user) = (proxy.uri().clone(), proxy.user().cloned());
        let route = tower::service_fn(move |target: Uri| {
            let (uri, user, plain) = (uri.clone(), user.clone(), plain.clone());
            async move {
                let mut open = Some(plain.oneshot(uri.clone()).await?);
                let opened = tower::service_fn(move |_: Uri| {
                    std::future::ready(open.take().ok_or_else(|| io::Error::other("the connection is used already")))
                });
                let mut socks = SocksV5::new(uri, opened);
                if let Some((user, password)) = user {
                    socks = socks.with_auth(user, password);
                }
                socks.oneshot(target).await.map_err(BoxError::from)
            }
        });
        Connector::boxed(route).blaming(proxy)
    }

    /// Connections that `connector` opens, with TLS on top if it is given.
    fn ending<C>(connector: C, tls: Option<Tls>) -> Connector
    where
        C: Service<Uri> + Clone + Send + Sync + 'static,
        C::Response: Connection + Read + Write + Send + Unpin + 'static,
        C::Error: Into<BoxError> + Send,
        C::Future: Send + 'static,
    {
        match tls {
            Some(tls) => Connector::boxed(tls.wrap(connector.map_err(Into::<BoxError>::into))),
            None => Connector::boxed(connector),
        }
    }

    fn boxed<C>(connector: C) -> Connector
    where
        C: Service<Uri> + Clone + Send + Sync + 'static,
        C::Response: Connection + Read + Write + Send + Unpin + 'static,
        C::Error: Into<BoxError>,
        C::Future: Send + 'static,
    {
        let route =
            connector.map_response(|inner| Stream { inner: Box::new(inner), forwarded: false }).map_err(Into::into);
        Connector { route: BoxCloneSyncService::new(route) }
    }

    /// Names the proxy in every error.
    fn blaming(self, proxy: &Proxy) -> Connector {
        let proxy = proxy.uri().to_string();
        let route = self.route.map_err(move |error: BoxError| -> BoxError {
            if causes(&*error).any(|cause| cause.is::<ProxyFault>()) {
                return error;
            }
            ProxyFault(format!("proxy {}: {}", proxy.trim_end_matches('/'), root_cause(&*error))).into()
        });
        Connector { route: BoxCloneSyncService::new(route) }
    }

    /// Connects to the proxy whatever the URL says, and has the whole URL sent to it.
    fn forwarding(self, proxy: Uri) -> Connector {
        let route = self
            .route
            .map_request(move |_: Uri| proxy.clone())
            .map_response(|stream: Stream| Stream { forwarded: true, ..stream });
        Connector { route: BoxCloneSyncService::new(route) }
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = <BoxCloneSyncService<Uri, Stream, BoxError> as Service<Uri>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<std::result::Result<(), BoxError>> {
        self.route.poll_ready(cx)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        self.route.call(target)
    }
}

trait Io: Read + Write + Connection + Send + Unpin {}
impl<T: Read + Write + Connection + Send + Unpin> Io for T {}

/// An open connection of whatever kind.
pub(crate) struct Stream {
    inner: Box<dyn Io>,
    forwarded: bool,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.inner.connected().proxy(self.forwarded)
    }
}

impl Read for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
