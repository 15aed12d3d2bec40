//! Parameters captured by `move`, configuration, and extractors of users' own.
#![deny(unused, missing_debug_implementations, unused_qualifications)]
use malstrom::prelude::*;
use malstrom::{Context, Extract};

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    least: u64,
}
#[derive(Debug)]
pub struct Id(String);
impl<'a> Extract<'a> for Id {
    fn extract(context: &'a Context<'a>) -> Self {
        Id(context.operator().to_owned())
    }
}

#[operator]
fn check(
    x: u64,
    #[arg] limits: Limits,
    #[arg] names: &[String],
    #[arg] prefix: &str,
    id: Id,
    metrics: Metrics<'_>,
) -> Option<String> {
    metrics.counter("checked").add(1);
    (x >= limits.least).then(|| format!("{prefix}{}{names:?}{x}", id.0))
}
#[operator]
fn tag(mut line: String, key: Key<'_, u64>, #[arg] times: usize, odd: Output<'_, u64>) -> String {
    if *key % 2 == 1 {
        odd.push(*key);
    }
    line += &key.to_string().repeat(times);
    line
}

pipeline! {
    fn p(input: Vec<u64>, limits: Limits, least: u64, names: Vec<String>) {
        let (main, odd) = source(input)
            -> filter(move |x| *x > least)
            -> key_by(move |x| x % (least + 2))
            -> check(limits, names.clone(), "> ")
            -> tag(names.len());
        main -> sink(stdout());
        odd -> sink(stdout());
    }
}

fn main() {
    let names = || vec!["a".to_owned()];
    let limits = Limits { least: 1 };
    malstrom::Runtime::builder().workers(1).build().unwrap().run(move || p(vec![1, 2, 3], limits, 0, names())).unwrap();
}
