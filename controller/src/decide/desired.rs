//! What the Secret should look like (spec/controller.md 6.5, W20, W21, W22).

use sealed_secrets_resource::annotation::{MANAGED, is_true};
use sealed_secrets_resource::{Secret, SecretBytes};

/// What the API server makes of an empty type.
const DEFAULT_TYPE: &str = "Opaque";

/// The Secret to create. Fields of a live object that a template was copied with are left out: they would make the create
/// fail.
pub fn created(unsealed: Secret) -> Secret {
    let mut secret = with_plain_type(unsealed);
    secret.metadata.strip_server_fields();
    secret.metadata.generate_name.clear();
    secret
}

/// The live Secret with our content in it: everything replaced, or with `merge` our keys set and the others kept.
pub fn updated(live: &Secret, unsealed: Secret, merge: bool) -> Secret {
    let unsealed = with_plain_type(unsealed);
    let mut secret = live.clone();
    let metadata = &mut secret.metadata;
    if merge {
        secret.data.extend(unsealed.data);
        metadata.labels.extend(unsealed.metadata.labels);
        metadata.annotations.extend(unsealed.metadata.annotations);
        if is_true(&metadata.annotations, MANAGED) {
            metadata.owner_references = unsealed.metadata.owner_references;
        }
    } else {
        secret.data = unsealed.data;
        metadata.labels = unsealed.metadata.labels;
        metadata.annotations = unsealed.metadata.annotations;
        metadata.owner_references = unsealed.metadata.owner_references;
    }
    secret.r#type = unsealed.r#type;
    if unsealed.immutable == Some(true) {
        secret.immutable = Some(true);
    }
    secret
}

/// Fills in what the API server would: the type, and `stringData` folded into `data`.
fn with_plain_type(mut secret: Secret) -> Secret {
    if secret.r#type.is_empty() {
        DEFAULT_TYPE.clone_into(&mut secret.r#type);
    }
    let plain: Vec<(String, SecretBytes)> = std::mem::take(&mut secret.string_data).into_iter().collect();
    secret.data.extend(plain);
    secret
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{controlled_by, map, secret, secret_meta};
    use super::*;

    fn ours(items: &[(&str, &str)]) -> Secret {
        secret(controlled_by("SealedSecret", "db", "our-uid"), items)
    }

    #[test]
    fn overwriting_replaces_data_labels_annotations_and_owners_and_keeps_the_rest() {
        let mut live = secret(secret_meta("live"), &[("a", "1"), ("old", "2")]);
        live.metadata.labels = map(&[("foreign", "x")]);
        live.metadata.annotations = map(&[(MANAGED, "true")]);
        live.metadata.finalizers = vec!["keep".to_owned()];
        live.metadata.resource_version = "7".to_owned();
        let mut unsealed = ours(&[("a", "3")]);
        unsealed.metadata.labels = map(&[("l", "m")]);
        let result = updated(&live, unsealed.clone(), false);
        assert_eq!(result.data, unsealed.data);
        assert_eq!(result.metadata.labels, unsealed.metadata.labels);
        assert_eq!(result.metadata.annotations, map(&[]));
        assert_eq!(result.metadata.owner_references, unsealed.metadata.owner_references);
        assert_eq!(result.metadata.finalizers, ["keep"]);
        assert_eq!(result.metadata.resource_version, "7");
        assert_eq!(result.metadata.uid, "live");
    }

    #[test]
    fn merging_sets_our_keys_keeps_the_others_and_takes_ownership_only_of_what_is_managed() {
        for (managed, owned) in [(None, false), (Some("true"), true), (Some("TRUE"), false)] {
            let mut live = secret(secret_meta("live"), &[("a", "1"), ("theirs", "2")]);
            live.metadata.labels = map(&[("foreign", "x"), ("l", "0")]);
            let mut unsealed = ours(&[("a", "3"), ("new", "4")]);
            unsealed.metadata.labels = map(&[("l", "m")]);
            if let Some(value) = managed {
                unsealed.metadata.annotations = map(&[(MANAGED, value)]);
            }
            let result = updated(&live, unsealed, true);
            let want = secret(secret_meta(""), &[("a", "3"), ("new", "4"), ("theirs", "2")]);
            assert_eq!(result.data, want.data);
            assert_eq!(result.metadata.labels, map(&[("foreign", "x"), ("l", "m")]));
            assert_eq!(result.metadata.owner_references.is_empty(), !owned, "{managed:?}");
        }
    }

    #[test]
    fn an_empty_type_means_opaque_so_that_nothing_has_to_be_written_for_it() {
        let mut unsealed = ours(&[("a", "1")]);
        unsealed.r#type = String::new();
        let live = ours(&[("a", "1")]);
        assert_eq!(updated(&live, unsealed.clone(), false), live);
        assert_eq!(created(unsealed).r#type, "Opaque");
    }

    #[test]
    fn immutable_can_be_set_and_never_be_taken_away() {
        let cases = [
            (None, Some(true), Some(true)),
            (Some(false), Some(true), Some(true)),
            (Some(true), Some(false), Some(true)),
            (Some(true), None, Some(true)),
            (None, Some(false), None),
        ];
        for (before, wanted, after) in cases {
            let mut live = ours(&[]);
            live.immutable = before;
            let mut unsealed = ours(&[]);
            unsealed.immutable = wanted;
            assert_eq!(updated(&live, unsealed, false).immutable, after, "{before:?} {wanted:?}");
        }
    }

    #[test]
    fn fields_of_a_live_object_in_the_template_do_not_reach_a_create() {
        let mut unsealed = ours(&[]);
        unsealed.metadata.uid = "copied".to_owned();
        unsealed.metadata.resource_version = "12".to_owned();
        unsealed.metadata.creation_timestamp = Some(super::super::fixtures::at(0));
        unsealed.metadata.generate_name = "x".to_owned();
        let result = created(unsealed).metadata;
        assert_eq!((result.uid.as_str(), result.resource_version.as_str()), ("", ""));
        assert_eq!((result.creation_timestamp, result.generate_name.as_str()), (None, ""));
        assert_eq!(result.name, "db");
    }

    #[test]
    fn plain_text_of_the_deprecated_form_counts_as_data() {
        let mut unsealed = ours(&[]);
        unsealed.string_data.insert("a".to_owned(), SecretBytes::from(b"1".to_vec()));
        let result = updated(&ours(&[("a", "1")]), unsealed, false);
        assert_eq!(result, ours(&[("a", "1")]));
    }
}
