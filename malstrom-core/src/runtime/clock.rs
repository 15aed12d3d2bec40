//! What the environment gives: time, cores, variables, randomness.
use crate::contract::time::Timestamp;
use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, Instant, SystemTime};

/// Time since the job started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    since: Instant,
    /// So many seconds pass in one.
    #[cfg(test)]
    pace: u32,
}
impl Clock {
    #[allow(clippy::disallowed_methods, reason = "this is the environment layer")]
    pub(crate) fn start() -> Self {
        Clock {
            since: Instant::now(),
            #[cfg(test)]
            pace: 1,
        }
    }
    /// A clock of which so many seconds pass in one.
    #[cfg(test)]
    pub(crate) fn fast(pace: u32) -> Self {
        Clock { pace, ..Clock::start() }
    }
    #[inline]
    pub(crate) fn now(&self) -> Duration {
        let elapsed = self.since.elapsed();
        #[cfg(test)]
        let elapsed = elapsed * self.pace;
        elapsed
    }
}

/// How many workers run side by side without taking turns.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

/// A variable of the process, if it is set to something.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
}

/// Has the process die at the moment that `MALSTROM_FAILPOINT` names, if it names one.
///
/// # Errors
/// If there is no such moment.
#[cfg(feature = "failpoints")]
pub(crate) fn arm_failpoint() -> crate::error::Result<()> {
    const NAME: &str = "MALSTROM_FAILPOINT";
    let armed = variable(NAME).map_or(Ok(()), |text| crate::failpoint::arm(&text));
    armed.map_err(|why| crate::error::Error::Config(format!("{NAME}: {why}")))
}

/// A number that nobody outside can guess.
pub(crate) fn random() -> u64 {
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

/// A number that nobody else draws.
pub(crate) fn nonce() -> u128 {
    u128::from(random()) << 64 | u128::from(random())
}

/// Microseconds since 1970.
#[allow(clippy::disallowed_methods, reason = "this is the environment layer")]
pub(crate) fn unix_micros() -> i64 {
    Timestamp::from(SystemTime::now()).as_micros()
}
