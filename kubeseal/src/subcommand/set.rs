//! Gives one item of a SealedSecret a new value.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::sync::LazyLock;

use sealed_secrets_crypto::{Random, SystemRandom};
use sealed_secrets_flags::{Flag, Kind, Source as FlagSource, Values};
use sealed_secrets_resource::item_form::is_item_name;
use zeroize::Zeroizing;

use super::one_object::Source;
use super::{PLAIN_STATUSES, Subcommand, flags};
use crate::error::{Error, Result};
use crate::input::{self, Input};
use crate::repository::Targets;
use crate::say;

/// The longest password that is made.
const LONGEST: i64 = 4096;
/// What generated values are made of: nothing that a shell, a URL or YAML would have to quote.
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static TABLE: LazyLock<Vec<Flag>> = LazyLock::new(|| {
    flags::with_connection(&[
        flags::text("from-file", "file that holds the value, byte for byte").value_name("FILE"),
        Flag::new("generate", Kind::Int, "make a random value of so many letters and digits; it is not shown")
            .value_name("N")
            .no_env(),
        flags::NAME,
        flags::CERT,
        flags::RECORD_KEY,
    ])
});

pub(super) static SET: Subcommand = Subcommand {
    name: "set",
    arguments: "[flags] FILE ITEM[=VALUE]",
    summary: "add or replace one item of a SealedSecret in its file",
    about: "\
Seals a value and puts it into the SealedSecret of a file, under its name, namespace and
scope. The value comes from standard input, byte for byte, unless a flag says otherwise.
All other bytes of the file stay as they are.
",
    examples: &[
        ("From standard input:", "printf %s s3cret | kubeseal set db.yaml password"),
        ("From a file:", "kubeseal set db.yaml tls.key --from-file server.key"),
        ("Something new that nobody has to know:", "kubeseal set db.yaml password --generate 32"),
    ],
    statuses: PLAIN_STATUSES,
    flags: || &TABLE,
    run,
};

fn run(values: &Values) -> Result<()> {
    let [file, item] = values.positionals() else {
        return Err(SET.misused("set needs a file and the name of an item"));
    };
    let (item, given) = match item.split_once('=') {
        Some((item, value)) => (item, Some(value)),
        None => (item.as_str(), None),
    };
    if !is_item_name(item) {
        return Err(
            SET.misused(format!("{item:?} cannot be the name of an item: letters, digits, - . and _ are allowed"))
        );
    }
    let generate = Some(values.int("generate")).filter(|_| values.source("generate") == FlagSource::CommandLine);
    let from_file = values.non_empty("from-file");
    if [given.is_some(), generate.is_some(), from_file.is_some()].iter().filter(|given| **given).count() > 1 {
        return Err(SET.misused("the value comes from one place: ITEM=VALUE, --from-file or --generate"));
    }
    if generate.is_some_and(|length| !(1..=LONGEST).contains(&length)) {
        return Err(SET.misused(format!("--generate takes a length from 1 to {LONGEST}")));
    }
    let source = Source::read(file, values)?;
    let object = source.object(values.string("name"))?;
    object.check_identity()?;
    let key = Targets::new(values).key(&source.settings)?;
    let value = match (given, generate, from_file) {
        (Some(value), ..) => {
            say(
                "hint: values on the command line show in the list of processes and in the shell's history; standard input \
                 and --from-file do not",
            );
            Zeroizing::new(value.as_bytes().to_vec())
        }
        (_, Some(length), _) => random_text(usize::try_from(length).unwrap_or_default(), &mut SystemRandom)?,
        (.., Some(file)) => input::read_file(file)?,
        (None, None, None) => from_stdin()?,
    };
    let ciphertext = object.seal(item, &value, &key)?;
    let items = BTreeMap::from([(item.to_owned(), Some(ciphertext))]);
    object.warn_about_templates(items.keys());
    object.write(items, Some(key.fingerprint()), &BTreeMap::new(), object.records_key(values))
}

fn from_stdin() -> Result<Zeroizing<Vec<u8>>> {
    if io::stdin().is_terminal() {
        say("(tty detected: expecting the value in stdin, ended with Ctrl-D; what you type shows)");
    }
    let value = Input::Stdin.read()?;
    if value.is_empty() {
        say("note: standard input was empty, and so is the value now");
    }
    if value.ends_with(b"\n") && value.iter().filter(|byte| **byte == b'\n').count() == 1 {
        say("note: the value ends with a line break, which is part of it; printf %s leaves it away");
    }
    Ok(value)
}

/// Letters and digits, each as likely as the other.
fn random_text(length: usize, random: &mut dyn Random) -> Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::with_capacity(length));
    let most = 256 - 256 % LETTERS.len();
    let mut bytes = Zeroizing::new([0; 64]);
    while text.len() < length {
        random.fill(&mut bytes[..]).map_err(|error| Error::new(error.to_string()))?;
        let usable = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < most);
        let wanted = length - text.len();
        text.extend(usable.take(wanted).map(|byte| LETTERS[byte % LETTERS.len()]));
    }
    Ok(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use sealed_secrets_crypto::RandomError;

    use super::*;

    /// Counts up.
    struct Counter(u8);

    impl Random for Counter {
        fn fill(&mut self, bytes: &mut [u8]) -> std::result::Result<(), RandomError> {
            for byte in bytes {
                *byte = self.0;
                self.0 = self.0.wrapping_add(1);
            }
            Ok(())
        }
    }

    #[test]
    fn every_letter_is_as_likely_as_any_other() {
        let text = random_text(4 * LETTERS.len() * 5, &mut Counter(0)).unwrap();
        for letter in LETTERS {
            assert_eq!(text.iter().filter(|byte| *byte == letter).count(), 20, "{letter}");
        }
        assert_eq!(random_text(1, &mut Counter(255)).unwrap().as_slice(), b"A");
    }
}
