//! Properties of the public interface, on the compiled-in backend.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use sealed_secrets_crypto::{
    Certificate, CertificateError, CertificateProfile, EnvelopeParts, Hints, KeyError, KeyRing, Label, OpenError,
    PrivateKey, Random, RandomError, SealError, SealingKey, SystemRandom, seal, self_signed,
};
use x509_parser::prelude::{FromDer, X509Certificate};

static KEY: LazyLock<PrivateKey> =
    LazyLock::new(|| PrivateKey::from_pem(include_bytes!("data/appendix-a.key")).unwrap());

fn ring() -> KeyRing {
    KeyRing::new(vec![SealingKey::unpublished(KEY.clone(), Timestamp::UNIX_EPOCH)])
}

proptest! {
    #[test]
    fn what_is_sealed_opens_under_its_label_and_no_other(
        value in proptest::collection::vec(any::<u8>(), 0..300),
        namespace in "[a-z/]{0,8}",
        name in "[a-z/]{0,8}",
    ) {
        let label = Label::strict(&namespace, &name);
        let envelope = seal(KEY.public_key(), &label, &value, &mut SystemRandom).unwrap();
        prop_assert_eq!(envelope.len(), 2 + 256 + value.len() + 16);
        let opened = ring().open(&label, &envelope, &Hints::default()).unwrap();
        prop_assert_eq!(opened.plaintext.as_bytes(), &value);
        prop_assert_eq!(opened.key, KEY.public_key().fingerprint());
        let other = Label::strict(&namespace, &format!("{name}x"));
        prop_assert_eq!(ring().open(&other, &envelope, &Hints::default()).unwrap_err(), OpenError);
    }

    #[test]
    fn a_changed_bit_never_opens(bit in 0..(2 + 256 + 6 + 16) * 8_usize) {
        let label = Label::cluster_wide();
        let mut envelope = seal(KEY.public_key(), &label, b"s3cret", &mut SystemRandom).unwrap();
        envelope[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(ring().open(&label, &envelope, &Hints::default()).unwrap_err(), OpenError);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = EnvelopeParts::split(&bytes);
        let _ = PrivateKey::all_from_pem(&bytes);
        let _ = Certificate::chain_from_pem(&bytes);
        prop_assert!(ring().open(&Label::cluster_wide(), &bytes, &Hints::default()).is_err());
    }

    #[test]
    fn damaged_der_in_a_pem_block_never_panics(
        at in 0..4000_usize, with in any::<u8>(), file in 0..2_usize,
    ) {
        let mut text = [&include_bytes!("data/appendix-a.key")[..], include_bytes!("data/appendix-a.crt")][file].to_vec();
        let at = at % text.len();
        text[at] = with;
        for key in PrivateKey::all_from_pem(&text).keys {
            let _ = key.check();
        }
        let _ = Certificate::chain_from_pem(&text);
    }
}

#[test]
fn equal_values_are_sealed_differently() {
    let label = Label::cluster_wide();
    let envelope = || seal(KEY.public_key(), &label, b"s3cret", &mut SystemRandom).unwrap();
    assert_ne!(envelope(), envelope());
}

/// A source of randomness that is out of order.
struct Broken;

impl Random for Broken {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), RandomError> {
        Err(RandomError)
    }
}

#[test]
fn nothing_is_sealed_or_signed_without_randomness() {
    let sealed = seal(KEY.public_key(), &Label::cluster_wide(), b"s3cret", &mut Broken);
    assert_eq!(sealed, Err(SealError::Random(RandomError)));
    let profile =
        CertificateProfile { common_name: "", not_before: Timestamp::UNIX_EPOCH, valid_for: Duration::from_secs(1) };
    assert_eq!(self_signed(&KEY, &profile, &mut Broken).unwrap_err(), CertificateError::Random(RandomError));
}

