//! File sinks driven as a job drives them, with barriers, aborts, crashes and restarts at will: every row is published once.
#![allow(clippy::unwrap_used, clippy::panic)]
mod collected;
use collected::read;
use malstrom_core::connect::files;
use malstrom_core::{Begin, Interval, Result, Sink, testing};
use proptest::prelude::*;
use proptest::sample::Index;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    id: u64,
    text: String,
}
fn row(id: u64) -> Row {
    let texts = ["", "plain", "a,\"b\"", "two\r\nlines", "ü"];
    Row { id, text: texts[id as usize % texts.len()].into() }
}

/// Either sink.
enum Files {
    Csv(Box<files::CsvSink<Row>>),
    Jsonl(Box<files::JsonlSink<Row>>),
}
macro_rules! either {
    ($self:ident, $sink:ident => $call:expr) => {
        match $self {
            Files::Csv($sink) => $call,
            Files::Jsonl($sink) => $call,
        }
    };
}
impl Files {
    fn new(csv: bool, directory: &Path, size: u64, age: u64) -> Self {
        let age = Duration::from_secs(age);
        match csv {
            true => Files::Csv(Box::new(files::csv_sink(directory).roll_at(size).roll_every(age))),
            false => Files::Jsonl(Box::new(files::jsonl_sink(directory).roll_at(size).roll_every(age))),
        }
    }
    fn open(&mut self, worker: usize, workers: usize) -> Result<()> {
        either!(self, sink => sink.open(worker, workers))
    }
    fn begin(&mut self, begin: Begin) -> Result<()> {
        either!(self, sink => sink.begin(begin))
    }
    fn write(&mut self, rows: &mut Vec<Row>) -> Result<()> {
        either!(self, sink => sink.write(rows))
    }
    fn flush(&mut self) -> Result<()> {
        either!(self, sink => sink.flush())
    }
    fn pre_commit(&mut self, interval: Interval) -> Result<Vec<u8>> {
        either!(self, sink => sink.pre_commit(interval))
    }
    fn commit(&mut self, interval: u64, term: u64) -> Result<()> {
        either!(self, sink => sink.commit(testing::permit(interval, term)))
    }
    fn abort(&mut self, interval: u64) {
        either!(self, sink => sink.abort(interval));
    }
    fn close(&mut self) -> Result<()> {
        either!(self, sink => sink.close())
    }
}

/// How a job ends before it has ended.
#[derive(Clone, Debug)]
struct Crash {
    at: At,
    after: After,
    /// With so many workers it goes on.
    workers: usize,
    /// Which of them is given what was staged, and when: others may have written before.
    restorer: Index,
}
#[derive(Clone, Debug)]
enum At {
    /// Between two other steps.
    Once,
    /// So many workers have done their part of a barrier.
    Barrier(Index),
    /// The snapshot is in the log, and so many workers know.
    Commit(Index),
    /// So many renames, of all workers, are done.
    Rename(Index),
}
/// What becomes of the workers of the attempt.
#[derive(Clone, Copy, Debug)]
enum After {
    /// Their threads end.
    Dropped,
    /// Their process is killed.
    Forgotten,
    /// They hang, and go on when nobody expects it.
    Hanging,
}
#[derive(Clone, Debug)]
enum Step {
    Write(Index, usize),
    Flush(Index),
    Barrier(u64),
    /// The oldest barrier that is not settled is committed, or aborted.
    Settle(bool),
    Crash(Crash),
    /// A worker of a former attempt writes on.
    Haunt(Index, usize),
    /// Something lies where a part is to be published, until the job has failed for it.
    Block(Index),
}
fn crash() -> impl Strategy<Value = Crash> {
    let at = prop_oneof![
        Just(At::Once),
        any::<Index>().prop_map(At::Barrier),
        any::<Index>().prop_map(At::Commit),
        any::<Index>().prop_map(At::Rename),
    ];
    let after = prop::sample::select(vec![After::Dropped, After::Forgotten, After::Hanging]);
    (at, after, 1..4_usize, any::<Index>()).prop_map(|(at, after, workers, restorer)| Crash {
        at,
        after,
        workers,
        restorer,
    })
}
fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (any::<Index>(), 1..4_usize).prop_map(|(worker, rows)| Step::Write(worker, rows)),
        1 => any::<Index>().prop_map(Step::Flush),
        4 => (0..5_u64).prop_map(Step::Barrier),
        4 => prop::bool::weighted(0.7).prop_map(Step::Settle),
        2 => crash().prop_map(Step::Crash),
        1 => (any::<Index>(), 1..4_usize).prop_map(|(worker, rows)| Step::Haunt(worker, rows)),
        1 => any::<Index>().prop_map(Step::Block),
    ]
}

