//! Key Secrets: those that the controller makes and those that people bring.

use std::path::Path;
use std::time::Duration;

use jiff::ToSpan;
use sealed_secrets_crypto::{Certificate, PrivateKey};
use sealed_secrets_tests::{KeyPair, Object, World, decoded, end_to_end, key_secret, message, never};
use serde_json::json;

/// Rows 11, 12, 13.
#[test]
fn the_first_start_makes_one_key_secret() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let made = only_key(world);
        let name = made["metadata"]["name"].as_str().unwrap();
        let random = name.strip_prefix("sealed-secrets-key").unwrap();
        assert_eq!(random.len(), 5, "{name}");
        assert_eq!(made["metadata"]["generateName"], "sealed-secrets-key");
        assert_eq!(made["metadata"]["labels"], json!({"sealedsecrets.bitnami.com/sealed-secrets-key": "active"}));
        assert_eq!(made["metadata"].get("annotations"), None);
        assert_eq!(made["metadata"].get("ownerReferences"), None);
        assert_eq!(made["type"], "kubernetes.io/tls");

        let items = decoded(&made);
        assert_eq!(items.keys().collect::<Vec<_>>(), ["tls.crt", "tls.key"]);
        assert!(items["tls.key"].starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
        let private = PrivateKey::from_pem(items["tls.key"].as_bytes()).unwrap();
        assert_eq!(private.public_key().bits(), 2048);
        let chain = Certificate::chain_from_pem(items["tls.crt"].as_bytes()).unwrap();
        assert_eq!(chain.len(), 1);
        assert_eq!(chain[0].rsa_public_key().unwrap(), private.public_key());
        assert_eq!(chain[0].not_before() + 87_600.hours(), chain[0].not_after());
        assert_eq!(controller.certificate(), items["tls.crt"]);
    });
}

/// Rows 14 and 15, row 4 for one of the flags.
#[test]
fn flags_shape_the_key_secret_and_its_certificate() {
    end_to_end(|world| {
        world
            .controller()
            .arg("--key-prefix=lock")
            .arg("--key-ttl=48h")
            .arg("--my-cn=Keys of the shop")
            .arg("--privatekey-labels=a=b,c.d/e=f,sealedsecrets.bitnami.com/sealed-secrets-key=other")
            .variable("SEALED_SECRETS_PRIVATEKEY_ANNOTATIONS", "x=y/z=w")
            .start();
        let made = only_key(world);
        assert!(made["metadata"]["name"].as_str().unwrap().starts_with("lock"));
        let labels = json!({"a": "b", "c.d/e": "f", "sealedsecrets.bitnami.com/sealed-secrets-key": "active"});
        assert_eq!(made["metadata"]["labels"], labels);
        assert_eq!(made["metadata"]["annotations"], json!({"x": "y/z=w"}));
        let text = decoded(&made)["tls.crt"].clone();
        let certificate = Certificate::first_from_pem(text.as_bytes()).unwrap();
        assert_eq!(certificate.not_before() + 48.hours(), certificate.not_after());
        assert!(der(&text).windows(16).any(|bytes| bytes == b"Keys of the shop"));
    });
}

/// Row 16.
#[test]
fn a_restart_uses_the_key_that_is_there() {
    end_to_end(|world| {
        let first = world.controller().start();
        let certificate = first.certificate();
        first.kill();
        let second = world.controller().start();
        assert_eq!(second.certificate(), certificate);
        only_key(world);
    });
}

/// Row 17.
#[test]
fn the_unlabelled_secret_of_the_first_releases_is_a_key() {
    end_to_end(|world| {
        let pair = KeyPair::valid_from("2020-01-01T00:00:00Z");
        let mut legacy = pair.secret("sealed-secrets-key");
        legacy["metadata"].as_object_mut().unwrap().remove("labels");
        world.create(&legacy);
        // Its time is long past; renewal would make a newer key.
        let controller = world.controller().arg("--key-renew-period=0").start();
        assert_eq!(controller.certificate(), pair.certificate);
        assert!(world.keys().is_empty(), "no key was made");
        let value = world.plant();
        world.create(&pair.sealed_secret(&world.namespace, "db", "foo", &value));
        world.wait_for_items("db", &[("foo", &value)]);
    });
}

/// Row 18.
#[test]
fn a_key_with_another_label_value_is_not_used() {
    end_to_end(|world| {
        let pair = KeyPair::valid_from("2040-01-01T00:00:00Z");
        let mut compromised = pair.secret("old-key");
        compromised["metadata"]["labels"]["sealedsecrets.bitnami.com/sealed-secrets-key"] = "compromised".into();
        world.create(&compromised);
        let controller = world.controller().start();
        assert_ne!(controller.certificate(), pair.certificate);
        world.create(&pair.sealed_secret(&world.namespace, "db", "foo", &world.plant()));
        world.failed_with("db", "no key could decrypt secret (foo)");
    });
}

