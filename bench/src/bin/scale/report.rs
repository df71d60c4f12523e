//! The table: what was measured beside what it may be at most.

use sealed_secrets_bench::table::{Table, mebibytes, time, times};

use crate::floor::Floor;
use crate::scenario::{Figures, ITEMS};

/// The table of one scenario. `before` are those that were measured earlier: one of them may be what it is compared with.
pub fn table(figures: &Figures, before: &[Figures]) -> Table {
    let Figures { objects, keys, .. } = figures;
    let mut table = Table::new(
        &format!("Work of a controller: {objects} SealedSecrets, {keys} sealing keys"),
        ["", "measured", "at most", "ratio"],
    );
    Rows { table: &mut table, figures }.add_all(before);
    table
}

struct Rows<'a> {
    table: &'a mut Table,
    figures: &'a Figures,
}

impl Rows<'_> {
    fn add_all(&mut self, before: &[Figures]) {
        let one = self.figures;
        let (objects, cores) = (one.objects as f64, one.cores as f64);
        let Floor { private_operation, creation, creation_latency } = one.floor;
        let floor = (objects * private_operation + 3.0 * objects * creation) / cores;
        self.note("one private operation", time(private_operation));
        self.note("servers' processor time for one Secret", time(creation));
        self.note("the floor F", time(floor));
        self.note("others' share of the machine in the cold start", percent(one.cold_others));
        self.row("cold start until all are synced, against F", one.cold_wall, 1.3 * floor, time);
        self.row("  the same without the others' share", one.cold_wall * (1.0 - one.cold_others), 1.3 * floor, time);
        self.row("calls per object, cold", calls(&one.cold_calls) / objects, 3.0, plain);
        for (kind, count) in &one.cold_calls {
            self.note(&format!("  {kind}"), plain(*count as f64 / objects));
        }
        let decryptions = one.cold_decryptions.unwrap_or(objects);
        self.row("private operations per object, cold", decryptions / objects, 1.0, plain);
        let beside = (one.cold_processor - decryptions * private_operation) / objects;
        self.row("processor time per object beside RSA", beside, 1.3e-3, time);
        let with_one_key = before.iter().find(|other| other.objects == one.objects && other.keys == 1);
        if let Some(base) = with_one_key {
            let ratio = one.cold_processor / private_operation / (base.cold_processor / base.floor.private_operation);
            self.row("processor time per object against one key", ratio, 1.3, plain);
        }
        self.row("calls per object, restart", calls(&one.restart_calls) / objects, 0.0, plain);
        match one.restart_decryptions {
            Some(count) => self.row("private operations, restart", count, 0.0, plain),
            None => self.note("private operations, restart", "not told".to_owned()),
        }
        self.row("restart until quiet", one.restart_quiet, 2.0, time);
        let least = private_operation + creation_latency + 5e-3;
        self.row("SealedSecret to Secret, idle", one.single, least, time);
        self.row("SealedSecret to Secret, right after a restart", one.single_after_restart, 3.0 * one.single, time);
        self.row("memory, empty", one.empty.resident as f64, mebi(12.0), mebibytes);
        self.row("memory after the cold start", one.full.resident as f64, mebi(40.0), mebibytes);
        self.note("  most until then", mebibytes(one.full.peak as f64));
        if let Some(bytes) = one.foreign {
            self.row("memory for each foreign Secret of 50 KiB", bytes, 1024.0, |bytes| format!("{bytes:.0} B"));
        }
        if let Some(seconds) = one.many_items {
            let on_all_cores = ITEMS as f64 * private_operation / cores;
            self.row(&format!("one object of {ITEMS} items, all cores"), seconds, 1.3 * on_all_cores, time);
        }
    }

    fn row(&mut self, what: &str, measured: f64, bound: f64, show: impl Fn(f64) -> String) {
        let ratio = match bound {
            0.0 if measured == 0.0 => "kept".to_owned(),
            0.0 => "MISSED".to_owned(),
            bound if measured > bound => format!("{} MISSED", times(measured / bound)),
            bound => times(measured / bound),
        };
        self.add(what, [show(measured), show(bound), ratio]);
    }

    fn note(&mut self, what: &str, text: String) {
        self.add(what, [text, String::new(), String::new()]);
    }

    fn add(&mut self, what: &str, cells: [String; 3]) {
        self.table.row(std::iter::once(what.to_owned()).chain(cells));
    }
}

fn calls(counts: &std::collections::BTreeMap<String, usize>) -> f64 {
    counts.values().sum::<usize>() as f64
}

fn mebi(number: f64) -> f64 {
    number * f64::from(1 << 20)
}

fn plain(number: f64) -> String {
    format!("{number:.3}")
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
