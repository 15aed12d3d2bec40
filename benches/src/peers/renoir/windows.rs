//! `w3`.
use crate::nexmark::Map;
use crate::tally::Tally;
use crate::workload::{WINDOW_MS, w3_bound, w3_event, w3_value};
use ::renoir::operator::StreamElement;
use ::renoir::prelude::*;
use std::collections::BTreeMap;

/// Counts per key and window.
pub(super) fn counted(context: &StreamContext, records: u64, keys: u64) {
    let mut sink = Tally::default();
    let mut latest = 0;
    // whenever a source gets further; nothing at or before a watermark follows it
    let watermark = move |record: &(u64, u64), _: &i64| {
        let further = record.1 > latest;
        latest = latest.max(record.1);
        further.then(|| w3_bound(latest) as i64 - 1)
    };
    let mut windows = Windows::default();
    context
        .stream_par_iter(move |me: u64, all| (me..records).step_by(all as usize).map(move |i| w3_event(i, keys)))
        .add_timestamps(|record| record.1 as i64, watermark)
        .group_by(|record| record.0)
        .rich_map_custom(move |mut upstream| windows.next(|| upstream.next()))
        .for_each(move |(key, (window, count))| sink.put(w3_value(key, window, count)));
}

/// (key, (window, count))
type Counted = (u64, (u64, u64));

/// The open windows of the keys of one worker.
#[derive(Clone, Default)]
struct Windows {
    open: BTreeMap<u64, Map<u64, u64>>,
    closed: Vec<Counted>,
    /// No record before this time will follow.
    bound: u64,
    /// The end of the stream, to be handed on when all windows have closed.
    end: bool,
}

impl Windows {
    fn next(&mut self, mut upstream: impl FnMut() -> StreamElement<(u64, (u64, u64))>) -> StreamElement<Counted> {
        loop {
            if let Some(counted) = self.closed.pop() {
                return StreamElement::Item(counted);
            }
            if let Some(window) = self.open.first_entry().filter(|window| (window.key() + 1) * WINDOW_MS <= self.bound)
            {
                let (window, counts) = window.remove_entry();
                self.closed.extend(counts.into_iter().map(|(key, count)| (key, (window, count))));
                continue;
            }
            if std::mem::take(&mut self.end) {
                return StreamElement::FlushAndRestart;
            }
            match upstream() {
                StreamElement::Item((key, (_, at))) | StreamElement::Timestamped((key, (_, at)), _) => {
                    *self.open.entry(at / WINDOW_MS).or_default().entry(key).or_insert(0) += 1;
                }
                StreamElement::Watermark(watermark) => self.bound = (watermark + 1) as u64,
                StreamElement::FlushAndRestart => (self.bound, self.end) = (u64::MAX, true),
                StreamElement::FlushBatch => return StreamElement::FlushBatch,
                StreamElement::Terminate => return StreamElement::Terminate,
            }
        }
    }
}
