//! What several tests share.
#![allow(
    dead_code,
    unreachable_pub,
    unused_qualifications,
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_debug_implementations
)]
use malstrom::{Error, Pipeline, Report, Runtime};
use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

pub mod by_hand;
pub mod combined;
pub mod doomed;
pub mod feed;
pub mod http;
pub mod oracle;
pub mod probe;
pub mod program;
pub mod prometheus;
pub mod sources;
pub mod staying;
pub mod survival;
pub mod time_oracle;
pub mod two_phase;

/// Runs `body`, and fails if it takes longer than `limit`: a job that hangs fails its test.
pub fn within<R: Send + 'static>(limit: Duration, body: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, result) = channel();
    let thread = std::thread::spawn(move || {
        let _ = done.send(body());
    });
    match result.recv_timeout(limit) {
        Ok(result) => result,
        Err(RecvTimeoutError::Disconnected) => resume_unwind(thread.join().err().unwrap()),
        Err(RecvTimeoutError::Timeout) => panic!("still running after {limit:?}"),
    }
}

/// Runs a job to its end; it must end within a minute.
pub fn run(workers: usize, pipeline: impl Fn() -> Pipeline + Send + Sync + 'static) -> Result<Report, Error> {
    within(Duration::from_secs(60), move || Runtime::builder().workers(workers).build()?.run(pipeline))
}

/// Waits until `holds`, for at most ten seconds.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Numbers that look random and are the same each time.
pub fn scrambled(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
