//! A scripted HTTP server on this machine, and kubeseal run against it.

#![allow(dead_code, clippy::unwrap_used)]

pub(crate) mod proxy;
pub(crate) mod terminal;

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, ServerConfig, ServerConnection, SignatureScheme, StreamOwned};

/// One request, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Method and target: `GET /x`.
    pub(crate) line: String,
    /// Header lines with names in lower case.
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn has(&self, header: &str) -> bool {
        self.headers.iter().any(|line| line == header)
    }
}

/// What the server does with a request.
pub(crate) enum Reply {
    /// Status, header lines, body.
    Send(u16, Vec<String>, Vec<u8>),
    /// The same, but it promises so many bytes more and then closes the connection.
    Cut(u16, Vec<String>, Vec<u8>, usize),
    /// Keeps the connection and never says anything.
    Hang,
}

pub(crate) fn text(status: u16, body: &str) -> Reply {
    Reply::Send(status, Vec::new(), body.as_bytes().to_vec())
}

pub(crate) fn with_header(status: u16, header: &str) -> Reply {
    Reply::Send(status, vec![header.to_owned()], Vec::new())
}

pub(crate) fn certificate(name: &str) -> Reply {
    Reply::Send(200, Vec::new(), std::fs::read(key_file(name)).unwrap())
}

