//! Completion for PowerShell.

use super::{SHELLS, Value, groups, lines, spellings, subcommand_names, value};

/// The whole script.
pub(super) fn script() -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let list =
        |words: &str| words.split(' ').filter(|word| !word.is_empty()).map(quoted).collect::<Vec<_>>().join(", ");
    let (mut flags, mut values) = (String::new(), String::new());
    for line in lines() {
        let (mut entries, mut words_of) = (String::new(), String::new());
        for flag in line.flags() {
            for spelling in spellings(flag) {
                entries.push_str(&format!(
                    "            [CompletionResult]::new({0}, {0}, 'ParameterName', {1})\n",
                    quoted(&spelling),
                    quoted(flag.description())
                ));
                let words = match value(flag) {
                    Value::Nothing => continue,
                    Value::Words(words) => list(&words.join(" ")),
                    // An empty answer makes the shell complete file names.
                    Value::File | Value::Anything => String::new(),
                };
                words_of.push_str(&format!("            {} = @({words})\n", quoted(&spelling)));
            }
        }
        let name = quoted(line.subcommand);
        flags.push_str(&format!("        {name} = @(\n{entries}        )\n"));
        values.push_str(&format!("        {name} = @{{\n{words_of}        }}\n"));
    }
    let (shells, names) = (list(SHELLS), list(&subcommand_names()));
    let action = |(name, words): (&str, String)| format!("        {} = @({})\n", quoted(name), list(&words));
    let actions: String = groups().map(action).collect();
    format!(
        r#"# Completion of kubeseal for PowerShell: kubeseal completion powershell | Out-String | Invoke-Expression
using namespace System.Management.Automation
Register-ArgumentCompleter -Native -CommandName kubeseal -ScriptBlock {{
    param($word, $line, $position)
    $before = @($line.CommandElements | Where-Object {{ $_.Extent.EndOffset -lt $position }} | ForEach-Object {{ $_.ToString() }})
    $flags = @{{
{flags}    }}
    $values = @{{
{values}    }}
    $subcommand = if ($before.Count -gt 1 -and $flags.ContainsKey($before[1])) {{ $before[1] }} else {{ '' }}
    if ($before.Count -gt 2 -and $flags.ContainsKey("$($before[1]) $($before[2])")) {{ $subcommand = "$($before[1]) $($before[2])" }}
    $actions = @{{
{actions}    }}
    if ($before.Count -eq 1 -and -not $word.StartsWith('-')) {{ $found = @({names}) }}
    elseif ($before.Count -eq 2 -and $subcommand -ceq 'completion') {{ $found = @({shells}) }}
    elseif ($before.Count -eq 2 -and $actions.ContainsKey($subcommand)) {{ $found = $actions[$subcommand] }}
    elseif ($values[$subcommand].ContainsKey($before[-1])) {{ $found = $values[$subcommand][$before[-1]] }}
    elseif ($subcommand -ne '' -and -not $word.StartsWith('-')) {{ $found = @() }}
    else {{ return $flags[$subcommand] | Where-Object {{ $_.CompletionText -clike "$word*" }} }}
    $found | Where-Object {{ $_ -clike "$word*" }} | ForEach-Object {{ [CompletionResult]::new($_, $_, 'ParameterValue', $_) }}
}}
"#
    )
}
