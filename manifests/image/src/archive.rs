//! An OCI image layout as one archive (image-spec 1.1, image-layout.md), as `skopeo`, `podman load` and `ctr` take it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::layer::Tree;

/// What an image manifest, an image index and their parts are called.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Blobs by their digest, and what the archive's index names.
#[derive(Default)]
pub(crate) struct Archive {
    blobs: BTreeMap<String, Vec<u8>>,
    roots: Vec<Value>,
}

impl Archive {
    /// Stores bytes and gives their descriptor.
    pub(crate) fn add(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let digest = digest(&bytes);
        let descriptor = json!({"mediaType": media_type, "digest": digest, "size": bytes.len()});
        self.blobs.insert(digest, bytes);
        descriptor
    }

    /// Stores a document and gives its descriptor.
    pub(crate) fn add_json(&mut self, media_type: &str, document: &Value) -> Value {
        self.add(media_type, document.to_string().into_bytes())
    }

    /// Names what the archive is for, under a tag.
    pub(crate) fn name(&mut self, mut descriptor: Value, tag: &str) {
        descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        self.roots.push(descriptor);
    }

    /// The archive.
    pub(crate) fn finish(self, time: i64) -> io::Result<Vec<u8>> {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": self.roots});
        let mut tree = Tree::default();
        tree.file("oci-layout", 0o644, br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec());
        tree.file("index.json", 0o644, index.to_string().into_bytes());
        for (digest, bytes) in self.blobs {
            tree.file(&format!("blobs/{}", digest.replace(':', "/")), 0o644, bytes);
        }
        tree.tar(time)
    }
}

/// `sha256:` and hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
