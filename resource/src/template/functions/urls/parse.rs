//! The parts of a URL.

use std::net::Ipv6Addr;

use super::escapes::{Part, unescaped};

/// A URL, its parts without escapes.
#[derive(Debug, Default)]
pub(super) struct Url {
    pub(super) scheme: Vec<u8>,
    /// What follows a scheme without a slash.
    pub(super) opaque: Vec<u8>,
    pub(super) user: Option<User>,
    /// With port.
    pub(super) host: Vec<u8>,
    pub(super) path: Vec<u8>,
    /// As written.
    pub(super) query: Vec<u8>,
    pub(super) fragment: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct User {
    pub(super) name: Vec<u8>,
    pub(super) password: Option<Vec<u8>>,
}

/// The text is no URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct UrlError(pub(super) &'static str);

/// Parses a URL or a reference relative to one.
pub(super) fn parse(text: &[u8]) -> Result<Url, UrlError> {
    let (before, fragment) = cut(text, b'#');
    let mut url = without_fragment(before)?;
    url.fragment = unescaped(fragment.unwrap_or_default(), Part::Fragment)?;
    Ok(url)
}

/// Whether it is empty or a colon and digits.
pub(super) fn is_port(text: &[u8]) -> bool {
    text.strip_prefix(b":").map_or(text.is_empty(), |port| port.iter().all(u8::is_ascii_digit))
}

fn without_fragment(text: &[u8]) -> Result<Url, UrlError> {
    if text.iter().any(u8::is_ascii_control) {
        return Err(UrlError("net/url: invalid control character in URL"));
    }
    if text == b"*" {
        return Ok(Url { path: text.to_vec(), ..Url::default() });
    }
    let (scheme, rest) = scheme(text)?;
    let (rest, query) = cut(rest, b'?');
    let scheme = scheme.to_ascii_lowercase();
    let mut url = Url { scheme, query: query.unwrap_or_default().to_vec(), ..Url::default() };
    let mut path = rest;
    if !rest.starts_with(b"/") {
        if !url.scheme.is_empty() {
            url.opaque = rest.to_vec();
            return Ok(url);
        }
        if cut(rest, b'/').0.contains(&b':') {
            return Err(UrlError("first path segment in URL cannot contain colon"));
        }
    }
    // Without a scheme, three slashes are a path.
    if let Some(after) = rest.strip_prefix(b"//")
        && (!url.scheme.is_empty() || !after.starts_with(b"/"))
    {
        let end = memchr::memchr(b'/', after).unwrap_or(after.len());
        path = &after[end..];
        let (user, host) = match memchr::memrchr(b'@', &after[..end]) {
            Some(at) => (Some(&after[..at]), &after[at + 1..end]),
            None => (None, &after[..end]),
        };
        url.host = parse_host(host)?;
        url.user = user.map(parse_user).transpose()?;
    }
    url.path = unescaped(path, Part::Path)?;
    Ok(url)
}

/// The scheme and what follows its colon. What cannot be a scheme is none.
fn scheme(text: &[u8]) -> Result<(&[u8], &[u8]), UrlError> {
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let len = text.iter().take_while(|byte| is_scheme(byte)).count();
    match (text.first(), text.get(len)) {
        (Some(b':'), _) => Err(UrlError("missing protocol scheme")),
        (Some(first), Some(b':')) if first.is_ascii_alphabetic() => Ok((&text[..len], &text[len + 1..])),
        _ => Ok((b"", text)),
    }
}

fn parse_user(user: &[u8]) -> Result<User, UrlError> {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte);
    if !user.iter().all(is_allowed) {
        return Err(UrlError("net/url: invalid userinfo"));
    }
    let (name, password) = cut(user, b':');
    let password = password.map(|password| unescaped(password, Part::User)).transpose()?;
    Ok(User { name: unescaped(name, Part::User)?, password })
}

/// A name or an address in brackets, with an optional port.
fn parse_host(host: &[u8]) -> Result<Vec<u8>, UrlError> {
    const PORT: UrlError = UrlError("invalid port after host");
    match memchr::memrchr(b'[', host) {
        Some(0) => {}
        Some(_) => return Err(UrlError("invalid IP-literal")),
        None => {
            let port = memchr::memrchr(b':', host).map_or(&[][..], |colon| &host[colon..]);
            return if is_port(port) { unescaped(host, Part::Host) } else { Err(PORT) };
        }
    }
    let end = memchr::memrchr(b']', host).ok_or(UrlError("missing ']' in host"))?;
    let (inside, port) = (&host[1..end], &host[end + 1..]);
    if !is_port(port) {
        return Err(PORT);
    }
    let address = match memchr::memmem::find(inside, b"%25") {
        Some(zone) => [unescaped(&inside[..zone], Part::Host)?, unescaped(&inside[zone..], Part::Zone)?].concat(),
        None => unescaped(inside, Part::Host)?,
    };
    let (ip, zone) = cut(&address, b'%');
    let is_ip = std::str::from_utf8(ip).is_ok_and(|ip| ip.parse::<Ipv6Addr>().is_ok());
    if !is_ip || zone == Some(b"") {
        return Err(UrlError("invalid IP-literal"));
    }
    Ok([b"[", address.as_slice(), b"]", port].concat())
}

/// What stands before and after the first `separator`.
fn cut(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(separator, text) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}
