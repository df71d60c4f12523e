//! What each scope allows afterwards: another name, another namespace, another annotation (checklist rows 13 to 24 and 76
//! to 79).

#![allow(clippy::unwrap_used, clippy::panic)]

mod server;

use server::{Kubeseal, key_file};

const NAMESPACE_WIDE: &str = "sealedsecrets.bitnami.com/namespace-wide";
const CLUSTER_WIDE: &str = "sealedsecrets.bitnami.com/cluster-wide";

/// A SealedSecret with this one item, as somebody might write it by hand.
fn object(namespace: &str, name: &str, annotations: &[(&str, &str)], item: &str) -> String {
    let annotations: String = annotations.iter().map(|(key, value)| format!("{key}: '{value}', ")).collect();
    format!(
        "kind: SealedSecret\nmetadata: {{name: {name}, namespace: {namespace}, annotations: {{{annotations}}}}}\nspec: {{encryptedData: \
         {{k: {item}}}}}\n"
    )
}

fn open(kubeseal: &Kubeseal, object: &str) -> Result<(), String> {
    let key = format!("{}/tests/golden/keys/a.key", env!("CARGO_MANIFEST_DIR"));
    let run = kubeseal.run(&["--recovery-unseal", "--recovery-private-key", &key, "-oyaml"], object);
    if run.code == Some(0) {
        assert!(run.stdout.contains("\n  k: czNjcmV0\n"), "{}", run.stdout);
        return Ok(());
    }
    assert_eq!(run.stdout, "");
    Err(run.stderr.lines().next().unwrap().to_owned())
}

#[test]
fn a_scope_allows_just_what_it_says() {
    let certificate = key_file("a.crt");
    let namespace_wide: &[(&str, &str)] = &[(NAMESPACE_WIDE, "true")];
    let cluster_wide: &[(&str, &str)] = &[(CLUSTER_WIDE, "true")];
    for (scope, annotations, renamed, moved) in [
        ("strict", &[][..], false, false),
        ("namespace-wide", namespace_wide, true, false),
        ("cluster-wide", cluster_wide, true, true),
    ] {
        let kubeseal = Kubeseal::new();
        let sealing = ["--cert", &certificate, "--scope", scope];
        let secret = "kind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {k: s3cret}\n";
        let sealed = kubeseal.run(&[&sealing[..], &["-o", "json"]].concat(), secret);
        sealed.succeeded();
        let sealed: serde_json::Value = serde_json::from_str(&sealed.stdout).unwrap();
        let whole = sealed["spec"]["encryptedData"]["k"].as_str().unwrap().to_owned();
        let raw = kubeseal.run(&[&sealing[..], &["--raw", "-n", "shop", "--name", "db"]].concat(), "s3cret");
        raw.succeeded();
        for item in [whole, raw.stdout] {
            let refused = Err("error: no key could decrypt secret (k)".to_owned());
            let allowed = |allowed: bool| if allowed { Ok(()) } else { refused.clone() };
            let as_sealed = |namespace: &str, name: &str| open(&kubeseal, &object(namespace, name, annotations, &item));
            assert_eq!(as_sealed("shop", "db"), Ok(()), "{scope}");
            assert_eq!(as_sealed("shop", "other"), allowed(renamed), "{scope}, renamed");
            assert_eq!(as_sealed("elsewhere", "db"), allowed(moved), "{scope}, moved");
            // Another scope than the one it was sealed for, narrower or wider, never opens.
            for (other, annotations) in
                [("strict", &[][..]), ("namespace-wide", namespace_wide), ("cluster-wide", cluster_wide)]
            {
                let verdict = open(&kubeseal, &object("shop", "db", annotations, &item));
                assert_eq!(verdict, allowed(other == scope), "{scope} as {other}");
            }
            // Only the word itself counts, and the wider scope of two.
            for value in ["True", "false", "", "1"] {
                let annotations = [(NAMESPACE_WIDE, value), (CLUSTER_WIDE, value)];
                assert_eq!(
                    open(&kubeseal, &object("shop", "db", &annotations, &item)),
                    allowed(scope == "strict"),
                    "{value}"
                );
            }
            let both = [(NAMESPACE_WIDE, "true"), (CLUSTER_WIDE, "true")];
            assert_eq!(open(&kubeseal, &object("shop", "db", &both, &item)), allowed(scope == "cluster-wide"), "both");
        }
    }
}
