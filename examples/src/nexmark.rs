//! Nexmark, the usual benchmark of stream processors: people open auctions, others bid, and some dozen queries are asked
//! of these events. Here are the events, the queries as pipelines, and the answers by sequential code, to compare theirs
//! with.
//!
//! ```
//! use malstrom_examples::nexmark::{events, sequential, splits};
//!
//! let all: Vec<_> = events(1_000).collect();
//! assert_eq!(sequential::passed(&all).len(), 1_000);
//! let half: Vec<_> = splits(1_000, 2, 1).collect();
//! assert_eq!(half[0], all[1]);
//! ```
pub mod answer;
pub mod events;
pub mod queries;
pub mod sequential;

pub use answer::{Answer, Row};
pub use events::{Auction, Bid, Event, Person, Time, events, millis, splits, time};
