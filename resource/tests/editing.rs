//! Edits in place: what is written where, byte for byte.

#![allow(clippy::unwrap_used, clippy::panic)]

use sealed_secrets_resource::document::edit::{Changes, EditError, Step, edit};

/// `spec.encryptedData.k=v` sets, `-spec.encryptedData.k` removes; `/` stands for a dot in a key, `#0` for an element.
fn changes(lines: &[&str]) -> Changes {
    let mut changes = Changes::default();
    let path = |text: &str| {
        let step = |part: &str| match part.strip_prefix('#') {
            Some(index) => Step::from(index.parse::<usize>().unwrap()),
            None => Step::from(part.replace('/', ".").as_str()),
        };
        text.split('.').map(step).collect::<Vec<_>>()
    };
    for line in lines {
        match (line.strip_prefix('-'), line.split_once('=')) {
            (Some(removed), _) => changes.remove(&path(removed)),
            (_, Some((key, "!true"))) => changes.set(&path(key), true),
            (_, Some((key, value))) => changes.set(&path(key), value),
            _ => panic!("{line}"),
        }
    }
    changes
}

fn edited(text: &str, document: usize, lines: &[&str]) -> Result<String, EditError> {
    edit(text.as_bytes(), &[(document, changes(lines))]).map(|edited| edited.text)
}

#[track_caller]
fn check(table: &[(&str, &[&str], &str)]) {
    for (before, lines, after) in table {
        let found = edited(before, 0, lines).unwrap_or_else(|error| panic!("{error}\n{before}\n{lines:?}"));
        assert_eq!(found, *after, "\n{before}\n{lines:?}");
        let crlf = edited(&before.replace('\n', "\r\n"), 0, lines);
        // Block scalars differ in nothing but the line ends that YAML takes away.
        assert_eq!(crlf.unwrap(), after.replace('\n', "\r\n"), "with CRLF");
    }
}

#[test]
fn values_of_block_maps_are_replaced_in_their_own_style() {
    check(&[
        ("d:\n  a: old # why\n  b: x\n", &["d.a=new"], "d:\n  a: new # why\n  b: x\n"),
        ("d:\n  a: 'old'\n  b: \"old\"\n", &["d.a=it's", "d.b=a\"b"], "d:\n  a: 'it''s'\n  b: \"a\\\"b\"\n"),
        ("d:\n  a: old\n", &["d.a=yes"], "d:\n  a: \"yes\"\n"),
        ("d:\n  a: 'old'\n", &["d.a=12"], "d:\n  a: '12'\n"),
        ("d:\n  a: old\n", &["d.a=a: b"], "d:\n  a: 'a: b'\n"),
        ("d:\n  a:\n  b: # none\n  c: ~\n", &["d.a=x", "d.b=w", "d.c=z"], "d:\n  a: x\n  b: w # none\n  c: z\n"),
        ("d:\n  a: 5\n  b: true\n", &["d.a=5", "d.b=true"], "d:\n  a: \"5\"\n  b: \"true\"\n"),
        ("d:\n  a: |\n    x\n    y\n\n  b: z\n", &["d.a=new"], "d:\n  a: new\n\n  b: z\n"),
        (
            "d:\n  a: >- # folded\n    x\n    y\n  # next\n  b: z",
            &["d.a=new"],
            "d:\n  a: >- # folded\n    new\n  # next\n  b: z",
        ),
        ("d:\n  a: |\n    x", &["d.a=new"], "d:\n  a: new"),
        // Where no line break belongs to the text, a word keeps the block.
        ("d:\n  a: |-\n    x\n    y\n\n  b: z\n", &["d.a=new"], "d:\n  a: |-\n    new\n\n  b: z\n"),
        ("d:\n  a: >- # c\n    x\n  b: z\n", &["d.a=new+/="], "d:\n  a: >- # c\n    new+/=\n  b: z\n"),
        ("a: |-\n  x", &["a=new"], "a: |-\n  new"),
        ("a: |-\n\n  x\n", &["a=new"], "a: new\n"),
        ("a: |-\n  x\n", &["a=two words"], "a: two words\n"),
        ("a: |2-\n   x\n", &["a=new"], "a: new\n"),
        ("d:\n  a: plain\n    text\n  b: z\n", &["d.a=new"], "d:\n  a: new\n  b: z\n"),
        ("d:\n  a: \"x\n\n    y\"\n", &["d.a=new"], "d:\n  a: \"new\"\n"),
        ("d:\n  a: \"x\ny\"#c\n  b: 'x\nz'\n", &["d.b=new"], "d:\n  a: \"x\ny\"#c\n  b: 'new'\n"),
        ("d:\n  a: \"it\\'s\"\n  b: 'x\nz'\n", &["d.a=new", "d.c=w"], "d:\n  a: \"new\"\n  b: 'x\nz'\n  c: w\n"),
        ("d:\n  a:\n    old\n", &["d.a=new"], "d:\n  a:\n    new\n"),
        ("d:\n  \"on\": old\n  on: x\n", &["d.on=new"], "d:\n  \"on\": new\n  on: x\n"),
        ("? d\n: ? a\n  : old\n", &["d.a=new"], "? d\n: ? a\n  : new\n"),
        ("a: 1\na: 2\n", &["a=3"], "a: 1\na: \"3\"\n"),
    ]);
}

