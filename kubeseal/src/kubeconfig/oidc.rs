//! Tokens of an OpenID Connect provider (the `oidc` auth-provider of a kubeconfig): used while they last, then refreshed
//! and written back, as kubectl does.
//!
//! Not left to kube: it neither writes back, which makes the next run fail where refresh tokens are good for one use, nor
//! knows the provider's own certificate authority, nor proxies.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::path::Path;
use std::time::Duration;

use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use kube::config::AuthProviderConfig;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sealed_secrets_flags::quote;
use sealed_secrets_resource::decode_base64;
use sealed_secrets_resource::document::edit::{Changes, Step, edit};
use sealed_secrets_resource::document::read_object;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::certificate_url::without_password;
use crate::error::{Error, Result, io_cause};
use crate::output::Output;
use crate::transport::{Runtime, basic_authorization, system_roots, trusting};
use crate::{say, web};

/// Field of the provider's settings: file with the certificate authorities of the provider.
pub(super) const AUTHORITY: &str = "idp-certificate-authority";
const AUTHORITY_DATA: &str = "idp-certificate-authority-data";
const ISSUER: &str = "idp-issuer-url";
const CLIENT_ID: &str = "client-id";
const CLIENT_SECRET: &str = "client-secret";
const ID_TOKEN: &str = "id-token";
const REFRESH_TOKEN: &str = "refresh-token";

/// A token that ends this soon is renewed first.
const MARGIN: SignedDuration = SignedDuration::from_secs(10);
/// Longest wait for the provider, all requests together.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A token that is good now. `file` is where the user of that name is defined; a refreshed token is written back there.
///
/// # Errors
/// A provider of another kind, settings that lack something, and a provider that gives no token; never with a secret.
pub(super) fn token(provider: &AuthProviderConfig, file: &Path, user: &str) -> Result<String> {
    match provider.name.as_str() {
        "oidc" => {}
        "gcp" | "azure" => {
            let instead = if provider.name == "gcp" { "gke-gcloud-auth-plugin" } else { "kubelogin" };
            return Err(Error::new(format!(
                "the auth-provider {} of the kubeconfig is no longer supported",
                provider.name
            ))
            .hint(format!("have the kubeconfig written anew for the exec plugin {instead}")));
        }
        other => return Err(Error::new(format!("no Auth Provider found for name {}", quote(other)))),
    }
    let settings = Settings::of(&provider.config)?;
    if let Some(token) = given(&provider.config, ID_TOKEN)
        && expiry(token).is_some_and(|end| Timestamp::now() + MARGIN < end)
    {
        return Ok(token.to_owned());
    }
    let fresh = settings.refresh()?;
    let refreshed = [(ID_TOKEN, Some(&fresh.id_token)), (REFRESH_TOKEN, fresh.refresh_token.as_ref())];
    if let Err(problem) = write_back(file, user, &refreshed) {
        say(&format!(
            "warning: the refreshed token could not be kept: {problem}; the provider may want you to log in again"
        ));
    }
    Ok(fresh.id_token)
}

/// What is needed for a new token.
struct Settings<'a> {
    config: &'a HashMap<String, String>,
    issuer: &'a str,
    client_id: &'a str,
    client_secret: &'a str,
}

struct Fresh {
    id_token: String,
    refresh_token: Option<String>,
}

/// How a client presents itself to the token endpoint; providers differ, and some want just one of these.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Header,
    Body,
}

