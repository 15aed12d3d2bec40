//! Nexmark's queries, on times that are integers.
use crate::nexmark::{
    CATEGORY, Event, SIZE_MS, SLIDE_MS, converted, hotter, near, q1_value, q2_value, q3_value, q5_value, q7_value,
    q8_value, selected, share, window_end,
};
use crate::tally::Tally;
use crate::workload::Workload;
use malstrom::connect::{for_each, memory};
use malstrom::prelude::*;
use malstrom::{Pipeline, Source};

/// The query.
pub(super) fn query(query: Workload, workers: usize) -> Pipeline {
    match query {
        Workload::Q1 => q1(workers),
        Workload::Q2 => q2(workers),
        Workload::Q3 => q3(workers),
        Workload::Q5 => q5(workers),
        Workload::Q7 => q7(workers),
        Workload::Q8 => q8(workers),
        other => unreachable!("{} is no query", other.name()),
    }
}

fn copied(workers: usize) -> impl Source<Out = Event, Error = malstrom::Never> {
    memory::splits(workers, move |split| share(split, workers).cloned())
}

fn tally<T: 'static>(value: impl Fn(T) -> u64 + 'static) -> impl FnMut(T) + 'static {
    let mut sink = Tally::default();
    move |answer| sink.put(value(answer))
}

/// An offer in an auction.
#[derive(Record, Clone, Copy)]
struct Bid {
    auction: u64,
    bidder: u64,
    price: u64,
    at: u64,
}

#[operator]
fn bids(event: Event) -> Option<Bid> {
    match event {
        Event::Bid { auction, at, bidder, price } => Some(Bid { auction, bidder, price, at }),
        _ => None,
    }
}

/// Someone who registers.
#[derive(Record, Clone)]
struct Person {
    id: u64,
    name: String,
    city: String,
    state: String,
}

/// Something that someone sells.
#[derive(Record, Clone, Copy)]
struct Auction {
    id: u64,
    seller: u64,
    category: u64,
    reserve: u64,
}

#[operator]
fn people_and_auctions(event: Event, auctions: Output<'_, Auction>) -> Option<Person> {
    match event {
        Event::Person { id, name, city, state, .. } => return Some(Person { id, name, city, state }),
        Event::Auction { id, seller, category, reserve, .. } => {
            auctions.push(Auction { id, seller, category, reserve });
        }
        Event::Bid { .. } => {}
    }
    None
}

/// Who a seller is, and what they sell.
#[keyed_state(key = u64)]
#[derive(Default)]
struct Seller {
    person: Option<Person>,
    auctions: Vec<u64>,
}

/// A seller and an auction of theirs.
#[derive(Record)]
struct Item {
    person: Person,
    auction: u64,
}

#[operator(on_right = opened)]
fn registered(seller: &mut Seller, person: Person) -> impl Iterator<Item = Item> {
    seller.person = Some(person.clone());
    let auctions = std::mem::take(&mut seller.auctions);
    auctions.into_iter().map(move |auction| Item { person: person.clone(), auction })
}

#[operator]
fn opened(seller: &mut Seller, auction: Auction) -> Option<Item> {
    match &seller.person {
        Some(person) => Some(Item { person: person.clone(), auction: auction.id }),
        None => {
            seller.auctions.push(auction.id);
            None
        }
    }
}

#[operator]
fn sells((person, auction): (Person, Auction), at: EventTime<u64>) -> (u64, Person, u64) {
    (window_end(*at), person, auction.reserve)
}

fn hottest(a: Windowed<u64, u64>, b: Windowed<u64, u64>) -> Windowed<u64, u64> {
    if hotter(Some((a.key, a.value)), b.key, b.value) == (a.key, a.value) { a } else { b }
}

fn higher(a: Bid, b: Bid) -> Bid {
    let lower = a.price < b.price || a.price == b.price && (a.auction, a.bidder) > (b.auction, b.bidder);
    if lower { b } else { a }
}

fn end(window: Window) -> u64 {
    window.end().as_micros() as u64
}

pipeline! {
    fn q1(workers: usize) {
        source(copied(workers)) -> bids -> map(|bid| Bid { price: converted(bid.price), ..bid })
            -> sink(for_each(tally(|Bid { auction, bidder, price, at }| q1_value(auction, bidder, price, at))));
    }

    fn q2(workers: usize) {
        source(copied(workers)) -> bids -> filter(|bid| selected(bid.auction))
            -> sink(for_each(tally(|bid: Bid| q2_value(bid.auction, bid.price))));
    }

    fn q3(workers: usize) {
        let (people, auctions) = source(copied(workers)) -> people_and_auctions;
        let sellers = people -> filter(|person| near(&person.state)) -> key_by(|person| person.id);
        let items = auctions -> filter(|auction| auction.category == CATEGORY) -> key_by(|auction| auction.seller);
        (sellers, items) -> registered
            -> sink(for_each(tally(|item: Item| q3_value(item.person.id, &item.person.name, item.auction))));
    }

    fn q5(workers: usize) {
        source(copied(workers)) -> timestamps(Event::at) -> bids
            -> key_by(|bid| bid.auction) -> window(sliding(SIZE_MS, SLIDE_MS))? -> count()
            // a count has the last time of its window
            -> key_by(|count| count.window) -> window(tumbling(SLIDE_MS))? as ends -> reduce(hottest)
            -> sink(for_each(tally(|best: Windowed<Window, Windowed<u64, u64>>| {
                q5_value(end(best.key), best.value.key, best.value.value)
            })));
    }

    fn q7(workers: usize) {
        source(copied(workers)) -> timestamps(Event::at) -> bids
            -> key_by(|_| ()) -> window(tumbling(SIZE_MS))? -> reduce(higher)
            -> sink(for_each(tally(|Windowed { window, value: Bid { auction, bidder, price, .. }, .. }: Windowed<(), Bid>| {
                q7_value(end(window), auction, bidder, price)
            })));
    }

    fn q8(workers: usize) {
        let (people, auctions) = source(copied(workers)) -> timestamps(Event::at) -> people_and_auctions;
        let by_id = people -> key_by(|person| person.id);
        let by_seller = auctions -> key_by(|auction| auction.seller);
        join(by_id, by_seller, window = tumbling(SIZE_MS)) -> sells
            -> sink(for_each(tally(|(end, person, reserve): (u64, Person, u64)| {
                q8_value(end, person.id, &person.name, reserve)
            })));
    }
}
