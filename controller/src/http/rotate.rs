//! `/v1/rotate`: seals the items of a SealedSecret again, for the current key (spec/controller.md 10.5, decision 13).
//!
//! Metadata and templates come back as they were given. They are never rendered, because nothing authenticates them (W1),
//! and the scope is never taken from a template.

use std::sync::Arc;

use http::{Request, StatusCode};
use hyper::body::{Body, Bytes};
use sealed_secrets_crypto::{Fingerprint, KeyRing, SystemRandom};
use sealed_secrets_resource::document::to_json_compact;
use sealed_secrets_resource::{ObjectMeta, ReEncryptError, SealedSecret, Spec, UnsealOptions, open_items, re_encrypt};
use serde::Serialize;
use tracing::error;

use super::body::{Unusable, parts, read_first};
use super::gate::Gate;
use super::{Reply, empty, reply};
use crate::keys::Keys;
use crate::private_work::{Interrupted, PrivateWork};

/// Answers `/v1/rotate`.
pub struct Rotator {
    /// Who is let in.
    pub gate: Gate,
    /// Sealing keys.
    pub keys: Arc<Keys>,
    /// Where they are used.
    pub private_work: PrivateWork,
    /// `--accept-deprecated-v1-data`
    pub accept_deprecated_data: bool,
}

/// The reply. As the reference's it has neither `kind` nor `apiVersion`; kubeseal puts them in.
#[derive(Serialize)]
struct Rotated<'a> {
    metadata: &'a ObjectMeta,
    spec: &'a Spec,
}

/// Why there is no result. For the log: nothing of the body.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Unusable(#[from] Unusable),
    #[error("not everything in it can be opened")]
    Unopened,
    #[error("there is no current key")]
    NoCurrentKey,
    #[error("it cannot be sealed again: its name or namespace is missing")]
    Unsealable,
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    #[error("the result cannot be put into words")]
    Unwritable,
}

impl From<ReEncryptError> for Refused {
    /// The details name items, whose names are the sender's words.
    fn from(error: ReEncryptError) -> Refused {
        match error {
            ReEncryptError::NoCurrentKey => Refused::NoCurrentKey,
            ReEncryptError::Unseal(_) => Refused::Unopened,
            _ => Refused::Unsealable,
        }
    }
}

impl Rotator {
    /// 200 with the object sealed again, or 500 without a word.
    pub async fn answer<B>(&self, request: Request<B>) -> Reply
    where
        B: Body<Data = Bytes> + Send,
    {
        self.gate.admit(request, |body| self.rotated(body)).await
    }

