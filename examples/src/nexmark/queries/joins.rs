//! Queries 3 and 8: people with the auctions that they open.
use super::super::answer::Answer;
use super::super::events::{Auction, Event, Person};
use super::super::sequential::{LocalItem, NewSeller, SIZE_MILLIS};
use super::{people_and_auctions, stream};
use malstrom::prelude::*;

/// Who a seller is, or the auctions that wait for that to be known.
#[keyed_state(key = u64)]
#[derive(Default)]
struct Seller {
    person: Option<Person>,
    waiting: Vec<u64>,
}

impl Seller {
    fn items(&mut self) -> impl Iterator<Item = LocalItem> + use<> {
        let ready = if self.person.is_some() { std::mem::take(&mut self.waiting) } else { Vec::new() };
        let person = self.person.clone().filter(|_| !ready.is_empty());
        person.into_iter().flat_map(move |Person { name, city, state, .. }| {
            let item =
                move |auction| LocalItem { name: name.clone(), city: city.clone(), state: state.clone(), auction };
            ready.clone().into_iter().map(item)
        })
    }
}

#[operator(on_right = offer)]
fn introduce(seller: &mut Seller, person: Person) -> impl Iterator<Item = LocalItem> {
    seller.person = Some(person);
    seller.items()
}

#[operator]
fn offer(seller: &mut Seller, auction: Auction) -> impl Iterator<Item = LocalItem> {
    seller.waiting.push(auction.id);
    seller.items()
}

#[operator]
fn new_seller((person, auction): (Person, Auction), at: EventTime) -> NewSeller {
    let size = SIZE_MILLIS.millis();
    NewSeller { end: at.floor_to(size) + size, person: person.id, name: person.name, auction: auction.id }
}

pipeline! {
    /// Query 3: every auction of category 10 with its seller, who is from Oregon, Idaho or California.
    pub fn local_items(events: usize, answer: Answer<LocalItem>) {
        let (people, auctions) = source(stream(events)) -> people_and_auctions;
        let near = people -> filter(|p| ["or", "id", "ca"].contains(&p.state.as_str())) -> key_by(|p| p.id);
        let items = auctions -> filter(|a| a.category == 10) -> key_by(|a| a.seller);
        (near, items) -> introduce -> sink(answer);
    }
    /// Query 8: everyone who registered, with each auction that they opened in the same window of 10 s.
    pub fn new_sellers(events: usize, answer: Answer<NewSeller>) {
        let (people, auctions) = source(stream(events)) -> timestamps(Event::at) -> people_and_auctions;
        let by_id = people -> key_by(|person| person.id);
        let by_seller = auctions -> key_by(|auction| auction.seller);
        join(by_id, by_seller, window = tumbling(SIZE_MILLIS.millis())) -> new_seller -> sink(answer);
    }
}
