//! docs/metrics.md against a running controller. The alerts and the dashboard are tested against docs/metrics.md, so that
//! every query of theirs names a series that exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sealed_secrets_tests::{Resource, base64, end_to_end, eventually, undecryptable};
use serde_json::json;

/// Kind and labels by the name of the family.
type Families = BTreeMap<String, (String, BTreeSet<String>)>;

#[test]
fn the_documentation_lists_exactly_what_a_controller_exposes() {
    end_to_end(|world| {
        let controller = world.controller().start();
        // Every family with labels appears with its first event.
        let value = world.plant();
        world.create_synced("db", &[("foo", &value)]);
        world.create(&undecryptable("bad"));
        controller.certificate();
        let changed = json!({"data": {"foo": base64("changed by somebody else")}});
        world.api().merge(Resource::SECRET, &world.namespace, "db", &changed);

        let documented = documented();
        eventually("every family has appeared", || {
            let exposed = exposed(&controller.metrics().text);
            documented.keys().all(|name| exposed.contains_key(name)).then_some(())
        });
        let exposed = exposed(&controller.metrics().text);
        assert_eq!(exposed, documented);
    });
}

/// The table of docs/metrics.md.
fn documented() -> Families {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let plain = |cell: &str| cell.replace('`', " ").trim().to_owned();
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        let labels = plain(cells[3]).split_whitespace().map(str::to_owned).collect();
        (plain(cells[1]), (plain(cells[2]), labels))
    })
    .collect()
}

/// What a page of the text format declares, with the labels of its samples. `le` belongs to the form of histograms.
fn exposed(page: &str) -> Families {
    let mut families = Families::new();
    for line in page.lines() {
        if let Some(declaration) = line.strip_prefix("# TYPE ") {
            let (name, kind) = declaration.split_once(' ').unwrap();
            families.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        } else if !line.starts_with('#') {
            let (series, _) = line.rsplit_once(' ').unwrap();
            let (name, set) = series.split_once('{').unwrap_or((series, ""));
            let whole = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            let family = whole.filter(|name| families.contains_key(*name)).unwrap_or(name);
            let labels = set.trim_end_matches('}').split("\",").filter_map(|label| label.split_once("=\""));
            let (_, known) = families.get_mut(family).unwrap_or_else(|| panic!("{line}: without a declaration"));
            known.extend(labels.map(|(label, _)| label.to_owned()).filter(|label| label != "le"));
        }
    }
    families
}
