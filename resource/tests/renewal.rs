//! Which items are stale, what renewing them changes, and what stays as it was.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use sealed_secrets_crypto::{Certificate, Fingerprint, KeyRing, PrivateKey, PublicKey, SealingKey, SystemRandom};
use sealed_secrets_resource::{
    NotRenewed, RenewedItem, SealedFile, SealedItem, SealedSecret, SealedWith, UnsealOptions, assess, change_of,
    open_items, re_encrypt_for, renew, seal_value,
};

fn key(pem: &[u8], certificate: &[u8]) -> SealingKey {
    let certificate = Certificate::first_from_pem(certificate).unwrap();
    SealingKey::new(PrivateKey::from_pem(pem).unwrap(), certificate, Timestamp::UNIX_EPOCH).unwrap()
}

static OLD: LazyLock<SealingKey> =
    LazyLock::new(|| key(include_bytes!("data/appendix-a.key"), include_bytes!("data/appendix-a.crt")));
static NEW: LazyLock<SealingKey> = LazyLock::new(|| key(include_bytes!("data/b.key"), include_bytes!("data/b.crt")));

fn public(key: &SealingKey) -> &PublicKey {
    key.private_key().public_key()
}

fn ring(keys: &[&SealingKey]) -> KeyRing {
    KeyRing::new(keys.iter().map(|key| (*key).clone()).collect())
}

fn item(key: &SealingKey, value: &str) -> String {
    let label = sealed_secrets_crypto::Label::strict("shop", "db");
    seal_value(public(key), &label, value.as_bytes(), &mut SystemRandom).unwrap()
}

#[derive(Clone, Copy, Debug)]
enum Record {
    None,
    Old,
    New,
}

impl Record {
    fn key(self) -> Option<Fingerprint> {
        match self {
            Record::None => None,
            Record::Old => Some(OLD.fingerprint()),
            Record::New => Some(NEW.fingerprint()),
        }
    }
}

#[test]
fn an_item_is_stale_unless_it_opens_with_the_new_key_or_is_recorded_for_it() {
    let (none, old, new, both) = (ring(&[]), ring(&[&OLD]), ring(&[&NEW]), ring(&[&OLD, &NEW]));
    let label = sealed_secrets_crypto::Label::strict("shop", "db");
    let [of_old, of_new] = [&*OLD, &*NEW].map(|key| item(key, "x"));
    let [name_old, name_new] = [&*OLD, &*NEW].map(SealingKey::fingerprint);
    let (opens, recorded, unknown) = (SealedWith::Opened, SealedWith::Recorded, SealedWith::Unknown);
    for (text, ring, record, stale, why) in [
        (&of_old, &none, Record::None, true, unknown.clone()),
        (&of_old, &none, Record::Old, true, recorded(name_old)),
        (&of_new, &none, Record::New, false, recorded(name_new)),
        (&of_new, &none, Record::None, true, unknown.clone()),
        (&of_old, &both, Record::None, true, opens(name_old)),
        (&of_new, &both, Record::None, false, opens(name_new)),
        (&of_new, &both, Record::Old, false, opens(name_new)),
        // The record is wrong, and the keys at hand show it.
        (&of_old, &both, Record::New, true, opens(name_old)),
        (&of_old, &new, Record::New, true, unknown.clone()),
        (&of_new, &old, Record::Old, true, unknown),
        (&of_new, &old, Record::New, false, recorded(name_new)),
    ] {
        let item = SealedItem { label: &label, text, recorded: record.key() };
        let found = assess(&item, public(&NEW), ring, None);
        assert_eq!((found.stale, found.key), (stale, why), "{record:?}, {} keys", ring.len());
    }
    let large = sealed_secrets_resource::encode_base64(&[&[2, 0], &[1; 600][..]].concat());
    for record in [Record::None, Record::New] {
        let item = SealedItem { label: &label, text: &large, recorded: record.key() };
        let found = assess(&item, public(&NEW), &none, None);
        assert_eq!((found.stale, found.key), (true, SealedWith::OtherSize(4096)), "{record:?}");
    }
    let damaged = assess(&SealedItem { label: &label, text: "!", recorded: None }, public(&NEW), &both, None);
    assert!(damaged.stale && matches!(damaged.key, SealedWith::Damaged(_)));
}

#[test]
fn only_stale_items_are_encrypted_again_unless_all_are_asked_for() {
    let label = sealed_secrets_crypto::Label::strict("shop", "db");
    let [of_old, of_new] = [&*OLD, &*NEW].map(|key| item(key, "x"));
    let renewed = |text: &str, keys: &KeyRing, record: Record, all| {
        let item = SealedItem { label: &label, text, recorded: record.key() };
        renew(&item, public(&NEW), keys, None, all, &mut SystemRandom).map(|renewed| renewed.ciphertext.is_some())
    };
    let (old, both) = (ring(&[&OLD]), ring(&[&OLD, &NEW]));
    for (text, keys, record, all, want) in [
        (&of_old, &both, Record::None, false, Ok(true)),
        (&of_new, &both, Record::None, false, Ok(false)),
        (&of_new, &both, Record::Old, false, Ok(false)),
        (&of_new, &both, Record::None, true, Ok(true)),
        (&of_new, &old, Record::New, false, Ok(false)),
        (&of_new, &old, Record::New, true, Err(NotRenewed::NoKeyOpens)),
        (&of_new, &old, Record::None, false, Err(NotRenewed::NoKeyOpens)),
    ] {
        assert_eq!(renewed(text, keys, record, all), want, "{record:?} all={all}");
    }
    assert!(matches!(renewed("!", &both, Record::None, false), Err(NotRenewed::Damaged(_))));
}

