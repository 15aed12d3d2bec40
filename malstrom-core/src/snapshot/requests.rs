//! Requests for savepoints, from processes that are not part of the job.
//!
//! A request is an object: `requests/savepoint-NAME`. Whoever coordinates the job looks for it now and then, takes note in it
//! that it is being done, and deletes it when the savepoint is committed. If it cannot be, `requests/failed-NAME` says why
//! before the request is deleted; whoever has asked reads that and deletes it. A request has an end: what was asked for by somebody
//! who is not there any more is not done, and an answer that nobody has read by then is [swept](Requests::sweep).
use super::Location;
use super::archive::check_name;
use super::store::Store;
use crate::error::{Error, Result};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

const DIRECTORY: &str = "requests";
const ASKED: &str = "requests/savepoint-";
const FAILED: &str = "requests/failed-";

/// A request for a savepoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The name of the savepoint.
    pub name: String,
    /// Until when somebody waits for it, in microseconds since 1970. What cannot be read has ended long ago.
    pub until: i64,
    /// Whether a coordinator has seen it.
    pub taken: bool,
}
/// What lies in the object.
#[derive(Debug, Serialize, Deserialize)]
struct Content {
    until: i64,
    #[serde(default)]
    taken: bool,
    /// Why it was not done.
    #[serde(default)]
    why: String,
}
impl Content {
    fn encode(&self) -> Result<Bytes> {
        serde_json::to_vec(self).map(Bytes::from).map_err(Error::custom)
    }
    fn decode(bytes: &[u8]) -> Content {
        serde_json::from_slice(bytes).unwrap_or(Content { until: i64::MIN, taken: false, why: "?".to_owned() })
    }
}
/// An answer is kept for so long after the request has ended, in microseconds: clocks differ.
const GRACE: i64 = 3_600_000_000;

/// The requests at a location.
///
/// ```
/// use malstrom_core::snapshot::{Location, Requests};
/// let requests = Requests::open(&"memory://requests_example".parse::<Location>()?)?;
/// requests.ask("before-the-upgrade", 2_000_000, 1_000_000)?;
/// // The coordinator:
/// let request = requests.list()?.remove(0);
/// requests.take(&request)?;
/// requests.answer(&request.name, Err("there is no room left"))?;
/// // And whoever has asked:
/// assert_eq!(requests.find("before-the-upgrade")?, None);
/// assert_eq!(requests.failure("before-the-upgrade")?.as_deref(), Some("there is no room left"));
/// # Ok::<(), malstrom_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Requests(Store);
impl Requests {
    /// Those at this location.
    ///
    /// # Errors
    /// If what reads and writes cannot be started.
    pub fn open(location: &Location) -> Result<Self> {
        Store::open(location).map(Requests)
    }
    pub(super) fn of(store: Store) -> Self {
        Requests(store)
    }
    /// Asks for a savepoint, and waits for it until then. Times are in microseconds since 1970.
    ///
    /// # Errors
    /// If it cannot have that name, somebody waits for one of that name, or nothing can be written.
    pub fn ask(&self, name: &str, until: i64, now: i64) -> Result<()> {
        check_name(name)?;
        let store = &self.0;
        let content = Content { until, taken: false, why: String::new() }.encode()?;
        store.wait(async {
            store.delete(&[format!("{FAILED}{name}")]).await?;
            let object = format!("{ASKED}{name}");
            if store.create(&object, content.clone()).await? {
                return Ok(());
            }
            // One that nobody waits for any more gives way.
            let other = store.read(&object).await?.map(|bytes| decode(name, &bytes));
            if other.is_some_and(|other| other.until > now) {
                return Err(Error::snapshot(format!(
                    "somebody else waits for a savepoint `{name}` already: wait for it, or choose another name"
                )));
            }
            store.write(&object, vec![content]).await
        })
    }
    /// The request for a savepoint of this name, if it is there still.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn find(&self, name: &str) -> Result<Option<Request>> {
        let read = self.0.wait(self.0.read(&format!("{ASKED}{name}")))?;
        Ok(read.map(|bytes| decode(name, &bytes)))
    }
    /// Why a savepoint was not taken, if it says that; to be asked once.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn failure(&self, name: &str) -> Result<Option<String>> {
        let (store, object) = (&self.0, format!("{FAILED}{name}"));
        store.wait(async {
            let Some(bytes) = store.read(&object).await? else { return Ok(None) };
            store.delete(&[object]).await?;
            Ok(Some(Content::decode(&bytes).why))
        })
    }
    /// Nobody waits for a savepoint any more.
    ///
    /// # Errors
    /// If the request cannot be deleted.
    pub fn withdraw(&self, name: &str) -> Result<()> {
        self.0.wait(self.0.delete(&[format!("{ASKED}{name}")]))
    }

    /// All requests.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn list(&self) -> Result<Vec<Request>> {
        let store = &self.0;
        store.wait(async {
            let mut requests = Vec::new();
            for listed in store.list(DIRECTORY, None).await? {
                let Some(name) = listed.object.strip_prefix(ASKED) else { continue };
                if let Some(bytes) = store.read(&listed.object).await? {
                    requests.push(decode(name, &bytes));
                }
            }
            Ok(requests)
        })
    }
    /// Takes note that a request has been seen.
    ///
    /// # Errors
    /// If that cannot be written.
    pub fn take(&self, request: &Request) -> Result<()> {
        let object = format!("{ASKED}{}", request.name);
        let content = Content { until: request.until, taken: true, why: String::new() }.encode()?;
        self.0.wait(self.0.write(&object, vec![content]))
    }
    /// A savepoint that was asked for is there, or is not and why, which is said if somebody waits for it still.
    ///
    /// # Errors
    /// If that cannot be written.
    pub fn answer(&self, name: &str, answer: Result<(), &str>) -> Result<()> {
        let store = &self.0;
        store.wait(async {
            let object = format!("{ASKED}{name}");
            if let Err(why) = answer
                && let Some(bytes) = store.read(&object).await?
            {
                let content = Content { why: why.to_owned(), ..Content::decode(&bytes) }.encode()?;
                store.write(&format!("{FAILED}{name}"), vec![content]).await?;
            }
            store.delete(&[object]).await
        })
    }
    /// Deletes the answers that were for somebody who has long given up waiting, by the time `now`.
    ///
    /// # Errors
    /// If they cannot be read or deleted.
    pub fn sweep(&self, now: i64) -> Result<()> {
        let store = &self.0;
        store.wait(async {
            let mut stale = Vec::new();
            for listed in store.list(DIRECTORY, None).await? {
                if listed.object.starts_with(FAILED)
                    && let Some(bytes) = store.read(&listed.object).await?
                    && Content::decode(&bytes).until.saturating_add(GRACE) <= now
                {
                    stale.push(listed.object);
                }
            }
            store.delete(&stale).await
        })
    }
}

