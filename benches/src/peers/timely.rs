//! timely 0.32: one operator for each logical step, vectors as containers, sized as timely sizes them.
//!
//! How fair: sources emit 16k records per activation, state is the same map with the same hash as in the hand-written
//! loops and is looked up once a record; the exchange uses our routing function. Progress tracking runs, as it must,
//! though there is a single epoch without event time; there is no checkpoint to switch off. With event time, a capability's time is the watermark in milliseconds, lowered
//! at each activation. In the latency workload the sources reactivate
//! themselves at once: timely spins, both cores are busy, and nothing holds a fast sender back.
mod nexmark;
mod windows;

use super::Case;
use super::hand::Sums;
use crate::tally::{LatencyTally, Tally, now_ns};
use crate::workload::{Workload, mix, pace, route, share, w2_event};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::Operator;
use timely::dataflow::operators::generic::operator::source;
use timely::dataflow::operators::vec::{Filter, Map};
use timely::dataflow::{Scope, StreamVec};

type Vectors<T> = CapacityContainerBuilder<Vec<T>>;

/// Records a source emits before the other operators have their turn.
const TURN: usize = 16 * 1024;

/// Does the work.
pub(super) fn run(case: &Case) {
    let Case { workload, workers, keys, records } = *case;
    let start = now_ns() + pace::LEAD_NS;
    let guards = timely::execute(timely::Config::process(workers), move |worker| {
        let (me, all) = (worker.index() as u64, worker.peers() as u64);
        worker.dataflow::<u64, _, _>(|scope| match workload {
            Workload::W1 => chain(scope, share(me, all, records).map(mix)),
            Workload::W2 => summed(scope, share(me, all, records).map(move |i| w2_event(i, keys))),
            Workload::W3 => windows::counted(scope, (me..records).step_by(all as usize), keys),
            Workload::W6 => paced(scope, pace::Schedule::new(me, records, keys, start), start),
            query => nexmark::run(scope, query, me as usize, all as usize),
        });
        while worker.step_or_park(None) {}
    });
    let guards = guards.expect("timely starts without a network");
    guards.join().into_iter().for_each(|worker| worker.expect("no worker panics"));
}

fn chain(scope: Scope<'_, u64>, numbers: impl Iterator<Item = u64> + 'static) {
    let mut sink = Tally::default();
    generated(scope, numbers)
        .map(|x| x.wrapping_mul(31).wrapping_add(7))
        .filter(|x| x % 3 == 0)
        .map(|x| x ^ (x >> 7))
        .sink(Pipeline, "sink", move |(input, _)| input.for_each(|_, data| data.drain(..).for_each(|x| sink.put(x))));
}

fn summed(scope: Scope<'_, u64>, records: impl Iterator<Item = (u64, u64)> + 'static) {
    let mut sink = Tally::default();
    let by_key = Exchange::new(|record: &(u64, u64)| route(record.0));
    generated(scope, records)
        .unary::<Vectors<(u64, u64)>, _, _, _>(by_key, "sum", |_, _| {
            let mut sums = Sums::default();
            move |input, output| {
                input.for_each(|capability, data| {
                    let mut session = output.session(&capability);
                    for (key, value) in data.drain(..) {
                        let sum = sums.entry(key).or_insert(0);
                        *sum += value;
                        session.give((key, *sum));
                    }
                });
            }
        })
        .sink(Pipeline, "sink", move |(input, _)| {
            input.for_each(|_, data| data.drain(..).for_each(|(_, sum)| sink.put(sum)));
        });
}

fn paced(scope: Scope<'_, u64>, mut schedule: pace::Schedule, start: u64) {
    let mut sink = LatencyTally::new(start);
    let by_key = Exchange::new(|record: &(u64, u64, u64)| route(record.0));
    source::<_, Vectors<(u64, u64, u64)>, _, _>(scope, "paced", move |capability, info| {
        let activator = scope.activator_for(info.address);
        let mut capability = Some(capability);
        move |output| {
            if let Some(capability) = &capability {
                let mut session = output.session(capability);
                let now = now_ns();
                while let Some(record) = schedule.take(now) {
                    session.give(record);
                }
            }
            if schedule.next_due().is_some() { activator.activate() } else { capability = None }
        }
    })
    .unary::<Vectors<(u64, u64, u64)>, _, _, _>(by_key, "sum", |_, _| {
        let mut sums = Sums::default();
        move |input, output| {
            input.for_each(|capability, data| {
                let mut session = output.session(&capability);
                for (key, value, due) in data.drain(..) {
                    let sum = sums.entry(key).or_insert(0);
                    *sum += value;
                    session.give((key, *sum, due));
                }
            });
        }
    })
    .sink(Pipeline, "sink", move |(input, _)| {
        input.for_each(|_, data| data.drain(..).for_each(|(_, sum, due)| sink.put(sum, due)));
    });
}

/// A source that emits all of these, a turn at a time.
fn generated<'s, T: 'static>(
    scope: Scope<'s, u64>,
    mut records: impl Iterator<Item = T> + 'static,
) -> StreamVec<'s, u64, T> {
    source::<_, Vectors<T>, _, _>(scope, "generated", move |capability, info| {
        let activator = scope.activator_for(info.address);
        let mut capability = Some(capability);
        move |output| {
            let Some(open) = &capability else { return };
            let mut session = output.session(open);
            let mut given = 0;
            records.by_ref().take(TURN).for_each(|record| {
                session.give(record);
                given += 1;
            });
            drop(session);
            if given == TURN { activator.activate() } else { capability = None }
        }
    })
}