/// Row 30.
#[test]
fn a_brought_key_may_be_pkcs8() {
    end_to_end(|world| {
        world.create(&key_secret("own", &vector("rsa2048/key.pkcs8.pem"), &vector("rsa2048/cert.pem")));
        let controller = world.controller().arg("--key-renew-period=0").start();
        assert_eq!(der(&controller.certificate()), der(&vector("rsa2048/cert.pem")));
        let value = world.plant();
        world.create(&world.sealed("db", &[("foo", &value)]));
        world.wait_for_items("db", &[("foo", &value)]);
    });
}

/// Row 31.
#[test]
fn of_a_certificate_chain_the_first_is_published() {
    end_to_end(|world| {
        let (leaf, issuer) = (KeyPair::valid_from("2024-01-01T00:00:00Z"), KeyPair::valid_from("2023-01-01T00:00:00Z"));
        let chain = format!("{}{}", leaf.certificate, issuer.certificate);
        world.create(&key_secret("own", &leaf.private_pem(), &chain));
        let controller = world.controller().arg("--key-renew-period=0").start();
        assert_eq!(controller.certificate(), leaf.certificate);
    });
}

/// Row 32.
#[test]
fn malformed_key_secrets_are_passed_over() {
    end_to_end(|world| {
        let good = KeyPair::valid_from("2024-01-01T00:00:00Z");
        let elliptic = vector("private/ec-then-rsa.pem");
        world.create(&key_secret("a-empty", "", ""));
        world.create(&key_secret("b-elliptic", &elliptic, &vector("certificates/ec.pem")));
        world.create(&good.secret("c-good"));
        world.create(&key_secret("d-garbage", "garbage", "garbage"));
        world.create(&key_secret("e-no-certificate", &good.private_pem(), ""));
        let mut bare = key_secret("f-bare", "", "");
        bare.as_object_mut().unwrap().remove("stringData");
        world.create(&bare);

        let controller = world.controller().arg("--key-renew-period=0").start();
        assert_eq!(controller.certificate(), good.certificate);
        let value = world.plant();
        world.create(&world.sealed("db", &[("foo", &value)]));
        world.wait_for_items("db", &[("foo", &value)]);
        for bad in ["a-empty", "b-elliptic", "d-garbage", "e-no-certificate", "f-bare"] {
            assert!(controller.stderr().contains(bad), "the log names {bad}");
        }
    });
}

/// Row 32, W7: without any usable key one is made as usual.
#[test]
fn a_malformed_key_secret_alone_counts_as_none() {
    end_to_end(|world| {
        world.create(&key_secret("garbage", "garbage", "garbage"));
        let controller = world.controller().start();
        controller.certificate();
        assert_eq!(world.keys().len(), 2);
    });
}

/// W8, decision 25.
#[test]
fn a_key_with_the_certificate_of_another_opens_and_is_not_published() {
    end_to_end(|world| {
        let (good, bad) = (KeyPair::valid_from("2024-01-01T00:00:00Z"), KeyPair::valid_from("2040-01-01T00:00:00Z"));
        let other = KeyPair::valid_from("2040-01-01T00:00:00Z");
        world.create(&good.secret("good"));
        world.create(&key_secret("mixed-up", &bad.private_pem(), &other.certificate));
        let controller = world.controller().arg("--key-renew-period=0").start();
        assert_eq!(controller.certificate(), good.certificate);
        assert!(controller.stderr().contains("mixed-up"), "the log names the Secret");
        let value = world.plant();
        world.create(&bad.sealed_secret(&world.namespace, "db", "foo", &value));
        world.wait_for_items("db", &[("foo", &value)]);
        world.create(&other.sealed_secret(&world.namespace, "lost", "foo", &world.plant()));
        assert_eq!(message(&world.failed("lost")), "no key could decrypt secret (foo)");
    });
}

/// W8: nor does it take down the certificate that belongs to the same key.
#[test]
fn a_second_secret_of_a_key_with_the_certificate_of_another_takes_nothing_down() {
    end_to_end(|world| {
        let first = world.controller().start();
        let certificate = first.certificate();
        let private = decoded(&only_key(world))["tls.key"].clone();
        let other = KeyPair::valid_from("2040-01-01T00:00:00Z");
        world.create(&key_secret("mixed-up", &private, &other.certificate));
        first.wait_for_log("mixed-up");
        never("another certificate", Duration::from_secs(1), || first.certificate() != certificate);
        first.kill();
        let second = world.controller().start();
        assert_eq!(second.certificate(), certificate);
        assert_eq!(world.keys().len(), 2, "no key was made");
        world.create_synced("db", &[("foo", &world.plant())]);
    });
}

fn only_key(world: &World) -> Object {
    let mut keys = world.keys();
    assert_eq!(keys.len(), 1);
    keys.swap_remove(0)
}

fn vector(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/keys").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The bytes of the first certificate of a PEM text.
fn der(pem: &str) -> Vec<u8> {
    use base64::Engine;
    let body: String = pem
        .lines()
        .skip_while(|line| !line.starts_with("-----BEGIN"))
        .skip(1)
        .take_while(|line| !line.starts_with("-----END"))
        .collect();
    base64::engine::general_purpose::STANDARD.decode(body).unwrap()
}
