//! Checks for the values of the logging flags, which are accepted for compatibility (spec/kubeseal-cli.md 2.3).

use sealed_secrets_flags::number::{parse_int, parse_uint};

/// `-v`: a 32-bit integer.
pub(crate) fn level(text: &str) -> Result<(), String> {
    parse_int(text, 10, 32).map(drop)
}

/// `--stderrthreshold`: a severity by name or number.
pub(crate) fn severity(text: &str) -> Result<(), String> {
    if ["INFO", "WARNING", "ERROR", "FATAL"].iter().any(|name| text.eq_ignore_ascii_case(name)) {
        return Ok(());
    }
    level(text)
}

/// `--vmodule`: `pattern=N` pairs between commas, empty ones ignored.
pub(crate) fn vmodule(text: &str) -> Result<(), String> {
    const SYNTAX: &str = "syntax error: expect comma-separated list of filename=N";
    for pair in text.split(',').filter(|pair| !pair.is_empty()) {
        let (pattern, level) = pair.split_once('=').ok_or(SYNTAX)?;
        if pattern.is_empty() || parse_int(level, 10, 32).map_err(|_| SYNTAX)? < 0 {
            return Err(if pattern.is_empty() { SYNTAX } else { "negative value for vmodule level" }.to_owned());
        }
    }
    Ok(())
}

/// `--log_backtrace_at`: `file.go:N`, or nothing.
pub(crate) fn backtrace_place(text: &str) -> Result<(), String> {
    const SYNTAX: &str = "syntax error: expect file.go:234";
    if text.is_empty() {
        return Ok(());
    }
    let (file, line) = text.split_once(':').ok_or(SYNTAX)?;
    let line = parse_int(line, 10, 64).map_err(|_| SYNTAX)?;
    match (file.contains('.'), line) {
        (false, _) => Err(SYNTAX.to_owned()),
        (true, ..=0) => Err("negative or zero value for level".to_owned()),
        (true, _) => Ok(()),
    }
}

/// `--log_file_max_size`: a number of megabytes.
pub(crate) fn megabytes(text: &str) -> Result<(), String> {
    parse_uint(text, 0).map(drop).map_err(|_| "parse error".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_as_klog_does() {
        type Case = (fn(&str) -> Result<(), String>, &'static [&'static str], &'static [&'static str]);
        let cases: [Case; 5] = [
            (level, &["0", "-3", "2147483647"], &["x", "", "2147483648", "0x1"]),
            (severity, &["info", "Warning", "ERROR", "FATAL", "2"], &["LOUD", ""]),
            (vmodule, &["", "a=1", "a*=2,b=0,", ","], &["a", "a=", "=1", "a=x", "a=-1", "a=1=2"]),
            (backtrace_place, &["", "a.go:1"], &["a.go", "ago:1", "a.go:x", "a.go:0", ":0", "a.go:1:2"]),
            (megabytes, &["0", "1800", "0x10"], &["-1", "x", ""]),
        ];
        for (check, good, bad) in cases {
            for text in good {
                assert_eq!(check(text), Ok(()), "{text}");
            }
            for text in bad {
                assert!(check(text).is_err(), "{text}");
            }
        }
    }
}
