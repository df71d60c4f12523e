//! Talks to the controller through the API server's service proxy, the only way there is (spec/kubeseal-cli.md 8).

mod api_server;
mod failure;
mod objects;
mod reply;

use std::time::Duration;

use http::{Method, StatusCode};
use hyper::body::Bytes;
use sealed_secrets_resource::SealedSecret;
use sealed_secrets_resource::document::to_json_compact;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::kubeconfig::Overrides;
use crate::log::Log;
use api_server::ApiServer;
use failure::Failure;
pub(crate) use objects::{Collection, Objects};
use reply::Answer;

/// How requests introduce themselves.
pub(crate) const USER_AGENT: &str = concat!("kubeseal/", env!("CARGO_PKG_VERSION"));

/// Longest wait for what a server that is alive answers in milliseconds.
const QUICK: Duration = Duration::from_secs(9);
/// Longest wait for work on every item of an object, with each of the controller's keys in turn.
const WORK: Duration = Duration::from_secs(600);
/// What to think of when nothing answers behind the Service.
const IS_IT_RUNNING: &str = "is the controller running?";

/// Which controller in which cluster, and how to get there.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) overrides: Overrides,
    pub(crate) log: Log,
    pub(crate) controller_namespace: String,
    pub(crate) controller_name: String,
}

/// The controller behind its Service.
pub(crate) struct Controller {
    server: ApiServer,
    namespace: String,
    /// `http:<name>:<port name>`, the form that access rules list.
    service: String,
}

/// What to think of when the controller cannot open an object.
pub(crate) const NOT_OPENED: &str =
    "was it sealed for another cluster or with a lost key, or renamed or moved after sealing?";

/// What the verify endpoint says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Opens,
    DoesNotOpen,
}

impl Controller {
    /// Finds the Service of the controller.
    ///
    /// # Errors
    /// `cannot get sealed secret service: …`, or the faults of the kubeconfig.
    pub(crate) fn connect(access: &Access) -> Result<Controller> {
        let server = ApiServer::connect(access)?;
        let (namespace, name) = (segment(&access.controller_namespace), segment(&access.controller_name));
        let path = format!("/api/v1/namespaces/{namespace}/services/{name}");
        let service = server.request(Method::GET, &path, "application/json", None, QUICK)?;
        let service = service.and_then(|reply| reply.success("get", &format!("services {name}")));
        let port = service.and_then(|body| port_name(&body)).map_err(|failure| {
            let flags = "--controller-name and --controller-namespace say where the controller's Service is";
            let hint = failure.hint.map_or_else(|| flags.to_owned(), |hint| format!("{hint}; {flags}"));
            failure.error("cannot get sealed secret service").hint(hint)
        })?;
        let service = format!("http:{name}:{}", segment(&port));
        Ok(Controller { server, namespace, service })
    }

    /// The certificate that the controller publishes, as PEM text.
    ///
    /// # Errors
    /// `cannot fetch certificate: …`.
    pub(crate) fn certificate(&self) -> Result<Vec<u8>> {
        let reply = self.proxied(Method::GET, "cert.pem", "application/x-pem-file, */*", None, QUICK)?;
        let body = reply.and_then(|reply| reply.success("get", &self.resource()));
        body.map(|body| body.to_vec()).map_err(|failure| {
            let without = "sealing works without it when --cert names a copy of its certificate";
            failure.error("cannot fetch certificate").or_hint(&format!("{IS_IT_RUNNING} {without}"))
        })
    }

    /// Asks whether the controller can open a SealedSecret.
    ///
    /// # Errors
    /// `cannot validate sealed secret: …` for every answer but yes and no.
    pub(crate) fn verify(&self, sealed_secret: &SealedSecret) -> Result<Verdict> {
        let reply = self.proxied(Method::POST, "verify", "*/*", Some(body(sealed_secret)?), WORK)?;
        match reply {
            Ok(reply) if reply.status == StatusCode::CONFLICT => Ok(Verdict::DoesNotOpen),
            reply => match reply.and_then(|reply| reply.success("post", &self.resource())) {
                Ok(_) => Ok(Verdict::Opens),
                Err(failure) => Err(self.failed("cannot validate sealed secret", failure)),
            },
        }
    }

