//! A runtime that cannot work is refused before it starts, and the message says what to do.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs)]
use malstrom::{Error, Runtime};

#[test]
fn numbers_of_workers_that_cannot_be() {
    for (workers, says) in [
        (0, "a job needs at least one worker: set `workers` to 1 or more"),
        (
            4097,
            "4097 workers are more than the 4096 key groups that can be shared out: set `workers` to 4096 or less, or ask for more groups by `--key-groups`",
        ),
        (usize::MAX, "or ask for more groups by `--key-groups`"),
    ] {
        match Runtime::builder().workers(workers).build() {
            Err(Error::Config(message)) => assert!(message.ends_with(says), "{message}"),
            other => panic!("{workers}: {other:?}"),
        }
    }
    for workers in [1, 4096] {
        assert!(Runtime::builder().workers(workers).build().is_ok());
    }
    assert!(Runtime::builder().build().is_ok());
}
