//! Windows whose lateness is another one when the job is started again. Those that were over by the lateness that they had stay
//! that, also in what later snapshots are relative to; of the others it decides from then on.
use super::late::{Job, session_windows, sliding_windows, told_by, tumbling_windows};
use crate::support::survival::{Once, Out, PerKey, per_key, same, sample};
use crate::support::time_oracle::{Ev, Kind, Model, Shape, streams, windows};
use crate::support::two_phase::two_phase_telling;
use malstrom_core::sim::engine::{Fault, Memory, Random, Schedule, Setup, What, live};
use std::cell::Cell;

/// Runs a job that is stopped twice, with another lateness behind the first stop. Returns what came out, how many records came
/// before that, and whether some came behind the second one.
fn run(
    seed: u64,
    evs: &Once<Ev>,
    make: impl Fn(i64, &Out) -> malstrom::Pipeline,
    lateness: (i64, i64),
) -> (PerKey, usize, bool) {
    let mut random = Random::new(seed).branch("stops");
    let (first, second) = (20 + random.below(100), 20 + random.below(100));
    let stop = |at, workers| Fault { at, what: What::Restart { workers } };
    let faults = vec![stop(first, 1 + seed as usize % 2), stop(first + second, 1)];
    let setup = Setup { seed, schedule: Schedule { workers: 2, faults }, ..Setup::default() };
    let memory = evs.clone();
    let out: Out = two_phase_telling(move |n| memory.commit(n));
    let (made, then) = (Cell::new(0), Cell::new(usize::MAX));
    let make = || {
        let before = made.replace(made.get() + 1);
        if before == 2 {
            then.set(evs.committed(0));
        }
        make(if before < 2 { lateness.0 } else { lateness.1 }, &out)
    };
    let lived = live(&setup, Some(&mut Memory::default()), &make).unwrap();
    (per_key(out.take()), then.get(), lived.rescales == 2 && lived.read > 0)
}
fn changes(name: &str, job: Job, kind: impl Fn(i64, i64, i64) -> (Kind, i64, i64)) {
    let mut twice = 0;
    let shape = Shape { splits: 1, records: 300, dealt: true, late: 5 };
    let inputs = (0..).map(|seed| (seed, sample(&streams(shape), seed)));
    for (seed, (data, lag)) in inputs.filter(|(_, (data, _))| data[0].len() > 100).take(4) {
        let (size, every, offset) = sample(&windows(), seed);
        let short = sample(&(0..20i64), seed);
        let long = short + sample(&(20..200i64), seed);
        let lateness = if seed % 4 == 3 { (long, short) } else { (short, long) };
        let (kind, p, q) = kind(size, every, offset);
        let evs = Once::new(data.clone());
        let (mut got, then, both) =
            run(seed, &evs, |lateness, out| job(evs.clone(), lag, lateness, out.clone(), p, q), lateness);
        twice += u64::from(both);
        let model = Model::changed(kind, lag, lateness, then, &data[0]);
        let mut expected = told_by(&model, &Model::new(kind, lag, 0, &data[0]));
        // What is distinct is told once for all windows of a key, and not by the model.
        let mut told = vec!["distinct"];
        if name == "sliding" {
            // What a pane has for windows that are kept, a window that was over has again.
            told.extend(["count", "sum", "min", "max", "average", "reduce", "fold", "top"]);
        }
        got.retain(|(name, _), _| !told.contains(&&**name));
        expected.retain(|(name, _), _| !told.contains(&&**name));
        same(got, &expected, &(name, kind, lag, lateness, then, seed));
    }
    assert!(twice > 1, "{twice} jobs were stopped twice");
}
#[test]
fn tumbling_windows_do() {
    let kind = |size, _, offset| (Kind::Aligned { size, every: size, offset }, size, offset);
    changes("tumbling", tumbling_windows, kind);
}
#[test]
fn sliding_windows_do() {
    let kind = |size, every, _| (Kind::Aligned { size, every, offset: 0 }, size, every);
    changes("sliding", sliding_windows, kind);
}
#[test]
fn sessions_do() {
    changes("sessions", session_windows, |size, _, _| (Kind::Session { gap: size }, size, 0));
}
