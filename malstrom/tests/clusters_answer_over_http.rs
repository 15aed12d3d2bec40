//! A job of several processes says what it does at its coordinator, and each process what its workers do; they agree with the report.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::memory;
use malstrom::prelude::*;
use malstrom::snapshot::{Archive, Location};
use malstrom::{Error, Read, Report, Runtime};
use malstrom_core::runtime::{Environment, Role};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::Duration;
use support::http::{get, post, request};
use support::prometheus::{Scrape, parse};
use support::sources::ByCalls;
use support::staying::url;
use support::{program, until, within};

const MINUTE: Duration = Duration::from_secs(60);
/// How many numbers each of the four splits has.
const EACH: u64 = 500;

#[operator]
fn odd(x: u64, metrics: Metrics<'_>) -> Result<u64, String> {
    metrics.counter("numbers seen").add(1);
    if x % 2 == 1 { Ok(x) } else { Err("even".into()) }
}
pipeline! {
    fn odds() {
        source(ByCalls { splits: 4, read: |split: u64, calls: u64, out: &mut dyn FnMut(u64)| {
            if calls < EACH { out(split * EACH + calls) }
            Ok(if calls < EACH { Read::More } else { Read::After(Duration::from_millis(1)) })
        } }) -> odd else drop -> key_by(|x| x % 64) -> sum(|x| *x) -> sink(memory::collector());
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
fn at(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}
struct Place {
    role: Role,
    number: Option<u32>,
    coordinator: SocketAddr,
}
impl Environment for Place {
    fn role(&self) -> Role {
        self.role
    }
    fn process(&self) -> Option<u32> {
        self.number
    }
    fn processes(&self) -> usize {
        2
    }
    fn listen(&self) -> String {
        if self.role == Role::Coordinator { self.coordinator.to_string() } else { "127.0.0.1:0".into() }
    }
    fn coordinator(&self) -> Vec<String> {
        vec![self.coordinator.to_string()]
    }
}
type Outcome = Result<Option<Report>, Error>;
/// A process, as a thread of this one, and where it answers.
struct Process {
    http: SocketAddr,
    thread: JoinHandle<Outcome>,
}
fn process(number: Option<u32>, coordinator: SocketAddr, snapshots: &Path) -> Process {
    let role = if number.is_some() { Role::Worker } else { Role::Coordinator };
    let http = at(free_port());
    let runtime = Runtime::builder().workers(2).http(http.to_string()).snapshots(url(snapshots), 3600 * MINUTE);
    let runtime = runtime.build().unwrap();
    let thread = std::thread::spawn(move || runtime.run_in(Place { role, number, coordinator }, odds));
    until("it answers", || std::net::TcpStream::connect(http).is_ok() || thread.is_finished());
    Process { http, thread }
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
fn figure(status: &Value, operator: &str, name: &str) -> u64 {
    let operators = status["operators"].as_array().unwrap();
    operators.iter().find(|op| op["id"] == operator).map_or(0, |op| op[name].as_u64().unwrap())
}
fn there(snapshots: &Path, savepoint: &str) -> bool {
    let archive = Archive::open(&url(snapshots).parse::<Location>().unwrap()).unwrap();
    archive.find(savepoint).is_ok_and(|saved| saved.is_some())
}

#[test]
fn all_say_what_they_do_and_the_coordinator_does_what_it_is_told() {
    within(MINUTE, || {
        let place = tempfile::tempdir().unwrap();
        let coordinator = at(free_port());
        let lead = process(None, coordinator, place.path());
        until("the log is claimed", || status(lead.http)["term"] == json!(1));
        let waiting = status(lead.http);
        assert_eq!((&waiting["phase"], &waiting["attempt"]), (&json!("starting"), &json!(0)));
        assert!(
            waiting["waits_for"].as_str().unwrap().contains("2 processes with workers, of which 0 are there"),
            "{waiting}"
        );
        assert_eq!((get(lead.http, "/healthz").status, get(lead.http, "/readyz").status), (200, 503));
        assert_eq!(scrape(lead.http).get("malstrom_processes_missing", &[]), Some(2.0));
        let early = post(lead.http, "/v1/rebalance", "");
        assert!(early.status == 503 && early.error().contains("ask again when it is"), "{early:?}");
        // The stages are known before anybody works.
        assert_eq!(get(lead.http, "/v1/plan").json()["nodes"][0]["id"], json!("odds/source"));

        let crews = [0, 1].map(|number| process(Some(number), coordinator, place.path()));
        until("all is counted", || figure(&status(lead.http), "odds/sink", "records_in") == 2 * EACH);
        assert_eq!(get(lead.http, "/readyz").status, 200);
        let all = status(lead.http);
        assert_eq!((&all["job"], &all["phase"], &all["workers"]), (&json!("odds"), &json!("running"), &json!(4)));
        assert_eq!((&all["term"], &all["attempt"], &all["restarts"]), (&json!(1), &json!(1), &json!(0)));
        let processes = all["processes"].as_array().unwrap();
        for (number, process) in processes.iter().enumerate() {
            assert_eq!((&process["process"], &process["workers"]), (&json!(number), &json!(2)));
            assert_eq!((&process["connected"], &process["heard_seconds_ago"]), (&json!(true), &json!(0.0)));
            process["address"].as_str().unwrap().parse::<SocketAddr>().unwrap();
        }
        let metrics = scrape(lead.http);
        let gauges = ["malstrom_processes", "malstrom_processes_missing", "malstrom_workers"];
        assert_eq!(gauges.map(|name| metrics.get(name, &[])), [Some(2.0), Some(0.0), Some(4.0)]);

        for (at, crew) in crews.iter().enumerate() {
            let mine = status(crew.http);
            assert_eq!((&mine["phase"], &mine["connected"]), (&json!("running"), &json!(true)));
            assert_eq!((&mine["process"], &mine["coordinator"]), (&json!(at), &json!(coordinator.to_string())));
            assert_eq!(mine["workers"].as_array().unwrap().len(), 2);
            assert!(mine["workers"][0]["busy"].as_f64().is_some_and(|busy| (0.0..=1.0).contains(&busy)), "{mine}");
            // Each reads two of the four splits.
            assert_eq!(figure(&mine, "odds/source", "records_out"), 2 * EACH);
            assert_eq!((get(crew.http, "/healthz").status, get(crew.http, "/readyz").status), (200, 200));
            let metrics = scrape(crew.http);
            assert_eq!(metrics.get("malstrom_coordinator_connected", &[]), Some(1.0));
            assert_eq!(metrics.get("malstrom_workers", &[]), Some(2.0));
            assert!(metrics.get("malstrom_worker_busy_ratio", &[("worker", "1")]).is_some());
            for queue in ["malstrom_queue_batches", "malstrom_queue_bytes"] {
                assert!(metrics.get(queue, &[("operator", "odds/key_by")]).is_some(), "{queue}");
            }
            // What is for the whole job to do.
            let asked = [
                ("POST", "/v1/savepoint", r#"{"name": "here"}"#),
                ("POST", "/v1/stop", ""),
                ("PUT", "/v1/target", r#"{"workers": 2}"#),
                ("POST", "/v1/rebalance", ""),
            ];
            for (method, path, body) in asked {
                let answer = request(crew.http, method, path, &[], body);
                assert_eq!(answer.status, 409, "{answer:?}");
                assert!(answer.error().contains("coordinator of the job can do this: ask it"), "{answer:?}");
                assert!(answer.error().contains(&coordinator.to_string()), "{answer:?}");
            }
        }
        assert!(!there(place.path(), "here"));

        let target = |workers: &str| request(lead.http, "PUT", "/v1/target", &[], workers);
        assert_eq!(target(r#"{"workers": 4}"#).status, 202, "it has them");
        let odd = target(r#"{"workers": 3}"#);
        assert!(odd.status == 400 && odd.error().contains("ask for a multiple of 2"), "{odd:?}");
        let saved = post(lead.http, "/v1/savepoint", r#"{"name": "at-work"}"#);
        assert_eq!((saved.status, &saved.json()["savepoint"]), (200, &json!("at-work")), "{saved:?}");
        assert!(there(place.path(), "at-work"));
        let again = post(lead.http, "/v1/savepoint", r#"{"name": "at-work"}"#);
        assert!(again.status == 409 && again.error().contains("already"), "{again:?}");
        let after = status(lead.http);
        assert_eq!((&after["snapshots"], &after["last_snapshot"]["number"]), (&json!(1), &json!(1)));
        assert!(after["last_snapshot"]["bytes"].as_u64().unwrap() > 0, "{after}");

        let of_all = scrape(lead.http);
        assert_eq!(of_all.get("malstrom_snapshots_total", &[]), Some(1.0));
        let of_crews = [scrape(crews[0].http), scrape(crews[1].http)];
        let shared_out = post(lead.http, "/v1/rebalance", "");
        assert_eq!((shared_out.status, &shared_out.json()["workers"]), (200, &json!(4)), "{shared_out:?}");
        assert_eq!(shared_out.json()["groups"], json!(0), "all keys have as many records: {shared_out:?}");
        assert_eq!(post(lead.http, "/v1/stop", "").status, 202);
        let report = lead.thread.join().unwrap().unwrap().unwrap();
        for crew in crews {
            assert!(crew.thread.join().unwrap().unwrap().is_none());
        }
        assert!(report.stopped());
        for op in report.operators() {
            let labels = [("operator", &*op.id)];
            let counts = [
                ("malstrom_records_in_total", op.records_in),
                ("malstrom_records_out_total", op.records_out),
                ("malstrom_records_dropped_total", op.dropped),
                ("malstrom_records_failed_total", op.failed),
            ];
            for (name, count) in counts {
                assert_eq!(of_all.get(name, &labels), Some(count as f64), "{name} of {}", op.id);
                let sum: f64 = of_crews.iter().map(|scrape| scrape.get(name, &labels).unwrap()).sum();
                assert_eq!(sum, count as f64, "{name} of {}", op.id);
            }
        }
        let seen = of_all.get("malstrom_user_numbers_seen_total", &[("operator", "odds/odd")]);
        assert_eq!(seen, Some(4.0 * EACH as f64));
    });
}

#[test]
fn a_process_that_is_gone_is_missed_and_what_is_counted_never_goes_down() {
    within(MINUTE, || {
        let place = tempfile::tempdir().unwrap();
        let ports = [free_port(), free_port()];
        let (port, http) = (ports[0].to_string(), format!("127.0.0.1:{}", ports[1]));
        let snapshots = url(place.path());
        let start = |part: &[&str]| {
            let common = ["--workers", "1", "--snapshots", &snapshots, "--every", "200ms"];
            program::command("", &[&common, part].concat()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        let listen = format!("127.0.0.1:{port}");
        let mut lead = start(&["--role", "coordinator", "--processes", "2", "--listen", &listen, "--http", &http]);
        let worker = |number: &str| start(&["--role", "worker", "--process", number, "--join", &listen]);
        let mut workers = [worker("0"), worker("1")];
        let http: SocketAddr = http.parse().unwrap();
        until("it answers", || std::net::TcpStream::connect(http).is_ok());
        until("all is counted", || figure(&status(http), "odds/sink", "records_in") == 2 * EACH);
        until("there is a snapshot", || status(http)["last_snapshot"] != Value::Null);
        let before = scrape(http);

        workers[1].kill().unwrap();
        workers[1].wait().unwrap();
        until("it is missed", || scrape(http).get("malstrom_processes_missing", &[]) == Some(1.0));
        let gone = status(http);
        let process = &gone["processes"][1];
        assert_eq!(process["connected"], json!(false), "{gone}");
        until("time passes", || status(http)["processes"][1]["heard_seconds_ago"].as_f64().unwrap() > 0.0);
        until("it is not ready", || get(http, "/readyz").status == 503);
        assert_eq!(get(http, "/healthz").status, 200);
        let waiting = status(http);
        assert_eq!(waiting["phase"], json!("restoring"));
        workers[1] = worker("1");
        until("it goes on", || get(http, "/readyz").status == 200 && status(http)["restarts"] == json!(1));
        assert!(status(http)["restored_from"].as_u64().is_some());
        let after = scrape(http);
        for (series, value) in before.counters() {
            let now = after.samples.get(series).copied();
            assert!(now.is_some_and(|now| now >= value), "{series:?} was {value} and is {now:?}");
        }
        assert_eq!(after.get("malstrom_restarts_total", &[]), Some(1.0));
        assert_eq!(after.get("malstrom_processes_missing", &[]), Some(0.0));
        assert_eq!(post(http, "/v1/stop", "").status, 202);
        for one in [&mut lead].into_iter().chain(&mut workers) {
            assert_eq!(one.wait().unwrap().code(), Some(0));
        }
    });
}

#[test]
fn one_command_starts_processes_that_all_answer() {
    within(MINUTE, || {
        let place = tempfile::tempdir().unwrap();
        let (snapshots, http) = (url(place.path()), format!("127.0.0.1:{}", free_port()));
        let flags = ["--processes", "2", "--workers", "1", "--snapshots", &snapshots, "--every", "1h", "--http", &http];
        let mut command = program::command("", &flags);
        let mut all = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (said, lines) = channel();
        let stderr = BufReader::new(all.stderr.take().unwrap());
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| said.send(line)));
        let mut listening = Vec::new();
        let mut log = Vec::new();
        while listening.len() < 3 {
            let line = lines.recv_timeout(MINUTE).unwrap();
            if let Some((who, at)) = line.split_once(" http: listening on http://") {
                listening.push((who.to_owned(), at.parse::<SocketAddr>().unwrap()));
            }
            log.push(line);
        }
        listening.sort();
        let names: Vec<&str> = listening.iter().map(|(who, _)| who.as_str()).collect();
        assert_eq!(names, ["[coordinator]", "[worker 0]", "[worker 1]"], "{log:?}");
        let coordinator = listening[0].1;
        assert_eq!(coordinator.to_string(), http);
        until("all is counted", || figure(&status(coordinator), "odds/sink", "records_in") == 2 * EACH);
        assert_eq!(status(coordinator)["processes"].as_array().unwrap().len(), 2);
        for (number, (_, worker)) in listening[1..].iter().enumerate() {
            assert_eq!(status(*worker)["process"], json!(number));
        }
        assert_eq!(post(coordinator, "/v1/savepoint", r#"{"name": "at-work"}"#).status, 200);
        assert!(there(place.path(), "at-work"));
        assert_eq!(post(coordinator, "/v1/stop", "").status, 202);
        assert_eq!(all.wait().unwrap().code(), Some(0), "{log:?}");
        for (who, at) in listening {
            assert!(std::net::TcpStream::connect(at).is_err(), "{who} is still there");
        }
    });
}

#[test]
#[ignore = "stands for a program"]
fn program() {
    program::main(odds);
}
