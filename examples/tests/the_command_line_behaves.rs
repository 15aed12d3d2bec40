//! Flags, variables, exit codes, pipes and signals: what a job owes the shell it is started from.
mod command_line;
use command_line::{command, finish, run, signal, wait_for};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const PAYMENTS: &str = env!("CARGO_BIN_EXE_payments");
const WORD_COUNT: &str = env!("CARGO_BIN_EXE_word_count");
const TICKS: &str = env!("CARGO_BIN_EXE_own_source_and_sink");

#[test]
fn help_explains_the_runtime_and_the_programs_own_flags() {
    for (program, own) in [(PAYMENTS, "Runs a stream processing job"), (WORD_COUNT, "--input <PATH>")] {
        let help = run(program, &["--help"]).succeeded();
        for word in [
            own,
            "--workers <N>",
            "MALSTROM_WORKERS",
            "--key-groups <K>",
            "MALSTROM_KEY_GROUPS",
            "--plan",
            "--log-format",
        ] {
            assert!(help.stdout.contains(word), "{word} is not in\n{}", help.stdout);
        }
        assert_eq!(help.stderr, "");
    }
}

#[test]
fn a_bad_command_line_ends_with_2_and_says_why() {
    let cases = [
        (&["--wokers", "2"][..], "a similar argument exists: '--workers'"),
        (&["--workers", "two"], "invalid value 'two' for '--workers <N>'"),
        (&["--workers", "0"], "a job needs at least one worker"),
        (&["--workers", "5000"], "more than the 4096 key groups"),
        (&["--key-groups", "5000"], "cannot be 5000 key groups: their number is a power of two from 128 to 32768"),
        (&["--key-groups", "65536"], "from 128 to 32768"),
        (&["--key-groups", "many"], "invalid value 'many' for '--key-groups <K>'"),
        (&["--latency", "none"], "[possible values: throughput, balanced, low]"),
        (&["--log", "loud"], "invalid value 'loud' for '--log <LEVEL>'"),
        (
            &["--rebalance"],
            "say where snapshots go by `--snapshots`, or that they may move without by `--elastic`, or leave out",
        ),
        (&["data.txt"], "unrecognized subcommand 'data.txt'"),
    ];
    for (arguments, why) in cases {
        let ended = run(PAYMENTS, arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:#?}");
        assert!(ended.stderr.starts_with("error: ") && ended.stderr.contains(why), "{arguments:?}: {}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn variables_stand_in_for_flags_and_flags_win() {
    let with = |arguments: &[&str], workers: &str| {
        let mut command = command(PAYMENTS, arguments);
        finish(command.env("MALSTROM_WORKERS", workers).spawn().expect("it starts"))
    };
    assert!(with(&[], "3").succeeded().stderr.trim_end().ends_with("with 3 workers"));
    assert!(with(&["--workers", "1"], "3").succeeded().stderr.trim_end().ends_with("with 1 worker"));
    assert_eq!(with(&[], "0").code, Some(2));
    assert_eq!(with(&[], "many").code, Some(2));
}

#[test]
fn a_missing_file_ends_with_1_and_the_chain_of_causes() {
    for (input, why) in [("nowhere.txt", "there is no such file"), ("no*where", "no file matches the pattern")] {
        let ended = run(WORD_COUNT, &["--input", input, "--workers", "2"]);
        assert_eq!(ended.code, Some(1), "{ended:#?}");
        let lines: Vec<_> = ended.stderr.lines().collect();
        assert_eq!(
            lines[..2],
            ["Error: `word_count/source` failed".into(), format!("  because: cannot read `{input}`")]
        );
        assert!(lines[2].starts_with(&format!("  because: {why}")), "{lines:?}");
        assert_eq!(lines.len(), 3, "it is said once: {lines:?}");
    }
}

#[test]
fn the_plan_is_a_flowchart_and_nothing_runs() {
    let plan = run(PAYMENTS, &["--plan"]).succeeded();
    assert!(plan.stdout.starts_with("flowchart LR\n"), "{}", plan.stdout);
    assert!(plan.stdout.contains(r#"n1 -->|"Failure&lt;String&gt;"| n5"#), "{}", plan.stdout);
    assert!(!plan.stdout.contains("far more") && plan.stderr.is_empty());
}

#[test]
fn who_closes_the_output_early_is_left_in_peace() {
    let directory = tempfile::tempdir().expect("a directory");
    let input = directory.path().join("long.txt");
    std::fs::write(&input, "some words\n".repeat(200_000)).expect("a file");
    let mut job = command(WORD_COUNT, &["--input", input.to_str().expect("UTF-8")]).spawn().expect("it starts");
    let mut first = String::new();
    let stdout = job.stdout.take().expect("it is piped");
    BufReader::new(stdout).read_line(&mut first).expect("a line");
    let ended = finish(job).succeeded();
    assert!(!first.is_empty());
    assert_eq!(ended.stderr, "", "nobody is told");
}

/// The log of a job whose standard error is gone must not get in its way.
#[test]
fn who_closes_the_log_early_does_not_hang_the_job() {
    let mut job = command(TICKS, &["--log", "info"]).spawn().expect("it starts");
    drop(job.stderr.take());
    let ended = finish(job);
    assert_eq!(ended.stdout, "the ticks add up to 4950\n");
}

#[test]
fn a_full_disk_is_an_error() {
    let Ok(full) = std::fs::File::options().write(true).open("/dev/full") else { return };
    let ended = finish(command(PAYMENTS, &[]).stdout(Stdio::from(full)).spawn().expect("it starts"));
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.stderr.contains("because: cannot write to `standard output`"), "{}", ended.stderr);
}

#[test]
fn a_signal_drains_the_job_and_the_report_is_printed() {
    for name in ["INT", "TERM"] {
        let job = command(TICKS, &["--endless", "--log", "debug"]).spawn().expect("it starts");
        let mut job = job;
        wait_for(job.stderr.as_mut().expect("it is piped"), "SIGINT and SIGTERM end the sources");
        // Time to tick; how often it does is for the report to say.
        std::thread::sleep(std::time::Duration::from_millis(300));
        signal(job.id(), name);
        let ended = finish(job).succeeded();
        assert!(ended.stderr.contains("stopping: what is under way is drained"), "{}", ended.stderr);
        assert!(ended.stderr.trim_end().ends_with("stopped before the end of the input"), "{}", ended.stderr);
        // The sum is of the ticks so far, so without any there is none.
        let sum = |ticks: u64| match ticks {
            0 => String::new(),
            ticks => format!("the ticks add up to {}\n", ticks * (ticks - 1) / 2),
        };
        let ticks = ended.row("ticking/sink")[1].replace(',', "").parse().expect("a number");
        assert_eq!(ended.stdout, sum(ticks), "what was read has reached the sink");
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut job = command(TICKS, &["--endless", "--linger", "100", "--log", "debug"]).spawn().expect("it starts");
    let mut stderr = job.stderr.take().expect("it is piped");
    wait_for(&mut stderr, "SIGINT and SIGTERM end the sources");
    // Time to tick: only then is there something to drain.
    std::thread::sleep(std::time::Duration::from_millis(300));
    signal(job.id(), "INT");
    wait_for(&mut stderr, "a second signal ends at once");
    // What comes sooner is taken for the same one.
    std::thread::sleep(std::time::Duration::from_millis(300));
    signal(job.id(), "INT");
    assert_eq!(finish(job).code, Some(130));
}

/// `timeout` sends a signal to the process, and again to its group.
#[test]
fn a_signal_that_is_sent_twice_is_one() {
    let mut job = command(TICKS, &["--endless", "--linger", "1", "--log", "debug"]).spawn().expect("it starts");
    wait_for(job.stderr.as_mut().expect("it is piped"), "SIGINT and SIGTERM end the sources");
    std::thread::sleep(std::time::Duration::from_millis(300));
    // Those that come at the same moment count as one anyhow, so there are many.
    let mut kill = std::process::Command::new("kill");
    assert!(kill.arg("-TERM").args(vec![job.id().to_string(); 50]).status().expect("`kill` runs").success());
    let ended = finish(job).succeeded();
    assert!(ended.stderr.trim_end().ends_with("stopped before the end of the input"), "{}", ended.stderr);
}

#[test]
fn logs_are_lines_of_json_if_so_asked() {
    let ended = run(PAYMENTS, &["--log", "info", "--log-format", "json"]).succeeded();
    let (logs, _report): (Vec<_>, Vec<_>) = ended.stderr.lines().partition(|line| line.starts_with('{'));
    let logs: Vec<serde_json::Value> = logs.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let messages: Vec<_> = logs.iter().filter_map(|log| log["fields"]["message"].as_str()).collect();
    assert_eq!(messages, ["job starts", "job ends"]);
    assert!(logs.iter().all(|log| log["level"] == "INFO"));
}

#[test]
fn logs_in_a_file_have_no_colours() {
    let ended = run(PAYMENTS, &["--log", "info"]).succeeded();
    assert!(ended.stderr.contains("INFO") && !ended.stderr.contains('\u{1b}'), "{}", ended.stderr);
}
