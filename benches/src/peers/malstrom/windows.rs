//! `w3`, on times that are integers.
use crate::tally::Tally;
use crate::workload::{OUT_OF_ORDER_MS, WINDOW_MS, w3_event, w3_value};
use malstrom::connect::{for_each, memory};
use malstrom::prelude::*;

pipeline! {
    pub(super) fn counted(workers: usize, records: u64, keys: u64) {
        source(memory::splits(workers, move |split: usize| {
            (split as u64..records).step_by(workers).map(move |i| w3_event(i, keys))
        }))
            -> timestamps(|record: &(u64, u64)| record.1, lag = OUT_OF_ORDER_MS)
            -> key_by(|record: &(u64, u64)| record.0)
            -> window(tumbling(WINDOW_MS))?
            -> count()
            -> sink(for_each(tally()));
    }
}

fn tally() -> impl FnMut(Windowed<u64, u64>) + 'static {
    let mut sink = Tally::default();
    move |count| {
        let window = count.window.start().as_micros() as u64 / WINDOW_MS;
        sink.put(w3_value(count.key, window, count.value));
    }
}
