//! What re-encrypting a repository costs above the RSA operations that it cannot do without, on all cores.

#![allow(clippy::print_stdout, reason = "tables on standard output are what this program is for")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use jiff::Timestamp;
use sealed_secrets_bench::Failure;
use sealed_secrets_bench::launch::{Cost, Launch};
use sealed_secrets_bench::rounds::spread;
use sealed_secrets_bench::table::{Table, time, times};
use sealed_secrets_crypto::{CertificateProfile, EnvelopeParts, Label, PrivateKey, SystemRandom, seal, self_signed};
use sealed_secrets_resource::encode_base64;

const ITEMS: usize = 1000;
/// Where many files are replaced, before each round: an ext4 without a journal passes over every place of a file that was
/// deleted within the last minute before it takes another one, so that a round would pay for the one before it.
const REST: Duration = Duration::from_secs(61);
const TARGET: f64 = 1.3;
const VALUE: &[u8; 32] = b"correct horse battery staple +32";

fn main() -> Result<(), Failure> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [kubeseal, work] = arguments.as_slice() else {
        return Err("usage: repository KUBESEAL WORK".into());
    };
    let cores = thread::available_parallelism()?.get();
    let title = format!("Re-encrypting {ITEMS} items of a 4096-bit key, against bare RSA-OAEP on {cores} cores");
    let heads = ["", "time", "bare RSA", "ratio", "middle half of rounds", "target", "processor", "bare RSA"];
    let mut table = Table::new(&title, heads);
    let rows = [("1000 files", ITEMS, 5, REST), ("one file of 1000 objects", 1, 9, Duration::ZERO)];
    for (name, files, rounds, rest) in rows {
        let repository = Repository::new(work, files)?;
        let (mut ratios, mut totals, mut bares) = (Vec::new(), Vec::new(), Vec::new());
        let (mut processor, mut alone) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            repository.write()?;
            thread::sleep(rest);
            let bare = repository.bare(cores)?;
            let run = repository.re_encrypt(kubeseal)?;
            ratios.push(run.elapsed.as_secs_f64() / bare.as_secs_f64());
            totals.push(run.elapsed.as_secs_f64());
            bares.push(bare.as_secs_f64());
            processor.push(run.processor.as_secs_f64());
            alone.push(repository.bare(1)?.as_secs_f64());
        }
        let ratio = spread(&ratios);
        table.row([
            name.to_owned(),
            time(spread(&totals).median),
            time(spread(&bares).median),
            times(ratio.median),
            format!("{} to {}", times(ratio.low), times(ratio.high)),
            format!("at most {}", times(TARGET)),
            time(spread(&processor).median),
            time(spread(&alone).low),
        ]);
    }
    print!("{table}");
    Ok(())
}

/// A repository as text, and what is needed to encrypt it again.
struct Repository {
    folder: PathBuf,
    backup: PathBuf,
    certificate: PathBuf,
    files: Vec<(PathBuf, String)>,
    block: Vec<u8>,
    decrypting: OaepPrivateDecryptingKey,
    encrypting: OaepPublicEncryptingKey,
}

impl Repository {
    fn new(work: &Path, files: usize) -> Result<Repository, Failure> {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa4096)?;
        let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key)?;
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", encode_base64(der.as_ref()));
        let old = PrivateKey::from_pem(pem.as_bytes())?;
        let new = PrivateKey::generate(4096)?;
        let profile =
            CertificateProfile { common_name: "", not_before: Timestamp::now(), valid_for: Duration::from_secs(3600) };
        let (backup, certificate) = (work.join("old.key"), work.join("new.pem"));
        fs::write(&backup, &pem)?;
        fs::write(&certificate, self_signed(&new, &profile, &mut SystemRandom)?.to_pem())?;

        let folder = work.join(format!("repository-{files}"));
        let mut texts = vec![String::new(); files];
        for number in 0..ITEMS {
            let label = Label::strict("shop", &format!("db-{number}"));
            let text = encode_base64(&seal(old.public_key(), &label, VALUE, &mut SystemRandom)?);
            texts[number % files].push_str(&format!(
                "---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db-{number}\n  namespace: shop\nspec:\n  \
                 encryptedData:\n    password: {text}\n"
            ));
        }
        let files = texts.into_iter().enumerate().map(|(number, text)| (folder.join(format!("{number}.yaml")), text));
        let envelope = seal(old.public_key(), &Label::cluster_wide(), VALUE, &mut SystemRandom)?;
        Ok(Repository {
            files: files.collect(),
            folder,
            backup,
            certificate,
            block: EnvelopeParts::split(&envelope).ok_or("no envelope")?.wrapped_key.to_vec(),
            encrypting: OaepPublicEncryptingKey::new(key.public_key())?,
            decrypting: OaepPrivateDecryptingKey::new(key)?,
        })
    }

    /// Puts everything back as it was before, on the disk as well.
    fn write(&self) -> Result<(), Failure> {
        fs::create_dir_all(&self.folder)?;
        for (path, text) in &self.files {
            let mut file = fs::File::create(path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
        }
        Ok(())
    }

    fn re_encrypt(&self, kubeseal: &Path) -> Result<Cost, Failure> {
        let [backup, certificate, folder] =
            [&self.backup, &self.certificate, &self.folder].map(|path| path.to_string_lossy().into_owned());
        let arguments = ["reencrypt", "--from-keys", &backup, "--cert", &certificate, &folder];
        Launch::new(kubeseal, &arguments).quietly().run()
    }

    /// One private and one public operation for each item, spread over the cores.
    fn bare(&self, cores: usize) -> Result<Duration, Failure> {
        let operations = |count: usize| {
            let mut plain = vec![0; self.decrypting.min_output_size()];
            let mut block = vec![0; self.encrypting.ciphertext_size()];
            (0..count).all(|_| {
                let opened = self.decrypting.decrypt(&OAEP_SHA256_MGF1SHA256, &self.block, &mut plain, Some(b""));
                let sealed = self.encrypting.encrypt(&OAEP_SHA256_MGF1SHA256, VALUE, &mut block, Some(b""));
                opened.is_ok() && sealed.is_ok()
            })
        };
        let operations = &operations;
        let start = Instant::now();
        let all = thread::scope(|scope| {
            let threads: Vec<_> = (0..cores)
                .map(|core| scope.spawn(move || operations(ITEMS / cores + usize::from(core < ITEMS % cores))))
                .collect();
            threads.into_iter().all(|thread| thread.join().unwrap_or(false))
        });
        if all { Ok(start.elapsed()) } else { Err("an RSA operation failed".into()) }
    }
}
