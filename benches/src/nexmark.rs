//! Nexmark: its events, made once before the clock starts, and what of each query's answers goes into the checksum.
//!
//! The events are those of the crate `nexmark`, 100k in a second of event time, in order of time, with the fields that
//! the queries read. They are dealt out to the workers in turn. Every source *copies* them out of memory, as if they
//! had just been decoded; for one in fifty, a person, that means three strings.
use crate::workload::mix;
use fxhash::FxBuildHasher;
use hashbrown::HashMap;
use nexmark::config::NexmarkConfig;
use nexmark::{EventGenerator, event};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The length of the windows of queries 5, 7 and 8, in milliseconds. They are aligned to 0.
pub(crate) const SIZE_MS: u64 = 10_000;
/// How often a window of query 5 starts, in milliseconds.
pub(crate) const SLIDE_MS: u64 = 2_000;
/// Events in a second of event time.
const PER_SECOND: usize = 100_000;

static EVENTS: OnceLock<Vec<Event>> = OnceLock::new();

/// What happens in an auction house; times (`at`, `expires`) are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Event {
    /// Someone registers.
    Person { id: u64, at: u64, name: String, city: String, state: String },
    /// Someone opens an auction.
    Auction { id: u64, at: u64, seller: u64, category: u64, reserve: u64, expires: u64 },
    /// Someone bids.
    Bid { auction: u64, at: u64, bidder: u64, price: u64 },
}

impl Event {
    /// When it happens.
    #[inline(always)]
    pub(crate) fn at(&self) -> u64 {
        match self {
            Self::Person { at, .. } | Self::Auction { at, .. } | Self::Bid { at, .. } => *at,
        }
    }
}

impl From<event::Event> for Event {
    fn from(event: event::Event) -> Self {
        match event {
            event::Event::Person(person) => Self::Person {
                id: person.id as u64,
                at: person.date_time,
                name: person.name,
                city: person.city,
                state: person.state,
            },
            event::Event::Auction(auction) => Self::Auction {
                id: auction.id as u64,
                at: auction.date_time,
                seller: auction.seller as u64,
                category: auction.category as u64,
                reserve: auction.reserve as u64,
                expires: auction.expires,
            },
            event::Event::Bid(bid) => Self::Bid {
                auction: bid.auction as u64,
                at: bid.date_time,
                bidder: bid.bidder as u64,
                price: bid.price as u64,
            },
        }
    }
}

/// Makes the first `n` events. They stay until the process ends.
pub(crate) fn prepare(n: usize) {
    EVENTS.get_or_init(|| generated(n).collect());
}

/// The events that were made.
pub(crate) fn events() -> &'static [Event] {
    EVENTS.get().map_or(&[], Vec::as_slice)
}

/// One worker's events.
pub(crate) fn share(worker: usize, workers: usize) -> impl Iterator<Item = &'static Event> {
    // Not by `skip` and `step_by` of the slice: what is done for each event would stand in two places, and be inlined in none.
    let events = events();
    (worker..events.len()).step_by(workers).map(move |at| &events[at])
}

fn generated(n: usize) -> impl Iterator<Item = Event> {
    let config = NexmarkConfig {
        base_time: 0,
        first_rate: PER_SECOND,
        next_rate: PER_SECOND,
        avg_person_byte_size: 0,
        avg_auction_byte_size: 0,
        avg_bid_byte_size: 0,
        ..NexmarkConfig::default()
    };
    EventGenerator::new(config).take(n).map(Event::from)
}

/// Query 1's price, in the other currency.
#[inline(always)]
pub(crate) fn converted(price: u64) -> u64 {
    price * 908 / 1_000
}

/// Whether query 2 looks for the auction.
#[inline(always)]
pub(crate) fn selected(auction: u64) -> bool {
    auction.is_multiple_of(123)
}

/// Whether query 3 looks for sellers of this state.
#[inline(always)]
pub(crate) fn near(state: &str) -> bool {
    state == "or" || state == "id" || state == "ca"
}

/// The category of query 3.
pub(crate) const CATEGORY: u64 = 10;

/// The end of the window of queries 7 and 8 that holds this time.
#[inline(always)]
pub(crate) fn window_end(at: u64) -> u64 {
    (at / SIZE_MS + 1) * SIZE_MS
}

/// Of query 1: a bid with the converted price.
#[inline(always)]
pub(crate) fn q1_value(auction: u64, bidder: u64, price: u64, at: u64) -> u64 {
    mix(auction ^ (bidder << 20) ^ (price << 40) ^ at)
}

/// Of query 2: a bid.
#[inline(always)]
pub(crate) fn q2_value(auction: u64, price: u64) -> u64 {
    mix(auction ^ (price << 32))
}

