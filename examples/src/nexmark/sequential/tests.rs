//! Hand-made events, and answers written down by hand.
use super::*;

fn person(id: u64, name: &str, state: &str, at: u64) -> Event {
    let (name, city, state) = (name.into(), format!("{state} city"), state.into());
    Event::Person(Person { id, name, email: String::new(), card: String::new(), city, state, at: time(at) })
}

/// Of seller 1 and category 10, sold from 100 cents upwards.
fn auction(id: u64, at: u64, expires: u64) -> Auction {
    let (item, description) = (String::new(), String::new());
    let (at, expires) = (time(at), time(expires));
    Auction { id, item, description, initial_bid: 1, reserve: 100, at, expires, seller: 1, category: 10 }
}

fn bid(auction: u64, bidder: u64, price: u64, at: u64) -> Event {
    Event::Bid(Bid { auction, bidder, price, channel: String::new(), url: String::new(), at: time(at) })
}

/// Also with the events the other way around.
fn answers<T: PartialEq + std::fmt::Debug>(query: impl Fn(&[Event]) -> Vec<T>, mut events: Vec<Event>, expected: &[T]) {
    assert_eq!(query(&events), expected);
    events.reverse();
    assert_eq!(query(&events), expected, "in the opposite order");
}

#[test]
fn query_0_passes_everything() {
    let events = vec![bid(1, 2, 3, 4), person(1, "ann", "or", 5), bid(1, 2, 3, 4)];
    answers(passed, events.clone(), &[events[1].clone(), events[0].clone(), events[0].clone()]);
}

#[test]
fn query_1_converts_and_rounds_down() {
    let events = vec![bid(1, 2, 1_000, 4), bid(1, 2, 999, 4), bid(1, 2, 1, 4), person(1, "ann", "or", 5)];
    let prices = |events: &[Event]| converted(events).iter().map(|bid| bid.price).collect();
    answers(prices, events, &[0, 907, 908]);
}

#[test]
fn query_2_selects_multiples_of_123() {
    let events = vec![bid(246, 1, 5, 0), bid(124, 1, 6, 0), bid(123, 1, 7, 0), bid(123, 2, 7, 1)];
    let (first, second) = (Selected { auction: 123, price: 7 }, Selected { auction: 246, price: 5 });
    answers(selected, events, &[first.clone(), first, second]);
}

#[test]
fn query_3_joins_whichever_comes_first() {
    let early = Auction { seller: 2, ..auction(7, 0, 9) };
    let events = vec![
        Event::Auction(early),
        person(1, "ann", "or", 10),
        person(2, "bob", "id", 20),
        person(3, "eve", "wa", 30),
        Event::Auction(auction(8, 40, 90)),
        Event::Auction(auction(9, 50_000_000, 50_000_001)),
        Event::Auction(Auction { category: 11, ..auction(10, 60, 90) }),
        Event::Auction(Auction { seller: 3, ..auction(11, 70, 90) }),
        Event::Auction(Auction { seller: 4, ..auction(12, 80, 90) }),
    ];
    let item = |name: &str, state: &str, auction| LocalItem {
        name: name.into(),
        city: format!("{state} city"),
        state: state.into(),
        auction,
    };
    answers(local_items, events, &[item("ann", "or", 8), item("ann", "or", 9), item("bob", "id", 7)]);
}

#[test]
fn only_bids_in_time_that_reach_the_reserve_win() {
    let events = vec![
        Event::Auction(auction(1, 100, 200)),
        bid(1, 1, 900, 99),
        bid(1, 2, 300, 100),
        bid(1, 3, 400, 199),
        bid(1, 4, 900, 200),
        Event::Auction(auction(2, 100, 200)),
        bid(2, 1, 99, 150),
        Event::Auction(auction(3, 100, 200)),
        bid(3, 1, 100, 150),
        Event::Auction(auction(4, 100, 200)),
        bid(5, 1, 100, 150),
    ];
    let sale = |auction, bidder, price| Sale { closed: time(200), auction, category: 10, seller: 1, bidder, price };
    answers(sales, events, &[sale(1, 3, 400), sale(3, 1, 100)]);
}

#[test]
fn of_equal_bids_the_earliest_wins_then_the_smallest_bidder() {
    let bids = [bid(1, 3, 500, 120), bid(1, 9, 500, 110), bid(1, 8, 500, 110), bid(1, 1, 499, 105)];
    let events = [Event::Auction(auction(1, 100, 200))].into_iter().chain(bids).collect();
    let bidders = |events: &[Event]| sales(events).iter().map(|sale| sale.bidder).collect();
    answers(bidders, events, &[8]);
}

/// An auction that is sold at this price and closes then.
fn sold(id: u64, seller: u64, category: u64, price: u64, closed: u64) -> [Event; 2] {
    [Event::Auction(Auction { seller, category, ..auction(id, 0, closed) }), bid(id, 77, price, closed - 1)]
}

#[test]
fn query_4_averages_per_category_and_rounds_down() {
    let events = [sold(1, 1, 10, 100, 50), sold(2, 2, 10, 201, 60), sold(3, 1, 12, 500, 50), sold(4, 1, 13, 99, 50)];
    let expected = [(10, 2, 150), (12, 1, 500)];
    let expected = expected.map(|(category, sales, average)| CategoryPrice { category, sales, average });
    answers(category_prices, events.concat(), &expected);
}

