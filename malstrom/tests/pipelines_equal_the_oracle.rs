//! Fused pipelines, as programs write them, come to what a plain loop over the same records comes to: on any number of
//! workers, and whatever their parameters are.
#![allow(
    clippy::unwrap_used,
    missing_debug_implementations,
    missing_docs,
    unused_qualifications,
    clippy::implied_bounds_in_impls
)]
mod support;

use malstrom::connect::memory::{self, Collector};
use malstrom::prelude::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashSet};
use support::run;

#[derive(Record, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Tx {
    card: u64,
    cents: i64,
    shop: String,
}

#[keyed_state(key = u64)]
#[derive(Default)]
struct Profile {
    n: u64,
    sum: i64,
}
#[keyed_state(key = String)]
struct Open {
    since: i64,
}

#[operator]
fn valid(tx: Tx, #[arg] least: i64) -> Result<Tx, String> {
    if tx.cents < least { Err(format!("{} of card {}", tx.cents, tx.card)) } else { Ok(tx) }
}
#[operator]
fn score(
    p: &mut Profile,
    tx: Tx,
    key: Key<'_, u64>,
    large: Output<'_, Tx>,
    odd: Output<'_, i64>,
    #[arg] limit: i64,
) -> Option<(u64, u64, i64)> {
    p.n += 1;
    p.sum += tx.cents;
    if tx.cents % 2 != 0 {
        odd.push(tx.cents);
    }
    if tx.cents > limit {
        large.push(tx);
        return None;
    }
    Some((*key, p.n, p.sum))
}
/// Opens at a shop's first record, closes at one that is divisible, and says how many cents lie between.
#[operator]
fn session(open: &mut Option<Open>, tx: Tx, #[arg] m: i64) -> Option<(String, i64)> {
    match open.take() {
        None => *open = Some(Open { since: tx.cents }),
        Some(before) if tx.cents % m == 0 => return Some((tx.shop, tx.cents - before.since)),
        Some(before) => *open = Some(before),
    }
    None
}
#[operator(on_right = credit_right)]
fn credit(p: &mut Profile, tx: Tx) -> (u64, i64) {
    p.sum += tx.cents;
    p.n += 1;
    (tx.card, i64::MIN)
}
#[operator]
fn credit_right(p: &mut Profile, (card, by): (u64, i64)) -> (u64, i64) {
    p.sum += by;
    p.n += 1;
    (card, i64::MIN)
}
#[operator]
fn words(line: String) -> impl Iterator<Item = String> {
    line.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().into_iter()
}

type Out = Collector<(&'static str, String)>;
type Data = Vec<Vec<Tx>>;

fn text<T: std::fmt::Debug>(name: &'static str) -> impl Fn(T) -> (&'static str, String) {
    move |value| (name, format!("{value:?}"))
}
fn splits(data: &Data) -> memory::Splits<impl Fn(usize) -> std::vec::IntoIter<Tx> + 'static> {
    let data = data.clone();
    memory::splits(data.len(), move |split| data[split].clone().into_iter())
}

pipeline! {
    <Tx, Tx> fn clean(add: i64) = map(move |tx| Tx { cents: tx.cents + add, ..tx }) -> filter(|tx| tx.cents % 11 != 0);
    <Tx by u64, (u64, u64)> fn counted() = filter(|tx| tx.cents % 2 == 0) -> count();

    // Every aggregate behind one exchange.
    fn aggregates(data: Data, keys: u64, n: usize, out: Out) {
        let txs = source(splits(&data)) -> clean(3) -> key_by(move |tx| tx.card % keys);
        txs -> count() -> map(text("count")) -> sink(out.clone());
        txs -> sum(|tx| tx.cents) -> map(text("sum")) -> sink(out.clone());
        txs -> min(|tx| tx.cents) -> map(text("min")) -> sink(out.clone());
        txs -> max(|tx| tx.shop.clone()) -> map(text("max")) -> sink(out.clone());
        txs -> average(|tx| tx.cents) -> map(text("average")) -> sink(out.clone());
        txs -> reduce(|a, b| Tx { cents: a.cents * 3 % 1009 + b.cents, ..b }) -> map(text("reduce")) -> sink(out.clone());
        txs -> fold(String::new(), |a, tx| format!("{}{}", &a[a.len().saturating_sub(9)..], tx.cents)) -> map(text("fold")) -> sink(out.clone());
        txs -> top(n, |tx| tx.cents % 50) -> map(text("top")) -> sink(out.clone());
        txs -> map(|tx| tx.cents % 40) -> distinct() -> map(text("distinct")) -> sink(out.clone());
        txs -> counted() -> map(text("counted")) -> sink(out);
    }
    // Failures, side outputs, split and union.
    fn branches(data: Data, least: i64, limit: i64, out: Out) {
        let good = source(splits(&data)) -> valid(least) else bad;
        let (scored, largest, odd) = good -> key_by(|tx| tx.card) -> score(limit);
        scored -> map(text("scored")) -> sink(out.clone());
        let large = largest -> map(|tx| (tx.card, tx.cents));
        let (left, right) = large -> split(move |l| l.1 % 3 == 0);
        let negative = left -> map(|l| (l.0, -l.1));
        union(negative, right) -> count() -> map(text("large")) -> sink(out.clone());
        odd -> map(text("odd")) -> sink(out.clone());
        bad -> map(text("bad")) -> sink(out);
    }
    // Two exchanges in a row: the state that is dropped is by shop, where each shop is of one card.
    fn sessions(data: Data, m: i64, out: Out) {
        source(splits(&data)) -> key_by(|tx| tx.card) -> map(|tx| Tx { shop: format!("{}/{}", tx.card, tx.shop), ..tx })
            -> key_by(|tx| tx.shop.clone()) -> session(m) -> map(text("session")) -> sink(out);
    }
    // Two inputs that share state: what each card comes to does not depend on their order.
    fn credits(data: Data, gifts: Vec<(u64, i64)>, out: Out) {
        let txs = source(splits(&data)) -> key_by(|tx| tx.card);
        let gifts = source(gifts) -> key_by(|gift| gift.0);
        (txs, gifts) -> credit -> count() -> map(text("credit")) -> sink(out);
    }
    fn word_count(lines: Vec<String>, out: Out) {
        source(lines) -> words -> key_by(|w| w.clone()) -> count() -> map(text("words")) -> sink(out);
    }
}

