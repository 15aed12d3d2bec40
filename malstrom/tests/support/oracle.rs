//! An oracle: random graphs over random input, and a plain sequential interpreter that says what must come out.
//!
//! Where one split feeds a key, what comes out under that key is known in order. Where several do, or a union, only what
//! does not depend on the order is built: [`Known`] says which of the two it is.
mod graph;
pub use graph::pipeline;

use super::run;
use malstrom::connect::memory;
use malstrom::prelude::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap, HashSet};

/// What flows: a value, and the key it travels under.
#[derive(Record, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rec {
    pub at: u64,
    pub value: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    Map(i64, i64),
    Filter(i64),
    FilterMap(i64),
    FlatMap(i64),
    /// `map -> filter -> flat_map -> inspect` in one segment.
    Fused(i64, i64),
    Cut,
    KeyBy(i64),
    Count,
    Distinct,
    /// Those that depend on the order: `sum`, `min`, `max`, `reduce`, `fold`, `top`, `&mut S`, `&mut Option<S>`.
    Running(u8),
    /// `else stream`.
    Fallible(i64),
    Split(i64),
    Side(i64),
    Fan,
    Union,
    Two,
}

/// One step behind the open stream of this number (modulo how many there are).
pub type Program = Vec<(u8, Step)>;

pub fn steps() -> impl Strategy<Value = Program> {
    use Step::*;
    let step = prop_oneof![
        (-3..4i64, -9..9i64).prop_map(|(a, b)| Map(a, b)),
        (1..5i64).prop_map(Filter),
        (1..5i64).prop_map(FilterMap),
        (1..4i64).prop_map(FlatMap),
        (1..4i64, 1..5i64).prop_map(|(a, b)| Fused(a, b)),
        Just(Cut),
        (1..200i64).prop_map(KeyBy),
        (1..8i64).prop_map(KeyBy),
        Just(Count),
        Just(Distinct),
        (0..8u8).prop_map(Running),
        (0..8u8).prop_map(Running),
        (1..5i64).prop_map(Fallible),
        (1..5i64).prop_map(Split),
        (1..5i64).prop_map(Side),
        Just(Fan),
        Just(Union),
        Just(Two),
    ];
    proptest::collection::vec((any::<u8>(), step), 0..12)
}

// ---- what the steps do, for both sides -----------------------------------------------------------------------------

const MOST: usize = 40_000;

fn pick(value: i64, m: i64) -> bool {
    value.rem_euclid(m) == 0
}
fn fan_out(r: Rec, m: i64) -> impl Iterator<Item = Rec> {
    (0..r.value.rem_euclid(m + 1)).map(move |i| Rec { value: r.value.wrapping_add(i * 7), ..r })
}
fn score(r: &Rec) -> i64 {
    r.value.rem_euclid(1_000)
}

#[keyed_state(key = u64)]
#[derive(Default)]
struct Sum {
    sum: i64,
    n: i64,
}
#[keyed_state(key = u64)]
struct Held {
    last: i64,
}
#[operator]
fn summed(state: &mut Sum, r: Rec, key: Key<'_, u64>) -> Rec {
    assert_eq!(*key, r.at);
    state.n += 1;
    state.sum = state.sum.wrapping_mul(3).wrapping_add(r.value);
    Rec { value: state.sum.wrapping_add(state.n), ..r }
}
#[operator]
fn differed(state: &mut Option<Held>, r: Rec) -> Rec {
    let before = state.as_ref().map_or(-1, |held| held.last);
    *state = (!pick(r.value, 5)).then_some(Held { last: r.value });
    Rec { value: r.value.wrapping_sub(before), ..r }
}
#[operator]
fn checked(r: Rec, #[arg] m: i64) -> Result<Rec, Rec> {
    if pick(r.value, m) { Err(r) } else { Ok(r) }
}
#[operator]
fn sided(r: Rec, side: Output<'_, Rec>, #[arg] m: i64) -> Option<Rec> {
    if pick(r.value, m) {
        side.push(Rec { value: r.value.wrapping_neg(), ..r });
        side.push(r);
    }
    (!pick(r.value, m + 1)).then_some(r)
}
#[operator(on_right = joined_right)]
fn joined(state: &mut Sum, left: Rec) -> Rec {
    state.n += 1;
    Rec { value: state.n, ..left }
}
#[operator]
fn joined_right(state: &mut Sum, right: Rec) -> Rec {
    state.n += 1;
    Rec { value: state.n, ..right }
}

