//! What users type: the flag table, then one function that turns it into [`Options`] and refuses what cannot work.
//!
//! Everything that can be known to be wrong without the cluster is said here, before anything is contacted
//! (spec/controller.md 1, W29, W31, W35, W44).

mod cutoff;
mod names;
mod options;
mod selector;
mod table;

pub use self::options::{KeyOptions, KeyOrder, NamespaceScope, Options, StatusConditions};

use sealed_secrets_flags::{EnvPolicy, Outcome, parse, usage};

use self::table::FLAGS;

/// Version shown by `--version`, in the log and in `build_info`: stamped at build time, else that of the package.
pub const VERSION: &str = match option_env!("SEALED_SECRETS_BUILD_VERSION") {
    Some(stamp) => stamp,
    None => concat!("v", env!("CARGO_PKG_VERSION")),
};

/// What a command line comes to.
#[derive(Debug)]
pub enum Command {
    /// Write this and end with success.
    Print {
        /// For standard output.
        stdout: String,
        /// For standard error.
        stderr: String,
    },
    /// Run the controller.
    Run {
        /// How.
        options: Box<Options>,
        /// Notices for standard error.
        notices: String,
    },
}

/// A command line that cannot be used: what to say and the exit code (spec/controller.md 1.4).
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For standard error.
    pub stderr: String,
    /// Exit code.
    pub code: u8,
}

