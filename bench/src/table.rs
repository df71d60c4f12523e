//! Small tables for the terminal.

use std::fmt;

/// Rows under a title; the first column is text, the others are figures.
pub struct Table {
    title: String,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column heads.
    pub fn new<const N: usize>(title: &str, heads: [&str; N]) -> Table {
        Table { title: title.to_owned(), rows: vec![heads.map(str::to_owned).to_vec()] }
    }

    /// Adds a row; cells that are left away stay empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        writeln!(f, "\n{}", self.title)?;
        for row in &self.rows {
            let mut line = String::from(" ");
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let cell = if column == 0 { format!(" {cell:<width$}") } else { format!("  {cell:>width$}") };
                line.push_str(&cell);
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// `1.04 ms`, `53.2 µs`
pub fn time(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 1e-3 => format!("{:.2} ms", s * 1e3),
        s => format!("{:.1} µs", s * 1e6),
    }
}

/// `8.3 MiB`
pub fn mebibytes(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / f64::from(1 << 20))
}

/// `2.81 M`, `4210`
pub fn count(number: f64) -> String {
    if number < 1e5 { format!("{number:.0}") } else { format!("{:.2} M", number / 1e6) }
}

/// `3.2 x`
pub fn times(ratio: f64) -> String {
    if ratio < 10.0 { format!("{ratio:.2} x") } else { format!("{ratio:.1} x") }
}

/// `+3.1 %`: what a ratio is above 1.
pub fn overhead(ratio: f64) -> String {
    format!("{:+.1} %", (ratio - 1.0) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_aligned_to_the_right_and_lines_end_without_spaces() {
        let mut table = Table::new("Time", ["what", "µs", "note"]);
        table.row(["seal".to_owned(), "1.5".to_owned()]);
        table.row(["x".to_owned(), "100.25".to_owned(), "!".to_owned()]);
        assert_eq!(table.to_string(), "\nTime\n  what      µs  note\n  seal     1.5\n  x     100.25     !\n");
    }

    #[test]
    fn units_follow_the_size() {
        assert_eq!([time(2.0), time(0.00153), time(14.7e-6)], ["2.00 s", "1.53 ms", "14.7 µs"]);
        assert_eq!([mebibytes(1_572_864.0), count(2_810_000.0), count(4210.0)], ["1.5 MiB", "2.81 M", "4210"]);
        assert_eq!([times(1.234), times(57.04)], ["1.23 x", "57.0 x"]);
        assert_eq!([overhead(1.031), overhead(0.99)], ["+3.1 %", "-1.0 %"]);
    }
}
