//! Opens the values of a SealedSecret in an editor and seals what was changed.

mod buffer;
mod editor;
mod processes;

use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal};
use std::sync::LazyLock;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use sealed_secrets_crypto::Fingerprint;
use sealed_secrets_flags::{Flag, Values};
use sealed_secrets_resource::item_form::{self, ItemEdit};
use sealed_secrets_resource::{SealedItem, SecretBytes, open_item};

use self::buffer::Buffer;
use super::one_object::{OneObject, Source};
use super::report::display_name;
use super::{Subcommand, flags};
use crate::age_file::Unlock;
use crate::cluster::Objects;
use crate::error::{Error, Result, io_cause};
use crate::output::HeldBack;
use crate::repository::Targets;
use crate::{key_files, say};

static TABLE: LazyLock<Vec<Flag>> = LazyLock::new(|| {
    flags::with_connection(&[
        flags::FROM_KEYS,
        flags::IDENTITY,
        flags::PASSPHRASE_FILE,
        flags::switch("from-cluster", "show the values of the Secret that the cluster has now"),
        flags::NAME,
        flags::CERT,
        flags::RECORD_KEY,
    ])
});

pub(super) static EDIT: Subcommand = Subcommand {
    name: "edit",
    arguments: "[flags] FILE",
    summary: "open the values of a SealedSecret in $EDITOR and seal what was changed",
    about: "\
Opens $VISUAL, $EDITOR or vi on the values of a SealedSecret, as far as private keys or the
live Secret show them, otherwise on a form without values. Only items that were changed get
a new ciphertext; all other bytes of the file stay, and an unchanged file is not written.

The values are kept in memory-backed storage where the system has it ($XDG_RUNTIME_DIR,
/dev/shm), else in a private folder, with a warning. They are wiped afterwards, also
after Ctrl-C. Let your editor write no copies elsewhere: vim does so with `set backupdir`,
`undofile` and its like.
",
    examples: &[
        ("With a backup of the keys:", "kubeseal edit --from-keys backup.yaml db.yaml"),
        ("With the values that the cluster has:", "kubeseal edit --from-cluster db.yaml"),
        ("Without seeing anything, new values only:", "kubeseal edit --cert cert.pem db.yaml"),
    ],
    statuses: &[
        (0, "done, or nothing was changed"),
        (1, "something went wrong; the file is as it was"),
        (2, "the arguments cannot be used"),
        (130, "interrupted by Ctrl-C; the file is as it was"),
    ],
    flags: || &TABLE,
    run,
};

/// What is known of an object before it is edited.
#[derive(Default)]
struct Known {
    items: BTreeMap<String, Option<SecretBytes>>,
    /// The keys that opened items.
    keys: BTreeMap<String, Fingerprint>,
    notes: Vec<String>,
}

fn run(values: &Values) -> Result<()> {
    let [file] = values.positionals() else {
        return Err(EDIT.misused("edit needs the name of one file"));
    };
    if values.bool("from-cluster") && !values.list("from-keys").is_empty() {
        return Err(EDIT.misused("give either --from-keys or --from-cluster"));
    }
    let source = Source::read(file, values)?;
    let object = source.object(values.string("name"))?;
    object.check_identity()?;
    let targets = Targets::new(values);
    let known = known(values, &source, &object, &targets)?;
    // Whatever can be known to fail fails before a person types anything.
    let key = targets.key(&source.settings)?;

    let form = item_form::render(&heading(file, &object, &known), &known.items)
        .map_err(|error| Error::new(error.to_string()))?;
    let signals =
        HeldBack::start().map_err(|error| Error::new(format!("cannot handle signals: {}", io_cause(&error))))?;
    let buffer = Buffer::create(&form)?;
    drop(form);
    let edited = edit(&buffer, &signals, &known.items);
    let wiped = buffer.wipe();
    signals.deliver();
    let edits = edited?;
    wiped?;
    if edits.is_empty() {
        say("nothing was changed");
        return Ok(());
    }

    let mut items = BTreeMap::new();
    let mut used = None;
    for (item, edit) in edits {
        let ciphertext = match edit {
            ItemEdit::Remove => None,
            ItemEdit::Set(value) => {
                used = Some(key.fingerprint());
                Some(object.seal(&item, value.as_slice(), &key)?)
            }
        };
        items.insert(item, ciphertext);
    }
    object.warn_about_templates(items.keys());
    object.write(items, used, &known.keys, object.records_key(values))
}