impl<'a> Settings<'a> {
    fn of(config: &'a HashMap<String, String>) -> Result<Settings<'a>> {
        let needed = |name: &str| {
            given(config, name)
                .ok_or_else(|| Error::new(format!("the oidc auth-provider of the kubeconfig lacks {name}")))
        };
        Ok(Settings {
            config,
            issuer: needed(ISSUER)?.trim_end_matches('/'),
            client_id: needed(CLIENT_ID)?,
            client_secret: given(config, CLIENT_SECRET).unwrap_or_default(),
        })
    }

    fn refresh(&self) -> Result<Fresh> {
        let log_in = "log in again with the tool that wrote this kubeconfig";
        let failure = |problem: String| {
            let issuer = without_password(self.issuer);
            Error::new(format!("getting credentials: identity provider {issuer}: {problem}")).hint(log_in)
        };
        let Some(refresh_token) = given(self.config, REFRESH_TOKEN) else {
            return Err(failure("the id-token has expired, and there is no refresh-token".to_owned()));
        };
        Runtime::start()?.block_on(async {
            let asked = tokio::time::timeout(TIMEOUT, self.ask(refresh_token)).await;
            asked.unwrap_or_else(|_| Err(format!("no answer within {} seconds", TIMEOUT.as_secs()))).map_err(failure)
        })
    }

    async fn ask(&self, refresh_token: &str) -> std::result::Result<Fresh, String> {
        let discovery = format!("{}/.well-known/openid-configuration", self.issuer);
        let request = Request::get(discovery).body(Full::default()).map_err(|_| "its URL is not valid".to_owned())?;
        let reply = web::send(request, || self.trust()).await?;
        if reply.status() != StatusCode::OK {
            return Err(format!("asked for its configuration it answers {}", reply.status()));
        }
        let about: Value =
            serde_json::from_slice(&web::body(reply).await?).map_err(|_| "its configuration is not JSON".to_owned())?;
        let endpoint = about["token_endpoint"].as_str().ok_or("its configuration names no token_endpoint")?;

        let mut refused = String::new();
        for style in [Style::Header, Style::Body] {
            let request = self.token_request(endpoint, style, refresh_token)?;
            let reply = web::send(request, || self.trust()).await?;
            let status = reply.status();
            let body = Zeroizing::new(web::body(reply).await?.to_vec());
            let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
            if status.is_success() {
                let text = |field: &str| answer[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
                let id_token = text("id_token").ok_or("its answer to the refresh-token holds no id_token")?;
                return Ok(Fresh { id_token, refresh_token: text("refresh_token") });
            }
            refused = match answer["error"].as_str() {
                Some(word) if is_word(word) => format!("it does not take the refresh-token: {status}, {word}"),
                _ => format!("it does not take the refresh-token: {status}"),
            };
        }
        Err(refused)
    }

    /// RFC 6749 section 6, with the client's credentials as section 2.3.1 has them.
    fn token_request(
        &self,
        endpoint: &str,
        style: Style,
        refresh_token: &str,
    ) -> std::result::Result<Request<Full<Bytes>>, String> {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("grant_type", "refresh_token").append_pair("refresh_token", refresh_token);
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(endpoint)
            .header(header::ACCEPT, HeaderValue::from_static("application/json"))
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        match style {
            Style::Header => {
                let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let value = basic_authorization(&encoded(self.client_id), &encoded(self.client_secret));
                request = request.header(header::AUTHORIZATION, value);
            }
            Style::Body => {
                body.append_pair("client_id", self.client_id);
                if !self.client_secret.is_empty() {
                    body.append_pair("client_secret", self.client_secret);
                }
            }
        }
        request.body(Full::from(body.finish())).map_err(|_| "its token_endpoint is no valid URL".to_owned())
    }

    /// The certificate authorities that the kubeconfig names for the provider, otherwise the system's.
    fn trust(&self) -> std::result::Result<ClientConfig, String> {
        let pem = if let Some(data) = given(self.config, AUTHORITY_DATA) {
            decode_base64(data).map_err(|_| format!("{AUTHORITY_DATA} is not Base64"))?.to_vec()
        } else if let Some(path) = given(self.config, AUTHORITY) {
            fs::read(path).map_err(|error| format!("open {path}: {}", io_cause(&error)))?
        } else {
            return system_roots();
        };
        let found: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(&pem).filter_map(|block| block.ok()).collect();
        if found.is_empty() {
            return Err(format!("there is no certificate in {AUTHORITY}"));
        }
        trusting(found)
    }
}

fn given<'a>(config: &'a HashMap<String, String>, name: &str) -> Option<&'a str> {
    config.get(name).map(String::as_str).filter(|text| !text.is_empty())
}

/// When a JSON Web Token ends (RFC 7519 section 4.1.4); nothing for text that is none.
fn expiry(token: &str) -> Option<Timestamp> {
    let payload = token.split('.').nth(1)?.trim_end_matches('=');
    let mut text = payload.replace('-', "+").replace('_', "/");
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    let claims: Value = serde_json::from_slice(&decode_base64(&text).ok()?).ok()?;
    let seconds = claims["exp"].as_i64().or_else(|| claims["exp"].as_f64().map(|seconds| seconds as i64))?;
    Timestamp::from_second(seconds).ok()
}

