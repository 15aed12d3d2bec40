//! The running aggregates: each emits the key and its value so far after every record. `distinct` emits a record when
//! it is new to its key. Behind `combine`, records are gathered on their way to the worker of their key, and there is a
//! result for each gathering: here all of a key are one.
use malstrom::prelude::*;
use std::fmt::Debug;

pipeline! {
    <(char, T), String> fn show<T: Debug + 'static>(name: &'static str) =
        map(move |(key, value)| format!("{name:<8} {key} {value:?}"));

    fn aggregates(numbers: Vec<(char, u32)>) {
        let numbers = source(numbers);
        let keyed = numbers -> key_by(|(key, _)| *key);
        let counts = keyed -> count() -> show("count") as counts;
        let sums = keyed -> sum(|(_, n)| *n) -> show("sum") as sums;
        let least = keyed -> min(|(_, n)| *n) -> show("min") as least;
        let greatest = keyed -> max(|(_, n)| *n) -> show("max") as greatest;
        let means = keyed -> average(|(_, n)| *n) -> show("average") as means;
        let longest = keyed -> reduce(|a, b| if b.1 > a.1 { b } else { a }) -> show("reduce") as longest;
        let lists = keyed -> fold(Vec::new(), |mut all, (_, n)| { all.push(n); all }) -> show("fold") as lists;
        let best = keyed -> top(2, |(_, n)| *n) -> show("top") as best;
        let new = keyed -> distinct() -> show("distinct") as new;
        let gathered = numbers -> key_by(|(key, _)| *key) -> combine() -> sum(|(_, n)| *n) -> show("combined") as gathered;
        union(counts, sums, least, greatest, means, longest, lists, best, new, gathered) -> sink(stdout());
    }
}

fn main() -> malstrom::Result<()> {
    eprintln!("{}", malstrom::run(|| aggregates(vec![('a', 4), ('b', 7), ('a', 9), ('a', 4)]))?);
    Ok(())
}