    async fn rotated(&self, body: Bytes) -> Reply {
        let size = body.len();
        match self.rotate(body).await {
            Ok(text) => reply(StatusCode::OK, "application/json", text),
            Err(refused) => {
                error!(error = %refused, size, "Error rotating secret");
                empty(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// Works item by item, and stops at the first that does not open.
    async fn rotate(&self, body: Bytes) -> Result<String, Refused> {
        let ring = self.keys.snapshot().ring.clone();
        let sealed = self.private_work.run_request(move || read_first(&body)).await??;
        let is_whole = sealed.spec.data.is_some();
        let mut shell = sealed.clone();
        shell.spec.encrypted_data.clear();
        let mut options = UnsealOptions { accept_deprecated_data: self.accept_deprecated_data, last: None };
        // Of the deprecated form there is one part, and everything comes from it.
        let mut result = match is_whole {
            true => None,
            false => Some(self.sealed_again(shell, &ring, options).await?),
        };
        for part in parts(sealed) {
            if options.last.is_none() {
                options.last = self.key_of(part.clone(), &ring, options).await?;
            }
            let done = self.sealed_again(part, &ring, options).await?;
            match &mut result {
                Some(result) => result.spec.encrypted_data.extend(done.spec.encrypted_data),
                None => result = Some(done),
            }
        }
        let SealedSecret { metadata, spec, .. } = result.ok_or(Refused::Unopened)?;
        to_json_compact(&Rotated { metadata: &metadata, spec: &spec }).map_err(|_| Refused::Unwritable)
    }

    /// The key that opens the first item: most likely that of the others, which then cost one operation each.
    async fn key_of(
        &self,
        part: SealedSecret,
        ring: &KeyRing,
        options: UnsealOptions,
    ) -> Result<Option<Fingerprint>, Refused> {
        let ring = ring.clone();
        let opened = self.private_work.run_request(move || open_items(&part, &ring, &options)).await?;
        Ok(opened.map_err(|_| Refused::Unopened)?.keys.first().copied())
    }

    async fn sealed_again(
        &self,
        part: SealedSecret,
        ring: &KeyRing,
        options: UnsealOptions,
    ) -> Result<SealedSecret, Refused> {
        let ring = ring.clone();
        let work = move || re_encrypt(&part, &ring, &options, &mut SystemRandom);
        Ok(self.private_work.run_request(work).await??)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use http_body_util::{BodyExt, Full};
    use jiff::Timestamp;
    use sealed_secrets_crypto::{CertificateProfile, Label, PrivateKey, SealingKey, SystemRandom, self_signed};
    use sealed_secrets_resource::{KeyMaterial, encode_base64};
    use serde_json::{Value, json};

    use tokio_util::sync::CancellationToken;

    use super::super::bodies::Bodies;
    use super::*;
    use crate::args::KeyOrder;
    use crate::metrics::Metrics;
    use crate::rate::Rate;

    fn key() -> (PrivateKey, KeyMaterial) {
        let private = PrivateKey::generate(2048).unwrap();
        let not_before = Timestamp::from_second(1_700_000_000).unwrap();
        let profile = CertificateProfile { common_name: "", not_before, valid_for: Duration::from_secs(3600) };
        let certificate = self_signed(&private, &profile, &mut SystemRandom).unwrap();
        (private.clone(), KeyMaterial { private, certificate })
    }

    /// With an older and a current key.
    fn rotator(keys: Vec<KeyMaterial>) -> Rotator {
        let registry = Arc::new(Keys::new(KeyOrder::CertNotBefore, Arc::new(Metrics::new("test"))));
        for (index, material) in keys.into_iter().enumerate() {
            let written = Timestamp::from_second(1_700_000_000 + i64::try_from(index).unwrap()).unwrap();
            registry.add_generated(format!("key-{index}"), String::new(), material, written);
        }
        let bodies = Bodies::new(CancellationToken::new());
        let gate = Gate::new(Rate::new(Duration::from_secs(1), 1000), Duration::from_secs(5), bodies);
        Rotator { gate, keys: registry, private_work: PrivateWork::new(1), accept_deprecated_data: true }
    }

    async fn ask(rotator: &Rotator, body: impl Into<Bytes>) -> (u16, String, String) {
        let request = Request::post("/v1/rotate").body(Full::new(body.into())).unwrap();
        let reply = rotator.answer(request).await;
        let (status, kind) = (reply.status().as_u16(), reply.headers().get("content-type").cloned());
        let body = reply.into_body().collect().await.unwrap().to_bytes();
        let kind = kind.map(|kind| kind.to_str().unwrap().to_owned()).unwrap_or_default();
        (status, kind, String::from_utf8(body.to_vec()).unwrap())
    }

    fn sealed(key: &PrivateKey, items: &[(&str, &str)]) -> Value {
        let label = Label::strict("ns", "db");
        let one = |value: &str| {
            let sealed = sealed_secrets_crypto::seal(key.public_key(), &label, value.as_bytes(), &mut SystemRandom);
            encode_base64(&sealed.unwrap())
        };
        let items: serde_json::Map<String, Value> =
            items.iter().map(|(name, value)| ((*name).to_owned(), one(value).into())).collect();
        json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"name": "db", "namespace": "ns"},
            "spec": {"template": {"data": {"t": "{{ fail .a }}"}}, "encryptedData": items},
        })
    }

    #[tokio::test]
    async fn every_item_comes_back_sealed_for_the_current_key_in_one_line_without_kind() {
        let ((old, old_material), (new, new_material)) = (key(), key());
        let rotator = rotator(vec![old_material, new_material]);
        let (status, kind, text) = ask(&rotator, sealed(&old, &[("a", "1"), ("b", "2")]).to_string()).await;
        assert_eq!((status, kind.as_str()), (200, "application/json"));
        assert!(text.starts_with(r#"{"metadata":{"name":"db","namespace":"ns"},"spec":{"template":"#), "{text}");
        assert!(!text.contains('\n'));
        let mut back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["spec"]["template"]["data"]["t"], "{{ fail .a }}");
        back["kind"] = "SealedSecret".into();
        back["apiVersion"] = "bitnami.com/v1alpha1".into();
        let back = SealedSecret::from_json(&back).unwrap();
        let ring = KeyRing::new(vec![SealingKey::unpublished(new, Timestamp::UNIX_EPOCH)]);
        let opened = open_items(&back, &ring, &UnsealOptions { accept_deprecated_data: true, last: None }).unwrap();
        let values: Vec<_> = opened.items.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        assert_eq!(values, [("a", &b"1"[..]), ("b", &b"2"[..])]);
    }

    #[tokio::test]
    async fn odd_bodies_are_answered_as_the_reference_answers_them() {
        const META: &str = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: s, namespace: ns}\n";
        let rotator = rotator(vec![key().1]);
        let cases: &[(String, u16)] = &[
            (META.to_owned(), 200),
            (format!("---\n{META}"), 200),
            (format!("\u{feff}# comment\n---\n{META}...\n"), 200),
            (format!("{META}---\n"), 200),
            (format!("{META}---\n{META}"), 200),
            (format!("---\n---\n{META}"), 500),
            (String::new(), 500),
            ("plain text".to_owned(), 500),
            ("{".to_owned(), 500),
            ("{a: ".to_owned(), 500),
            ("apiVersion: v1\nkind: Secret\n".to_owned(), 500),
            ("apiVersion: v1\ndata: {a: b}\n".to_owned(), 500),
            (META.replace("namespace: ns", "labels: 5"), 500),
            (META.replace(", namespace: ns", ""), 500),
            (format!("{META}spec: {{encryptedData: null}}\n"), 200),
            (format!("{META}spec: {{encryptedData: [a]}}\n"), 200),
            (format!("{META}spec: {{encryptedData: {{a: 5}}}}\n"), 500),
            (format!("{META}spec: {{encryptedData: {{a: AAAA}}}}\n"), 500),
            (format!("{META}spec: {{data: AAAA}}\n"), 500),
        ];
        for (body, want) in cases {
            let (status, kind, text) = ask(&rotator, body.clone()).await;
            assert_eq!(status, *want, "{body:?}");
            if status != 200 {
                assert_eq!((kind.as_str(), text.as_str()), ("", ""));
            }
        }
    }

    #[tokio::test]
    async fn without_a_key_nothing_is_sealed_again() {
        let body =
            r#"{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret","metadata":{"name":"s","namespace":"n"}}"#;
        assert_eq!(ask(&rotator(Vec::new()), body).await.0, 500);
    }

    #[test]
    fn what_is_logged_does_not_name_items() {
        let problem = Refused::from(ReEncryptError::Seal(sealed_secrets_resource::SealError::MissingName));
        assert_eq!(problem.to_string(), "it cannot be sealed again: its name or namespace is missing");
    }
}
