//! Completion for fish.

use super::{SHELLS, Value, groups, lines, subcommand_names, value};
use crate::subcommand::ALL;

/// The whole script.
pub(super) fn script() -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
    let names = subcommand_names();
    let mut text = String::new();
    for subcommand in ALL {
        let (name, summary) = (subcommand.name, quoted(subcommand.summary));
        text.push_str(&format!("complete -c kubeseal -n __fish_use_subcommand -a {name} -d '{summary}'\n"));
    }
    for line in lines() {
        let condition = match line.subcommand.split_once(' ') {
            None if line.subcommand.is_empty() => format!("not __fish_seen_subcommand_from {names}"),
            None => format!("__fish_seen_subcommand_from {}", line.subcommand),
            Some((name, action)) => {
                format!("__fish_seen_subcommand_from {name}; and __fish_seen_subcommand_from {action}")
            }
        };
        match line.subcommand {
            "" => {}
            name if groups().any(|(group, _)| group == name) => {
                let words = line.words();
                text.push_str(&format!(
                    "complete -c kubeseal -n '{condition}; and not __fish_seen_subcommand_from {words}' -a '{words}'\n"
                ));
            }
            "completion" => text.push_str(&format!("complete -c kubeseal -n '{condition}' -a '{SHELLS}'\n")),
            _ => text.push_str(&format!("complete -c kubeseal -n '{condition}' -F\n")),
        }
        for flag in line.flags() {
            let short = flag.letter().map(|letter| format!(" -s {letter}")).unwrap_or_default();
            let values = match value(flag) {
                Value::Nothing => String::new(),
                Value::File => " -r -F".to_owned(),
                Value::Words(words) => format!(" -x -a '{}'", words.join(" ")),
                Value::Anything => " -x".to_owned(),
            };
            let (name, description) = (flag.name(), quoted(flag.description()));
            text.push_str(&format!(
                "complete -c kubeseal -n '{condition}'{short} -l {name}{values} -d '{description}'\n"
            ));
        }
    }
    format!("# Completion of kubeseal for fish: kubeseal completion fish | source\ncomplete -c kubeseal -f\n{text}")
}
