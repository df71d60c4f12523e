use proptest::prelude::*;
use sealed_secrets_crypto::{Certificate, Label, SystemRandom};

use super::*;
use crate::seal::seal_value;

fn key() -> PublicKey {
    Certificate::first_from_pem(include_bytes!("../../tests/data/b.crt")).unwrap().rsa_public_key().unwrap().clone()
}

fn item() -> String {
    seal_value(&key(), &Label::strict("shop", "db"), b"s3cret", &mut SystemRandom).unwrap()
}

fn names(input: &str, expected: &Expectations<'_>) -> Vec<String> {
    let mut names: Vec<String> =
        lint(input.as_bytes(), expected).iter().map(|finding| finding.rule.to_string()).collect();
    names.sort();
    names.dedup();
    names
}

fn sealed(metadata: &str, spec: &str) -> String {
    format!("apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {metadata}\nspec: {spec}\n")
}

#[test]
fn every_check_finds_its_mistake_and_nothing_else() {
    let good = format!("{{encryptedData: {{a: {}}}}}", item());
    let with = |text: &str| format!("{{encryptedData: {{a: {text}}}}}");
    let meta = "{name: db, namespace: shop}";
    let scope = |scope: &str, value: &str| {
        format!("{{name: db, namespace: shop, annotations: {{sealedsecrets.bitnami.com/{scope}: {value}}}}}")
    };
    let template = |annotations: &str| {
        format!("{{encryptedData: {{a: {}}}, template: {{metadata: {{annotations: {annotations}}}}}}}", item())
    };
    let fingerprint = key().fingerprint();
    let record = |text: &str| scope("sealed-with", text);
    let other = "SHA256:mXxmlmL6V8HbbvvZnFs6REGCFZxzonTznKHcXa6Sy3k";
    let twice = format!("{}---\n{}", sealed(meta, &good), sealed(meta, &good));
    let old_form = format!("{{data: {}}}", item());
    let both = format!("{{data: {}, encryptedData: {{a: {}}}}}", item(), item());
    for (input, want) in [
        (sealed(meta, &good), ""),
        (sealed("{name: db, namespace: shop, annotations: {other: x}}", &good), ""),
        (sealed(&record(&fingerprint.to_string()), &good), ""),
        ("a: [\n".to_owned(), "unreadable"),
        (sealed("x", &good), "field"),
        (sealed(&scope("cluster-wide", "true"), &good), "field"),
        (sealed(meta, &good).replace("v1alpha1", "v1"), "api-version"),
        (sealed(meta, &good).replace("apiVersion: bitnami.com/v1alpha1\n", ""), "api-version"),
        (sealed("{namespace: shop}", &good), "name"),
        (sealed("{namespace: shop, generateName: db-}", &good), "name"),
        (sealed("{name: db}", &good), "namespace"),
        (sealed("{name: db, annotations: {sealedsecrets.bitnami.com/cluster-wide: 'true'}}", &good), ""),
        (sealed("{name: db, annotations: {sealedsecrets.bitnami.com/namespace-wide: 'true'}}", &good), "namespace"),
        (sealed("{name: '{{ .Release.Name }}', namespace: '{{ .Release.Namespace }}'}", &good), ""),
        (sealed(&scope("cluster-wide", "'True'"), &good), "scope-annotation"),
        (sealed(&scope("cluster-wide", "'false'"), &good), ""),
        (
            sealed(
                "{name: db, annotations: {sealedsecrets.bitnami.com/cluster-wide: 'true', sealedsecrets.bitnami.com/namespace-wide: 'true'}}",
                &good,
            ),
            "scope-annotation",
        ),
        (sealed(meta, &template("{sealedsecrets.bitnami.com/cluster-wide: 'true'}")), "template-scope"),
        (
            sealed(&scope("cluster-wide", "'true'"), &template("{sealedsecrets.bitnami.com/namespace-wide: 'true'}")),
            "template-scope",
        ),
        (sealed(&scope("cluster-wide", "'true'"), &template("{sealedsecrets.bitnami.com/cluster-wide: 'true'}")), ""),
        (sealed(&scope("cluster-wide", "'true'"), &good), ""),
        (sealed(meta, "{}"), "no-items"),
        (sealed(meta, "{template: {data: {a: '{{ 1 }}'}}}"), ""),
        (sealed(meta, &good).replace("{a:", "{'a b':"), "item-name"),
        (sealed(meta, &with("AQ=")), "base64"),
        (sealed(meta, &with("''")), "envelope"),
        (sealed(meta, &with("[x]")), "envelope"),
        (sealed(meta, &with(&item()[..200])), "envelope"),
        (sealed(meta, &with("AQCI1DEh")), "envelope"),
        (sealed(meta, &old_form), "deprecated-form"),
        (sealed(meta, &both), "both-forms"),
        (sealed(&record("rubbish"), &good), "record"),
        (sealed(&record(&format!("{fingerprint}; gone={fingerprint}")), &good), "record"),
        (sealed(meta, &template("{kubectl.kubernetes.io/last-applied-configuration: '{}'}")), "last-applied"),
        (twice, "duplicate"),
        ("kind: Secret\ndata: {a: YQ==}\n".to_owned(), "plaintext-secret"),
        ("apiVersion: v1\nkind: List\nitems: [{kind: Secret, stringData: {a: x}}]\n".to_owned(), "plaintext-secret"),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: sa}\ntype: kubernetes.io/service-account-token\n"
                .to_owned(),
            "",
        ),
        ("kind: Secret\ndata: {a: ''}\n".to_owned(), ""),
        ("kind: ConfigMap\ndata: {a: x}\n".to_owned(), ""),
        ("kind: SealedSecret\napiVersion: example.com/v1\n".to_owned(), ""),
        (sealed("{name: y, namespace: shop}", &good), "boolean-name"),
        (sealed(&record(other), &good), ""),
    ] {
        let want: Vec<&str> = if want.is_empty() { Vec::new() } else { vec![want] };
        assert_eq!(names(&input, &Expectations::default()), want, "{input}");
    }
}