// ---- the interpreter -----------------------------------------------------------------------------------------------

/// What is known of the order of a stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Known {
    /// All records are in order; they come from one split, and have not been exchanged.
    Order,
    /// The records of each key are in order.
    OrderPerKey,
    /// Nothing.
    Nothing,
}
#[derive(Clone, Debug)]
pub struct Expected {
    pub records: Vec<Rec>,
    pub known: Known,
    keyed: bool,
}

/// Interprets a program: what of it applies, and what comes out of each stream that is left open.
pub fn interpret(input: &[Vec<i64>], program: &Program) -> (Program, Vec<Expected>) {
    let records = input.iter().flatten().map(|value| Rec { at: 0, value: *value }).collect();
    let known = if input.len() == 1 { Known::Order } else { Known::Nothing };
    let mut open = vec![Expected { records, known, keyed: false }];
    let mut applied = Vec::new();
    for (which, step) in program {
        let at = *which as usize % open.len();
        if apply(&mut open, at, *step) {
            applied.push((at as u8, *step));
        }
    }
    (applied, open)
}

fn per_key<S: Default>(records: &mut Vec<Rec>, mut f: impl FnMut(&mut S, Rec) -> Rec) {
    let mut states: HashMap<u64, S> = HashMap::new();
    for r in records {
        *r = f(states.entry(r.at).or_default(), *r);
    }
}

fn apply(open: &mut Vec<Expected>, at: usize, step: Step) -> bool {
    let many = open.len();
    let Expected { records, known, keyed } = &mut open[at];
    match step {
        Step::Map(a, b) => records.iter_mut().for_each(|r| r.value = r.value.wrapping_mul(a).wrapping_add(b)),
        Step::Filter(m) => records.retain(|r| !pick(r.value, m)),
        Step::FilterMap(m) => {
            records.retain(|r| !pick(r.value, m));
            records.iter_mut().for_each(|r| r.value /= 2);
        }
        Step::FlatMap(m) | Step::Fused(m, _) => {
            if records.len() * m as usize > MOST {
                return false;
            }
            let mut out: Vec<Rec> = std::mem::take(records);
            if let Step::Fused(_, by) = step {
                out.iter_mut().for_each(|r| r.value = r.value.wrapping_add(by));
                out.retain(|r| !pick(r.value, by + 1));
            }
            *records = out.into_iter().flat_map(|r| fan_out(r, m)).collect();
        }
        Step::Cut => {}
        Step::KeyBy(m) => {
            records.iter_mut().for_each(|r| r.at = r.value.rem_euclid(m) as u64);
            *known = if *known == Known::Order { Known::OrderPerKey } else { Known::Nothing };
            *keyed = true;
        }
        Step::Count if *keyed => per_key(records, |n: &mut i64, r| {
            *n += 1;
            Rec { value: *n, ..r }
        }),
        Step::Distinct if *keyed => {
            let mut seen = HashSet::new();
            records.retain(|r| seen.insert(*r));
        }
        Step::Running(kind) if *keyed && *known != Known::Nothing => running(records, kind),
        Step::Fallible(m) => {
            let failed = records.iter().filter(|r| pick(r.value, m)).copied().collect();
            records.retain(|r| !pick(r.value, m));
            let (known, keyed) = (*known, *keyed);
            open.push(Expected { records: failed, known, keyed });
        }
        Step::Split(m) => {
            let no = records.iter().filter(|r| !pick(r.value, m)).copied().collect();
            records.retain(|r| pick(r.value, m));
            let (known, keyed) = (*known, *keyed);
            open.push(Expected { records: no, known, keyed });
        }
        Step::Side(m) => {
            let hit = records.iter().filter(|r| pick(r.value, m));
            let side = hit.flat_map(|r| [Rec { value: r.value.wrapping_neg(), ..*r }, *r]).collect();
            records.retain(|r| !pick(r.value, m + 1));
            let (known, keyed) = (*known, *keyed);
            open.push(Expected { records: side, known, keyed });
        }
        Step::Fan if many < 6 => {
            let copy = open[at].clone();
            open.push(copy);
        }
        Step::Union | Step::Two => {
            // With the next one that is keyed alike.
            let keyed = *keyed;
            let other = (at + 1..open.len()).find(|other| open[*other].keyed == keyed);
            let Some(other) = other.filter(|_| keyed || step == Step::Union) else { return false };
            let other = open.remove(other);
            let Expected { records, known, .. } = &mut open[at];
            records.extend(other.records);
            *known = Known::Nothing;
            if step == Step::Two {
                per_key(records, |n: &mut i64, r| {
                    *n += 1;
                    Rec { value: *n, ..r }
                });
            }
        }
        _ => return false,
    }
    true
}

