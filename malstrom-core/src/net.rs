//! The network of a job of several processes: frames over TCP, who may connect, sessions and the control lane.
//!
//! Each process has one port. Whoever connects says first [who it is](identity): which job, which build of the program, and which
//! lane it wants. Two processes that do not fit refuse each other with a sentence, before anything is exchanged that one of
//! them would read wrongly. Then there are two lanes:
//!
//! - [`data`]: what the workers of two processes send each other, in a [session](crate::exchange::session) that outlives its
//!   connections.
//! - [`control`]: messages between a process and the coordinator, in order while a connection lasts, and lost with it.
//!
//! Both use the same [frames](frame). Everything runs on one thread of its own ([`Io`]), with timers of that thread; what time it
//! is, and every random number, is given in. No lane waits for another, and none stops to read because it cannot write: two
//! processes that both only wrote would wait for each other for ever.
pub mod control;
pub mod data;
mod dial;
pub mod frame;
mod holder;
pub mod identity;
mod io;
mod listen;
mod tls;

pub use holder::{Holder, Holders};
pub use identity::Identity;
pub use io::{Clock, Io};
pub use listen::Listener;
pub use tls::{Tls, is_loopback};
