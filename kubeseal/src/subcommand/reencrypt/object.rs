//! One SealedSecret: which items are stale, and their new ciphertexts.

use std::collections::BTreeMap;

use rayon::prelude::*;
use sealed_secrets_crypto::{KeyRing, PublicKey, SystemRandom};
use sealed_secrets_resource::{
    Assessment, EnvelopeFacts, NotRenewed, ObjectChange, RenewedItem, Scope, SealedItem, SealedSecret, SealedWith,
    Spec, UnsealOptions, assess, change_of, is_templated, re_encrypt_for, renew,
};

use super::{Job, Means};
use crate::error::{Error, Result};
use crate::repository::FileSettings;
use crate::subcommand::report::display_name;

/// What came of an object.
pub(super) struct ObjectOutcome {
    pub(super) namespace: String,
    pub(super) name: String,
    /// Where it begins in its file.
    pub(super) line: u32,
    pub(super) items: Vec<ItemOutcome>,
    /// Why nothing was done about it.
    pub(super) skipped: Option<&'static str>,
    /// Whether the record of the keys was brought up to date.
    pub(super) recorded: bool,
}

/// What came of an item.
pub(super) struct ItemOutcome {
    pub(super) name: String,
    pub(super) before: Assessment,
    pub(super) renewed: bool,
}

/// The name that the one envelope of an object of the deprecated form goes by.
const WHOLE: &str = "spec.data";

/// What to think of when no key opens an item.
const NOT_OPENED: &str =
    "was it sealed for another cluster, renamed or moved, or for the new key without a record of it?";

type Processed = std::result::Result<(ObjectOutcome, Option<ObjectChange>), Vec<Error>>;

/// Judges an object and renews what is stale.
///
/// # Errors
/// Every item that cannot be renewed; nothing of the object changes then.
pub(super) fn process(
    job: &Job<'_>,
    sealed: &SealedSecret,
    settings: &FileSettings,
    target: &PublicKey,
    record: bool,
) -> Processed {
    let mut sealed = sealed.clone();
    let namespace = job.namespace.as_ref().or(settings.settings.namespace.as_ref());
    if let Some(namespace) = namespace.filter(|_| sealed.metadata.namespace.is_empty()) {
        namespace.clone_into(&mut sealed.metadata.namespace);
    }
    let mut outcome = ObjectOutcome {
        namespace: sealed.metadata.namespace.clone(),
        name: sealed.metadata.name.clone(),
        line: 0,
        items: Vec::new(),
        skipped: None,
        recorded: false,
    };
    if is_templated(&sealed) {
        outcome.skipped = Some("its name or namespace is a template");
        return Ok((outcome, None));
    }
    let locate = |error: Error| error.prefix(&format!("{}: ", display_name(&sealed.metadata)));
    if sealed.metadata.namespace.is_empty() && sealed.scope() != Scope::ClusterWide && !job.check {
        let error = Error::new("names no namespace, which what is sealed is bound to");
        return Err(vec![locate(error).hint("--namespace or .kubeseal.yaml can name it")]);
    }
    if sealed.spec.data.is_some() {
        return deprecated(job, &sealed, settings, target, outcome).map_err(|error| vec![locate(error)]);
    }

    let results = match &job.means {
        _ if job.check => Ok(assess_all(job, &sealed, target)),
        Means::Keys(ring) => renew_all(job, &sealed, ring, target),
        Means::Controller => ask(job, &sealed, settings, target).map_err(|error| vec![error]),
    };
    let results = results.map_err(|errors| errors.into_iter().map(locate).collect::<Vec<_>>())?;
    let change = if job.check { None } else { change_of(&sealed, &results, target.fingerprint(), record) };
    outcome.recorded = change.as_ref().is_some_and(|change| change.record.is_some());
    outcome.items = results
        .into_iter()
        .map(|(name, item)| ItemOutcome { name, before: item.before, renewed: item.ciphertext.is_some() })
        .collect();
    Ok((outcome, change))
}

fn items(sealed: &SealedSecret) -> Vec<(&String, &String)> {
    sealed.spec.encrypted_data.iter().collect()
}

fn assess_all(job: &Job<'_>, sealed: &SealedSecret, target: &PublicKey) -> BTreeMap<String, RenewedItem> {
    let (none, label, recorded) = (KeyRing::default(), sealed.label(), sealed.recorded_keys());
    let ring = if let Means::Keys(ring) = &job.means { ring } else { &none };
    let judge = |(name, text): (&String, &String)| {
        let item = SealedItem { label: &label, text, recorded: recorded.of(name) };
        let before = assess(&item, target, ring, job.last());
        if let SealedWith::Opened(key) = before.key {
            job.remember(Some(key));
        }
        (name.clone(), RenewedItem { before, ciphertext: None })
    };
    items(sealed).into_par_iter().map(judge).collect()
}

