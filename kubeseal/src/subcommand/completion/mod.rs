//! Completion scripts.

mod bash;
mod fish;
mod powershell;
mod zsh;

use sealed_secrets_flags::{Flag, Kind, Values};

use super::{ALL, PLAIN_STATUSES, Subcommand, with_actions};
use crate::error::Result;
use crate::flag_table::TABLE;
use crate::output::write_stdout;

/// Flags whose value is the name of a file or folder.
const FILES: &[&str] = &[
    "secret-file",
    "sealed-secret-file",
    "cert",
    "merge-into",
    "from-file",
    "from-keys",
    "identity",
    "passphrase-file",
    "output-file",
    "verify",
    "in",
    "to-cert",
    "write-to",
    "recovery-private-key",
    "kubeconfig",
    "certificate-authority",
    "client-certificate",
    "client-key",
    "log_file",
    "log_dir",
];
const SHELLS: &str = "bash zsh fish powershell";

pub(super) static COMPLETION: Subcommand = Subcommand {
    name: "completion",
    arguments: "bash|zsh|fish|powershell",
    summary: "print a completion script for this shell",
    about: "Prints a script that makes a shell complete flags, their values and subcommands.\n",
    examples: &[
        ("In bash:", "source <(kubeseal completion bash)"),
        ("In zsh:", "source <(kubeseal completion zsh)"),
        ("In fish:", "kubeseal completion fish | source"),
        ("In PowerShell:", "kubeseal completion powershell | Out-String | Invoke-Expression"),
    ],
    statuses: PLAIN_STATUSES,
    flags: || &[],
    run,
};

fn run(values: &Values) -> Result<()> {
    let supported = "bash, zsh, fish and powershell are supported";
    COMPLETION.takes_no(values.positionals().get(1))?;
    let Some(shell) = values.positionals().first() else {
        return Err(COMPLETION.misused(format!("completion needs the name of a shell: {supported}")));
    };
    match script(shell) {
        Some(script) => write_stdout(script.as_bytes()),
        None => Err(COMPLETION.misused(format!("no completion for shell {shell:?}: {supported}"))),
    }
}

/// The script for a shell that is known.
fn script(shell: &str) -> Option<String> {
    match shell {
        "bash" => Some(bash::script()),
        "zsh" => Some(zsh::script()),
        "fish" => Some(fish::script()),
        "powershell" => Some(powershell::script()),
        _ => None,
    }
}

/// What may stand behind a flag.
enum Value {
    Nothing,
    File,
    Words(Vec<&'static str>),
    Anything,
}

fn value(flag: &Flag) -> Value {
    match flag.kind() {
        Kind::Bool => Value::Nothing,
        Kind::Choice(words) => Value::Words(words.iter().copied().filter(|word| !word.is_empty()).collect()),
        _ if flag.name() == "format" => Value::Words(vec!["json", "yaml"]),
        _ if FILES.contains(&flag.name()) => Value::File,
        _ => Value::Anything,
    }
}

/// A command line that is completed: without a subcommand, whose name is empty then, or with one.
struct Line {
    subcommand: &'static str,
    table: &'static [Flag],
}

impl Line {
    fn flags(&self) -> impl Iterator<Item = &'static Flag> {
        self.table.iter().filter(|flag| !flag.is_hidden())
    }

    /// What may stand where no flag does, apart from file names.
    fn words(&self) -> String {
        match self.subcommand {
            "" => subcommand_names(),
            "completion" => SHELLS.to_owned(),
            name => Subcommand::named(name).map(action_words).unwrap_or_default(),
        }
    }

    /// Whether it is one of the words that stand behind another.
    fn is_action(&self) -> bool {
        self.subcommand.contains(' ')
    }
}

fn lines() -> Vec<Line> {
    let with = with_actions().map(|subcommand| Line { subcommand: subcommand.name, table: (subcommand.flags)() });
    std::iter::once(Line { subcommand: "", table: TABLE }).chain(with).collect()
}

fn subcommand_names() -> String {
    ALL.iter().map(|subcommand| subcommand.name).collect::<Vec<_>>().join(" ")
}

/// The last words of the names of its actions.
fn action_words(subcommand: &Subcommand) -> String {
    let last = |action: &&Subcommand| action.name.rsplit(' ').next().unwrap_or_default();
    subcommand.actions().iter().map(last).collect::<Vec<_>>().join(" ")
}

/// The subcommands that have actions, and the words of these.
fn groups() -> impl Iterator<Item = (&'static str, String)> {
    ALL.iter().filter(|one| !one.actions().is_empty()).map(|one| (one.name, action_words(one)))
}

