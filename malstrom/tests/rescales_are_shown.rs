//! A job whose workers change says so over HTTP: what moves, how far that is, and what it came to.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::for_each;
use malstrom::prelude::*;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use support::http::{get, request};
use support::prometheus::{Scrape, parse};
use support::staying::{Staying, kept, staying};
use support::{until, within};

const MINUTE: Duration = Duration::from_secs(60);
const KEYS: u64 = 10_000;

#[keyed_state(key = u64)]
#[derive(Default)]
struct Last(u64);
#[operator]
fn keep(last: &mut Last, x: u64) -> u64 {
    last.0 = x + 1;
    x
}
pipeline! {
    fn kept_numbers(numbers: Staying<u64>, held: Arc<AtomicBool>, come: Arc<AtomicU64>) {
        source(numbers) -> key_by(|x| *x) -> keep -> sink(for_each(move |_: u64| {
            if come.fetch_add(1, Ordering::SeqCst) == KEYS - 1 {
                while held.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        }));
    }
}

fn status(at: SocketAddr) -> Value {
    let answer = get(at, "/v1/status");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}
fn scrape(at: SocketAddr) -> Scrape {
    let answer = get(at, "/metrics");
    parse(&answer.body).unwrap_or_else(|why| panic!("{why}\n{}", answer.body))
}

#[test]
fn what_moves_is_shown_while_it_does_and_afterwards() {
    within(MINUTE, || {
        let place = tempfile::tempdir().unwrap();
        let (held, come) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
        let runtime = kept(place.path()).workers(1).http("127.0.0.1:0").build().unwrap();
        let (theirs, count) = (held.clone(), come.clone());
        let job = runtime.start(move || kept_numbers(staying(0..KEYS), theirs.clone(), count.clone())).unwrap();
        let at = job.http().unwrap();
        until("all has come, and the last record is held", || come.load(Ordering::SeqCst) == KEYS);
        let before = status(at);
        assert_eq!((&before["rescale"], &before["last_rescale"]), (&Value::Null, &Value::Null));
        assert_eq!(scrape(at).get("malstrom_rescales_total", &[]), Some(0.0));
        assert_eq!(scrape(at).get("malstrom_rescale_pause_seconds", &[]), None, "there was none");

        // The only worker that has anything does not come to the barrier of the snapshot that is taken first.
        assert_eq!(request(at, "PUT", "/v1/target", &[], r#"{"workers": 4}"#).status, 202);
        until("it waits for that", || status(at)["rescale"]["stage"] == json!("preparing"));
        let moving = status(at)["rescale"].clone();
        assert_eq!((&moving["workers_before"], &moving["workers"]), (&json!(1), &json!(4)));
        assert_eq!((&moving["groups"], &moving["groups_moved"]), (&json!(3072), &json!(0)));
        assert_eq!(moving["bytes_moved"], json!(0));
        let waited = moving["duration_seconds"].as_f64().unwrap();
        until("time passes", || status(at)["rescale"]["duration_seconds"].as_f64().unwrap() > waited);

        held.store(false, Ordering::SeqCst);
        until("it is done", || status(at)["rescale"].is_null());
        let (after, metrics) = (status(at), scrape(at));
        let last = &after["last_rescale"];
        assert_eq!((&last["workers"], &last["groups"]), (&json!(4), &json!(3072)));
        assert_eq!(after["workers"], json!(4));
        let seconds = |name: &str| last[name].as_f64().unwrap();
        let (took, pause) = (seconds("duration_seconds"), seconds("pause_seconds"));
        assert!(took > waited && pause > 0.0 && pause < took, "{last}");
        assert!(seconds("age_seconds") < 60.0);
        // Three quarters of the keys, of which each has two numbers of up to eight bytes, and not much else.
        let bytes = last["bytes"].as_u64().unwrap();
        let entries = KEYS * 3 / 4;
        assert!((entries * 10..entries * 40).contains(&bytes), "{bytes} bytes for about {entries} entries");
        let figure = |name| metrics.get(name, &[]);
        assert_eq!(figure("malstrom_rescales_total"), Some(1.0));
        assert_eq!(figure("malstrom_rescales_failed_total"), Some(0.0));
        assert_eq!(figure("malstrom_rescale_groups_total"), Some(3072.0));
        assert_eq!(figure("malstrom_rescale_bytes_total"), Some(bytes as f64));
        assert_eq!(figure("malstrom_rescale_duration_seconds"), Some(took));
        assert_eq!(figure("malstrom_rescale_pause_seconds"), Some(pause));

        // The same state comes back, and is counted once more.
        let back = job.rescale(1).unwrap();
        assert_eq!((back.workers, back.groups), (1, 3072));
        assert!(back.bytes.abs_diff(bytes) < bytes / 20, "{back} and {bytes} bytes before");
        assert!(back.pause > Duration::ZERO && back.pause < back.took, "{back}");
        assert_eq!(status(at)["last_rescale"]["bytes"], json!(back.bytes));
        let metrics = scrape(at);
        assert_eq!(metrics.get("malstrom_rescales_total", &[]), Some(2.0));
        assert_eq!(metrics.get("malstrom_rescale_groups_total", &[]), Some(6144.0));
        assert_eq!(metrics.get("malstrom_rescale_bytes_total", &[]), Some((bytes + back.bytes) as f64));
        // Nothing is to be done, and nothing is counted.
        assert_eq!(job.rescale(1).unwrap().groups, 0);
        assert_eq!(scrape(at).get("malstrom_rescales_total", &[]), Some(2.0));
        job.stop().unwrap();
        job.join().unwrap();
    });
}
#[test]
fn a_job_that_cannot_change_has_no_figures_of_changes() {
    within(MINUTE, || {
        let runtime = malstrom::Runtime::builder().workers(1).http("127.0.0.1:0").build().unwrap();
        let job = runtime.start(|| kept_numbers(staying(0..10), Arc::default(), Arc::default())).unwrap();
        let at = job.http().unwrap();
        assert_eq!(status(at)["rescale"], Value::Null);
        assert!(!scrape(at).kinds.contains_key("malstrom_rescales_total"));
        job.stop().unwrap();
        job.join().unwrap();
    });
}
