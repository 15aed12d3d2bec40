//! Several definitions in one block; attributes and visibility before and after a fragment's types; nested, generic and
//! keyed fragments.
#![deny(missing_docs, unused, unreachable_pub, missing_debug_implementations, unused_qualifications)]
#![deny(clippy::pedantic)]
#![allow(clippy::must_use_candidate, clippy::missing_errors_doc)]
use malstrom::prelude::*;

/// State.
#[keyed_state(key = u64)]
#[derive(Debug, Default)]
pub struct Seen {
    count: u64,
}
/// Numbers records per key.
#[operator]
pub fn number(seen: &mut Seen, x: u64) -> u64 {
    seen.count += 1;
    seen.count + x
}
/// Cuts white space.
#[operator]
pub fn trim(line: String) -> String {
    line.trim().to_owned()
}
/// Reads numbers.
#[operator]
pub fn parse(line: String) -> Result<u64, String> {
    line.parse().map_err(|_| line)
}

pipeline! {
    /// Before the types.
    pub <String, u64> fn clean() = trim -> parse else drop;
    /// Attributes only.
    #[allow(dead_code)]
    <String, u64>
    pub fn strict() = trim -> parse?;
    <u64, u64>
    /// Behind the types.
    #[must_use]
    pub(crate) fn above<T: Into<u64> + Copy + 'static>(least: T) = filter(move |x| *x > least.into());
    /// Nested.
    pub <String, u64 by u64> fn whole(least: u32) = clean -> above::<u32>(least) -> keyed -> number as last;
    /// Keyed on the way.
    pub <u64, u64 by u64> fn keyed() = key_by(|x| *x);
    /// Takes a key.
    pub <u64 by u64, u64> fn numbered() = number;
    /// Generic in its record.
    pub <T, T> fn same<T: Clone + 'static>() where T: Send = filter(|_| true);

    /// A pipeline.
    pub fn p(lines: Vec<String>) {
        source(lines) -> whole(1) -> same::<u64> -> keyed -> numbered -> numbered as again -> sink(stdout());
    }
    fn private(lines: Vec<String>) {
        source(lines) -> strict -> sink(stdout());
    }
}

fn main() {
    let runtime = || malstrom::Runtime::builder().workers(2).build().unwrap();
    runtime().run(|| p(vec!["1".into(), "2".into()])).unwrap();
    runtime().run(|| private(vec!["1".into(), "2".into()])).unwrap();
}
