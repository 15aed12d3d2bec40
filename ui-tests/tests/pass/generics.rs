//! Generic operators, with and without turbofish, aliases of `Result` and `Option`, and what is a value.
#![deny(unused, missing_debug_implementations, unused_qualifications)]
use malstrom::prelude::*;
use std::fmt::Display;
use std::io;
use std::str::FromStr;

#[operator]
fn parse<T: FromStr + 'static>(line: String) -> Result<T, String> {
    line.parse().map_err(|_| line)
}
#[operator]
fn twice<T>(x: T) -> impl Iterator<Item = T>
where
    T: Clone + 'static,
{
    [x.clone(), x].into_iter()
}
#[operator]
fn show<T: Display + 'static, const N: usize>(x: T, #[arg] prefix: &str) -> String {
    format!("{prefix}{x:>N$}")
}
#[operator]
fn read(line: String) -> io::Result<u64> {
    line.parse().map_err(io::Error::other)
}
#[operator]
fn read_all(line: String) -> io::Result<impl Iterator<Item = u64>> {
    let all = line.split(' ').map(|word| word.parse().map_err(io::Error::other)).collect::<io::Result<Vec<u64>>>()?;
    Ok(all.into_iter())
}
#[operator]
fn read_some(line: String) -> Result<Option<u64>, String> {
    if line.is_empty() { Ok(None) } else { line.parse().map(Some).map_err(|_| line) }
}
type Maybe<T> = Option<T>;
type Many = Vec<u64>;
#[operator(shape = filter_map)]
fn maybe(x: u64) -> Maybe<u64> {
    (x > 1).then_some(x)
}
#[operator(shape = flat_map)]
fn several(x: u64) -> Many {
    vec![x; 2]
}
#[operator(shape = map)]
fn optional(x: u64) -> Option<u64> {
    Some(x)
}
#[operator]
fn vector(x: u64) -> Vec<u64> {
    vec![x]
}
#[operator]
fn each(all: Vec<u64>) -> impl IntoIterator<Item = u64> {
    all
}

pipeline! {
    fn p(lines: Vec<String>) {
        let numbers = source(lines.clone()) -> parse::<u64>? -> twice -> maybe -> several;
        numbers -> vector -> each -> show::<u64, 4>("> ") -> sink(stdout());
        numbers -> optional -> filter_map(|x| x) -> sink(stdout());
        source(lines.clone()) -> read? -> sink(stdout());
        source(lines.clone()) -> read_all else drop -> sink(stdout());
        source(lines) -> read_some else bad -> sink(stdout());
        bad -> map(|failure| failure.error) -> sink(stdout());
    }
}

fn main() {
    malstrom::Runtime::builder().workers(1).build().unwrap().run(|| p(vec!["1".into(), "2".into()])).unwrap();
}
