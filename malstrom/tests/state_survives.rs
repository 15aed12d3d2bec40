//! What stages keep survives a crash: whatever crashes at which moment, with whatever number of workers the job goes on, what
//! comes out is what comes out without. The sources cannot repeat what a committed snapshot has, so it is read from there.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs, unused_qualifications, unreachable_pub)]
mod support;

#[path = "state_survives/joins.rs"]
mod joins;
#[path = "state_survives/late.rs"]
mod late;
#[path = "state_survives/lateness.rs"]
mod lateness;
#[path = "state_survives/restarts.rs"]
mod restarts;
#[path = "state_survives/running.rs"]
mod running;
#[path = "state_survives/timers.rs"]
mod timers;
#[path = "state_survives/windows.rs"]
mod windows;
