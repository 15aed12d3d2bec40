//! A job that waits for input uses hardly any CPU. In a process of its own, whose CPU time it measures.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::for_each;
use malstrom::prelude::*;
use malstrom::{Read, Runtime};
use std::time::Duration;
use support::sources::ByCalls;

pipeline! {
    fn waiting(pause: Duration) {
        source(ByCalls { splits: 2, read: move |_: u64, _: u64, _: &mut dyn FnMut(u64)| Ok(Read::After(pause)) })
            -> key_by(|x| *x) -> count() -> key_by(|c| c.0) -> sink(for_each(|_: (u64, u64)| ()));
    }
}

/// The CPU time that all threads of this process have used.
fn cpu() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let used = threads.filter_map(|thread| {
        // "time on the CPU in ns, time waiting for it, time slices"
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(used.sum())
}

#[test]
fn a_worker_without_input_leaves_the_core_to_others() {
    if !std::path::Path::new("/proc/self/schedstat").exists() {
        return;
    }
    let handle = Runtime::builder().workers(2).build().unwrap().start(|| waiting(Duration::from_millis(10))).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    // The best of three, because a busy machine makes every wake-up dearer.
    let shares = std::iter::repeat_with(|| {
        let (before, span) = (cpu(), Duration::from_secs(1));
        std::thread::sleep(span);
        (cpu() - before).as_secs_f64() / span.as_secs_f64() * 100.0
    });
    let share = shares.take(3).fold(f64::INFINITY, f64::min);
    println!("two workers that look for input every 10 ms use {share:.3} % of a core");
    handle.stop().unwrap();
    handle.join().unwrap();
    // Workers that spin use two cores; on a busy machine those that sleep may use several times what they do on a quiet one.
    assert!(share < 10.0, "{share:.3} % of a core");
}