#[test]
fn new_entries_of_block_maps_stand_behind_the_last_one() {
    check(&[
        ("d:\n  a: x # c\n# end\ne: 1\n", &["d.b=w"], "d:\n  a: x # c\n  b: w\n# end\ne: 1\n"),
        ("d:\n  a: 'x'#c\ne: 1\n", &["d.b=w"], "d:\n  a: 'x'#c\n  b: w\ne: 1\n"),
        ("d:\n  a: x", &["d.b=w", "d.c=z"], "d:\n  a: x\n  b: w\n  c: z"),
        ("d:\n      a: x\n", &["d.b=w", "e.f=1"], "d:\n      a: x\n      b: w\ne:\n      f: \"1\"\n"),
        ("d:\n  a: |\n    x\n\nb: z\n", &["d.c=w"], "d:\n  a: |\n    x\n  c: w\n\nb: z\n"),
        ("d:\n  a: |+\n    x\n\nb: z\n", &["d.c=w"], "d:\n  a: |+\n    x\n\n  c: w\nb: z\n"),
        ("d:\n  a: |+\n    x\n\n", &["d.c=w"], "d:\n  a: |+\n    x\n\n  c: w\n"),
        ("d:\n  z: 1\n  a: |\n    x", &["d.c=w"], "d:\n  c: w\n  z: 1\n  a: |\n    x"),
        ("d:\n- a: |\n    x", &["d.#0.c=w"], "d:\n- c: w\n  a: |\n    x"),
        ("d:\n  a:\n  - x\n  -\ne: 1\n", &["d.b=w"], "d:\n  a:\n  - x\n  -\n  b: w\ne: 1\n"),
        ("d:\n  a: {x: 1,\n   y: 2} # c\n", &["d.b=w"], "d:\n  a: {x: 1,\n   y: 2} # c\n  b: w\n"),
        ("d:\n  a:\n    b:\n", &["d.c=w"], "d:\n  a:\n    b:\n  c: w\n"),
        (
            "d:\n  a: x\n",
            &["d.y=y", "d.- x=- y", "d.1_000="],
            "d:\n  a: x\n  \"y\": \"y\"\n  '- x': '- y'\n  \"1_000\": \"\"\n",
        ),
        ("--- # head\nd:\n  a: x\n...\n", &["d.b=w"], "--- # head\nd:\n  a: x\n  b: w\n...\n"),
        ("d: &m\n  a: x\ne:\n  <<: *m\n", &["e.a=w"], "d: &m\n  a: x\ne:\n  <<: *m\n  a: w\n"),
        ("\u{feff}d:\n  a: x\n", &["e=w"], "\u{feff}d:\n  a: x\ne: w\n"),
    ]);
}

