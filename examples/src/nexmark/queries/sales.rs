//! Queries 4 and 6: what auctions come to when they close.
use super::super::answer::Answer;
use super::super::events::{Auction, Bid, Event, Time};
use super::super::sequential::{CategoryPrice, LAST_SALES, Sale, SellerPrice};
use super::{auctions_and_bids, stream};
use malstrom::prelude::*;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// An auction that has not closed, or bids for one of which nothing is known yet.
#[keyed_state(key = u64)]
#[derive(Default)]
struct Lot {
    auction: Option<Auction>,
    bids: Vec<Bid>,
}

/// Has a lot looked at, when the auction closes or when it is certain that a bid came too early for it.
#[derive(Record)]
struct Look;

#[operator(on_right = offer, on_timer = look)]
fn open(lot: &mut Option<Lot>, auction: Auction, timers: Timers<'_, Look>) {
    timers.at(auction.expires, Look);
    lot.get_or_insert_default().auction = Some(auction);
}

#[operator]
fn offer(lot: &mut Option<Lot>, bid: Bid, timers: Timers<'_, Look>) -> Option<Sale> {
    let lot = lot.get_or_insert_default();
    if lot.auction.is_none() {
        timers.at(bid.at, Look);
    }
    lot.bids.push(bid);
    None
}

/// Time has come to `at`: all auctions that opened until then are known, and all bids that were made.
#[operator]
fn look(lot: &mut Option<Lot>, _: Look, at: EventTime) -> Option<Sale> {
    let Lot { auction, bids } = lot.as_mut()?;
    match auction.take_if(|auction| auction.expires <= *at) {
        Some(auction) => {
            let bids = std::mem::take(bids);
            *lot = None;
            sale(auction, bids)
        }
        None if auction.is_none() => {
            bids.retain(|bid| bid.at > *at);
            lot.take_if(|lot| lot.bids.is_empty());
            None
        }
        None => None,
    }
}

fn sale(auction: Auction, bids: Vec<Bid>) -> Option<Sale> {
    let in_time = bids.into_iter().filter(|bid| (auction.at..auction.expires).contains(&bid.at));
    let won = in_time.min_by_key(|bid| (Reverse(bid.price), bid.at, bid.bidder));
    let Bid { bidder, price, .. } = won.filter(|bid| bid.price >= auction.reserve)?;
    let Auction { id: auction, category, seller, expires: closed, .. } = auction;
    Some(Sale { closed, auction, category, seller, bidder, price })
}

/// The prices of the last sales of a seller, and the sales that are not yet known to be the next ones.
#[keyed_state(key = u64)]
#[derive(Default)]
struct Sales {
    next: BTreeMap<(Time, u64), u64>,
    prices: Vec<u64>,
}

/// Has the sales looked at that closed by then.
#[derive(Record)]
struct Closed;

/// Sales come from all workers, and those of one worker may be ahead; timers put them in order.
#[operator(on_timer = average)]
fn wait(sales: &mut Sales, sale: Sale, timers: Timers<'_, Closed>) {
    timers.at(sale.closed, Closed);
    sales.next.insert((sale.closed, sale.auction), sale.price);
}

#[operator]
fn average(sales: &mut Sales, _: Closed, at: EventTime, seller: Key<'_, u64>) -> impl Iterator<Item = SellerPrice> {
    let later = sales.next.split_off(&(*at, u64::MAX));
    let closed = std::mem::replace(&mut sales.next, later);
    let (prices, seller) = (&mut sales.prices, *seller);
    let rows = closed.into_iter().map(|((closed, auction), price)| {
        prices.push(price);
        prices.drain(..prices.len().saturating_sub(LAST_SALES));
        SellerPrice { seller, closed, auction, average: prices.iter().sum::<u64>() / prices.len() as u64 }
    });
    rows.collect::<Vec<_>>().into_iter()
}

pipeline! {
    /// Query 4: the average price of all sales of each category, once the input has ended.
    pub fn category_prices(events: usize, answer: Answer<CategoryPrice>) {
        let (auctions, bids) = source(stream(events)) -> timestamps(Event::at) -> auctions_and_bids;
        let by_id = auctions -> key_by(|auction| auction.id);
        let by_auction = bids -> key_by(|bid| bid.auction);
        (by_id, by_auction) -> open
            -> key_by(|sale| sale.category)
            -> window(global()) -> fold((0, 0), |(sales, sum), sale| (sales + 1, sum + sale.price))
            -> map(|Windowed { key: category, value: (sales, sum), .. }| CategoryPrice { category, sales, average: sum / sales })
            -> sink(answer);
    }

    /// Query 6: for each sale the average price of the seller's last ten, this one included.
    pub fn seller_prices(events: usize, answer: Answer<SellerPrice>) {
        let (auctions, bids) = source(stream(events)) -> timestamps(Event::at) -> auctions_and_bids;
        let by_id = auctions -> key_by(|auction| auction.id);
        let by_auction = bids -> key_by(|bid| bid.auction);
        (by_id, by_auction) -> open -> key_by(|sale| sale.seller) -> wait -> sink(answer);
    }
}
