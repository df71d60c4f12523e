//! Writes the images of the controller and of kubeseal as OCI archives (spec/manifests.md 6), from programs that are built.
//!
//! The same programs and the same time give the same bytes, wherever and whenever this runs.

mod archive;
mod image;
mod layer;

use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs, io};

use archive::Archive;
use image::{Image, Platform, Program};

const USAGE: &str = "usage: image --output FOLDER --version VERSION --created SECONDS --platform ARCHITECTURE=FOLDER...
  --output      where the archives are written
  --version     version of both programs
  --created     the images' time in Unix seconds, as SOURCE_DATE_EPOCH
  --platform    folder with the static programs `controller` and `kubeseal` for amd64 or arm64; may be repeated";

/// What is written.
const IMAGES: [Image; 2] = [
    Image { name: "sealed-secrets-controller", programs: &[Program::Controller, Program::Kubeseal] },
    Image { name: "sealed-secrets-kubeseal", programs: &[Program::Kubeseal] },
];

/// Why no image was written.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}\n{USAGE}")]
    Usage(String),
    #[error("{path}: {problem}")]
    File { path: PathBuf, problem: io::Error },
    #[error(transparent)]
    Write(#[from] io::Error),
    #[error("{path}: {problem}")]
    Program { path: PathBuf, problem: &'static str },
}

#[derive(Default)]
struct Options {
    output: Option<PathBuf>,
    version: Option<String>,
    created: Option<i64>,
    platforms: Vec<(Platform, PathBuf)>,
}

fn main() -> ExitCode {
    match run(env::args().skip(1)) {
        Ok(report) => {
            use io::Write;
            // Nobody to tell it to.
            let _ = io::stdout().write_all(report.as_bytes());
            ExitCode::SUCCESS
        }
        Err(problem) => {
            use io::Write;
            let _ = writeln!(io::stderr(), "image: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Gives one line per archive: its path and the digest that pulling it would show.
fn run(args: impl Iterator<Item = String>) -> Result<String, Error> {
    let Options { output, version, created, platforms } = parse(args)?;
    let missing = |name: &str| Error::Usage(format!("{name} is missing"));
    let output = output.ok_or_else(|| missing("--output"))?;
    let version = version.ok_or_else(|| missing("--version"))?;
    let created = created.ok_or_else(|| missing("--created"))?;
    if platforms.is_empty() {
        return Err(missing("--platform"));
    }
    fs::create_dir_all(&output).map_err(|problem| Error::File { path: output.clone(), problem })?;
    let mut report = String::new();
    for image in IMAGES {
        let mut archive = Archive::default();
        let digest = image.write(&mut archive, &platforms, &version, created)?;
        let path = output.join(format!("{}.tar", image.name));
        let bytes = archive.finish(created)?;
        fs::write(&path, bytes).map_err(|problem| Error::File { path: path.clone(), problem })?;
        report.push_str(&format!("{} {digest}\n", path.display()));
    }
    Ok(report)
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Options, Error> {
    let mut options = Options::default();
    while let Some(name) = args.next() {
        let value = args.next().ok_or_else(|| Error::Usage(format!("{name} needs a value")))?;
        match name.as_str() {
            "--output" => options.output = Some(value.into()),
            "--version" => options.version = Some(value),
            "--created" => {
                let seconds = value.parse().map_err(|_| Error::Usage(format!("--created {value}: not a number")))?;
                options.created = Some(seconds);
            }
            "--platform" => {
                let known = value.split_once('=').and_then(|(name, path)| Some((Platform::named(name)?, path.into())));
                let wrong = || Error::Usage(format!("--platform {value}: not amd64=FOLDER or arm64=FOLDER"));
                options.platforms.push(known.ok_or_else(wrong)?);
            }
            _ => return Err(Error::Usage(format!("unknown option {name}"))),
        }
    }
    Ok(options)
}