    /// Has the controller encrypt a SealedSecret with its newest key.
    ///
    /// # Errors
    /// `unable to rotate secret` when the controller cannot open it, `cannot re-encrypt secret: …` for every other failure.
    pub(crate) fn re_encrypt(&self, sealed_secret: &SealedSecret) -> Result<SealedSecret> {
        let failure = |failure: Failure| self.failed("cannot re-encrypt secret", failure);
        let reply = self.proxied(Method::POST, "rotate", "*/*", Some(body(sealed_secret)?), WORK)?;
        if reply.as_ref().is_ok_and(|reply| reply.status == StatusCode::CONFLICT) {
            return Err(Error::new("unable to rotate secret").hint(NOT_OPENED));
        }
        let body = reply.and_then(|reply| reply.success("post", &self.resource())).map_err(failure)?;
        let value: Value = serde_json::from_slice(&body).map_err(|_| failure("the reply is not JSON".into()))?;
        let mut answer = SealedSecret::from_json(&value)
            .map_err(|error| failure(format!("the reply is no SealedSecret: {error}").into()))?;
        let (asked, given) = (&sealed_secret.metadata, &mut answer.metadata);
        if (&asked.namespace, &asked.name) != (&given.namespace, &given.name) {
            return Err(failure("the reply is about another object".into()));
        }
        given.creation_timestamp = None;
        given.deletion_timestamp = None;
        given.generation = None;
        Ok(answer)
    }

    fn failed(&self, words: &str, failure: Failure) -> Error {
        let nobody_is_there = failure.nobody_is_there();
        let error = failure.error(words);
        if nobody_is_there { error.or_hint(IS_IT_RUNNING) } else { error }
    }

    fn proxied(
        &self,
        method: Method,
        endpoint: &str,
        accept: &str,
        body: Option<Bytes>,
        limit: Duration,
    ) -> Result<Answer> {
        let path = format!("/api/v1/namespaces/{}/services/{}/proxy/v1/{endpoint}", self.namespace, self.service);
        self.server.request(method, &path, accept, body, limit)
    }

    fn resource(&self) -> String {
        format!("services {}", self.service)
    }
}

/// A SealedSecret as a request carries it.
fn body(sealed_secret: &SealedSecret) -> Result<Bytes> {
    let failure = |cause: String| Error::new(format!("cannot send the SealedSecret: {cause}"));
    let mut value = serde_json::to_value(sealed_secret).map_err(|error| failure(error.to_string()))?;
    if sealed_secret.spec.data.is_some() && sealed_secret.spec.encrypted_data.is_empty() {
        // The deprecated form has no items: not even none.
        value["spec"]["encryptedData"] = Value::Null;
    }
    to_json_compact(&value).map(Into::into).map_err(|error| failure(error.to_string()))
}

/// The name of the Service's first port; empty if it has none, or no ports at all.
fn port_name(service: &[u8]) -> std::result::Result<String, Failure> {
    let service: Value =
        serde_json::from_slice(service).map_err(|_| Failure::from("the API server's reply is not JSON"))?;
    Ok(service["spec"]["ports"][0]["name"].as_str().unwrap_or_default().to_owned())
}

/// A name as one segment of a path. Colons stay as they are: access rules are compared with the text.
fn segment(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_service_without_ports_has_an_unnamed_one() {
        for (service, want) in [
            (r#"{"spec":{"ports":[{"name":"http"},{"name":"metrics"}]}}"#, "http"),
            (r#"{"spec":{"ports":[{"port":8080}]}}"#, ""),
            (r#"{"spec":{}}"#, ""),
            ("{}", ""),
        ] {
            assert_eq!(port_name(service.as_bytes()).unwrap(), want);
        }
        assert!(port_name(b"<html>").is_err());
    }

    #[test]
    fn names_stay_one_segment_of_the_path() {
        assert_eq!(segment("sealed-secrets-controller"), "sealed-secrets-controller");
        assert_eq!(segment("a/../b?c:d é"), "a%2F..%2Fb%3Fc:d%20%C3%A9");
    }
}
