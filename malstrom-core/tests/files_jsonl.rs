//! Lines of JSON.
#![allow(clippy::unwrap_used, clippy::panic)]
mod collected;
use collected::{file, gz, read, resumed};
use malstrom_core::connect::files;
use serde::Deserialize;

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Price {
    name: String,
    cents: u32,
}

fn price(name: &str, cents: u32) -> Price {
    Price { name: name.into(), cents }
}

#[test]
fn each_line_is_a_value_and_blank_lines_are_none() {
    let text = "\u{feff}{\"name\":\"tea\",\"cents\":3}\r\n\r\n  \n{\"cents\":4,\"name\":\"milk\",\"more\":[]}";
    let (_directory, path) = file("p.jsonl", text);
    let prices = read(files::jsonl::<Price>(path)).unwrap();
    assert_eq!(prices.records, [price("tea", 3), price("milk", 4)]);
    assert!(prices.failures.is_empty());
}

#[test]
fn an_empty_file_has_no_values() {
    let (_directory, path) = file("p.jsonl", "");
    assert!(read(files::jsonl::<Price>(path)).unwrap().records.is_empty());
}

#[test]
fn a_malformed_line_names_file_and_line_and_reading_goes_on() {
    let text = "{\"name\":\"tea\",\"cents\":-3}\n\n{\"name\":\"rum\"}\n{\"na\n1 2\n{\"name\":\"milk\",\"cents\":4}\n";
    let (_directory, path) = file("p.jsonl", text);
    let prices = read(files::jsonl::<Price>(&path)).unwrap();
    assert_eq!(prices.records, [price("milk", 4)]);
    let lines: Vec<_> = prices.failures.iter().map(|bad| bad.line).collect();
    assert_eq!(lines, [1, 3, 4, 5]);
    let first = "1: column 24: invalid value: integer `-3`, expected u32";
    assert_eq!(prices.failures[0].to_string(), format!("{}:{first}", path.display()));
    assert_eq!(prices.failures[1].message, "column 14: missing field `cents`");
}

#[test]
fn a_line_that_is_not_utf8_is_malformed() {
    let (_directory, path) =
        file("p.jsonl", b"{\"name\":\"tea\",\"cents\":3,\"x\":\"\xff\"}\n{\"name\":\"milk\",\"cents\":4}\n");
    let prices = read(files::jsonl::<Price>(path)).unwrap();
    assert_eq!(prices.records, [price("milk", 4)]);
    assert_eq!(
        (prices.failures[0].line, prices.failures[0].message.as_str()),
        (1, "not UTF-8 after byte 29 of the line")
    );
}

#[test]
fn a_line_that_is_too_long_is_malformed_and_reading_goes_on() {
    let (_directory, path) = file("p.jsonl", format!("\"{}\"\n\"b\"\n\"{}\"", "a".repeat(1000), "c".repeat(1000)));
    let words = read(files::jsonl::<String>(path).max_line(100)).unwrap();
    assert_eq!(words.records, ["b"]);
    let lines: Vec<_> = words.failures.iter().map(|bad| (bad.line, bad.message.as_str())).collect();
    let why = "longer than 100 bytes; `.max_line(n)` allows more";
    assert_eq!(lines, [(1, why), (3, why)]);
}

#[test]
fn a_position_is_where_reading_goes_on() {
    let text: String = (0..100).map(|n| format!("{n}\n\n")).collect::<String>() + "x\n";
    for (name, contents) in [("n.jsonl", text.clone().into_bytes()), ("n.jsonl.gz", gz(&text))] {
        let (_directory, path) = file(name, contents);
        for first in [0, 1, 99, 150] {
            let numbers = resumed(|| files::jsonl::<u32>(&path), first).unwrap();
            assert_eq!(numbers.records, (0..100).collect::<Vec<_>>());
            assert_eq!(numbers.failures[0].line, 201);
        }
    }
}
