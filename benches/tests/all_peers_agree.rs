//! Every peer that is compiled in does the same work, and the program says so.
use std::process::{Command, Output};

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_malstrom-benches")).args(arguments).output().expect("it starts")
}

#[test]
fn counts_and_checksums_agree() {
    let output = bench(&["w1", "w2", "--rounds", "1", "--records", "50021", "--keys", "1,1000"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(table.contains("w2 2 workers 1k keys | renoir"), "{table}");
}

/// Four windows, of which three close before the end.
#[test]
fn windows_agree() {
    let output = bench(&["w3", "--rounds", "1", "--records", "3000001"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(table.contains("w3 2 workers 10k keys | malstrom"), "{table}");
}

/// 12 s of events: what is in windows of 10 s is in two of them.
#[test]
fn queries_agree() {
    let output = bench(&["q1", "q2", "q3", "q5", "q7", "q8", "--rounds", "1", "--records", "1200001", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let answers = |case: &serde_json::Value| case["peers"][0]["runs"][0]["measured"]["count"].as_u64();
    let cases = json["cases"].as_array().expect("a list");
    let counts: Vec<_> = cases.iter().step_by(2).map(answers).collect();
    // 46 of 50 events are bids
    assert_eq!(counts[0], Some(1_104_000));
    // windows of 10 s, every 2 s, of events until 12 s
    assert_eq!(counts[3..5], [Some(11), Some(2)]);
    let peers = |case: &serde_json::Value| case["peers"].as_array().map(Vec::len);
    assert_eq!(cases.iter().map(peers).collect::<Vec<_>>(), [5, 5, 5, 5, 5, 5, 4, 4, 4, 4, 4, 4].map(Some));
}

#[test]
fn json_has_every_run() {
    let output = bench(&["w1", "--rounds", "2", "--records", "1000", "--peers", "hand,timely", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let timely = &json["cases"][1]["peers"][1];
    assert_eq!(timely["peer"], "timely");
    assert_eq!(timely["runs"].as_array().map(Vec::len), Some(2));
    assert_eq!(json["cases"][0]["peers"][0]["runs"][0]["measured"]["count"], timely["runs"][1]["measured"]["count"]);
}
