//! The readers of kubeseal-cli.md 5 and the traps of YAML libraries.

use serde_json::{Value, json};

use super::{Document, Format, MAX_DEPTH, Node, NodeValue, Position, Problem, read_object, read_stream};

fn stream(text: &str) -> Vec<Value> {
    read_stream(text.as_bytes()).unwrap().iter().map(|document| document.root.to_json()).collect()
}

fn problem(text: &str) -> (u32, u32, Problem) {
    let error = read_stream(text.as_bytes()).unwrap_err();
    (error.position().line, error.position().column, error.problem().clone())
}

fn object(text: &str) -> Document {
    read_object(text.as_bytes()).unwrap().unwrap()
}

#[test]
fn documents_are_split_and_the_empty_ones_left_out() {
    let (a, b) = (json!({"a": 1}), json!({"b": 2}));
    for (text, expected) in [
        ("", vec![]),
        ("\n \t\n", vec![]),
        ("---\n---\n# nothing\n---\n", vec![]),
        ("{}\n---\nnull\n---\n~\n--- # x\n{}", vec![]),
        ("\u{feff}a: 1\r\n---\r\nb: 2\r\n", vec![&a, &b]),
        ("# top\n---\n# only a comment\n---\n\n---\na: 1\n---\n# end\n---\n", vec![&a]),
        ("a: 1\n--- # second\nb: 2", vec![&a, &b]),
        ("a: 1\n...\nb: 2\n...\n", vec![&a, &b]),
        ("%YAML 1.1\n---\na: 1\n...\n%YAML 1.2\n---\nb: 2\n", vec![&a, &b]),
        ("--- {a: 1}\n--- {b: 2}\n", vec![&a, &b]),
        ("{\"a\":1}{\"b\":2}", vec![&a, &b]),
        ("  {\"a\":1}\n\n\t{\"b\":2}\n", vec![&a, &b]),
        ("{\"a\":1}\n---\n{\"b\":2}\n---\na: 1\n", vec![&a, &b, &a]),
        ("{\"a\":1}{\"b\":2}\n---\na: 1\n---\n{\"b\":2}{\"a\":1}", vec![&a, &b, &a, &b, &a]),
        ("a: 1\n---\n{\"b\":2}\n{\"a\":1}\n", vec![&a, &b, &a]),
        ("{\"a\":1,}{b: 2}\n{\"a\": 1 # one\n} # two\n", vec![&a, &b, &a]),
        ("{\"a\":1}\nb: 2\n", vec![&a, &b]),
        ("\u{feff}{\"a\":1}", vec![&a]),
    ] {
        assert_eq!(stream(text).iter().collect::<Vec<_>>(), expected, "{text:?}");
    }
}

#[test]
fn what_is_broken_is_named_by_line_and_never_skipped() {
    for (text, line, column) in [
        ("{", 1, 2),
        ("{\"a\":1}{\"b\":2}\ngarbage\n", 2, 1),
        ("{\"a\":1} garbage", 1, 9),
        ("a: 1\n---\nkind: Secret\n  bad indent: x\n", 4, 13),
        ("a: 1\n---\nk: \"unterminated\n", 4, 1),
        ("this is not a secret\n", 1, 1),
        ("a: 1\n---\n- b\n", 3, 1),
        ("\n\n[1]", 3, 1),
        ("--- |\n  text\n", 2, 3),
        ("  a: 1\nb: 2\n", 2, 1),
        ("{\"a\":1}\n{\"b\":2}\n{\"c\" 3}\n", 3, 6),
        ("{\"a\":\n  \"x\\q\"}\n", 2, 5),
        ("a: 1\n{\"b\":2}\n", 2, 1),
        ("a: *b\n", 1, 4),
        ("a: 1\u{0}\n", 1, 5),
    ] {
        let (found_line, found_column, problem) = problem(text);
        assert_eq!((found_line, found_column), (line, column), "{text:?}: {problem}");
    }
}

