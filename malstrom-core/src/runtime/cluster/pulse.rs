//! What a coordinator shows to those who stand by, from a thread of its own: it may be busy with the store for longer than they wait.
use crate::error::Result;
use crate::snapshot::{End, Heartbeat, Heartbeats, Location};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How often it is tried to say that the job is over, and for how long that is waited for.
const TRIES: u32 = 3;
const LAST: Duration = Duration::from_secs(5);

enum Order {
    /// It leads, with this term.
    Lead(u64),
    /// The job is over.
    End(End),
}
/// Shows that the coordinator is there, until this is dropped.
pub(super) struct Pulse {
    orders: Option<Sender<Order>>,
    ended: Receiver<()>,
}
impl Pulse {
    /// Shows it every so often, once it [leads](Pulse::leads). `overtaken` is called where somebody with a higher term shows itself.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub(super) fn start(location: &Location, every: Duration, overtaken: impl Fn() + Send + 'static) -> Result<Pulse> {
        let heartbeats = Heartbeats::open(location)?;
        let (orders, received) = channel();
        let (end, ended) = channel();
        super::spawn("malstrom-heartbeat", move || {
            beat(&heartbeats, every, &received, &overtaken);
            drop(end);
        })?;
        Ok(Pulse { orders: Some(orders), ended })
    }
    /// From now on it shows this term.
    pub(super) fn leads(&self, term: u64) {
        self.tell(Order::Lead(term));
    }
    /// And from now on that the job is over.
    pub(super) fn ends(&self, end: End) {
        self.tell(Order::End(end));
    }
    fn tell(&self, order: Order) {
        // The thread ends only when it is told to.
        let _ = self.orders.as_ref().map(|orders| orders.send(order));
    }
}
impl Drop for Pulse {
    fn drop(&mut self) {
        self.orders = None;
        if self.ended.recv_timeout(LAST) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("those who stand by may not learn that this coordinator has ended");
        }
    }
}
fn beat(heartbeats: &Heartbeats, every: Duration, orders: &Receiver<Order>, overtaken: &impl Fn()) {
    let (mut heartbeat, mut failing) = (Heartbeat { term: 0, beat: 0, end: None }, false);
    let mut tries = TRIES;
    loop {
        match orders.recv_timeout(every) {
            Ok(Order::Lead(term)) => heartbeat.term = term,
            Ok(Order::End(end)) => heartbeat.end = Some(end),
            Err(RecvTimeoutError::Timeout) => {}
            // What was said last is to be seen. Who has said nothing last is not to be.
            Err(RecvTimeoutError::Disconnected) if heartbeat.end.is_none() => return,
            Err(RecvTimeoutError::Disconnected) => {}
        }
        if heartbeat.term == 0 {
            continue;
        }
        heartbeat.beat += 1;
        match heartbeats.write(heartbeat) {
            Ok(None) => failing = false,
            Ok(Some(_)) => overtaken(),
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(cause = ?error, "those who stand by cannot be shown that this coordinator is there");
                }
            }
        }
        if heartbeat.end.is_some() {
            tries -= 1;
            if !failing || tries == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Looks until something is to be seen.
    fn until(heartbeats: &mut Heartbeats, seen: impl Fn(Heartbeat) -> bool) {
        for _ in 0..2000 {
            if heartbeats.look().unwrap().heartbeat.is_some_and(&seen) {
                return;
            }
            std::thread::sleep(5 * MS);
        }
        panic!("{:?}", heartbeats.look());
    }

    #[test]
    fn a_coordinator_shows_itself_until_the_end() {
        let location = "memory://pulse".parse().unwrap();
        let mut heartbeats = Heartbeats::open(&location).unwrap();
        let (told, overtaken) = channel();
        let pulse = Pulse::start(&location, 10 * MS, move || told.send(()).unwrap_or_default()).unwrap();
        pulse.leads(3);
        until(&mut heartbeats, |seen| seen.term == 3 && seen.beat > 3 && seen.end.is_none());
        pulse.leads(4);
        until(&mut heartbeats, |seen| seen.term == 4);
        assert!(overtaken.try_recv().is_err());
        pulse.ends(End::Failed);
        drop(pulse);
        let last = heartbeats.look().unwrap().heartbeat.unwrap();
        assert_eq!((last.term, last.end), (4, Some(End::Failed)));
    }
    #[test]
    fn one_that_was_overtaken_learns_it_and_says_nothing_more() {
        let location = "memory://pulse_overtaken".parse().unwrap();
        let mut heartbeats = Heartbeats::open(&location).unwrap();
        let another = Heartbeat { term: 2, beat: 1, end: None };
        heartbeats.write(another).unwrap();
        let (told, overtaken) = channel();
        let pulse = Pulse::start(&location, 10 * MS, move || told.send(()).unwrap_or_default()).unwrap();
        pulse.leads(1);
        overtaken.recv_timeout(10_000 * MS).unwrap();
        drop(pulse);
        assert_eq!(heartbeats.look().unwrap().heartbeat, Some(another));
    }
    #[test]
    fn who_ends_without_a_word_is_silent() {
        let location = "memory://pulse_silent".parse().unwrap();
        let mut heartbeats = Heartbeats::open(&location).unwrap();
        let pulse = Pulse::start(&location, 10 * MS, || {}).unwrap();
        pulse.leads(1);
        until(&mut heartbeats, |seen| seen.beat > 1);
        drop(pulse);
        let last = heartbeats.look().unwrap();
        assert_eq!(last.heartbeat.unwrap().end, None);
        std::thread::sleep(50 * MS);
        assert_eq!(heartbeats.look().unwrap(), last);
    }
}
