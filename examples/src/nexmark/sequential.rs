//! The answers to the queries by plain code over all events at once: slow, and easy to see to be right.
//!
//! Each answer is sorted, and none depends on the order of the events: where two are equally good, it is said which one
//! counts. Windows are half-open and aligned to 1970, and are named by their end: the first time that is no longer in
//! them. When the input ends, all windows and all auctions close.
#[cfg(test)]
mod tests;

use super::events::{Auction, Bid, Event, Person, Time, millis, time};
use malstrom::Record;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// The length of the windows of queries 5, 7 and 8, and the pause that ends a session of query 11, in milliseconds.
pub const SIZE_MILLIS: u64 = 10_000;
/// How often a window of query 5 starts, in milliseconds.
pub const SLIDE_MILLIS: u64 = 2_000;
/// How many sales query 6 takes the average of.
pub const LAST_SALES: usize = 10;

/// A bid for an auction that query 2 looks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Selected {
    /// The auction.
    pub auction: u64,
    /// What is bid, in cents.
    pub price: u64,
}

/// What query 3 suggests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalItem {
    /// The seller's name.
    pub name: String,
    /// The seller's city.
    pub city: String,
    /// The seller's state.
    pub state: String,
    /// The auction.
    pub auction: u64,
}

/// An auction that ended with a sale.
#[derive(Record, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sale {
    /// When the auction closed.
    pub closed: Time,
    /// The auction.
    pub auction: u64,
    /// Its category.
    pub category: u64,
    /// Who sold.
    pub seller: u64,
    /// Who bought.
    pub bidder: u64,
    /// What was paid, in cents.
    pub price: u64,
}

/// What things of a category cost (query 4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CategoryPrice {
    /// The category.
    pub category: u64,
    /// How many were sold.
    pub sales: u64,
    /// Their average price in cents, rounded down.
    pub average: u64,
}

/// An auction that many bid in (query 5).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HotItem {
    /// Where the window ends.
    pub end: Time,
    /// The auction.
    pub auction: u64,
    /// How many bids it had in the window.
    pub bids: u64,
}

/// What a seller lately gets, whenever another item is sold (query 6).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SellerPrice {
    /// The seller.
    pub seller: u64,
    /// When this auction of theirs closed.
    pub closed: Time,
    /// The auction.
    pub auction: u64,
    /// The average price in cents of their last sales up to this one, rounded down.
    pub average: u64,
}

/// The bid of a window (query 7).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HighestBid {
    /// Where the window ends.
    pub end: Time,
    /// When the bid was made.
    pub at: Time,
    /// For which auction.
    pub auction: u64,
    /// By whom.
    pub bidder: u64,
    /// In cents.
    pub price: u64,
}

/// Someone who began to sell at once (query 8).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NewSeller {
    /// Where the window ends.
    pub end: Time,
    /// The person.
    pub person: u64,
    /// Their name.
    pub name: String,
    /// One of the auctions they opened in the window.
    pub auction: u64,
}

/// How long someone went on bidding (query 11).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session {
    /// Who.
    pub bidder: u64,
    /// When the first bid was made.
    pub start: Time,
    /// 10 s after the last one.
    pub end: Time,
    /// How many bids there were.
    pub bids: u64,
}

/// How often someone bids (query 12).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BidderTotal {
    /// Who.
    pub bidder: u64,
    /// How many bids they made.
    pub bids: u64,
}

/// Query 0: every event, as it is.
pub fn passed(events: &[Event]) -> Vec<Event> {
    sorted(events.iter().cloned())
}

/// Query 1: every bid with its price in another currency, `price * 908 / 1000` rounded down.
pub fn converted(events: &[Event]) -> Vec<Bid> {
    sorted(bids(events).map(|bid| Bid { price: bid.price * 908 / 1_000, ..bid.clone() }))
}

/// Query 2: every bid for an auction whose number is divisible by 123.
pub fn selected(events: &[Event]) -> Vec<Selected> {
    let chosen = bids(events).filter(|bid| bid.auction.is_multiple_of(123));
    sorted(chosen.map(|bid| Selected { auction: bid.auction, price: bid.price }))
}

