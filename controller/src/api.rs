//! Every call of the controller to the API server that is no watch, in one place, so that the permissions it needs can be
//! read off here (spec/controller.md 3.3): the published roles allow these and nothing else.
//!
//! Bodies are never logged and never become part of an error: they can be Secrets.

use std::time::Duration;

use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use kube::client::Body;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::leadership::Leadership;
use crate::object::ObjectKey;
use crate::throttle::Throttle;

/// Longest wait for one answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// How often a call is repeated that the API server is too busy for, and the longest pause it may ask for.
const BUSY_REPEATS: u32 = 4;
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

const ACCESS_REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const JSON: &str = "application/json";
const STRATEGIC_MERGE: &str = "application/strategic-merge-patch+json";

/// Why a call failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ApiError {
    /// The API server said no. The text is its own, word for word, because it ends in events and status messages.
    #[error("{message}")]
    Refused {
        /// HTTP status.
        code: u16,
        /// Its message.
        message: String,
    },
    /// Nothing new can be made in a namespace that is being deleted. In the API server's words.
    #[error("{0}")]
    Terminating(String),
    /// There was no usable answer.
    #[error("{0}")]
    NoAnswer(String),
    /// The answer does not have the expected form; its content is not repeated here.
    #[error("the API server's answer to {call} could not be read")]
    Unreadable {
        /// Method and path.
        call: String,
    },
    /// The call was not made, or its answer not waited for, because another replica may lead now.
    #[error("not written, this replica does not lead any more")]
    NotLeading,
}

impl ApiError {
    /// The HTTP status, if the API server answered.
    pub fn code(&self) -> Option<u16> {
        match self {
            ApiError::Refused { code, .. } => Some(*code),
            ApiError::Terminating(_) => Some(StatusCode::FORBIDDEN.as_u16()),
            ApiError::NoAnswer(_) | ApiError::Unreadable { .. } | ApiError::NotLeading => None,
        }
    }
}

/// What stands in the way of deleting the wrong object.
#[derive(Serialize)]
struct Preconditions<'a> {
    uid: &'a str,
    #[serde(rename = "resourceVersion")]
    resource_version: &'a str,
}

/// The calls. See the module's documentation.
pub struct Api {
    client: kube::Client,
    throttle: Option<Throttle>,
    leadership: Leadership,
}

impl Api {
    /// Calls through `client`, which knows the address and the credentials. Writes only while this replica leads.
    pub fn new(client: kube::Client, throttle: Option<Throttle>, leadership: Leadership) -> Api {
        Api { client, throttle, leadership }
    }

    /// Waits until writes are possible: until this replica leads.
    pub async fn leads(&self) {
        self.leadership.gained().await;
    }

    /// `get secrets`
    pub async fn secret<T: DeserializeOwned>(&self, key: &ObjectKey) -> Result<Option<T>, ApiError> {
        absent_as_none(self.object(Method::GET, &secret_path(key), None::<&()>).await)
    }

    /// `create secrets`
    pub async fn create_secret<T: DeserializeOwned>(
        &self,
        namespace: &str,
        secret: &impl Serialize,
    ) -> Result<T, ApiError> {
        let path = format!("/api/v1/namespaces/{}/secrets", segment(namespace));
        self.object(Method::POST, &path, Some(secret)).await
    }

    /// `update secrets`; the object's resourceVersion guards against writing over somebody else's change.
    pub async fn replace_secret<T: DeserializeOwned>(
        &self,
        key: &ObjectKey,
        secret: &impl Serialize,
    ) -> Result<T, ApiError> {
        self.object(Method::PUT, &secret_path(key), Some(secret)).await
    }

    /// `delete secrets`, of exactly this object in exactly this version. Gone already is fine.
    pub async fn delete_secret(&self, key: &ObjectKey, uid: &str, resource_version: &str) -> Result<(), ApiError> {
        let options = serde_json::json!({
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "preconditions": Preconditions { uid, resource_version },
        });
        let answer = self.call(Method::DELETE, &secret_path(key), JSON, Some(&options)).await;
        absent_as_none(answer).map(|_| ())
    }

