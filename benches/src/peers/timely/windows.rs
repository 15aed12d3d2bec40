//! `w3`.
use super::{TURN, Vectors};
use crate::nexmark::Map;
use crate::tally::Tally;
use crate::workload::{WINDOW_MS, route, w3_bound, w3_event, w3_value};
use std::collections::BTreeMap;
use timely::dataflow::Scope;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::generic::operator::source;
use timely::dataflow::operators::{Capability, Operator};

/// Counts per key and window. A window holds a capability for its end.
pub(super) fn counted(scope: Scope<'_, u64>, mut numbers: impl Iterator<Item = u64> + 'static, keys: u64) {
    let mut sink = Tally::default();
    let by_key = Exchange::new(|record: &(u64, u64)| route(record.0));
    source::<_, Vectors<(u64, u64)>, _, _>(scope, "timed", move |capability, info| {
        let activator = scope.activator_for(info.address);
        let mut capability = Some(capability);
        let mut latest = 0;
        move |output| {
            let Some(open) = &mut capability else { return };
            let mut session = output.session(&*open);
            let mut given = 0;
            numbers.by_ref().take(TURN).for_each(|i| {
                let record = w3_event(i, keys);
                latest = latest.max(record.1);
                session.give(record);
                given += 1;
            });
            drop(session);
            open.downgrade(&w3_bound(latest));
            if given == TURN { activator.activate() } else { capability = None }
        }
    })
    .unary_frontier::<Vectors<(u64, u64, u64)>, _, _, _>(by_key, "count", |_, _| {
        let mut windows: BTreeMap<u64, (Capability<u64>, Map<u64, u64>)> = BTreeMap::new();
        move |(input, frontier), output| {
            input.for_each(|capability, data| {
                for (key, at) in data.drain(..) {
                    let window = at / WINDOW_MS;
                    let fresh = || (capability.delayed(&((window + 1) * WINDOW_MS), 0), Map::default());
                    *windows.entry(window).or_insert_with(fresh).1.entry(key).or_insert(0) += 1;
                }
            });
            while let Some(first) = windows.first_entry().filter(|first| !frontier.less_than(first.get().0.time())) {
                let (window, (capability, counts)) = first.remove_entry();
                let mut session = output.session(&capability);
                counts.into_iter().for_each(|(key, count)| session.give((key, window, count)));
            }
        }
    })
    .sink(Pipeline, "sink", move |(input, _)| {
        input.for_each(|_, data| {
            data.drain(..).for_each(|(key, window, count)| sink.put(w3_value(key, window, count)));
        });
    });
}
