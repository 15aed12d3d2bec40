//! The line that a long run shows on a terminal.
use super::attempt::{Moves, Rescaled};
use super::report::{Report, thousands};
use crate::contract::source::Progress;
use crate::coordinator::{MoveStage, Moving};
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
    /// How its workers have changed.
    fn moves(&self) -> Moves;
}
/// Waits for the end of the job and shows how far it is, once a second, if standard error is a terminal.
pub(crate) fn watch(job: &dyn Watched) {
    let every = Duration::from_secs(1);
    if !std::io::stderr().is_terminal() {
        job.wait();
        return;
    }
    let bar = ProgressBar::new_spinner();
    let (mut before, mut told) = (0, Moves::default());
    while !job.wait_for(every) {
        let report = job.report();
        let read = report.records_read();
        bar.set_message(line(read, read.saturating_sub(before), &job.progress()));
        let moves = job.moves();
        news(&told, &moves).into_iter().for_each(|line| bar.println(line));
        told = moves;
        bar.tick();
        before = read;
    }
    bar.finish_and_clear();
}

/// What is to be said of changes of the workers: a line when one has begun, and one when it is done.
fn news(told: &Moves, now: &Moves) -> Vec<String> {
    let done = now.last.filter(|_| now.made > told.made).map(|Rescaled { moved, .. }| moved.to_string());
    // Until it is known who takes part, nothing is known of what moves.
    let known = |moves: &Moves| moves.under_way.filter(|moving| moving.stage != MoveStage::Joining);
    let begun = known(now).filter(|moving| known(told).is_none_or(|before| before.since != moving.since));
    let begun = begun.map(|Moving { before, workers, groups, .. }| {
        let what = if before == workers { "they are shared out anew".to_owned() } else { format!("{before} before") };
        format!("{workers} workers ({what}): {} key groups are to move", thousands(groups as u64))
    });
    done.into_iter().chain(begun).collect()
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
    use crate::runtime::attempt::Moved;

    #[test]
    fn a_change_of_the_workers_is_told_when_it_begins_and_when_it_is_done() {
        let at = Duration::from_millis;
        let moving = |since, stage| Moving {
            stage,
            since,
            before: 1,
            workers: 4,
            groups: 3072,
            arrived: 0,
            splits: 2,
            bytes: 0,
            bytes_arrived: 0,
        };
        let under_way = |since, stage| Moves { under_way: Some(moving(since, stage)), ..Moves::default() };
        let none = Moves::default();
        let joins = under_way(at(1000), MoveStage::Joining);
        assert_eq!(news(&none, &joins), [""; 0], "it is not known what moves");
        let cuts = under_way(at(1000), MoveStage::Cutting);
        assert_eq!(news(&joins, &cuts), ["4 workers (1 before): 3,072 key groups are to move"]);
        let leaves = under_way(at(1000), MoveStage::Leaving);
        assert_eq!(news(&cuts, &leaves), [""; 0], "that has been said");
        let moved = Moved { workers: 4, groups: 3072, bytes: 1_500, took: at(75), pause: at(20) };
        let mut done = none;
        done.add(moved, at(2000));
        let line =
            "4 workers: 3072 key groups (1.5 kB) moved in 75.0ms, and no stage stood still for longer than 20.0ms";
        assert_eq!(news(&leaves, &done), [line]);
        assert_eq!(news(&done, &done), [""; 0]);
        let next = Moves { under_way: Some(moving(at(3000), MoveStage::Cutting)), ..done };
        assert_eq!(news(&none, &next).len(), 2, "one is over, and the next one has begun");
    }
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
