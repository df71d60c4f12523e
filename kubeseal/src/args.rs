//! From the command line and its environment to what this run shall do.

use sealed_secrets_flags::{EnvPolicy, Outcome, Source, Values, parse, usage};
use sealed_secrets_resource::Scope;

use crate::age_file::Unlock;
use crate::cluster::Access;
use crate::error::{Error, Result};
use crate::flag_table::TABLE;
use crate::kubeconfig::Overrides;
use crate::log::Log;
use crate::subcommand::{self, Subcommand};

/// A command line that was understood.
pub(crate) enum Invocation {
    /// Print this text and stop.
    Print(String),
    /// Do something.
    Run(Box<Args>),
    /// Do what a subcommand does, with the arguments behind its name.
    Subcommand(&'static Subcommand, Vec<String>),
}

/// What to do. The first that was asked for wins, in the order of spec/kubeseal-cli.md 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    RecoveryUnseal,
    Validate,
    ReEncrypt,
    FetchCert,
    MergeInto,
    Raw,
    Seal,
}

/// Everything the command line and its environment decide, apart from the mode's own details.
pub(crate) struct Args {
    pub(crate) mode: Mode,
    /// `--merge-into`.
    pub(crate) merge_into: String,
    /// `--secret-file`, and whether the command line itself names it.
    pub(crate) secret_file: Option<String>,
    pub(crate) secret_file_explicit: bool,
    /// `--sealed-secret-file`.
    pub(crate) sealed_secret_file: Option<String>,
    pub(crate) format: String,
    /// `--format` as the command line itself gives it; then it also holds for files that are changed in place.
    pub(crate) format_explicit: Option<String>,
    /// `--cert`: file or URL; nothing means the controller.
    pub(crate) cert: Option<String>,
    /// `--scope`, if it was given.
    pub(crate) scope: Option<Scope>,
    pub(crate) name: Option<String>,
    pub(crate) from_file: Vec<String>,
    pub(crate) allow_empty_data: bool,
    pub(crate) record_key: bool,
    pub(crate) recovery_private_keys: Vec<String>,
    /// What opens those of them that are encrypted.
    pub(crate) unlock: Unlock,
    pub(crate) controller_namespace: String,
    pub(crate) controller_name: String,
    /// `--namespace`, without a prefix such as `ns/`.
    pub(crate) namespace: Option<String>,
    /// How to reach the cluster.
    pub(crate) overrides: Overrides,
    pub(crate) log: Log,
    pub(crate) positionals: usize,
    /// Lines for standard error before anything happens.
    pub(crate) notices: Vec<String>,
}

/// Reads the command line; `program` is the name it was started under.
///
/// # Errors
/// A flag that is unknown or has a wrong value, or `--from-file` without `--raw`.
pub(crate) fn read(
    program: &str,
    args: impl IntoIterator<Item = String>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Invocation> {
    let mut args = args.into_iter().peekable();
    if let Some(subcommand) = args.peek().and_then(|first| Subcommand::named(first)) {
        return Ok(Invocation::Subcommand(subcommand, args.skip(1).collect()));
    }
    let values = match parse(TABLE, args, environment, EnvPolicy::IgnoreInvalid) {
        Ok(Outcome::Run(values)) => values,
        Ok(Outcome::Help) => return Ok(Invocation::Print(usage_text(program))),
        Err(error) => return Err(Error::Usage(error.to_string())),
    };
    if values.bool("version") {
        return Ok(Invocation::Print(format!("kubeseal version: {}\n", version())));
    }
    if values.bool("help") {
        return Ok(Invocation::Print(usage_text(program)));
    }
    if !values.list("from-file").is_empty() && !values.bool("raw") {
        return Err(Error::new("--from-file requires --raw"));
    }
    Ok(Invocation::Run(Box::new(from_values(&values))))
}

/// The usage text, as it precedes errors of the command line.
pub(crate) fn usage_text(program: &str) -> String {
    format!("{}\n{}", usage(program, TABLE), subcommand::list())
}

/// The version that a release is stamped with, otherwise the package's.
pub(crate) fn version() -> &'static str {
    option_env!("SEALED_SECRETS_BUILD_VERSION").unwrap_or(concat!("v", env!("CARGO_PKG_VERSION")))
}