fn decode(name: &str, bytes: &[u8]) -> Request {
    let Content { until, taken, .. } = Content::decode(bytes);
    Request { name: name.to_owned(), until, taken }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: &str) -> Requests {
        Requests::open(&format!("memory://requests_{name}").parse().unwrap()).unwrap()
    }

    #[test]
    fn a_request_is_seen_and_answered() {
        let requests = at("seen");
        requests.ask("a", 10, 0).unwrap();
        requests.ask("b.2", 20, 0).unwrap();
        let found = |taken| Some(Request { name: "a".into(), until: 10, taken });
        assert_eq!(requests.find("a").unwrap(), found(false));
        requests.take(&requests.find("a").unwrap().unwrap()).unwrap();
        assert_eq!(requests.find("a").unwrap(), found(true));
        assert_eq!(requests.list().unwrap().iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["a", "b.2"]);
        requests.answer("a", Ok(())).unwrap();
        assert_eq!((requests.find("a").unwrap(), requests.failure("a").unwrap()), (None, None));
        requests.answer("b.2", Err("no")).unwrap();
        assert_eq!(requests.list().unwrap(), []);
        assert_eq!(requests.failure("b.2").unwrap().as_deref(), Some("no"));
        assert_eq!(requests.failure("b.2").unwrap(), None);
    }
    #[test]
    fn two_do_not_ask_for_the_same_name_at_a_time() {
        let requests = at("twice");
        requests.ask("a", 10, 0).unwrap();
        assert!(requests.ask("a", 30, 9).unwrap_err().to_string().contains("somebody else waits"));
        requests.ask("a", 30, 10).unwrap();
        assert_eq!(requests.find("a").unwrap().unwrap().until, 30);
        assert!(requests.ask("../a", 10, 0).is_err());
    }
    #[test]
    fn what_is_no_request_has_ended_and_an_old_failure_is_forgotten() {
        let requests = at("broken");
        requests.0.wait(requests.0.write("requests/savepoint-x", vec!["{".into()])).unwrap();
        assert_eq!(requests.list().unwrap()[0].until, i64::MIN);
        requests.ask("y", 10, 0).unwrap();
        requests.answer("y", Err("before")).unwrap();
        requests.ask("y", 10, 0).unwrap();
        assert_eq!(requests.failure("y").unwrap(), None);
    }
    #[test]
    fn answers_are_swept_when_nobody_reads_them_any_more() {
        let requests = at("stale");
        let objects = || {
            let listed = requests.0.wait(requests.0.list(DIRECTORY, None)).unwrap();
            listed.into_iter().map(|listed| listed.object).collect::<Vec<_>>()
        };
        for (name, until) in [("a", 10), ("b", 20)] {
            requests.ask(name, until, 0).unwrap();
            requests.answer(name, Err("no")).unwrap();
        }
        // Requests are let go by whoever coordinates the job, and what else lies there is somebody else's.
        requests.ask("c", 10, 0).unwrap();
        requests.0.wait(requests.0.write("requests/notes.txt", vec!["{}".into()])).unwrap();
        let all = ["requests/failed-a", "requests/failed-b", "requests/notes.txt", "requests/savepoint-c"];
        requests.sweep(GRACE + 9).unwrap();
        assert_eq!(objects(), all);
        requests.sweep(GRACE + 10).unwrap();
        assert_eq!(objects(), all[1..]);
        assert_eq!(requests.failure("b").unwrap().as_deref(), Some("no"));
    }
    #[test]
    fn who_has_given_up_gets_no_answer() {
        let requests = at("given_up");
        requests.ask("a", 10, 0).unwrap();
        requests.withdraw("a").unwrap();
        requests.answer("a", Err("too late")).unwrap();
        assert_eq!(requests.failure("a").unwrap(), None);
    }
}
