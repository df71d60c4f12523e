#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::HashMap;

use super::super::file::Context;
use super::*;

fn kubeconfig() -> Kubeconfig {
    let context = |cluster: &str, user: &str, namespace: Option<&str>| Context {
        cluster: Some(cluster.to_owned()),
        user: Some(user.to_owned()),
        namespace: namespace.map(str::to_owned),
    };
    let cluster = |server: &str| Cluster {
        server: Some(server.to_owned()),
        tls_server_name: Some("from-file".to_owned()),
        certificate_authority_data: Some("Q0E=".to_owned()),
        ..Cluster::default()
    };
    Kubeconfig {
        current_context: "one".to_owned(),
        contexts: HashMap::from([
            ("one".to_owned(), context("c1", "u1", Some("first"))),
            ("two".to_owned(), context("c2", "ghost", None)),
            ("three".to_owned(), context("ghost", "u1", None)),
        ]),
        clusters: HashMap::from([
            ("c1".to_owned(), cluster("https://one")),
            ("c2".to_owned(), cluster("https://two")),
            ("empty".to_owned(), Cluster::default()),
        ]),
        users: HashMap::from([("u1".to_owned(), User { token: Some("t".to_owned()), ..User::default() })]),
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn problem(kubeconfig: &Kubeconfig, overrides: &Overrides) -> Option<String> {
    match Selection::of(kubeconfig, overrides).map_err(Unusable::Other).and_then(|selection| selection.check()) {
        Ok(()) => None,
        Err(Unusable::Empty) => some("empty"),
        Err(Unusable::Other(error)) => some(error.to_string().trim_start_matches("error: ")),
    }
}

#[test]
fn flags_pick_entries_and_what_they_name_must_exist() {
    for (overrides, want) in [
        (Overrides::default(), Ok(("https://one", Some("first")))),
        (Overrides { context: some("two"), ..Overrides::default() }, Ok(("https://two", None))),
        (Overrides { cluster: some("c2"), ..Overrides::default() }, Ok(("https://two", Some("first")))),
        (Overrides { server: some("http://x"), ..Overrides::default() }, Ok(("http://x", Some("first")))),
        (Overrides { context: some("zzz"), ..Overrides::default() }, Err("context \"zzz\" does not exist")),
        (Overrides { cluster: some("zzz"), ..Overrides::default() }, Err("cluster \"zzz\" does not exist")),
        (Overrides { user: some("zzz"), ..Overrides::default() }, Err("auth info \"zzz\" does not exist")),
    ] {
        match (Selection::of(&kubeconfig(), &overrides), want) {
            (Ok(selection), Ok((server, namespace))) => {
                assert_eq!(
                    (selection.cluster.server.as_deref(), selection.namespace.as_deref()),
                    (Some(server), namespace)
                );
            }
            (Err(error), Err(text)) => assert_eq!(error.to_string(), format!("error: {text}")),
            (got, want) => panic!("{got:?} instead of {want:?}"),
        }
    }
}

#[test]
fn only_nothing_at_all_counts_as_no_configuration() {
    let none = Kubeconfig::default();
    assert_eq!(problem(&none, &Overrides::default()), some("empty"));
    assert_eq!(
        problem(&Kubeconfig { current_context: String::new(), ..kubeconfig() }, &Overrides::default()),
        some("empty")
    );
    assert_eq!(problem(&kubeconfig(), &Overrides { context: some("three"), ..Overrides::default() }), some("empty"));
    assert_eq!(problem(&none, &Overrides { server: some("http://x"), ..Overrides::default() }), None);
    assert_eq!(
        problem(&none, &Overrides { insecure_skip_tls_verify: true, ..Overrides::default() }),
        some("invalid configuration: default cluster has no server defined")
    );
    assert_eq!(
        problem(&kubeconfig(), &Overrides { cluster: some("empty"), ..Overrides::default() }),
        some("invalid configuration: no server found for cluster \"empty\"")
    );
    let gone = Kubeconfig { current_context: "gone".to_owned(), ..kubeconfig() };
    assert_eq!(problem(&gone, &Overrides::default()), some("context \"gone\" does not exist"));
}

#[test]
fn a_flag_replaces_the_data_it_stands_for() {
    let overrides = Overrides {
        server: some("https://x"),
        certificate_authority: some("/dev/null"),
        token: some("mine"),
        ..Overrides::default()
    };
    let selection = Selection::of(&kubeconfig(), &overrides).unwrap();
    assert_eq!(selection.cluster.certificate_authority.as_deref(), Some("/dev/null"));
    assert_eq!(selection.cluster.certificate_authority_data, None);
    assert_eq!(selection.cluster.tls_server_name, None);
    assert_eq!(selection.user.token.as_deref(), Some("mine"));

    let insecure = Overrides { insecure_skip_tls_verify: true, tls_server_name: some("n"), ..Overrides::default() };
    let selection = Selection::of(&kubeconfig(), &insecure).unwrap();
    assert_eq!(selection.cluster.certificate_authority_data, None);
    assert_eq!(selection.cluster.insecure_skip_tls_verify, Some(true));
    assert_eq!(selection.cluster.tls_server_name.as_deref(), Some("n"));
}

#[test]
fn faults_are_told_in_the_words_of_kubectl() {
    for (overrides, want) in [
        (
            Overrides { impersonate_groups: vec!["g".to_owned()], ..Overrides::default() },
            "invalid configuration: requesting uid, groups or user-extra for u1 without impersonating a user",
        ),
        (
            Overrides { username: some("bob"), ..Overrides::default() },
            "invalid configuration: more than one authentication method found for u1; found [token basicAuth], only one is allowed",
        ),
        (
            Overrides { client_certificate: some("nope.crt"), client_key: some("/dev/null"), ..Overrides::default() },
            "invalid configuration: unable to read client-cert nope.crt for u1 due to open nope.crt: no such file or directory",
        ),
        (
            Overrides { certificate_authority: some("nope"), ..Overrides::default() },
            "invalid configuration: unable to read certificate-authority nope for c1 due to open nope: no such file or directory",
        ),
        (
            Overrides { client_certificate: some("/dev/null"), proxy_url: some("ftp://x"), ..Overrides::default() },
            "invalid configuration: [client-key-data or client-key must be specified for u1 to use the clientCert authentication \
             method., invalid 'proxy-url' for cluster \"c1\": it is no http, https or socks5 URL]",
        ),
    ] {
        assert_eq!(problem(&kubeconfig(), &overrides).as_deref(), Some(want));
    }
}
