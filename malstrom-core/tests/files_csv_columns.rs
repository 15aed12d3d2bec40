//! What is nested in a record lies side by side in its row, and a flat struct reads it back.
#![allow(clippy::unwrap_used, clippy::panic)]
mod collected;
use collected::{chain, read};
use malstrom_core::connect::files;
use malstrom_core::{Sink, Timestamp, Window, Windowed};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

fn write<T: Serialize + 'static>(records: Vec<T>) -> Result<(tempfile::TempDir, String), String> {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = files::csv_sink(directory.path());
    sink.open(0, 1).unwrap();
    let mut records = records;
    let written = sink.write(&mut records);
    if written.is_err() {
        return Err(chain(written));
    }
    sink.close().unwrap();
    let text = std::fs::read_to_string(directory.path().join("part-0000-000000.csv")).unwrap();
    Ok((directory, text))
}
fn text<T: Serialize + 'static>(records: Vec<T>) -> String {
    write(records).unwrap().1
}
fn refusal<T: Serialize + 'static>(records: Vec<T>) -> String {
    write(records).unwrap_err()
}
fn hour(n: i64) -> Window {
    Window::new(Timestamp::from_secs(n * 3_600), Timestamp::from_secs((n + 1) * 3_600))
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Route {
    from: String,
    to: String,
}
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Id(u64);
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Stop {
    id: Id,
    at: Option<f64>,
}
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Bus,
    Train { wagons: u64 },
    Ship(u64, u64),
    Other(String),
}

#[test]
fn windowed_values_have_a_key_a_start_an_end_and_a_value() {
    let counts = vec![
        Windowed { key: "JFK".to_owned(), window: hour(0), value: 7u64 },
        Windowed { key: "a,b".to_owned(), window: hour(1), value: 1 },
    ];
    let (directory, written) = write(counts.clone()).unwrap();
    let hours = ["1970-01-01T00:00:00Z", "1970-01-01T01:00:00Z", "1970-01-01T02:00:00Z"];
    let [a, b, c] = hours;
    assert_eq!(written, format!("key,start,end,value\nJFK,{a},{b},7\n\"a,b\",{b},{c},1\n"));

    #[derive(Debug, Deserialize)]
    struct Flat {
        key: String,
        start: Timestamp,
        end: Timestamp,
        value: u64,
    }
    let back = read(files::csv::<Flat>(directory.path())).unwrap();
    assert!(back.failures.is_empty(), "{:?}", back.failures);
    let unflat = |f: Flat| Windowed { key: f.key, window: Window::new(f.start, f.end), value: f.value };
    assert_eq!(back.records.into_iter().map(unflat).collect::<Vec<_>>(), counts);
}

#[test]
fn keys_and_values_that_are_structs_give_their_fields() {
    let route = Route { from: "JFK".into(), to: "SFO".into() };
    let written = text(vec![Windowed { key: route.clone(), window: hour(0), value: 1.0 }]);
    assert_eq!(written.lines().next(), Some("from,to,start,end,value"));
    let written = text(vec![Windowed { key: Id(1), window: hour(0), value: (2u8, "x") }]);
    assert_eq!(written.lines().next(), Some("key,start,end,value_0,value_1"));
    // Both sides have the same fields.
    let stops =
        Windowed { key: Stop { id: Id(1), at: None }, window: hour(0), value: Stop { id: Id(2), at: Some(0.5) } };
    let written = text(vec![stops]);
    assert_eq!(written.lines().next(), Some("key_id,key_at,start,end,value_id,value_at"));
    assert!(written.ends_with(",2,0.5\n") && written.contains("\n1,,"), "{written}");
}

#[test]
fn tuples_of_structs_have_a_header_and_others_have_none() {
    let route = Route { from: "a".into(), to: "b".into() };
    assert_eq!(text(vec![(route.clone(), Stop { id: Id(1), at: None })]), "from,to,id,at\na,b,1,\n");
    assert_eq!(text(vec![(route.clone(), route.clone())]), "0_from,0_to,1_from,1_to\na,b,a,b\n");
    assert_eq!(text(vec![(1, (2, "x"), [4u8, 5])]), "1,2,x,4,5\n");
    assert_eq!(text(vec![(1, route)]), "1,a,b\n");
    assert_eq!(text(vec![vec![1, 2], vec![3, 4]]), "1,2\n3,4\n");
}

