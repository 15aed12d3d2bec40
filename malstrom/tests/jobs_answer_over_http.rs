//! A job with `http` says what it does, and does what it is told: what it answers agrees with its report and its snapshots.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::for_each;
use malstrom::connect::memory::{self, Collector};
use malstrom::prelude::*;
use malstrom::snapshot::{Archive, Location};
use malstrom::{Handle, Read, Runtime};
use serde_json::{Value, json};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};
use support::http::{connect, get, post, raw, request};
use support::prometheus::{Scrape, parse};
use support::sources::ByCalls;
use support::staying::{Staying, kept, staying, url};
use support::{until, within};

const MINUTE: Duration = Duration::from_secs(60);

#[operator]
fn odd(x: u64, metrics: Metrics<'_>) -> Result<u64, String> {
    metrics.counter("numbers seen").add(1);
    metrics.histogram("size").record(x as f64);
    if x % 2 == 1 { Ok(x) } else { Err("even".into()) }
}

pipeline! {
    fn odds(numbers: Staying<u64>, out: Collector<(u64, u64)>) {
        source(numbers) -> odd else drop -> key_by(|x| x % 3) -> sum(|x| *x) -> sink(out);
    }
    fn doomed(dies: Arc<AtomicBool>, out: Collector<(u64, u64)>) {
        source(ByCalls { splits: 1, read: move |_: u64, calls: u64, out: &mut dyn FnMut(u64)| {
            if dies.swap(false, Ordering::SeqCst) {
                return Err(malstrom::Error::custom("as planned"));
            }
            if calls < 1_000 { out(calls) }
            Ok(if calls < 1_000 { Read::More } else { Read::After(Duration::from_millis(1)) })
        } }) -> odd else drop -> key_by(|x| x % 3) -> sum(|x| *x) -> sink(out);
    }
    fn slow(taken: Arc<AtomicU64>) {
        source(memory::splits(2, |_| 0u64..)) -> key_by(|_| 0u64) -> sink(for_each(move |_: u64| {
            taken.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_micros(200));
        }));
    }
    fn timed(times: Staying<Timestamp>, out: Collector<(u64, u64)>) {
        source(times) -> timestamps(|at| *at) -> key_by(|_| 0u64) -> window(tumbling(1.hours())) else drop -> count()
            -> map(|count| (count.key, count.value)) -> sink(out);
    }
    fn counted(times: Staying<u64>, out: Collector<(u64, u64)>) {
        source(times) -> timestamps(|at| *at) -> key_by(|_| 0u64) -> window(tumbling(10)) else drop -> count()
            -> map(|count| (count.key, count.value)) -> sink(out);
    }
}

fn scrape(at: SocketAddr) -> Scrape {
    let answer = get(at, "/metrics");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{answer:?}");
    parse(&answer.body).unwrap_or_else(|why| panic!("{why}\n{}", answer.body))
}
fn status(at: SocketAddr) -> Value {
    let answer = get(at, "/v1/status");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}
fn start_odds(upto: u64) -> (Handle, SocketAddr) {
    let runtime = Runtime::builder().workers(2).http("127.0.0.1:0").build().unwrap();
    let handle = runtime.start(move || odds(staying(0..upto), memory::collector())).unwrap();
    let at = handle.http().unwrap();
    (handle, at)
}
/// The figure of an operator in a status.
fn figure(status: &Value, operator: &str, name: &str) -> u64 {
    let operators = status["operators"].as_array().unwrap();
    operators.iter().find(|op| op["id"] == operator).map_or(0, |op| op[name].as_u64().unwrap())
}
const COUNTS: [(&str, &str); 5] = [
    ("records_in", "malstrom_records_in_total"),
    ("records_out", "malstrom_records_out_total"),
    ("failed", "malstrom_records_failed_total"),
    ("late", "malstrom_records_late_total"),
    ("dropped", "malstrom_records_dropped_total"),
];

