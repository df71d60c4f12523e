#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::duration::GoDuration;

fn threshold(text: &str) -> Result<(), String> {
    if text == "2" || text == "ERROR" { Ok(()) } else { Err(format!("bad threshold {text}")) }
}

const TABLE: &[Flag] = &[
    Flag::new("format", Kind::String, "").short('o').default("json"),
    Flag::new("namespace", Kind::String, "").short('n'),
    Flag::new("cert", Kind::String, ""),
    Flag::new("raw", Kind::Bool, "").short('r'),
    Flag::new("quick", Kind::Bool, "").short('q').default("true"),
    Flag::new("key-size", Kind::Int, "").default("4096"),
    Flag::new("qps", Kind::Float32, "").default("5"),
    Flag::new("key-renew-period", Kind::Duration, "").default("720h0m0s"),
    Flag::alias("rotate-period", "key-renew-period", Kind::Duration, "")
        .deprecated("please use key-renew-period instead"),
    Flag::new("re-encrypt", Kind::Bool, ""),
    Flag::alias("rotate", "re-encrypt", Kind::Bool, "").deprecated("please use --re-encrypt instead"),
    Flag::new("from-file", Kind::CsvList, ""),
    Flag::new("as-group", Kind::Array, ""),
    Flag::new("scope", Kind::Choice(&["", "strict", "namespace-wide", "cluster-wide"]), "").default("strict"),
    Flag::new("v", Kind::Int, "").short('v').no_env(),
    Flag::new("stderrthreshold", Kind::Custom { type_name: "severity", check: threshold }, "").default("2").no_env(),
];

fn read(args: &[&str], env: &[(&str, &str)], policy: EnvPolicy) -> Result<Outcome, ParseError> {
    let lookup = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    parse(TABLE, args.iter().map(|arg| (*arg).to_owned()), &lookup, policy)
}

fn values(args: &[&str], env: &[(&str, &str)]) -> Values {
    match read(args, env, EnvPolicy::IgnoreInvalid) {
        Ok(Outcome::Run(values)) => values,
        other => panic!("{args:?}: {other:?}"),
    }
}

#[test]
fn a_value_may_be_attached_or_follow() {
    for args in [
        &["--format", "yaml"][..],
        &["--format=yaml"],
        &["-o", "yaml"],
        &["-oyaml"],
        &["-o=yaml"],
        &["-ro=yaml"],
        &["-roy", "-o", "yaml"],
        &["x", "-o", "xml", "-o", "yaml", "y"],
    ] {
        let values = values(args, &[]);
        assert_eq!(values.string("format"), "yaml", "{args:?}");
        assert_eq!(values.source("format"), Source::CommandLine);
    }
}

#[test]
fn edges_of_the_syntax_are_those_of_pflag() {
    for (args, format, namespace, positionals) in [
        (&["-o="][..], "=", "", &[][..]),
        (&["--format="], "", "", &[]),
        (&["-name", "x"], "json", "ame", &["x"]),
        (&["--", "-o", "yaml"], "json", "", &["-o", "yaml"]),
        (&["-o", "--"], "--", "", &[]),
        (&["-"], "json", "", &["-"]),
        (&[""], "json", "", &[""]),
        (&["-n", ""], "json", "", &[]),
        (&["a", "-nb", "c"], "json", "b", &["a", "c"]),
        (&["--format=a=b"], "a=b", "", &[]),
    ] {
        let values = values(args, &[]);
        assert_eq!((values.string("format"), values.string("namespace")), (format, namespace), "{args:?}");
        assert_eq!(values.positionals(), positionals, "{args:?}");
    }
}

#[test]
fn booleans_take_a_value_only_after_an_equals_sign() {
    for (args, raw, quick, positionals) in [
        (&[][..], false, true, &[][..]),
        (&["--raw"], true, true, &[]),
        (&["--raw", "false"], true, true, &["false"]),
        (&["--raw=T", "--quick=0"], true, false, &[]),
        (&["--raw", "--raw=false"], false, true, &[]),
        (&["-rq=false"], true, false, &[]),
    ] {
        let values = values(args, &[]);
        assert_eq!((values.bool("raw"), values.bool("quick")), (raw, quick), "{args:?}");
        assert_eq!(values.positionals(), positionals, "{args:?}");
    }
}