/// Reads the command line (without the program's name) and the environment.
pub fn read(
    program: &str,
    args: impl IntoIterator<Item = String>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Command, Refusal> {
    let values = match parse(FLAGS, args, environment, EnvPolicy::FailOnInvalid) {
        Ok(Outcome::Run(values)) => values,
        Ok(Outcome::Help) => {
            return Ok(Command::Print { stdout: String::new(), stderr: usage(program, FLAGS) });
        }
        Err(error) => {
            return Err(Refusal { stderr: format!("{}{error}\n", usage(program, FLAGS)), code: 2 });
        }
    };
    let notices: String = values.notices().iter().map(|notice| format!("{notice}\n")).collect();
    if values.bool("version") {
        return Ok(Command::Print { stdout: format!("controller version: {VERSION}\n"), stderr: notices });
    }
    match Options::from_values(&values) {
        Ok(options) => Ok(Command::Run { options: Box::new(options), notices }),
        Err(invalid) => {
            Err(Refusal { stderr: format!("{notices}error: {}\n", invalid.text(&values)), code: invalid.code })
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;

    fn run_with(args: &[&str], environment: &[(&str, &str)]) -> Result<Command, Refusal> {
        let args = args.iter().map(|arg| (*arg).to_owned());
        read("controller", args, &|name| {
            let found = environment.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn options(args: &[&str]) -> Options {
        match run_with(args, &[]) {
            Ok(Command::Run { options, .. }) => *options,
            other => panic!("{args:?}: {other:?}"),
        }
    }

    fn refused(args: &[&str]) -> (u8, String) {
        let refusal = run_with(args, &[]).unwrap_err();
        let last = refusal.stderr.lines().last().unwrap().to_owned();
        (refusal.code, last)
    }

    #[test]
    fn without_flags_everything_has_the_default_of_the_reference() {
        let options = options(&[]);
        assert_eq!(options.scope, NamespaceScope::All);
        assert_eq!(options.keys.prefix, "sealed-secrets-key");
        assert_eq!(options.keys.bits, 4096);
        assert_eq!(options.keys.valid_for, Duration::from_secs(87_600 * 3600));
        assert_eq!(options.keys.renew_period.unwrap().as_secs(), 720 * 3600);
        assert_eq!(options.keys.order, KeyOrder::CertNotBefore);
        assert_eq!(options.listen, ":8080");
        assert_eq!(options.listen_metrics, ":8081");
        assert_eq!(options.fast_retries, 5);
        assert!(options.update_status && options.accept_deprecated_data);
        assert!(!options.skip_recreate && !options.old_gc && !options.watch_keys);
        assert_eq!(options.status_conditions, StatusConditions::All);
        assert!(options.call_rate.is_none());
        assert_eq!(options.lease.as_deref(), Some("sealed-secrets-controller"));
    }

    #[test]
    fn without_election_there_is_no_lease() {
        assert_eq!(options(&["--leader-elect=false", "--leader-elect-lease-name="]).lease, None);
        assert_eq!(options(&["--leader-elect-lease-name=x"]).lease.as_deref(), Some("x"));
    }

    #[test]
    fn refusals_have_the_exit_code_and_text_that_is_expected_of_them() {
        let cases: &[(&[&str], u8, &str)] = &[
            (&["--nope"], 2, "unknown flag: --nope"),
            (&["--key-prefix=A"], 2, "error: --key-prefix: name contains illegal character A"),
            (&["--key-prefix=a_b"], 2, "error: --key-prefix: name contains illegal character _"),
            (&["--key-prefix="], 2, "error: --key-prefix: resource name may not be empty"),
            (&["--additional-namespaces=a,,b"], 2, "error: --additional-namespaces: resource name may not be empty"),
            (&["--rate-limit=-1"], 1, "error: --rate-limit: must be at least 1"),
            (&["--rate-limit=0"], 1, "error: --rate-limit: must be at least 1"),
            (&["--rate-limit-burst=-1"], 1, "error: --rate-limit-burst: must not be negative"),
            (&["--key-renew-period=-1h"], 2, "error: --key-renew-period: must not be negative"),
            (&["--key-ttl=0"], 2, "error: --key-ttl: must be positive"),
            (
                &["--kubeclient-burst=0", "--kubeclient-qps=5"],
                2,
                "error: --kubeclient-burst: burst is required to be greater than 0 when RateLimiter is not set and QPS is \
                 set to greater than 0",
            ),
            (
                &["--key-cutoff-time=x"],
                2,
                "error: --key-cutoff-time: parsing time \"x\" as \"Mon, 02 Jan 2006 15:04:05 -0700\": cannot parse \"x\" as \
                 \"Mon\"",
            ),
            (&["--privatekey-labels=x"], 2, "error: --privatekey-labels: \"x\" is not of the form name=value"),
            (
                &["--privatekey-annotations=a=b,=c"],
                2,
                "error: --privatekey-annotations: \"=c\" is not of the form name=value",
            ),
            (&["--privatekey-labels=a b=c"], 2, "error: --privatekey-labels: \"a b\" is not a label key"),
            (&["--privatekey-labels=a=b c"], 2, "error: --privatekey-labels: \"b c\" is not a label value"),
            (
                &["--privatekey-annotations=a/b/c=d"],
                2,
                "error: --privatekey-annotations: \"a/b/c\" is not an annotation key",
            ),
            (
                &["--additional-namespaces=a,.."],
                2,
                "error: --additional-namespaces: name parameter invalid: \"..\": may not be '..'",
            ),
            (
                &["--leader-elect-lease-name=A_B"],
                2,
                "error: --leader-elect-lease-name: \"A_B\" is no name of an object: at most 253 lower-case letters, digits, '-' \
                 and '.', with a letter or digit at both ends",
            ),
            (
                &["--status-conditions=some"],
                2,
                "invalid argument \"some\" for \"--status-conditions\" flag: must be one of: all, synced",
            ),
            (&["--leader-elect-lease-name="], 2, "error: --leader-elect-lease-name: resource name may not be empty"),
            (
                &["--heal-drift", "--skip-recreate"],
                2,
                "error: --heal-drift: needs the watch on Secrets, which --skip-recreate turns off",
            ),
        ];
        for (args, code, text) in cases {
            assert_eq!(refused(args), (*code, (*text).to_owned()), "{args:?}");
        }
    }

    #[test]
    fn key_sizes_that_cannot_work_are_refused_at_once() {
        for size in ["512", "2047", "-4096", "100000000000"] {
            let (code, text) = refused(&[&format!("--key-size={size}")]);
            assert_eq!(code, 2);
            assert!(text.starts_with("error: --key-size: "), "{text}");
        }
        assert_eq!(options(&["--key-size=0x800"]).keys.bits, 2048);
    }

    #[test]
    fn a_selector_that_does_not_parse_is_refused_with_the_name_of_its_flag() {
        let (code, text) = refused(&["--label-selector=!!"]);
        assert_eq!(code, 2);
        assert!(text.contains("--label-selector"), "{text}");
        assert_eq!(options(&["--label-selector=a=b, c in (d)"]).label_selector, "a=b, c in (d)");
    }

    #[test]
    fn a_variable_that_does_not_parse_ends_the_start_and_is_named() {
        let refusal = run_with(&[], &[("SEALED_SECRETS_KEY_RENEW_PERIOD", "30d")]).unwrap_err();
        assert_eq!(refusal.code, 2);
        assert!(refusal.stderr.contains("SEALED_SECRETS_KEY_RENEW_PERIOD"), "{}", refusal.stderr);
    }

    #[test]
    fn the_command_line_beats_the_environment() {
        let environment = [("SEALED_SECRETS_LISTEN_ADDR", ":18080"), ("SEALED_SECRETS_UPDATE_STATUS", "false")];
        let Ok(Command::Run { options, .. }) = run_with(&["--listen-addr=:9090"], &environment) else {
            panic!("refused");
        };
        assert_eq!(options.listen, ":9090");
        assert!(!options.update_status);
    }

    #[test]
    fn version_needs_nothing_else_and_keeps_the_notices() {
        let Ok(Command::Print { stdout, stderr }) = run_with(&["--rotate-period=1h", "--version", "false"], &[]) else {
            panic!("refused");
        };
        assert_eq!(stdout, format!("controller version: {VERSION}\n"));
        assert_eq!(stderr, "Flag --rotate-period has been deprecated, please use key-renew-period instead\n");
    }

    #[test]
    fn the_deprecated_period_sets_the_same_variable_and_the_last_one_wins() {
        let seconds = |args: &[&str]| options(args).keys.renew_period.map(|period| period.as_secs());
        assert_eq!(seconds(&["--rotate-period=48h"]), Some(48 * 3600));
        assert_eq!(seconds(&["--rotate-period=48h", "--key-renew-period=1h"]), Some(3600));
        assert_eq!(seconds(&["--key-renew-period=0"]), None);
    }

    #[test]
    fn help_lists_every_visible_flag_of_the_reference_on_stderr() {
        let Ok(Command::Print { stdout, stderr }) = run_with(&["--help"], &[]) else {
            panic!("refused");
        };
        assert_eq!(stdout, "");
        assert!(stderr.starts_with("Usage of controller:\n"));
        for flag in [
            "accept-deprecated-v1-data",
            "additional-namespaces",
            "all-namespaces",
            "key-cutoff-time",
            "key-order-priority",
            "key-prefix",
            "key-renew-period",
            "key-size",
            "key-ttl",
            "kubeclient-burst",
            "kubeclient-qps",
            "label-selector",
            "listen-addr",
            "listen-metrics-addr",
            "log-format",
            "log-info-stdout",
            "log-level",
            "max-unseal-retries",
            "my-cn",
            "old-gc-behavior",
            "privatekey-annotations",
            "privatekey-labels",
            "rate-limit",
            "rate-limit-burst",
            "read-timeout",
            "skip-recreate",
            "update-status",
            "version",
            "watch-for-secrets",
            "write-timeout",
        ] {
            assert!(stderr.contains(&format!("      --{flag}")), "{flag}");
        }
        assert!(!stderr.contains("rotate-period"));
    }

    #[test]
    fn the_namespace_scope_follows_the_table_of_the_reference() {
        let names = |names: &[&str]| NamespaceScope::Named(names.iter().map(|name| (*name).to_owned()).collect());
        let cases: &[(&[&str], NamespaceScope)] = &[
            (&["--all-namespaces"], NamespaceScope::All),
            (&["--all-namespaces=false"], names(&[])),
            (&["--additional-namespaces=a,b,a"], names(&["a", "b"])),
            (&["--all-namespaces=false", "--additional-namespaces=a"], names(&["a"])),
            (&["--all-namespaces", "false"], NamespaceScope::All),
        ];
        for (args, want) in cases {
            assert_eq!(options(args).scope, *want, "{args:?}");
        }
    }

    #[test]
    fn extra_labels_and_annotations_are_split_at_the_first_equals_sign() {
        let own = "sealedsecrets.bitnami.com/sealed-secrets-key";
        let options = options(&[
            "--privatekey-labels",
            &format!("a=b,c.d/e=f=g,a=b,g=,{own}=not a value"),
            "--privatekey-annotations=A.b/c=x=y z,d=",
        ]);
        let texts = |pairs: &BTreeMap<String, String>| {
            pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        };
        // A label's value cannot hold what the reference leaves out.
        assert_eq!(texts(&options.keys.labels), ["a=b", "c.d/e=f", "g=", &format!("{own}=not a value")]);
        assert_eq!(texts(&options.keys.annotations), ["A.b/c=x=y z", "d="]);
    }

    #[test]
    fn a_value_from_the_environment_is_refused_with_the_name_of_its_variable() {
        for (variable, value, named) in [
            ("SEALED_SECRETS_RATE_LIMIT", "0", "SEALED_SECRETS_RATE_LIMIT"),
            ("SEALED_SECRETS_KEY_PREFIX", "A", "SEALED_SECRETS_KEY_PREFIX"),
            ("SEALED_SECRETS_ROTATE_PERIOD", "-1h", "SEALED_SECRETS_KEY_RENEW_PERIOD or SEALED_SECRETS_ROTATE_PERIOD"),
        ] {
            let refusal = run_with(&[], &[(variable, value)]).unwrap_err();
            assert!(refusal.stderr.starts_with(&format!("error: {named}: ")), "{}", refusal.stderr);
        }
    }

    #[test]
    fn calls_are_limited_only_when_a_flag_asks_for_it() {
        assert!(options(&["--kubeclient-qps=-1"]).call_rate.is_none());
        assert!(options(&["--kubeclient-qps=20"]).call_rate.is_some());
        assert!(options(&["--kubeclient-burst=3"]).call_rate.is_some());
    }

    #[test]
    fn timeouts_of_zero_mean_none_as_in_the_reference() {
        let timeouts = options(&["--read-timeout=0", "--write-timeout=5s"]).timeouts;
        assert!(timeouts.read > Duration::from_secs(86_400));
        assert_eq!(timeouts.write, Duration::from_secs(5));
    }
}
