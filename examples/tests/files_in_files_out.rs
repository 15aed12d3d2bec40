//! `word_count` and `json_lines`: what they read and what they write.
#![allow(clippy::expect_used, clippy::panic)]
mod command_line;
use command_line::run;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The last count printed for each word is its total: a word's counts come from one worker, in their order.
fn totals(arguments: &[&str]) -> BTreeMap<String, u64> {
    let ended = run(env!("CARGO_BIN_EXE_word_count"), arguments).succeeded();
    let line = |line: &str| {
        let (n, word) = line.trim().split_once(' ').expect("a count and a word");
        (word.to_owned(), n.parse().expect("a count"))
    };
    ended.stdout.lines().map(line).collect()
}

#[test]
fn words_are_counted_once_whatever_the_number_of_workers() {
    let one = totals(&["--workers", "1"]);
    // grep -oiw love examples/data/sonnets.txt | wc -l
    assert_eq!((one["love"], one["love's"]), (8, 2));
    assert_eq!(one.values().sum::<u64>(), 810);
    assert_eq!(totals(&["--workers", "2"]), one);
    assert_eq!(totals(&["--workers", "3"]), one);
}

#[test]
fn a_directory_of_files_is_read_by_all_workers() {
    let directory = tempfile::tempdir().expect("a directory");
    for n in 0..20 {
        fs::write(directory.path().join(format!("{n}.txt")), "Sea, sea.\nLand\n").expect("a file");
    }
    let input = directory.path().to_str().expect("UTF-8");
    let expected = BTreeMap::from([("land".to_owned(), 20), ("sea".to_owned(), 40)]);
    assert_eq!(totals(&["--workers", "3", "--input", input]), expected);
}

/// All lines of all published parts in a directory, sorted.
fn parts(directory: &Path) -> Vec<String> {
    let files = fs::read_dir(directory).expect("the job has made it").map(|entry| entry.expect("an entry").path());
    let text: String = files.map(|path| fs::read_to_string(path).expect("a part is text")).collect();
    let mut lines: Vec<_> = text.lines().map(String::from).collect();
    lines.sort();
    lines
}

#[test]
fn json_goes_in_and_comes_out() {
    for workers in ["1", "2"] {
        let output = tempfile::tempdir().expect("a directory");
        let to = output.path().to_str().expect("UTF-8");
        run(env!("CARGO_BIN_EXE_json_lines"), &["--output", to, "--workers", workers]).succeeded();
        let slow = [
            r#"{"page":"/","clicks":1,"slowest":12}"#,
            r#"{"page":"/","clicks":2,"slowest":31}"#,
            r#"{"page":"/cart","clicks":1,"slowest":80}"#,
            r#"{"page":"/cart","clicks":2,"slowest":80}"#,
        ];
        assert_eq!(parts(&output.path().join("slow")), slow);
        let letters = parts(&output.path().join("dead-letters"));
        assert_eq!(letters.len(), 2, "{letters:?}");
        assert!(letters[0].contains("clicks.jsonl:4") && letters[0].contains("invalid type: string"), "{letters:?}");
        assert_eq!(letters[1], "at,message");
    }
}