/// What a sink got, by name; in order where the oracle knows it.
fn take(out: &Out) -> BTreeMap<&'static str, Vec<String>> {
    let mut by_name: BTreeMap<_, Vec<_>> = BTreeMap::new();
    out.take().into_iter().for_each(|(name, value)| by_name.entry(name).or_default().push(value));
    by_name.values_mut().for_each(|values| values.sort());
    by_name
}
fn emit<T: std::fmt::Debug>(into: &Out, name: &'static str, value: T) {
    malstrom::Sink::write(&mut into.clone(), &mut vec![(name, format!("{value:?}"))]).unwrap();
}

fn oracle_aggregates(data: &Data, keys: u64, n: usize, out: &Out) {
    let mut kept: BTreeMap<u64, Vec<Tx>> = BTreeMap::new();
    let clean =
        data.iter().flatten().map(|tx| Tx { cents: tx.cents + 3, ..tx.clone() }).filter(|tx| tx.cents % 11 != 0);
    clean.for_each(|tx| kept.entry(tx.card % keys).or_default().push(tx));
    for (k, txs) in kept {
        let (mut reduced, mut folded, mut seen, mut even) = (None::<Tx>, String::new(), HashSet::new(), 0u64);
        for i in 1..=txs.len() {
            let (now, tx) = (&txs[..i], &txs[i - 1]);
            let sum: i64 = now.iter().map(|tx| tx.cents).sum();
            emit(out, "count", (k, i));
            emit(out, "sum", (k, sum));
            emit(out, "min", (k, now.iter().map(|tx| tx.cents).min().unwrap()));
            emit(out, "max", (k, now.iter().map(|tx| &tx.shop).max().unwrap()));
            emit(out, "average", (k, now.iter().fold(0.0, |a, tx| a + tx.cents as f64) / i as f64));
            reduced = Some(match reduced {
                None => tx.clone(),
                Some(a) => Tx { cents: a.cents * 3 % 1009 + tx.cents, ..tx.clone() },
            });
            emit(out, "reduce", (k, reduced.as_ref().unwrap()));
            folded = format!("{}{}", &folded[folded.len().saturating_sub(9)..], tx.cents);
            emit(out, "fold", (k, &folded));
            let mut best = now.to_vec();
            best.sort_by_key(|tx| std::cmp::Reverse(tx.cents % 50));
            best.truncate(n);
            emit(out, "top", (k, best));
            if seen.insert(tx.cents % 40) {
                emit(out, "distinct", tx.cents % 40);
            }
            if tx.cents % 2 == 0 {
                even += 1;
                emit(out, "counted", (k, even));
            }
        }
    }
}
fn oracle_branches(data: &Data, least: i64, limit: i64, out: &Out) {
    let (mut profiles, mut large): (BTreeMap<u64, (u64, i64)>, BTreeMap<u64, u64>) = Default::default();
    for tx in data.iter().flatten() {
        if tx.cents < least {
            let error = format!("{} of card {}", tx.cents, tx.card);
            emit(out, "bad", malstrom::Failure { error, operator: "branches/valid".into() });
            continue;
        }
        let p = profiles.entry(tx.card).or_default();
        (p.0, p.1) = (p.0 + 1, p.1 + tx.cents);
        if tx.cents % 2 != 0 {
            emit(out, "odd", tx.cents);
        }
        if tx.cents > limit {
            let n = large.entry(tx.card).or_default();
            *n += 1;
            emit(out, "large", (tx.card, *n));
        } else {
            emit(out, "scored", (tx.card, p.0, p.1));
        }
    }
}
fn oracle_sessions(data: &Data, m: i64, out: &Out) {
    let mut open: BTreeMap<String, i64> = BTreeMap::new();
    for tx in data.iter().flatten() {
        let shop = format!("{}/{}", tx.card, tx.shop);
        match open.remove(&shop) {
            None => drop(open.insert(shop, tx.cents)),
            Some(since) if tx.cents % m == 0 => emit(out, "session", (shop, tx.cents - since)),
            Some(since) => drop(open.insert(shop, since)),
        }
    }
}
fn oracle_credits(data: &Data, gifts: &[(u64, i64)], out: &Out) {
    let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
    for card in data.iter().flatten().map(|tx| tx.card).chain(gifts.iter().map(|gift| gift.0)) {
        let n = counts.entry(card).or_default();
        *n += 1;
        emit(out, "credit", (card, *n));
    }
}

