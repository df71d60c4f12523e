//! Every flag of the command line, with its help text (spec/kubeseal-cli.md 2).

use sealed_secrets_flags::{Flag, Kind};

use crate::klog_flags;

const INPUT: &str = "Input and output";
const SEALING: &str = "Sealing";
const OTHER: &str = "Other things to do instead of sealing";
const CONTROLLER: &str = "Where the controller is";
const CLUSTER: &str = "How to reach the cluster (as with kubectl)";
const LOGGING: &str = "Logging";
const GENERAL: &str = "General";

/// The names of the scopes; an empty value means strict.
const SCOPES: &[&str] = &["", "strict", "namespace-wide", "cluster-wide"];

pub(crate) const TABLE: &[Flag] = &[
    text("secret-file", "read the input from this file instead of standard input; - is standard input")
        .short('f')
        .heading(INPUT),
    text("sealed-secret-file", "write the result to this file instead of standard output").short('w').heading(INPUT),
    text("format", "json or yaml; a result file that ends in .yaml or .yml gets YAML in any case")
        .short('o')
        .default("json")
        .heading(INPUT),
    text("cert", "certificate to seal with, a file or a URL; without it the controller is asked").heading(SEALING),
    Flag::new("scope", Kind::Choice(SCOPES), "where the result may be opened: strict, namespace-wide or cluster-wide")
        .default("strict")
        .heading(SEALING),
    text("name", "name of the result instead of the input's; required with --raw in strict scope").heading(SEALING),
    switch("allow-empty-data", "seal a Secret without any items").heading(SEALING),
    switch("record-key", "note the fingerprint of the sealing key in an annotation of the result").heading(SEALING),
    Flag::new("from-file", Kind::CsvList, "with --raw: file that holds the value, as [key=]path").heading(SEALING),
    switch("raw", "encrypt one value and print the bare text for spec.encryptedData").heading(OTHER),
    switch("fetch-cert", "print the sealing certificate").heading(OTHER),
    switch("validate", "ask the controller whether it can open the SealedSecrets in the input").heading(OTHER),
    text("merge-into", "seal the input and add its items to the SealedSecret in this file").heading(OTHER),
    switch("re-encrypt", "have the controller encrypt SealedSecrets with its newest key; changes the file of -f, unless -w names another")
        .heading(OTHER),
    Flag::alias("rotate", "re-encrypt", Kind::Bool, "").deprecated("please use --re-encrypt instead"),
    switch("recovery-unseal", "decrypt a SealedSecret offline with backed-up private keys").heading(OTHER),
    Flag::new("recovery-private-key", Kind::CsvList, "file with private keys for --recovery-unseal").heading(OTHER),
    IDENTITY.heading(OTHER),
    PASSPHRASE_FILE.heading(OTHER),
    text("controller-name", "name of the controller's Service")
        .default("sealed-secrets-controller")
        .heading(CONTROLLER),
    text("controller-namespace", "namespace of the controller's Service").default("kube-system").heading(CONTROLLER),
    text("kubeconfig", "kubeconfig file to use").heading(CLUSTER),
    text("context", "kubeconfig context to use").heading(CLUSTER),
    text("cluster", "kubeconfig cluster to use").heading(CLUSTER),
    text("user", "kubeconfig user to use").heading(CLUSTER),
    text("namespace", "namespace to seal for, if the input names none").short('n').heading(CLUSTER),
    text("server", "URL of the API server").heading(CLUSTER),
    text("certificate-authority", "file with the certificates that vouch for the API server").heading(CLUSTER),
    switch("insecure-skip-tls-verify", "do not check the API server's certificate").heading(CLUSTER),
    text("tls-server-name", "name to expect in the API server's certificate").heading(CLUSTER),
    text("proxy-url", "proxy for the API server: http, https or socks5").heading(CLUSTER),
    switch("disable-compression", "do not ask for compressed replies").heading(CLUSTER),
    text("client-certificate", "file with the client certificate for TLS").heading(CLUSTER),
    text("client-key", "file with the client key for TLS").heading(CLUSTER),
    text("token", "bearer token for the API server").heading(CLUSTER),
    text("username", "user name for basic authentication").heading(CLUSTER),
    text("password", "password for basic authentication").heading(CLUSTER),
    text("as", "user to impersonate").heading(CLUSTER),
    text("as-uid", "UID to impersonate").heading(CLUSTER),
    Flag::new("as-group", Kind::Array, "group to impersonate (can be repeated)").heading(CLUSTER),
    text(
        "request-timeout",
        "longest wait for a reply, in seconds or as in 2m, 0 for ever (default 9s; 10m for --validate and --re-encrypt)",
    )
    .heading(CLUSTER),
    logging("v", Kind::Custom { type_name: "Level", check: klog_flags::level }, "log level; requests appear from 6 on")
        .short('v')
        .default("0"),
    logging("logtostderr", Kind::Bool, "log to standard error").default("true"),
    logging("alsologtostderr", Kind::Bool, "log to standard error even with --logtostderr=false"),
    logging("skip_headers", Kind::Bool, "leave out the header of log lines"),
    logging(
        "vmodule",
        Kind::Custom { type_name: "moduleSpec", check: klog_flags::vmodule },
        "accepted for compatibility: pattern=N,... log levels by file",
    ),
    logging(
        "stderrthreshold",
        Kind::Custom { type_name: "severity", check: klog_flags::severity },
        "accepted for compatibility",
    )
    .default("2"),
    logging(
        "alsologtostderrthreshold",
        Kind::Custom { type_name: "severity", check: klog_flags::severity },
        "accepted for compatibility",
    )
    .default("0"),
    logging("legacy_stderr_threshold_behavior", Kind::Bool, "accepted for compatibility").default("true"),
    logging("log_dir", Kind::String, "accepted for compatibility"),
    logging("log_file", Kind::String, "accepted for compatibility"),
    logging(
        "log_file_max_size",
        Kind::Custom { type_name: "uint", check: klog_flags::megabytes },
        "accepted for compatibility",
    )
    .default("1800"),
    logging(
        "log_backtrace_at",
        Kind::Custom { type_name: "traceLocation", check: klog_flags::backtrace_place },
        "accepted for compatibility",
    )
    .default(":0"),
    logging("add_dir_header", Kind::Bool, "accepted for compatibility"),
    logging("one_output", Kind::Bool, "accepted for compatibility"),
    logging("skip_log_headers", Kind::Bool, "accepted for compatibility"),
    switch("version", "print the version").heading(GENERAL),
    switch("help", "print this text").heading(GENERAL),
];

/// What opens encrypted key files.
pub(crate) const IDENTITY: Flag = Flag::new(
    "identity",
    Kind::Array,
    "file with the key that opens encrypted key files: of age, or an SSH key (can be repeated)",
)
.value_name("FILE")
.no_env();

/// The same for those that are encrypted with a passphrase.
pub(crate) const PASSPHRASE_FILE: Flag = Flag::new(
    "passphrase-file",
    Kind::String,
    "file with the passphrase that opens encrypted key files; otherwise it is asked for",
)
.value_name("FILE")
.no_env();

/// The flags that say where the controller is and how to get there.
pub(crate) fn connection() -> impl Iterator<Item = Flag> {
    TABLE.iter().filter(|flag| [CONTROLLER, CLUSTER].contains(&flag.group()) || flag.name() == "v").copied()
}

const fn text(name: &'static str, help: &'static str) -> Flag {
    Flag::new(name, Kind::String, help)
}

const fn switch(name: &'static str, help: &'static str) -> Flag {
    Flag::new(name, Kind::Bool, help)
}

const fn logging(name: &'static str, kind: Kind, help: &'static str) -> Flag {
    Flag::new(name, kind, help).heading(LOGGING).no_env()
}
