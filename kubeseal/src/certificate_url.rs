//! Certificates behind URLs: which names are URLs, and fetching them.

use std::fs;
use std::io;
use std::time::Duration;

use http::{Request, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::body::Bytes;
use sealed_secrets_flags::quote;

use crate::error::{Error, Result, io_cause};
use crate::log::Log;
use crate::transport::{Runtime, basic_authorization, system_roots};
use crate::trust::is_about_trust;
use crate::web;

/// Longest wait for a certificate, redirects included.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often a redirect is followed.
const MOST_REDIRECTS: usize = 10;

/// What a value of `--cert` names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// A file of that name.
    File,
    /// A URL with a scheme.
    Url(String),
}

/// Tells file names from URLs the way Go parses a URL.
///
/// No scheme, or one of a single letter (a Windows drive), means a file. A name whose first segment contains a colon is a
/// URL or, if what precedes the colon is no scheme, an error; so is an escape that is none.
///
/// # Errors
/// Go's words for a name that can be neither.
pub(crate) fn locate(name: &str) -> Result<Location> {
    let complain = |problem: String| {
        Error::new(format!("parse {}: {problem}", quote(&without_password(name))))
            .hint("write ./ in front of a file name")
    };
    if name.chars().any(|letter| letter.is_ascii_control()) {
        return Err(complain("invalid control character in URL".to_owned()));
    }
    let (scheme, rest) = split_scheme(name);
    if scheme.is_some_and(str::is_empty) {
        return Err(complain("missing protocol scheme".to_owned()));
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let path = rest.split('?').next().unwrap_or_default();
    if scheme.is_none() && path.split('/').next().is_some_and(|segment| segment.contains(':')) {
        return Err(complain("first path segment in URL cannot contain colon".to_owned()));
    }
    if let Some(escape) = bad_escape(path).or_else(|| bad_escape(fragment)) {
        return Err(complain(format!("invalid URL escape {}", quote(escape))));
    }
    match scheme {
        Some(scheme) if scheme.len() > 1 => Ok(Location::Url(name.to_owned())),
        _ => Ok(Location::File),
    }
}

/// Fetches a certificate; follows redirects, honours the proxy variables, gives up after 30 seconds.
///
/// # Errors
/// `cannot fetch "<url>": <status>` unless the answer is 200; otherwise what went wrong, with the URL.
pub(crate) fn get(url: &str, log: &Log) -> Result<Vec<u8>> {
    let (scheme, rest) = split_scheme(url);
    match scheme.map(str::to_ascii_lowercase).as_deref() {
        Some("file") => get_file(url, rest),
        Some("http" | "https") => Runtime::start()?.block_on(async {
            let fetched = tokio::time::timeout(TIMEOUT, get_http(url, log)).await;
            fetched.unwrap_or_else(|_| Err(failure(url, &format!("no answer within {} seconds", TIMEOUT.as_secs()))))
        }),
        scheme => Err(failure(url, &format!("unsupported protocol scheme {}", quote(scheme.unwrap_or_default())))
            .hint("http, https and file are supported; write ./ in front of a file name")),
    }
}

async fn get_http(url: &str, log: &Log) -> Result<Vec<u8>> {
    let mut target = parse(url).map_err(|problem| failure(url, &problem))?;
    for _ in 0..=MOST_REDIRECTS {
        let request_log = (target.uri.to_string(), jiff::Timestamp::now());
        let reply = send(&target).await.map_err(|cause| failure(url, &cause))?;
        let status = reply.status();
        log.line(6, concat!(file!(), ":", line!()), || {
            let milliseconds = jiff::Timestamp::now().duration_since(request_log.1).as_millis();
            format!("GET {} {status} in {milliseconds} milliseconds", request_log.0)
        });
        if let Some(next) = redirect(&target, &reply) {
            target = next.map_err(|problem| failure(url, &problem))?;
            continue;
        }
        if status != StatusCode::OK {
            return Err(Error::new(format!("cannot fetch {}: {status}", quote(&without_password(url)))));
        }
        return web::body(reply).await.map(|body| body.to_vec()).map_err(|cause| failure(url, &cause));
    }
    Err(failure(url, &format!("stopped after {MOST_REDIRECTS} redirects")))
}

/// A URL without its user, and the header that stands for that user.
struct HttpTarget {
    uri: Uri,
    authorization: Option<http::HeaderValue>,
}

async fn send(target: &HttpTarget) -> std::result::Result<http::Response<hyper::body::Incoming>, String> {
    let mut request = Request::get(target.uri.clone());
    if let Some(value) = &target.authorization {
        request = request.header(header::AUTHORIZATION, value);
    }
    web::send(request.body(Full::<Bytes>::default()).map_err(|error| error.to_string())?, system_roots).await
}

/// Where a reply sends us on, if it does. Credentials stay with the host they were meant for.
fn redirect<B>(from: &HttpTarget, reply: &http::Response<B>) -> Option<std::result::Result<HttpTarget, String>> {
    if !matches!(reply.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = reply.headers().get(header::LOCATION)?;
    let text = location.to_str().map_err(|_| "the redirect leads to no valid URL".to_owned());
    Some(text.and_then(|text| {
        let mut next = parse(&absolute(&from.uri, text))?;
        if next.authorization.is_none() && next.uri.authority() == from.uri.authority() {
            next.authorization.clone_from(&from.authorization);
        }
        Ok(next)
    }))
}

/// Resolves a reference against the URL it stands in (RFC 3986 section 5.2, without dot segments).
fn absolute(base: &Uri, reference: &str) -> String {
    let scheme = base.scheme_str().unwrap_or("http");
    let authority = base.authority().map_or("", http::uri::Authority::as_str);
    if split_scheme(reference).0.is_some() {
        reference.to_owned()
    } else if reference.starts_with("//") {
        format!("{scheme}:{reference}")
    } else if reference.starts_with('/') {
        format!("{scheme}://{authority}{reference}")
    } else {
        let directory = base.path().rsplit_once('/').map_or("", |(directory, _)| directory);
        format!("{scheme}://{authority}{directory}/{reference}")
    }
}

fn parse(url: &str) -> std::result::Result<HttpTarget, String> {
    let invalid = || "this is no valid URL".to_owned();
    let url = url.split('#').next().unwrap_or_default();
    let (scheme, rest) = url.split_once("://").ok_or_else(invalid)?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    let slash = if path.starts_with('/') { "" } else { "/" };
    let uri: Uri = format!("{scheme}://{host}{slash}{path}").parse().map_err(|_| invalid())?;
    if uri.host().is_none_or(str::is_empty) {
        return Err("no host in request URL".to_owned());
    }
    let authorization = user.map(|user| {
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        basic_authorization(&unescape(name), &unescape(password))
    });
    Ok(HttpTarget { uri, authorization })
}

/// Go serves `file` URLs like a web server: a missing file is a 404.
fn get_file(url: &str, rest: &str) -> Result<Vec<u8>> {
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let path = match rest.strip_prefix("//") {
        // The part before the path would be a host, which files do not have.
        Some(rest) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => rest,
    };
    let path = format!("/{}", unescape(path).trim_start_matches('/'));
    fs::read(path).map_err(|error| {
        let status = match error.kind() {
            io::ErrorKind::NotFound => StatusCode::NOT_FOUND.to_string(),
            io::ErrorKind::PermissionDenied => StatusCode::FORBIDDEN.to_string(),
            _ => io_cause(&error),
        };
        Error::new(format!("cannot fetch {}: {status}", quote(&without_password(url))))
    })
}

fn failure(url: &str, cause: &str) -> Error {
    let error = Error::new(format!("Get {}: {cause}", quote(&without_password(url))));
    if is_about_trust(cause) {
        error.hint("SSL_CERT_FILE names a file with certificates to trust beside the system's")
    } else {
        error
    }
}

/// The scheme in front of the first colon, if there is one, and what follows; an empty scheme is a colon at the start.
fn split_scheme(name: &str) -> (Option<&str>, &str) {
    let end =
        name.find(|letter: char| !(letter.is_ascii_alphanumeric() || "+-.".contains(letter))).unwrap_or(name.len());
    let starts_well = end == 0 || name.starts_with(|letter: char| letter.is_ascii_alphabetic());
    match name[end..].strip_prefix(':') {
        Some(rest) if starts_well => (Some(&name[..end]), rest),
        _ => (None, name),
    }
}

/// The first `%` that is not followed by two hexadecimal digits, with up to two letters behind it.
fn bad_escape(text: &str) -> Option<&str> {
    text.match_indices('%').map(|(at, _)| &text[at..]).find_map(|escape| {
        let digits = escape.bytes().skip(1).take(2).filter(u8::is_ascii_hexdigit).count();
        let end = escape.char_indices().nth(3).map_or(escape.len(), |(at, _)| at);
        (digits < 2).then(|| &escape[..end])
    })
}

/// Decodes `%XX`; what is no valid escape or no UTF-8 afterwards stays readable.
pub(crate) fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let value = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match value.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) if byte == b'%' => {
                bytes.push(value);
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The URL as messages show it. A password with an unescaped slash in it ends what looks like the host too early, but leaves
/// a port there that is no number.
pub(crate) fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (&url[..scheme.len() + 3], rest));
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let cut_short = !authority.starts_with('[') && authority.split_once(':').is_some_and(|(_, port)| !is_port(port));
    let at = authority.rfind('@').or_else(|| rest.rfind('@').filter(|_| cut_short));
    match at.and_then(|at| Some((rest[..at].split_once(':')?.0, &rest[at..]))) {
        Some((user, host)) => format!("{scheme}{user}:xxxxx{host}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn names_are_files_or_urls_as_go_sees_them() {
        for name in ["tls.crt", "/?a/b?", "./my:cert", "c:keys/a.crt", "C:\\x", "a b", "d/x:y", "ok%20name", "1/a:b"] {
            assert_eq!(locate(name).unwrap(), Location::File, "{name}");
        }
        for name in ["http://h/x", "HTTPS://h", "file:///x", "my:cert", "s3://b/k"] {
            assert_eq!(locate(name).unwrap(), Location::Url(name.to_owned()), "{name}");
        }
        for (name, want) in [
            ("keys/%zz", "parse \"keys/%zz\": invalid URL escape \"%zz\""),
            ("http://h/%4", "parse \"http://h/%4\": invalid URL escape \"%4\""),
            ("1a:b", "first path segment in URL cannot contain colon"),
            (":x", "missing protocol scheme"),
            ("a\nb", "invalid control character in URL"),
        ] {
            let Err(error) = locate(name) else { panic!("{name:?} was accepted") };
            assert!(error.to_string().contains(want), "{name:?}: {error}");
        }
    }

    #[test]
    fn a_user_in_the_url_becomes_a_header_and_its_password_is_never_shown() {
        let target = parse("http://bob:p%40ss@host:81/a?b#c").unwrap();
        assert_eq!(target.uri, "http://host:81/a?b");
        assert_eq!(target.authorization.unwrap(), "Basic Ym9iOnBAc3M=");
        assert_eq!(without_password("http://bob:p@ss@host/x@y"), "http://bob:xxxxx@host/x@y");
        for (url, shown) in [
            ("http://host/path", "http://host/path"),
            ("https://u:hunter2 @x", "https://u:xxxxx@x"),
            ("https://u:hun/ter2@x/y", "https://u:xxxxx@x/y"),
            ("u:hunter2@x", "u:xxxxx@x"),
            ("https://[::1]:80/a@b", "https://[::1]:80/a@b"),
            ("https://[::1]/a@b", "https://[::1]/a@b"),
            ("https://x:80/a@b", "https://x:80/a@b"),
            ("https://x/a:b@c", "https://x/a:b@c"),
            ("https://u@x:80", "https://u@x:80"),
        ] {
            assert_eq!(without_password(url), shown);
        }
        assert!(parse("http:///x").is_err());
    }

    #[test]
    fn redirects_are_resolved_against_the_url_they_came_from() {
        let base: Uri = "https://host:1/dir/file?q".parse().unwrap();
        for (reference, want) in [
            ("http://other/x", "http://other/x"),
            ("//other/x", "https://other/x"),
            ("/x", "https://host:1/x"),
            ("x?y", "https://host:1/dir/x?y"),
        ] {
            assert_eq!(absolute(&base, reference), want);
        }
    }

    #[test]
    fn escapes_are_decoded() {
        for (text, want) in [("a%20b", "a b"), ("%c3%A9", "é"), ("100%", "100%"), ("%zz", "%zz"), ("%+1", "%+1")] {
            assert_eq!(unescape(text), want);
        }
    }
}
