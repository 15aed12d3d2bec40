//! What a coordinator acts on besides the store, and the thread that takes its steps.
use super::{FAREWELL, Input, Leader};
use crate::coordinator::Action;
use crate::error::{Error, Result};
use crate::net::control::{ConnectionId, Control, ControlEvent};
use crate::runtime::clock::Clock;
use crate::runtime::cluster::local;
use crate::runtime::cluster::pulse::Pulse;
use crate::runtime::environment::Environment;
use crate::snapshot::End;
use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// What lies outside of a coordinator: time, its connections, and those who stand by.
pub(in super::super) trait Outside: Send {
    /// The time. What is done to the store takes some.
    fn now(&self) -> Duration;
    /// Says something on a connection. If it does not arrive, the connection breaks.
    fn send(&self, to: ConnectionId, message: Bytes);
    /// Closes a connection, behind what was said on it.
    fn close(&self, connection: ConnectionId);
    /// Shows those who stand by that it leads, with this term.
    fn leads(&self, term: u64);
    /// There are to be so many processes with workers.
    fn scale(&self, processes: usize);
    /// A snapshot is committed.
    fn committed(&self);
    /// Shows them that the job is over.
    fn ends(&self, end: End);
}
/// That of a job.
pub(in super::super) struct Network {
    pub(in super::super) clock: Clock,
    pub(in super::super) control: Control,
    pub(in super::super) pulse: Pulse,
    pub(in super::super) environment: Arc<dyn Environment>,
}
impl Outside for Network {
    fn now(&self) -> Duration {
        self.clock.now()
    }
    fn send(&self, to: ConnectionId, message: Bytes) {
        // Who cannot be reached is found to be lost, or comes back and says how it stands.
        let _ = self.control.send(to, message);
    }
    fn close(&self, connection: ConnectionId) {
        self.control.close(connection);
    }
    fn leads(&self, term: u64) {
        self.pulse.leads(term);
    }
    fn scale(&self, processes: usize) {
        self.environment.scale(processes);
    }
    fn committed(&self) {
        local::committed();
    }
    fn ends(&self, end: End) {
        self.pulse.ends(end);
    }
}

impl Leader {
    /// Has the job run to its end.
    ///
    /// # Errors
    /// Why the job has failed, or that another coordinator has taken over.
    pub(in super::super) fn run(mut self, first: Vec<Action>, inputs: &Receiver<Input>) -> Result<()> {
        let mut over = self.begin(first);
        loop {
            if let Some(over) = over {
                self.see_off(inputs);
                return over;
            }
            over = match inputs.recv_timeout(self.due().saturating_sub(self.outside.now())) {
                Ok(input) => self.step(Some(input)),
                Err(RecvTimeoutError::Timeout) => self.step(None),
                Err(RecvTimeoutError::Disconnected) => {
                    self.end(Err(Error::custom("nobody is there who could run the job")))
                }
            };
        }
    }
    /// Waits until what was said last has arrived, and all connections are closed.
    fn see_off(&self, inputs: &Receiver<Input>) {
        let mut open: BTreeSet<ConnectionId> = self.processes.connections().into_iter().collect();
        let until = self.outside.now() + FAREWELL;
        while !open.is_empty() {
            match inputs.recv_timeout(until.saturating_sub(self.outside.now())) {
                Ok(Input::Control(ControlEvent::Closed(connection))) => {
                    open.remove(&connection);
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
    }
}