#[test]
fn maps_that_are_absent_null_or_empty_are_made() {
    check(&[
        ("s:\n  d: {}\n", &["s.d.a=x", "s.d.b=w"], "s:\n  d:\n    a: x\n    b: w\n"),
        ("s:\n  d: {} # none yet\n  e: 1\n", &["s.d.a=x"], "s:\n  d: # none yet\n    a: x\n  e: 1\n"),
        ("s:\n  d: {\n  }\n  e: 1\n", &["s.d.a=x"], "s:\n  d:\n    a: x\n  e: 1\n"),
        ("s:\n  d:\n  e: 1\n", &["s.d.a=x"], "s:\n  d:\n    a: x\n  e: 1\n"),
        ("s:\n  d: null\n", &["s.d.a=x"], "s:\n  d:\n    a: x\n"),
        ("s:\n  d:", &["s.d.a=x"], "s:\n  d:\n    a: x"),
        (
            "s:\n  e: 1\n",
            &["s.t.m.l.a/b=x", "s.d.k=w"],
            "s:\n  e: 1\n  t:\n    m:\n      l:\n        a.b: x\n  d:\n    k: w\n",
        ),
        ("s: {}\n", &["s.d.a=x", "s.i=!true"], "s:\n  d:\n    a: x\n  i: true\n"),
        ("s: &e {}\nt: 1\n", &["s.a=x"], "s: &e\n  a: x\nt: 1\n"),
        ("s:\n  d: {}\n", &["s.d.a=x", "s.e=w"], "s:\n  d:\n    a: x\n  e: w\n"),
    ]);
}

#[test]
fn maps_in_braces_keep_their_style() {
    check(&[
        ("d: {a: x, b: y}\n", &["d.a=new", "d.c=z"], "d: {a: new, b: y, c: z}\n"),
        ("d: {a: x}\n", &["d.b=p,q", "d.c={}"], "d: {a: x, b: 'p,q', c: '{}'}\n"),
        ("d: {a: x,}\n", &["d.b=w"], "d: {a: x, b: w,}\n"),
        ("d: {a: , b}\n", &["d.a=x"], "d: {a: x , b}\n"),
        ("d: {'a':'x'}\n", &["d.b=w"], "d: {'a':'x','b':'w'}\n"),
        ("d: {\n  a: x, # one\n  b: y  # two\n}\n", &["d.c=z"], "d: {\n  a: x, # one\n  b: y,  # two\n  c: z\n}\n"),
        ("d: {\n  a: x, # one\n}\n", &["d.c=z"], "d: {\n  a: x, # one\n  c: z,\n}\n"),
        ("d: {\n  a: x }\n", &["d.c=z"], "d: {\n  a: x,\n  c: z }\n"),
        (
            "d: {a: {}, b: ~, c: }\n",
            &["d.a.x=1", "d.b.x=2", "d.c.x=3"],
            "d: {a: {x: \"1\"}, b: {x: \"2\"}, c: {x: \"3\"} }\n",
        ),
        ("{a: x, # c\n}\n", &["b.c=z"], "{a: x, b: {c: z}, # c\n}\n"),
    ]);
}

#[test]
fn json_keeps_its_indent_and_its_spacing() {
    check(&[
        (
            "{\"d\":{\"a\":\"x\"}}",
            &["d.a=n", "d.b=w", "e.f=z"],
            "{\"d\":{\"a\":\"n\",\"b\":\"w\"},\"e\":{\"f\":\"z\"}}",
        ),
        ("{\"d\": {\"a\": \"x\"}}\n", &["d.b=w"], "{\"d\": {\"a\": \"x\", \"b\": \"w\"}}\n"),
        (
            "{\n\t\"d\": {\n\t\t\"a\": \"x\"\n\t},\n\t\"e\": {}\n}\n",
            &["d.b=y\"\u{1}", "e.f=z", "g.h.i=1"],
            "{\n\t\"d\": {\n\t\t\"a\": \"x\",\n\t\t\"b\": \"y\\\"\\u0001\"\n\t},\n\t\"e\": {\n\t\t\"f\": \"z\"\n\t},\n\t\"g\": {\n\t\t\"h\": {\n\t\t\t\"i\": \"1\"\n\t\t}\n\t}\n}\n",
        ),
        ("{\"a\" : null , \"b\" : 1}", &["a.x=w", "c=z"], "{\"a\" : {\"x\" : \"w\"} , \"b\" : 1 , \"c\" : \"z\"}"),
        ("{\"a\": {}, \"b\": 1}", &["a.x.y=z", "b=!true"], "{\"a\": {\"x\": {\"y\": \"z\"}}, \"b\": true}"),
        // Only YAML allows the comma at the end.
        ("{\n  \"a\": \"x\",\n}\n", &["b=w"], "{\n  \"a\": \"x\",\n  \"b\": \"w\",\n}\n"),
    ]);
}

