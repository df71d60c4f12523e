//! What a server answers, in the words of the API's Go client.

use http::StatusCode;
use hyper::body::Bytes;
use sealed_secrets_flags::quote;
use serde_json::Value;

use super::failure::Failure;

/// A reply, or why there is none.
pub(super) type Answer = std::result::Result<Reply, Failure>;

/// A complete reply.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    /// In seconds, if the server says so.
    pub(super) retry_after: Option<u64>,
    pub(super) body: Bytes,
}

impl Reply {
    /// The body of a successful reply, otherwise the cause in the words of the API's Go client.
    pub(super) fn success(self, verb: &str, resource: &str) -> std::result::Result<Bytes, Failure> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        if let Some(message) = status_message(&self.body) {
            return Err(Failure::of_status(self.status, message));
        }
        let text = String::from_utf8_lossy(&self.body);
        let cause = match self.status.as_u16() {
            400 => "the server rejected our request for an unknown reason".to_owned(),
            401 => "the server has asked for the client to provide credentials".to_owned(),
            403 | 406 | 415 if !text.trim().is_empty() => text.trim().to_owned(),
            404 => "the server could not find the requested resource".to_owned(),
            405 => "the server does not allow this method on the requested resource".to_owned(),
            409 => "the server reported a conflict".to_owned(),
            429 => "the server has received too many requests and has asked us to try again later".to_owned(),
            503 => "the server is currently unable to handle the request".to_owned(),
            504 => "the server was unable to return a response in the time allotted, but may still be processing the request".to_owned(),
            500.. => format!("an error on the server ({}) has prevented the request from succeeding", quote(text.trim())),
            code => format!("the server responded with the status code {code} but did not return more information"),
        };
        Err(Failure::of_status(self.status, format!("{cause} ({verb} {resource})")))
    }
}

/// The message of a Kubernetes `Status` that reports a failure.
fn status_message(body: &[u8]) -> Option<String> {
    let status: Value = serde_json::from_slice(body).ok()?;
    let failed = status["kind"] == "Status" && status["status"] == "Failure";
    status["message"].as_str().filter(|message| failed && !message.is_empty()).map(str::to_owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn cause(status: u16, body: &str) -> String {
        let status = StatusCode::from_u16(status).unwrap();
        let reply = Reply { status, retry_after: None, body: Bytes::copy_from_slice(body.as_bytes()) };
        reply.success("post", "services http:c:").unwrap_err().cause
    }

    #[test]
    fn failures_are_told_in_the_words_of_the_go_client() {
        for (status, body, want) in [
            (
                500,
                "",
                "an error on the server (\"\") has prevented the request from succeeding (post services http:c:)",
            ),
            (
                502,
                " bad\n",
                "an error on the server (\"bad\") has prevented the request from succeeding (post services http:c:)",
            ),
            (404, "404 page not found\n", "the server could not find the requested resource (post services http:c:)"),
            (503, "x", "the server is currently unable to handle the request (post services http:c:)"),
            (403, "no\n", "no (post services http:c:)"),
            (
                418,
                "",
                "the server responded with the status code 418 but did not return more information (post services http:c:)",
            ),
            (
                404,
                r#"{"kind":"Status","status":"Failure","message":"services \"x\" not found"}"#,
                "services \"x\" not found",
            ),
            (
                404,
                r#"{"kind":"Status","status":"Success","message":"x"}"#,
                "the server could not find the requested resource (post services http:c:)",
            ),
        ] {
            assert_eq!(cause(status, body), want);
        }
    }
}
