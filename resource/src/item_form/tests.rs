use proptest::prelude::*;

use super::*;

type Items = BTreeMap<String, Option<SecretBytes>>;

fn items(pairs: &[(&str, Option<&[u8]>)]) -> Items {
    pairs.iter().map(|(item, value)| ((*item).to_owned(), value.map(|value| value.to_vec().into()))).collect()
}

fn edits(before: &Items, text: &str) -> Vec<(String, Option<String>)> {
    let edits = read(text.as_bytes(), before).unwrap();
    let shown = |edit| match edit {
        ItemEdit::Set(value) => Some(String::from_utf8_lossy(value.as_slice()).into_owned()),
        ItemEdit::Remove => None,
    };
    edits.into_iter().map(|(item, edit)| (item, shown(edit))).collect()
}

#[test]
fn a_form_shows_text_as_text_and_the_rest_as_base64() {
    let before = items(&[
        ("pass", Some(b"s3cret")),
        ("pem", Some(b"-----BEGIN\nx\n-----END\n")),
        ("pin", Some(b"0123")),
        ("store", Some(&[0xfe, 0xed])),
        ("user", None),
        ("word", Some(b"yes")),
    ]);
    let form = render(&["SealedSecret shop/db".to_owned(), String::new()], &before).unwrap();
    let expected = "# SealedSecret shop/db\n#\nstringData:\n  pass: s3cret\n  pem: |\n    -----BEGIN\n    x\n    -----END\n  pin: \"0123\"\n  user:\n  \
         word: \"yes\"\n# Base64 of what is no text:\ndata:\n  store: /u0=\n";
    assert_eq!(form.as_str(), expected);
    assert_eq!(edits(&before, &form), []);
}

#[test]
fn what_was_changed_added_or_taken_away_is_found() {
    let before = items(&[("a", Some(b"1")), ("b", Some(b"2")), ("c", None), ("d", None)]);
    let pair = |item: &str, value: &str| (item.to_owned(), Some(value.to_owned()));
    for (form, want) in [
        ("stringData:\n  a: 1\n  b: '2'\n  c:\n  d:\n", vec![]),
        ("stringData:\n  a: 2\n  b:\n  c: new\n  d:\n", vec![pair("a", "2"), pair("c", "new")]),
        ("stringData: {b: '2', c: , d: }\n", vec![("a".to_owned(), None)]),
        ("stringData:\n  a: ''\n  b: 2\n  c:\n  d:\n  e: x\n  f:\n", vec![pair("a", ""), pair("e", "x")]),
        ("stringData:\n  a: 1\n  b: 2\n  c:\ndata:\n  d: eA==\n", vec![pair("d", "x")]),
        ("data: {a: MQ==, b: Mg==, c: , d: }", vec![]),
    ] {
        assert_eq!(edits(&before, form), want, "{form}");
    }
}

#[test]
fn plain_text_counts_as_it_is_written() {
    for text in
        ["0123", "0x10", "1e3", "yes", "n", "null", "~", "1.50", "1_000", "2024-01-01", ".inf", "+1", "12:30:45"]
    {
        assert_eq!(
            edits(&Items::new(), &format!("stringData:\n  a: {text} # note\n")),
            [("a".to_owned(), Some(text.to_owned()))]
        );
    }
}

#[test]
fn mistakes_are_named_without_values() {
    for (form, want) in [
        ("", "the form is empty"),
        ("# nothing\n", "the form is empty"),
        ("stringData:\n  a: [hunter2]\n", "line 2: item a: must be text, found a list"),
        ("stringData:\n  a: \"hunter2\n", "line "),
        ("a: hunter2\n", "line 1: unknown section a; items stand below"),
        ("- hunter2\n", "line 1"),
        ("stringData: hunter2\n", "line 1: stringData must hold items"),
        ("stringData:\n  a b: hunter2\n", "line 2: \"a b\" cannot be the name of an item"),
        ("stringData:\n  a: x\ndata:\n  a: eA==\n", "line 4: item a stands in both sections"),
        ("data:\n  a: hunter2!\n", "line 2: item a: illegal base64 data at input byte 7"),
        ("stringData:\n  a: x\n---\nb: c\n", "line 4: a second document"),
    ] {
        let error = read(form.as_bytes(), &Items::new()).unwrap_err().to_string();
        assert!(error.starts_with(want) && !error.contains("hunter2"), "{form:?}: {error}");
    }
}

proptest! {
    #[test]
    fn an_untouched_form_changes_nothing_whatever_the_values(
        values in prop::collection::btree_map("[a-z.-]{1,9}[a-z]", prop::option::of(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            "[ -~\n\t]{0,60}".prop_map(String::into_bytes),
            "\\PC{0,20}".prop_map(String::into_bytes),
            "(|-|yes|0[0-7]{3}|#|: |\n\n x|---\n|\\.\\.\\.|'|\")".prop_map(String::into_bytes),
        ]), 0..6)
    ) {
        let before: Items = values.into_iter().filter(|(item, _)| is_item_name(item)).map(|(item, value)| (item, value.map(Into::into))).collect();
        let form = render(&["a".to_owned()], &before).unwrap();
        prop_assert_eq!(read(form.as_bytes(), &before), Ok(BTreeMap::new()), "{}", form.as_str());
        // Nothing known: every value that is shown is new.
        let nothing: Items = before.keys().map(|item| (item.clone(), None)).collect();
        let shown = read(form.as_bytes(), &nothing).unwrap();
        let known: BTreeMap<_, _> = before.into_iter().filter_map(|(item, value)| Some((item, ItemEdit::Set(value?)))).collect();
        prop_assert_eq!(shown, known);
    }

    #[test]
    fn no_form_makes_the_reader_stop(text in "[ -~\n]{0,80}") {
        let _ = read(text.as_bytes(), &Items::new());
    }
}
