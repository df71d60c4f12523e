//! The manual page, in the man macros.

use sealed_secrets_flags::{Flag, Kind, Values, environment_name};

use super::{PLAIN_STATUSES, Subcommand, with_actions};
use crate::args::version;
use crate::error::Result;
use crate::flag_table::TABLE;
use crate::output::write_stdout;

pub(super) static MAN: Subcommand = Subcommand {
    name: "man",
    arguments: "",
    summary: "print the manual page",
    about: "Prints the manual page in the form that man reads.\n",
    examples: &[("Read it:", "kubeseal man | man -l -")],
    statuses: PLAIN_STATUSES,
    flags: || &[],
    run,
};

fn run(values: &Values) -> Result<()> {
    MAN.takes_no(values.positionals().first())?;
    write_stdout(page().as_bytes())
}

const DESCRIPTION: &[&str] = &[
    "Reads Secrets, as YAML or JSON, from standard input or from the file given with -f, and prints SealedSecrets: their \
     values can be opened by the controller in the cluster and by nobody else, so they can be stored anywhere.",
    "Everything else that kubeseal does is chosen with a flag or, as the first argument, a subcommand. Where several are given, the first of --recovery-unseal, \
     --validate, --re-encrypt, --fetch-cert, --merge-into and --raw counts.",
    "With --cert and a namespace in the input or from -n no cluster is needed.",
];

const EXAMPLES: &[(&str, &str)] = &[
    (
        "Seal a Secret:",
        "kubectl create secret generic db -n shop --from-literal=password=s3cret --dry-run=client -o yaml | kubeseal -o yaml >db.yaml",
    ),
    (
        "Keep the certificate and seal without a cluster:",
        "kubeseal --fetch-cert >cert.pem; kubeseal --cert cert.pem -f secret.yaml -w sealed.yaml",
    ),
    (
        "Add or replace an item in a file; comments and everything else stay:",
        "kubeseal --merge-into sealed.yaml <more.yaml",
    ),
    ("Seal one value:", "printf %s s3cret | kubeseal --raw -n shop --name db"),
    ("Encrypt a file again with the newest key:", "kubeseal --re-encrypt -f sealed.yaml"),
    (
        "Open a file with a backup of the keys, without a cluster:",
        "kubeseal --recovery-unseal --recovery-private-key backup.yaml -f sealed.yaml",
    ),
];

/// The whole page.
pub(super) fn page() -> String {
    let mut page = format!(".TH KUBESEAL 1 \"\" \"kubeseal {}\" \"Sealed Secrets\"\n", escape(version()));
    page.push_str(
        ".SH NAME\nkubeseal \\- seals Kubernetes Secrets so that only the controller in the cluster can open them\n",
    );
    page.push_str(
        ".SH SYNOPSIS\n.B kubeseal\n[flags] <input >output\n.br\n.B kubeseal\nsubcommand [flags] [argument ...]\n",
    );
    page.push_str(".SH DESCRIPTION\n");
    for paragraph in DESCRIPTION {
        page.push_str(&format!(".PP\n{}\n", escape(paragraph)));
    }
    page.push_str(".SH OPTIONS\n");
    let visible = || TABLE.iter().filter(|flag| !flag.is_hidden());
    let mut headings: Vec<&str> = Vec::new();
    for flag in visible() {
        if !headings.contains(&flag.group()) {
            headings.push(flag.group());
        }
    }
    for heading in headings {
        page.push_str(&format!(".SS {}\n", escape(heading)));
        for flag in visible().filter(|flag| flag.group() == heading) {
            page.push_str(&option(flag));
        }
    }
    page.push_str(&subcommands());
    page.push_str(&environment());
    page.push_str(
        ".SH EXIT STATUS\n.TP\n0\nsuccess\n.TP\n1\na failure; standard error has a line that begins with \"error: \"\n\
         .TP\n2\nthe command line cannot be used\n.TP\n141\nwhoever read standard output has gone\n",
    );
    page.push_str(".SH EXAMPLES\n");
    for (what, how) in EXAMPLES {
        page.push_str(&format!(".PP\n{}\n.PP\n.RS 4\n.nf\n{}\n.fi\n.RE\n", escape(what), escape(how)));
    }
    page
}