#[test]
fn problems_say_what_is_wrong() {
    let nested =
        |open: &str, close: &str, depth: usize| format!("{{a: {}{}}}", open.repeat(depth), close.repeat(depth));
    for (text, expected) in [
        ("5\n", Problem::NotAnObject("number")),
        ("- 5\n", Problem::NotAnObject("list")),
        ("a: {null: x}\n", Problem::NullKey),
        ("~: x\n", Problem::NullKey),
        (": x\n", Problem::NullKey),
        ("[a]: x\n", Problem::CollectionKey("list")),
        ("? {a: b}\n: x\n", Problem::CollectionKey("map")),
        ("a: &m {b: c}\n*m : x\n", Problem::CollectionKey("map")),
        ("<<: 5\n", Problem::Merge),
        ("<<: [{a: b}, c]\n", Problem::Merge),
        ("a: &x [*x]\n", Problem::RecursiveAnchor),
        ("a: !!binary \"%\"\n", Problem::InvalidBinary),
        ("a: !!binary gA==\n", Problem::BinaryNotText),
        ("a: !!int x\n", Problem::WrongTag("an integer")),
        ("a: 1\nb\n---\n", Problem::Yaml("simple key expected ':'".into())),
        (&nested("[", "]", MAX_DEPTH), Problem::TooDeep),
        (&nested("{a: ", "}", MAX_DEPTH), Problem::TooDeep),
        ("{\"a\": \"x", Problem::UnexpectedEnd("a string")),
        ("{\"a\": [1", Problem::UnexpectedEnd("a list")),
        ("{\"a\" ", Problem::UnexpectedEnd("a map")),
    ] {
        assert_eq!(problem(text).2, expected, "{text:?}");
    }
    let utf8 = |bytes: &[u8]| read_stream(bytes).unwrap_err().to_string();
    assert_eq!(utf8(b"a: 1\nb: \xff\n"), "line 2, column 4: the input is not UTF-8 text");
    assert!(utf8(b"\xff\xfea\0").contains("UTF-16"));
}

#[test]
fn nesting_up_to_the_bound_is_read_walked_and_dropped() {
    let depth = MAX_DEPTH - 1;
    let block: String = (0..depth).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    for text in [
        format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth)),
        format!("{{\"a\":{}1{}}}", "{\"a\":".repeat(depth), "}".repeat(depth)),
        format!("a: {}{}", "[".repeat(depth), "]".repeat(depth)),
        format!("a: {}x{}", "{a: ".repeat(depth), "}".repeat(depth)),
        format!("{block}{}b: 1\n", " ".repeat(depth)),
        format!("a:\n{}x\n", "- ".repeat(depth)),
    ] {
        let documents = read_stream(text.as_bytes()).unwrap();
        let json = documents[0].root.to_json();
        assert!(super::to_yaml(&json).is_ok());
        assert_eq!(documents[0].clone().root.to_json(), json);
    }
    // Far beyond it nothing overflows either.
    for open in ["[", "{\"a\":", "{a: ", "- ", "? "] {
        assert!(read_stream(format!("{{\"a\": {}", open.repeat(200_000)).as_bytes()).is_err(), "{open}");
        assert!(read_stream(format!("a:\n{}", open.repeat(200_000)).as_bytes()).is_err(), "{open}");
    }
}

#[test]
fn aliases_cannot_blow_a_document_up() {
    let mut nodes = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    let mut merged = String::from("a0: &a0 {x: 1}\n");
    let mut deep = String::from("a0: &a0 [x]\n");
    for level in 1..40 {
        let last = format!("*a{}", level - 1);
        nodes += &format!("a{level}: &a{level} [{}]\n", [last.as_str(); 9].join(", "));
        merged += &format!("a{level}: &a{level} {{<<: [{last}, {last}], l: {last}, r: {last}}}\n");
        deep += &format!("a{level}: &a{level} {}{last}{}\n", "[".repeat(9), "]".repeat(9));
    }
    let text = format!("a: &a {}\nb: [{}*a]\n", "x".repeat(1 << 20), "*a, ".repeat(100));
    assert_eq!(problem(&nodes).2, Problem::TooManyAliases);
    assert_eq!(problem(&merged).2, Problem::TooManyAliases);
    assert_eq!(problem(&text).2, Problem::TooManyAliases);
    assert_eq!(problem(&deep).2, Problem::TooDeep);
    // Honest use is far below the bound.
    let honest = format!("a: &a {}\nb: [*a, *a, *a, *a]\n", "x".repeat(1 << 20));
    assert_eq!(stream(&honest)[0]["b"][3].as_str().map(str::len), Some(1 << 20));
}

#[test]
fn documents_of_megabytes_are_read_in_one_pass() {
    let value = "A".repeat(1 << 20);
    let entries: String = (0..40_000).map(|n| format!("  k{n}: \"v{n}\"\n")).collect();
    assert_eq!(stream(&format!("stringData:\n{entries}"))[0]["stringData"]["k39999"], "v39999");
    let entries: String = (0..40_000).map(|n| format!("\"k{n}\":\"v{n}\",")).collect();
    assert_eq!(stream(&format!("{{{entries}\"z\":\"{value}\"}}"))[0]["k39999"], "v39999");
    assert_eq!(stream(&"{\"a\":1}".repeat(20_000)).len(), 20_000);
    assert_eq!(stream(&"{\"a\":1,}\n".repeat(20_000)).len(), 20_000);
    assert_eq!(stream(&"a: 1\n---\n".repeat(20_000)).len(), 20_000);
    assert_eq!(stream(&format!("a: |\n  {value}\nb: {value}\n"))[0]["b"], value.as_str());
}