#[test]
fn query_5_counts_a_bid_in_five_windows_and_keeps_all_of_the_most() {
    // 1 alone until 22 s; from then on 2 has as many, until 1's bid has left at 30 s
    let events = vec![bid(1, 1, 1, 20_000), bid(2, 1, 1, 21_999), bid(2, 1, 1, 23_999), bid(1, 2, 1, 21_000)];
    let expected = [(22_000, 1, 2), (24_000, 1, 2), (24_000, 2, 2)];
    let until_30 = [(26_000, 1, 2), (26_000, 2, 2), (28_000, 1, 2), (28_000, 2, 2), (30_000, 1, 2), (30_000, 2, 2)];
    let after = [(32_000, 2, 1)];
    let expected = expected.into_iter().chain(until_30).chain(after);
    let expected: Vec<_> = expected.map(|(end, auction, bids)| HotItem { end: time(end), auction, bids }).collect();
    answers(hot_items, events, &expected);
}

#[test]
fn query_5_of_times_before_the_first_whole_window() {
    let ends = |events: &[Event]| hot_items(events).iter().map(|item| millis(item.end)).collect();
    answers(ends, vec![bid(1, 1, 1, 0)], &[2_000, 4_000, 6_000, 8_000, 10_000]);
    answers(ends, vec![bid(1, 1, 1, 2_000)], &[4_000, 6_000, 8_000, 10_000, 12_000]);
}

#[test]
fn query_6_averages_the_last_ten_sales_in_order_of_closing() {
    // seller 1 sells for 100, 200, .. 1200; the last two close together
    let mut events: Vec<Event> = (1..=12_u64).flat_map(|i| sold(i, 1, 10, i * 100, 1_000 + i.min(11))).collect();
    events.extend(sold(20, 2, 10, 301, 500));
    events.extend(sold(21, 2, 10, 300, 400));
    let of_1 = [100, 150, 200, 250, 300, 350, 400, 450, 500, 550, 650, 750];
    let of_1 = of_1.into_iter().zip(1_u64..).map(|(average, i)| (1, 1_000 + i.min(11), i, average));
    let expected = of_1.chain([(2, 400, 21, 300), (2, 500, 20, 300)]);
    let row = |(seller, closed, auction, average)| SellerPrice { seller, closed: time(closed), auction, average };
    answers(seller_prices, events, &expected.map(row).collect::<Vec<_>>());
}

#[test]
fn query_7_takes_the_earliest_of_the_highest_of_each_window() {
    let events = vec![
        bid(1, 1, 5, 0),
        bid(2, 2, 7, 9_999),
        bid(3, 1, 7, 9_998),
        bid(2, 8, 7, 9_998),
        bid(2, 7, 7, 9_998),
        bid(9, 9, 1, 10_000),
        bid(9, 9, 2, 40_000),
    ];
    let expected = [(10_000, 9_998, 2, 7, 7), (20_000, 10_000, 9, 9, 1), (50_000, 40_000, 9, 9, 2)];
    let row = |(end, at, auction, bidder, price)| HighestBid { end: time(end), at: time(at), auction, bidder, price };
    answers(highest_bids, events, &expected.map(row));
}

#[test]
fn query_8_joins_within_a_window_only() {
    let by = |seller, auction| Event::Auction(Auction { seller, ..auction });
    let events = vec![
        by(1, auction(1, 0, 5)),
        person(1, "ann", "wa", 9_999),
        by(1, auction(2, 9_999, 10_005)),
        by(1, auction(3, 10_000, 10_005)),
        person(2, "bob", "wa", 10_000),
        by(2, auction(4, 19_999, 20_005)),
        person(3, "eve", "wa", 10_000),
        by(3, auction(5, 9_999, 20_005)),
    ];
    let expected = [(10_000, 1, "ann", 1), (10_000, 1, "ann", 2), (20_000, 2, "bob", 4)];
    let row = |(end, person, name, auction): (u64, _, &str, _)| NewSeller {
        end: time(end),
        person,
        name: name.into(),
        auction,
    };
    answers(new_sellers, events, &expected.map(row));
}

#[test]
fn query_11_ends_a_session_after_ten_seconds() {
    let at = [(1, 1_000), (2, 1_500), (1, 10_999), (1, 20_999), (1, 20_999), (2, 100_000)];
    let events = at.map(|(bidder, at)| bid(5, bidder, 1, at)).to_vec();
    let expected = [(1, 1_000, 20_999, 2), (1, 20_999, 30_999, 2), (2, 1_500, 11_500, 1), (2, 100_000, 110_000, 1)];
    let row = |(bidder, start, end, bids)| Session { bidder, start: time(start), end: time(end), bids };
    answers(sessions, events, &expected.map(row));
}

#[test]
fn query_12_counts_per_bidder() {
    let events = vec![bid(1, 7, 1, 0), bid(2, 5, 1, 1), bid(1, 7, 1, 90_000), person(9, "eve", "wa", 3)];
    answers(bidder_totals, events, &[BidderTotal { bidder: 5, bids: 1 }, BidderTotal { bidder: 7, bids: 2 }]);
}

#[test]
fn generated_events_give_every_query_something_to_do() {
    let events: Vec<Event> = super::super::events(60_000).collect();
    let counts = [
        selected(&events).len(),
        local_items(&events).len(),
        category_prices(&events).len(),
        hot_items(&events).len(),
        seller_prices(&events).len(),
        highest_bids(&events).len(),
        new_sellers(&events).len(),
    ];
    assert!(counts.iter().all(|&rows| rows >= 5), "{counts:?}");
    let (sessions, bidders) = (sessions(&events), bidder_totals(&events));
    assert!(sessions.len() > bidders.len() + 50, "{} sessions of {} bidders", sessions.len(), bidders.len());
    assert_eq!(sessions.iter().map(|s| s.bids).sum::<u64>(), bidders.iter().map(|b| b.bids).sum::<u64>());
}
