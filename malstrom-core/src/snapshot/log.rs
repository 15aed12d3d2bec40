//! The commit log: what is committed, and who may commit.
//!
//! Entries are objects named by their number, created and never overwritten, each with the hash of the one before it. A
//! snapshot is committed when its entry is on that chain. A coordinator begins by claiming the next entry, with a higher
//! term; whoever held the log before collides with that claim at its next append, and stops.
//!
//! That the store refuses to create an object twice is not enough, because old entries are deleted: a coordinator that was
//! asleep for long creates an entry whose number was used and deleted, and believes that it has won. So after each create
//! it looks whether anything lies behind, and acts only if nothing does: the newest entry was never deleted, so it is on the
//! chain. (To also act if the next entry chains to one's own is wrong, as two entries created in the place of deleted ones
//! may well chain to each other.) If something lies behind, whoever wrote it has read the entry before or has fenced it off,
//! and publishes what was committed.
//!
//! A store that answers late or not at all leaves open whether an entry was created, and so does "already exists", as a
//! request may have been sent twice. So the entry is read then, and its bytes, of which the nonce is a part, tell.
//!
//! The prefix that may be deleted ends before the newest snapshot, whose manifest lists the older snapshots that are kept and
//! all savepoints before it; so a coordinator that starts reads from the newest entry back to the newest snapshot. The
//! newest entry is never deleted. Which of the prefix are deleted first does not matter.
//!
//! This is a state machine: it asks for one thing at a time and is told what came of it. `tests/commit_log_model.rs` runs it
//! through all interleavings of some coordinators.
mod entry;

pub use super::format::Garbled;
use bytes::Bytes;
pub(super) use entry::MAX_TEXT;
pub use entry::{Entry, MAX_ENTRY, Record};

/// How often an entry is created anew if it cannot be found out whether it was, and the log read anew if it changes.
const TRIES: u8 = 4;

/// What the log asks of the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Which entries there are with a higher number than this.
    List {
        /// That number.
        after: u64,
    },
    /// The bytes of an entry.
    Get {
        /// Its number.
        seq: u64,
    },
    /// To create an entry if there is none.
    Create {
        /// Its number.
        seq: u64,
        /// Its bytes.
        bytes: Bytes,
    },
}
/// What came of a [`Request`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// These entries there are, in any order.
    Listed(Vec<u64>),
    /// The bytes, if there is such an entry.
    Got(Option<Bytes>),
    /// It was created.
    Created,
    /// It was there.
    Exists,
    /// It may have been created, or may still be.
    Unclear,
}
/// Why there is no going on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogError {
    /// Another coordinator has claimed the log.
    Fenced {
        /// Its term.
        term: u64,
    },
    /// The log has grown while it was being claimed: it is to be loaded and claimed again.
    Moved,
    /// An entry cannot be read.
    Unreadable {
        /// Its number.
        seq: u64,
        /// Why.
        why: Garbled,
    },
    /// It cannot be found out whether the entry was created. The log is to be loaded and claimed again.
    Uncertain,
    /// The log has ended before, or was not claimed.
    Closed,
}

/// An entry of which the next one needs the hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Link {
    seq: u64,
    term: u64,
    hash: u128,
}
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// Finds the newest entry.
    Listing {
        tries: u8,
    },
    /// Reads backwards. `next` is the `prev` and the term of the entry behind.
    Walking {
        seq: u64,
        next: Option<(u128, u64)>,
        tries: u8,
    },
    Idle,
    /// Creates an entry.
    Creating(Append),
    /// Reads what lies where it was to be created.
    Checking(Append),
    /// Lists what lies behind.
    Verifying(Append),
    /// Finds out who has taken over.
    Overtaken {
        claim: bool,
        term: u64,
        seq: u64,
    },
    Closed,
}
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Append {
    link: Link,
    bytes: Bytes,
    claim: bool,
    snapshot: bool,
    tries: u8,
}

