//! The plan of a pipeline, and its picture.
use crate::contract::kept::Kept;
use crate::contract::keying::{Keep, Stateless};
use crate::contract::snapshot::Guarantee;
use crate::contract::stage::Operator;
use crate::contract::time::Ticks;
use std::any::TypeId;
use std::fmt;

/// The stages of a pipeline and the edges between them.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) name: String,
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<Edge>,
}
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) id: String,
    /// What its id was, if the pipeline says that.
    pub(crate) was: Option<String>,
    pub(crate) kind: NodeKind,
    /// Those of its input's times.
    pub(crate) ticks: Ticks,
    /// What the output of a sink is like after a failure, where snapshots are on.
    pub(crate) guarantee: Option<Guarantee>,
    /// What it keeps per key.
    pub(crate) kept: Option<Kept>,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeKind {
    Source,
    Stage,
    Stateful,
    Exchange,
    Sink,
}
impl NodeKind {
    pub(crate) fn of<Op: Operator>() -> Self {
        if TypeId::of::<<Op::Keep as Keep>::State>() == TypeId::of::<<Stateless as Keep>::State>() {
            NodeKind::Stage
        } else {
            NodeKind::Stateful
        }
    }
}
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) kind: EdgeKind,
    pub(crate) record: &'static str,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EdgeKind {
    Forward,
    Right,
}

impl Plan {
    /// The ids of its stages, as they appear in reports and errors.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(|node| node.id.as_str())
    }
    /// Prints as the plan does, with what each sink's output is like after a failure: that of a job with snapshots.
    pub fn with_guarantees(&self) -> impl fmt::Display {
        fmt::from_fn(|f| self.draw(f, true))
    }
    /// What the output of each sink is like after a failure; `None` for other stages.
    pub(crate) fn guarantees(&self) -> impl Iterator<Item = Option<Guarantee>> {
        self.nodes.iter().map(|node| node.guarantee)
    }
    /// What its stages keep per key, each with its id.
    pub fn kept(&self) -> impl Iterator<Item = (&str, &Kept)> {
        self.nodes.iter().filter_map(|node| Some((node.id.as_str(), node.kept.as_ref()?)))
    }
    pub(crate) fn ticks(&self) -> impl Iterator<Item = Ticks> {
        self.nodes.iter().map(|node| node.ticks)
    }
}

/// A type's name without the paths, short enough for an arrow.
fn short(name: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in name.chars() {
        match c {
            ':' => word.clear(),
            c if c.is_alphanumeric() || c == '_' => word.push(c),
            c => {
                out.push_str(&std::mem::take(&mut word));
                out.push(c);
            }
        }
    }
    out.push_str(&word);
    if out.chars().count() > 40 { out.chars().take(39).chain(['…']).collect() } else { out }
}
/// Text inside a mermaid label.
fn label(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Prints the plan as a mermaid flowchart.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.draw(f, false)
    }
}
impl Plan {
    fn draw(&self, f: &mut fmt::Formatter<'_>, guarantees: bool) -> fmt::Result {
        writeln!(f, "flowchart LR")?;
        for (i, node) in self.nodes.iter().enumerate() {
            let name = node.id.strip_prefix(&self.name).map_or(node.id.as_str(), |rest| rest.trim_start_matches('/'));
            let name = label(name);
            match node.kind {
                NodeKind::Source => writeln!(f, "    n{i}([\"{name}\"])")?,
                NodeKind::Stage => writeln!(f, "    n{i}[\"{name}\"]")?,
                NodeKind::Stateful => writeln!(f, "    n{i}[(\"{name}\")]")?,
                NodeKind::Exchange => writeln!(f, "    n{i}{{{{\"{name}\"}}}}")?,
                NodeKind::Sink => match node.guarantee.filter(|_| guarantees) {
                    Some(guarantee) => writeln!(f, "    n{i}[/\"{name}: {guarantee}\"/]")?,
                    None => writeln!(f, "    n{i}[/\"{name}\"/]")?,
                },
            }
        }
        for edge in &self.edges {
            let (from, to, record) = (edge.from, edge.to, label(&short(edge.record)));
            let arrow = match (self.nodes[from].kind, edge.kind) {
                // What leaves an exchange may go to another worker.
                (NodeKind::Exchange, _) => "==>",
                (_, EdgeKind::Right) => "-.->",
                _ => "-->",
            };
            writeln!(f, "    n{from} {arrow}|\"{record}\"| n{to}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn type_names_lose_their_paths() {
        assert_eq!(short("alloc::vec::Vec<(u64, alloc::string::String)>"), "Vec<(u64, String)>");
        assert_eq!(short("u64"), "u64");
    }
}