#[test]
fn typed_values_are_read() {
    let values = values(
        &["--key-size=0x800", "--qps", "-1.5", "--key-renew-period", "1h30m", "--stderrthreshold=ERROR", "-v=-3"],
        &[],
    );
    assert_eq!(values.int("key-size"), 2048);
    assert_eq!(values.float32("qps"), -1.5);
    assert_eq!(values.duration("key-renew-period").to_string(), "1h30m0s");
    assert_eq!(values.string("stderrthreshold"), "ERROR");
    assert_eq!(values.int("v"), -3);
    assert_eq!(values.string("scope"), "strict");
}

#[test]
fn lists_collect_and_the_command_line_replaces_the_environment() {
    let env = [("SEALED_SECRETS_FROM_FILE", "e1,e2"), ("SEALED_SECRETS_AS_GROUP", "g1,g2")];
    let from_env = values(&[], &env);
    assert_eq!(from_env.list("from-file"), ["e1", "e2"]);
    assert_eq!(from_env.list("as-group"), ["g1,g2"]);
    assert_eq!(from_env.source("from-file"), Source::Environment);

    let both = values(&["--from-file", "a,\"b,c\"", "--from-file=d", "--as-group", "x,y", "--as-group=z"], &env);
    assert_eq!(both.list("from-file"), ["a", "b,c", "d"]);
    assert_eq!(both.list("as-group"), ["x,y", "z"]);
    assert!(values(&["--from-file="], &[]).list("from-file").is_empty());
}

#[test]
fn of_two_aliases_the_last_one_wins_and_the_old_name_is_reported() {
    for (args, env, want, notices) in [
        (&["--rotate-period", "1h", "--key-renew-period=2h"][..], &[][..], "2h0m0s", 1),
        (&["--key-renew-period=2h", "--rotate-period", "1h"], &[], "1h0m0s", 1),
        (&[], &[("SEALED_SECRETS_ROTATE_PERIOD", "3h"), ("SEALED_SECRETS_KEY_RENEW_PERIOD", "4h")], "3h0m0s", 0),
        (&["--key-renew-period", "0"], &[("SEALED_SECRETS_ROTATE_PERIOD", "3h")], "0s", 0),
    ] {
        let values = values(args, env);
        assert_eq!(values.duration("key-renew-period").to_string(), want, "{args:?} {env:?}");
        assert_eq!(values.duration("rotate-period").to_string(), want);
        assert_eq!(values.notices().len(), notices);
    }
    let rotated = values(&["--rotate"], &[]);
    assert!(rotated.bool("re-encrypt"));
    assert_eq!(rotated.notices(), ["Flag --rotate has been deprecated, please use --re-encrypt instead"]);
}

#[test]
fn errors_have_the_words_of_pflag() {
    for (args, want) in [
        (&["--nope"][..], "unknown flag: --nope"),
        (&["--form", "yaml"], "unknown flag: --form"),
        (&["--nope=x"], "unknown flag: --nope"),
        (&["-z"], "unknown shorthand flag: 'z' in -z"),
        (&["-rzo"], "unknown shorthand flag: 'z' in -zo"),
        (&["--cert"], "flag needs an argument: --cert"),
        (&["-o"], "flag needs an argument: 'o' in -o"),
        (&["-ro"], "flag needs an argument: 'o' in -o"),
        (&["--=x"], "bad flag syntax: --=x"),
        (&["---x"], "bad flag syntax: ---x"),
        (
            &["--raw=maybe"],
            "invalid argument \"maybe\" for \"-r, --raw\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax",
        ),
        (&["--raw="], "invalid argument \"\" for \"-r, --raw\" flag: strconv.ParseBool: parsing \"\": invalid syntax"),
        (&["-v", "x"], "invalid argument \"x\" for \"-v, --v\" flag: strconv.ParseInt: parsing \"x\": invalid syntax"),
        (
            &["--scope", "foo"],
            "invalid argument \"foo\" for \"--scope\" flag: must be one of: strict, namespace-wide, cluster-wide",
        ),
        (
            &["--rotate-period=30d"],
            "invalid argument \"30d\" for \"--rotate-period\" flag: time: unknown unit \"d\" in duration \"30d\"",
        ),
        (
            &["--stderrthreshold", "LOUD"],
            "invalid argument \"LOUD\" for \"--stderrthreshold\" flag: bad threshold LOUD",
        ),
        (
            &["--from-file=a\"b"],
            "invalid argument \"a\\\"b\" for \"--from-file\" flag: parse error on line 1, column 2: bare \" in non-quoted-field",
        ),
    ] {
        match read(args, &[], EnvPolicy::IgnoreInvalid) {
            Err(error) => assert_eq!(error.to_string(), want, "{args:?}"),
            Ok(_) => panic!("{args:?} was accepted"),
        }
    }
}

