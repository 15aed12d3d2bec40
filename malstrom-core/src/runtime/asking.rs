//! Asks a job that runs somewhere for a savepoint, and waits for it.
use super::clock::{self, Clock};
use crate::error::{Error, Result};
use crate::snapshot::{Archive, Kind, Location, Requests, Saved};
use std::time::Duration;

/// How often it is looked for the answer.
const NEAR: Duration = Duration::from_millis(100);
const FAR: Duration = Duration::from_secs(2);

/// Has the job whose snapshots lie at `location` take a savepoint.
///
/// # Errors
/// If there is one of that name, or none could be had in time.
pub(super) fn savepoint(location: &Location, name: &str, timeout: Duration) -> Result<Saved> {
    if find(location, name)?.is_some() {
        return Err(Error::snapshot(format!("there is a savepoint `{name}` already: choose another name")));
    }
    let requests = Requests::open(location)?;
    let (clock, now) = (Clock::start(), clock::unix_micros());
    let until = now.saturating_add(i64::try_from(timeout.as_micros()).unwrap_or(i64::MAX));
    requests.ask(name, until, now)?;
    let pause = if location.is_near() { NEAR } else { FAR };
    loop {
        let request = requests.find(name)?;
        // What was done is seen after that: a request is deleted when it is done.
        if let Some(saved) = find(location, name)? {
            // It may have been taken for somebody else.
            requests.withdraw(name)?;
            return Ok(saved);
        }
        if let Some(why) = requests.failure(name)? {
            return Err(Error::snapshot(format!("savepoint `{name}` was not taken: {why}")));
        }
        let Some(request) = request else {
            return Err(Error::snapshot(format!(
                "savepoint `{name}` was not taken: the request was removed. Do the clocks here and where the job runs agree?"
            )));
        };
        if clock.now() >= timeout {
            requests.withdraw(name)?;
            let why = if request.taken {
                "the job has begun it and is not done: look into its log, or wait longer with `--timeout`".to_owned()
            } else {
                format!("no job has seen the request: is one running whose snapshots lie at `{location}`?")
            };
            return Err(Error::snapshot(format!("savepoint `{name}` was not taken within {timeout:?}: {why}")));
        }
        std::thread::sleep(pause.min(timeout));
    }
}
fn find(location: &Location, name: &str) -> Result<Option<Saved>> {
    let of_name = |saved: &&Saved| matches!(&saved.kind, Kind::Savepoint(known) if known == name);
    Ok(Archive::open(location)?.list().iter().find(of_name).cloned())
}