/// controller.md section 4.5, field by field.
#[test]
fn the_certificate_has_the_profile_of_the_reference() {
    let not_before: Timestamp = "2026-11-22T10:11:12.7Z".parse().unwrap();
    for common_name in ["", "my cluster"] {
        let profile = CertificateProfile { common_name, not_before, valid_for: Duration::from_hours(87_600) };
        let certificate = self_signed(&KEY, &profile, &mut SystemRandom).unwrap();
        assert_eq!(certificate.rsa_public_key().unwrap(), KEY.public_key());
        assert_eq!(certificate.not_before().to_string(), "2026-11-22T10:11:12Z");
        assert_eq!(certificate.not_after().to_string(), "2036-11-19T10:11:12Z");

        let pem = certificate.to_pem();
        let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
        let (_, parsed) = X509Certificate::from_der(&block.contents).unwrap();
        let name = if common_name.is_empty() { String::new() } else { format!("CN={common_name}") };
        assert_eq!((parsed.subject().to_string(), parsed.issuer().to_string()), (name.clone(), name));
        assert_eq!(parsed.version().0, 2);
        assert_eq!(parsed.signature_algorithm.algorithm.to_id_string(), "1.2.840.113549.1.1.11");
        let usage = parsed.key_usage().unwrap().unwrap();
        assert!(usage.critical && usage.value.encipher_only() && usage.value.flags.count_ones() == 1);
        let constraints = parsed.basic_constraints().unwrap().unwrap();
        assert!(constraints.critical && constraints.value.ca && constraints.value.path_len_constraint.is_none());
        let extensions: Vec<_> = parsed.extensions().iter().map(|extension| extension.oid.to_id_string()).collect();
        assert_eq!(extensions.len(), 3, "{extensions:?}");
        let usage = parsed.extensions().iter().find(|extension| extension.oid.to_id_string() == "2.5.29.15").unwrap();
        assert_eq!(usage.value, [0x03, 0x02, 0x00, 0x01]);
        let key_id = parsed.extensions().iter().find(|extension| extension.oid.to_id_string() == "2.5.29.14").unwrap();
        assert_eq!(key_id.value.len(), 2 + 20);
        assert!(parsed.raw_serial().len() <= 17 && parsed.raw_serial()[0] & 0x80 == 0);
    }
}

#[test]
fn a_generated_key_works_and_other_sizes_are_refused_by_name() {
    let key = PrivateKey::generate(2048).unwrap();
    assert_eq!((key.public_key().bits(), key.check()), (2048, Ok(())));
    assert!(key.to_pkcs1_pem().starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
    for bits in [0, 512, 1024, 2047, 8193, 16384] {
        let error = PrivateKey::generate(bits).unwrap_err();
        assert_eq!(error, KeyError::UnsupportedSize { bits });
        assert!(error.to_string().contains(&format!("{bits}-bit")), "{error}");
    }
}

#[test]
fn an_expired_certificate_is_named_by_its_last_day() {
    let certificate = Certificate::first_from_pem(include_bytes!("data/appendix-a-expired.crt")).unwrap();
    let error = certificate.check_not_expired("2021-03-04T00:00:01Z".parse().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "failed to encrypt using an expired certificate on March 4, 2021");
    assert_eq!(certificate.check_not_expired("2021-03-04T00:00:00Z".parse().unwrap()), Ok(()));
}

/// A trait with two blanket implementations: naming it for `T` is ambiguous, hence an error, as soon as `T` also has
/// the forbidden trait. So this file compiles only while these types can be neither displayed nor, by way of text,
/// serialised.
macro_rules! cannot_be_displayed {
    ($($type:ty),*) => {$(
        const _: () = {
            trait Ambiguous<A> { fn check() {} }
            impl<T: ?Sized> Ambiguous<()> for T {}
            impl<T: ?Sized + std::fmt::Display> Ambiguous<u8> for T {}
            let _ = <$type as Ambiguous<_>>::check;
        };
    )*};
}

cannot_be_displayed!(PrivateKey, sealed_secrets_crypto::Plaintext, SealingKey, KeyRing, sealed_secrets_crypto::Opened);

#[test]
fn debug_output_holds_no_private_key_and_no_value() {
    let label = Label::cluster_wide();
    let envelope = seal(KEY.public_key(), &label, b"hunter2", &mut SystemRandom).unwrap();
    let opened = ring().open(&label, &envelope, &Hints::default()).unwrap();
    let pem = KEY.to_pkcs1_pem();
    let text = format!("{:?} {:#?} {opened:?} {:?}", *KEY, ring(), PrivateKey::all_from_pem(pem.as_bytes()));
    assert!(text.contains("redacted") && !text.contains("hunter2"), "{text}");
    let secret_line = pem.lines().nth(12).unwrap();
    assert!(!text.contains(&secret_line[..16]), "{text}");
}

#[test]
fn the_largest_key_works_and_one_step_more_is_refused() {
    let key = PrivateKey::from_pem(include_bytes!("data/rsa8192.key")).unwrap();
    assert_eq!((key.public_key().bits(), key.check()), (8192, Ok(())));
    let error = PrivateKey::from_pem(include_bytes!("data/rsa8200.key")).unwrap_err();
    assert_eq!(error, KeyError::TooLarge { bits: 8200 });
}
