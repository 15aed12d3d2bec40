//! The real process is killed, again and again: at random moments, and right before and after each thing that it writes
//! (segments, manifests, entries of the log, published parts). The output equals that of a run without failures, to the row.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::files::CsvSink;
use malstrom::prelude::*;
use malstrom::{Begin, CommitPermit, Guarantee, Interval, Restore, Runtime, Sink};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use support::doomed::{Doom, DoomedStore};
use support::scrambled;

/// How many rounds there are of kills at random moments, and at each place where something is written.
const RANDOM: u64 = 80;
const PER_PLACE: u64 = 15;

#[derive(Record, Clone, Debug, Deserialize)]
struct Row {
    account: u64,
    amount: i64,
    at: i64,
}
#[derive(Record, Clone, Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Balance {
    account: u64,
    n: u64,
    sum: i64,
}
#[keyed_state(key = u64)]
#[derive(Default)]
struct Account {
    n: u64,
    sum: i64,
}
#[operator]
fn balance(state: &mut Account, row: Row) -> Balance {
    state.n += 1;
    state.sum += row.amount;
    Balance { account: row.account, n: state.n, sum: state.sum }
}
#[derive(Record, Clone, Debug, Serialize)]
struct Minute {
    account: u64,
    start: Timestamp,
    sum: i64,
}

/// A CSV sink that may end the process before or after it publishes.
struct DoomedSink<T> {
    inner: CsvSink<T>,
    doom: Doom,
}
impl<T: Serialize + 'static> Sink for DoomedSink<T> {
    type In = T;
    const GUARANTEE: Guarantee = CsvSink::<T>::GUARANTEE;
    fn write(&mut self, batch: &mut Vec<T>) -> malstrom::Result<()> {
        self.inner.write(batch)
    }
    fn open(&mut self, worker: usize, workers: usize) -> malstrom::Result<()> {
        self.inner.open(worker, workers)
    }
    fn flush(&mut self) -> malstrom::Result<()> {
        self.inner.flush()
    }
    fn close(&mut self) -> malstrom::Result<()> {
        self.inner.close()
    }
    fn begin(&mut self, begin: Begin) -> malstrom::Result<()> {
        self.inner.begin(begin)
    }
    fn pre_commit(&mut self, interval: Interval) -> malstrom::Result<Vec<u8>> {
        self.inner.pre_commit(interval)
    }
    fn abort(&mut self, interval: u64) {
        self.inner.abort(interval);
    }
    fn commit(&mut self, permit: CommitPermit) -> malstrom::Result<()> {
        self.doom.around("publish", || self.inner.commit(permit))
    }
}

pipeline! {
    fn ledger(input: PathBuf, output: PathBuf, doom: Doom) {
        let rows = source(files::csv::<Row>(&input))?
            -> timestamps(|row| Timestamp::from_micros(row.at), lag = 1.seconds());
        rows -> inspect(|row| if row.at % 8 == 0 { std::thread::sleep(Duration::from_micros(100)) })
            -> key_by(|row| row.account) -> balance
            -> sink(DoomedSink { inner: files::csv_sink(output.join("balances")).roll_at(2_000), doom: doom.clone() })
                as balances;
        rows -> key_by(|row| row.account) -> window(tumbling(1.minutes()))? -> sum(|row| row.amount)
            -> map(|w| Minute { account: w.key, start: w.window.start(), sum: w.value })
            -> sink(files::csv_sink(output.join("minutes"))) as minutes;
    }
}

/// Each file has accounts of its own, in the order of time.
fn write_input(directory: &Path) {
    std::fs::create_dir_all(directory).unwrap();
    for file in 0..4u64 {
        let mut random = scrambled(file);
        let mut text = "account,amount,at\n".to_owned();
        for row in 0..1500u64 {
            let account = file * 100 + random() % 37;
            let amount = (random() % 2000) as i64 - 1000;
            text += &format!("{account},{amount},{}\n", row * 300_000 + random() % 300_000);
        }
        std::fs::write(directory.join(format!("{file}.csv")), text).unwrap();
    }
}
/// All published rows, sorted.
fn published(directory: &Path) -> Vec<String> {
    let mut rows = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            assert!(name.ends_with(".csv"), "{name}");
            rows.extend(std::fs::read_to_string(&path).unwrap().lines().skip(1).map(str::to_owned));
        }
    }
    rows.sort_unstable();
    rows
}
/// The answer, from plain code.
fn expected(input: &Path) -> (Vec<String>, Vec<String>) {
    let (mut balances, mut minutes) = (Vec::new(), BTreeMap::new());
    let mut accounts: BTreeMap<u64, (u64, i64)> = BTreeMap::new();
    for file in 0..4 {
        let text = std::fs::read_to_string(input.join(format!("{file}.csv"))).unwrap();
        for line in text.lines().skip(1) {
            let fields: Vec<i64> = line.split(',').map(|field| field.parse().unwrap()).collect();
            let account = accounts.entry(fields[0] as u64).or_default();
            *account = (account.0 + 1, account.1 + fields[1]);
            balances.push(format!("{},{},{}", fields[0], account.0, account.1));
            *minutes.entry((fields[0], fields[2].div_euclid(60_000_000) * 60_000_000)).or_insert(0) += fields[1];
        }
    }
    balances.sort_unstable();
    let minute =
        |((account, start), sum): ((i64, i64), i64)| format!("{account},{},{sum}", Timestamp::from_micros(start));
    let mut minutes: Vec<String> = minutes.into_iter().map(minute).collect();
    minutes.sort_unstable();
    (balances, minutes)
}

