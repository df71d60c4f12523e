//! Which proxy a request goes through: `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` as Go's clients read them.

use std::net::IpAddr;

use http::{HeaderValue, Uri};

use crate::certificate_url::unescape;
use crate::transport::basic_authorization;

/// The proxy settings of an environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies {
    http: String,
    https: String,
    exceptions: Vec<Exception>,
}

/// A proxy, with the credentials of its URL taken apart.
#[derive(Clone)]
pub(crate) struct Proxy {
    uri: Uri,
    user: Option<(String, String)>,
}

impl Proxies {
    /// The settings of this process.
    pub(crate) fn from_environment() -> Proxies {
        Proxies::new(&|name| std::env::var(name).ok())
    }

    fn new(environment: &dyn Fn(&str) -> Option<String>) -> Proxies {
        let first = |names: [&str; 2]| {
            names.into_iter().filter_map(environment).find(|value| !value.is_empty()).unwrap_or_default()
        };
        // A web server hands the header `Proxy:` of any request to its programs under this name.
        let behind_a_web_server = environment("REQUEST_METHOD").is_some();
        Proxies {
            http: if behind_a_web_server { String::new() } else { first(["HTTP_PROXY", "http_proxy"]) },
            https: first(["HTTPS_PROXY", "https_proxy"]),
            exceptions: exceptions(&first(["NO_PROXY", "no_proxy"])),
        }
    }

    /// The proxy for a URL, if it needs one. This machine is never reached through a proxy.
    ///
    /// # Errors
    /// A proxy setting that is no URL; its text is not repeated, it may hold a password.
    pub(crate) fn choose(&self, target: &Uri) -> Result<Option<Proxy>, String> {
        let (setting, variable, default_port) = match target.scheme_str() {
            Some("https") => (&self.https, "HTTPS_PROXY", 443),
            _ => (&self.http, "HTTP_PROXY", 80),
        };
        let host = target.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        let port = target.port_u16().unwrap_or(default_port);
        let is_this_machine = host == "localhost" || address.is_some_and(|address| address.is_loopback());
        let excepted = self.exceptions.iter().any(|exception| exception.matches(&host, address, port));
        if setting.is_empty() || is_this_machine || excepted {
            return Ok(None);
        }
        Proxy::parse(setting).map(Some).map_err(|problem| format!("{variable} {problem}"))
    }
}

impl Proxy {
    /// Reads a proxy URL; without a scheme it is an `http` proxy.
    ///
    /// # Errors
    /// What is wrong, without the text.
    pub(crate) fn parse(setting: &str) -> Result<Proxy, String> {
        let (scheme, rest) = setting.split_once("://").unwrap_or(("http", setting));
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            // Both leave the resolution of names to the proxy.
            "socks5" | "socks5h" => "socks5",
            "http" => "http",
            "https" => "https",
            _ => return Err("is no http, https or socks5 URL".to_owned()),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let port = if scheme == "socks5" && !has_port(host) { ":1080" } else { "" };
        let uri: Uri = format!("{scheme}://{host}{port}/").parse().map_err(|_| "is no valid URL".to_owned())?;
        if uri.host().is_none_or(str::is_empty) {
            return Err("names no host".to_owned());
        }
        let user = user.map(|user| {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            (unescape(name), unescape(password))
        });
        Ok(Proxy { uri, user })
    }

    /// Its URL, without credentials.
    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Whether the way to the proxy itself is encrypted.
    pub(crate) fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// Whether it speaks SOCKS version 5 instead of HTTP.
    pub(crate) fn is_socks(&self) -> bool {
        self.uri.scheme_str() == Some("socks5")
    }

    /// User and password, if the URL holds them.
    pub(crate) fn user(&self) -> Option<&(String, String)> {
        self.user.as_ref()
    }

    /// The header value that presents user and password to an HTTP proxy.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        let (name, password) = self.user.as_ref().filter(|_| !self.is_socks())?;
        Some(basic_authorization(name, password))
    }
}

/// One entry of `NO_PROXY`.
#[derive(Clone, Debug)]
enum Exception {
    Everything,
    Network {
        address: IpAddr,
        bits: u32,
    },
    Address {
        address: IpAddr,
        port: Option<u16>,
    },
    /// A name ending in `suffix`, which starts with a dot; the name without that dot too, unless the entry had one.
    Name {
        suffix: String,
        with_itself: bool,
        port: Option<u16>,
    },
}

fn exceptions(text: &str) -> Vec<Exception> {
    text.split(',').filter_map(|entry| exception(entry.trim().to_ascii_lowercase().as_str())).collect()
}

fn exception(entry: &str) -> Option<Exception> {
    if entry.is_empty() {
        return None;
    }
    if entry == "*" {
        return Some(Exception::Everything);
    }
    if let Some((address, bits)) = entry.split_once('/') {
        let (address, bits) = (address.parse().ok()?, bits.parse().ok()?);
        return Some(Exception::Network { address, bits });
    }
    if let Ok(address) = entry.trim_matches(['[', ']']).parse() {
        return Some(Exception::Address { address, port: None });
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (entry, None),
    };
    if let Ok(address) = host.trim_matches(['[', ']']).parse() {
        return Some(Exception::Address { address, port });
    }
    let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
    let with_itself = !host.starts_with('.');
    let suffix = if with_itself { format!(".{host}") } else { host.to_owned() };
    Some(Exception::Name { suffix, with_itself, port })
}

