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

/// The mode in which events are not copied out of memory, as in the hand-written loops: the records are references.
pub(crate) const BY_REFERENCE: &str = "by reference";

/// The query.
pub(super) fn query(query: Workload, workers: usize, mode: &str) -> Pipeline {
    if mode == BY_REFERENCE {
        return on(query, memory::splits(workers, move |split| share(split, workers)));
    }
    on(query, memory::splits(workers, move |split| share(split, workers).cloned()))
}
fn on<S: Source<Out: Seen, Error = malstrom::Never> + 'static>(query: Workload, events: S) -> Pipeline {
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

/// An event, or a reference to one.
trait Seen: 'static {
    fn at(&self) -> u64;
    fn bid(self) -> Option<Bid>;
    fn person_or_auction(self) -> Option<Result<Person, Auction>>;
}
impl Seen for Event {
    #[inline(always)]
    fn at(&self) -> u64 {
        Event::at(self)
    }
    #[inline(always)]
    fn bid(self) -> Option<Bid> {
        match self {
            Event::Bid { auction, at, bidder, price } => Some(Bid { auction, bidder, price, at }),
            _ => None,
        }
    }
    #[inline(always)]
    fn person_or_auction(self) -> Option<Result<Person, Auction>> {
        match self {
            Event::Person { id, name, city, state, .. } => Some(Ok(Person { id, name, city, state })),
            Event::Auction { id, seller, category, reserve, .. } => {
                Some(Err(Auction { id, seller, category, reserve }))
            }
            Event::Bid { .. } => None,
        }
    }
}
impl Seen for &'static Event {
    #[inline(always)]
    fn at(&self) -> u64 {
        Event::at(self)
    }
    #[inline(always)]
    fn bid(self) -> Option<Bid> {
        match *self {
            Event::Bid { auction, at, bidder, price } => Some(Bid { auction, bidder, price, at }),
            _ => None,
        }
    }
    #[inline(always)]
    fn person_or_auction(self) -> Option<Result<Person, Auction>> {
        if let Event::Bid { .. } = self { None } else { self.clone().person_or_auction() }
    }
}

#[operator]
fn bids<E: Seen>(event: E) -> Option<Bid> {
    event.bid()
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
fn people_and_auctions<E: Seen>(event: E, auctions: Output<'_, Auction>) -> Option<Person> {
    match event.person_or_auction()? {
        Ok(person) => Some(person),
        Err(auction) => {
            auctions.push(auction);
            None
        }
    }
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
    let auctions = std::mem::take(&mut seller.auctions);
    // Mostly none was there before.
    let items: Vec<Item> = auctions.into_iter().map(|auction| Item { person: person.clone(), auction }).collect();
    seller.person = Some(person);
    items.into_iter()
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
fn sells(((id, name), auction): ((u64, String), Auction), at: EventTime<u64>) -> (u64, u64, String, u64) {
    (window_end(*at), id, name, auction.reserve)
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
    fn q1<S: Source<Out: Seen, Error = malstrom::Never> + 'static>(events: S) {
        source(events) -> bids -> map(|bid| Bid { price: converted(bid.price), ..bid })
            -> sink(for_each(tally(|Bid { auction, bidder, price, at }| q1_value(auction, bidder, price, at))));
    }

    fn q2<S: Source<Out: Seen, Error = malstrom::Never> + 'static>(events: S) {
        source(events) -> bids -> filter(|bid| selected(bid.auction))
            -> sink(for_each(tally(|bid: Bid| q2_value(bid.auction, bid.price))));
    }

    fn q3<S: Source<Out: Seen, Error = malstrom::Never> + 'static>(events: S) {
        let (people, auctions) = source(events) -> people_and_auctions;
        let sellers = people -> filter(|person| near(&person.state)) -> key_by(|person| person.id);
        let items = auctions -> filter(|auction| auction.category == CATEGORY) -> key_by(|auction| auction.seller);
        (sellers, items) -> registered
            -> sink(for_each(tally(|item: Item| q3_value(item.person.id, &item.person.name, item.auction))));
    }

    fn q5<S: Source<Out: Seen, Error = malstrom::Never> + 'static>(events: S) {
        source(events) -> timestamps(Seen::at) -> bids
            -> map(|bid| bid.auction) as auctions
            -> key_by(|auction| *auction) -> window(sliding(SIZE_MS, SLIDE_MS))? -> count()
            // a count has the last time of its window
            -> key_by(|count| count.window) -> window(tumbling(SLIDE_MS))? as ends -> reduce(hottest)
            -> sink(for_each(tally(|best: Windowed<Window, Windowed<u64, u64>>| {
                q5_value(end(best.key), best.value.key, best.value.value)
            })));
    }

    fn q7<S: Source<Out: Seen, Error = malstrom::Never> + 'static>(events: S) {
        source(events) -> timestamps(Seen::at) -> bids
            -> key_by(|_| ()) -> window(tumbling(SIZE_MS))? -> reduce(higher)
            -> sink(for_each(tally(|Windowed { window, value: Bid { auction, bidder, price, .. }, .. }: Windowed<(), Bid>| {
                q7_value(end(window), auction, bidder, price)
            })));
    }

    fn q8<S: Source<Out: Seen, Error = malstrom::Never> + 'static>(events: S) {
        let (people, auctions) = source(events) -> timestamps(Seen::at) -> people_and_auctions;
        let by_id = people -> map(|person| (person.id, person.name)) -> key_by(|person| person.0);
        let by_seller = auctions -> key_by(|auction| auction.seller);
        join(by_id, by_seller, window = tumbling(SIZE_MS)) -> sells
            -> sink(for_each(tally(|(end, id, name, reserve): (u64, u64, String, u64)| {
                q8_value(end, id, &name, reserve)
            })));
    }
}
