//! Jobs of real processes, which are killed, frozen, cut off from each other, replaced and sent away.
//!
//! Each test starts the processes of [`cluster_demo`](DEMO) by their roles. The program checks what it has published itself: no booking
//! is missing or there twice. The tests add what a user would notice besides.
#![allow(clippy::disallowed_methods, dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#[path = "../command_line/mod.rs"]
mod command_line;
#[path = "../../../malstrom-core/tests/support/proxy.rs"]
mod proxy;

/// They wait more than they compute: with `--test-threads 6`, all are done in a minute and a half.
#[path = "."]
mod real_processes {
    mod chaos;
    mod checked;
    pub(crate) mod clocks;
    pub(crate) mod disk;
    mod failpoints;
    mod fenced;
    mod frozen;
    mod hosts;
    pub(crate) mod job;
    mod killed;
    mod leaving;
    mod local;
    mod memory;
    mod network;
    mod refused;
    mod rescaled;
    mod secure;
    mod standby;
}
use real_processes::{clocks, disk, job};

const DEMO: &str = env!("CARGO_BIN_EXE_cluster_demo");
