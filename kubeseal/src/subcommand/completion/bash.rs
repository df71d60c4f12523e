//! Completion for bash.

use super::{Line, Value, lines, spellings, subcommand_names, value};

/// The whole script.
pub(super) fn script() -> String {
    let functions: String = lines().iter().map(bash_function).collect();
    let names = subcommand_names().replace(' ', "|");
    let action = |line: &Line| {
        let (words, function) = (line.subcommand, function_name(line));
        format!("            \"{words}\") place=3; {function}; return ;;\n")
    };
    let actions: String = lines().iter().filter(|line| line.is_action()).map(action).collect();
    format!(
        r#"# Completion of kubeseal for bash: source <(kubeseal completion bash)
{functions}_kubeseal() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} place=2
    # bash takes --flag=value apart at the equals sign.
    if [[ $current == "=" ]]; then
        current=
    elif [[ $previous == "=" ]]; then
        previous=${{COMP_WORDS[COMP_CWORD-2]}}
    fi
    COMPREPLY=()
    if [[ $COMP_CWORD -gt 2 ]]; then
        case "${{COMP_WORDS[1]}} ${{COMP_WORDS[2]}}" in
{actions}        esac
    fi
    if [[ $COMP_CWORD -gt 1 ]]; then
        case ${{COMP_WORDS[1]}} in
            {names}) _kubeseal_${{COMP_WORDS[1]}}; return ;;
        esac
    fi
    place=1
    _kubeseal_
}}
complete -o filenames -o bashdefault -o default -F _kubeseal kubeseal
"#
    )
}

fn function_name(line: &Line) -> String {
    format!("_kubeseal_{}", line.subcommand.replace(' ', "_"))
}

/// Completes one command line; `place` is where its words stand.
fn bash_function(line: &Line) -> String {
    let all: Vec<String> = line.flags().flat_map(spellings).collect();
    let mut cases = String::new();
    for flag in line.flags() {
        let action = match value(flag) {
            Value::Nothing => continue,
            Value::File => "local IFS=$'\\n'; COMPREPLY=($(compgen -f -- \"$current\"))".to_owned(),
            Value::Anything => ":".to_owned(),
            Value::Words(words) => format!("COMPREPLY=($(compgen -W '{}' -- \"$current\"))", words.join(" ")),
        };
        cases.push_str(&format!("        {}) {action}; return ;;\n", spellings(flag).join("|")));
    }
    format!(
        r#"{name}() {{
    case $previous in
{cases}        "") return ;;
    esac
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W '{all}' -- "$current"))
    elif [[ $COMP_CWORD -eq $place ]]; then
        COMPREPLY=($(compgen -W '{words}' -- "$current"))
    fi
}}
"#,
        name = function_name(line),
        words = line.words(),
        all = all.join(" "),
    )
}