fn subcommands() -> String {
    let mut text = ".SH SUBCOMMANDS\n".to_owned();
    for subcommand in with_actions() {
        let head = format!("kubeseal {} {}", subcommand.name, subcommand.arguments);
        text.push_str(&format!(".SS {}\n", escape(head.trim_end())));
        for paragraph in subcommand.about.split("\n\n") {
            text.push_str(&format!(".PP\n{}\n", escape(&paragraph.split_whitespace().collect::<Vec<_>>().join(" "))));
        }
        let own = (subcommand.flags)().iter().filter(|flag| !flag.is_hidden());
        // Those that are here already are not explained again.
        let own = own.filter(|flag| {
            TABLE.iter().all(|known| known.name() != flag.name() || known.description() != flag.description())
        });
        own.for_each(|flag| text.push_str(&option(flag)));
        for (what, how) in subcommand.examples {
            text.push_str(&format!(".PP\n{}\n.PP\n.RS 4\n.nf\n{}\n.fi\n.RE\n", escape(what), escape(how)));
        }
        for (status, meaning) in subcommand.statuses {
            text.push_str(&format!(".TP\nstatus {status}\n{}\n", escape(meaning)));
        }
    }
    text
}

fn option(flag: &Flag) -> String {
    let short = flag.letter().map(|letter| format!("-{letter}, ")).unwrap_or_default();
    let value = match flag.kind() {
        Kind::Bool => String::new(),
        kind => format!(" \\fI{}\\fR", escape(kind.type_name())),
    };
    let default = match flag.default_text() {
        "" | "0" | "false" => String::new(),
        text => format!(" (default {text})"),
    };
    let text = format!("{}{default}", flag.description());
    format!(".TP\n\\fB{}\\fR{value}\n{}\n", escape(&format!("{short}--{}", flag.name())), escape(&text))
}

fn environment() -> String {
    let example = environment_name("controller-namespace");
    let rows = [
        (
            "SEALED_SECRETS_*",
            format!(
                "default of a flag: its name in upper case with underscores, such as {example} for --controller-namespace. The \
             logging flags have none. The command line wins, and a value that cannot be used is ignored."
            ),
        ),
        ("KUBECONFIG", "kubeconfig files, separated by colons".to_owned()),
        ("HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "proxies for the certificate URL and the API server".to_owned()),
        ("SSL_CERT_FILE, SSL_CERT_DIR", "certificate authorities beside those of the system".to_owned()),
    ];
    let mut text = ".SH ENVIRONMENT\n".to_owned();
    for (name, meaning) in rows {
        text.push_str(&format!(".TP\n\\fB{}\\fR\n{}\n", escape(name), escape(&meaning)));
    }
    text
}

/// Text as it stands in a line of the page.
fn escape(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    if escaped.starts_with(['.', '\'']) { format!("\\&{escaped}") } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_visible_flag_and_no_hidden_one() {
        let page = page();
        for flag in TABLE {
            let entry = format!("{}\\fR", escape(&format!("--{}", flag.name())));
            assert_eq!(page.contains(&entry), !flag.is_hidden(), "{}", flag.name());
        }
    }

    #[test]
    fn only_requests_begin_with_a_dot() {
        const REQUESTS: &[&str] = &[".TH", ".SH", ".SS", ".PP", ".TP", ".RS", ".RE", ".nf", ".fi", ".br", ".B"];
        for line in page().lines().filter(|line| line.starts_with(['.', '\''])) {
            assert!(REQUESTS.contains(&line.split(' ').next().unwrap_or_default()), "{line}");
        }
        assert_eq!(escape(".x\\-"), "\\&.x\\e\\-");
    }
}