#[test]
fn positions_and_spans_point_at_what_is_written() {
    let text = "é: 1\nstringData:\n  port: 0777 # c\n  \"a b\": 'it''s'\n  list: [x, {y: z}]\n  block:\n    k: v\n\n---\n  {\"j\": {\"n\": 1.50}}\n";
    let documents = read_stream(text.as_bytes()).unwrap();
    let data = documents[0].root.get("stringData").unwrap();
    let at = |node: &Node| (node.position.line, node.position.column, &text[node.span.clone()]);
    assert_eq!(at(data.get("port").unwrap()), (3, 9, "0777"));
    assert_eq!(data.get("port").unwrap().kind(), "number");
    assert_eq!(at(data.get("a b").unwrap()), (4, 10, "'it''s'"));
    assert_eq!(at(data.get("list").unwrap()), (5, 9, "[x, {y: z}]"));
    assert_eq!(at(data.get("block").unwrap()), (7, 5, "k: v"));
    let NodeValue::Mapping(entries) = &data.value else { panic!() };
    assert_eq!(at(&entries[1].key_node), (4, 3, "\"a b\""));
    let json = documents[1].root.get("j").unwrap();
    assert_eq!(documents[1].format, Format::Json);
    assert_eq!(at(&documents[1].root), (10, 3, "{\"j\": {\"n\": 1.50}}"));
    assert_eq!(at(json.get("n").unwrap()), (10, 15, "1.50"));
    assert_eq!(json.get("n").unwrap().to_text().unwrap(), "1.5");
}

#[test]
fn the_last_of_repeated_keys_counts_and_merges_follow_their_order() {
    for (text, expected) in [
        ("a: 1\nb: 2\na: 3\n", json!({"a": 3, "b": 2})),
        ("{\"a\": {\"b\": 1}, \"a\": {\"c\": 2}}", json!({"a": {"c": 2}})),
        ("1: a\n\"1\": b\n", json!({"1": "b"})),
        ("on: a\nyes: b\n", json!({"true": "b"})),
        ("<<: {a: 1, b: 1}\nb: 2\n", json!({"a": 1, "b": 2})),
        ("b: 2\n<<: {a: 1, b: 1}\n", json!({"a": 1, "b": 1})),
        ("<<: [{a: 1}, {a: 2, c: 3}]\n", json!({"a": 1, "c": 3})),
        ("\"<<\": {a: 1}\n", json!({"<<": {"a": 1}})),
    ] {
        assert_eq!(stream(text), [expected], "{text:?}");
    }
}