/// Not a test: the process that is killed.
#[test]
#[ignore = "it is started by the others"]
fn job() {
    let Ok(base) = std::env::var("KILL_BASE") else { return };
    let base = PathBuf::from(base);
    let workers = std::env::var("KILL_WORKERS").unwrap().parse().unwrap();
    let doom = Doom::from_variables();
    let store = DoomedStore::on_disk(&base.join("snapshots"), doom.clone());
    let (input, output) = (base.join("../input"), base.join("output"));
    let runtime = Runtime::builder()
        .workers(workers)
        .snapshots(Arc::new(store) as Arc<dyn malstrom::object_store::ObjectStore>, Duration::from_millis(15))
        .restore(Restore::Latest)
        .build()
        .unwrap();
    runtime.run(move || ledger(input.clone(), output.clone(), doom.clone())).unwrap();
}

fn start(base: &Path, workers: u64, doom: Option<(&str, u64)>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "job", "--ignored", "--nocapture"]);
    command
        .env("KILL_BASE", base)
        .env("KILL_WORKERS", workers.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    if let Some((place, nth)) = doom {
        command.env("KILL_AT", place).env("KILL_NTH", nth.to_string());
    }
    command.spawn().unwrap()
}
/// Waits for the end of the job. Whether it ended by itself.
#[track_caller]
fn ended(child: Child) -> bool {
    let output = child.wait_with_output().unwrap();
    if output.status.success() {
        return true;
    }
    let killed = matches!(output.status.signal(), Some(6 | 9));
    assert!(killed, "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    false
}
fn same(base: &Path, expected: &(Vec<String>, Vec<String>), what: &str) {
    assert!(published(&base.join("output/balances")) == expected.0, "{what}: balances differ");
    assert!(published(&base.join("output/minutes")) == expected.1, "{what}: minutes differ");
}

#[test]
fn kills_at_random_moments_leave_no_trace() {
    let directory = tempfile::tempdir().unwrap();
    write_input(&directory.path().join("input"));
    let expected = expected(&directory.path().join("input"));
    let (mut random, mut kills) = (scrambled(1), 0);
    for round in 0..RANDOM {
        let base = directory.path().join(format!("{round}"));
        std::fs::create_dir(&base).unwrap();
        for attempt in 0.. {
            let mut child = start(&base, 1 + random() % 3, None);
            if attempt < 3 {
                std::thread::sleep(Duration::from_millis(20 + random() % 300));
                child.kill().unwrap();
            }
            if ended(child) {
                break;
            }
            kills += 1;
        }
        same(&base, &expected, &format!("round {round}"));
        std::fs::remove_dir_all(&base).unwrap();
    }
    assert!(kills > RANDOM, "only {kills} kills");
}

#[test]
fn kills_around_every_write_leave_no_trace() {
    let directory = tempfile::tempdir().unwrap();
    write_input(&directory.path().join("input"));
    let expected = expected(&directory.path().join("input"));
    let mut random = scrambled(2);
    for place in ["segments", "manifests", "log", "publish"]
        .into_iter()
        .flat_map(|p| [format!("before {p}"), format!("after {p}")])
    {
        let mut kills = 0;
        for round in 0..PER_PLACE {
            let base = directory.path().join(format!("{place} {round}"));
            std::fs::create_dir(&base).unwrap();
            for attempt in 0.. {
                // The first write to a place always comes.
                let doom = (attempt < 3).then(|| (place.as_str(), 1 + random() % (1 + 2 * attempt)));
                if ended(start(&base, 1 + random() % 3, doom)) {
                    break;
                }
                kills += 1;
            }
            same(&base, &expected, &format!("{place}, round {round}"));
            std::fs::remove_dir_all(&base).unwrap();
        }
        assert!(kills >= PER_PLACE, "{place}: only {kills} kills");
    }
}
