//! What the controller is given to do: sealing keys with a history, and SealedSecrets sealed with them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use sealed_secrets_bench::Failure;
use sealed_secrets_crypto::{CertificateProfile, Label, PrivateKey, PublicKey, SystemRandom, seal, self_signed};
use sealed_secrets_resource::encode_base64;
use serde_json::{Value, json};

/// Where the controller has its keys; the manifests say so.
pub const OWN_NAMESPACE: &str = "kube-system";
const BITS: u32 = 4096;

/// Makes key pairs until the folder holds that many. They take half a second each, so they are kept between runs.
pub fn make_keys(folder: &Path, count: usize) -> Result<(), Failure> {
    fs::create_dir_all(folder)?;
    let missing: Vec<PathBuf> = (0..count).map(|index| key_file(folder, index)).filter(|path| !path.exists()).collect();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        let makers: Vec<_> = (0..threads)
            .map(|first| {
                let mine = missing.iter().skip(first).step_by(threads);
                scope.spawn(move || -> Result<(), String> {
                    for path in mine {
                        let key = PrivateKey::generate(BITS).map_err(|error| error.to_string())?;
                        fs::write(path, key.to_pkcs1_pem().as_bytes()).map_err(|error| error.to_string())?;
                    }
                    Ok(())
                })
            })
            .collect();
        for maker in makers {
            maker.join().map_err(|_| "making keys ended unexpectedly")??;
        }
        Ok(())
    })
}

/// Reads one of the key pairs.
pub fn key(folder: &Path, index: usize) -> Result<PrivateKey, Failure> {
    Ok(PrivateKey::from_pem(&fs::read(key_file(folder, index))?)?)
}

fn key_file(folder: &Path, index: usize) -> PathBuf {
    folder.join(format!("{index:03}.pem"))
}

/// A labelled key Secret whose certificate is valid from then on.
pub fn key_secret(index: usize, key: &PrivateKey, not_before: Timestamp) -> Result<Value, Failure> {
    let valid_for = Duration::from_secs(10 * 365 * 86_400);
    let profile = CertificateProfile { common_name: "", not_before, valid_for };
    let certificate = self_signed(key, &profile, &mut SystemRandom)?;
    Ok(json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": format!("sealed-secrets-key{index:03}"), "namespace": OWN_NAMESPACE,
            "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"}},
        "stringData": {"tls.key": key.to_pkcs1_pem().as_str(), "tls.crt": certificate.to_pem()},
    }))
}

/// A SealedSecret with so many short items.
pub fn sealed(namespace: &str, name: &str, key: &PublicKey, items: usize) -> Result<Value, Failure> {
    let label = Label::strict(namespace, name);
    let mut sealed = serde_json::Map::new();
    for index in 0..items {
        let value = format!("the value of {name}, number {index}");
        let envelope = seal(key, &label, value.as_bytes(), &mut SystemRandom)?;
        sealed.insert(format!("item-{index:03}"), encode_base64(&envelope).into());
    }
    Ok(json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"encryptedData": sealed, "template": {"type": "Opaque"}},
    }))
}

/// A Secret of nobody's concern.
pub fn foreign(namespace: &str, name: &str, bytes: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": namespace, "name": name},
        "stringData": {"content": "x".repeat(bytes)},
    })
}

/// The first full second that nothing made so far can carry as its time.
pub async fn next_second() -> Result<Timestamp, Failure> {
    let now = Timestamp::now();
    let next = Timestamp::from_second(now.as_second())?.checked_add(1.second())?;
    tokio::time::sleep(next.duration_since(now).try_into()?).await;
    Ok(next)
}
