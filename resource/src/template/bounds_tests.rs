//! Hostile templates: each must end with an error, soon, and within a small stack.

use std::fmt::Write as _;

use super::corpus_tests::{Outcome, outcome};
use super::*;

/// Three quarters of what threads get by default; without optimisation a level of the parser takes 6 kB.
const STACK: usize = 3 << 19;

/// Renders on a small stack, so that a missing bound shows as an overflow.
#[allow(clippy::disallowed_methods)] // A stack of a known size needs a thread.
fn on_small_stack(template: String) -> Outcome {
    let render = move || outcome(&template, &BTreeMap::new(), Limits::default());
    std::thread::Builder::new().stack_size(STACK).spawn(render).unwrap().join().unwrap()
}

fn is_bounded(template: String) -> bool {
    let outcome = on_small_stack(template);
    matches!(&outcome, Outcome::Limit(_)) || matches!(&outcome, Outcome::Error(text) if text.contains("too deep"))
}

/// `before` and `after` around themselves, `levels` times, with `core` inside.
fn nested(before: &str, core: &str, after: &str, levels: usize) -> String {
    before.repeat(levels) + core + &after.repeat(levels)
}

#[test]
fn deep_nesting_ends_without_overflow() {
    for levels in [1_000, 100_000] {
        let parentheses = nested("(", "1", ")", levels);
        assert!(is_bounded(format!("{{{{ {parentheses} }}}}")));
        assert!(is_bounded(format!("{{{{ {} }}}}", nested("(print ", "1", ")", levels))));
        assert!(is_bounded(nested("{{ if true }}", "x", "{{ end }}", levels)));
        assert!(is_bounded(nested("{{ with 1 }}", "x", "{{ end }}", levels)));
        assert!(is_bounded(nested("{{ range 1 }}", "x", "{{ end }}", levels)));
        assert!(is_bounded(nested("{{ block \"a\" . }}", "x", "{{ end }}", levels)));
        let chain = nested("{{ else if false }}", "", "", levels);
        assert!(is_bounded(format!("{{{{ if false }}}}{chain}{{{{ end }}}}")));
    }
}

#[test]
fn usual_nesting_is_fine() {
    for levels in [10, 100] {
        let parentheses = nested("(print ", "1", ")", levels);
        assert_eq!(on_small_stack(format!("{{{{ {parentheses} }}}}")), Outcome::Output(b"1".to_vec()));
        assert_eq!(on_small_stack(nested("{{ range 1 }}", "x", "{{ end }}", levels)), Outcome::Output(b"x".to_vec()));
        let recursive = format!(
            "{{{{ define \"r\" }}}}{{{{ if lt (len .) {levels} }}}}{{{{ template \"r\" (print . \"x\") }}}}{{{{ end }}}}{{{{ end }}}}ok\
             {{{{ template \"r\" \"\" }}}}"
        );
        assert_eq!(on_small_stack(recursive), Outcome::Output(b"ok".to_vec()));
    }
}

#[test]
fn recursion_ends_at_any_mix_of_levels() {
    for inner in [1, 10, 100] {
        let body = nested("{{ if true }}", "{{ template \"r\" . }}", "{{ end }}", inner);
        assert!(is_bounded(format!("{{{{ define \"r\" }}}}{body}{{{{ end }}}}{{{{ template \"r\" . }}}}")));
        let argument = nested("(print ", "1", ")", inner);
        let body = format!("{{{{ with {argument} }}}}{{{{ template \"r\" {argument} }}}}{{{{ end }}}}");
        assert!(is_bounded(format!("{{{{ define \"r\" }}}}{body}{{{{ end }}}}{{{{ template \"r\" . }}}}")));
    }
}

#[test]
fn deep_values_print_compare_and_go_without_overflow() {
    let deep = "{{ $x := list }}{{ range 100000 }}{{ $x = list $x }}{{ end }}";
    assert_eq!(on_small_stack(format!("{deep}ok")), Outcome::Output(b"ok".to_vec()));
    for use_of_it in [
        "{{ $x }}",
        "{{ print $x }}",
        "{{ printf \"%#v\" $x }}",
        "{{ deepEqual $x (list $x) }}",
        "{{ toJson $x }}",
        "{{ deepCopy $x }}",
    ] {
        assert!(is_bounded(format!("{deep}{use_of_it}")), "{use_of_it}");
    }
    let maps = "{{ $x := dict }}{{ range 100000 }}{{ $x = dict \"a\" $x }}{{ end }}";
    assert_eq!(on_small_stack(format!("{maps}ok")), Outcome::Output(b"ok".to_vec()));
    for use_of_it in ["{{ $x }}", "{{ toJson $x }}", "{{ merge (dict) $x (deepCopy $x) }}"] {
        assert!(is_bounded(format!("{maps}{use_of_it}")), "{use_of_it}");
    }
}

