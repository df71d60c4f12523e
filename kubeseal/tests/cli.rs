//! Transcripts of the command line: what is typed, and what comes back word for word.
//!
//! `TRYCMD=overwrite cargo test -p kubeseal --test cli` writes down what the program does now; read the difference before
//! believing it.

#[test]
fn transcripts_hold() {
    let cases = trycmd::TestCases::new();
    // Nothing of the machine shows through: no kubeconfig, no proxy, no defaults from the environment.
    for name in ["KUBECONFIG", "HOME", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
        cases.env(name, "");
    }
    cases.case("tests/cmd/*.toml");
}