fn from_values(values: &Values) -> Args {
    let given = |name: &str| values.non_empty(name).map(str::to_owned);
    Args {
        mode: mode(values),
        merge_into: values.string("merge-into").to_owned(),
        secret_file: given("secret-file"),
        secret_file_explicit: values.source("secret-file") == Source::CommandLine,
        sealed_secret_file: given("sealed-secret-file"),
        format: values.string("format").to_owned(),
        format_explicit: given("format").filter(|_| values.source("format") == Source::CommandLine),
        cert: given("cert"),
        scope: scope(values),
        name: given("name"),
        from_file: values.list("from-file").to_vec(),
        allow_empty_data: values.bool("allow-empty-data"),
        record_key: values.bool("record-key"),
        recovery_private_keys: values.list("recovery-private-key").to_vec(),
        unlock: Unlock::of(values),
        controller_namespace: values.string("controller-namespace").to_owned(),
        controller_name: values.string("controller-name").to_owned(),
        namespace: namespace(values),
        overrides: overrides(values),
        log: Log::new(
            log_level(values),
            values.bool("logtostderr") || values.bool("alsologtostderr"),
            values.bool("skip_headers"),
        ),
        positionals: values.positionals().len(),
        notices: values.notices().to_vec(),
    }
}

fn mode(values: &Values) -> Mode {
    let wanted = [
        (values.bool("recovery-unseal"), Mode::RecoveryUnseal),
        (values.bool("validate"), Mode::Validate),
        (values.bool("re-encrypt"), Mode::ReEncrypt),
        (values.bool("fetch-cert"), Mode::FetchCert),
        (!values.string("merge-into").is_empty(), Mode::MergeInto),
        (values.bool("raw"), Mode::Raw),
    ];
    wanted.into_iter().find(|(asked, _)| *asked).map_or(Mode::Seal, |(_, mode)| mode)
}

/// A scope counts as given when the flag or its variable holds a word (decision 8).
fn scope(values: &Values) -> Option<Scope> {
    let given = values.source("scope") != Source::Default && !values.string("scope").is_empty();
    // The flag takes nothing that is not a scope.
    if given { values.string("scope").parse().ok() } else { None }
}

fn log_level(values: &Values) -> i64 {
    sealed_secrets_flags::number::parse_int(values.string("v"), 10, 32).unwrap_or(0)
}

impl Args {
    /// Where the controller is.
    pub(crate) fn access(&self) -> Access {
        Access {
            overrides: self.overrides.clone(),
            log: self.log,
            controller_namespace: self.controller_namespace.clone(),
            controller_name: self.controller_name.clone(),
        }
    }
}

/// Where the controller is, as the flags of a subcommand say.
pub(crate) fn access(values: &Values) -> Access {
    Access {
        overrides: overrides(values),
        log: Log::new(log_level(values), true, false),
        controller_namespace: values.string("controller-namespace").to_owned(),
        controller_name: values.string("controller-name").to_owned(),
    }
}

/// `--namespace`, without a prefix such as `ns/`, if it was given.
pub(crate) fn namespace(values: &Values) -> Option<String> {
    let given = values.non_empty("namespace");
    given.map(|name| without_namespace_prefix(name).to_owned())
}

/// Strips one `ns/`, `namespace/` or `namespaces/`, in any case, if a name follows it.
fn without_namespace_prefix(name: &str) -> &str {
    ["namespaces/", "namespace/", "ns/"]
        .iter()
        .find(|prefix| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)))
        .map(|prefix| &name[prefix.len()..])
        .filter(|rest| !rest.is_empty())
        .unwrap_or(name)
}

