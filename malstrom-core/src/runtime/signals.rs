//! SIGINT and SIGTERM: the first one stops the sources and drains, the second one ends the process at once.
use super::clock::Clock;
use crate::error::{Error, Result};
use std::io::Write;
use std::sync::{Mutex, Once, PoisonError, Weak};
use std::time::Duration;

/// What a signal stops.
pub(crate) trait Stop: Send + Sync {
    /// Begins to stop.
    fn stop(&self);
    /// Whether it has begun to.
    fn is_stopping(&self) -> bool;
}
static CURRENT: Mutex<Option<Weak<dyn Stop>>> = Mutex::new(None);
/// When it was told to.
static FIRST: Mutex<Option<Clock>> = Mutex::new(None);
/// What comes so soon after the first signal is the same one again: `timeout` and others send it to the process and to its group.
const SAME: Duration = Duration::from_millis(200);

pub(crate) fn stop_on_signal(job: Weak<dyn Stop>) -> Result<()> {
    *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(job);
    // A process has one handler, however many jobs it runs one after the other.
    static INSTALL: Once = Once::new();
    let mut installed = Ok(());
    INSTALL.call_once(|| installed = ctrlc::set_handler(on_signal));
    installed.map_err(|cause| Error::Runtime { doing: "install a signal handler", cause: cause.into() })
}

/// Stops what a signal would.
pub(crate) fn stop_current() {
    let current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(Weak::upgrade);
    if let Some(current) = current {
        current.stop();
    }
}
fn on_signal() {
    let job = CURRENT.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(Weak::upgrade);
    let mut first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
    match job {
        Some(job) if !job.is_stopping() => {
            *first = Some(Clock::start());
            // Said first: a job that has nothing under way may end the process as soon as it is told. Not being able to
            // say so (standard error is closed) must not end the thread that waits for signals.
            let _ =
                writeln!(std::io::stderr(), "stopping: what is under way is drained (a second signal ends at once)");
            job.stop();
        }
        Some(_) if first.is_some_and(|first| first.now() < SAME) => {}
        // 128 + SIGINT, as shells have it.
        _ => std::process::exit(130),
    }
}
