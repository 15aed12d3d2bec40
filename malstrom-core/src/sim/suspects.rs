//! Which operator it is that gives other results for the same input.
use super::engine::{Aspect, Note};
use crate::graph::picture::{NodeKind, Plan};
use std::collections::{BTreeMap, BTreeSet};

/// The first operator of which two runs of one seed have different notes, in the order of the plan: the step in which they begin to
/// differ is the same for all. `Some(None)` if they differ in nothing that belongs to an operator.
pub(super) fn first_other(a: &[Note], b: &[Note]) -> Option<Option<usize>> {
    let at = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    if at == a.len() && at == b.len() {
        return None;
    }
    // All that was noted since the last step.
    let begin = a[..at].iter().rposition(|note| matches!(note, Note::Step(..))).map_or(0, |step| step + 1);
    let (a, b) = (of_step(&a[begin..]), of_step(&b[begin..]));
    let nodes: BTreeSet<usize> =
        a.keys().chain(b.keys()).filter(|what| a.get(what) != b.get(what)).map(|(node, _)| *node).collect();
    Some(nodes.first().copied())
}
fn of_step(notes: &[Note]) -> BTreeMap<(usize, Aspect), Vec<u64>> {
    let mut all: BTreeMap<_, Vec<u64>> = BTreeMap::new();
    for note in notes {
        match note {
            Note::Of(node, aspect, hash) => all.entry((*node, *aspect)).or_default().push(*hash),
            Note::Step(..) => break,
        }
    }
    all
}

/// The operators whose doing it can be that `node` is not the same in two runs: itself and what is before it, nearest first.
/// Sources, whose records a program gives, come last.
pub(super) fn suspects(plan: &Plan, node: usize) -> Vec<String> {
    let (mut reached, mut front) = (vec![node], vec![node]);
    while let Some(at) = front.pop() {
        // What crosses an exchange is looked at, so what came before another one was the same.
        if at != node && plan.nodes[at].kind == NodeKind::Exchange {
            continue;
        }
        for edge in plan.edges.iter().filter(|edge| edge.to == at) {
            if !reached.contains(&edge.from) {
                reached.push(edge.from);
                front.push(edge.from);
            }
        }
    }
    // What comes before others in the plan is farther away.
    reached.sort_unstable_by(|a, b| b.cmp(a));
    let of = |kinds: &'static [NodeKind]| {
        reached.iter().map(|at| &plan.nodes[*at]).filter(|node| kinds.contains(&node.kind)).map(|node| node.id.clone())
    };
    let stages: Vec<String> = of(&[NodeKind::Stage, NodeKind::Stateful]).collect();
    if stages.is_empty() { of(&[NodeKind::Source]).collect() } else { stages }
}
