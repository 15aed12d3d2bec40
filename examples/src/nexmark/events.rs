//! The events of an online auction, in order of time, by the generator of the crate `nexmark`.
//!
//! Of 50 events one is a person, three are auctions and 46 are bids. Half of the bids go to one auction in a hundred,
//! three quarters of them are by one person in a hundred. Each split is in order of time, and so are all events
//! together; but one in twenty bids is for an auction that opens only after it.
//!
//! The suite's padding (the fields `extra`) is left out. [`Time`], [`time`] and [`millis`] are all that knows what a
//! point in time is made of.
use malstrom::Record;
use nexmark::config::NexmarkConfig;
use nexmark::{EventGenerator, event};

/// A point in event time.
pub type Time = malstrom::Timestamp;

/// The time so many milliseconds after the beginning of 1970.
pub fn time(millis: u64) -> Time {
    Time::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// How many milliseconds after the beginning of 1970 a time is.
pub fn millis(time: Time) -> u64 {
    time.duration_since(Time::UNIX_EPOCH).as_millis() as u64
}

/// How many events there are in a second of event time, evenly spread (the generator reckons in `f32`: to the
/// millisecond for the first four million). With so few, windows and auctions end within an
/// input that is quickly read, and most people pause for longer than a session's gap.
pub const PER_SECOND: usize = 1_000;

/// When the first event happens, in milliseconds since 1970: 2023-11-14 22:13:20 UTC, where a window of 10 s starts.
pub const FIRST_MILLIS: u64 = 1_700_000_000_000;

/// Something that happens in the auction house.
#[derive(Record, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// Someone registers.
    Person(Person),
    /// Someone opens an auction.
    Auction(Auction),
    /// Someone bids in an auction.
    Bid(Bid),
}

impl Event {
    /// When it happens.
    pub fn at(&self) -> Time {
        match self {
            Self::Person(person) => person.at,
            Self::Auction(auction) => auction.at,
            Self::Bid(bid) => bid.at,
        }
    }
}

/// Someone who may sell and bid.
#[derive(Record, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Person {
    /// Unique among people.
    pub id: u64,
    /// First and last name.
    pub name: String,
    /// Electronic mail.
    pub email: String,
    /// Number of the credit card, in groups of four digits.
    pub card: String,
    /// Of six states' cities.
    pub city: String,
    /// Two small letters.
    pub state: String,
    /// When they register.
    pub at: Time,
}

/// An item for sale.
#[derive(Record, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Auction {
    /// Unique among auctions.
    pub id: u64,
    /// Name of the item.
    pub item: String,
    /// More about the item.
    pub description: String,
    /// Where bidding starts, in cents.
    pub initial_bid: u64,
    /// The least price at which it is sold, in cents.
    pub reserve: u64,
    /// When it opens.
    pub at: Time,
    /// When it closes: a bid at that time is too late.
    pub expires: Time,
    /// Who sells: a [`Person::id`].
    pub seller: u64,
    /// 10 to 14.
    pub category: u64,
}

/// An offer.
#[derive(Record, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bid {
    /// An [`Auction::id`].
    pub auction: u64,
    /// Who bids: a [`Person::id`].
    pub bidder: u64,
    /// In cents.
    pub price: u64,
    /// The site from which it came.
    pub channel: String,
    /// The page from which it came.
    pub url: String,
    /// When it is made.
    pub at: Time,
}

impl From<event::Event> for Event {
    fn from(event: event::Event) -> Self {
        match event {
            event::Event::Person(person) => Self::Person(Person {
                id: person.id as u64,
                name: person.name,
                email: person.email_address,
                card: person.credit_card,
                city: person.city,
                state: person.state,
                at: time(person.date_time),
            }),
            event::Event::Auction(auction) => Self::Auction(Auction {
                id: auction.id as u64,
                item: auction.item_name,
                description: auction.description,
                initial_bid: auction.initial_bid as u64,
                reserve: auction.reserve as u64,
                at: time(auction.date_time),
                expires: time(auction.expires),
                seller: auction.seller as u64,
                category: auction.category as u64,
            }),
            event::Event::Bid(bid) => Self::Bid(Bid {
                auction: bid.auction as u64,
                bidder: bid.bidder as u64,
                price: bid.price as u64,
                channel: bid.channel,
                url: bid.url,
                at: time(bid.date_time),
            }),
        }
    }
}

/// The first `n` events, which are always the same.
///
/// ```
/// use malstrom_examples::nexmark::{Event, events};
///
/// let bids = events(5_000).filter(|event| matches!(event, Event::Bid(_)));
/// assert_eq!(bids.count(), 4_600);
/// ```
pub fn events(n: usize) -> impl Iterator<Item = Event> {
    splits(n, 1, 0)
}

/// Of the first `n` events those of split `part` of `parts`, to which they are dealt out in turn.
///
/// There is nothing in a split that is not below `parts`.
///
/// ```
/// use malstrom::connect::memory;
/// use malstrom_examples::nexmark::splits;
///
/// let source = memory::splits(4, |part| splits(1_000_000, 4, part));
/// # let _ = source;
/// ```
pub fn splits(n: usize, parts: usize, part: usize) -> impl Iterator<Item = Event> {
    let config = NexmarkConfig {
        base_time: FIRST_MILLIS,
        first_rate: PER_SECOND,
        next_rate: PER_SECOND,
        avg_person_byte_size: 0,
        avg_auction_byte_size: 0,
        avg_bid_byte_size: 0,
        ..NexmarkConfig::default()
    };
    let own = if part < parts { n.saturating_sub(part).div_ceil(parts) } else { 0 };
    let generator = EventGenerator::new(config).with_offset(part as u64).with_step(parts.max(1) as u64);
    generator.take(own).map(Event::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_in_order_and_a_thousand_a_second() {
        let all: Vec<Event> = events(20_001).collect();
        assert!(all.is_sorted_by_key(Event::at));
        for (i, event) in all.iter().enumerate() {
            assert_eq!(event.at(), time(FIRST_MILLIS + i as u64));
        }
    }

    #[test]
    fn splits_hold_every_event_once_in_turn() {
        let all: Vec<Event> = events(1_000).collect();
        for parts in [1, 2, 3, 7, 1_500] {
            let mut dealt: Vec<_> = (0..parts).map(|part| splits(1_000, parts, part)).collect();
            let back: Vec<Event> = (0..1_000).filter_map(|i| dealt[i % parts].next()).collect();
            assert_eq!(back, all, "from {parts} parts");
            assert!(dealt.iter_mut().all(|split| split.next().is_none()), "more in {parts} parts");
        }
        assert_eq!((splits(1_000, 2, 2).count(), splits(1_000, 0, 0).count()), (0, 0));
    }

    #[test]
    fn an_auction_opens_before_it_closes_and_some_bids_come_too_early() {
        let all: Vec<Event> = events(50_000).collect();
        let opens = |id| all.iter().position(|event| matches!(event, Event::Auction(auction) if auction.id == id));
        let mut early = 0;
        for (i, event) in all.iter().enumerate().take(5_000) {
            match event {
                Event::Auction(auction) => assert!(auction.at < auction.expires),
                Event::Bid(bid) => early += usize::from(opens(bid.auction).is_some_and(|opened| opened > i)),
                Event::Person(_) => {}
            }
        }
        assert!((100..500).contains(&early), "{early} bids before their auction");
    }
}