/// A snapshot that is not settled, or the last that is committed.
#[derive(Clone, Default)]
struct Snapshot {
    interval: u64,
    rows: u64,
    staged: Vec<Vec<u8>>,
}

struct Job<'a> {
    csv: bool,
    size: u64,
    age: u64,
    directory: &'a Path,
    term: u64,
    /// The interval that goes on, when it began, and the rows that were written.
    interval: u64,
    now: Duration,
    rows: u64,
    sinks: Vec<Files>,
    open: Vec<Snapshot>,
    committed: Snapshot,
    /// Each with the last interval that it may have heard to be committed.
    hanging: Vec<(u64, Files)>,
    blocked: Vec<std::path::PathBuf>,
}
impl Job<'_> {
    fn names(&self, hidden: bool) -> BTreeSet<String> {
        let names = fs::read_dir(self.directory).unwrap().map(|entry| entry.unwrap());
        let files = names.filter(|entry| entry.file_type().unwrap().is_file());
        files
            .map(|entry| entry.file_name().into_string().unwrap())
            .filter(|name| name.starts_with('.') == hidden)
            .collect()
    }
    /// The rows that readers see, in order of their ids.
    fn published(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for name in self.names(false) {
            let path = self.directory.join(name);
            let read = if self.csv {
                read(files::csv::<Row>(path)).unwrap()
            } else {
                read(files::jsonl::<Row>(path)).unwrap()
            };
            assert!(read.failures.is_empty(), "{:?}", read.failures);
            rows.extend(read.records);
        }
        rows.sort_by_key(|row| row.id);
        rows
    }
    /// Nothing is visible that is not committed, and nothing twice.
    fn check(&self) {
        let rows = self.published();
        assert!(rows.windows(2).all(|pair| pair[0].id < pair[1].id), "something is there twice: {rows:?}");
        assert!(rows.iter().all(|row| row.id < self.committed.rows), "{} are committed: {rows:?}", self.committed.rows);
    }
    fn start(&mut self, workers: usize, restorer: usize) -> Result<()> {
        self.term += 1;
        (self.interval, self.rows, self.now) = (self.committed.interval + 1, self.committed.rows, Duration::ZERO);
        let staged = (self.term > 1).then(|| self.committed.staged.clone());
        for worker in 0..workers {
            let mut sink = Files::new(self.csv, self.directory, self.size, self.age);
            sink.open(worker, workers)?;
            if worker != restorer {
                sink.begin(Begin::new(self.term, self.interval, None))?;
                sink.write(&mut vec![row(self.rows)])?;
                sink.flush()?;
                self.rows += 1;
            }
            self.sinks.push(sink);
        }
        self.sinks[restorer].begin(Begin::new(self.term, self.interval, staged))?;
        self.check();
        assert_eq!(self.published().len() as u64, self.committed.rows, "a restore publishes what is committed");
        let old = |name: &String| !name.contains(&format!("-{}.", self.term));
        assert_eq!(self.names(true).into_iter().find(old), None, "what no snapshot has is gone");
        Ok(())
    }
    fn barrier(&mut self, workers: usize, pause: u64, last: bool) -> Result<()> {
        self.now += Duration::from_secs(pause);
        let end = Interval::new(self.interval, self.now, last);
        let staged: Vec<_> =
            self.sinks[..workers].iter_mut().map(|sink| sink.pre_commit(end)).collect::<Result<_>>()?;
        if workers == self.sinks.len() {
            self.open.push(Snapshot { interval: self.interval, rows: self.rows, staged });
        }
        self.interval += 1;
        Ok(())
    }
    fn commit(&mut self, workers: usize) -> Result<()> {
        if !self.open.is_empty() {
            self.committed = self.open.remove(0);
            let Snapshot { interval, .. } = self.committed;
            self.sinks[..workers].iter_mut().try_for_each(|sink| sink.commit(interval, self.term))?;
        }
        Ok(())
    }
    fn crash(&mut self, crash: &Crash) -> Result<()> {
        let workers = self.sinks.len();
        match &crash.at {
            At::Once => {}
            At::Barrier(count) => self.barrier(count.index(workers + 1), 1, false)?,
            At::Commit(count) => self.commit(count.index(workers + 1))?,
            At::Rename(count) => {
                let (hidden, published) = (self.names(true), self.names(false));
                self.commit(workers)?;
                let new: Vec<_> = self.names(false).difference(&published).cloned().collect();
                for name in new.iter().skip(count.index(new.len() + 1)) {
                    let stem = name.split_once('.').unwrap().0;
                    let was = hidden.iter().find(|was| was.starts_with(&format!(".{stem}-{}.", self.term))).unwrap();
                    fs::rename(self.directory.join(name), self.directory.join(was)).unwrap();
                }
            }
        }
        Ok(())
    }
    /// The attempt has failed: another begins.
    fn restart(&mut self, after: After, workers: usize, restorer: usize) {
        self.open.clear();
        self.check();
        let sinks = std::mem::take(&mut self.sinks);
        match after {
            After::Dropped => drop(sinks),
            After::Forgotten => std::mem::forget(sinks),
            After::Hanging => self.hanging.extend(sinks.into_iter().map(|sink| (self.committed.interval, sink))),
        }
        if let Err(error) = self.start(workers, restorer) {
            assert!(self.unblock(), "{error:?}");
            self.sinks.clear();
            self.start(workers, restorer).unwrap();
        }
    }
    fn unblock(&mut self) -> bool {
        let any = !self.blocked.is_empty();
        self.blocked.drain(..).for_each(|path| fs::remove_dir(path).unwrap());
        any
    }
    fn step(&mut self, step: &Step) -> Result<()> {
        let workers = self.sinks.len();
        match step {
            Step::Write(worker, rows) => {
                let mut batch = (self.rows..).map(row).take(*rows).collect();
                self.rows += *rows as u64;
                self.sinks[worker.index(workers)].write(&mut batch)?;
                assert!(batch.is_empty());
            }
            Step::Flush(worker) => self.sinks[worker.index(workers)].flush()?,
            Step::Barrier(pause) => self.barrier(workers, *pause, false)?,
            Step::Settle(true) => self.commit(workers)?,
            Step::Settle(false) if !self.open.is_empty() => {
                let Snapshot { interval, .. } = self.open.remove(0);
                self.sinks.iter_mut().for_each(|sink| sink.abort(interval));
            }
            Step::Settle(false) => {}
            Step::Crash(crash) => {
                if self.crash(crash).is_err() {
                    assert!(self.unblock());
                }
                self.restart(crash.after, crash.workers, crash.restorer.index(crash.workers));
            }
            Step::Haunt(worker, rows) if !self.hanging.is_empty() => {
                let at = worker.index(self.hanging.len());
                let (heard, sink) = &mut self.hanging[at];
                // Whatever becomes of it: the job does not listen to it any more.
                let _ = sink.write(&mut (0..).map(row).take(*rows).collect());
                let _ = sink.flush();
                let _ = sink.pre_commit(Interval::new(*heard + 1, Duration::from_secs(99), false));
                let _ = sink.commit(*heard, self.term);
            }
            Step::Haunt(..) => {}
            Step::Block(which) => {
                let hidden: Vec<_> = self.names(true).into_iter().collect();
                if self.blocked.is_empty() && !hidden.is_empty() {
                    let (stem, _) = which.get(&hidden)[1..].rsplit_once('-').unwrap();
                    let path = self.directory.join(format!("{stem}.{}", if self.csv { "csv" } else { "jsonl" }));
                    if !path.exists() {
                        fs::create_dir(&path).unwrap();
                        self.blocked.push(path);
                    }
                }
            }
        }
        Ok(())
    }
    /// The input ends. The last snapshot may be aborted, and is taken again.
    fn end(&mut self, aborted: bool) {
        self.unblock();
        for sink in &mut self.sinks {
            sink.flush().unwrap();
            sink.close().unwrap();
        }
        self.check();
        let workers = self.sinks.len();
        if aborted {
            self.barrier(workers, 0, true).unwrap();
            let Some(Snapshot { interval, .. }) = self.open.pop() else { panic!("there is one") };
            self.sinks.iter_mut().for_each(|sink| sink.abort(interval));
        }
        self.barrier(workers, 0, true).unwrap();
        self.check();
        while !self.open.is_empty() {
            self.commit(workers).unwrap();
        }
        assert_eq!(self.published(), (0..self.rows).map(row).collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_row_is_published_once_whatever_happens(
        csv: bool,
        size in 1..80_u64,
        age in 0..12_u64,
        workers in 1..4_usize,
        steps in prop::collection::vec(step(), 0..60),
        aborted: bool,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut job = Job {
            csv, size, age, directory: directory.path(), term: 0, interval: 0, now: Duration::ZERO, rows: 0,
            sinks: Vec::new(), open: Vec::new(), committed: Snapshot::default(), hanging: Vec::new(), blocked: Vec::new(),
        };
        job.start(workers, 0).unwrap();
        for step in &steps {
            if let Err(error) = job.step(step) {
                // Only what lies in the way makes a sink fail.
                assert!(job.unblock(), "{error:?} at {step:?}");
                job.restart(After::Dropped, workers, 0);
            }
            job.check();
        }
        job.end(aborted);
    }
}