#[test]
fn help_stops_the_reading_unless_the_table_has_it() {
    for args in [&["-h"][..], &["--help", "--nope"], &["--help=x"], &["-rh", "--nope"]] {
        assert!(matches!(read(args, &[], EnvPolicy::FailOnInvalid), Ok(Outcome::Help)), "{args:?}");
    }
    assert!(read(&["--nope", "-h"], &[], EnvPolicy::IgnoreInvalid).is_err());
    assert!(matches!(
        read(&["-h"], &[("SEALED_SECRETS_KEY_SIZE", "big")], EnvPolicy::FailOnInvalid),
        Ok(Outcome::Help)
    ));

    const OWN: &[Flag] = &[Flag::new("help", Kind::Bool, "")];
    let outcome = parse(OWN, ["--help".to_owned()], &|_| None, EnvPolicy::IgnoreInvalid).unwrap();
    assert!(matches!(outcome, Outcome::Run(values) if values.bool("help")));
}

#[test]
fn the_environment_is_a_default() {
    let env = [("SEALED_SECRETS_FORMAT", "yaml"), ("SEALED_SECRETS_CERT", ""), ("SEALED_SECRETS_V", "9")];
    let from_env = values(&[], &env);
    assert_eq!(from_env.string("format"), "yaml");
    assert_eq!(from_env.source("format"), Source::Environment);
    assert_eq!(from_env.source("cert"), Source::Environment);
    assert_eq!(from_env.int("v"), 0);
    assert_eq!(values(&["-ojson"], &env).string("format"), "json");
    assert_eq!(values(&[], &[("SEALED_SECRETS_FORMAT", "")]).string("format"), "");
}

#[test]
fn an_invalid_variable_is_ignored_or_named() {
    for (name, value, reason) in [
        ("SEALED_SECRETS_SCOPE", "foo", "must be one of: strict, namespace-wide, cluster-wide"),
        ("SEALED_SECRETS_QUICK", "", "strconv.ParseBool: parsing \"\": invalid syntax"),
        ("SEALED_SECRETS_KEY_SIZE", "big", "strconv.ParseInt: parsing \"big\": invalid syntax"),
        ("SEALED_SECRETS_KEY_RENEW_PERIOD", "30d", "time: unknown unit \"d\" in duration \"30d\""),
    ] {
        let lenient = values(&[], &[(name, value)]);
        assert_eq!(lenient.string("scope"), "strict");
        assert_eq!(lenient.int("key-size"), 4096);
        assert_eq!(lenient.duration("key-renew-period"), GoDuration::from_nanoseconds(2_592_000_000_000_000));
        assert_eq!(lenient.bool("quick"), name != "SEALED_SECRETS_QUICK", "an invalid boolean is false");

        match read(&[], &[(name, value)], EnvPolicy::FailOnInvalid) {
            Err(error) => {
                assert_eq!(
                    error.to_string(),
                    format!("invalid value {value:?} for environment variable {name}: {reason}")
                );
            }
            Ok(_) => panic!("{name}={value} was accepted"),
        }
    }
}

#[test]
fn variables_are_named_after_their_flags() {
    assert_eq!(environment_name("key-renew-period"), "SEALED_SECRETS_KEY_RENEW_PERIOD");
    assert_eq!(environment_name("as"), "SEALED_SECRETS_AS");
}