fn txs(seed: u64, n: usize, cards: u64) -> Vec<Tx> {
    let mut random = support::scrambled(seed);
    let mut tx =
        || Tx { card: random() % cards, cents: (random() % 2_001) as i64 - 1_000, shop: format!("s{}", random() % 5) };
    (0..n).map(|_| tx()).collect()
}
/// Several splits, of which each has cards of its own, so that what comes out does not depend on how they interleave.
fn dealt(txs: Vec<Tx>, splits: usize, keys: u64) -> Data {
    let mut data = vec![Vec::new(); splits];
    txs.into_iter().for_each(|tx| data[(tx.card % keys) as usize % splits].push(tx));
    data
}

fn compare(workers: usize, oracle: impl FnOnce(&Out), job: impl Fn(Out) -> malstrom::Pipeline + Send + Sync + 'static) {
    let (expected, out) = (memory::collector(), memory::collector());
    oracle(&expected);
    let into = out.clone();
    run(workers, move || job(into.clone())).unwrap();
    let (got, expected) = (take(&out), take(&expected));
    assert_eq!(got.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, values) in &expected {
        assert_eq!(&got[name], values, "{name}, {workers} workers");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 50, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn aggregates_do(seed: u64, n in prop_oneof![0..5usize, 800..1_100usize], cards in 20..300u64, keys in 10..40u64, best in 0..5usize, splits in 1..5usize) {
        let data = dealt(txs(seed, n, cards), splits, keys);
        for workers in 1..=4 {
            let given = data.clone();
            compare(workers, |out| oracle_aggregates(&data, keys, best, out), move |out| aggregates(given.clone(), keys, best, out));
        }
    }
    #[test]
    fn branches_do(seed: u64, n in prop_oneof![0..5usize, 600..3_000usize, Just(20_000)], cards in 1..300u64, least in -1_000..0i64, limit in 0..1_000i64, splits in 1..5usize) {
        let data = dealt(txs(seed, n, cards), splits, u64::MAX);
        for workers in 1..=4 {
            let given = data.clone();
            compare(workers, |out| oracle_branches(&data, least, limit, out), move |out| branches(given.clone(), least, limit, out));
        }
    }
    #[test]
    fn sessions_do(seed: u64, n in prop_oneof![0..5usize, 600..3_000usize, Just(20_000)], cards in 1..300u64, m in 1..9i64, splits in 1..5usize) {
        let data = dealt(txs(seed, n, cards), splits, u64::MAX);
        for workers in 1..=4 {
            let given = data.clone();
            compare(workers, |out| oracle_sessions(&data, m, out), move |out| sessions(given.clone(), m, out));
        }
    }
    #[test]
    fn two_inputs_do(seed: u64, n in prop_oneof![0..5usize, 600..3_000usize], cards in 1..300u64, gifts in proptest::collection::vec((0..300u64, any::<i32>().prop_map(i64::from)), 0..2_000)) {
        let data = dealt(txs(seed, n, cards), 3, u64::MAX);
        for workers in 1..=4 {
            let (given, all) = (data.clone(), gifts.clone());
            compare(workers, |out| oracle_credits(&data, &gifts, out), move |out| credits(given.clone(), all.clone(), out));
        }
    }
    #[test]
    fn words_do(lines in proptest::collection::vec("([a-dA-D]{1,2} ?){0,9}", 0..700)) {
        for workers in 1..=4 {
            let given = lines.clone();
            let oracle = |out: &Out| {
                let mut counts: BTreeMap<String, u64> = BTreeMap::new();
                for word in lines.iter().flat_map(|line| line.split_whitespace()) {
                    let n = counts.entry(word.to_lowercase()).or_default();
                    *n += 1;
                    emit(out, "words", (word.to_lowercase(), *n));
                }
            };
            compare(workers, oracle, move |out| word_count(given.clone(), out));
        }
    }
}
