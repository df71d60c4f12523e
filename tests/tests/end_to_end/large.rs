//! Objects at the limits of what the API server stores: the line never stops.

use std::collections::BTreeMap;

use sealed_secrets_tests::{KeyPair, World, decoded, end_to_end, key_secret, message, sealed_value};
use serde_json::{Value, json};

/// The API server's limit on the values of a Secret.
const LARGEST_SECRET: usize = 1 << 20;

#[test]
fn a_secret_of_a_mebibyte_is_made_and_one_byte_more_is_reported_on_its_object_alone() {
    end_to_end(|world| {
        let pair = start(world);
        let value = "x".repeat(LARGEST_SECRET);
        world.create(&pair.sealed_secret(&world.namespace, "full", "foo", &value));
        world.create(&pair.sealed_secret(&world.namespace, "over", "foo", &format!("{value}x")));
        world.create(&pair.sealed_secret(&world.namespace, "small", "foo", "small"));
        world.wait_for_items("small", &[("foo", "small")]);
        world.synced("full");
        assert_eq!(world.items("full")["foo"].len(), LARGEST_SECRET);
        let failed = world.failed("over");
        assert!(message(&failed).contains("Too long"), "{}", message(&failed));
        assert_eq!(sealed_secrets_tests::condition_status(&failed, "Stalled"), "True");
        assert!(world.secret("over").is_none());
        // Small again, it recovers.
        let small = pair.sealed_secret(&world.namespace, "over", "foo", "small");
        world.set_spec("over", &small["spec"]);
        world.wait_for_items("over", &[("foo", "small")]);
    });
}

#[test]
fn an_object_of_a_thousand_items_is_opened_and_one_bad_item_of_them_is_named() {
    end_to_end(|world| {
        let pair = start(world);
        let values: BTreeMap<String, String> =
            (0..1000).map(|index| (format!("item-{index:04}"), format!("value {index}"))).collect();
        let sealed_with = |item: &String, value: &String| {
            (item.clone(), sealed_value(&pair.certificate, &world.namespace, "db", value).into())
        };
        let items: serde_json::Map<String, Value> =
            values.iter().map(|(item, value)| sealed_with(item, value)).collect();
        let mut spec = json!({"encryptedData": items, "template": {}});
        world.create(&json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "db"}, "spec": spec,
        }));
        world.synced("db");
        assert_eq!(decoded(&world.secret("db").unwrap()), values);
        spec["encryptedData"]["item-0500"] = "AAAA".into();
        world.set_spec("db", &spec);
        assert_eq!(message(&world.failed("db")), "no key could decrypt secret (item-0500)");
        assert_eq!(decoded(&world.secret("db").unwrap()), values, "nothing is half done");
    });
}

/// The longest names that the API server takes; the name of an event is longer than that of its object.
#[test]
fn names_at_the_limit_of_their_length_are_served_and_told_about() {
    end_to_end(|world| {
        let pair = start(world);
        let label = "n".repeat(62);
        let name = format!("{label}.{label}.{label}.{label}n");
        assert_eq!(name.len(), 252);
        let (name, item) = (format!("{name}n"), "i".repeat(253));
        let sealed = pair.sealed_secret(&world.namespace, &name, &item, "value");
        world.create(&sealed);
        world.synced(&name);
        world.wait_for_items(&name, &[(item.as_str(), "value")]);
        world.event(&name, "Unsealed");
        world.set_spec(&name, &json!({"encryptedData": {item: "AAAA"}}));
        world.failed(&name);
        world.event(&name, "ErrUnsealFailed");
    });
}

/// Rows 32 and section 4.2: what is in key Secrets beside what works.
#[test]
fn huge_key_secrets_are_passed_over_and_expired_certificates_open() {
    end_to_end(|world| {
        let expired = KeyPair::valid_for("2001-01-01T00:00:00Z", 3600);
        let good = KeyPair::valid_from("2024-01-01T00:00:00Z");
        let filling = "#".repeat(500 << 10);
        world.create(&expired.secret("a-expired"));
        world.create(&key_secret("b-huge", &filling, &filling));
        // A good pair behind half a mebibyte of something else.
        world.create(&key_secret("c-good", &format!("{filling}\n{}", good.private_pem()), &good.certificate));
        let blocks = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".repeat(8000);
        world.create(&key_secret("d-blocks", &blocks, &blocks));

        let controller = world.controller().arg("--key-renew-period=0").start();
        assert_eq!(controller.certificate(), good.certificate);
        for (name, pair) in [("old", &expired), ("new", &good)] {
            world.create(&pair.sealed_secret(&world.namespace, name, "foo", "value"));
            world.wait_for_items(name, &[("foo", "value")]);
        }
        for bad in ["b-huge", "d-blocks"] {
            assert!(controller.stderr().contains(bad), "the log names {bad}");
        }
        assert!(controller.stderr().len() < 100 << 10, "and does not repeat what is in them");
    });
}

fn start(world: &World) -> KeyPair {
    let pair = KeyPair::valid_from("2024-01-01T00:00:00Z");
    world.create(&pair.secret("key"));
    world.controller().arg("--key-renew-period=0").start();
    pair
}