/// Query 3: every auction of category 10 with its seller, who is from Oregon, Idaho or California.
///
/// It does not matter which of the two came first, nor how much later the other did.
pub fn local_items(events: &[Event]) -> Vec<LocalItem> {
    let near = people(events).filter(|person| ["or", "id", "ca"].contains(&person.state.as_str()));
    let near: HashMap<u64, &Person> = near.map(|person| (person.id, person)).collect();
    let items = auctions(events).filter(|auction| auction.category == 10).filter_map(|auction| {
        let Person { name, city, state, .. } = near.get(&auction.seller)?;
        Some(LocalItem { name: name.clone(), city: city.clone(), state: state.clone(), auction: auction.id })
    });
    sorted(items)
}

/// For queries 4 and 6: every auction that ended with a sale, to the highest bid made from when it opened until before
/// it closed, if that reached the reserve. Of equally high bids the earliest wins, of equally early ones that of the
/// smallest bidder.
pub fn sales(events: &[Event]) -> Vec<Sale> {
    let mut offers: HashMap<u64, Vec<&Bid>> = HashMap::new();
    bids(events).for_each(|bid| offers.entry(bid.auction).or_default().push(bid));
    let sold = auctions(events).filter_map(|auction| {
        let offers = offers.get(&auction.id)?.iter().copied();
        let in_time = offers.filter(|bid| (auction.at..auction.expires).contains(&bid.at));
        let won = highest(in_time.filter(|bid| bid.price >= auction.reserve))?;
        let Auction { id: auction, category, seller, expires: closed, .. } = *auction;
        Some(Sale { closed, auction, category, seller, bidder: won.bidder, price: won.price })
    });
    sorted(sold)
}

/// Query 4: the average price of all [`sales`] of each category, once the input has ended.
pub fn category_prices(events: &[Event]) -> Vec<CategoryPrice> {
    let mut prices: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    sales(events).iter().for_each(|sale| prices.entry(sale.category).or_default().push(sale.price));
    let averages = prices.iter().map(|(&category, prices)| CategoryPrice {
        category,
        sales: prices.len() as u64,
        average: average(prices),
    });
    sorted(averages)
}

/// Query 5: the auctions with the most bids in each window of 10 s, of which one starts every 2 s. If several have
/// equally many, all of them; if there is no bid, none.
pub fn hot_items(events: &[Event]) -> Vec<HotItem> {
    let mut windows: BTreeMap<Time, BTreeMap<u64, u64>> = BTreeMap::new();
    for bid in bids(events) {
        let first_end = window_end(bid.at, SLIDE_MILLIS);
        for later in (0..SIZE_MILLIS).step_by(SLIDE_MILLIS as usize) {
            let window = windows.entry(time(millis(first_end) + later)).or_default();
            *window.entry(bid.auction).or_default() += 1;
        }
    }
    let hottest = windows.iter().flat_map(|(&end, counts)| {
        let most = counts.values().max().copied();
        let hot = counts.iter().filter(move |(_, bids)| Some(**bids) == most);
        hot.map(move |(&auction, &bids)| HotItem { end, auction, bids })
    });
    sorted(hottest)
}

/// Query 6: for each of the [`sales`] the average price of the seller's last ten, this one included. Auctions that close
/// at the same time count as closing in the order of their numbers.
pub fn seller_prices(events: &[Event]) -> Vec<SellerPrice> {
    let mut prices: HashMap<u64, Vec<u64>> = HashMap::new();
    // in the order in which they closed
    let averages = sales(events).into_iter().map(|Sale { closed, auction, seller, price, .. }| {
        let sold = prices.entry(seller).or_default();
        sold.push(price);
        let average = average(&sold[sold.len().saturating_sub(LAST_SALES)..]);
        SellerPrice { seller, closed, auction, average }
    });
    sorted(averages.collect::<Vec<_>>())
}

