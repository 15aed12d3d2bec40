//! What is said about the results.
//!
//! Ratios are taken within a round and only then is the median formed: the peers of a round had the same neighbours on
//! the machine, those of different rounds had not.
use crate::peers::Peer;
use crate::rounds::{Results, Run, Series};
use crate::tally::Checksum;
use crate::workload::Workload;
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Who failed, and who did not do the same work as the others.
pub(crate) fn complaints(results: &[Results]) -> Vec<String> {
    let mut complaints = Vec::new();
    // however many workers share it, the work is the same
    let mut groups: HashMap<_, Vec<(&Results, &Series)>> = HashMap::new();
    for result in results {
        for series in &result.series {
            let group = (result.case.workload, result.case.keys);
            groups.entry(group).or_default().push((result, series));
            complaints.extend(series.errors.iter().map(|e| format!("{}, {}: {e}", result.case, series.contestant)));
        }
    }
    for group in groups.values() {
        let Some(expected) = expected(group) else { continue };
        for (result, series) in group {
            let wrong = checksums(series).filter(|found| *found != expected).collect::<Vec<_>>();
            if let Some(found) = wrong.first() {
                complaints.push(format!(
                    "{}, {}: wrong in {} of {} runs: {} records with checksum {:016x}, not {} with {:016x}",
                    result.case,
                    series.contestant,
                    wrong.len(),
                    series.runs.len(),
                    found.count,
                    found.xor,
                    expected.count,
                    expected.xor
                ));
            }
        }
    }
    complaints.sort();
    complaints
}

fn checksums(series: &Series) -> impl Iterator<Item = Checksum> {
    series.runs.iter().flatten().map(|run| run.measured.checksum)
}

/// What most runs found; of two that are equally frequent, what the hand-written loop found.
fn expected(group: &[(&Results, &Series)]) -> Option<Checksum> {
    let mut votes: HashMap<Checksum, (usize, bool)> = HashMap::new();
    for (_, series) in group {
        for checksum in checksums(series) {
            let vote = votes.entry(checksum).or_default();
            vote.0 += 1;
            vote.1 |= series.contestant.peer == Peer::Hand;
        }
    }
    votes.into_iter().max_by_key(|(_, vote)| *vote).map(|(checksum, _)| checksum)
}

/// The tables, throughput before latency.
pub(crate) fn tables(results: &[Results]) -> String {
    let (latency, throughput): (Vec<_>, Vec<_>) = results.iter().partition(|r| r.case.workload == Workload::W6);
    let mut text = String::new();
    if !throughput.is_empty() {
        let columns = ["case", "peer", "M records/s", "ratio to hand", "CPU s", "allocations/record", "peak MiB"];
        text += &table(&columns, &throughput, |result, series| {
            let rates = rates(result, series);
            vec![
                range(&rates),
                median(&ratios(result, series)).map_or("-".to_owned(), |ratio| format!("{ratio:.3}")),
                cell(&collect(series, |run| run.measured.cpu_seconds), 2),
                cell(&collect(series, |run| run.measured.allocations as f64 / result.case.records as f64), 4),
                cell(&collect(series, |run| run.measured.peak_mib), 0),
            ]
        });
    }
    if !latency.is_empty() {
        let columns = ["case", "peer", "p50 us", "p99 us", "p99.9 us", "max us", "CPU s", "peak MiB"];
        text += if text.is_empty() { "" } else { "\n" };
        text += &table(&columns, &latency, |_, series| {
            let of = |part: fn(crate::histogram::Percentiles) -> f64| {
                let found = series.runs.iter().flatten().filter_map(|run| run.measured.latency_us);
                range(&found.map(part).collect::<Vec<_>>())
            };
            vec![
                of(|p| p.p50),
                of(|p| p.p99),
                of(|p| p.p999),
                of(|p| p.max),
                cell(&collect(series, |run| run.measured.cpu_seconds), 2),
                cell(&collect(series, |run| run.measured.peak_mib), 0),
            ]
        });
    }
    text
}

fn table(columns: &[&str], results: &[&Results], cells: impl Fn(&Results, &Series) -> Vec<String>) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(columns.iter().chain(&["foreign CPU"]));
    for result in results {
        for series in &result.series {
            let mut row = vec![result.case.to_string(), series.contestant.to_string()];
            row.extend(cells(result, series));
            row.push(cell(&collect(series, |run| run.foreign), 2));
            table.add_row(row);
        }
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{table}\n")
}

