//! Runs each program with several numbers of workers and compares what it prints. The order of lines across workers is
//! not fixed, so they are sorted.
mod command_line;
use command_line::run;

fn prints(program: &str, lines: &[&str]) {
    for workers in ["1", "2", "3"] {
        assert_eq!(run(program, &["--workers", workers]).succeeded().sorted(), lines, "with {workers} workers");
    }
}

#[test]
fn payments() {
    let program = env!("CARGO_BIN_EXE_payments");
    prints(program, &["ann paid 95, far more than usual", "payments/parse: `ten` is no amount"]);
    let ended = run(program, &[]);
    assert_eq!(ended.row("payments/parse"), ["payments/parse", "7", "6", "1", "-", "-"]);
    assert!(ended.stderr.contains("7 records in"), "{}", ended.stderr);
}

#[test]
fn fragments() {
    let lines = ["sensor 1: up to -3.5", "sensor 1: up to 4", "sensor 2: up to 21", "sensor 2: up to 30.5"];
    prints(env!("CARGO_BIN_EXE_fragments"), &lines);
}

#[test]
fn dead_letters() {
    let lines = [
        "careful/parse refused one: invalid digit found in string",
        "lenient dropped 1",
        "number 1",
        "number 1",
        "number 3",
        "number 3",
        "strict: operator `strict/parse` failed: invalid digit found in string",
    ];
    assert_eq!(run(env!("CARGO_BIN_EXE_dead_letters"), &[]).succeeded().sorted(), lines);
}

#[test]
fn split_and_union() {
    let numbers = (1..=6).map(|n| format!("number {n}"));
    let mut lines: Vec<_> = numbers.chain([1, 2, 3, 3, 9, 15].map(|n| format!("result {n}"))).collect();
    lines.sort();
    prints(env!("CARGO_BIN_EXE_split_and_union"), &lines.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn kept() {
    let mut lines: Vec<String> = ["e", "f", "t", "w"]
        .iter()
        .flat_map(|letter| (1..=4).map(move |n| format!("\"{letter}: {}0000 words\"", n)))
        .collect();
    lines.push("both runs together read 160000 words".into());
    lines.push("the second went on from a snapshot: true".into());
    lines.sort();
    assert_eq!(run(env!("CARGO_BIN_EXE_kept"), &[]).succeeded().sorted(), lines);
}

#[test]
fn side_outputs() {
    prints(env!("CARGO_BIN_EXE_side_outputs"), &["180", "229", "229", "232", "ALARM 231.5 is above 230"]);
}

#[test]
fn two_inputs() {
    prints(env!("CARGO_BIN_EXE_two_inputs"), &["chair for Bob", "desk for Ann", "lamp for Ann"]);
}

#[test]
fn keyed_state() {
    let events = ["ann: event 1", "ann: event 2", "ann: event 3"];
    let lines = [&events[..], &["ann: stayed 4", "bob: event 1", "bob: event 2", "bob: stayed 7"]].concat();
    prints(env!("CARGO_BIN_EXE_keyed_state"), &lines);
}

#[test]
fn aggregates() {
    let ended = run(env!("CARGO_BIN_EXE_aggregates"), &[]).succeeded();
    let of_a: Vec<_> = ended.stdout.lines().filter(|line| line[9..].starts_with('a')).collect();
    for (name, last) in [
        ("count", "3"),
        ("sum", "17"),
        ("min", "4"),
        ("max", "9"),
        ("average", "5.666666666666667"),
        ("reduce", "('a', 9)"),
        ("fold", "[4, 9, 4]"),
        ("top", "[('a', 9), ('a', 4)]"),
        ("distinct", "9"),
        ("combined", "17"),
    ] {
        let newest = of_a.iter().rfind(|line| line.starts_with(&format!("{name} "))).expect("each says something");
        assert_eq!(newest[9..], format!("a {last}"), "{name}");
    }
    // Each record has a result, but for those that are combined.
    assert_eq!(ended.stdout.lines().count(), 37);
    prints(env!("CARGO_BIN_EXE_aggregates"), &ended.sorted());
}

#[test]
fn sessions() {
    let program = env!("CARGO_BIN_EXE_sessions");
    let lines = [
        "ann 09:00 to 09:50: / /shoes /cart",
        "ann 09:00 to 10:10: / /shoes /cart /paid",
        "bob 09:10 to 09:40: /",
        "bob 11:20 to 11:50: /",
        "cid 10:00 to 10:30: /",
        "cid 10:30 to 11:00: /shoes",
        "cid 12:00 to 12:30: /",
        "too late, it is past 11:14: bob at 09:12 on /hats",
    ];
    prints(program, &lines);
    let ended = run(program, &[]).succeeded();
    assert_eq!(ended.row("sessions/window"), ["sessions/window", "10", "9", "-", "1", "-"]);
    // What is corrected comes behind what it corrects.
    let of_ann: Vec<_> = ended.stdout.lines().filter(|line| line.starts_with("ann")).collect();
    assert_eq!(of_ann, lines[..2]);
}

#[test]
fn hot_items() {
    let lines = [
        "2026-03-02T08:55:00Z..2026-03-02T09:05:00Z: 3 tea, 1 jam",
        "2026-03-02T09:00:00Z..2026-03-02T09:10:00Z: 4 jam, 3 tea",
        "2026-03-02T09:05:00Z..2026-03-02T09:15:00Z: 4 rice, 3 jam",
        "2026-03-02T09:10:00Z..2026-03-02T09:20:00Z: 3 rice, 1 tea",
        "2026-03-02T09:15:00Z..2026-03-02T09:25:00Z: 1 jam",
        "2026-03-02T09:20:00Z..2026-03-02T09:30:00Z: 1 jam",
    ];
    prints(env!("CARGO_BIN_EXE_hot_items"), &lines);
}

#[test]
fn timers() {
    let lines = [
        "order 1 was paid twice",
        "order 1 was paid, and nobody knows it",
        "order 3 is not paid at 2026-03-02T10:12:00Z",
        "order 3 was paid after all, at 2026-03-02T11:01:00Z",
        "order 5 is not paid at 2026-03-05T09:30:00Z",
    ];
    prints(env!("CARGO_BIN_EXE_timers"), &lines);
}

#[test]
fn configuration() {
    let lines = ["[new unpaid] 10 cost 25.00 EUR", "[new unpaid] 250 cost 497.50 EUR"];
    prints(env!("CARGO_BIN_EXE_configuration"), &lines);
}

#[test]
fn own_source_and_sink() {
    prints(env!("CARGO_BIN_EXE_own_source_and_sink"), &["the ticks add up to 4950"]);
}

#[test]
fn own_extractor() {
    let program = env!("CARGO_BIN_EXE_own_extractor");
    prints(program, &["ledger/check_amounts met inf"]);
    let report = run(program, &[]).stderr;
    assert!(report.contains("ledger/check_amounts impossible: 1"), "{report}");
    assert!(report.contains("ledger/check_amounts amount: 2 "), "{report}");
}

#[test]
fn in_code() {
    let lines = ["stopped: true, by 2 workers", "all results are here: true", "one of them is 1000 squared: true"];
    assert_eq!(run(env!("CARGO_BIN_EXE_in_code"), &[]).succeeded().stdout.lines().collect::<Vec<_>>(), lines);
}
