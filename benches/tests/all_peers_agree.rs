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

#[test]
fn json_has_every_run() {
    let output = bench(&["w1", "--rounds", "2", "--records", "1000", "--peers", "hand,timely", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let timely = &json["cases"][1]["peers"][1];
    assert_eq!(timely["peer"], "timely");
    assert_eq!(timely["runs"].as_array().map(Vec::len), Some(2));
    assert_eq!(json["cases"][0]["peers"][0]["runs"][0]["measured"]["count"], timely["runs"][1]["measured"]["count"]);
}
