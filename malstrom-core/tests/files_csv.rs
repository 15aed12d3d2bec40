//! Rows of CSV files.
#![allow(clippy::unwrap_used, clippy::panic)]
mod collected;
use collected::{Collected, chain, file, gz, read, resumed};
use malstrom_core::connect::files::{self, Malformed};
use malstrom_core::{Error, Source};
use serde::Deserialize;

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Price {
    name: String,
    cents: u32,
    note: Option<String>,
}

fn price(name: &str, cents: u32, note: Option<&str>) -> Price {
    Price { name: name.into(), cents, note: note.map(str::to_owned) }
}

fn prices(contents: impl AsRef<[u8]>) -> Collected<Price, Malformed> {
    let (_directory, path) = file("prices.csv", contents);
    read(files::csv(path)).unwrap()
}

/// Line and message of each malformed row.
fn complaints(prices: &Collected<Price, Malformed>) -> Vec<(u64, &str)> {
    prices.failures.iter().map(|bad| (bad.line, bad.message.as_str())).collect()
}

#[test]
fn columns_are_matched_by_name_and_others_skipped() {
    let prices = prices("cents,other,name,note\n3,x,tea,\n4,y,milk,fresh\n");
    assert_eq!(prices.records, [price("tea", 3, None), price("milk", 4, Some("fresh"))]);
    assert!(prices.failures.is_empty());
}

#[test]
fn marks_line_ends_and_blank_lines_do_not_matter() {
    for text in [
        "\u{feff}name,cents,note\r\ntea,3,\r\n\r\nmilk,4,fresh\r\n",
        "name,cents,note\ntea,3,\n\nmilk,4,fresh",
        "\nname,cents,note\n\ntea,3,\nmilk,4,fresh\n\n",
    ] {
        assert_eq!(prices(text).records, [price("tea", 3, None), price("milk", 4, Some("fresh"))], "{text:?}");
    }
}

#[test]
fn quoted_fields_may_hold_anything() {
    let prices = prices("name,cents,note\n\"a, \"\"b\"\"\",3,\"two\r\nlines\"\nmilk,4,5\" disk\n");
    assert_eq!(prices.records, [price("a, \"b\"", 3, Some("two\r\nlines")), price("milk", 4, Some("5\" disk"))]);
}

#[test]
fn a_file_without_rows_has_none() {
    for text in ["", "\u{feff}", "name,cents,note", "name,cents,note\n", "\n\n"] {
        let prices = prices(text);
        assert!(prices.records.is_empty() && prices.failures.is_empty(), "{text:?}");
    }
}

#[test]
fn a_malformed_row_names_file_and_line_and_reading_goes_on() {
    let (_directory, path) =
        file("p.csv", "name,cents,note\r\n\r\ntea,three,\r\nmilk,4,\r\n\"a\nb\",-1,\r\nrum,5,\r\n");
    let prices = read(files::csv::<Price>(&path)).unwrap();
    assert_eq!(prices.records, [price("milk", 4, None), price("rum", 5, None)]);
    let lines: Vec<_> = prices.failures.iter().map(|bad| bad.line).collect();
    assert_eq!(lines, [3, 5]);
    let expected = "3: column `cents`: `three`: invalid digit found in string";
    assert_eq!(prices.failures[0].to_string(), format!("{}:{expected}", path.display()));
}

#[test]
fn a_row_with_too_few_or_too_many_fields_is_malformed() {
    let prices = prices("name,cents,note\ntea,3\nmilk,4,,\nrum\ngin,6,\n");
    assert_eq!(prices.records, [price("gin", 6, None)]);
    let expected = [
        (2, "2 fields where the header has 3"),
        (3, "4 fields where the header has 3"),
        (4, "1 field where the header has 3"),
    ];
    assert_eq!(complaints(&prices), expected);
}

#[test]
fn a_header_without_a_needed_column_makes_every_row_malformed() {
    let prices = prices("name,price\ntea,3\nmilk,4\n");
    assert!(prices.records.is_empty());
    assert_eq!(complaints(&prices), [(2, "missing field `cents`"), (3, "missing field `cents`")]);
}

#[test]
fn a_row_that_is_not_utf8_is_malformed() {
    let prices = prices(b"name,cents,note\ntea,3,caf\xe9\n\"x\xff\",4,\nmilk,4,\n");
    assert_eq!(prices.records, [price("milk", 4, None)]);
    assert_eq!(complaints(&prices), [(2, "column `note` is not UTF-8"), (3, "column `name` is not UTF-8")]);
}

#[test]
fn a_header_that_is_not_utf8_fails_the_job() {
    let (_directory, path) = file("p.csv", b"name,c\xffnts\ntea,3\n");
    assert_eq!(chain(read(files::csv::<Price>(&path))), format!("{}:1: the header is not UTF-8", path.display()));
}

