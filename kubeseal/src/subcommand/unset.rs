//! Takes items out of a SealedSecret.

use std::collections::BTreeMap;

use sealed_secrets_flags::Values;

use super::one_object::Source;
use super::{PLAIN_STATUSES, Subcommand, flags};
use crate::error::{Error, Result};
use crate::say;

pub(super) static UNSET: Subcommand = Subcommand {
    name: "unset",
    arguments: "[flags] FILE ITEM…",
    summary: "remove items of a SealedSecret from its file",
    about: "\
Removes items from the SealedSecret of a file. No key and no certificate is needed. All
other bytes of the file stay as they are.
",
    examples: &[("Remove an item:", "kubeseal unset db.yaml old-password")],
    statuses: PLAIN_STATUSES,
    flags: || &[flags::NAME, flags::NAMESPACE],
    run,
};

fn run(values: &Values) -> Result<()> {
    let [file, items @ ..] = values.positionals() else {
        return Err(UNSET.misused("unset needs a file and the name of an item"));
    };
    if items.is_empty() {
        return Err(UNSET.misused("unset needs the name of an item"));
    }
    let source = Source::read(file, values)?;
    let object = source.object(values.string("name"))?;
    let there = &object.sealed.spec.encrypted_data;
    if let Some(item) = items.iter().find(|item| !there.contains_key(*item)) {
        let names = there.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let hint = if names.is_empty() { "it has no items".to_owned() } else { format!("it has {names}") };
        return Err(Error::new(format!("{file}: the SealedSecret has no item {item}")).hint(hint));
    }
    let removed: BTreeMap<String, Option<String>> = items.iter().map(|item| (item.clone(), None)).collect();
    let is_last = there.keys().all(|item| removed.contains_key(item));
    object.write(removed, None, &BTreeMap::new(), false)?;
    if is_last {
        say("note: no item is left; the Secret will hold nothing but what the template gives it");
    }
    Ok(())
}