#[test]
fn status_and_metrics_agree_with_the_report() {
    within(MINUTE, || {
        let (handle, at) = start_odds(1_000);
        until("all has arrived", || figure(&status(at), "odds/sink", "records_in") == 500);
        let (status, metrics) = (status(at), scrape(at));
        assert_eq!(
            (&status["job"], &status["phase"], &status["workers"]),
            (&json!("odds"), &json!("running"), &json!(2))
        );
        assert_eq!(status["processes"][0]["workers"], json!(2));
        assert_eq!(status["last_snapshot"], Value::Null);
        assert_eq!((get(at, "/healthz").status, get(at, "/readyz").status), (200, 200));
        handle.stop().unwrap();
        let report = handle.join().unwrap();
        for op in report.operators() {
            let figures = [op.records_in, op.records_out, op.failed, op.late, op.dropped];
            for ((name, metric), figure) in COUNTS.into_iter().zip(figures) {
                assert_eq!(self::figure(&status, &op.id, name), figure, "{name} of {}", op.id);
                assert_eq!(metrics.get(metric, &[("operator", &op.id)]), Some(figure as f64), "{metric} of {}", op.id);
            }
        }
        assert_eq!(report.operator("odds/odd").map(|op| op.failed), Some(500));
        let odd = [("operator", "odds/odd")];
        assert_eq!(metrics.get("malstrom_user_numbers_seen_total", &odd), Some(1_000.0));
        assert_eq!(metrics.get("malstrom_user_size_sum", &odd), Some((0..1_000).sum::<u64>() as f64));
        assert_eq!(metrics.get("malstrom_user_size_max", &odd), Some(999.0));
        assert_eq!(metrics.get("malstrom_workers", &[]), Some(2.0));
        let version = [("job", "odds"), ("version", env!("CARGO_PKG_VERSION"))];
        assert_eq!(metrics.get("malstrom_build_info", &version), Some(1.0));
        // One that has nothing to do is not at work.
        assert!(metrics.get("malstrom_worker_busy_ratio", &[("worker", "1")]).unwrap() < 0.9);
        assert_eq!(metrics.get("malstrom_worker_backpressured_ratio", &[("worker", "1")]), Some(0.0));
        assert!(!metrics.kinds.contains_key("malstrom_snapshots_total"));
        assert!(std::net::TcpStream::connect(at).is_err(), "nobody listens when the job is over");
    });
}
#[test]
fn the_plan_is_that_of_the_pipeline() {
    within(MINUTE, || {
        let (handle, at) = start_odds(0);
        until("it is built", || get(at, "/v1/plan").status == 200);
        let plan = get(at, "/v1/plan").json();
        let ids: Vec<&str> =
            plan["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["odds/source", "odds/odd", "odds/key_by", "odds/sum", "odds/sink"]);
        let kinds: Vec<&str> =
            plan["nodes"].as_array().unwrap().iter().map(|node| node["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["source", "stage", "exchange", "stateful", "sink"]);
        assert_eq!(plan["edges"][0], json!({ "from": 0, "to": 1, "record": "u64" }));
        let mermaid = odds(staying(0..0), memory::collector()).plan().to_string();
        assert_eq!(get(at, "/v1/plan?format=mermaid").body, mermaid);
        assert_eq!(request(at, "GET", "/v1/plan", &["Accept: text/plain"], "").body, mermaid);
        assert!(get(at, "/v1/plan?format=svg").error().contains("?format=mermaid"));
        handle.stop().unwrap();
    });
}
#[test]
fn savepoints_are_there_when_it_says_so() {
    within(MINUTE, || {
        let place = tempfile::tempdir().unwrap();
        let handle = {
            let runtime = kept(place.path()).http("127.0.0.1:0").build().unwrap();
            runtime.start(|| odds(staying(0..100), memory::collector())).unwrap()
        };
        let at = handle.http().unwrap();
        until("it runs", || get(at, "/readyz").status == 200);
        let answer = post(at, "/v1/savepoint", r#"{"name": "hundred"}"#);
        assert_eq!((answer.status, answer.json()), (200, json!({ "savepoint": "hundred" })));
        let archive = Archive::open(&url(place.path()).parse::<Location>().unwrap()).unwrap();
        let saved = archive.find("hundred").unwrap().unwrap();
        let (status, metrics) = (status(at), scrape(at));
        assert_eq!(status["last_snapshot"]["number"], json!(saved.interval));
        let bytes: u64 = archive.manifest(&saved).unwrap().segments().map(|(_, bytes)| bytes).sum();
        assert_eq!(status["last_snapshot"]["bytes"], json!(bytes));
        assert_eq!((&status["interval"], &status["attempt"]), (&json!(saved.interval + 1), &json!(1)));
        assert_eq!(status["term"], json!(saved.term));
        assert_eq!(metrics.get("malstrom_snapshots_total", &[]), Some(1.0));
        assert_eq!(metrics.get("malstrom_snapshots_failed_total", &[]), Some(0.0));
        assert_eq!(metrics.get("malstrom_snapshot_size_bytes", &[]), Some(bytes as f64));
        let (took, age) = ("malstrom_snapshot_duration_seconds", "malstrom_snapshot_age_seconds");
        assert!(metrics.get(took, &[]).unwrap() > 0.0 && metrics.get(age, &[]).unwrap() < 60.0);

        let target = |body| request(at, "PUT", "/v1/target", &[], body);
        assert_eq!(target(r#"{"workers": 65}"#).status, 400);
        assert_eq!(target(r#"{"workers": 3}"#).status, 202);
        let now = || request(at, "GET", "/v1/status", &[], "").json();
        until("it has them", || now()["workers"] == json!(3));
        assert_eq!((&now()["target"], &now()["phase"]), (&json!(3), &json!("running")));

        let taken = post(at, "/v1/savepoint", r#"{"name": "hundred"}"#);
        assert_eq!(taken.status, 409);
        assert!(taken.error().contains("choose another name"), "{taken:?}");
        for (body, says) in [
            (r#"{"name": "a/b"}"#, "cannot be the name of a savepoint"),
            (r#"{"name": "latest"}"#, "means something else"),
            (r#"{"name": 7}"#, r#"{"name": "before-the-upgrade"}"#),
            (r#"{"nane": "x"}"#, "nane"),
            ("{", "send JSON such as"),
            ("", "send JSON such as"),
            ("\u{0}\u{1}", "send JSON such as"),
        ] {
            let answer = post(at, "/v1/savepoint", body);
            assert_eq!(answer.status, 400, "{answer:?}");
            assert!(answer.error().contains(says), "{answer:?}");
        }
        handle.stop().unwrap();
        handle.join().unwrap();
    });
}
#[test]
fn without_a_place_there_are_no_savepoints() {
    within(MINUTE, || {
        let (handle, at) = start_odds(0);
        let answer = post(at, "/v1/savepoint", r#"{"name": "x"}"#);
        assert_eq!(answer.status, 409);
        assert!(answer.error().contains("--snapshots"), "{answer:?}");
        handle.stop().unwrap();
    });
}
#[test]
fn stop_drains() {
    within(MINUTE, || {
        let out = memory::collector();
        let into = out.clone();
        let runtime = Runtime::builder().workers(2).http("127.0.0.1:0").build().unwrap();
        let handle = runtime.start(move || odds(staying(0..10_000), into.clone())).unwrap();
        let at = handle.http().unwrap();
        until("something is read", || figure(&status(at), "odds/source", "records_out") > 0);
        let answer = post(at, "/v1/stop", "");
        assert_eq!((answer.status, answer.json()), (202, json!({ "stopping": true })));
        let report = handle.join().unwrap();
        assert!(report.stopped());
        let (read, odd) =
            (report.records_read(), report.operator("odds/odd").map(|op| (op.records_in, op.records_out)));
        assert_eq!(odd, Some((read, read / 2)));
        assert_eq!(out.take().len() as u64, read / 2);
    });
}
#[test]
fn counters_never_go_down_when_the_job_is_restarted() {
    within(MINUTE, || {
        let place = tempfile::tempdir().unwrap();
        let dies = Arc::new(AtomicBool::new(false));
        let seen = dies.clone();
        let runtime = kept(place.path()).restarts(3).http("127.0.0.1:0").build().unwrap();
        let handle = runtime.start(move || doomed(seen.clone(), memory::collector())).unwrap();
        let at = handle.http().unwrap();
        until("all has arrived", || figure(&status(at), "doomed/sink", "records_in") == 500);
        let before = scrape(at);
        let watched = std::thread::spawn(move || {
            let mut last = scrape(at);
            let mut changes = 0;
            let start = Instant::now();
            while start.elapsed() < Duration::from_secs(3) {
                let next = scrape(at);
                for (series, value) in last.counters() {
                    let now = next.samples.get(series).copied();
                    assert!(now.is_some_and(|now| now >= value), "{series:?}: {value} and then {now:?}");
                }
                changes += u64::from(next.samples != last.samples);
                last = next;
            }
            assert!(changes > 0);
        });
        // Nothing is saved yet, so all is read again.
        dies.store(true, Ordering::SeqCst);
        until("all has arrived again", || {
            let status = status(at);
            status["restarts"] != json!(0) && figure(&status, "doomed/sink", "records_in") == 500
        });
        watched.join().unwrap();
        let (status, after) = (status(at), scrape(at));
        let seen = [("operator", "doomed/odd")];
        assert_eq!(figure(&status, "doomed/odd", "records_in"), 1_000, "the report is that of the last attempt");
        let count = |scrape: &Scrape, name| scrape.get(name, &seen).unwrap();
        for name in ["malstrom_records_in_total", "malstrom_user_numbers_seen_total", "malstrom_user_size_count"] {
            assert_eq!(count(&before, name), 1_000.0, "{name}");
            assert!(count(&after, name) >= 2_000.0, "{name}");
        }
        assert_eq!((&status["restarts"], &status["attempt"]), (&json!(1), &json!(2)));
        assert_eq!(after.get("malstrom_restarts_total", &[]), Some(1.0));
        handle.stop().unwrap();
        handle.join().unwrap();
    });
}
#[test]
fn who_is_held_back_is_seen() {
    within(MINUTE, || {
        let taken = Arc::new(AtomicU64::new(0));
        let into = taken.clone();
        let runtime = Runtime::builder().workers(2).http("127.0.0.1:0").build().unwrap();
        let handle = runtime.start(move || slow(into.clone())).unwrap();
        let at = handle.http().unwrap();
        let shares = |worker: &str| {
            let scrape = scrape(at);
            let share = |name| scrape.get(name, &[("worker", worker)]).unwrap_or_default();
            (share("malstrom_worker_busy_ratio"), share("malstrom_worker_backpressured_ratio"))
        };
        // All records go to one worker, whose sink is slow. The other one can do nothing but wait for it.
        until("one is at work, and the other held back", || {
            [("0", "1"), ("1", "0")].into_iter().any(|(works, waits)| {
                let (works, waits) = (shares(works), shares(waits));
                works.0 > 0.8 && waits.0 < 0.4 && waits.1 > 0.6
            })
        });
        let scraped = scrape(at);
        let queue = |name| scraped.get(name, &[("operator", "slow/key_by")]).unwrap_or_default();
        let (batches, bytes) = (queue("malstrom_queue_batches"), queue("malstrom_queue_bytes"));
        // A batch has some records, and 16 KiB of them at most. One may be about to come.
        assert!((1.0..=20.0).contains(&batches), "{batches}");
        assert!((16.0 * batches..=16384.0 * (batches + 1.0)).contains(&bytes), "{bytes} bytes in {batches} batches");
        handle.stop().unwrap();
        handle.join().unwrap();
    });
}
fn now() -> Timestamp {
    SystemTime::now().into()
}
#[test]
fn the_lag_is_how_far_the_watermark_is_behind_the_clock() {
    within(MINUTE, || {
        let runtime = Runtime::builder().workers(2).http("127.0.0.1:0").build().unwrap();
        let newest = now() - 100.seconds();
        let times = move || staying([newest - 50.seconds(), newest]);
        let handle = runtime.start(move || timed(times(), memory::collector())).unwrap();
        let at = handle.http().unwrap();
        for operator in ["timed/timestamps", "timed/count"] {
            let labels = [("operator", operator)];
            until("there is a watermark", || {
                let lag = scrape(at).get("malstrom_watermark_lag_seconds", &labels);
                lag.is_some_and(|lag| (100.0..140.0).contains(&lag))
            });
        }
        handle.stop().unwrap();
        handle.join().unwrap();
        // Other times say nothing about the clock.
        let handle = runtime.start(|| counted(staying([5, 17]), memory::collector())).unwrap();
        let at = handle.http().unwrap();
        until("all has arrived", || figure(&status(at), "counted/count", "records_out") == 1);
        assert!(!scrape(at).kinds.contains_key("malstrom_watermark_lag_seconds"));
        handle.stop().unwrap();
    });
}
#[test]
fn what_cannot_be_asked_is_refused_with_what_can() {
    within(MINUTE, || {
        let (handle, at) = start_odds(10);
        until("it runs", || get(at, "/readyz").status == 200);
        let unknown = get(at, "/v1/nothing");
        assert_eq!(unknown.status, 404);
        assert!(unknown.error().contains("/v1/status"), "{unknown:?}");
        for (method, path, takes) in [
            ("GET", "/v1/stop", "POST"),
            ("DELETE", "/v1/target", "PUT"),
            ("POST", "/metrics", "GET"),
            ("PUT", "/healthz", "GET"),
        ] {
            let answer = request(at, method, path, &[], "");
            assert_eq!(answer.status, 405, "{answer:?}");
            assert!(answer.error().contains(&format!("takes {takes} only")), "{answer:?}");
        }
        let long = format!(r#"{{"name": "{}"}}"#, "x".repeat(65 * 1024));
        let answer = post(at, "/v1/savepoint", &long);
        assert_eq!(answer.status, 413, "{answer:?}");
        let target = |body| request(at, "PUT", "/v1/target", &[], body);
        assert_eq!((target("{}").status, target(r#"{"workers": 0}"#).status), (400, 400));
        assert_eq!(target(r#"{"workers": -1}"#).status, 400);
        let answer = target(r#"{"workers": 4}"#);
        assert_eq!(answer.status, 400);
        assert!(answer.error().contains("--snapshots"), "{answer:?}");
        // A page in a browser that is open on this machine.
        let answer = request(at, "POST", "/v1/stop", &["Origin: http://evil.example"], "");
        assert_eq!(answer.status, 403, "{answer:?}");
        for garbage in ["GET\r\n\r\n", "GET /v1/status HTTP/9.9\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n"] {
            let answer = raw(at, garbage.as_bytes());
            assert!(answer.as_ref().is_none_or(|answer| answer.status == 400), "{answer:?}");
        }
        // Who says nothing, or not all of it, keeps nobody else waiting.
        let mut silent: Vec<_> = (0..20).map(|_| connect(at)).collect();
        silent.iter_mut().for_each(|stream| stream.write_all(b"POST /v1/savepoint HTTP/1.1\r\nContent-Le").unwrap());
        assert_eq!(status(at)["phase"], json!("running"), "nothing of all that has stopped the job");
        handle.stop().unwrap();
    });
}
#[test]
fn a_job_ends_while_somebody_waits_for_a_savepoint() {
    within(MINUTE, || {
        let place = tempfile::tempdir().unwrap();
        let runtime = kept(place.path()).http("127.0.0.1:0").build().unwrap();
        let handle = runtime.start(|| odds(staying(0..100), memory::collector())).unwrap();
        let at = handle.http().unwrap();
        until("it runs", || get(at, "/readyz").status == 200);
        let askers: Vec<_> = (0..8)
            .map(|n| std::thread::spawn(move || post(at, "/v1/savepoint", &format!(r#"{{"name": "at-the-end-{n}"}}"#))))
            .collect();
        assert_eq!(post(at, "/v1/stop", "").status, 202);
        handle.join().unwrap();
        let archive = Archive::open(&url(place.path()).parse::<Location>().unwrap()).unwrap();
        for (n, asker) in askers.into_iter().enumerate() {
            // It may come too late to be heard at all. What it is told is true.
            let Ok(answer) = asker.join() else { continue };
            let there = archive.find(&format!("at-the-end-{n}")).is_ok_and(|saved| saved.is_some());
            assert_eq!(answer.status == 200, there, "{answer:?}");
        }
    });
}