fn renew_all(
    job: &Job<'_>,
    sealed: &SealedSecret,
    ring: &KeyRing,
    target: &PublicKey,
) -> std::result::Result<BTreeMap<String, RenewedItem>, Vec<Error>> {
    let (label, recorded) = (sealed.label(), sealed.recorded_keys());
    let renewed = |(name, text): (&String, &String)| {
        if job.must_stop() {
            return Err(Error::new("interrupted"));
        }
        let item = SealedItem { label: &label, text, recorded: recorded.of(name) };
        let result = renew(&item, target, ring, job.last(), job.all, &mut SystemRandom);
        if let Ok(RenewedItem { before: Assessment { key: SealedWith::Opened(key), .. }, .. }) = &result {
            job.remember(Some(*key));
        }
        match result {
            Ok(renewed) => Ok((name.clone(), renewed)),
            Err(error) => {
                let failure = Error::new(format!("item {name}: {error}"));
                Err(if error == NotRenewed::NoKeyOpens { failure.hint(NOT_OPENED) } else { failure })
            }
        }
    };
    let mut results = BTreeMap::new();
    let mut errors = Vec::new();
    for result in items(sealed).into_par_iter().map(renewed).collect::<Vec<_>>() {
        match result {
            Ok((name, item)) => drop(results.insert(name, item)),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(results) } else { Err(errors) }
}

/// Sends the stale items alone, under a template that no server can render anything from.
fn ask(
    job: &Job<'_>,
    sealed: &SealedSecret,
    settings: &FileSettings,
    target: &PublicKey,
) -> Result<BTreeMap<String, RenewedItem>> {
    let mut results = assess_all(job, sealed, target);
    let wanted = |name: &String| results.get(name).is_some_and(|item| item.before.stale || job.all);
    let encrypted_data: BTreeMap<String, String> = items(sealed)
        .into_iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, text)| (name.clone(), text.clone()))
        .collect();
    if encrypted_data.is_empty() || job.must_stop() {
        return Ok(results);
    }
    let mut request = SealedSecret::new(sealed.metadata.clone(), Spec { encrypted_data, ..Spec::default() });
    sealed.scope().write_annotations(&mut request.spec.template.metadata.annotations);
    // Also for a dry run: asking changes nothing, and shows what would fail.
    let answer = job.targets.with_controller(settings, |controller| controller.re_encrypt(&request))?;
    if answer.scope() != request.scope() {
        let (given, asked) = (answer.scope(), request.scope());
        return Err(Error::new(format!("the controller's answer does not fit: its scope is {given} and not {asked}")));
    }
    for name in request.spec.encrypted_data.keys() {
        let text = answer.spec.encrypted_data.get(name);
        let fits = |text: &&String| EnvelopeFacts::of(text).is_ok_and(|facts| facts.may_be_for(target));
        let Some(text) = text.filter(fits) else {
            return Err(Error::new(format!(
                "the controller's answer does not fit: item {name} is not sealed for the certificate that it publishes"
            )));
        };
        if let Some(item) = results.get_mut(name) {
            item.ciphertext = Some(text.clone());
        }
    }
    Ok(results)
}

/// One envelope for everything: always stale, because nothing may be beside it that says otherwise.
fn deprecated(
    job: &Job<'_>,
    sealed: &SealedSecret,
    settings: &FileSettings,
    target: &PublicKey,
    mut outcome: ObjectOutcome,
) -> Result<(ObjectOutcome, Option<ObjectChange>)> {
    let before = Assessment { stale: true, key: SealedWith::Unknown };
    outcome.items = vec![ItemOutcome { name: WHOLE.to_owned(), before, renewed: !job.check }];
    if job.check {
        return Ok((outcome, None));
    }
    let options = UnsealOptions { accept_deprecated_data: true, last: job.last() };
    let anew = match &job.means {
        Means::Keys(ring) => re_encrypt_for(sealed, ring, target, &options, &mut SystemRandom)
            .map_err(|error| Error::new(format!("{WHOLE}: {error}")))?,
        Means::Controller => job.targets.with_controller(settings, |controller| controller.re_encrypt(sealed))?,
    };
    if anew.scope() != sealed.scope() || anew.spec.data.is_some() {
        return Err(Error::new("the controller's answer does not fit: it has another scope or form"));
    }
    Ok((outcome, Some(ObjectChange { anew: Some(anew), ..ObjectChange::default() })))
}