/// Opens what can be opened.
fn known(values: &Values, source: &Source, object: &OneObject<'_>, targets: &Targets) -> Result<Known> {
    let sealed = &object.sealed;
    let mut known = Known::default();
    known.items.extend(sealed.spec.encrypted_data.keys().map(|item| (item.clone(), None)));
    match values.list("from-keys") {
        [] if values.bool("from-cluster") => {
            let access = targets.access_for(&source.settings);
            let metadata = &sealed.metadata;
            let secret = Objects::connect(&access)?.secret(&metadata.namespace, &metadata.name)?;
            for (item, value) in &mut known.items {
                *value = secret.data.get(item).cloned();
            }
        }
        [] => {
            known
                .notes
                .push("Values cannot be shown without private keys (--from-keys) or the Secret of the".to_owned());
            known.notes.push("cluster (--from-cluster).".to_owned());
        }
        files => {
            let ring = key_files::read(files, &Unlock::of(values))?;
            let (label, recorded) = (sealed.label(), sealed.recorded_keys());
            let mut last = None;
            for (item, text) in &sealed.spec.encrypted_data {
                let sealed_item = SealedItem { label: &label, text, recorded: recorded.of(item) };
                match open_item(&sealed_item, &ring, last) {
                    Some(opened) => {
                        last = Some(opened.key);
                        known.keys.insert(item.clone(), opened.key);
                        known.items.insert(item.clone(), Some(opened.plaintext.into_inner().into()));
                    }
                    None => known.notes.push(format!("None of the given keys opens {item}.")),
                }
            }
        }
    }
    Ok(known)
}

fn heading(file: &str, object: &OneObject<'_>, known: &Known) -> Vec<String> {
    let name = display_name(&object.sealed.metadata);
    let mut lines = vec![
        format!("SealedSecret {name} of {file}, scope {}.", object.sealed.scope()),
        "Change, add or delete items, save, and leave the editor. An item with nothing behind its".to_owned(),
        "colon stays as it is, \"\" makes it empty, and one whose line is gone is removed.".to_owned(),
    ];
    lines.extend(known.notes.iter().cloned());
    lines
}

/// Lets a person edit until the form can be read, or until they give up.
fn edit(
    buffer: &Buffer,
    signals: &HeldBack,
    before: &BTreeMap<String, Option<SecretBytes>>,
) -> Result<BTreeMap<String, ItemEdit>> {
    loop {
        editor::open(buffer.path(), signals)?;
        let error = match item_form::read(&buffer.read()?, before) {
            Ok(edits) => return Ok(edits),
            Err(item_form::FormError::Empty) => return Ok(BTreeMap::new()),
            Err(error) => Error::new(format!("the form cannot be read: {error}")),
        };
        if !io::stdin().is_terminal() {
            return Err(error.hint("nothing was changed"));
        }
        say(&error.to_string());
        say("Press Enter to edit again; q and Enter gives up.");
        if !wants_to_go_on(signals) {
            return Err(error.hint("nothing was changed"));
        }
    }
}

/// Waits for an answer or a signal, whichever comes first.
fn wants_to_go_on(signals: &HeldBack) -> bool {
    let stdin = io::stdin();
    let often = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    loop {
        let ready = poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&often));
        if signals.any_arrived() {
            return false;
        }
        match ready {
            // The system can end the wait early for a signal that is not ours.
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => break,
            Err(_) => return false,
        }
    }
    let mut answer = String::new();
    let is_end = stdin.lock().read_line(&mut answer).map_or(true, |length| length == 0);
    !is_end && !answer.trim().eq_ignore_ascii_case("q")
}
