//! The files of a repository: finding them, reading those that matter, and the settings that hold for them.

mod contents;
mod settings;
mod target;
mod walk;

pub(crate) use contents::{Contents, is_template, read};
pub(crate) use settings::{FileSettings, SettingsFinder};
pub(crate) use target::Targets;
pub(crate) use walk::{Found, Walk, walk};