    /// `list secrets` with the label of sealing keys.
    pub async fn key_secrets(&self, namespace: &str, selector: &str) -> Result<Vec<Value>, ApiError> {
        let path = format!("/api/v1/namespaces/{}/secrets?labelSelector={}", segment(namespace), segment(selector));
        let mut list: Value = self.object(Method::GET, &path, None::<&()>).await?;
        match list.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            Some(Value::Null) => Ok(Vec::new()),
            _ => Err(ApiError::Unreadable { call: format!("GET {path}") }),
        }
    }

    /// `get sealedsecrets`
    pub async fn sealed_secret(&self, key: &ObjectKey) -> Result<Option<Value>, ApiError> {
        absent_as_none(self.object(Method::GET, &sealed_secret_path(key), None::<&()>).await)
    }

    /// `update sealedsecrets/status`; gives the object as stored, which shows what a schema has dropped.
    pub async fn replace_status(&self, key: &ObjectKey, object: &Value) -> Result<Value, ApiError> {
        let path = format!("{}/status", sealed_secret_path(key));
        self.object(Method::PUT, &path, Some(object)).await
    }

    /// `create events`
    pub async fn create_event(&self, namespace: &str, event: &impl Serialize) -> Result<(), ApiError> {
        let path = format!("/api/v1/namespaces/{}/events", segment(namespace));
        self.call(Method::POST, &path, JSON, Some(event)).await.map(|_| ())
    }

    /// `patch events`
    pub async fn patch_event(&self, namespace: &str, name: &str, patch: &Value) -> Result<(), ApiError> {
        let path = format!("/api/v1/namespaces/{}/events/{}", segment(namespace), segment(name));
        self.call(Method::PATCH, &path, STRATEGIC_MERGE, Some(patch)).await.map(|_| ())
    }

    /// `get namespaces`: whether this one exists.
    pub async fn namespace_exists(&self, namespace: &str) -> Result<bool, ApiError> {
        let path = format!("/api/v1/namespaces/{}", segment(namespace));
        let answer = self.call(Method::GET, &path, JSON, None::<&()>).await;
        Ok(absent_as_none(answer)?.is_some())
    }

    /// `get leases`
    pub async fn lease(&self, key: &ObjectKey) -> Result<Option<Value>, ApiError> {
        absent_as_none(self.object(Method::GET, &lease_path(key), None::<&()>).await)
    }

    /// `create leases`
    pub async fn create_lease(&self, namespace: &str, lease: &Value) -> Result<Value, ApiError> {
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", segment(namespace));
        self.object(Method::POST, &path, Some(lease)).await
    }

    /// `update leases`
    pub async fn replace_lease(&self, key: &ObjectKey, lease: &Value) -> Result<Value, ApiError> {
        self.object(Method::PUT, &lease_path(key), Some(lease)).await
    }

    /// `create selfsubjectaccessreviews`, which every account may: whether Secrets of this namespace may be watched.
    pub async fn may_watch_secrets(&self, namespace: &str) -> Result<bool, ApiError> {
        let review = serde_json::json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"namespace": namespace, "verb": "watch", "resource": "secrets"}},
        });
        let answer: Value = self.object(Method::POST, ACCESS_REVIEWS, Some(&review)).await?;
        Ok(answer.pointer("/status/allowed").and_then(Value::as_bool).unwrap_or_default())
    }

    async fn object<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, ApiError> {
        let call = format!("{method} {path}");
        let bytes = self.call(method, path, JSON, body).await?;
        // The parser's message can quote what it read.
        serde_json::from_slice(&bytes).map_err(|_| ApiError::Unreadable { call })
    }

    /// One call, repeated while the API server says that it is too busy (429), after the pause it asks for.
    async fn call(
        &self,
        method: Method,
        path: &str,
        content_type: &'static str,
        body: Option<&impl Serialize>,
    ) -> Result<Vec<u8>, ApiError> {
        let body = match body {
            Some(body) => serde_json::to_vec(body)
                .map_err(|_| ApiError::NoAnswer(format!("the request {method} {path} could not be put into words")))?,
            None => Vec::new(),
        };
        let mut repeats = 0;
        loop {
            if let Some(throttle) = &self.throttle {
                throttle.wait(path).await;
            }
            let attempt = self.once(&method, path, content_type, &body);
            let attempt = async {
                tokio::time::timeout(ANSWER_WITHIN, attempt).await.unwrap_or_else(|_| {
                    Err(ApiError::NoAnswer(format!("{method} {path}: no answer within {} s", ANSWER_WITHIN.as_secs())))
                })
            };
            let answer = match method == Method::GET || path == ACCESS_REVIEWS {
                true => attempt.await,
                false => tokio::select! {
                    biased;
                    () = self.leadership.lost() => Err(ApiError::NotLeading),
                    answer = attempt => answer,
                },
            };
            match answer? {
                Answer::Done(bytes) => return Ok(bytes),
                Answer::Refused { error, pause: Some(pause) }
                    if repeats < BUSY_REPEATS && error.code() == Some(429) =>
                {
                    repeats += 1;
                    tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
                }
                Answer::Refused { error, .. } => return Err(error),
            }
        }
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        content_type: &'static str,
        body: &[u8],
    ) -> Result<Answer, ApiError> {
        let no_answer = |error: &dyn std::fmt::Display| ApiError::NoAnswer(format!("{method} {path}: {error}"));
        let mut request = Request::builder().method(method).uri(path).header(header::ACCEPT, JSON);
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let request = request.body(Body::from(body.to_vec())).map_err(|error| no_answer(&error))?;
        let response = self.client.send(request).await.map_err(|error| no_answer(&chain(&error)))?;
        let status = response.status();
        let pause = retry_after(response.headers());
        let collected = response.into_body().collect().await;
        let bytes = collected.map_err(|error| no_answer(&error))?.to_bytes();
        if status.is_success() {
            return Ok(Answer::Done(bytes.to_vec()));
        }
        Ok(Answer::Refused { error: refusal(status, &bytes), pause })
    }
}

