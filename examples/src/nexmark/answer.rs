//! Where the rows of an answer end up, and how they are shown.
use super::events::{Bid, Event};
use super::sequential::{
    BidderTotal, CategoryPrice, HighestBid, HotItem, LocalItem, NewSeller, Selected, SellerPrice, Session,
};
use malstrom::Sink;
use std::collections::BinaryHeap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A row of an answer, for a table.
pub trait Row: Ord + Send + 'static {
    /// What stands above the columns.
    const HEAD: &'static [&'static str];
    /// What stands in them.
    fn cells(&self) -> Vec<String>;
}

macro_rules! rows {
    ($($row:ident { $($column:ident),+ })+) => {$(
        impl Row for $row {
            const HEAD: &'static [&'static str] = &[$(stringify!($column)),+];
            fn cells(&self) -> Vec<String> {
                vec![$(self.$column.to_string()),+]
            }
        }
    )+};
}
rows! {
    Bid { at, auction, bidder, price, channel }
    Selected { auction, price }
    LocalItem { name, city, state, auction }
    CategoryPrice { category, sales, average }
    HotItem { end, auction, bids }
    SellerPrice { seller, closed, auction, average }
    HighestBid { end, at, auction, bidder, price }
    NewSeller { end, person, name, auction }
    Session { bidder, start, end, bids }
    BidderTotal { bidder, bids }
}
impl Row for Event {
    const HEAD: &'static [&'static str] = &["at", "event", "id", "what"];
    fn cells(&self) -> Vec<String> {
        let (kind, id, what) = match self {
            Event::Person(person) => ("person", person.id, format!("{} of {}", person.name, person.city)),
            Event::Auction(auction) => ("auction", auction.id, format!("{} by {}", auction.item, auction.seller)),
            Event::Bid(bid) => ("bid", bid.auction, format!("{} by {}", bid.price, bid.bidder)),
        };
        vec![self.at().to_string(), kind.into(), id.to_string(), what]
    }
}

/// A sink that counts all rows of all workers, and keeps the first ones in their order.
///
/// ```
/// use malstrom::Sink;
/// use malstrom_examples::nexmark::{Answer, sequential::Selected};
///
/// let answer = Answer::first(2);
/// let row = |auction| Selected { auction, price: 100 };
/// answer.clone().write(&mut vec![row(7), row(3), row(5)])?;
/// assert_eq!((answer.count(), answer.rows()), (3, vec![row(3), row(5)]));
/// # Ok::<(), malstrom::Error>(())
/// ```
#[derive(Debug)]
pub struct Answer<T>(Arc<Mutex<Rows<T>>>);

#[derive(Debug)]
struct Rows<T> {
    most: usize,
    count: u64,
    first: BinaryHeap<T>,
}

impl<T: Ord> Answer<T> {
    /// Keeps all rows.
    pub fn all() -> Self {
        Self::first(usize::MAX)
    }
    /// Keeps the `most` first rows.
    pub fn first(most: usize) -> Self {
        Answer(Arc::new(Mutex::new(Rows { most, count: 0, first: BinaryHeap::new() })))
    }
    /// How many rows there were.
    pub fn count(&self) -> u64 {
        self.lock().count
    }
    /// Takes out the rows that were kept, sorted.
    pub fn rows(&self) -> Vec<T> {
        std::mem::take(&mut self.lock().first).into_sorted_vec()
    }
    fn lock(&self) -> MutexGuard<'_, Rows<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Answer<T> {
    fn clone(&self) -> Self {
        Answer(Arc::clone(&self.0))
    }
}

impl<T: Ord + Send + 'static> Sink for Answer<T> {
    type In = T;

    fn write(&mut self, batch: &mut Vec<T>) -> malstrom::Result<()> {
        let mut rows = self.lock();
        rows.count += batch.len() as u64;
        for row in batch.drain(..) {
            if rows.first.len() < rows.most {
                rows.first.push(row);
            } else if let Some(mut last) = rows.first.peek_mut().filter(|last| row < **last) {
                *last = row;
            }
        }
        Ok(())
    }
}

/// The table.
impl<T: Row> fmt::Display for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first: Vec<Vec<String>> = {
            let rows = self.lock();
            let mut rows: Vec<&T> = rows.first.iter().collect();
            rows.sort();
            rows.into_iter().map(T::cells).collect()
        };
        first.insert(0, T::HEAD.iter().map(ToString::to_string).collect());
        let widths: Vec<usize> = (0..T::HEAD.len())
            .map(|column| first.iter().filter_map(|cells| cells.get(column)).map(|cell| cell.chars().count()).max())
            .map(Option::unwrap_or_default)
            .collect();
        for cells in first {
            let line: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            writeln!(f, "{}", line.join("  ").trim_end())?;
        }
        Ok(())
    }
}
