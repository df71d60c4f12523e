//! URLs as Go's `net/url` takes them apart and puts them together.

mod escapes;
mod parse;

use std::collections::BTreeMap;

use escapes::{Part, escaped};
use parse::{Url, User, parse};

use crate::template::context::Context;
use crate::template::function::Parameter::{Map as AMap, Text as AText};
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::map::Map;
use crate::template::text::Text;
use crate::template::value::Value;

pub(super) const TABLE: &[Function] =
    &[Function::new("urlParse", &[AText], url_parse), Function::new("urlJoin", &[AMap], url_join)];

fn url_parse(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let text = args.text(0)?;
    context.allocate(text.len().saturating_mul(4))?;
    context.spend(text.len() / 16)?;
    let url = parse(text).map_err(|error| FunctionError::failed(format!("unable to parse url: {error}")))?;
    let user = url.user.as_ref().map(written_user).unwrap_or_default();
    let hostname = hostname(&url.host).to_vec();
    let parts = [
        ("scheme", url.scheme),
        ("host", url.host),
        ("hostname", hostname),
        ("path", url.path),
        ("query", url.query),
        ("opaque", url.opaque),
        ("fragment", url.fragment),
        ("userinfo", user),
    ];
    let parts = parts.into_iter().map(|(name, part)| (Text::from(name), Value::text(part)));
    Ok(Value::Map(Map::any(parts.collect::<BTreeMap<_, _>>())))
}

fn url_join(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let parts = args.map(0)?;
    let part = |name: &str| match parts.and_then(|parts| parts.get(name.as_bytes())) {
        None => Ok(Vec::new()),
        Some(Value::Text(text)) => Ok(text.to_vec()),
        Some(_) => Err(FunctionError::failed(format!("unable to parse {name} key, must be of type string"))),
    };
    let mut url = Url {
        scheme: part("scheme")?,
        host: part("host")?,
        path: part("path")?,
        query: part("query")?,
        opaque: part("opaque")?,
        fragment: part("fragment")?,
        user: None,
    };
    let user = part("userinfo")?;
    let len = url.host.len() + url.path.len() + url.opaque.len() + url.fragment.len() + url.query.len() + user.len();
    context.allocate(len.saturating_mul(8))?;
    context.spend(len / 16)?;
    if !user.is_empty() {
        let text = [b"proto://", user.as_slice(), b"@host"].concat();
        let parsed =
            parse(&text).map_err(|error| FunctionError::failed(format!("unable to parse userinfo: {error}")))?;
        url.user = parsed.user;
    }
    Ok(Value::text(written(&url)))
}

/// The host without its port, and without the brackets of an IPv6 address.
fn hostname(host: &[u8]) -> &[u8] {
    let name = match memchr::memrchr(b':', host) {
        Some(colon) if parse::is_port(&host[colon..]) => &host[..colon],
        _ => host,
    };
    name.strip_prefix(b"[").and_then(|name| name.strip_suffix(b"]")).unwrap_or(name)
}

/// The URL as text. What its parts mean is kept: a host puts a slash before the path, and a first segment with a colon
/// gets a `./` so that it does not read as a scheme.
fn written(url: &Url) -> Vec<u8> {
    let mut text = Vec::new();
    if !url.scheme.is_empty() {
        text.extend_from_slice(&url.scheme);
        text.push(b':');
    }
    if url.opaque.is_empty() {
        write_hierarchy(url, &mut text);
    } else {
        text.extend_from_slice(&url.opaque);
    }
    if !url.query.is_empty() {
        text.push(b'?');
        text.extend_from_slice(&url.query);
    }
    if !url.fragment.is_empty() {
        text.push(b'#');
        text.extend(escaped(&url.fragment, Part::Fragment));
    }
    text
}

fn write_hierarchy(url: &Url, text: &mut Vec<u8>) {
    let has_authority = !url.host.is_empty() || url.user.is_some();
    if has_authority || (!url.scheme.is_empty() && !url.path.is_empty()) {
        text.extend_from_slice(b"//");
    }
    if let Some(user) = &url.user {
        text.extend(written_user(user));
        text.push(b'@');
    }
    text.extend(escaped(&url.host, Part::Host));
    let path = if url.path == b"*" { b"*".to_vec() } else { escaped(&url.path, Part::Path) };
    if !path.is_empty() && !path.starts_with(b"/") && !url.host.is_empty() {
        text.push(b'/');
    }
    let first = path.split(|&byte| byte == b'/').next().unwrap_or_default();
    if text.is_empty() && first.contains(&b':') {
        text.extend_from_slice(b"./");
    }
    text.extend(path);
}

fn written_user(user: &User) -> Vec<u8> {
    let name = escaped(&user.name, Part::User);
    match &user.password {
        Some(password) if !(name.is_empty() && password.is_empty()) => {
            [name.as_slice(), b":", &escaped(password, Part::User)].concat()
        }
        _ => name,
    }
}
