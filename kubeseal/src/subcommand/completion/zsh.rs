//! Completion for zsh.

use sealed_secrets_flags::{Flag, Kind};

use super::{Line, Value, groups, lines, subcommand_names, value};

/// The whole script.
pub(super) fn script() -> String {
    let lines = lines();
    let (main, subcommands) = lines.split_at(1);
    let arguments = |line: &Line| line.flags().map(zsh_argument).collect::<String>();
    let mut cases = String::new();
    for line in subcommands.iter().filter(|line| !line.is_action()) {
        if let Some((name, words)) = groups().find(|(name, _)| *name == line.subcommand) {
            cases.push_str(&format!("    {name})\n        case $words[3] in\n"));
            for action in subcommands {
                let Some((_, word)) = action.subcommand.split_once(' ').filter(|(group, _)| *group == name) else {
                    continue;
                };
                cases.push_str(&format!(
                    "        {word})\n        _arguments -s \\\n{}        '1: :({name})' \\\n        '2: :({words})' \\\n        '*:file:_files' ;;\n",
                    arguments(action)
                ));
            }
            cases.push_str(&format!(
                "        *)\n        _arguments '1: :({name})' '2: :({words})' ;;\n        esac ;;\n"
            ));
            continue;
        }
        let words = line.words();
        let rest = if words.is_empty() { "'*:file:_files'".to_owned() } else { format!("'2: :({words})'") };
        let name = line.subcommand;
        cases.push_str(&format!(
            "    {name})\n        _arguments -s \\\n{}        '1: :({name})' \\\n        {rest} ;;\n",
            arguments(line)
        ));
    }
    format!(
        r#"#compdef kubeseal
# Completion of kubeseal for zsh: source <(kubeseal completion zsh), or a file _kubeseal in $fpath.
_kubeseal() {{
    case $words[2] in
{cases}    *)
        _arguments -s \
{main}        '1: :({names})' ;;
    esac
}}
if [[ $funcstack[1] == _kubeseal ]]; then
    _kubeseal "$@"
else
    compdef _kubeseal kubeseal
fi
"#,
        main = main.iter().map(arguments).collect::<String>(),
        names = subcommand_names(),
    )
}

fn zsh_argument(flag: &Flag) -> String {
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
        Some(letter) => format!("        '(-{letter} --{name})'{{-{letter},--{name}{equals}}}{rest} \\\n"),
        None => format!("        '{repeated}--{name}{equals}'{rest} \\\n"),
    }
}

pub(super) fn zsh_text(text: &str) -> String {
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