#[test]
fn a_map_that_holds_itself_ends_with_an_error_and_is_freed() {
    let circle = "{{ $d := dict }}{{ $_ := set $d \"self\" $d }}";
    assert_eq!(on_small_stack(format!("{circle}{{{{ len $d }}}}")), Outcome::Output(b"1".to_vec()));
    for use_of_it in [
        "{{ $d }}",
        "{{ toJson $d }}",
        "{{ deepCopy $d }}",
        "{{ deepEqual $d (dict \"self\" $d) }}",
        "{{ merge $d $d }}",
    ] {
        let outcome = on_small_stack(format!("{circle}{use_of_it}"));
        assert!(!matches!(outcome, Outcome::Error(_)), "{use_of_it}: {outcome:?}");
    }
}

#[test]
fn shared_values_do_not_print_without_end() {
    let doubled =
        "{{ $x := list 1 }}{{ $y := list 1 }}{{ range 60 }}{{ $x = list $x $x }}{{ $y = list $y $y }}{{ end }}";
    for use_of_it in ["{{ $x }}", "{{ toJson $x }}", "{{ deepCopy $x | len }}", "{{ deepEqual $x $y }}"] {
        assert!(matches!(on_small_stack(format!("{doubled}{use_of_it}")), Outcome::Limit(_)), "{use_of_it}");
    }
}

#[test]
fn growth_is_bounded() {
    let cases = [
        "{{ range 1000000000 }}{{ end }}",
        "{{ range 1000000 }}0123456789{{ end }}",
        "{{ $x := \"ab\" }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}",
        "{{ $x := \"ab\" }}{{ range 60 }}{{ $x = printf \"%s%s\" $x $x }}{{ end }}",
        "{{ $x := \"<\" }}{{ range 60 }}{{ $x = html $x }}{{ end }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}",
        "{{ printf \"%10000000d\" 1 }}",
        "{{ printf \"%.10000000f\" 1.0 | len }}{{ printf \"%9000000s\" 1 | len }}{{ range 9 }}{{ printf \"%9000000s\" 1 | len }}{{ end }}",
        "{{ define \"a\" }}{{ template \"b\" }}{{ template \"b\" }}{{ end }}{{ define \"b\" }}{{ range 1000 }}{{ range 1000 }}{{ range 10 }}\
         {{ end }}{{ end }}{{ end }}{{ end }}{{ template \"a\" }}",
        "{{ repeat 1000000000 \"x\" }}",
        "{{ repeat 9223372036854775807 \"xy\" }}",
        "{{ until 1000000000 }}",
        "{{ untilStep 0 9223372036854775807 1 }}",
        "{{ seq 1000000000 }}",
        "{{ indent 1000000000 \"x\" }}",
        "{{ nindent 9223372036854775807 \"x\\ny\" }}",
        "{{ randAlphaNum 1000000000 }}",
        "{{ randBytes 1000000000 }}",
        "{{ $x := list 1 }}{{ range 60 }}{{ $x = concat $x $x }}{{ end }}",
        "{{ $x := repeat 1000000 \"a\" }}{{ $y := print $x \"\" }}{{ range 1000000 }}{{ $_ := eq $x $y }}{{ end }}",
        "{{ $x := repeat 1000000 \"a\" }}{{ range 1000000 }}{{ $_ := contains \"b\" $x }}{{ end }}",
    ];
    for template in cases {
        let outcome = on_small_stack(template.to_owned());
        assert!(matches!(outcome, Outcome::Limit(_)), "{template}: {outcome:?}");
    }
}

#[test]
fn slow_calls_are_counted() {
    let limits = Limits { slow_calls: 1, ..Limits::default() };
    for call in [
        "bcrypt \"x\"",
        "htpasswd \"a\" \"x\"",
        "genPrivateKey \"ecdsa\"",
        "genCA \"x\" 1",
        "genSelfSignedCert \"x\" nil nil 1",
        "derivePassword 1 \"long\" \"p\" \"u\" \"s\"",
    ] {
        let template = format!("{{{{ range 1000 }}}}{{{{ $_ := {call} }}}}{{{{ end }}}}");
        let outcome = outcome(&template, &BTreeMap::new(), limits);
        assert_eq!(outcome, Outcome::Limit(Limit::SlowCalls), "{call}");
    }
}