fn overrides(values: &Values) -> Overrides {
    let given = |name: &str| values.non_empty(name).map(str::to_owned);
    Overrides {
        kubeconfig: given("kubeconfig"),
        context: given("context"),
        cluster: given("cluster"),
        user: given("user"),
        server: given("server"),
        certificate_authority: given("certificate-authority"),
        insecure_skip_tls_verify: values.bool("insecure-skip-tls-verify"),
        tls_server_name: given("tls-server-name"),
        proxy_url: given("proxy-url"),
        client_certificate: given("client-certificate"),
        client_key: given("client-key"),
        token: given("token"),
        username: given("username"),
        password: given("password"),
        impersonate: given("as"),
        impersonate_uid: given("as-uid"),
        impersonate_groups: values.list("as-group").to_vec(),
        request_timeout: given("request-timeout").filter(|_| values.source("request-timeout") != Source::Default),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn args(line: &[&str], env: &[(&str, &str)]) -> Args {
        let lookup = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        match read("kubeseal", line.iter().map(|arg| (*arg).to_owned()), &lookup).unwrap() {
            Invocation::Run(args) => *args,
            Invocation::Print(text) => panic!("printed {text}"),
            Invocation::Subcommand(..) => panic!("a subcommand"),
        }
    }

    #[test]
    fn of_several_modes_the_first_in_the_list_wins() {
        for (line, mode) in [
            (&[][..], Mode::Seal),
            (&["--raw"], Mode::Raw),
            (&["--raw", "--merge-into", "x"], Mode::MergeInto),
            (&["--merge-into", "x", "--fetch-cert"], Mode::FetchCert),
            (&["--fetch-cert", "--rotate"], Mode::ReEncrypt),
            (&["--re-encrypt", "--validate"], Mode::Validate),
            (&["--validate", "--recovery-unseal", "--raw"], Mode::RecoveryUnseal),
            (&["--merge-into", ""], Mode::Seal),
            (&["--rotate", "--re-encrypt=false"], Mode::Seal),
        ] {
            assert_eq!(args(line, &[]).mode, mode, "{line:?}");
        }
    }

    #[test]
    fn a_scope_counts_only_when_it_was_given() {
        let env = |value| [("SEALED_SECRETS_SCOPE", value)];
        assert_eq!(args(&[], &[]).scope, None);
        assert_eq!(args(&["--scope", ""], &[]).scope, None);
        assert_eq!(args(&["--scope", "strict"], &[]).scope, Some(Scope::Strict));
        assert_eq!(args(&[], &env("strict")).scope, Some(Scope::Strict));
        assert_eq!(args(&[], &env("")).scope, None);
        assert_eq!(args(&[], &env("foo")).scope, None);
        assert_eq!(args(&["--scope=cluster-wide"], &env("strict")).scope, Some(Scope::ClusterWide));
    }

    #[test]
    fn one_namespace_prefix_is_stripped_if_a_name_follows() {
        for (given, want) in [
            ("foo", "foo"),
            ("ns/foo", "foo"),
            ("NameSpace/foo", "foo"),
            ("namespaces/foo", "foo"),
            ("ns/ns/x", "ns/x"),
            ("ns/", "ns/"),
            ("nsx/foo", "nsx/foo"),
        ] {
            assert_eq!(args(&["-n", given], &[]).namespace.as_deref(), Some(want), "{given}");
        }
        assert_eq!(args(&["-n", ""], &[]).namespace, None);
    }

    #[test]
    fn the_documented_variables_are_exactly_those_of_the_table() {
        let documented = "CERT CONTROLLER_NAMESPACE CONTROLLER_NAME FORMAT SEALED_SECRET_FILE SECRET_FILE FETCH_CERT \
            ALLOW_EMPTY_DATA VALIDATE MERGE_INTO RAW NAME FROM_FILE KUBECONFIG SCOPE RE_ENCRYPT ROTATE RECOVERY_UNSEAL \
            RECOVERY_PRIVATE_KEY VERSION HELP SERVER CERTIFICATE_AUTHORITY INSECURE_SKIP_TLS_VERIFY TLS_SERVER_NAME PROXY_URL \
            DISABLE_COMPRESSION CLIENT_CERTIFICATE CLIENT_KEY TOKEN USERNAME PASSWORD AS AS_UID AS_GROUP CLUSTER USER CONTEXT \
            NAMESPACE REQUEST_TIMEOUT RECORD_KEY";
        let mut documented: Vec<String> =
            documented.split_whitespace().map(|suffix| format!("SEALED_SECRETS_{suffix}")).collect();
        let flags = TABLE.iter().filter(|flag| flag.has_env());
        let mut found: Vec<String> = flags.map(|flag| sealed_secrets_flags::environment_name(flag.name())).collect();
        documented.sort();
        found.sort();
        assert_eq!(found, documented);
    }

    #[test]
    fn a_deprecated_name_is_reported_from_the_command_line_only() {
        assert_eq!(
            args(&["--rotate"], &[]).notices,
            ["Flag --rotate has been deprecated, please use --re-encrypt instead"]
        );
        let quiet = args(&[], &[("SEALED_SECRETS_ROTATE", "true")]);
        assert_eq!((quiet.mode, quiet.notices.len()), (Mode::ReEncrypt, 0));
    }

    #[test]
    fn the_version_is_printed_before_anything_else_is_looked_at() {
        let line = ["--version", "--from-file", "x", "--help"].map(str::to_owned);
        let Ok(Invocation::Print(text)) = read("kubeseal", line, &|_| None) else { panic!("nothing to print") };
        assert_eq!(text, format!("kubeseal version: {}\n", version()));
    }
}
