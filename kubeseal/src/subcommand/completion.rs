//! Completion scripts.

use sealed_secrets_flags::{Flag, Kind};

use crate::flag_table::TABLE;

/// Flags whose value is the name of a file.
const FILES: &[&str] = &[
    "secret-file",
    "sealed-secret-file",
    "cert",
    "merge-into",
    "from-file",
    "recovery-private-key",
    "kubeconfig",
    "certificate-authority",
    "client-certificate",
    "client-key",
    "log_file",
    "log_dir",
];
const SHELLS: &str = "bash zsh fish powershell";

/// The script for a shell that is known.
pub(super) fn script(shell: &str) -> Option<String> {
    match shell {
        "bash" => Some(bash()),
        "zsh" => Some(zsh()),
        "fish" => Some(fish()),
        "powershell" => Some(powershell()),
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

fn flags() -> impl Iterator<Item = &'static Flag> {
    TABLE.iter().filter(|flag| !flag.is_hidden())
}

/// `--name` and, where there is one, `-x`.
fn spellings(flag: &Flag) -> Vec<String> {
    let short = flag.letter().map(|letter| format!("-{letter}"));
    short.into_iter().chain([format!("--{}", flag.name())]).collect()
}

fn bash() -> String {
    let all: Vec<String> = flags().flat_map(spellings).collect();
    let mut cases = String::new();
    let mut free = Vec::new();
    let mut files = Vec::new();
    for flag in flags() {
        match value(flag) {
            Value::Nothing => {}
            Value::File => files.extend(spellings(flag)),
            Value::Anything => free.extend(spellings(flag)),
            Value::Words(words) => cases.push_str(&format!(
                "        {}) COMPREPLY=($(compgen -W '{}' -- \"$current\")); return ;;\n",
                spellings(flag).join("|"),
                words.join(" ")
            )),
        }
    }
    format!(
        r#"# Completion of kubeseal for bash: source <(kubeseal completion bash)
_kubeseal() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
    # bash takes --flag=value apart at the equals sign.
    if [[ $current == "=" ]]; then
        current=
    elif [[ $previous == "=" ]]; then
        previous=${{COMP_WORDS[COMP_CWORD-2]}}
    fi
    COMPREPLY=()
    case $previous in
{cases}        {files}) local IFS=$'\n'; COMPREPLY=($(compgen -f -- "$current")); return ;;
        {free}) return ;;
    esac
    if [[ $COMP_CWORD -eq 2 && $previous == completion ]]; then
        COMPREPLY=($(compgen -W '{SHELLS}' -- "$current"))
    elif [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W '{all}' -- "$current"))
    elif [[ $COMP_CWORD -eq 1 ]]; then
        COMPREPLY=($(compgen -W 'completion man' -- "$current"))
    fi
}}
complete -o filenames -o bashdefault -F _kubeseal kubeseal
"#,
        files = files.join("|"),
        free = free.join("|"),
        all = all.join(" "),
    )
}

fn zsh() -> String {
    let mut lines = String::new();
    for flag in flags() {
        let repeated = if matches!(flag.kind(), Kind::CsvList | Kind::Array) { "*" } else { "" };
        let action = match value(flag) {
            Value::Nothing => String::new(),
            Value::File => ":file:_files".to_owned(),
            Value::Words(words) => format!(":value:({})", words.join(" ")),
            Value::Anything => ":value: ".to_owned(),
        };
        let equals = if action.is_empty() { "" } else { "=" };
        let description = zsh_text(flag.description());
        let rest = format!("'[{description}]{action}'");
        let name = flag.name();
        match flag.letter() {
            Some(letter) => {
                lines.push_str(&format!("        '(-{letter} --{name})'{{-{letter},--{name}{equals}}}{rest} \\\n"))
            }
            None => lines.push_str(&format!("        '{repeated}--{name}{equals}'{rest} \\\n")),
        }
    }
    format!(
        r#"#compdef kubeseal
# Completion of kubeseal for zsh: source <(kubeseal completion zsh), or a file _kubeseal in $fpath.
_kubeseal() {{
    _arguments -s \
{lines}        '1: :(completion man)' \
        '2: :{{ [[ $words[2] == completion ]] && compadd {SHELLS} }}'
}}
if [[ $funcstack[1] == _kubeseal ]]; then
    _kubeseal "$@"
else
    compdef _kubeseal kubeseal
fi
"#
    )
}

fn zsh_text(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '\'' => escaped.push_str("'\\''"),
            '[' | ']' | ':' | '\\' => escaped.extend(['\\', letter]),
            _ => escaped.push(letter),
        }
    }
    escaped
}