/// Query 7: the highest bid of each window of 10 s. Of equally high ones the earliest, of equally early ones that for the
/// auction with the smallest number, then that of the smallest bidder.
pub fn highest_bids(events: &[Event]) -> Vec<HighestBid> {
    let mut windows: BTreeMap<Time, Vec<&Bid>> = BTreeMap::new();
    bids(events).for_each(|bid| windows.entry(window_end(bid.at, SIZE_MILLIS)).or_default().push(bid));
    let best = windows.into_iter().filter_map(|(end, bids)| {
        let Bid { auction, bidder, price, at, .. } = *highest(bids)?;
        Some(HighestBid { end, at, auction, bidder, price })
    });
    sorted(best)
}

/// Query 8: everyone who registered, with each auction that they opened in the same window of 10 s.
pub fn new_sellers(events: &[Event]) -> Vec<NewSeller> {
    let people: HashMap<u64, &Person> = people(events).map(|person| (person.id, person)).collect();
    let sellers = auctions(events).filter_map(|auction| {
        let person = people.get(&auction.seller)?;
        let end = window_end(auction.at, SIZE_MILLIS);
        let new = window_end(person.at, SIZE_MILLIS) == end;
        new.then(|| NewSeller { end, person: person.id, name: person.name.clone(), auction: auction.id })
    });
    sorted(sellers)
}

/// Query 11: how many bids each bidder made in a row, without a pause of 10 s or more.
pub fn sessions(events: &[Event]) -> Vec<Session> {
    let mut times: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    bids(events).for_each(|bid| times.entry(bid.bidder).or_default().push(millis(bid.at)));
    let sessions = times.iter_mut().flat_map(|(&bidder, times)| {
        times.sort_unstable();
        let rows = times.chunk_by(|before, after| after - before < SIZE_MILLIS);
        rows.filter_map(move |row| {
            let (first, last) = (*row.first()?, *row.last()?);
            Some(Session { bidder, start: time(first), end: time(last + SIZE_MILLIS), bids: row.len() as u64 })
        })
    });
    sorted(sessions)
}

/// Query 12: how many bids each bidder made. The query asks for windows of 10 s of processing time, which differ from run
/// to run; but a bidder's counts over all windows add up to this.
pub fn bidder_totals(events: &[Event]) -> Vec<BidderTotal> {
    let mut totals: BTreeMap<u64, u64> = BTreeMap::new();
    bids(events).for_each(|bid| *totals.entry(bid.bidder).or_default() += 1);
    sorted(totals.into_iter().map(|(bidder, bids)| BidderTotal { bidder, bids }))
}

fn people(events: &[Event]) -> impl Iterator<Item = &Person> {
    events.iter().filter_map(|event| if let Event::Person(person) = event { Some(person) } else { None })
}

fn auctions(events: &[Event]) -> impl Iterator<Item = &Auction> {
    events.iter().filter_map(|event| if let Event::Auction(auction) = event { Some(auction) } else { None })
}

fn bids(events: &[Event]) -> impl Iterator<Item = &Bid> {
    events.iter().filter_map(|event| if let Event::Bid(bid) = event { Some(bid) } else { None })
}

/// Of equally high ones the earliest, then that for the smallest auction, then that of the smallest bidder.
fn highest<'a>(bids: impl IntoIterator<Item = &'a Bid>) -> Option<&'a Bid> {
    bids.into_iter().min_by_key(|bid| (Reverse(bid.price), bid.at, bid.auction, bid.bidder))
}

/// The end of the first aligned window of this many milliseconds that ends after `at`.
fn window_end(at: Time, size: u64) -> Time {
    time((millis(at) / size + 1) * size)
}

/// Rounded down; of at least one price.
fn average(prices: &[u64]) -> u64 {
    prices.iter().sum::<u64>() / prices.len().max(1) as u64
}

fn sorted<T: Ord>(rows: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut rows: Vec<T> = rows.into_iter().collect();
    rows.sort();
    rows
}