#[test]
fn json_is_read_as_leniently_as_the_reference_reads_it() {
    let long = "k".repeat(2000);
    for (text, expected) in [
        (r#"{"a":"\/\ud83d\ude00\ud800x"}"#.to_owned(), json!({"a": "/😀\u{fffd}x"})),
        ("{\"a\":\t1.50,\n\t\"b\" :\n -0}".to_owned(), json!({"a": 1.5, "b": 0})),
        ("{\"a\": \"x\ty\n  z\"}".to_owned(), json!({"a": "x\ty z"})),
        (format!("{{\"{long}\": 1.0}}"), json!({long.as_str(): 1})),
        ("{\"a\": 1e400, \"b\": 18446744073709551615}".to_owned(), json!({"a": "1e400", "b": u64::MAX})),
        ("{\"a\": 010, 'b': c}".to_owned(), json!({"a": 8, "b": "c"})),
    ] {
        assert_eq!(stream(&text), [expected], "{text:?}");
    }
}

#[test]
fn a_block_at_the_end_of_the_input_has_no_line_feed_of_its_own() {
    for (text, expected) in [
        ("a: |\n  x", "x"),
        ("a: |\n  x\n", "x\n"),
        ("a: |+\n  x\n\n  y", "x\n\ny"),
        ("a: |-\n  x", "x"),
        ("a: >\n  x\n  y", "x y"),
        ("a: |\n  x\n# c", "x\n"),
        ("a: |\n  x\n ", "x\n"),
        ("a: |\n  x\n---\nb: |\n  y", "x\n"),
    ] {
        assert_eq!(stream(text)[0]["a"], expected, "{text:?}");
    }
}

#[test]
fn binary_values_are_decoded_whatever_their_line_breaks_and_unused_bits() {
    assert_eq!(stream("a: !!binary |\n  YmFy\n  eB==\n"), [json!({"a": "barx"})]);
}

#[test]
fn line_separators_are_read_as_go_writes_them() {
    for (text, expected) in [
        ("a: 'x\u{2028}    y'", "x\u{2028}y"),
        ("o:\na: |-\n    x\n    y\u{2029}    z\n", "x\ny\u{2029}z"),
        ("a: \"x \\L y\"", "x \u{2028} y"),
    ] {
        assert_eq!(stream(text)[0]["a"], expected, "{text:?}");
    }
}

/// As Go's reader was seen to take them.
#[test]
fn within_quotes_lines_may_begin_anywhere() {
    for (text, expected) in [
        ("a: '{\n\"b\": 1\n}'\n", json!({"a": "{ \"b\": 1 }"})),
        ("d:\n  a: \"x\ny\nz\"\n  b: 1\n", json!({"d": {"a": "x y z", "b": 1}})),
        ("d:\n  a: \"x\r\n\ty\"\r\n", json!({"d": {"a": "x y"}})),
        ("a: 'x\n\t\ny\n\t\nz'", json!({"a": "x\ny\nz"})),
        ("d:\n- \"x\ny\"\n- z\n", json!({"d": ["x y", "z"]})),
        ("a: \"{\n\\\"k\\\": 1,\n\n \n  z}\"\nb: 1\n", json!({"a": "{ \"k\": 1,\n\nz}", "b": 1})),
        ("? \"x\ny\"\n: 1\n", json!({"x y": 1})),
        ("            a:\n                  b: 'x\ny'\n", json!({"a": {"b": "x y"}})),
        ("a: \"it\\'s\n\\\\\\'\ny\"\n", json!({"a": "it's \\' y"})),
        ("a: 'x'#c\nb: [\"y\"#d\n]", json!({"a": "x", "b": ["y"]})),
    ] {
        assert_eq!(stream(text), [expected], "{text:?}");
    }
    let documents = stream("a: 'x\ny'\n---\nb: |\n  '\n---\nc: 'z\nx'\n");
    assert_eq!(documents, [json!({"a": "x y"}), json!({"b": "'\n"}), json!({"c": "z x"})]);
    for (text, line, column) in [
        ("a: 'x\n---\ny'\n", 2, 1),
        ("a: 'x\n... '\n", 2, 1),
        ("a: 'x\ny'\nb: *c\n", 3, 4),
        ("a: 'x\ny' z\n", 2, 4),
        ("a: \"it\\'s\\'\" z\n", 1, 14),
        ("a: \"x\ny\\d\"\n", 1, 4),
        ("a: 'x\ny\nb: c", 1, 4),
        ("a: 'x\ny\nb: c\n", 4, 1),
    ] {
        let (found_line, found_column, problem) = problem(text);
        assert_eq!((found_line, found_column), (line, column), "{text:?}: {problem}");
    }
}

/// Help costs a reading for each quoted text that needs it, and ends.
#[test]
fn text_that_needs_help_everywhere_is_read_or_refused_soon() {
    let many = |lines: usize, line: &str| format!("a: '{}'\n", format!("\n{line}").repeat(lines));
    assert_eq!(stream(&many(50_000, "\"x''"))[0]["a"].as_str().map(str::len), Some(200_000));
    assert!(read_stream(many(1_000_000, "x").as_bytes()).is_err());
    let lists = |items: usize| format!("a: [{}]", "\"x\\'\", ".repeat(items));
    assert_eq!(stream(&lists(300))[0]["a"].as_array().map(Vec::len), Some(300));
    assert!(read_stream(lists(50_000).as_bytes()).is_err());
}

#[test]
fn the_strict_reader_takes_one_object_and_the_first_document() {
    assert!(read_object(b" \n").unwrap().is_none());
    assert!(read_object(b"{}\n").unwrap().is_none());
    assert!(read_object(b"# c\n---\n").unwrap().is_none());
    assert_eq!(object(" {\"a\": 1}\n").root.to_json(), json!({"a": 1}));
    assert_eq!(object(" {\"a\": 1}\n").format, Format::Json);
    assert_eq!(object("a: 1\n---\nb: 2\n").root.to_json(), json!({"a": 1}));
    assert_eq!(object("a: 1\n").format, Format::Yaml);
    for text in
        ["{\"a\":1}{\"b\":2}", "{\"a\":1}\n---\n", "{\"a\":1,}", "{a: 1}", "{\"a\":1} # c", "[1]", "x", "  a: 1\nb: 2"]
    {
        assert!(read_object(text.as_bytes()).is_err(), "{text:?}");
    }
    let error = read_object(b"{\"a\":1}\n x").unwrap_err();
    assert_eq!((error.position(), error.problem()), (Position { line: 2, column: 2 }, &Problem::TrailingText));
}