#[test]
fn a_quote_that_is_never_closed_is_malformed_where_it_begins() {
    let prices = prices("name,cents,note\nmilk,4,\ntea,3,\"oh\nrum,5,\ngin,6,\n");
    assert_eq!(prices.records, [price("milk", 4, None)]);
    assert_eq!(complaints(&prices), [(3, "a quote is never closed")]);
}

#[test]
fn a_row_that_is_too_long_is_malformed_and_reading_goes_on() {
    let long = "x".repeat(100);
    let (_directory, path) = file("p.csv", format!("name,cents,note\n{long},1,\ntea,3,\n\"\n{long}\nmilk,4,\n"));
    let prices = read(files::csv::<Price>(path).max_line(40)).unwrap();
    assert_eq!(prices.records, [price("tea", 3, None), price("milk", 4, None)]);
    assert_eq!(complaints(&prices)[0], (2, "longer than 40 bytes; `.max_line(n)` allows more"));
    let expected = (4, "longer than 40 bytes; `.max_line(n)` allows more, or a quote is never closed");
    assert_eq!(complaints(&prices)[1], expected);
}

#[test]
fn lines_that_end_in_carriage_returns_alone_fail_the_job() {
    let (_directory, path) = file("p.csv", "name,cents,note\rtea,3,\r");
    assert!(chain(read(files::csv::<Price>(path))).contains("carriage return"));
}

#[test]
fn a_word_may_stand_for_a_missing_value() {
    let (_directory, path) = file("p.csv", "name,cents,note\ntea,3,NA\n\"NA\",4,NAB\n");
    let prices = read(files::csv::<Price>(path).missing("NA")).unwrap();
    assert_eq!(prices.records, [price("tea", 3, None), price("", 4, Some("NAB"))]);
}

#[test]
fn the_delimiter_may_be_another() {
    let (_directory, path) = file("p.csv", "name;cents;note\n\"a;b\";3;1,5\n");
    let prices = read(files::csv::<Price>(&path).delimiter(b';')).unwrap();
    assert_eq!(prices.records, [price("a;b", 3, Some("1,5"))]);
    for delimiter in [b'"', b'\n', 0xc3] {
        let result = files::csv::<Price>(&path).delimiter(delimiter).splits();
        assert!(matches!(result, Err(Error::Config(_))));
    }
}

#[test]
fn without_a_header_fields_are_matched_by_position() {
    let (_directory, path) = file("p.csv", "tea,3,\nmilk,4,fresh\nrum,5\n");
    let tuples = read(files::csv::<(String, u32, Option<String>)>(&path).no_header()).unwrap();
    assert_eq!(tuples.records, [("tea".into(), 3, None), ("milk".into(), 4, Some("fresh".into()))]);
    assert_eq!(tuples.failures[0].message, "2 fields where the first row has 3");
    let structs = read(files::csv::<Price>(&path).no_header()).unwrap();
    assert_eq!(structs.records, [price("tea", 3, None), price("milk", 4, Some("fresh"))]);
}

#[test]
fn a_position_is_where_reading_goes_on() {
    let mut text = "\u{feff}name,cents,note\r\n".to_owned();
    for n in 0..300 {
        text += &format!("\"n\r\n{n}\",{n},\r\n");
    }
    let text = text + "bad\n";
    for (name, contents) in [("p.csv", text.clone().into_bytes()), ("p.csv.gz", gz(&text))] {
        let (_directory, path) = file(name, contents);
        for first in [0, 1, 299, 300, 301] {
            let prices = resumed(|| files::csv::<Price>(&path), first).unwrap();
            assert_eq!(prices.records.len(), 300, "{name} after {first}");
            assert_eq!(prices.records[299], price("n\r\n299", 299, None));
            assert_eq!(complaints(&prices), [(602, "1 field where the header has 3")]);
        }
    }
}

#[test]
fn a_position_without_a_header_remembers_the_width() {
    let (_directory, path) = file("p.csv", "tea,3\nmilk,4\nrum\n");
    let rows = resumed(|| files::csv::<(String, u32)>(&path).no_header(), 2).unwrap();
    assert_eq!(rows.records.len(), 2);
    assert_eq!(rows.failures[0].to_string(), format!("{}:3: 1 field where the first row has 2", path.display()));
}

#[test]
fn a_truncated_gz_fails_the_job_after_its_rows() {
    let rows: String = (0..50_000_u32).map(|n| format!("{},{n},\n", n.wrapping_mul(2_654_435_769))).collect();
    let whole = gz(format!("name,cents,note\n{rows}"));
    let (_directory, path) = file("p.csv.gz", &whole[..whole.len() - 9]);
    let text = chain(read(files::csv::<Price>(path)));
    assert!(text.contains("p.csv.gz") && text.contains("cut off"), "{text}");
}
