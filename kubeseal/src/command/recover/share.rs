//! Objects cut into pieces of work for several threads.

use std::borrow::Cow;

use sealed_secrets_resource::{SealedSecret, Spec};

use crate::parallel::cores;

/// Items of a share. Small enough to keep all threads busy, large enough to make one wrong guess of the key cheap.
const ITEMS: usize = 8;

/// An object, or some of its items in an object of their own.
pub(super) struct Share<'a> {
    /// The object as it was read.
    pub(super) whole: &'a SealedSecret,
    /// What is to be opened.
    pub(super) part: Cow<'a, SealedSecret>,
    /// Whether no other share of the object follows.
    pub(super) ends_object: bool,
}

impl Share<'_> {
    /// Whether this is not all of the object.
    pub(super) fn is_partial(&self) -> bool {
        matches!(self.part, Cow::Owned(_))
    }
}

/// Cuts large objects. One with templates stays whole, since they may use any item.
pub(super) fn shares(sealed_secrets: &[SealedSecret]) -> Vec<Share<'_>> {
    cut(sealed_secrets, cores() > 1)
}

fn cut(sealed_secrets: &[SealedSecret], several_threads: bool) -> Vec<Share<'_>> {
    let mut shares = Vec::new();
    for whole in sealed_secrets {
        let spec = &whole.spec;
        let divisible = several_threads && spec.data.is_none() && spec.template.data.is_empty();
        if !divisible || spec.encrypted_data.len() <= ITEMS {
            shares.push(Share { whole, part: Cow::Borrowed(whole), ends_object: true });
            continue;
        }
        let items: Vec<_> = spec.encrypted_data.iter().collect();
        let mut pieces = items.chunks(ITEMS).peekable();
        while let Some(piece) = pieces.next() {
            let encrypted_data = piece.iter().map(|(name, text)| ((*name).clone(), (*text).clone())).collect();
            let template = spec.template.clone();
            let part = SealedSecret {
                status: whole.status.clone(),
                ..SealedSecret::new(whole.metadata.clone(), Spec { template, data: None, encrypted_data })
            };
            shares.push(Share { whole, part: Cow::Owned(part), ends_object: pieces.peek().is_none() });
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use sealed_secrets_resource::ObjectMeta;

    use super::*;

    fn object(items: usize, templates: bool) -> SealedSecret {
        let encrypted_data = (0..items).map(|n| (format!("{n:03}"), format!("text {n}"))).collect();
        let mut spec = Spec { encrypted_data, ..Spec::default() };
        if templates {
            spec.template.data.insert("t".to_owned(), "{{ .x }}".to_owned());
        }
        SealedSecret::new(ObjectMeta { name: "db".to_owned(), ..ObjectMeta::default() }, spec)
    }

    #[test]
    fn shares_together_hold_every_item_once_and_in_order() {
        let objects = [object(0, false), object(8, false), object(9, false), object(300, false), object(300, true)];
        let cut = cut(&objects, true);
        let sizes = cut.chunk_by(|a, _| !a.ends_object).map(|of_one| of_one.len()).collect::<Vec<_>>();
        assert_eq!(sizes, [1, 1, 2, 38, 1]);
        for of_one in cut.chunk_by(|a, _| !a.ends_object) {
            let whole = of_one[0].whole;
            let items: Vec<_> = of_one.iter().flat_map(|share| &share.part.spec.encrypted_data).collect();
            assert_eq!(items, whole.spec.encrypted_data.iter().collect::<Vec<_>>());
            assert!(of_one.iter().all(|share| share.part.metadata == whole.metadata));
            assert_eq!(of_one[0].is_partial(), of_one.len() > 1);
        }
        assert_eq!(super::cut(&objects, false).len(), objects.len());
    }
}
