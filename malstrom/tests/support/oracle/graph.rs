//! The graph of a program.
use super::{Program, Rec, Step, checked, differed, fan_out, joined, pick, score, sided, summed};
use malstrom::Pipeline;
use malstrom::connect::memory;
use malstrom::names::KeyedBy;
use malstrom_core::Graph;
use malstrom_core::contract::form::{Form, Formed};
use malstrom_core::contract::typed::Typed;
use malstrom_core::graph::policy::{self, OrElse};
use malstrom_core::graph::source::source;
use malstrom_core::graph::split::{self, Shared};
use malstrom_core::graph::{aggregates, build};
use malstrom_core::graph::{fragment, join};
use malstrom_core::stream::Stream;
use std::marker::PhantomData;
struct Any;
type Plain = Shared<Rec, Formed, Any>;
type Keyed = Shared<Rec, Formed<KeyedBy<u64>>, Any>;
enum Open {
    Plain(Plain),
    Keyed(Keyed),
}
/// Makes the type of a stream one that can be kept in a list.
trait Opens: Form + Sized {
    fn open(shared: Shared<Rec, Self, Any>) -> Open;
}
impl Opens for Formed {
    fn open(shared: Plain) -> Open {
        Open::Plain(shared)
    }
}
impl Opens for Formed<KeyedBy<u64>> {
    fn open(shared: Keyed) -> Open {
        Open::Keyed(shared)
    }
}
#[allow(clippy::implied_bounds_in_impls)]
fn erase<Fm: Opens>(g: &Graph, s: impl Stream + Typed<Item = Rec, Form = Fm>) -> Open {
    Fm::open(split::share(g.clone(), build::named(s, PhantomData::<Any>)))
}
fn rec((at, value): (u64, i64)) -> Rec {
    Rec { at, value }
}

/// The same for streams with and without a key.
macro_rules! either {
    ($open:expr, |$s:ident| $body:expr) => {
        match $open {
            Open::Plain(shared) => {
                let $s = shared.read();
                $body
            }
            Open::Keyed(shared) => {
                let $s = shared.read();
                $body
            }
        }
    };
}

/// Builds what [`interpret`] said applies.
pub fn pipeline(input: &[Vec<i64>], program: &Program, outs: &[memory::Collector<Rec>]) -> Pipeline {
    let g = Graph::new("random");
    let data = input.to_vec();
    let splits = memory::splits(input.len(), move |split| data[split].clone().into_iter().map(|value| rec((0, value))));
    let mut open = vec![erase(&g, source(g.clone(), "source", splits))];
    for (i, (at, step)) in program.iter().enumerate() {
        let id: &'static str = Box::leak(format!("step_{i}").into_boxed_str());
        let at = *at as usize;
        extend(&g, id, &mut open, at, *step);
    }
    assert_eq!(open.len(), outs.len());
    for (i, (stream, out)) in open.into_iter().zip(outs).enumerate() {
        let id: &'static str = Box::leak(format!("sink_{i}").into_boxed_str());
        either!(stream, |s| build::sink(g.clone(), id, out.clone(), s));
    }
    g.finish()
}