/// The commit log as one coordinator knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Log {
    /// The newest entry, number 0 if there is none.
    head: Link,
    /// The number of the newest snapshot, 0 if there is none.
    snapshot: u64,
    /// What was read, newest first.
    read: Vec<Entry>,
    claimed: bool,
    phase: Phase,
}
impl Log {
    /// Begins to read the log.
    pub fn load() -> (Self, Request) {
        let head = Link { seq: 0, term: 0, hash: 0 };
        let log = Log { head, snapshot: 0, read: Vec::new(), claimed: false, phase: Phase::Listing { tries: TRIES } };
        (log, Request::List { after: 0 })
    }
    /// The entries that were read, newest first: back to the newest snapshot, or to the first entry.
    pub fn entries(&self) -> &[Entry] {
        &self.read
    }
    /// Begins to read further back, to the next older snapshot. `None` if the first entry was read.
    pub fn older(&mut self) -> Option<Request> {
        let oldest = self.read.last().filter(|entry| entry.seq > 1)?;
        if self.phase != Phase::Idle {
            return None;
        }
        let seq = oldest.seq - 1;
        self.phase = Phase::Walking { seq, next: Some((oldest.prev, oldest.term)), tries: 0 };
        Some(Request::Get { seq })
    }
    /// The term of the newest entry; after a claim its own.
    pub fn term(&self) -> u64 {
        self.head.term
    }
    /// The number of the newest entry, 0 if there is none.
    pub fn head(&self) -> u64 {
        self.head.seq
    }
    /// Whether the log was claimed and can be appended to.
    pub fn is_open(&self) -> bool {
        self.claimed && self.phase == Phase::Idle
    }

    /// Begins to claim the log for the next term.
    ///
    /// # Errors
    /// [`Closed`](LogError::Closed) if it was not read to the end before.
    pub fn claim(&mut self, job: &str, id: &str, nonce: u128) -> Result<Request, LogError> {
        let record = Record::Claim { job: job.to_owned(), id: id.to_owned() };
        self.begin(record, self.head.term + 1, nonce)
    }
    /// Begins to append to the log.
    ///
    /// # Errors
    /// [`Closed`](LogError::Closed) if it was not claimed, or has failed before.
    pub fn append(&mut self, record: Record, nonce: u128) -> Result<Request, LogError> {
        if !self.claimed {
            return Err(LogError::Closed);
        }
        self.begin(record, self.head.term, nonce)
    }
    fn begin(&mut self, record: Record, term: u64, nonce: u128) -> Result<Request, LogError> {
        if self.phase != Phase::Idle {
            return Err(LogError::Closed);
        }
        let claim = matches!(record, Record::Claim { .. });
        let snapshot = matches!(record, Record::Snapshot { .. });
        let entry = Entry { seq: self.head.seq + 1, term, nonce, prev: self.head.hash, record };
        let bytes = entry.encode();
        let link = Link { seq: entry.seq, term, hash: entry::hash(&bytes) };
        Ok(self.create(Append { link, bytes, claim, snapshot, tries: TRIES }))
    }
    fn create(&mut self, append: Append) -> Request {
        let request = Request::Create { seq: append.link.seq, bytes: append.bytes.clone() };
        self.phase = Phase::Creating(append);
        request
    }
    /// The store did not answer. What was being appended may or may not be in the log, and nothing more can be.
    pub fn give_up(&mut self) {
        self.phase = Phase::Closed;
    }

    /// Takes in a reply; what to ask next, `None` if what was begun is done.
    ///
    /// # Errors
    /// Why it cannot be done. Nothing more can be, then.
    pub fn on(&mut self, reply: Reply) -> Result<Option<Request>, LogError> {
        let phase = std::mem::replace(&mut self.phase, Phase::Closed);
        match (phase, reply) {
            (Phase::Listing { tries }, Reply::Listed(seqs)) => Ok(self.found(&seqs, tries)),
            (Phase::Walking { seq, next, tries }, Reply::Got(bytes)) => self.walked(seq, next, tries, bytes),
            (Phase::Creating(append), Reply::Created) => Ok(Some(self.verify(append))),
            (Phase::Creating(append), Reply::Exists | Reply::Unclear) => {
                let seq = append.link.seq;
                self.phase = Phase::Checking(append);
                Ok(Some(Request::Get { seq }))
            }
            (Phase::Checking(append), Reply::Got(bytes)) => self.checked(append, bytes),
            (Phase::Verifying(append), Reply::Listed(seqs)) => {
                if seqs.into_iter().any(|seq| seq > append.link.seq) {
                    Ok(Some(self.overtaken(&append)))
                } else {
                    self.confirmed(append);
                    Ok(None)
                }
            }
            (Phase::Overtaken { claim, term, .. }, Reply::Listed(seqs)) => {
                let seq = seqs.into_iter().max().unwrap_or(1);
                self.phase = Phase::Overtaken { claim, term, seq };
                Ok(Some(Request::Get { seq }))
            }
            (Phase::Overtaken { claim, term, seq }, Reply::Got(bytes)) => {
                let newest = bytes.and_then(|bytes| read(seq, &bytes).ok()).map_or(0, |newest| newest.term);
                // Two coordinators that start at the same time do not take turns at taking over from each other.
                if claim && newest < term {
                    Err(LogError::Moved)
                } else {
                    Err(LogError::Fenced { term: newest.max(term) })
                }
            }
            _ => Err(LogError::Closed),
        }
    }