impl Exception {
    fn matches(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        match self {
            Exception::Everything => true,
            Exception::Network { address: network, bits } => {
                address.is_some_and(|address| in_network(address, *network, *bits))
            }
            Exception::Address { address: own, port: only } => {
                address.is_some_and(|address| address.to_canonical() == own.to_canonical())
                    && only.is_none_or(|only| only == port)
            }
            Exception::Name { suffix, with_itself, port: only } => {
                let matches = host.ends_with(suffix.as_str()) || (*with_itself && host == &suffix[1..]);
                matches && only.is_none_or(|only| only == port)
            }
        }
    }
}

fn in_network(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let same =
        |own: u128, other: u128, width: u32| bits <= width && (bits == 0 || (own ^ other) >> (width - bits) == 0);
    match (address.to_canonical(), network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => same(address.to_bits().into(), network.to_bits().into(), 32),
        (IpAddr::V6(address), IpAddr::V6(network)) => same(address.to_bits(), network.to_bits(), 128),
        _ => false,
    }
}

fn has_port(host: &str) -> bool {
    host.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn chosen(env: &[(&str, &str)], target: &str) -> Option<String> {
        let lookup = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let proxy = Proxies::new(&lookup).choose(&target.parse().unwrap()).unwrap();
        proxy.map(|proxy| proxy.uri().to_string())
    }

    #[test]
    fn the_scheme_of_the_target_picks_the_variable_and_capitals_come_first() {
        let env = [("HTTP_PROXY", "http://a:1"), ("http_proxy", "http://b:1"), ("https_proxy", "c:2")];
        assert_eq!(chosen(&env, "http://x/"), Some("http://a:1/".to_owned()));
        assert_eq!(chosen(&env, "https://x/"), Some("http://c:2/".to_owned()));
        assert_eq!(chosen(&env, "http://127.0.0.1:8080/"), None);
        assert_eq!(chosen(&env, "http://[::1]/"), None);
        assert_eq!(chosen(&env, "https://LocalHost/"), None);
        assert_eq!(chosen(&[("HTTP_PROXY", "a:1"), ("REQUEST_METHOD", "GET")], "http://x/"), None);
        assert_eq!(chosen(&[], "http://x/"), None);
    }

    #[test]
    fn exceptions_are_names_suffixes_addresses_networks_and_ports() {
        for (no_proxy, target, direct) in [
            ("example.com", "http://example.com/", true),
            ("example.com", "http://a.example.com/", true),
            ("example.com", "http://notexample.com/", false),
            (".example.com", "http://example.com/", false),
            (".example.com", "http://a.b.example.com/", true),
            ("*.example.com", "http://a.example.com/", true),
            ("EXAMPLE.com:8080", "http://example.COM:8080/", true),
            ("example.com:8080", "http://example.com/", false),
            ("example.com:443", "https://example.com/", true),
            ("10.0.0.0/8", "http://10.1.2.3/", true),
            ("10.0.0.0/8", "http://11.1.2.3/", false),
            ("10.0.0.0/8", "http://ten.example/", false),
            ("0.0.0.0/0", "http://11.1.2.3/", true),
            ("fd00::/8", "http://[fd12::1]/", true),
            ("fd00::/8", "http://[fe12::1]/", false),
            ("10.1.2.3", "http://10.1.2.3:99/", true),
            ("10.1.2.3:98", "http://10.1.2.3:99/", false),
            ("[fd12::1]:99", "http://[fd12::1]:99/", true),
            ("fd12::1", "http://[fd12::1]/", true),
            ("a, ,b.test ,c", "http://b.test/", true),
            ("*", "http://anything/", true),
            ("", "http://anything/", false),
        ] {
            let env = [("HTTP_PROXY", "p:1"), ("HTTPS_PROXY", "p:1"), ("NO_PROXY", no_proxy)];
            assert_eq!(chosen(&env, target).is_none(), direct, "{no_proxy:?} {target}");
        }
    }

    #[test]
    fn credentials_leave_the_url_and_problems_do_not_repeat_it() {
        let proxy = Proxy::parse("https://bob:p%40ss@proxy.test:3128/path").unwrap();
        assert_eq!((proxy.uri().to_string().as_str(), proxy.is_https()), ("https://proxy.test:3128/", true));
        assert_eq!(proxy.user().unwrap(), &("bob".to_owned(), "p@ss".to_owned()));
        assert_eq!(proxy.authorization().unwrap(), "Basic Ym9iOnBAc3M=");

        let socks = Proxy::parse("socks5h://bob:pw@proxy.test").unwrap();
        assert_eq!((socks.uri().to_string().as_str(), socks.is_socks()), ("socks5://proxy.test:1080/", true));
        assert!(socks.authorization().is_none());

        for setting in ["ftp://hunter2:x@h", "http://", "http://hunter2@ /", "http://bob:hunter2@"] {
            assert!(Proxy::parse(setting).is_err_and(|problem| !problem.contains("hunter2")), "{setting}");
        }
    }
}
