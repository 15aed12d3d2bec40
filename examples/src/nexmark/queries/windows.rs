//! Queries 5, 7, 11 and 12: windows of bids.
use super::super::answer::Answer;
use super::super::events::{Bid, Event};
use super::super::sequential::{BidderTotal, HighestBid, HotItem, SIZE_MILLIS, SLIDE_MILLIS, Session};
use super::{bids, stream};
use malstrom::prelude::*;
use std::cmp::Reverse;

/// The auctions that have the most bids so far in a window.
#[keyed_state(key = Window)]
#[derive(Default)]
struct Hottest {
    bids: u64,
    auctions: Vec<u64>,
}

#[operator(on_close = hottest)]
fn compare(most: &mut Hottest, count: Windowed<u64, u64>) {
    if count.value > most.bids {
        *most = Hottest { bids: count.value, auctions: Vec::new() };
    }
    if count.value == most.bids {
        most.auctions.push(count.key);
    }
}

#[operator]
fn hottest(most: Hottest, _: Window, counted: Key<'_, Window>) -> impl Iterator<Item = HotItem> {
    let (end, bids) = (counted.end(), most.bids);
    most.auctions.into_iter().map(move |auction| HotItem { end, auction, bids })
}

/// The higher of two bids, of equally high ones the earlier, then that for the auction with the smaller number, then that of the
/// smaller bidder.
fn higher(a: Bid, b: Bid) -> Bid {
    let order = |bid: &Bid| (Reverse(bid.price), bid.at, bid.auction, bid.bidder);
    if order(&a) <= order(&b) { a } else { b }
}

fn highest(best: Windowed<(), Bid>) -> HighestBid {
    let Bid { auction, bidder, price, at, .. } = best.value;
    HighestBid { end: best.window.end(), at, auction, bidder, price }
}

/// How many bids someone has made since the first of them, for some 10 s.
#[keyed_state(key = u64)]
#[derive(Default)]
struct Bids {
    count: u64,
}

#[derive(Record)]
struct Elapsed;

#[operator(on_timer = elapsed)]
fn count_for_a_while(bids: &mut Option<Bids>, _: Bid, timers: ProcessingTimers<'_, Elapsed>) {
    if bids.is_none() {
        timers.after(SIZE_MILLIS.millis(), Elapsed);
    }
    bids.get_or_insert_default().count += 1;
}

#[operator]
fn elapsed(bids: &mut Option<Bids>, _: Elapsed, bidder: Key<'_, u64>) -> Option<BidderTotal> {
    bids.take().map(|Bids { count }| BidderTotal { bidder: *bidder, bids: count })
}

pipeline! {
    /// Query 5: the auctions with the most bids in each window of 10 s, of which one starts every 2 s.
    pub fn hot_items(events: usize, answer: Answer<HotItem>) {
        source(stream(events)) -> timestamps(Event::at) -> bids
            -> key_by(|bid| bid.auction) -> window(sliding(SIZE_MILLIS.millis(), SLIDE_MILLIS.millis()))? -> count()
            // a count has the last time of its window
            -> key_by(|count| count.window) -> window(tumbling(SLIDE_MILLIS.millis()))? as ends -> compare
            -> sink(answer);
    }

    /// Query 7: the highest bid of each window of 10 s.
    pub fn highest_bids(events: usize, answer: Answer<HighestBid>) {
        source(stream(events)) -> timestamps(Event::at) -> bids
            // of each auction first, which all workers do
            -> key_by(|bid| bid.auction) -> window(tumbling(SIZE_MILLIS.millis()))? -> reduce(higher)
            -> map(|best| best.value)
            -> key_by(|_| ()) -> window(tumbling(SIZE_MILLIS.millis()))? as all -> reduce(higher) as highest
            -> map(highest) -> sink(answer);
    }

    /// Query 11: how many bids each bidder made in a row, without a pause of 10 s or more.
    pub fn sessions(events: usize, answer: Answer<Session>) {
        source(stream(events)) -> timestamps(Event::at) -> bids
            -> key_by(|bid| bid.bidder) -> window(session(SIZE_MILLIS.millis()))? -> count()
            -> map(|Windowed { key: bidder, window, value: bids }| Session { bidder, start: window.start(), end: window.end(), bids })
            -> sink(answer);
    }

    /// Query 12: how many bids each bidder made, in stretches of 10 s by the clock of the machine that begin with a bid.
    pub fn bidder_totals(events: usize, answer: Answer<BidderTotal>) {
        source(stream(events)) -> bids -> key_by(|bid| bid.bidder) -> count_for_a_while -> sink(answer);
    }
}