fn fish() -> String {
    let mut lines = String::new();
    for flag in flags() {
        let short = flag.letter().map(|letter| format!(" -s {letter}")).unwrap_or_default();
        let values = match value(flag) {
            Value::Nothing => String::new(),
            Value::File => " -r -F".to_owned(),
            Value::Words(words) => format!(" -x -a '{}'", words.join(" ")),
            Value::Anything => " -x".to_owned(),
        };
        let description = flag.description().replace('\\', "\\\\").replace('\'', "\\'");
        lines.push_str(&format!("complete -c kubeseal{short} -l {}{values} -d '{description}'\n", flag.name()));
    }
    format!(
        r"# Completion of kubeseal for fish: kubeseal completion fish | source
complete -c kubeseal -f
complete -c kubeseal -n __fish_use_subcommand -a completion -d 'print a completion script'
complete -c kubeseal -n __fish_use_subcommand -a man -d 'print the manual page'
complete -c kubeseal -n '__fish_seen_subcommand_from completion' -a '{SHELLS}'
{lines}"
    )
}

fn powershell() -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let (mut entries, mut words_of) = (String::new(), String::new());
    for flag in flags() {
        for spelling in spellings(flag) {
            entries.push_str(&format!(
                "        [CompletionResult]::new({0}, {0}, 'ParameterName', {1})\n",
                quoted(&spelling),
                quoted(flag.description())
            ));
            match value(flag) {
                Value::Nothing => {}
                Value::Words(words) => words_of.push_str(&format!(
                    "        {} = @({})\n",
                    quoted(&spelling),
                    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", ")
                )),
                // An empty answer makes the shell complete file names.
                Value::File | Value::Anything => words_of.push_str(&format!("        {} = @()\n", quoted(&spelling))),
            }
        }
    }
    let shells = SHELLS.split(' ').map(quoted).collect::<Vec<_>>().join(", ");
    format!(
        r#"# Completion of kubeseal for PowerShell: kubeseal completion powershell | Out-String | Invoke-Expression
using namespace System.Management.Automation
Register-ArgumentCompleter -Native -CommandName kubeseal -ScriptBlock {{
    param($word, $line, $position)
    $before = @($line.CommandElements | Where-Object {{ $_.Extent.EndOffset -lt $position }} | ForEach-Object {{ $_.ToString() }})
    $values = @{{
{words_of}    }}
    $flags = @(
{entries}    )
    if ($before.Count -eq 1 -and -not $word.StartsWith('-')) {{ $found = @('completion', 'man') }}
    elseif ($before.Count -eq 2 -and $before[1] -ceq 'completion') {{ $found = @({shells}) }}
    elseif ($values.ContainsKey($before[-1])) {{ $found = $values[$before[-1]] }}
    else {{ return $flags | Where-Object {{ $_.CompletionText -clike "$word*" }} }}
    $found | Where-Object {{ $_ -clike "$word*" }} | ForEach-Object {{ [CompletionResult]::new($_, $_, 'ParameterValue', $_) }}
}}
"#
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn every_visible_flag_is_in_every_script_and_no_hidden_one() {
        for shell in SHELLS.split(' ') {
            let script = script(shell).unwrap();
            for flag in TABLE {
                let name = flag.name();
                let spelling = if shell == "fish" { format!("-l {name} ") } else { format!("--{name}") };
                assert_eq!(script.contains(&spelling), !flag.is_hidden(), "{shell}: {name}");
            }
            assert!(script.contains("namespace-wide"), "{shell}");
        }
        assert!(script("tcsh").is_none());
    }

    #[test]
    fn the_flags_for_files_exist_and_take_text() {
        for name in FILES {
            let flag = TABLE.iter().find(|flag| flag.name() == *name).unwrap();
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
            (&["kubeseal", "x", "m"], ""),
        ] {
            let words = line.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
            let code = format!(
                "{}\nCOMP_WORDS=({words}); COMP_CWORD={}; _kubeseal; echo \"${{COMPREPLY[*]}}\"",
                bash(),
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
            bash()
        );
        let output = Command::new("bash").args(["--norc", "-c", &code]).current_dir(place.path()).output().unwrap();
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let wanted = "complete -o bashdefault -o filenames -F _kubeseal kubeseal\n<my key.pem>\n<my other.pem>\n";
        assert_eq!(out, wanted, "{}", String::from_utf8_lossy(&output.stderr));
    }

    #[test]
    fn descriptions_are_quoted_for_each_shell() {
        assert_eq!(zsh_text("it's [a]: \\"), "it'\\''s \\[a\\]\\: \\\\");
        assert!(script("fish").unwrap().contains("the controller\\'s Service"));
        assert!(script("powershell").unwrap().contains("the controller''s Service"));
    }
}