#[test]
fn settings_are_what_objects_are_held_to() {
    let (key, good) = (key(), format!("{{encryptedData: {{a: {}}}}}", item()));
    let other = "SHA256:mXxmlmL6V8HbbvvZnFs6REGCFZxzonTznKHcXa6Sy3k";
    let record = |text: &str| {
        format!("{{name: db, namespace: shop, annotations: {{sealedsecrets.bitnami.com/sealed-with: '{text}'}}}}")
    };
    let plain = sealed("{name: db, namespace: shop}", &good);
    let none = Expectations::default();
    let with_key = Expectations { key: Some(&key), ..none.clone() };
    let recording = Expectations { record_key: true, ..none.clone() };
    let long = sealed(
        "{name: db, namespace: shop}",
        &format!("{{encryptedData: {{a: {}}}}}", crate::encode_base64(&[&[2, 0], &[1; 600][..]].concat())),
    );
    for (input, expected, want) in [
        (&plain, &Expectations { namespace: Some("shop"), ..none.clone() }, ""),
        (&plain, &Expectations { namespace: Some("other"), ..none.clone() }, "namespace"),
        (&sealed("{name: db}", &good), &Expectations { namespace: Some("other"), ..none.clone() }, ""),
        (&plain, &Expectations { scope: Some(Scope::Strict), ..none.clone() }, ""),
        (&plain, &Expectations { scope: Some(Scope::ClusterWide), ..none.clone() }, "scope"),
        (&plain, &with_key, ""),
        (&long, &none, ""),
        (&long, &with_key, "key-size"),
        (&sealed(&record(&key.fingerprint().to_string()), &good), &with_key, ""),
        (&sealed(&record(other), &good), &with_key, "recorded-key"),
        (&sealed(&record(&format!("{other}; a={}", key.fingerprint())), &good), &with_key, ""),
        (&plain, &recording, "missing-record"),
        (&sealed(&record(other), &good), &recording, ""),
        (&"a: [\n".to_owned(), &Expectations { ignored: &[Rule::Unreadable], ..none.clone() }, ""),
    ] {
        let want: Vec<&str> = if want.is_empty() { Vec::new() } else { vec![want] };
        assert_eq!(names(input, expected), want, "{input}");
    }
}

#[test]
fn findings_name_line_object_and_item_and_no_value() {
    let text = "# c\n---\nkind: List\nitems:\n- apiVersion: bitnami.com/v1alpha1\n  kind: SealedSecret\n  metadata:\n    name: db\n    namespace: shop\n  spec:\n    encryptedData:\n      a: hunter2!\n";
    let found: Vec<String> = lint(text.as_bytes(), &Expectations::default())
        .iter()
        .map(|found| format!("{:?} {found}", found.line))
        .collect();
    assert_eq!(found, ["Some(12) error[base64]: shop/db, item a: illegal base64 data at input byte 7"]);
}

#[test]
fn names_of_checks_read_back() {
    for rule in Rule::ALL {
        assert_eq!(rule.name().parse(), Ok(*rule));
    }
    assert!("nonsense".parse::<Rule>().is_err());
}

/// Pieces of SealedSecrets, whole and torn.
const PIECES: [&str; 24] = [
    "kind: SealedSecret\n",
    "kind: List\nitems:\n- ",
    "apiVersion: bitnami.com/v1alpha1\n",
    "metadata:\n",
    "  name: db\n",
    "  namespace: shop\n",
    "  annotations: {sealedsecrets.bitnami.com/sealed-with: 'SHA256:x; a=b'}\n",
    "spec:\n",
    "  encryptedData:\n",
    "    a: hunter2\n",
    "  encryptedData: hunter2\n",
    "  data: hunter2\n",
    "  template: {data: {a: hunter2}}\n",
    "---\n",
    "{\"kind\": \"SealedSecret\"}",
    "kind: Secret\nstringData: {a: hunter2}\n",
    "[",
    "}",
    "'",
    "&a ",
    "*a",
    "<<: ",
    "{{ .x }}",
    "\n",
];

proptest! {
    #[test]
    fn nothing_makes_the_checks_stop_or_show_a_value(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..14)) {
        let text = pieces.concat();
        let key = key();
        let expected = Expectations { key: Some(&key), namespace: Some("x"), record_key: true, ..Expectations::default() };
        let shown = format!("{:?}", lint(text.as_bytes(), &expected));
        let inspected = crate::inspect(text.as_bytes(), None, &sealed_secrets_crypto::KeyRing::default());
        let shown = format!("{shown}{inspected:?}{:?}", crate::SealedFile::read_mixed(text.as_bytes()).map(drop));
        prop_assert!(!shown.contains("hunter2"), "{shown}");
    }
}