#[test]
fn none_is_as_many_empty_fields_as_there_would_be() {
    let (one, other) = (Stop { id: Id(1), at: Some(2.0) }, Route { from: "a".into(), to: "b".into() });
    let written = text(vec![(one.clone(), Some(other.clone()), 7), (one.clone(), None, 8)]);
    assert_eq!(written, "1,2.0,a,b,7\n1,2.0,,,8\n");
    let written =
        text(vec![(Some(one.clone()), Some(other.clone())), (None, Some(other.clone())), (Some(one.clone()), None)]);
    assert_eq!(written, "id,at,from,to\n1,2.0,a,b\n,,a,b\n1,2.0,,\n");
    let error = refusal(vec![(one.clone(), None), (one, Some(other))]);
    assert!(error.ends_with("it has 4 columns where the first record of the part has 3"), "{error}");
}

#[test]
fn what_has_no_columns_is_refused_and_named() {
    #[derive(Serialize)]
    struct Outer<T> {
        n: u64,
        inner: Inner<T>,
    }
    #[derive(Serialize)]
    struct Inner<T> {
        part: T,
    }
    fn outer<T>(part: T) -> Vec<Outer<T>> {
        vec![Outer { n: 1, inner: Inner { part } }]
    }
    let says = |error: String, what: &str| {
        let whole = format!("a record cannot be written as CSV: `inner.part`: {what} has no form in a row");
        assert!(error.starts_with(&whole), "{error}");
    };
    says(refusal(outer(vec![1, 2])), "a sequence");
    says(refusal(outer(std::collections::HashMap::from([(1, 2)]))), "a map");
    says(refusal(outer(Kind::Train { wagons: 3 })), "the variant `Train`, which has fields,");
    says(refusal(outer(Kind::Ship(1, 2))), "the variant `Ship`, which has fields,");
    assert_eq!(text(outer(Kind::Bus)), "n,part\n1,Bus\n");
    assert_eq!(text(outer(Kind::Other("x".into()))), "n,part\n1,x\n");
    let error = refusal(vec![vec![1, 2], vec![3]]);
    assert!(error.ends_with("it has 1 column where the first record of the part has 2"), "{error}");
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Scalars {
    a: i64,
    b: u128,
    c: f64,
    d: f32,
    e: bool,
    f: char,
    g: String,
    h: Option<i8>,
    i: Option<String>,
}
proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Rows without nesting are those that the csv crate writes.
    #[test]
    fn flat_rows_are_those_of_the_csv_crate(
        (a, b, e) in any::<(i64, u64, bool)>(),
        // Others are written differently, if with the same value.
        (c, d) in (any::<i32>().prop_map(|n| f64::from(n) / 4.0), any::<i16>().prop_map(|n| f32::from(n) / 4.0)),
        (f, h) in any::<(char, Option<i8>)>(),
        g in "[a,\"\n\r ü]{0,6}",
        i in proptest::option::of("[a,]{1,3}"),
    ) {
        let record = Scalars { a, b: u128::from(b) << 40, c, d, e, f, g, h, i };
        let mut theirs = csv::Writer::from_writer(Vec::new());
        theirs.serialize(&record).unwrap();
        let theirs = String::from_utf8(theirs.into_inner().unwrap()).unwrap();
        let (directory, ours) = write(vec![record.clone()]).unwrap();
        prop_assert_eq!(ours, theirs);
        let back = read(files::csv::<Scalars>(directory.path())).unwrap();
        prop_assert!(back.failures.is_empty(), "{:?}", back.failures);
        prop_assert_eq!(back.records, vec![record]);
    }
}

#[test]
fn numbers_of_any_size_are_read_back() {
    for n in [0.0, -0.0, 1e16, 1e300, -5e-324, f64::MAX, f64::INFINITY, 0.1] {
        let (directory, _) = write(vec![Windowed { key: 1, window: hour(0), value: n }]).unwrap();
        let back = read(files::csv::<(u64, Timestamp, Timestamp, f64)>(directory.path())).unwrap();
        assert_eq!(back.records.iter().map(|row| row.3.to_bits()).collect::<Vec<_>>(), [n.to_bits()]);
    }
}
