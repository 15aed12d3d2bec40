//! Nexmark's queries. Query 5 counts in panes, as the hand-written loop does, and like query 7 takes the best of each
//! worker before the best of all.
use super::{TURN, Vectors};
use crate::nexmark::{
    CATEGORY, Event, Map, Panes, SIZE_MS, SLIDE_MS, converted, events, hotter, near, q1_value, q2_value, q3_value,
    q5_value, q7_value, q8_value, selected, window_end,
};
use crate::tally::Tally;
use crate::workload::{Workload, route};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use timely::dataflow::channels::pact::{Exchange, ParallelizationContract, Pipeline};
use timely::dataflow::operators::generic::operator::source;
use timely::dataflow::operators::vec::{Filter, Map as _};
use timely::dataflow::operators::{Capability, Operator};
use timely::dataflow::{Scope, StreamVec};

type Stream<'s, T> = StreamVec<'s, u64, T>;

/// Builds the query.
pub(super) fn run(scope: Scope<'_, u64>, query: Workload, me: usize, all: usize) {
    let events = copied(scope, me, all);
    match query {
        Workload::Q1 => q1(events),
        Workload::Q2 => q2(events),
        Workload::Q3 => q3(events),
        Workload::Q5 => q5(events),
        Workload::Q7 => q7(events),
        Workload::Q8 => q8(events),
        other => unreachable!("{} is no query", other.name()),
    }
}

/// A worker's events, a turn at a time; the capability's time is that of the next one.
fn copied(scope: Scope<'_, u64>, me: usize, all: usize) -> Stream<'_, Event> {
    source::<_, Vectors<Event>, _, _>(scope, "events", move |capability, info| {
        let activator = scope.activator_for(info.address);
        let mut capability = Some(capability);
        let mut next = me;
        move |output| {
            let Some(open) = &mut capability else { return };
            let mut session = output.session(&*open);
            for _ in 0..TURN {
                let Some(event) = events().get(next) else { break };
                session.give(event.clone());
                next += all;
            }
            drop(session);
            match events().get(next) {
                Some(event) => {
                    open.downgrade(&event.at());
                    activator.activate();
                }
                None => capability = None,
            }
        }
    })
}

fn tally<T: 'static>(answers: Stream<'_, T>, value: impl Fn(T) -> u64 + 'static) {
    let mut sink = Tally::default();
    answers.sink(Pipeline, "sink", move |(input, _)| {
        input.for_each(|_, data| data.drain(..).for_each(|answer| sink.put(value(answer))));
    });
}

fn q1(events: Stream<'_, Event>) {
    let bids = events.flat_map(|event| match event {
        Event::Bid { auction, at, bidder, price } => Some((auction, bidder, price, at)),
        _ => None,
    });
    let converted = bids.map(|(auction, bidder, price, at)| (auction, bidder, converted(price), at));
    tally(converted, |(auction, bidder, price, at)| q1_value(auction, bidder, price, at));
}

fn q2(events: Stream<'_, Event>) {
    let bids = events.flat_map(|event| match event {
        Event::Bid { auction, price, .. } => Some((auction, price)),
        _ => None,
    });
    tally(bids.filter(|(auction, _)| selected(*auction)), |(auction, price)| q2_value(auction, price));
}

fn q3(events: Stream<'_, Event>) {
    let people = events.clone().flat_map(|event| match event {
        Event::Person { id, name, city, state, .. } if near(&state) => Some((id, (name, city, state))),
        _ => None,
    });
    let auctions = events.flat_map(|event| match event {
        Event::Auction { id, seller, category: CATEGORY, .. } => Some((seller, id)),
        _ => None,
    });
    type Described = (String, String, String);
    let by_person = Exchange::new(|person: &(u64, Described)| route(person.0));
    let by_seller = Exchange::new(|auction: &(u64, u64)| route(auction.0));
    let joined = people.binary::<_, Vectors<(u64, Described, u64)>, _, _, _, _>(
        auctions,
        by_person,
        by_seller,
        "join",
        |_, _| {
            let mut people: Map<u64, Described> = Map::default();
            let mut auctions: Map<u64, Vec<u64>> = Map::default();
            move |left, right, output| {
                left.for_each(|capability, data| {
                    let mut session = output.session(&capability);
                    for (id, person) in data.drain(..) {
                        let waiting = auctions.get(&id).into_iter().flatten();
                        waiting.for_each(|auction| session.give((id, person.clone(), *auction)));
                        people.insert(id, person);
                    }
                });
                right.for_each(|capability, data| {
                    let mut session = output.session(&capability);
                    for (seller, auction) in data.drain(..) {
                        if let Some(person) = people.get(&seller) {
                            session.give((seller, person.clone(), auction));
                        }
                        auctions.entry(seller).or_default().push(auction);
                    }
                });
            }
        },
    );
    tally(joined, |(id, person, auction)| q3_value(id, &person.0, auction));
}