fn running(records: &mut Vec<Rec>, kind: u8) {
    match kind {
        0 => per_key(records, |sum: &mut i64, r| {
            *sum = sum.wrapping_add(r.value % 1_000);
            Rec { value: *sum, ..r }
        }),
        1 => per_key(records, |least: &mut Option<i64>, r| Rec {
            value: *least.insert(least.map_or(r.value, |l| l.min(r.value))),
            ..r
        }),
        2 => per_key(records, |most: &mut Option<i64>, r| Rec {
            value: *most.insert(most.map_or(r.value, |m| m.max(r.value))),
            ..r
        }),
        3 => per_key(records, |kept: &mut Option<i64>, r| Rec {
            value: *kept.insert(kept.map_or(r.value, |k| k.wrapping_mul(5) ^ r.value)),
            ..r
        }),
        4 => per_key(records, |kept: &mut i64, r| {
            *kept = kept.wrapping_mul(31).wrapping_add(r.value);
            Rec { value: *kept, ..r }
        }),
        5 => per_key(records, |best: &mut Vec<Rec>, r| {
            best.push(r);
            best.sort_by_key(|r| std::cmp::Reverse(score(r)));
            best.truncate(3);
            Rec { value: best.iter().fold(0, |a, r| a * 1_000 + score(r)), ..r }
        }),
        6 => per_key(records, |state: &mut (i64, i64), r| {
            state.0 += 1;
            state.1 = state.1.wrapping_mul(3).wrapping_add(r.value);
            Rec { value: state.1.wrapping_add(state.0), ..r }
        }),
        _ => per_key(records, |held: &mut Option<i64>, r| {
            let before = held.unwrap_or(-1);
            *held = (!pick(r.value, 5)).then_some(r.value);
            Rec { value: r.value.wrapping_sub(before), ..r }
        }),
    }
}

// ---- the comparison ------------------------------------------------------------------------------------------------

pub fn by_key(records: &[Rec]) -> BTreeMap<u64, Vec<i64>> {
    let mut keys: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
    records.iter().for_each(|r| keys.entry(r.at).or_default().push(r.value));
    keys
}

pub fn compare(got: Vec<Rec>, expected: &Expected) {
    match expected.known {
        Known::Order => assert_eq!(got, expected.records),
        // This holds the last value of each key too: the state that is left.
        Known::OrderPerKey => assert_eq!(by_key(&got), by_key(&expected.records)),
        Known::Nothing => {
            let (mut got, mut expected) = (got, expected.records.clone());
            got.sort();
            expected.sort();
            assert_eq!(got, expected);
        }
    }
}

/// Runs a program and compares each of its sinks with the oracle.
pub fn check(workers: usize, input: &[Vec<i64>], program: &Program) {
    let (applied, expected) = interpret(input, program);
    let outs: Vec<_> = expected.iter().map(|_| memory::collector()).collect();
    let (data, into) = (input.to_vec(), outs.clone());
    let report = run(workers, move || pipeline(&data, &applied, &into)).unwrap();
    for (i, (out, expected)) in outs.iter().zip(&expected).enumerate() {
        let got = out.take();
        let counted = report.operator(&format!("random/sink_{i}")).map(|op| op.records_in);
        assert_eq!(counted, Some(got.len() as u64), "what the report says of sink {i}");
        compare(got, expected);
    }
}
