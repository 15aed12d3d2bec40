//! The check that all tests here rely on finds what they are after.
use crate::DEMO;
use crate::command_line::run;
use std::fs;
use std::path::{Path, PathBuf};

/// The published part of a sink that has the most lines.
fn part(output: &Path, sink: &str) -> PathBuf {
    let parts = fs::read_dir(output.join(sink)).unwrap().map(|part| part.unwrap().path());
    parts
        .filter(|part| part.extension().is_some_and(|end| end == "csv"))
        .max_by_key(|part| part.metadata().unwrap().len())
        .unwrap()
}
/// What is said of the output when the lines of a part are changed so.
fn said(output: &Path, sink: &str, change: impl Fn(&mut Vec<String>)) -> String {
    let part = part(output, sink);
    let before = fs::read_to_string(&part).unwrap();
    let mut lines: Vec<String> = before.lines().map(str::to_owned).collect();
    change(&mut lines);
    fs::write(&part, lines.join("\n")).unwrap();
    let at = format!("--output={}", output.display());
    let ended = run(DEMO, &["--transfers=8000", "--accounts=10", &at, "--check"]);
    fs::write(&part, before).unwrap();
    if ended.code == Some(0) { ended.stdout } else { ended.stderr }
}
fn numbers(line: &str) -> Vec<i64> {
    line.split(',').map(|number| number.parse().unwrap()).collect()
}
fn line(numbers: &[i64]) -> String {
    numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
}
/// The last booking of an account: nothing follows from it.
fn last(lines: &[String]) -> usize {
    let rows = || lines.iter().enumerate().skip(1).map(|(at, line)| (at, numbers(line)));
    let account = numbers(&lines[1])[1];
    rows().filter(|(_, row)| row[1] == account).max_by_key(|(_, row)| row[3]).unwrap().0
}

#[test]
fn whatever_is_wrong_with_the_output_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let output = dir.path();
    let at = format!("--output={}", output.display());
    run(DEMO, &["--transfers=8000", "--accounts=10", "--workers=1", &at]).succeeded();
    let booked = |change: &dyn Fn(&mut Vec<String>)| said(output, "booked", change);
    let settled = |change: &dyn Fn(&mut Vec<String>)| said(output, "settled", change);
    let finds = |said: String, what: &str| assert!(said.contains(what), "`{what}` is not said:\n{said}");

    finds(booked(&|_| {}), "right: 8000 transfers are booked twice and settled once");
    finds(booked(&|lines| drop(lines.remove(7))), "is missing");
    finds(booked(&|lines| lines.push(lines[7].clone())), "is there twice");
    // As if an account went on from an older state than its number.
    let alter = |lines: &mut Vec<String>, at: usize, by: [i64; 5]| {
        let row: Vec<i64> = numbers(&lines[at]).into_iter().zip(by).map(|(number, by)| number + by).collect();
        lines[at] = line(&row);
    };
    finds(booked(&|lines| alter(lines, 7, [0, 0, 0, 0, 5])), "was booked");
    // As if one half of a transfer were another one's.
    finds(booked(&|lines| alter(lines, last(lines), [0, 0, 5, 0, 5])), "5 too much has been booked");
    finds(
        booked(&|lines| {
            let (row, at) = (numbers(&lines[last(lines)]), last(lines));
            lines[at] = line(&[row[0], row[1], 0, row[3], row[4] - row[2]]);
            lines.push(line(&[row[0], row[1], row[2], row[3] + 1, row[4]]));
        }),
        "16001 bookings are there of 8000 transfers",
    );
    finds(settled(&|lines| drop(lines.remove(7))), "is not settled");
    finds(settled(&|lines| lines.push(lines[7].clone())), "one before it is twice");
    finds(
        settled(&|lines| {
            let last = (1..lines.len()).max_by_key(|at| numbers(&lines[*at])[0]).unwrap();
            lines.remove(last);
        }),
        "7999 of 8000 transfers are settled",
    );
}