#[test]
fn an_entry_goes_with_its_line_and_an_empty_map_stays() {
    check(&[
        ("d:\n  a: x # c\n  # keep\n  b: y\n", &["-d.a"], "d:\n  # keep\n  b: y\n"),
        ("d:\n  a: x\n  b: |\n    y\n\ne: 1\n", &["-d.b"], "d:\n  a: x\n\ne: 1\n"),
        ("d:\n  a: x\n  b: y", &["-d.b", "-d.c"], "d:\n  a: x"),
        ("d:\n  a: x\n  b: y", &["-d.b", "d.c=z"], "d:\n  a: x\n  c: z"),
        ("d:\n  a: x\n  b: y\ne: 1\n", &["-d.b", "-d.a"], "d: {}\ne: 1\n"),
        ("d: # c\n  a: x\ne: 1\n", &["-d.a"], "d: # c\n  {}\ne: 1\n"),
        ("d:\n  a: x\ne: 1\n", &["-d.a", "d.b=w"], "d:\n  b: w\ne: 1\n"),
        ("d:\n- a: x\n  b: y\n", &["-d.#0.a"], "d:\n- b: y\n"),
        ("d:\n- a: a#b\n  b: y\n", &["-d.#0.a"], "d:\n- b: y\n"),
        ("d: {\n  a: x, # c\n  b: y, # d\n  c: z\n}\n", &["-d.b"], "d: {\n  a: x, # c\n  c: z\n}\n"),
        ("a: |\n  x\nb: y", &["-b"], "a: |\n  x\n"),
        // Blank lines left behind would become part of the value.
        ("a: |+\n  x\nb: |\n  y\n\n", &["-b"], "a: |+\n  x\n"),
        ("d:\n  a: |+\n    x\n  b: y\n\n \n\ne: 1\n", &["-d.b"], "d:\n  a: |+\n    x\ne: 1\n"),
        ("d:\n  a: |+\n    x\n  b: |\n    y\n\n", &["-d.b", "e=w"], "d:\n  a: |+\n    x\ne: w\n"),
        ("d: {a: x, b: y, c: z}\n", &["-d.a"], "d: {b: y, c: z}\n"),
        ("d: {a: x, b: y, c: z}\n", &["-d.a", "-d.b"], "d: {c: z}\n"),
        ("d: {a: x, b: y, c: z}\n", &["-d.b", "-d.c", "d.e=1"], "d: {a: x, e: \"1\"}\n"),
        ("d: {a: x,}\n", &["-d.a"], "d: {}\n"),
        ("d: {a: x}\n", &["-d.a", "d.b=w"], "d: {b: w}\n"),
        ("{\n  \"a\": 1,\n  \"b\": 2\n}\n", &["-b"], "{\n  \"a\": 1\n}\n"),
        ("{\n  \"a\": 1,\n  \"b\": 2\n}\n", &["-a"], "{\n  \"b\": 2\n}\n"),
    ]);
}

#[test]
fn an_alias_keeps_the_value_of_an_anchor_that_is_overwritten() {
    check(&[
        ("d:\n  a: &x old\n  b: *x\n  c: *x\n", &["d.a=new"], "d:\n  a: new\n  b: &x old\n  c: *x\n"),
        ("d:\n  a: &x old\n  b: *x\n  c: *x\n", &["d.a=new", "d.b=new"], "d:\n  a: new\n  b: new\n  c: &x old\n"),
        ("d:\n  a: &x old\n  b: *x\n", &["d.b=new"], "d:\n  a: &x old\n  b: new\n"),
        ("d:\n  a: &x old\n  b: *x\n", &["-d.a"], "d:\n  b: &x old\n"),
        ("d:\n  a: &x old\n", &["d.a=new"], "d:\n  a: &x new\n"),
        ("d:\n  a: &x p,q\n  b: [*x]\n", &["d.a=new"], "d:\n  a: new\n  b: [&x 'p,q']\n"),
        ("d:\n  a: &x |\n    o\n    p\n  b: *x\n", &["d.a=new"], "d:\n  a: new\n  b: &x \"o\\np\\n\"\n"),
        ("d:\n  a: !!binary b2xk\n  b: !!str &y 5\n", &["d.a=new", "d.b=6"], "d:\n  a: new\n  b: !!str &y \"6\"\n"),
        ("d:\n  a: &x !!int 5\n  b: *x\n", &["d.a=new"], "d:\n  a: new\n  b: &x !!int 5\n"),
    ]);
}

