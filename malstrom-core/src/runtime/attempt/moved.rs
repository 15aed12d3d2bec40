//! What changes of a job's workers come to.
use crate::coordinator::Moving;
use std::time::Duration;

/// What a change of the number of workers came to.
///
/// ```
/// # use malstrom_core::{Graph, Runtime, connect::memory, graph::{build, source}};
/// # fn squares(into: memory::Collector<u64>) -> malstrom_core::Pipeline {
/// #     let g = Graph::new("squares");
/// #     let s = source::source(g.clone(), "source", malstrom_core::connect::FromIter::new(1..=3u64));
/// #     build::sink(g.clone(), "sink", into, s);
/// #     g.finish()
/// # }
/// # let results = memory::collector::<u64>();
/// let job = Runtime::builder().workers(1).build()?.start(move || squares(results.clone()))?;
/// assert!(job.rescale(2).is_err(), "this job takes no snapshots, and is not elastic");
/// job.join()?;
/// # Ok::<(), malstrom_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Moved {
    /// How many workers there are now.
    pub workers: usize,
    /// How many key groups have another owner now.
    pub groups: usize,
    /// How many bytes they have, state, timers and all.
    pub bytes: u64,
    /// How long it took, from when it was asked for until nothing was left to be moved.
    pub took: Duration,
    /// For how long a stage of a worker stood still meanwhile, at the longest: by so much records were late, where they were to be
    /// processed there.
    pub pause: Duration,
}
impl std::fmt::Display for Moved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Moved { workers, groups, bytes, took, pause } = self;
        let s = if *workers == 1 { "" } else { "s" };
        write!(f, "{workers} worker{s}: {groups} key groups ({}) moved in {took:.1?}", Bytes(*bytes))?;
        write!(f, ", and no stage stood still for longer than {pause:.1?}")
    }
}
/// So many bytes, for people.
struct Bytes(u64);
impl std::fmt::Display for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
        if self.0 < 1000 {
            return write!(f, "{} bytes", self.0);
        }
        let (mut amount, mut unit) = (self.0 as f64 / 1e3, 0);
        // Not `1000.0 kB`.
        while amount >= 999.95 && unit + 1 < UNITS.len() {
            (amount, unit) = (amount / 1e3, unit + 1);
        }
        write!(f, "{amount:.1} {}", UNITS[unit])
    }
}

/// The changes of a job's workers so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moves {
    pub(crate) under_way: Option<Moving>,
    /// How many there were while the job went on, and what moved by them.
    pub(crate) made: u64,
    pub(crate) groups: u64,
    pub(crate) bytes: u64,
    /// How many were given up.
    pub(crate) given_up: u64,
    pub(crate) last: Option<Rescaled>,
}
/// What was moved, and when that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rescaled {
    pub(crate) moved: Moved,
    pub(crate) at: Duration,
}
impl Moves {
    /// One is done.
    pub(crate) fn add(&mut self, moved: Moved, at: Duration) {
        self.made += 1;
        self.groups += moved.groups as u64;
        self.bytes += moved.bytes;
        self.last = Some(Rescaled { moved, at });
    }
}

#[cfg(test)]
mod tests {
    use super::Bytes;

    #[test]
    fn bytes_have_a_unit() {
        let shown = [0, 999, 1000, 1_250, 999_949, 999_950, 12_345_678, 5_000_000_000, u64::MAX];
        let shown = shown.map(|bytes| Bytes(bytes).to_string());
        let expected = ["0 bytes", "999 bytes", "1.0 kB", "1.2 kB", "999.9 kB", "1.0 MB", "12.3 MB", "5.0 GB"];
        assert_eq!(shown[..8], expected);
        assert_eq!(shown[8], "18446744.1 TB");
    }
}
