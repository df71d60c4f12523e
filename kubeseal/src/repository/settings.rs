//! Finding the `.kubeseal.yaml` that holds for a file: in its folder or the next one above it.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sealed_secrets_resource::repository_settings::{FILE_NAME, RepositorySettings, Settings};

use crate::error::{Error, Result};
use crate::input;
use crate::output::directory_of;

/// Looks settings up and remembers them by folder.
#[derive(Default)]
pub(crate) struct SettingsFinder {
    known: Mutex<HashMap<PathBuf, Option<Arc<Located>>>>,
}

/// What holds for one file.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileSettings {
    pub(crate) settings: Settings,
    /// The folder that file names in it are relative to.
    pub(crate) folder: PathBuf,
}

#[derive(Debug)]
struct Located {
    folder: PathBuf,
    owner: u32,
    /// What is in the file, or why it cannot be used; read once, for the first file that may be told by it.
    settings: OnceLock<Result<RepositorySettings>>,
}

impl SettingsFinder {
    /// The settings for a file that exists; without any the defaults.
    ///
    /// The search ends at the root of a repository (a folder with `.git`) or of the file system.
    ///
    /// # Errors
    /// Settings that cannot be read, or that somebody else put there: what they name would be sealed for.
    pub(crate) fn of(&self, file: &Path) -> Result<FileSettings> {
        let failure = |error: &std::io::Error| Error::file("open", &file.to_string_lossy(), error);
        let parent = directory_of(file);
        let folder = fs::canonicalize(parent).map_err(|error| failure(&error))?;
        let owner = fs::metadata(file).map_err(|error| failure(&error))?.uid();
        let Some(located) = self.above(&folder) else {
            return Ok(FileSettings::default());
        };
        let settings = located.settings_for(owner)?;
        let inside =
            folder.strip_prefix(&located.folder).unwrap_or(Path::new("")).join(file.file_name().unwrap_or_default());
        let path = inside.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        Ok(FileSettings { settings: settings.for_path(&path), folder: located.folder.clone() })
    }

    fn above(&self, folder: &Path) -> Option<Arc<Located>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut passed, mut found) = (Vec::new(), None);
        for folder in folder.ancestors() {
            if let Some(located) = known.get(folder) {
                found = located.clone();
                break;
            }
            passed.push(folder.to_owned());
            found = locate(folder).map(Arc::new);
            if found.is_some() || folder.join(".git").exists() {
                break;
            }
        }
        known.extend(passed.into_iter().map(|folder| (folder, found.clone())));
        found
    }
}

fn locate(folder: &Path) -> Option<Located> {
    let metadata = fs::metadata(folder.join(FILE_NAME)).ok()?;
    Some(Located { folder: folder.to_owned(), owner: metadata.uid(), settings: OnceLock::new() })
}

impl Located {
    fn settings_for(&self, owner: u32) -> Result<RepositorySettings> {
        let path = self.folder.join(FILE_NAME);
        let name = path.to_string_lossy();
        if self.owner != owner && self.owner != 0 {
            return Err(Error::new(format!("{name} belongs to another user and is not used"))
                .hint("it would say for whom to seal; give it to the owner of the files below"));
        }
        let read = || {
            let settings = RepositorySettings::parse(&input::read_file(&name)?);
            settings.map_err(|error| Error::new(format!("{name}: {error}")))
        };
        self.settings.get_or_init(read).clone()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_settings_hold_up_to_the_root_of_the_repository() {
        let place = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = place.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        };
        write(".kubeseal.yaml", "rules: [{namespace: outer}]");
        write("near/.kubeseal.yaml", "rules: [{paths: deep/x.yaml, namespace: near}]");
        fs::create_dir_all(place.path().join("clone/.git")).unwrap();
        write("broken/.kubeseal.yaml", "rules: x");
        let finder = SettingsFinder::default();
        for (name, want) in [
            ("a/b/x.yaml", Some("outer")),
            ("a/x.yaml", Some("outer")),
            ("near/deep/x.yaml", Some("near")),
            ("near/deep/y.yaml", None),
            ("clone/a/x.yaml", None),
        ] {
            let found = finder.of(&write(name, "")).unwrap();
            assert_eq!(found.settings.namespace.as_deref(), want, "{name}");
        }
        for name in ["broken/x.yaml", "broken/again.yaml"] {
            let error = finder.of(&write(name, "")).unwrap_err().to_string();
            assert!(error.ends_with("/broken/.kubeseal.yaml: line 1: rules must be a list"), "{error}");
        }
    }
}