/// `--name` and, where there is one, `-x`.
fn spellings(flag: &Flag) -> Vec<String> {
    let short = flag.letter().map(|letter| format!("-{letter}"));
    short.into_iter().chain([format!("--{}", flag.name())]).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn every_visible_flag_is_in_every_script_and_no_hidden_one() {
        for shell in SHELLS.split(' ') {
            let script = script(shell).unwrap();
            for flag in lines().iter().flat_map(|line| line.table) {
                let name = flag.name();
                let spelling = if shell == "fish" { format!("-l {name} ") } else { format!("--{name}") };
                assert_eq!(script.contains(&spelling), !flag.is_hidden(), "{shell}: {name}");
            }
            assert!(ALL.iter().all(|subcommand| script.contains(subcommand.name)), "{shell}");
            assert!(script.contains("namespace-wide"), "{shell}");
        }
        assert!(script("tcsh").is_none());
    }

    #[test]
    fn the_flags_for_files_exist_and_take_text() {
        for name in FILES {
            let lines = lines();
            let flag = lines.iter().flat_map(|line| line.table).find(|flag| flag.name() == *name).unwrap();
            assert!(matches!(value(flag), Value::File), "{name}");
        }
    }

    #[test]
    fn bash_completes_flags_words_and_subcommands() {
        for (line, want) in [
            (
                &["kubeseal", "--re"][..],
                "--re-encrypt --recovery-private-key --recovery-unseal --record-key --request-timeout",
            ),
            (&["kubeseal", "--scope", ""], "strict namespace-wide cluster-wide"),
            (&["kubeseal", "--scope", "=", "n"], "namespace-wide"),
            (&["kubeseal", "-o", "y"], "yaml"),
            (&["kubeseal", "--name", "x"], ""),
            (&["kubeseal", "com"], "completion"),
            (&["kubeseal", "completion", "f"], "fish"),
            (&["kubeseal", ""], "completion edit inspect keys lint man reencrypt set unset"),
            (&["kubeseal", "keys", "re"], "renew restore retire"),
            (&["kubeseal", "keys", "retire", "--ol"], "--older-than"),
            (&["kubeseal", "keys", "list", "-o", ""], "text json"),
            (&["kubeseal", "keys", "restore", ""], ""),
            (&["kubeseal", "keys", "nothing", "--"], ""),
            (&["kubeseal", "reencrypt", "--to"], "--to-cert --token"),
            (&["kubeseal", "inspect", "-o", "t"], "text"),
            (&["kubeseal", "inspect", "-o", "=", ""], "text json"),
            (&["kubeseal", "inspect", "--raw"], ""),
            (&["kubeseal", "lint", ""], ""),
            (&["kubeseal", "inspect"], "inspect"),
            (&["kubeseal", "x", "m"], ""),
        ] {
            let words = line.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
            let code = format!(
                "{}\nCOMP_WORDS=({words}); COMP_CWORD={}; _kubeseal; echo \"${{COMPREPLY[*]}}\"",
                bash::script(),
                line.len() - 1
            );
            let output = Command::new("bash").args(["--norc", "-c", &code]).output().unwrap();
            let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            let sorted = |text: &str| {
                let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
                words.sort();
                words
            };
            assert_eq!((sorted(&out), &*err), (sorted(want), ""), "{line:?}");
        }
    }

    #[test]
    fn bash_registers_the_completion_and_completes_file_names_with_blanks() {
        let place = tempfile::tempdir().unwrap();
        for name in ["my key.pem", "my other.pem", "x.pem"] {
            std::fs::write(place.path().join(name), "").unwrap();
        }
        let code = format!(
            "{}\ncomplete -p kubeseal; COMP_WORDS=(kubeseal --cert my); COMP_CWORD=2; _kubeseal; \
             printf '<%s>\\n' \"${{COMPREPLY[@]}}\" | sort",
            bash::script()
        );
        let output = Command::new("bash").args(["--norc", "-c", &code]).current_dir(place.path()).output().unwrap();
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let wanted =
            "complete -o bashdefault -o default -o filenames -F _kubeseal kubeseal\n<my key.pem>\n<my other.pem>\n";
        assert_eq!(out, wanted, "{}", String::from_utf8_lossy(&output.stderr));
    }

    #[test]
    fn an_interactive_bash_completes_the_names_of_files_as_well() {
        let place = tempfile::tempdir().unwrap();
        for name in ["two.yaml", "srv.key"] {
            std::fs::write(place.path().join(name), "").unwrap();
        }
        std::fs::write(place.path().join("completion"), bash::script()).unwrap();
        let typed = "kubeseal() { printf '<%s>' \"$@\"; cat; echo; }; . ./completion; PS1=\n\
                     kubeseal edit tw\t </dev/null\nkubeseal keys restore sr\t </dev/null\nkubeseal -o y\t <tw\t\nexit\n";
        let mut shell = Command::new("script");
        shell.args(["-qec", "bash --norc --noprofile -i", "/dev/null"]).current_dir(place.path()).env("TERM", "dumb");
        shell.env_remove("INPUTRC").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = shell.spawn().unwrap();
        shell.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
        let output = shell.wait_with_output().unwrap();
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        for wanted in ["<edit><two.yaml>", "<keys><restore><srv.key>", "<-o><yaml>"] {
            assert!(out.contains(wanted), "{wanted}: {out}");
        }
    }

    #[test]
    fn descriptions_are_quoted_for_each_shell() {
        assert_eq!(zsh::zsh_text("it's [a]: \\"), "it'\\''s \\[a\\]\\: \\\\");
        assert!(script("fish").unwrap().contains("the controller\\'s Service"));
        assert!(script("powershell").unwrap().contains("the controller''s Service"));
    }
}
