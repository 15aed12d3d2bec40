//! The queries as pipelines, each over the first so many events, which come in [`SPLITS`] splits.
//!
//! ```
//! use malstrom_examples::nexmark::{Answer, events, queries, sequential};
//!
//! let answer = Answer::all();
//! let rows = answer.clone();
//! malstrom::Runtime::builder().workers(2).build()?.run(move || queries::hot_items(10_000, rows.clone()))?;
//! let events: Vec<_> = events(10_000).collect();
//! assert_eq!(answer.rows(), sequential::hot_items(&events));
//! # Ok::<(), malstrom::Error>(())
//! ```
mod joins;
mod sales;
mod stateless;
mod windows;

pub use joins::{local_items, new_sellers};
pub use sales::{category_prices, seller_prices};
pub use stateless::{converted, passed, selected};
pub use windows::{bidder_totals, highest_bids, hot_items, sessions};

use super::events::{Auction, Bid, Event, Person, splits};
use malstrom::connect::memory;
use malstrom::prelude::*;
use malstrom::{Never, Source};

/// How many splits the events come in.
pub const SPLITS: usize = 8;

fn stream(events: usize) -> impl Source<Out = Event, Error = Never> {
    memory::splits(SPLITS, move |split| splits(events, SPLITS, split))
}

#[operator]
fn bids(event: Event) -> Option<Bid> {
    if let Event::Bid(bid) = event { Some(bid) } else { None }
}

#[operator]
fn people_and_auctions(event: Event, auctions: Output<'_, Auction>) -> Option<Person> {
    match event {
        Event::Person(person) => return Some(person),
        Event::Auction(auction) => auctions.push(auction),
        Event::Bid(_) => {}
    }
    None
}

#[operator]
fn auctions_and_bids(event: Event, bids: Output<'_, Bid>) -> Option<Auction> {
    match event {
        Event::Auction(auction) => return Some(auction),
        Event::Bid(bid) => bids.push(bid),
        Event::Person(_) => {}
    }
    None
}