fn extend(g: &Graph, id: &'static str, open: &mut Vec<Open>, at: usize, step: Step) {
    let c = || g.clone();
    let (next, more) = match step {
        Step::Map(a, b) => either!(&open[at], |s| {
            (
                erase(
                    g,
                    build::map(c(), id, s, move |r: Rec| Rec { value: r.value.wrapping_mul(a).wrapping_add(b), ..r }),
                ),
                None,
            )
        }),
        Step::Filter(m) => {
            either!(&open[at], |s| (erase(g, build::filter(c(), id, s, move |r: &Rec| !pick(r.value, m))), None))
        }
        Step::FilterMap(m) => either!(&open[at], |s| {
            let f = move |r: Rec| (!pick(r.value, m)).then_some(Rec { value: r.value / 2, ..r });
            (erase(g, build::filter_map(c(), id, s, f)), None)
        }),
        Step::FlatMap(m) => {
            either!(&open[at], |s| (erase(g, build::flat_map(c(), id, s, move |r| fan_out(r, m))), None))
        }
        Step::Fused(m, by) => either!(&open[at], |s| {
            let s = build::map(c(), "fused_map", s, move |r: Rec| Rec { value: r.value.wrapping_add(by), ..r });
            let s = build::filter(c(), "fused_filter", s, move |r: &Rec| !pick(r.value, by + 1));
            let s = build::flat_map(c(), id, s, move |r| fan_out(r, m));
            (erase(g, build::inspect(c(), "fused_inspect", s, |_| ())), None)
        }),
        Step::Cut => either!(&open[at], |s| (erase(g, build::cut(c(), s)), None)),
        Step::KeyBy(m) => either!(&open[at], |s| {
            let s = build::map(c(), "before", s, move |r: Rec| Rec { at: r.value.rem_euclid(m) as u64, ..r });
            (erase(g, build::key_by(c(), id, build::by(s, |r: &Rec| r.at))), None)
        }),
        Step::Fallible(m) => either!(&open[at], |s| {
            let policy: OrElse<_, Any> = policy::or_else(&s, PhantomData);
            let (s, failed) = build::call(c(), id, checked::__op(m), s, policy);
            let failed = build::map(c(), "failed", failed, |f| f.error);
            (erase(g, s), Some(erase(g, failed)))
        }),
        Step::Split(m) => either!(&open[at], |s| {
            let (yes, no) = split::split(c(), id, s, move |r: &Rec| pick(r.value, m));
            (erase(g, yes), Some(erase(g, no)))
        }),
        Step::Side(m) => either!(&open[at], |s| {
            let (s, (), (side,)) = split::call_with_sides(c(), id, sided::__op(m), s, policy::Unfailing);
            (erase(g, s), Some(erase(g, side)))
        }),
        Step::Fan => either!(&open[at], |s| {
            let copy = match &open[at] {
                Open::Plain(shared) => erase(g, shared.read()),
                Open::Keyed(shared) => erase(g, shared.read()),
            };
            (erase(g, s), Some(copy))
        }),
        Step::Union | Step::Two => {
            let alike = |o: &Open| matches!(o, Open::Plain(_)) == matches!(&open[at], Open::Plain(_));
            let other = (at + 1..open.len()).find(|other| alike(&open[*other])).unwrap();
            let other = open.remove(other);
            match (&open[at], other, step) {
                (Open::Plain(a), Open::Plain(b), _) => {
                    let both = join::union_with(c(), join::union_of(c(), a.read()), b.read());
                    (erase(g, join::union(c(), id, both)), None)
                }
                (Open::Keyed(a), Open::Keyed(b), Step::Union) => {
                    let both = join::union_with(c(), join::union_of(c(), a.read()), b.read());
                    (erase(g, join::union(c(), id, both)), None)
                }
                (Open::Keyed(a), Open::Keyed(b), _) => {
                    let (s, ()) = join::call_two(c(), id, joined::__op(), (a.read(), b.read()), policy::Unfailing);
                    (erase(g, s), None)
                }
                _ => unreachable!("they are keyed alike"),
            }
        }
        Step::Count | Step::Distinct | Step::Running(_) => {
            let Open::Keyed(shared) = &open[at] else { unreachable!("the interpreter asks for a key") };
            (aggregate(g, id, shared, step), None)
        }
    };
    open[at] = next;
    open.extend(more);
}

fn aggregate(g: &Graph, id: &'static str, shared: &Keyed, step: Step) -> Open {
    let (c, s) = (|| g.clone(), shared.read());
    match step {
        Step::Count => {
            let s = aggregates::count(c(), id, s);
            erase(g, build::map(c(), "out", s, |(k, n)| rec((k, n as i64))))
        }
        Step::Distinct => erase(g, aggregates::distinct(c(), id, s, None)),
        Step::Running(0) => {
            // In debug builds an overflow panics.
            let s = aggregates::sum(c(), id, build::by(s, |r: &Rec| r.value % 1_000));
            erase(g, build::map(c(), "out", s, rec))
        }
        Step::Running(1) => {
            let s = aggregates::min(c(), id, build::by(s, |r: &Rec| r.value));
            erase(g, build::map(c(), "out", s, rec))
        }
        Step::Running(2) => {
            let s = aggregates::max(c(), id, build::by(s, |r: &Rec| r.value));
            erase(g, build::map(c(), "out", s, rec))
        }
        Step::Running(3) => {
            let s = aggregates::reduce(
                c(),
                id,
                s,
                |a: Rec, b: Rec| Rec { value: a.value.wrapping_mul(5) ^ b.value, ..b },
                None,
            );
            erase(g, build::map(c(), "out", s, |(k, r)| rec((k, r.value))))
        }
        Step::Running(4) => {
            let s = aggregates::folding(s, 0i64, |a: i64, r: Rec| a.wrapping_mul(31).wrapping_add(r.value));
            let s = aggregates::fold(c(), id, s, (None, None));
            erase(g, build::map(c(), "out", s, rec))
        }
        Step::Running(5) => {
            let s = aggregates::top(c(), id, build::by(s, score), 3, None);
            erase(g, build::map(c(), "out", s, |(k, best)| rec((k, best.iter().fold(0, |a, r| a * 1_000 + score(r))))))
        }
        Step::Running(6) => erase(g, fragment::then(c(), id, summed::__op(), s)),
        _ => erase(g, fragment::then(c(), id, differed::__op(), s)),
    }
}