/// Renews a file as `kubeseal reencrypt` does.
fn renewed_file(text: &str, keys: &KeyRing, record: bool) -> Option<String> {
    let file = SealedFile::read_mixed(text.as_bytes()).unwrap();
    let mut changes = Vec::new();
    for (index, sealed) in file.objects().enumerate() {
        let (label, recorded) = (sealed.label(), sealed.recorded_keys());
        let items: BTreeMap<String, RenewedItem> = sealed
            .spec
            .encrypted_data
            .iter()
            .map(|(name, text)| {
                let item = SealedItem { label: &label, text, recorded: recorded.of(name) };
                (name.clone(), renew(&item, public(&NEW), keys, None, false, &mut SystemRandom).unwrap())
            })
            .collect();
        changes.extend(change_of(sealed, &items, NEW.fingerprint(), record).map(|change| (index, change)));
    }
    (!changes.is_empty()).then(|| file.with_changes(&changes).unwrap())
}

#[test]
fn a_file_changes_in_its_stale_ciphertexts_and_the_record_alone() {
    let (stale, fresh) = (item(&OLD, "one"), item(&NEW, "two"));
    let text = format!(
        "# top\r\nkind: ConfigMap\r\ndata: {{a: b}}   # stays\r\n---\r\napiVersion: v1\r\nkind: List\r\nitems:\r\n- {{kind: Service}}\r\n- apiVersion: \
         bitnami.com/v1alpha1\r\n  kind: SealedSecret\r\n  metadata:\r\n    name: 'db'   # quoted\r\n    namespace: shop\r\n  spec:\r\n    encryptedData:\r\n      \
         a: \"{stale}\"\r\n\r\n      b: {fresh} # b\r\n---\r\n{{\"kind\": \"Job\"}}\r\n"
    );
    let both = ring(&[&OLD, &NEW]);
    let changed = renewed_file(&text, &both, true).unwrap();
    let (before, after): (Vec<&str>, Vec<&str>) = (text.lines().collect(), changed.lines().collect());
    let new_lines: Vec<&&str> = after.iter().filter(|line| !before.contains(line)).collect();
    let expected = ["    annotations:", &format!("      sealedsecrets.bitnami.com/sealed-with: {}", NEW.fingerprint())];
    assert_eq!(new_lines[..2], [&expected[0], &expected[1]], "{changed}");
    assert!(new_lines[2].starts_with("      a: \"") && new_lines.len() == 3, "{changed}");
    assert_eq!(before.iter().filter(|line| !after.contains(line)).count(), 1);
    assert!(
        changed.contains(&fresh) && !changed.contains(&stale) && !changed.replace("\r\n", "").contains(['\r', '\n'])
    );
    // Now everything is as it should be, with the keys at hand and by the record alone.
    assert_eq!(renewed_file(&changed, &both, true), None);
    assert_eq!(renewed_file(&changed, &ring(&[&OLD]), true), None);
}

#[test]
fn a_record_is_kept_right_wherever_there_is_one() {
    let (stale, fresh) = (item(&OLD, "one"), item(&NEW, "two"));
    let text = |annotations: &str| {
        format!(
            "kind: SealedSecret\nmetadata: {{name: db, namespace: shop{annotations}}}\nspec:\n  encryptedData:\n    a: {stale}\n    b: {fresh}\n"
        )
    };
    let both = ring(&[&OLD, &NEW]);
    let changed = renewed_file(&text(""), &both, false).unwrap();
    assert!(!changed.contains("sealed-with"), "{changed}");
    let recorded = format!(", annotations: {{sealedsecrets.bitnami.com/sealed-with: {}}}", OLD.fingerprint());
    let changed = renewed_file(&text(&recorded), &both, false).unwrap();
    assert!(changed.contains(&format!("sealed-with: {}}}", NEW.fingerprint())), "{changed}");
    // Nothing is stale, but the record is wrong.
    let changed = renewed_file(&text(&recorded).replace(&stale, &fresh), &both, false).unwrap();
    assert!(changed.contains(&NEW.fingerprint().to_string()) && changed.matches(&fresh).count() == 2, "{changed}");
}

#[test]
fn an_object_of_the_deprecated_form_becomes_one_with_items() {
    let secret = r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"db","namespace":"shop","labels":{"a":"b"}},"data":{"k":"czNjcmV0"},"type":"x/y"}"#;
    let text = format!(
        "kind: SealedSecret\nmetadata:\n  name: db\n  namespace: shop\nspec:\n  data: {}\n",
        item(&OLD, secret)
    );
    let file = SealedFile::read_mixed(text.as_bytes()).unwrap();
    let options = UnsealOptions { accept_deprecated_data: true, last: None };
    let sealed = file.objects().next().unwrap();
    let anew = re_encrypt_for(sealed, &ring(&[&OLD]), public(&NEW), &options, &mut SystemRandom).unwrap();
    let change = sealed_secrets_resource::ObjectChange { anew: Some(anew), ..Default::default() };
    let changed = file.with_changes(&[(0, change)]).unwrap();
    assert!(!changed.contains("  data:") && changed.contains("a: b") && changed.contains("type: x/y"), "{changed}");
    let read = SealedFile::read_mixed(changed.as_bytes()).unwrap();
    let sealed: &SealedSecret = read.objects().next().unwrap();
    assert_eq!(open_items(sealed, &ring(&[&NEW]), &options).unwrap().items["k"].as_slice(), b"s3cret");
}
