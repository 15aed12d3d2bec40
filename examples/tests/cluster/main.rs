//! Jobs of real processes, which are killed, frozen, cut off from each other, replaced and sent away.
//!
//! Each test starts the processes of [`cluster_demo`](DEMO) by their roles. The program checks what it has published itself: no booking
//! is missing or there twice. The tests add what a user would notice besides.
#![allow(clippy::disallowed_methods, dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#[path = "../command_line/mod.rs"]
mod command_line;
#[path = "../../../malstrom-core/tests/support/proxy.rs"]
mod proxy;

mod chaos;
mod checked;
mod disk;
mod frozen;
mod hosts;
mod job;
mod killed;
mod leaving;
mod local;
mod memory;
mod network;
mod refused;
mod secure;

const DEMO: &str = env!("CARGO_BIN_EXE_cluster_demo");