/// Of query 3: a seller and an auction.
#[inline(always)]
pub(crate) fn q3_value(person: u64, name: &str, auction: u64) -> u64 {
    mix((person << 32) ^ auction ^ ((name.len() as u64) << 56))
}

/// Of query 5: the auction with the most bids; of equally many, the one with the smallest number.
#[inline(always)]
pub(crate) fn q5_value(end: u64, auction: u64, bids: u64) -> u64 {
    mix(end ^ (auction << 20) ^ (bids << 44))
}

/// Of query 7: the highest bid; of equally high ones, that with the smallest auction, then bidder.
#[inline(always)]
pub(crate) fn q7_value(end: u64, auction: u64, bidder: u64, price: u64) -> u64 {
    mix(end ^ (auction << 20) ^ (bidder << 36) ^ (price << 44))
}

/// Of query 8: a person and one of their auctions.
#[inline(always)]
pub(crate) fn q8_value(end: u64, person: u64, name: &str, reserve: u64) -> u64 {
    mix(end ^ (person << 20) ^ (reserve << 40) ^ ((name.len() as u64) << 60))
}

/// A map with the hash that the hand-written loops and timely use.
pub(crate) type Map<K, V> = HashMap<K, V, FxBuildHasher>;

/// Query 5 by hand: bids are counted per auction in panes of 2 s, of which a window is five.
#[derive(Debug)]
pub(crate) struct Panes {
    counts: BTreeMap<u64, Map<u64, u64>>,
    next_end: u64,
}

impl Panes {
    /// Without a bid.
    pub(crate) fn new() -> Self {
        Self { counts: BTreeMap::new(), next_end: SLIDE_MS }
    }

    /// Where the next window ends.
    pub(crate) fn next_end(&self) -> u64 {
        self.next_end
    }

    /// Counts a bid.
    #[inline(always)]
    pub(crate) fn add(&mut self, auction: u64, at: u64) {
        *self.counts.entry(at / SLIDE_MS).or_default().entry(auction).or_insert(0) += 1;
    }

    /// Closes the windows that end at or before `bound`, and says of each (end, auction, bids) for the one with the most.
    pub(crate) fn close(&mut self, bound: u64, mut found: impl FnMut(u64, u64, u64)) {
        const PANES: u64 = SIZE_MS / SLIDE_MS;
        while self.next_end <= bound && !self.counts.is_empty() {
            let end = self.next_end / SLIDE_MS;
            let mut sums: Map<u64, u64> = Map::default();
            for (_, pane) in self.counts.range(end.saturating_sub(PANES)..end) {
                pane.iter().for_each(|(auction, bids)| *sums.entry(*auction).or_insert(0) += bids);
            }
            let best = sums.into_iter().fold(None, |best, (auction, bids)| Some(hotter(best, auction, bids)));
            if let Some((auction, bids)) = best {
                found(self.next_end, auction, bids);
            }
            if end >= PANES {
                self.counts.remove(&(end - PANES));
            }
            self.next_end += SLIDE_MS;
        }
    }
}

/// The better of two answers (auction, bids) to query 5.
#[inline(always)]
pub(crate) fn hotter(best: Option<(u64, u64)>, auction: u64, bids: u64) -> (u64, u64) {
    match best {
        Some(best) if best.1 > bids || best.1 == bids && best.0 < auction => best,
        _ => (auction, bids),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_in_order_and_dealt_out_in_turn() {
        prepare(10_001);
        assert!(events().is_sorted_by_key(Event::at));
        assert_eq!(events().last().map(Event::at), Some(100));
        let (mut even, mut odd) = (share(0, 2), share(1, 2));
        let back = (0..10_001).filter_map(|i| if i % 2 == 0 { even.next() } else { odd.next() });
        assert!(back.eq(events()));
    }

    #[test]
    fn panes_give_the_most_of_every_window() {
        let mut panes = Panes::new();
        let bids = [(1, 0), (2, 1_999), (2, 3_999), (1, 1_000), (7, 13_000)];
        bids.into_iter().for_each(|(auction, at)| panes.add(auction, at));
        let mut found = Vec::new();
        panes.close(3_999, |end, auction, bids| found.push((end, auction, bids)));
        assert_eq!(found, [(2_000, 1, 2)]);
        panes.close(u64::MAX, |end, auction, bids| found.push((end, auction, bids)));
        let until_10 = [4_000, 6_000, 8_000, 10_000].map(|end| (end, 1, 2));
        let late = [14_000, 16_000, 18_000, 20_000, 22_000].map(|end| (end, 7, 1));
        assert_eq!(found[1..5], until_10);
        assert_eq!(found[5..], [vec![(12_000, 2, 1)], late.to_vec()].concat());
    }
}