/// Everything that was measured, and the medians.
pub(crate) fn json(results: &[Results]) -> Value {
    let run = |run: &Option<Run>| run.map(|run| json!({ "measured": run.measured, "foreign_cpu": run.foreign }));
    let series = |result: &Results, series: &Series| {
        json!({
            "peer": series.contestant.peer,
            "mode": series.contestant.mode,
            "median_records_per_second": median(&rates(result, series)).map(|millions| millions * 1e6),
            "median_ratio_to_hand": median(&ratios(result, series)),
            "errors": series.errors,
            "runs": series.runs.iter().map(run).collect::<Vec<_>>(),
        })
    };
    let case = |result: &Results| json!({ "case": result.case, "peers": result.series.iter().map(|s| series(result, s)).collect::<Vec<_>>() });
    json!({ "cases": results.iter().map(case).collect::<Vec<_>>(), "complaints": complaints(results) })
}

fn collect(series: &Series, value: impl Fn(&Run) -> f64) -> Vec<f64> {
    series.runs.iter().flatten().map(value).collect()
}

/// Million records per second.
fn rates(result: &Results, series: &Series) -> Vec<f64> {
    collect(series, |run| result.case.records as f64 / run.measured.seconds / 1e6)
}

/// How much of the hand-written loop's rate in the same round; nothing for the latency workload, which is paced.
fn ratios(result: &Results, series: &Series) -> Vec<f64> {
    let Some(hand) = result.hand().filter(|_| result.case.workload != Workload::W6) else { return Vec::new() };
    let same_round = series.runs.iter().zip(&hand.runs);
    same_round.filter_map(|(peer, hand)| Some((*hand)?.measured.seconds / (*peer)?.measured.seconds)).collect()
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted.get(values.len().checked_sub(1)? / 2)?, sorted.get(values.len() / 2)?);
    Some((low + high) / 2.0)
}

fn cell(values: &[f64], digits: usize) -> String {
    median(values).map_or("-".to_owned(), |median| format!("{median:.digits$}"))
}

/// Median (least..most), with digits enough; only the one value if there is no other.
fn range(values: &[f64]) -> String {
    let Some(median) = median(values) else { return "-".to_owned() };
    let digits = if median < 10.0 { 2 } else { 1 };
    if values.len() == 1 {
        return format!("{median:.digits$}");
    }
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    format!("{median:.digits$} ({least:.digits$}..{most:.digits$})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Measured;
    use crate::peers::{Case, Contestant};

    fn series(peer: Peer, runs: &[(f64, u64)]) -> Series {
        let run = |&(seconds, xor): &(f64, u64)| {
            let checksum = Checksum { count: 1, xor };
            let (cpu_seconds, cpu_seconds_before, allocations, peak_mib) = (0.0, 0.0, 0, 0.0);
            let measured = Measured {
                seconds,
                cpu_seconds,
                cpu_seconds_before,
                allocations,
                peak_mib,
                checksum,
                latency_us: None,
            };
            Some(Run { measured, foreign: 0.0 })
        };
        let contestant = Contestant { peer, mode: String::new() };
        Series { contestant, runs: runs.iter().map(run).collect(), errors: vec![] }
    }

    fn results(series: Vec<Series>) -> Results {
        Results { case: Case { workload: Workload::W1, workers: 1, keys: 0, records: 1 }, series }
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let hand = series(Peer::Hand, &[(1.0, 7), (2.0, 7), (4.0, 7)]);
        let mut timely = series(Peer::Timely, &[(2.0, 7), (8.0, 7), (16.0, 7)]);
        timely.runs[1] = None;
        let results = results(vec![hand, timely]);
        assert_eq!(ratios(&results, &results.series[1]), [0.5, 0.25]);
        assert_eq!(median(&ratios(&results, &results.series[1])), Some(0.375));
    }

    #[test]
    fn who_disagrees_is_named() {
        let all = |renoir| {
            let hand = series(Peer::Hand, &[(1.0, 7), (1.0, 7)]);
            results(vec![hand, series(Peer::Timely, &[(1.0, 7), (1.0, 7)]), series(Peer::Renoir, renoir)])
        };
        assert!(complaints(&[all(&[(1.0, 7), (1.0, 7)])]).is_empty());
        let complaints = complaints(&[all(&[(1.0, 7), (1.0, 9)])]);
        assert_eq!(complaints.len(), 1);
        assert!(complaints[0].contains("renoir: wrong in 1 of 2 runs"), "{complaints:?}");
    }
}
