//! Each query of Nexmark, with several numbers of workers, gives the rows that sequential code gives.
#![allow(clippy::expect_used)]
use malstrom::{Pipeline, Runtime};
use malstrom_examples::nexmark::{Answer, Event, events, queries, sequential};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// The rows of a query over the first so many events.
fn rows<T: Ord + Send + 'static>(
    query: fn(usize, Answer<T>) -> Pipeline,
    events: usize,
    workers: usize,
    latency: malstrom::Latency,
) -> Vec<T> {
    let answer = Answer::all();
    let runtime = Runtime::builder().workers(workers).latency(latency).build().expect("a runtime");
    let kept = answer.clone();
    runtime.run(move || query(events, kept.clone())).expect("the job runs to its end");
    let rows = answer.rows();
    assert_eq!(rows.len() as u64, answer.count());
    rows
}

/// 40 s of events, or a few if there are to be only those.
fn agrees<T: Ord + Send + Debug + 'static>(
    query: fn(usize, Answer<T>) -> Pipeline,
    sequential: fn(&[Event]) -> Vec<T>,
) {
    use malstrom::Latency::{Balanced, Low, Throughput};
    for (n, latency) in [(40_003, Balanced), (20_000, Throughput), (7, Low), (0, Low)] {
        let expected = sequential(&events(n).collect::<Vec<_>>());
        for workers in [1, 2, 3] {
            let rows = rows(query, n, workers, latency);
            let different = rows.iter().zip(&expected).find(|(row, expected)| row != expected);
            assert_eq!(different, None, "with {workers} workers and {n} events");
            assert_eq!(rows.len(), expected.len(), "with {workers} workers and {n} events");
        }
    }
}

#[test]
fn query_0_passes_all_events() {
    agrees(queries::passed, sequential::passed);
}

#[test]
fn query_1_converts_prices() {
    agrees(queries::converted, sequential::converted);
}

#[test]
fn query_2_selects_auctions() {
    agrees(queries::selected, sequential::selected);
}

#[test]
fn query_3_finds_local_items() {
    agrees(queries::local_items, sequential::local_items);
}

#[test]
fn query_4_averages_prices_per_category() {
    agrees(queries::category_prices, sequential::category_prices);
}

#[test]
fn query_5_finds_hot_items() {
    agrees(queries::hot_items, sequential::hot_items);
}

#[test]
fn query_6_averages_a_sellers_last_prices() {
    agrees(queries::seller_prices, sequential::seller_prices);
}

#[test]
fn query_7_finds_the_highest_bids() {
    agrees(queries::highest_bids, sequential::highest_bids);
}

#[test]
fn query_8_joins_people_with_what_they_sell_at_once() {
    agrees(queries::new_sellers, sequential::new_sellers);
}

#[test]
fn query_11_cuts_sessions() {
    agrees(queries::sessions, sequential::sessions);
}

/// What a bidder has in each stretch of time differs from run to run, but not what that adds up to.
#[test]
fn query_12_counts_all_bids() {
    let expected = sequential::bidder_totals(&events(40_003).collect::<Vec<_>>());
    let expected: BTreeMap<u64, u64> = expected.into_iter().map(|total| (total.bidder, total.bids)).collect();
    for workers in [1, 2, 3] {
        let mut totals = BTreeMap::new();
        for row in rows(queries::bidder_totals, 40_003, workers, malstrom::Latency::Balanced) {
            *totals.entry(row.bidder).or_default() += row.bids;
        }
        assert!(totals == expected, "{} of {} with {workers} workers", totals.len(), expected.len());
    }
}
