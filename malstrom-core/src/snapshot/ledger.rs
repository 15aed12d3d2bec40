//! The commit log in a store: asks the store what the state machine wants to know.
use super::log::{Entry, Log, LogError, Record, Reply, Request};
use super::store::Store;
use crate::error::{Error, Result};

/// So many entries are kept, if only to be looked at.
const KEEP: u64 = 1000;
/// And so many more before any are deleted.
const SLACK: u64 = 100;
const DIRECTORY: &str = "log";

/// Why an entry could not be appended.
enum Stop {
    /// The log has grown in the meantime.
    Moved,
    Error(Error),
}
impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Error(error)
    }
}

#[derive(Debug)]
pub(super) struct Ledger {
    store: Store,
    log: Log,
    /// The lowest number that there may be.
    floor: u64,
}
impl Ledger {
    pub(super) async fn load(store: &Store) -> Result<Self> {
        let (log, first) = Log::load();
        let mut ledger = Ledger { store: store.clone(), log, floor: 1 };
        ledger.drive(first, "the log").await.map_err(|stop| match stop {
            Stop::Error(error) => error,
            Stop::Moved => Error::Fenced { term: ledger.log.term() },
        })?;
        Ok(ledger)
    }
    /// What was read, newest first.
    pub(super) fn entries(&self) -> &[Entry] {
        self.log.entries()
    }
    /// Reads back to the next older snapshot; `false` if there is nothing older.
    pub(super) async fn older(&mut self) -> Result<bool> {
        let before = self.entries().len();
        if let Some(request) = self.log.older() {
            match self.drive(request, "the log").await {
                Err(Stop::Error(error)) => return Err(error),
                Ok(()) | Err(Stop::Moved) => {}
            }
        }
        Ok(self.entries().len() > before)
    }
    pub(super) fn term(&self) -> u64 {
        self.log.term()
    }
    /// The number of the newest entry, 0 if there is none.
    pub(super) fn head(&self) -> u64 {
        self.log.head()
    }
    pub(super) fn is_open(&self) -> bool {
        self.log.is_open()
    }
    /// Claims the log. `false` if it has grown in the meantime, and has to be loaded again.
    pub(super) async fn claim(&mut self, job: &str, id: &str, nonce: u128) -> Result<bool> {
        let request = self.log.claim(job, id, nonce).map_err(|error| self.explain(error, "the claim", None))?;
        match self.drive(request, "the claim").await {
            Ok(()) => Ok(true),
            Err(Stop::Moved) => Ok(false),
            Err(Stop::Error(error)) => Err(error),
        }
    }
    /// Appends an entry for `what`.
    pub(super) async fn append(&mut self, record: Record, nonce: u128, what: &str) -> Result<()> {
        let request = self.log.append(record, nonce).map_err(|error| self.explain(error, what, None))?;
        self.drive(request, what).await.map_err(|stop| match stop {
            Stop::Error(error) => error,
            Stop::Moved => Error::Fenced { term: self.log.term() },
        })
    }
    async fn drive(&mut self, first: Request, what: &str) -> Result<(), Stop> {
        let appends = matches!(first, Request::Create { .. });
        let (mut next, mut doubt) = (Some(first), None);
        while let Some(request) = next {
            let reply = match self.ask(request).await {
                Ok(reply) => reply,
                Err((true, error)) => {
                    doubt = Some(error);
                    Reply::Unclear
                }
                // Once an entry may lie there, not to know more is not to know whether it is committed.
                Err((false, error)) if appends => {
                    self.log.give_up();
                    return Err(Error::Uncertain { what: what.to_owned(), cause: error.into() }.into());
                }
                Err((false, error)) => return Err(error.into()),
            };
            next = match self.log.on(reply) {
                Ok(next) => next,
                Err(LogError::Moved) => return Err(Stop::Moved),
                Err(error) => return Err(self.explain(error, what, doubt).into()),
            };
        }
        Ok(())
    }
    /// What the store replies, or why it does not and whether an entry may have been created.
    async fn ask(&self, request: Request) -> Result<Reply, (bool, Error)> {
        let reply = match request {
            Request::List { after } => self.list(after).await.map(Reply::Listed),
            Request::Get { seq } => self.store.read(&object(seq)).await.map(Reply::Got),
            Request::Create { seq, bytes } => {
                return match self.store.create(&object(seq), bytes).await {
                    Ok(true) => Ok(Reply::Created),
                    Ok(false) => Ok(Reply::Exists),
                    Err(error) => Err((true, error)),
                };
            }
        };
        reply.map_err(|error| (false, error))
    }
    /// The numbers of the entries after this one.
    pub(super) async fn list(&self, after: u64) -> Result<Vec<u64>> {
        entries_after(&self.store, after).await
    }
    /// What is missing may have been deleted by another coordinator that has taken over since: then that is the error.
    pub(super) async fn suspect(&mut self, error: Error) -> Error {
        if !matches!(error, Error::Damaged { .. } | Error::Snapshot { cause: Some(_), .. }) {
            return error;
        }
        match Ledger::load(&self.store).await {
            Ok(newer) if newer.log.head() > self.log.head() => {
                self.log.give_up();
                Error::Fenced { term: newer.term() }
            }
            _ => error,
        }
    }
    fn explain(&self, error: LogError, what: &str, doubt: Option<Error>) -> Error {
        match error {
            LogError::Fenced { term } => Error::Fenced { term },
            LogError::Unreadable { seq, why } => why.of(self.store.name(&object(seq))),
            LogError::Uncertain => Error::Uncertain {
                what: what.to_owned(),
                cause: doubt.map_or_else(|| "the store does not say".into(), Into::into),
            },
            LogError::Moved | LogError::Closed => Error::Uncertain {
                what: what.to_owned(),
                cause: "this coordinator could not write to the commit log before".into(),
            },
        }
    }
    /// Deletes old entries, once there are enough of them.
    pub(super) async fn prune(&mut self) -> Result<u64> {
        let until = self.log.prunable(KEEP);
        if until < self.floor + SLACK {
            return Ok(0);
        }
        let mut old: Vec<u64> = self.list(0).await?.into_iter().filter(|seq| *seq <= until).collect();
        old.sort_unstable();
        self.store.delete(&old.iter().map(|seq| object(*seq)).collect::<Vec<_>>()).await?;
        self.floor = until + 1;
        Ok(old.len() as u64)
    }
}

/// The numbers of the entries after this one.
pub(super) async fn entries_after(store: &Store, after: u64) -> Result<Vec<u64>> {
    let listed = store.list(DIRECTORY, (after > 0).then(|| object(after)).as_deref()).await?;
    Ok(listed.iter().filter_map(|listed| listed.object.strip_prefix("log/")?.parse().ok()).collect())
}
/// The object of an entry.
pub(super) fn object(seq: u64) -> String {
    format!("{DIRECTORY}/{seq:020}")
}