    fn found(&mut self, seqs: &[u64], tries: u8) -> Option<Request> {
        self.read.clear();
        match seqs.iter().copied().max() {
            Some(seq) => {
                self.phase = Phase::Walking { seq, next: None, tries };
                Some(Request::Get { seq })
            }
            None => {
                self.phase = Phase::Idle;
                None
            }
        }
    }
    fn walked(
        &mut self,
        seq: u64,
        next: Option<(u128, u64)>,
        tries: u8,
        bytes: Option<Bytes>,
    ) -> Result<Option<Request>, LogError> {
        // Beyond the newest snapshot the log may end, or go on with an entry that was created after its number was deleted.
        let further = self.snapshot > 0;
        let Some(bytes) = bytes else {
            return match tries {
                _ if further => {
                    self.phase = Phase::Idle;
                    Ok(None)
                }
                0 => Err(unreadable(seq, "it is missing")),
                _ => Ok(Some(self.anew(tries))),
            };
        };
        let entry = read(seq, &bytes)?;
        let hash = entry::hash(&bytes);
        match next {
            None => self.head = Link { seq, term: entry.term, hash },
            Some((prev, _)) if prev != hash && further => {
                self.phase = Phase::Idle;
                return Ok(None);
            }
            Some((prev, _)) if prev != hash && tries > 0 => return Ok(Some(self.anew(tries))),
            Some((prev, _)) if prev != hash => return Err(unreadable(seq, "the entry behind it is not its successor")),
            Some((_, term)) if term < entry.term => {
                return Err(unreadable(seq, "the entry behind it has a lower term"));
            }
            Some(_) => {}
        }
        let (prev, term) = (entry.prev, entry.term);
        let last = seq == 1 || matches!(entry.record, Record::Snapshot { .. });
        if matches!(entry.record, Record::Snapshot { .. }) {
            self.snapshot = self.snapshot.max(seq);
        }
        self.read.push(entry);
        if last {
            self.phase = Phase::Idle;
            return Ok(None);
        }
        self.phase = Phase::Walking { seq: seq - 1, next: Some((prev, term)), tries };
        Ok(Some(Request::Get { seq: seq - 1 }))
    }

    /// The log has grown, and what was listed is deleted.
    fn anew(&mut self, tries: u8) -> Request {
        self.phase = Phase::Listing { tries: tries - 1 };
        Request::List { after: 0 }
    }

    fn verify(&mut self, append: Append) -> Request {
        let after = append.link.seq;
        self.phase = Phase::Verifying(append);
        Request::List { after }
    }
    fn checked(&mut self, mut append: Append, bytes: Option<Bytes>) -> Result<Option<Request>, LogError> {
        match bytes {
            Some(bytes) if bytes == append.bytes => Ok(Some(self.verify(append))),
            Some(_) => Ok(Some(self.overtaken(&append))),
            None if append.tries == 0 => Err(LogError::Uncertain),
            None => {
                append.tries -= 1;
                Ok(Some(self.create(append)))
            }
        }
    }
    fn confirmed(&mut self, append: Append) {
        self.head = append.link;
        self.claimed = true;
        if append.snapshot {
            self.snapshot = append.link.seq;
        }
        self.phase = Phase::Idle;
    }
    /// The entry is not on the chain, or not the newest any more.
    fn overtaken(&mut self, append: &Append) -> Request {
        self.phase = Phase::Overtaken { claim: append.claim, term: append.link.term, seq: 0 };
        Request::List { after: 0 }
    }

    /// The entries up to this one may be deleted, if `keep` entries are to stay; 0 if none may. Only who holds the log may
    /// delete.
    pub fn prunable(&self, keep: u64) -> u64 {
        if !self.is_open() {
            return 0;
        }
        self.head.seq.saturating_sub(keep.max(1)).min(self.snapshot.saturating_sub(1))
    }
}

fn read(seq: u64, bytes: &[u8]) -> Result<Entry, LogError> {
    Entry::decode(seq, bytes).map_err(|why| LogError::Unreadable { seq, why })
}
fn unreadable(seq: u64, why: &str) -> LogError {
    LogError::Unreadable { seq, why: why.into() }
}

#[cfg(test)]
mod tests;
