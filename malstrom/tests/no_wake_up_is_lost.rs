//! Workers that sleep and wake ten thousand times, for small batches and after random pauses, lose nothing and never stall.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::for_each;
use malstrom::prelude::*;
use malstrom::{Latency, Read, Runtime};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::sources::ByCalls;

const ROUNDS: u64 = 10_000;

pipeline! {
    // Each record crosses three exchanges, so that it nearly always wakes somebody.
    fn relay(next: Arc<AtomicU64>, arrived: Arc<AtomicU64>) {
        source(ByCalls { splits: 1, read: {
            let mut sent = 0;
            move |_: u64, call: u64, emit: &mut dyn FnMut(u64)| {
                let random = support::scrambled(call)();
                if sent == ROUNDS {
                    return Ok(Read::End);
                }
                // The next one only when the one before has arrived: whoever oversleeps stalls all.
                if next.load(Ordering::Acquire) < sent {
                    return Ok(Read::After(Duration::from_micros(random % 60)));
                }
                emit(sent);
                sent += 1;
                Ok(Read::After(Duration::from_micros(random % 20)))
            }
        }})
            -> key_by(|x| x % 17) -> map(|x| x) -> key_by(|x| x % 19) -> map(|x| x) -> key_by(|x| x % 23)
            -> sink(for_each(move |_: u64| { arrived.fetch_add(1, Ordering::Release); }));
    }
}

#[test]
fn ten_thousand_rounds() {
    for (workers, latency) in [(2, Latency::Balanced), (3, Latency::Throughput)] {
        let took = support::within(Duration::from_secs(30), move || {
            let arrived = Arc::new(AtomicU64::new(0));
            let counted = arrived.clone();
            let start = Instant::now();
            let runtime = Runtime::builder().workers(workers).latency(latency).build().unwrap();
            runtime.run(move || relay(counted.clone(), counted.clone())).unwrap();
            assert_eq!(arrived.load(Ordering::SeqCst), ROUNDS);
            start.elapsed()
        });
        println!("{workers} workers: {took:?} for {ROUNDS} rounds");
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
}