/// Whether it is an error code of RFC 6749 section 5.2, not something that may hold a token.
fn is_word(text: &str) -> bool {
    text.len() < 40 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Changes these values of a user in a kubeconfig file, and nothing else in it.
fn write_back(file: &Path, user: &str, values: &[(&str, Option<&String>)]) -> std::result::Result<(), String> {
    let shown = file.display();
    let named = |problem: &dyn std::fmt::Display| format!("{shown}: {problem}");
    // A file that must not be written is not replaced either.
    OpenOptions::new().write(true).open(file).map_err(|error| named(&io_cause(&error)))?;
    let path = file.to_str().ok_or_else(|| named(&"its name is not valid UTF-8"))?;
    let mut output = Output::prepare(Some(path), "").map_err(|error| named(&plain(&error)))?;
    if !output.replaces_a_file() {
        return Err(named(&"it is not a regular file"));
    }
    // Read again: another run may have changed it meanwhile.
    let text = Zeroizing::new(fs::read(file).map_err(|error| named(&io_cause(&error)))?);
    let document = read_object(&text).map_err(|error| named(&error))?;
    let users = document.as_ref().map(|document| document.root.to_json()["users"].take()).unwrap_or_default();
    let index = users.as_array().and_then(|users| users.iter().rposition(|entry| entry["name"] == user));
    let index = index.ok_or_else(|| named(&format!("user {} is gone", quote(user))))?;
    let mut changes = Changes::default();
    for (name, value) in values {
        if let Some(value) = value {
            let steps = ["user", "auth-provider", "config", name].map(Step::from);
            changes.set(&[&[Step::from("users"), Step::from(index)], &steps[..]].concat(), value.as_str());
        }
    }
    let edited = edit(&text, &[(0, changes)]).map_err(|error| named(&error))?;
    output
        .write_bytes(Zeroizing::new(edited.text).as_bytes())
        .and_then(|()| output.commit())
        .map_err(|error| plain(&error))
}

fn plain(error: &Error) -> String {
    error.to_string().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_token_is_read_from_its_second_part() {
        for (token, want) in [
            // {"exp":1700000000}, with and without padding; {"exp":1.7e9}; letters of the URL alphabet.
            ("h.eyJleHAiOjE3MDAwMDAwMDB9.s", Some(1_700_000_000)),
            ("h.eyJleHAiOjE3MDAwMDAwMDB9==.s", Some(1_700_000_000)),
            ("h.eyJleHAiOjEuN2U5fQ.s", Some(1_700_000_000)),
            ("h.eyJleHAiOjE3MDAwMDAwMDAsIngiOiLDv8O-In0.s", Some(1_700_000_000)),
            ("h.eyJleHAiOiJzb29uIn0.s", None),
            ("h.e30.s", None),
            ("h.%%%.s", None),
            ("opaque", None),
            ("", None),
        ] {
            assert_eq!(expiry(token).map(Timestamp::as_second), want, "{token}");
        }
    }

    #[test]
    fn only_the_two_tokens_of_that_user_change_in_the_file() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("config");
        let text = "# mine\r\nusers:\r\n- name: a\r\n  user: {auth-provider: {name: oidc, config: {id-token: old-a}}}\r\n\
                    - name: b\r\n  user:\r\n    auth-provider:\r\n      config:\r\n        id-token: old-b # yes\r\n\
                    \x20       refresh-token: \"r\"\r\n";
        fs::write(&file, text).unwrap();
        let (id, refresh) = ("new".to_owned(), "s".to_owned());
        write_back(&file, "b", &[(ID_TOKEN, Some(&id)), (REFRESH_TOKEN, Some(&refresh))]).unwrap();
        let want = text.replace("old-b", "new").replace("\"r\"", "\"s\"");
        assert_eq!(fs::read_to_string(&file).unwrap(), want);
        write_back(&file, "a", &[(ID_TOKEN, Some(&id)), (REFRESH_TOKEN, None)]).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), want.replace("old-a", "new"));

        assert!(
            write_back(&file, "c", &[(ID_TOKEN, Some(&id))]).is_err_and(|problem| problem.contains("\"c\" is gone"))
        );
        assert!(write_back(Path::new("/dev/null"), "a", &[(ID_TOKEN, Some(&id))]).is_err());
        assert!(write_back(&place.path().join("none"), "a", &[(ID_TOKEN, Some(&id))]).is_err());
    }
}
