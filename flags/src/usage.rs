//! The usage text in `pflag`'s form.

use crate::flag::{Flag, Kind};
use crate::quote::quote;

/// The usage text: `Usage of NAME:`, then one entry per visible flag, sorted by name within its heading.
///
/// All entries share one column of descriptions. A built-in default that is not the zero value is shown behind the
/// description.
#[must_use]
pub fn usage(program: &str, table: &[Flag]) -> String {
    let visible: Vec<&Flag> = table.iter().filter(|flag| !flag.hidden).collect();
    let column = visible.iter().map(|flag| label(flag).chars().count()).max().unwrap_or(0) + 3;
    let mut headings: Vec<&str> = Vec::new();
    for flag in &visible {
        if !headings.contains(&flag.heading) {
            headings.push(flag.heading);
        }
    }

    let mut text = format!("Usage of {program}:\n");
    for heading in headings {
        if !heading.is_empty() {
            text.push_str(&format!("\n{heading}:\n"));
        }
        let mut flags: Vec<&&Flag> = visible.iter().filter(|flag| flag.heading == heading).collect();
        flags.sort_unstable_by_key(|flag| flag.name);
        for flag in flags {
            let line = format!("{:column$}{}{}", label(flag), flag.help, default_note(flag));
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

/// `  -o, --format string` or `      --cert string`.
fn label(flag: &Flag) -> String {
    let mut label = match flag.short {
        Some(letter) => format!("  -{letter}, --{}", flag.name),
        None => format!("      --{}", flag.name),
    };
    let value = if flag.value_name.is_empty() { flag.kind.type_name() } else { flag.value_name };
    if !value.is_empty() {
        label.push(' ');
        label.push_str(value);
    }
    label
}

fn default_note(flag: &Flag) -> String {
    let zero = match flag.kind {
        Kind::Bool => matches!(flag.default, "" | "false"),
        Kind::Int | Kind::Float32 => matches!(flag.default, "" | "0"),
        Kind::Duration => matches!(flag.default, "" | "0" | "0s"),
        Kind::String | Kind::Choice(_) | Kind::CsvList | Kind::Array => flag.default.is_empty(),
        Kind::Custom { .. } => matches!(flag.default, "" | "0" | "false"),
    };
    if zero {
        String::new()
    } else if flag.kind.quotes_default() {
        format!(" (default {})", quote(flag.default))
    } else {
        format!(" (default {})", flag.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Flag] = &[
        Flag::new("format", Kind::String, "output format").short('o').default("json").heading("Output"),
        Flag::new("raw", Kind::Bool, "encrypt one value").heading("Output"),
        Flag::new("cert", Kind::String, "certificate to use").value_name("FILE|URL").heading("Input"),
        Flag::new("period", Kind::Duration, "how often").default("720h0m0s").heading("Input"),
        Flag::new("logtostderr", Kind::Bool, "log to stderr").default("true").heading("Input"),
        Flag::new("zero", Kind::Int, "nothing").default("0").heading("Input"),
        Flag::alias("turn", "raw", Kind::Bool, "old name").deprecated("please use --raw instead"),
    ];

    #[test]
    fn entries_have_the_form_of_pflag_under_their_headings() {
        let want = r#"Usage of tool:

Output:
  -o, --format string     output format (default "json")
      --raw               encrypt one value

Input:
      --cert FILE|URL     certificate to use
      --logtostderr       log to stderr (default true)
      --period duration   how often (default 720h0m0s)
      --zero int          nothing
"#;
        assert_eq!(usage("tool", TABLE), want);
    }

    #[test]
    fn without_headings_the_list_follows_the_header() {
        const PLAIN: &[Flag] = &[Flag::new("b", Kind::Bool, "second"), Flag::new("a", Kind::CsvList, "first")];
        assert_eq!(usage("x", PLAIN), "Usage of x:\n      --a strings   first\n      --b           second\n");
    }
}
