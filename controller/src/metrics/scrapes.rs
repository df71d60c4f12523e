//! How often the metrics themselves were asked for, under the names that the reference's library has for that.

use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// The replies that the reference counts. Ours are all of the first kind.
const CODES: [&str; 3] = ["200", "500", "503"];

/// Scrapes answered and being answered.
#[derive(Default)]
pub(super) struct Scrapes {
    in_flight: AtomicI64,
    answered: AtomicU64,
}

/// A scrape that is being answered.
pub struct Scrape<'a>(&'a Scrapes);

impl Scrapes {
    pub(super) fn begin(&self) -> Scrape<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Scrape(self)
    }

    pub(super) fn render(&self) -> String {
        const IN_FLIGHT: &str = "promhttp_metric_handler_requests_in_flight";
        const TOTAL: &str = "promhttp_metric_handler_requests_total";
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ = writeln!(text, "# HELP {IN_FLIGHT} Current number of scrapes being served.\n# TYPE {IN_FLIGHT} gauge");
        let _ = writeln!(text, "{IN_FLIGHT} {}", self.in_flight.load(Ordering::Relaxed));
        let _ = writeln!(text, "# HELP {TOTAL} Total number of scrapes by HTTP status code.\n# TYPE {TOTAL} counter");
        let answered = self.answered.load(Ordering::Relaxed);
        for (code, count) in CODES.into_iter().zip([answered, 0, 0]) {
            let _ = writeln!(text, "{TOTAL}{{code=\"{code}\"}} {count}");
        }
        text
    }
}

impl Drop for Scrape<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.answered.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_sees_itself_in_flight_and_is_counted_when_it_is_over() {
        let scrapes = Scrapes::default();
        let scrape = scrapes.begin();
        let text = scrapes.render();
        assert!(text.contains("requests_in_flight 1\n") && text.contains("{code=\"200\"} 0\n"), "{text}");
        drop(scrape);
        let text = scrapes.render();
        assert!(text.contains("requests_in_flight 0\n") && text.contains("{code=\"200\"} 1\n"), "{text}");
        assert!(text.contains("{code=\"500\"} 0\n") && text.contains("{code=\"503\"} 0\n"), "{text}");
    }
}
