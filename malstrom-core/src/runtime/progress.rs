//! The line that a long run shows on a terminal.
use super::report::{Report, thousands};
use crate::contract::source::Progress;
use indicatif::ProgressBar;
use std::io::IsTerminal;
use std::time::Duration;

/// A job that is waited for.
pub(crate) trait Watched {
    /// Waits until all is done.
    fn wait(&self);
    /// Waits for `at_most`; `true` if all is done.
    fn wait_for(&self, at_most: Duration) -> bool;
    /// What it has done so far.
    fn report(&self) -> Report;
    /// The splits that are being read.
    fn progress(&self) -> Vec<Progress>;
}
/// Waits for the end of the job and shows how far it is, once a second, if standard error is a terminal.
pub(crate) fn watch(job: &dyn Watched) {
    let every = Duration::from_secs(1);
    if !std::io::stderr().is_terminal() {
        job.wait();
        return;
    }
    let bar = ProgressBar::new_spinner();
    let mut before = 0;
    while !job.wait_for(every) {
        let report = job.report();
        let read = report.records_read();
        bar.set_message(line(read, read.saturating_sub(before), &job.progress()));
        bar.tick();
        before = read;
    }
    bar.finish_and_clear();
}

fn line(read: u64, per_second: u64, splits: &[Progress]) -> String {
    let mut line = format!("{} records, {} per second", thousands(read), thousands(per_second));
    const SHOWN: usize = 4;
    for split in splits.iter().take(SHOWN) {
        let percent = if split.total == 0 { 100.0 } else { split.done as f64 / split.total as f64 * 100.0 };
        line += &format!("  {} {percent:.0} %", split.split);
    }
    if splits.len() > SHOWN {
        line += &format!("  and {} more", splits.len() - SHOWN);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_splits_and_counts_the_rest() {
        let split = |n: u64| Progress { split: format!("{n}.csv"), done: n, total: 8 };
        let splits: Vec<_> = (2..8).map(split).collect();
        assert_eq!(
            line(1_000, 500, &splits),
            "1,000 records, 500 per second  2.csv 25 %  3.csv 38 %  4.csv 50 %  5.csv 62 %  and 2 more"
        );
    }
}
