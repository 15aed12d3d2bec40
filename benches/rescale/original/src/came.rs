//! What has come out, for the program that reports it.
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Where it is noted in which such stretches of time something came.
const BEAT: Duration = Duration::from_micros(100);

/// Threads of all workers write to it, without locks, as a number is in one sink at a time.
pub(crate) struct Came {
    began: Instant,
    rate: u64,
    /// The first number that is not to come.
    pub(crate) end: AtomicU64,
    /// For each number the microseconds from when it was due until it came first, and -1 before.
    took: Vec<AtomicI32>,
    /// How often a number came that had come before.
    again: AtomicU64,
    /// For each key the last count that came.
    counts: Vec<AtomicU32>,
    beats: Vec<AtomicU8>,
}
impl Came {
    /// For so many seconds.
    pub(crate) fn new(rate: u64, keys: u64, seconds: u64) -> Self {
        Came {
            began: Instant::now(),
            rate,
            end: AtomicU64::new(u64::MAX),
            took: (0..rate * seconds).map(|_| AtomicI32::new(-1)).collect(),
            again: AtomicU64::new(0),
            counts: (0..keys).map(|_| AtomicU32::new(0)).collect(),
            beats: (0..seconds * 1_000_000_000 / BEAT.as_nanos() as u64).map(|_| AtomicU8::new(0)).collect(),
        }
    }
    /// Since the first number was due.
    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed()
    }
    /// When a number is due.
    pub(crate) fn due(&self, number: u64) -> Duration {
        Duration::from_nanos(number * 1_000_000_000 / self.rate)
    }
    pub(crate) fn add(&self, number: u64, count: u64) {
        let now = self.now();
        let took = now.saturating_sub(self.due(number)).as_micros() as i32;
        if self.took[number as usize].swap(took, Relaxed) >= 0 {
            self.again.fetch_add(1, Relaxed);
        }
        self.counts[number as usize % self.counts.len()].store(count as u32, Relaxed);
        self.beats[(now.as_nanos() / BEAT.as_nanos()) as usize].store(1, Relaxed);
    }
    /// Behind all that has been read.
    pub(crate) fn finish(&self) {
        let end = self.now().as_nanos() * u128::from(self.rate) / 1_000_000_000;
        // Should it have taken longer than there is room for, the rest is not looked at.
        self.end.store((end as u64 + self.rate / 5).min(self.took.len() as u64), Relaxed);
    }
    /// Whether some of those until the end have not come.
    #[allow(dead_code, reason = "not all peers lose records")]
    pub(crate) fn missing(&self) -> bool {
        let end = self.end.load(Relaxed) as usize;
        self.took[..end].iter().any(|took| took.load(Relaxed) < 0)
    }
    pub(crate) fn write(&self, into: &Path, what: &str, lines: &str) -> io::Result<()> {
        fs::create_dir_all(into)?;
        let end = self.end.load(Relaxed);
        let counted: u64 = self.counts.iter().map(|count| u64::from(count.load(Relaxed))).sum();
        let (rate, keys, again) = (self.rate, self.counts.len(), self.again.load(Relaxed));
        let head = format!("what {what}\nrate {rate}\nkeys {keys}\nrecords {end}\nagain {again}\ncounted {counted}\n");
        fs::write(into.join("run.txt"), head + lines)?;
        let mut out = BufWriter::new(File::create(into.join("took.bin"))?);
        for took in &self.took[..end as usize] {
            out.write_all(&took.load(Relaxed).to_le_bytes())?;
        }
        out.flush()?;
        fs::write(into.join("beats.bin"), self.beats.iter().map(|beat| beat.load(Relaxed)).collect::<Vec<_>>())
    }
}