#[test]
fn the_callers_clock_stops_a_template() {
    let mut random = super::corpus_tests::Counting::default();
    let environment = RenderEnvironment {
        now: Timestamp::UNIX_EPOCH,
        random: &mut random,
        limits: Limits { steps: u64::MAX, ..Limits::default() },
        stop: &|| true,
    };
    let templates = BTreeMap::from([("t".to_owned(), "{{ range 1000000000 }}{{ end }}".to_owned())]);
    let errors = render_all(&templates, &BTreeMap::new(), environment).unwrap_err();
    assert_eq!(errors["t"].kind(), ErrorKind::Limit(Limit::Time));
}

#[test]
fn the_entries_of_an_object_share_its_limits() {
    let text = "{{ range 6000 }}0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789{{ end }}";
    let mut templates = BTreeMap::from([("a".to_owned(), text.to_owned())]);
    let render = |templates: &BTreeMap<String, String>| {
        let mut random = super::corpus_tests::Counting::default();
        let limits = Limits::default();
        let environment =
            RenderEnvironment { now: Timestamp::UNIX_EPOCH, random: &mut random, limits, stop: &|| false };
        render_all(templates, &BTreeMap::new(), environment)
    };
    assert_eq!(render(&templates).unwrap()["a"].as_slice().len(), 600_000);
    templates.insert("b".to_owned(), text.to_owned());
    let errors = render(&templates).unwrap_err();
    assert_eq!(errors.keys().collect::<Vec<_>>(), ["b"]);
    assert_eq!(errors["b"].kind(), ErrorKind::Limit(Limit::Output));
}

/// What one entry does wrong is told of that entry alone.
#[test]
fn the_entries_after_one_that_goes_past_a_bound_are_not_blamed() {
    let recursion = "{{ define \"r\" }}{{ template \"r\" }}{{ end }}{{ template \"r\" }}";
    for (hostile, limit) in [
        (recursion, Limit::Depth),
        ("{{ range 1000000000 }}{{ end }}", Limit::Steps),
        ("{{ repeat 1000000000 \"x\" }}", Limit::Allocated),
    ] {
        let texts = [("a", "{{ range 10 }}x{{ end }}"), ("b", hostile), ("c", "{{ range 10 }}x{{ end }}"), ("d", "{{")];
        let templates = texts.map(|(entry, text)| (entry.to_owned(), text.to_owned())).into();
        let environment = RenderEnvironment {
            now: Timestamp::UNIX_EPOCH,
            random: &mut super::corpus_tests::Counting::default(),
            limits: Limits::default(),
            stop: &|| false,
        };
        let errors = render_all(&templates, &BTreeMap::new(), environment).unwrap_err();
        let kinds: Vec<_> = errors.iter().map(|(entry, error)| (entry.as_str(), error.kind())).collect();
        assert_eq!(kinds, [("b", ErrorKind::Limit(limit)), ("d", ErrorKind::Parse)]);
    }
}

#[test]
fn many_variables_are_looked_up_in_reasonable_time() {
    let mut text = String::new();
    for number in 0..20_000 {
        let _ = write!(text, "{{{{$v{number}:=1}}}}");
    }
    assert_eq!(on_small_stack(text.clone() + "{{ $v0 }}"), Outcome::Output(b"1".to_vec()));
    assert!(is_bounded(text + "{{ range 1000000 }}{{ $v0 = $v0 }}{{ end }}"));
}

#[test]
fn a_template_of_too_many_pieces_does_not_parse() {
    assert_eq!(on_small_stack("{{1}}".repeat(40_000)), Outcome::Output(vec![b'1'; 40_000]));
    for pieces in ["{{1}}", "{{/**/}}x", "{{ print (1) }}", "{{if 1}}{{end}}"] {
        let Outcome::Error(text) = on_small_stack(pieces.repeat(280_000)) else { panic!("{pieces} parses") };
        assert_eq!(text, "template: t:1: the template is too long");
    }
    let Outcome::Error(text) = on_small_stack(format!("{{{{ print {} }}}}", "1 ".repeat(500_000))) else { panic!() };
    assert_eq!(text, "template: t:1: the template is too long");
}

#[test]
fn many_definitions_parse_in_reasonable_time() {
    let mut text = String::new();
    for number in 0..5_000 {
        let _ = write!(text, "{{{{ define \"{number}\" }}}}{{{{ $v{number} := 1 }}}}{{{{ end }}}}");
    }
    assert_eq!(on_small_stack(text), Outcome::Output(Vec::new()));
}
