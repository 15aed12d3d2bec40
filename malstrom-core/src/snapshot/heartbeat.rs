//! The heartbeat of a coordinator: an object that it writes now and then, by which those who stand by see that it is there.
//!
//! Only when somebody takes over depends on it; who may commit is for the [log](super::log) to say. So it is overwritten, and there is
//! no time in it: what counts is that it changes, and for how long it has not is for whoever looks to find out on a clock of its own.
use super::Location;
use super::format::{Garbled, Reader, Writer};
use super::ledger::entries_after;
use super::store::Store;
use crate::error::Result;

const OBJECT: &str = "heartbeat";
const MAGIC: &[u8; 4] = b"MSHB";
const FORMAT: u32 = 1;

/// What a coordinator shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Its term.
    pub term: u64,
    /// How often it has shown itself.
    pub beat: u64,
    /// What the job has come to, if it is over and nobody is to take over.
    pub end: Option<End>,
}
/// What a job has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It has done what it was to do, or was told to stop.
    Done,
    /// It has failed.
    Failed,
}
/// What there is to see of the coordinator of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sign {
    /// The number of the newest entry of the log, 0 if there is none.
    pub head: u64,
    /// The heartbeat, if there ever was one.
    pub heartbeat: Option<Heartbeat>,
}
impl Heartbeat {
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.raw(MAGIC);
        w.u32(FORMAT);
        w.u64(self.term);
        w.u64(self.beat);
        w.u8(match self.end {
            None => 0,
            Some(End::Done) => 1,
            Some(End::Failed) => 2,
        });
        w.seal()
    }
    fn decode(bytes: &[u8]) -> Result<Self, Garbled> {
        let mut r = Reader::unseal(bytes)?;
        if r.take(MAGIC.len())? != MAGIC {
            return Err("it is no heartbeat".into());
        }
        r.format(FORMAT)?;
        let (term, beat) = (r.u64()?, r.u64()?);
        let end = match r.u8()? {
            0 => None,
            1 => Some(End::Done),
            2 => Some(End::Failed),
            other => return Err(format!("it has an unknown end {other}").into()),
        };
        r.end()?;
        Ok(Heartbeat { term, beat, end })
    }
}

/// The heartbeat at a location.
///
/// ```
/// use malstrom_core::snapshot::{Heartbeat, Heartbeats, Location};
/// let mut heartbeats = Heartbeats::open(&"memory://heartbeats_example".parse::<Location>()?)?;
/// assert_eq!(heartbeats.look()?.heartbeat, None);
/// let first = Heartbeat { term: 2, beat: 1, end: None };
/// assert_eq!(heartbeats.write(first)?, None);
/// assert_eq!(heartbeats.look()?.heartbeat, Some(first));
/// // One that was overtaken leaves alone what its successor shows.
/// assert_eq!(heartbeats.write(Heartbeat { term: 1, beat: 9, end: None })?, Some(2));
/// assert_eq!(heartbeats.look()?.heartbeat, Some(first));
/// # Ok::<(), malstrom_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Heartbeats {
    store: Store,
    /// The newest entry that was seen, so that no older ones are listed again.
    head: u64,
}
impl Heartbeats {
    /// That at this location.
    ///
    /// # Errors
    /// If what reads and writes cannot be started.
    pub fn open(location: &Location) -> Result<Self> {
        Ok(Heartbeats { store: Store::open(location)?, head: 0 })
    }
    /// Shows it, unless a coordinator of a higher term is there: its term, then.
    ///
    /// # Errors
    /// If it cannot be read or written.
    pub fn write(&self, heartbeat: Heartbeat) -> Result<Option<u64>> {
        let store = &self.store;
        store.wait(async {
            // One that cannot be read gives way.
            let there = store.read(OBJECT).await?.and_then(|bytes| Heartbeat::decode(&bytes).ok());
            if let Some(there) = there.filter(|there| there.term > heartbeat.term) {
                return Ok(Some(there.term));
            }
            store.write(OBJECT, vec![heartbeat.encode().into()]).await?;
            Ok(None)
        })
    }
    /// Looks what there is to see.
    ///
    /// # Errors
    /// If it cannot be read, or is damaged.
    pub fn look(&mut self) -> Result<Sign> {
        let (store, head) = (&self.store, self.head);
        let (newest, bytes) =
            store.wait(async { Ok((entries_after(store, head).await?, store.read(OBJECT).await?)) })?;
        self.head = newest.into_iter().max().unwrap_or(head).max(head);
        let heartbeat = bytes.map(|bytes| Heartbeat::decode(&bytes).map_err(|why| why.of(store.name(OBJECT))));
        Ok(Sign { head: self.head, heartbeat: heartbeat.transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Job, Vault};

    #[test]
    fn what_is_shown_is_seen_and_damage_is_noticed() {
        for end in [None, Some(End::Done), Some(End::Failed)] {
            let heartbeat = Heartbeat { term: 3, beat: 7, end };
            let bytes = heartbeat.encode();
            assert_eq!(Heartbeat::decode(&bytes), Ok(heartbeat));
            for at in 0..bytes.len() {
                let mut broken = bytes.clone();
                broken[at] ^= 1;
                assert!(Heartbeat::decode(&broken).is_err(), "byte {at}");
            }
        }
    }
    #[test]
    fn what_cannot_be_read_is_said_and_written_over() {
        let mut heartbeats = Heartbeats::open(&"memory://heartbeats_broken".parse().unwrap()).unwrap();
        heartbeats.store.wait(heartbeats.store.write(OBJECT, vec!["?".into()])).unwrap();
        assert!(heartbeats.look().unwrap_err().to_string().contains("heartbeat` is damaged"));
        let heartbeat = Heartbeat { term: 1, beat: 1, end: None };
        assert_eq!(heartbeats.write(heartbeat).unwrap(), None);
        assert_eq!(heartbeats.look().unwrap().heartbeat, Some(heartbeat));
    }
    #[test]
    fn the_head_of_the_log_is_seen_and_only_who_has_seen_it_takes_over() {
        let location: Location = "memory://heartbeats_log".parse().unwrap();
        let job = || Job { name: "job".into(), key_groups: None, coordinator: "here".into() };
        let nonces = |from: u128| {
            let mut last = from;
            move || {
                last += 1;
                last
            }
        };
        let mut heartbeats = Heartbeats::open(&location).unwrap();
        assert_eq!(heartbeats.look().unwrap(), Sign { head: 0, heartbeat: None });
        Vault::open(&location, job(), nonces(0)).unwrap();
        assert_eq!(heartbeats.look().unwrap().head, 1);
        let second = Vault::take_over(&location, job(), 1, nonces(100)).unwrap();
        assert_eq!((second.term(), heartbeats.look().unwrap().head), (2, 2));
        let late = Vault::take_over(&location, job(), 1, nonces(200)).unwrap_err();
        assert!(matches!(late, crate::Error::Fenced { term: 2 }), "{late:?}");
        assert!(second.is_open());
        assert_eq!(heartbeats.look().unwrap().head, 2, "nothing was written");
    }
}
