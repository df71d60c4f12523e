//! The namespace for Secrets that name none.

use std::sync::OnceLock;

use sealed_secrets_resource::Namespace;

use crate::args::Args;
use crate::kubeconfig;

/// Looks once at most, and only when somebody asks.
pub(super) struct NamespaceLookup<'a> {
    args: &'a Args,
    found: OnceLock<Option<Namespace>>,
}

impl<'a> NamespaceLookup<'a> {
    pub(super) fn new(args: &'a Args) -> NamespaceLookup<'a> {
        NamespaceLookup { args, found: OnceLock::new() }
    }

    /// Nothing where no namespace can be found: then the Secret has to name one, and the error says so.
    pub(super) fn get(&self) -> Option<Namespace> {
        let Args { namespace, overrides, log, .. } = self.args;
        self.found.get_or_init(|| kubeconfig::namespace(namespace.as_deref(), overrides, log).ok()).clone()
    }
}