#[test]
fn only_the_chosen_document_changes() {
    let text = "# first\na: 1\n---\n# second\na: 2\n--- {\"a\": 3}\n{\"a\": 4}\n---\na: &x 5\n...\n";
    let after = |document| edited(text, document, &["a=new"]).unwrap();
    assert_eq!(after(0), text.replace("a: 1", "a: \"new\"").replace("\"new\"", "new"));
    assert_eq!(after(1), text.replace("a: 2", "a: new"));
    assert_eq!(after(2), text.replace("3", "\"new\""));
    assert_eq!(after(3), text.replace("4", "\"new\""));
    assert_eq!(after(4), text.replace("&x 5", "&x new"));
    assert_eq!(edited(text, 5, &["a=new"]), Err(EditError::NoDocument(5)));
    let several = edit(text.as_bytes(), &[(3, changes(&["a=x"])), (1, changes(&["b=w"]))]).unwrap();
    assert_eq!(several.text, text.replace("a: 2", "a: 2\nb: w").replace('4', "\"x\""));
    assert_eq!(several.replaced.len(), 2);
}

#[test]
fn elements_of_lists_are_reached() {
    let text = "items:\n- spec:\n    a: x\n- {spec: {a: y}}\n";
    assert_eq!(
        edited(text, 0, &["items.#0.spec.b=1", "items.#1.spec.a=2"]).unwrap(),
        "items:\n- spec:\n    a: x\n    b: \"1\"\n- {spec: {a: \"2\"}}\n"
    );
}

#[test]
fn what_cannot_be_done_says_where_and_why() {
    let table: &[(&str, &[&str], &str, bool)] = &[
        ("m: &m {a: x}\nd: *m\n", &["d.a=w"], "line 2: d is an alias", true),
        ("m: &m {e: {a: x}}\nd:\n  <<: *m\n", &["d.e.a=w"], "line 1: d.e comes in through a merge key", true),
        ("m: &m {a: x}\nd:\n  <<: *m\n", &["-d.a"], "line 1: d.a comes in through a merge key", true),
        ("d: 5\n", &["d.a=w"], "line 1: d must be a map, found a number", false),
        ("d: {a: [1]}\n", &["d.a=w"], "line 1: d.a must be text, found a list", false),
        ("d: [{a: 1}]\n", &["d.#1.a=w"], "line 1: d has no such element", false),
        ("d: [{a: 1}]\n", &["d.a=w"], "line 1: d must be a map, found a list", false),
        ("m: &m {a: x}\nd: {<<: *m}\n", &["m.a=w"], "cannot be changed in place", true),
        ("d:\n  a: x\n  <<: {a: y}\n", &["d.a=z"], "", true),
        ("d: [a: x]\n", &["d.#0.b=z"], "line 1: d[0] is written in a way", true),
        ("d:\n- a: x # c\n  b: y\n", &["-d.#0.a"], "line 2: d[0] is written in a way", true),
        ("? |\n\n", &["a=w"], "line 1: the document is written in a way", true),
        ("d:\n  ? |\n    x\n\n", &["e=w"], "line 1: the document is written in a way", true),
    ];
    for (text, lines, words, about_style) in table {
        let error = edited(text, 0, lines).map(|text| panic!("{text}")).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.is_about_style(), *about_style, "{error}");
    }
    assert!(matches!(edited("a: [\n", 0, &["a=1"]), Err(EditError::Read(_))));
}
