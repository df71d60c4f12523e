//! Changing items of one SealedSecret in its file.

use std::collections::BTreeMap;
use std::path::Path;

use sealed_secrets_crypto::{Fingerprint, PublicKey, SystemRandom};
use sealed_secrets_flags::Values;
use sealed_secrets_resource::document::edit::EditError;
use sealed_secrets_resource::{ApplyError, Scope, SealedFile, SealedSecret, change_with, seal_value};
use zeroize::Zeroizing;

use super::flags;
use super::report::display_name;
use crate::error::{Error, Result};
use crate::input;
use crate::output::{check_replaceable, replace_regular, unchanged_meanwhile};
use crate::repository::{FileSettings, SettingsFinder, is_template};
use crate::{args, say};

/// The text of a file, and what holds for it.
pub(super) struct Source {
    pub(super) name: String,
    text: Zeroizing<Vec<u8>>,
    pub(super) settings: FileSettings,
    namespace: Option<String>,
}

/// One SealedSecret of a file, ready to be changed.
pub(super) struct OneObject<'a> {
    source: &'a Source,
    file: SealedFile<'a>,
    index: usize,
    /// The object, with the namespace that it gets where it names none.
    pub(super) sealed: SealedSecret,
}

impl Source {
    /// Reads a file that is to be replaced.
    ///
    /// # Errors
    /// A file that is not there or cannot be read or written, or settings that cannot be used.
    pub(super) fn read(name: &str, values: &Values) -> Result<Source> {
        let text = input::read_file(name)?;
        check_replaceable(name)?;
        let settings = SettingsFinder::default().of(Path::new(name))?;
        let namespace = args::namespace(values).or_else(|| settings.settings.namespace.clone());
        Ok(Source { name: name.to_owned(), text, settings, namespace })
    }

    /// Picks the SealedSecret that is meant: the only one, or the one of this name.
    ///
    /// # Errors
    /// None or several of that name, and what cannot have single items.
    pub(super) fn object(&self, wanted: &str) -> Result<OneObject<'_>> {
        let name = &self.name;
        let file = SealedFile::read_mixed(&self.text).map_err(|error| {
            let failure = Error::new(format!("{name}: {error}"));
            match error {
                ApplyError::Read(_) if is_template(&self.text) => {
                    failure.hint("the file is a template; kubeseal --raw gives the text for an item of it")
                }
                _ => failure,
            }
        })?;
        let is_wanted = |sealed: &SealedSecret| {
            wanted.is_empty() || wanted == sealed.metadata.name || wanted == display_name(&sealed.metadata)
        };
        let found: Vec<(usize, &SealedSecret)> =
            file.objects().enumerate().filter(|(_, sealed)| is_wanted(sealed)).collect();
        let names = || file.objects().map(|sealed| display_name(&sealed.metadata)).collect::<Vec<_>>().join(", ");
        let (index, mut sealed) = match found.as_slice() {
            [(index, sealed)] => (*index, (*sealed).clone()),
            [] if file.objects().len() == 0 => {
                return Err(Error::new(format!("{name}: the file holds no SealedSecret"))
                    .hint("kubeseal -f SECRET -w FILE makes one from a Secret"));
            }
            [] => {
                return Err(Error::new(format!("{name}: the file holds no SealedSecret {wanted}"))
                    .hint(format!("it holds {}", names())));
            }
            _ => {
                return Err(Error::new(format!("{name}: the file holds several SealedSecrets"))
                    .hint(format!("choose one with --name: {}", names())));
            }
        };
        if sealed.spec.data.is_some() {
            return Err(Error::new(format!("{name}: the SealedSecret has the deprecated form with spec.data"))
                .hint("kubeseal reencrypt makes items of it"));
        }
        if let Some(namespace) = self.namespace.as_ref().filter(|_| sealed.metadata.namespace.is_empty()) {
            namespace.clone_into(&mut sealed.metadata.namespace);
        }
        Ok(OneObject { source: self, file, index, sealed })
    }
}

impl OneObject<'_> {
    /// Whether values can be sealed for it: name and namespace must be what they will be in the cluster.
    ///
    /// # Errors
    /// What is missing.
    pub(super) fn check_identity(&self) -> Result<()> {
        let (name, metadata, scope) = (&self.source.name, &self.sealed.metadata, self.sealed.scope());
        if sealed_secrets_resource::is_templated(&self.sealed) {
            return Err(Error::new(format!("{name}: the name or namespace of the SealedSecret is a template"))
                .hint("kubeseal --raw seals a value for the name that comes of it"));
        }
        if metadata.namespace.is_empty() && scope != Scope::ClusterWide {
            return Err(Error::new(format!("{name}: the SealedSecret names no namespace"))
                .hint("--namespace or .kubeseal.yaml can name it"));
        }
        if metadata.name.is_empty() && scope == Scope::Strict {
            return Err(Error::new(format!("{name}: the SealedSecret has no name")));
        }
        Ok(())
    }

    /// Seals a value for the object.
    ///
    /// # Errors
    /// A key that cannot be used.
    pub(super) fn seal(&self, item: &str, value: &[u8], key: &PublicKey) -> Result<String> {
        let sealed = seal_value(key, &self.sealed.label(), value, &mut SystemRandom);
        sealed.map_err(|error| Error::new(format!("cannot seal item {item}: {error}")))
    }

    /// Says where a template of the cluster would hide an item.
    pub(super) fn warn_about_templates<'i>(&self, items: impl Iterator<Item = &'i String>) {
        for item in items.filter(|item| self.sealed.spec.template.data.contains_key(*item)) {
            say(&format!("warning: item {item} is also a template of the SealedSecret, which takes its place"));
        }
    }

    /// Writes the file with new ciphertexts (`None` removes an item) and with the record of the keys.
    ///
    /// # Errors
    /// A file that cannot be edited in place or written, or that somebody changed since it was read; it is as it was then.
    pub(super) fn write(
        &self,
        items: BTreeMap<String, Option<String>>,
        key: Option<Fingerprint>,
        known: &BTreeMap<String, Fingerprint>,
        record: bool,
    ) -> Result<()> {
        let name = &self.source.name;
        let change = change_with(&self.sealed, items, key, known, record);
        let edited = self.file.with_changes(&[(self.index, change)]).map_err(|error| {
            let failure = Error::new(format!("{name}: {error}"));
            match error {
                ApplyError::Edit(error) if EditError::is_about_style(&error) => {
                    failure.hint("write the items of this object without aliases and merge keys")
                }
                _ => failure,
            }
        })?;
        unchanged_meanwhile(Path::new(name), &self.source.text)?;
        replace_regular(Path::new(name), edited.as_bytes())
    }

    /// Whether the key is to be recorded, as flags and settings say.
    pub(super) fn records_key(&self, values: &Values) -> bool {
        flags::records_key(values, self.source.settings.settings.record_key)
    }
}
