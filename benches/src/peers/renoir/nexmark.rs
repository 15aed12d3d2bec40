//! Nexmark's queries 1 to 3: a filter, a map and renoir's own join, which keeps both sides.
use crate::nexmark::{CATEGORY, Event, converted, near, q1_value, q2_value, q3_value, selected, share};
use crate::tally::Tally;
use crate::workload::Workload;
use ::renoir::prelude::*;

/// Builds the query.
pub(super) fn run(context: &StreamContext, query: Workload) {
    match query {
        Workload::Q1 => q1(context),
        Workload::Q2 => q2(context),
        Workload::Q3 => q3(context),
        other => unreachable!("{} is not offered", other.name()),
    }
}

fn copied(me: u64, all: u64) -> impl Iterator<Item = Event> + Send {
    share(me as usize, all as usize).cloned()
}

fn q1(context: &StreamContext) {
    let mut sink = Tally::default();
    context
        .stream_par_iter(copied)
        .filter_map(|event| match event {
            Event::Bid { auction, at, bidder, price } => Some((auction, bidder, price, at)),
            _ => None,
        })
        .map(|(auction, bidder, price, at)| (auction, bidder, converted(price), at))
        .for_each(move |(auction, bidder, price, at)| sink.put(q1_value(auction, bidder, price, at)));
}

fn q2(context: &StreamContext) {
    let mut sink = Tally::default();
    context
        .stream_par_iter(copied)
        .filter_map(|event| match event {
            Event::Bid { auction, price, .. } => Some((auction, price)),
            _ => None,
        })
        .filter(|(auction, _)| selected(*auction))
        .for_each(move |(auction, price)| sink.put(q2_value(auction, price)));
}

fn q3(context: &StreamContext) {
    let mut sink = Tally::default();
    let mut routes = context
        .stream_par_iter(copied)
        .route()
        .add_route(|event| matches!(event, Event::Person { .. }))
        .add_route(|event| matches!(event, Event::Auction { .. }))
        .build()
        .into_iter();
    let (Some(people), Some(auctions)) = (routes.next(), routes.next()) else { unreachable!("there are two routes") };
    let people = people.filter_map(|event| match event {
        Event::Person { id, name, city, state, .. } if near(&state) => Some((id, name, city, state)),
        _ => None,
    });
    let auctions = auctions.filter_map(|event| match event {
        Event::Auction { id, seller, category: CATEGORY, .. } => Some((seller, id)),
        _ => None,
    });
    people
        .join(auctions, |person| person.0, |auction| auction.0)
        .drop_key()
        .for_each(move |(person, auction)| sink.put(q3_value(person.0, &person.1, auction.1)));
}