enum Answer {
    Done(Vec<u8>),
    Refused { error: ApiError, pause: Option<Duration> },
}

/// What a refusal says: the `message` of the `Status` object that it carries, else the bare status.
fn refusal(status: StatusCode, body: &[u8]) -> ApiError {
    let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = match parsed.get("message").and_then(Value::as_str) {
        Some(message) if !message.is_empty() => message.to_owned(),
        _ => format!("the API server answered {status}"),
    };
    let causes = parsed.pointer("/details/causes").and_then(Value::as_array);
    let is_terminating = causes.into_iter().flatten().any(|cause| cause["reason"] == "NamespaceTerminating");
    match is_terminating {
        true => ApiError::Terminating(message),
        false => ApiError::Refused { code: status.as_u16(), message },
    }
}

fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// An error with its causes, which is where connection errors say what happened.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

fn absent_as_none<T>(answer: Result<T, ApiError>) -> Result<Option<T>, ApiError> {
    match answer {
        Err(ApiError::Refused { code: 404, .. }) => Ok(None),
        answer => answer.map(Some),
    }
}

fn secret_path(key: &ObjectKey) -> String {
    format!("/api/v1/namespaces/{}/secrets/{}", segment(&key.namespace), segment(&key.name))
}

fn lease_path(key: &ObjectKey) -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases/{}", segment(&key.namespace), segment(&key.name))
}

fn sealed_secret_path(key: &ObjectKey) -> String {
    format!("/apis/bitnami.com/v1alpha1/namespaces/{}/sealedsecrets/{}", segment(&key.namespace), segment(&key.name))
}

/// One segment of a path, or a value of a query: everything but RFC 3986's unreserved characters is escaped.
fn segment(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_place_in_a_path() {
        let key = ObjectKey::new("a/../b", "x?y");
        assert_eq!(secret_path(&key), "/api/v1/namespaces/a%2F..%2Fb/secrets/x%3Fy");
        assert_eq!(segment("a.b/c=active"), "a.b%2Fc%3Dactive");
    }

    #[test]
    fn refusals_keep_the_words_of_the_api_server() {
        let said = |status, body: &[u8]| refusal(status, body).to_string();
        let body = br#"{"kind":"Status","message":"Secret \"x\" is invalid: y"}"#;
        assert_eq!(said(StatusCode::UNPROCESSABLE_ENTITY, body), "Secret \"x\" is invalid: y");
        for body in [&b"Too many requests"[..], b"", b"{}", br#"{"message":""}"#] {
            assert_eq!(said(StatusCode::TOO_MANY_REQUESTS, body), "the API server answered 429 Too Many Requests");
        }
    }

    #[test]
    fn a_namespace_that_goes_away_is_told_from_other_refusals() {
        let body = br#"{"message":"m","reason":"Forbidden","details":{"causes":[{"reason":"NamespaceTerminating"}]}}"#;
        let gone = refusal(StatusCode::FORBIDDEN, body);
        assert!(matches!(&gone, ApiError::Terminating(message) if message == "m"), "{gone:?}");
        assert_eq!(gone.code(), Some(403));
        let quota = br#"{"message":"exceeded quota","reason":"Forbidden","details":{"kind":"secrets"}}"#;
        assert!(matches!(refusal(StatusCode::FORBIDDEN, quota), ApiError::Refused { code: 403, .. }));
    }
}