pub(crate) fn key_file(name: &str) -> String {
    format!("{}/tests/keys/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A server that runs until the test ends.
pub(crate) struct Server {
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

type Script = dyn Fn(&Request, usize) -> Reply + Send + Sync;

impl Server {
    /// Answers by `script`, which gets the request and how many came before it.
    pub(crate) fn start(script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Server {
        Server::listen(None, Arc::new(script))
    }

    /// The same over TLS, with the certificate `server.crt`.
    pub(crate) fn start_tls(script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Server {
        Server::start_tls_as(&[key_file("server.crt"), key_file("server.key")], None, script)
    }

    /// The same with another certificate and its key; asks for a client certificate if it is told which one.
    pub(crate) fn start_tls_as(
        [certificate, key]: &[String; 2],
        client: Option<&str>,
        script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
    ) -> Server {
        let _ = aws_lc_rs::default_provider().install_default();
        let certificate = CertificateDer::from_pem_file(certificate).unwrap();
        let key = PrivateKeyDer::from_pem_file(key).unwrap();
        let config = match client {
            None => ServerConfig::builder().with_no_client_auth(),
            Some(client) => {
                let expected = CertificateDer::from_pem_file(client).unwrap();
                ServerConfig::builder().with_client_cert_verifier(Arc::new(OnlyThis(expected)))
            }
        };
        Server::listen(Some(Arc::new(config.with_single_cert(vec![certificate], key).unwrap())), Arc::new(script))
    }

    fn listen(tls: Option<Arc<ServerConfig>>, script: Arc<Script>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let server = Server { url, seen: Arc::clone(&seen) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tls, script, seen) = (tls.clone(), Arc::clone(&script), Arc::clone(&seen));
                thread::spawn(move || match tls {
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        serve(StreamOwned::new(connection, stream), &script, &seen);
                    }
                    None => serve(stream, &script, &seen),
                });
            }
        });
        server
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }
}

/// Takes one client certificate, whoever issued it.
#[derive(Debug)]
struct OnlyThis(CertificateDer<'static>);

impl ClientCertVerifier for OnlyThis {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if *end_entity == self.0 {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(rustls::Error::General("another client".to_owned()))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

fn serve(mut stream: impl Read + Write, script: &Arc<Script>, seen: &Mutex<Vec<Request>>) {
    while let Some(request) = read_request(&mut stream) {
        let earlier = {
            let mut seen = seen.lock().unwrap();
            seen.push(request.clone());
            seen.len() - 1
        };
        let (status, headers, body, missing) = match script(&request, earlier) {
            Reply::Send(status, headers, body) => (status, headers, body, 0),
            Reply::Cut(status, headers, body, missing) => (status, headers, body, missing),
            Reply::Hang => {
                thread::sleep(std::time::Duration::from_secs(60));
                return;
            }
        };
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let head = format!("HTTP/1.1 {status} \r\ncontent-length: {}\r\n{headers}\r\n", body.len() + missing);
        if stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(&body))
            .and_then(|()| stream.flush())
            .is_err()
            || missing > 0
        {
            return;
        }
    }
}

fn read_request(stream: &mut impl Read) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let mut lines = BufReader::new(head.as_slice()).lines().map(Result::unwrap);
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: Vec<String> = lines
        .filter_map(|line| line.split_once(": ").map(|(name, value)| format!("{}: {value}", name.to_lowercase())))
        .collect();
    let length = headers.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Request { line, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

/// kubeseal in an empty directory of its own, without anything of this machine's environment.
pub(crate) struct Kubeseal {
    pub(crate) place: tempfile::TempDir,
    env: Vec<(String, String)>,
    /// A copy of the program for another user than root, who can read and run it.
    as_nobody: Option<tempfile::TempDir>,
}

/// The user and group that own nothing.
const NOBODY: u32 = 65_534;

impl Kubeseal {
    pub(crate) fn new() -> Kubeseal {
        Kubeseal { place: tempfile::tempdir().unwrap(), env: Vec::new(), as_nobody: None }
    }

    /// As a user to whom a file can be forbidden. To root nothing is, so that root runs it as nobody; what is to be read
    /// has to lie in its directory then.
    pub(crate) fn who_may_be_refused() -> Kubeseal {
        let mut kubeseal = Kubeseal::new();
        let forbidden = kubeseal.file("forbidden", "");
        std::fs::set_permissions(&forbidden, Permissions::from_mode(0o000)).unwrap();
        if std::fs::File::open(&forbidden).is_ok() {
            let copy = tempfile::tempdir().unwrap();
            copy_program(env!("CARGO_BIN_EXE_kubeseal").as_ref(), &copy.path().join("kubeseal"));
            std::fs::set_permissions(copy.path(), Permissions::from_mode(0o755)).unwrap();
            std::fs::set_permissions(kubeseal.path(), Permissions::from_mode(0o777)).unwrap();
            kubeseal.as_nobody = Some(copy);
        }
        std::fs::remove_file(forbidden).unwrap();
        kubeseal
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Kubeseal {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a kubeconfig for this server; `user` is the user's entry.
    pub(crate) fn cluster(self, server: &str, user: &str) -> Kubeseal {
        let path = self.place.path().join("kubeconfig");
        let authority = key_file("server.crt");
        let cluster =
            if server.starts_with("https") { format!("certificate-authority: {authority}, ") } else { String::new() };
        let text = format!(
            "clusters: [{{name: c, cluster: {{{cluster}server: \"{server}\"}}}}]\n\
             contexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n\
             current-context: x\nusers: [{{name: u, user: {user}}}]\n"
        );
        std::fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap().to_owned();
        self.env("KUBECONFIG", &path)
    }

    pub(crate) fn path(&self) -> &Path {
        self.place.path()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = match &self.as_nobody {
            None => Command::new(env!("CARGO_BIN_EXE_kubeseal")),
            Some(copy) => {
                let mut command = Command::new(copy.path().join("kubeseal"));
                command.uid(NOBODY).gid(NOBODY);
                command
            }
        };
        command.args(args).env_clear().env("PATH", "/usr/bin:/bin").current_dir(self.place.path());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A file in its directory; the path of it.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.place.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// What such a file holds now.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.place.path().join(name)).unwrap()
    }

    pub(crate) fn start(&self, args: &[&str], stdin: &str) -> Child {
        let mut child = self.command(args).spawn().unwrap();
        // A run that fails early does not read its input.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        child
    }

    pub(crate) fn run(&self, args: &[&str], stdin: &str) -> Run {
        Run::of(&self.start(args, stdin).wait_with_output().unwrap())
    }

    /// Names of the files in its directory, kubeconfig aside.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.place.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name != "kubeconfig");
        names.sort();
        names
    }
}

/// Copies a program that is to be run. By another process: a file that this one has open for writing goes to whatever is
/// started on other threads meanwhile, and cannot be run as long as that has it.
pub(crate) fn copy_program(program: &Path, copy: &Path) {
    assert!(Command::new("cp").arg(program).arg(copy).status().unwrap().success());
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn of(output: &Output) -> Run {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Run { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// The run must have failed with status 1 and this first line.
    #[track_caller]
    pub(crate) fn failed_with(&self, first_line: &str) {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert_eq!(self.stderr.lines().next(), Some(first_line), "{self:?}");
        assert_eq!(self.stdout, "");
    }

    /// The run must have succeeded, with this on standard output and nothing on standard error.
    #[track_caller]
    pub(crate) fn stdout_of_success(&self, stdout: &str) {
        self.succeeded();
        assert_eq!(self.stdout, stdout);
    }

    #[track_caller]
    pub(crate) fn succeeded(&self) {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
    }
}

/// Makes sure that a connection can be refused: nobody listens on this port.
pub(crate) fn unused_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert!(TcpStream::connect(&url["http://".len()..]).is_err());
    url
}

pub(crate) const SECRET: &str = "kind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: s3cret}\n";
