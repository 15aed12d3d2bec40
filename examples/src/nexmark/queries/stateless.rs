//! Queries 0 to 2: each record by itself.
use super::super::answer::Answer;
use super::super::events::{Bid, Event};
use super::super::sequential::Selected;
use super::{bids, stream};
use malstrom::prelude::*;

pipeline! {
    /// Query 0: every event, as it is.
    pub fn passed(events: usize, answer: Answer<Event>) {
        source(stream(events)) -> sink(answer);
    }

    /// Query 1: every bid with its price in another currency.
    pub fn converted(events: usize, answer: Answer<Bid>) {
        source(stream(events)) -> bids -> map(|bid| Bid { price: bid.price * 908 / 1_000, ..bid }) -> sink(answer);
    }

    /// Query 2: every bid for an auction whose number is divisible by 123.
    pub fn selected(events: usize, answer: Answer<Selected>) {
        source(stream(events)) -> bids -> filter(|bid| bid.auction.is_multiple_of(123))
            -> map(|Bid { auction, price, .. }| Selected { auction, price }) -> sink(answer);
    }
}
