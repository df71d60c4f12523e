//! Reading a file of a repository, as far as it matters and not beyond a bound.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use memchr::memmem::Finder;

use crate::error::{Error, Result};

/// Files that are larger and matter are refused. No cluster takes objects of more than a few megabytes.
pub(crate) const LARGEST: usize = 32 << 20;
/// How much of a larger file is looked at at a time.
const PIECE: usize = 1 << 20;

/// What is in a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    /// It holds the word that was looked for.
    Relevant(Vec<u8>),
    /// It does not.
    Irrelevant,
}

/// Reads a file if it holds `word` anywhere. A larger file without it takes no more memory than a small one.
///
/// # Errors
/// Whatever the system says, and a file above [`LARGEST`] that holds the word.
pub(crate) fn read(path: &Path, word: &str) -> Result<Contents> {
    let name = path.to_string_lossy();
    let mut file = File::open(path).map_err(|error| Error::file("open", &name, &error))?;
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    let expected = usize::try_from(length).unwrap_or(usize::MAX);
    let found = look(&mut file, word, expected, LARGEST).map_err(|error| Error::file("read", &name, &error))?;
    found.ok_or_else(|| {
        Error::new(format!("{name}: the file has more than {} MiB", LARGEST >> 20))
            .hint("split it into files that a cluster would take")
    })
}

/// Whether text that is no YAML looks as if a template engine made YAML of it.
pub(crate) fn is_template(text: &[u8]) -> bool {
    Finder::new("{{").find(text).is_some_and(|at| Finder::new("}}").find(&text[at..]).is_some())
}

/// `None` for a relevant file that is too large. `expected` is a guess of the length.
fn look(source: &mut dyn Read, word: &str, expected: usize, largest: usize) -> io::Result<Option<Contents>> {
    let finders = [word.as_bytes().to_vec(), utf16(word, u16::to_le_bytes), utf16(word, u16::to_be_bytes)];
    let finders = finders.iter().map(|word| Finder::new(word).into_owned()).collect::<Vec<_>>();
    let holds = |text: &[u8]| finders.iter().any(|finder| finder.find(text).is_some());
    let mut content = Vec::new();
    if expected <= largest {
        content.reserve_exact(expected + 1);
        source.take(largest as u64 + 1).read_to_end(&mut content)?;
        if content.len() <= largest {
            return Ok(Some(if holds(&content) { Contents::Relevant(content) } else { Contents::Irrelevant }));
        }
    }
    let keep = word.len() * 2;
    loop {
        if holds(&content) {
            return Ok(None);
        }
        content.drain(..content.len().saturating_sub(keep));
        content.shrink_to(PIECE + keep);
        if source.take(PIECE as u64).read_to_end(&mut content)? == 0 {
            return Ok(Some(Contents::Irrelevant));
        }
    }
}

/// A file in UTF-16 is refused by name later, not passed over.
fn utf16(word: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    word.encode_utf16().flat_map(bytes).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_found_wherever_it_stands() {
        let word = "SealedSecret";
        for at in 0..40 {
            let text = format!("{}{word}{}", "x".repeat(at), "y".repeat(40 - at));
            let without = text.replace('l', "L");
            // The guess of the length may be wrong: files grow, and pipes say 0.
            for expected in [0, 5, 52, 1000, 2000] {
                let found = |text: &str, largest| look(&mut text.as_bytes(), word, expected, largest).unwrap();
                if expected <= 1000 {
                    assert_eq!(found(&text, 1000), Some(Contents::Relevant(text.clone().into_bytes())));
                }
                assert_eq!(found(&text, 10), None, "{at}");
                assert_eq!(found(&without, 10), Some(Contents::Irrelevant));
                assert_eq!(found(&without, 1000), Some(Contents::Irrelevant));
            }
        }
        let windows: Vec<u8> = "\u{feff}kind: SealedSecret".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(matches!(look(&mut windows.as_slice(), word, 100, 1000).unwrap(), Some(Contents::Relevant(_))));
    }

    #[test]
    fn templates_are_known_by_their_braces() {
        for (text, template) in [("a: {{ .x }}", true), ("a: {b: {}}", false), ("}} {{", false), ("{{- if x -}}", true)]
        {
            assert_eq!(is_template(text.as_bytes()), template, "{text}");
        }
    }
}
