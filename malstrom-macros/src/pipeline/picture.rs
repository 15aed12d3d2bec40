//! The picture of a pipeline in its rustdoc.
use super::graph::Graph;
use super::syntax::{Binding, Failure, Head, Statement};
use std::collections::HashMap;
use std::fmt::Write;

/// A mermaid flowchart of the statements as they are written.
pub(super) fn mermaid(graph: &Graph, statements: &[Statement]) -> String {
    let mut text = String::from("```mermaid\nflowchart LR\n");
    // The node that each stream comes from.
    let mut ends: HashMap<String, String> = HashMap::new();
    for (s, (head_id, ids)) in statements.iter().zip(&graph.ids) {
        let mut from: Vec<String> = match &s.head {
            Head::Source { failure, .. } => {
                let _ = writeln!(text, "    {head_id}([\"{head_id}\"])");
                if let Some(Failure::Stream(_, name)) = failure {
                    ends.insert(name.to_string(), head_id.clone());
                }
                vec![head_id.clone()]
            }
            Head::Union { .. } | Head::Join(_) => {
                let _ = writeln!(text, "    {head_id}[\"{head_id}\"]");
                for name in s.head.reads() {
                    if let Some(end) = ends.get(&name.to_string()) {
                        let _ = writeln!(text, "    {end} --> {head_id}");
                    }
                }
                vec![head_id.clone()]
            }
            head => head.reads().iter().filter_map(|name| ends.get(&name.to_string()).cloned()).collect(),
        };
        for (stage, id) in s.stages.iter().zip(ids) {
            let shape = if stage.is("sink") {
                format!("{id}[/\"{id}\"/]")
            } else if stage.is("key_by") {
                format!("{id}{{{{\"{id}\"}}}}")
            } else {
                format!("{id}[\"{id}\"]")
            };
            let _ = writeln!(text, "    {shape}");
            for from in &from {
                let _ = writeln!(text, "    {from} --> {id}");
            }
            if let Some(name) = stage.failures() {
                ends.insert(name.to_string(), id.clone());
            }
            from = vec![id.clone()];
        }
        let Some(end) = from.first() else { continue };
        match &s.binding {
            Some(Binding::Name(name)) => drop(ends.insert(name.to_string(), end.clone())),
            Some(Binding::Tuple(names)) => ends.extend(names.iter().map(|name| (name.to_string(), end.clone()))),
            None => {}
        }
    }
    text + "```"
}