fn q5(events: Stream<'_, Event>) {
    let bids = events.flat_map(|event| match event {
        Event::Bid { auction, at, .. } => Some((auction, at)),
        _ => None,
    });
    let by_auction = Exchange::new(|bid: &(u64, u64)| route(bid.0));
    let of_worker = bids.unary_frontier::<Vectors<(u64, u64, u64)>, _, _, _>(by_auction, "count", |capability, _| {
        let mut panes = Panes::new();
        let mut capability = Some(capability);
        move |(input, frontier), output| {
            input.for_each(|_, data| data.drain(..).for_each(|(auction, at)| panes.add(auction, at)));
            let bound = frontier.frontier().first().copied();
            let Some(open) = capability.as_mut().filter(|_| panes.next_end() <= bound.unwrap_or(u64::MAX)) else {
                return;
            };
            let mut session = output.session(&*open);
            panes.close(bound.unwrap_or(u64::MAX), |end, auction, bids| session.give((end, auction, bids)));
            drop(session);
            match bound {
                Some(_) => open.downgrade(&panes.next_end()),
                None => capability = None,
            }
        }
    });
    let by_window = Exchange::new(|best: &(u64, u64, u64)| best.0 / SLIDE_MS);
    let of_all = of_worker.unary_frontier::<Vectors<(u64, u64, u64)>, _, _, _>(by_window, "top", |_, _| {
        let mut windows: BTreeMap<u64, (Capability<u64>, (u64, u64))> = BTreeMap::new();
        move |(input, frontier), output| {
            input.for_each(|capability, data| {
                for (end, auction, bids) in data.drain(..) {
                    windows
                        .entry(end)
                        .and_modify(|(_, best)| *best = hotter(Some(*best), auction, bids))
                        .or_insert_with(|| (capability.delayed(&end, 0), (auction, bids)));
                }
            });
            while let Some(first) = windows.first_entry().filter(|first| !frontier.less_equal(first.key())) {
                let (end, (capability, (auction, bids))) = first.remove_entry();
                output.session(&capability).give((end, auction, bids));
            }
        }
    });
    tally(of_all, |(end, auction, bids)| q5_value(end, auction, bids));
}

/// A bid's price, auction and bidder: the greatest is the best.
type Offer = (u64, Reverse<(u64, u64)>);
/// The end of a window, and a bid in it.
type Best = (u64, Offer);

fn q7(events: Stream<'_, Event>) {
    let bids = events.flat_map(|event| match event {
        Event::Bid { auction, at, bidder, price } => Some((window_end(at), (price, Reverse((auction, bidder))))),
        _ => None,
    });
    let of_all = best(best(bids, Pipeline), Exchange::new(|best: &Best| best.0 / SIZE_MS));
    tally(of_all, |(end, (price, Reverse((auction, bidder))))| q7_value(end, auction, bidder, price));
}

fn best<P: ParallelizationContract<u64, Vec<Best>>>(bids: Stream<'_, Best>, pact: P) -> Stream<'_, Best> {
    bids.unary_frontier::<Vectors<Best>, _, _, _>(pact, "best", |_, _| {
        let mut windows: BTreeMap<u64, (Capability<u64>, Offer)> = BTreeMap::new();
        move |(input, frontier), output| {
            input.for_each(|capability, data| {
                for (end, bid) in data.drain(..) {
                    match windows.get_mut(&end) {
                        Some((_, best)) => *best = bid.max(*best),
                        // at its last time, not at its end: the next stage closes the window only after that
                        None => drop(windows.insert(end, (capability.delayed(&(end - 1), 0), bid))),
                    }
                }
            });
            while let Some(first) = windows.first_entry().filter(|first| !frontier.less_equal(&(first.key() - 1))) {
                let (end, (capability, bid)) = first.remove_entry();
                output.session(&capability).give((end, bid));
            }
        }
    })
}

fn q8(events: Stream<'_, Event>) {
    let people = events.clone().flat_map(|event| match event {
        Event::Person { id, name, at, .. } => Some((id, name, at)),
        _ => None,
    });
    let auctions = events.flat_map(|event| match event {
        Event::Auction { seller, reserve, at, .. } => Some((seller, reserve, at)),
        _ => None,
    });
    #[derive(Default)]
    struct Window {
        people: Map<u64, String>,
        reserves: Map<u64, Vec<u64>>,
    }
    let by_person = Exchange::new(|person: &(u64, String, u64)| route(person.0));
    let by_seller = Exchange::new(|auction: &(u64, u64, u64)| route(auction.0));
    let joined = people.binary_frontier::<_, Vectors<(u64, u64, String, u64)>, _, _, _, _>(
        auctions,
        by_person,
        by_seller,
        "join",
        |_, _| {
            let mut windows: BTreeMap<u64, (Capability<u64>, Window)> = BTreeMap::new();
            move |(left, left_frontier), (right, right_frontier), output| {
                left.for_each(|capability, data| {
                    for (id, name, at) in data.drain(..) {
                        let end = window_end(at);
                        let fresh = || (capability.delayed(&end, 0), Window::default());
                        windows.entry(end).or_insert_with(fresh).1.people.insert(id, name);
                    }
                });
                right.for_each(|capability, data| {
                    for (seller, reserve, at) in data.drain(..) {
                        let end = window_end(at);
                        let fresh = || (capability.delayed(&end, 0), Window::default());
                        windows.entry(end).or_insert_with(fresh).1.reserves.entry(seller).or_default().push(reserve);
                    }
                });
                while let Some(first) = windows.first_entry() {
                    if left_frontier.less_than(first.key()) || right_frontier.less_than(first.key()) {
                        break;
                    }
                    let (end, (capability, Window { people, reserves })) = first.remove_entry();
                    let mut session = output.session(&capability);
                    for (id, name) in people {
                        let auctions = reserves.get(&id).into_iter().flatten();
                        auctions.for_each(|reserve| session.give((end, id, name.clone(), *reserve)));
                    }
                }
            }
        },
    );
    tally(joined, |(end, id, name, reserve)| q8_value(end, id, &name, reserve));
}
