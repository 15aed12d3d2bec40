//! The names of a pipeline: which streams exist, who reads them, and which id each stage has.
use super::Broken;
use super::syntax::{Binding, Builtin, Head, Join, Stage, Statement};
use crate::errors::Errors;
use proc_macro2::{Ident, Span};
use std::collections::{HashMap, HashSet};
use syn::Error;

pub(super) struct Graph {
    /// Consumers of each stream, in order.
    pub(super) uses: HashMap<String, Vec<Ident>>,
    /// Which statements are emitted: those whose inputs exist.
    pub(super) emitted: Vec<bool>,
    /// The id of the head (if it is a stage) and of each stage, per statement.
    pub(super) ids: Vec<(String, Vec<String>)>,
}

pub(super) fn check(pipeline: &Ident, statements: &[Statement], broken: &Broken, errors: &mut Errors) -> Graph {
    let ids = ids(pipeline, statements, errors);
    let mut uses: HashMap<String, Vec<Ident>> = HashMap::new();
    let mut missing: HashSet<String> = broken.names.clone();
    let mut declared: Vec<&Ident> = Vec::new();
    let (mut emitted, mut unknown) = (Vec::new(), HashSet::new());
    for s in statements {
        let mut whole = true;
        for name in s.head.reads() {
            if declared.contains(&name) {
                whole &= !missing.contains(&name.to_string());
                uses.entry(name.to_string()).or_default().push(name.clone());
                continue;
            }
            whole = false;
            unknown.insert(name.to_string());
            if !broken.names.contains(&name.to_string()) {
                let known: Vec<_> = declared.iter().map(|d| format!("`{d}`")).collect();
                let known = if known.is_empty() {
                    "no stream is declared yet".into()
                } else {
                    format!("declared above: {}", known.join(", "))
                };
                errors.push(Error::new(name.span(), format!("no stream `{name}` in pipeline `{pipeline}` ({known})")));
            }
        }
        whole &= ends(s, errors);
        let mut fresh = Vec::new();
        for name in s.declares() {
            if declared.iter().chain(&fresh).any(|d| *d == name) {
                errors.push(Error::new(
                    name.span(),
                    format!("stream `{name}` is declared twice in pipeline `{pipeline}`"),
                ));
                whole = false;
            } else {
                fresh.push(name);
            }
        }
        if !whole {
            missing.extend(fresh.iter().map(ToString::to_string));
        }
        declared.extend(fresh);
        emitted.push(whole);
    }
    let mut told = HashSet::new();
    let sunk = |name: &Ident| statements.iter().any(|s| in_sink(s) && s.binds().contains(&name));
    for name in declared {
        // What is mentioned in vain has an error already, and so has a sink with a name.
        if broken.words.contains(&name.to_string()) || unknown.contains(&name.to_string()) || sunk(name) {
            continue;
        }
        if !uses.contains_key(&name.to_string()) && told.insert(name.to_string()) {
            errors.push(Error::new(
                name.span(),
                format!("stream `{name}` has no consumer\n  help: send it somewhere, e.g. `{name} -> sink(..);`"),
            ));
        }
    }
    Graph { uses, emitted, ids }
}

fn in_sink(s: &Statement) -> bool {
    s.stages.last().is_some_and(|stage| stage.is("sink"))
}

/// Checks that a chain ends as it should: in a sink, or in a name. Says whether the names fit what it ends in.
fn ends(s: &Statement, errors: &mut Errors) -> bool {
    let in_sink = in_sink(s);
    let mut fits = true;
    if let Some(early) = s.stages.iter().rev().skip(1).find(|stage| stage.is("sink")) {
        errors.push(Error::new(
            early.span(),
            "a chain ends in its sink: nothing can follow\n  help: bind the stream with `let`, and read it twice",
        ));
    }
    match (&s.binding, in_sink) {
        (None, false) => {
            let at = s.stages.last().map_or_else(|| s.head.span(), Stage::span);
            errors.push(Error::new(
                at,
                "this chain goes nowhere\n  help: end it in `-> sink(..)`, or bind it with `let name = ..`",
            ));
        }
        (Some(binding), true) => {
            let name = match binding {
                Binding::Name(name) => name,
                Binding::Tuple(names) => match names.first() {
                    Some(name) => name,
                    None => return false,
                },
            };
            errors.push(Error::new(
                name.span(),
                format!("`{name}` names a chain that ends in a sink: nothing is left to name"),
            ));
        }
        _ => {}
    }
    let tuple = match &s.binding {
        Some(Binding::Tuple(names)) => Some(names),
        _ => None,
    };
    let last = s.stages.len().wrapping_sub(1);
    for (i, stage) in s.stages.iter().enumerate() {
        let halves = if i == last { tuple } else { None };
        match (stage, halves) {
            (Stage::Builtin(Builtin { word, .. }), None) if word == "split" => errors.push(Error::new(
                word.span(),
                "`split` gives two streams, and this use does not name them\n  help: `let (yes, no) = .. -> split(..);`",
            )),
            (Stage::Builtin(Builtin { word, .. }), Some(names)) if word == "split" && names.len() > 2 => {
                fits = false;
                errors.push(Error::new(word.span(), format!("`split` gives two streams, not {}", names.len())));
            }
            (Stage::Builtin(Builtin { word, .. }), Some(names)) if word != "split" && word != "sink" && names.len() > 1 => {
                fits = false;
                errors.push(Error::new(
                    word.span(),
                    format!("`{word}` has one output, so there is one stream to name\n  help: several come from `split(..)`, or from an operator with side outputs"),
                ));
            }
            _ => {}
        }
    }
    fits &= combines(s, errors);
    match (tuple, s.stages.last()) {
        (Some(names), None) => {
            fits = false;
            errors.push(Error::new(
                names.first().map_or_else(|| s.head.span(), Ident::span),
                "several streams come from `split(..)`, or from an operator with side outputs",
            ));
        }
        (Some(names), _) if names.len() < 2 => {
            fits = false;
            let at = names.first().map_or_else(|| s.head.span(), Ident::span);
            errors.push(Error::new(at, "a tuple names at least two streams\n  help: write `let name = ..` for one"));
        }
        _ => {}
    }
    if let Head::Two(left, _) = &s.head
        && !matches!(s.stages.first(), Some(Stage::Operator(_)))
    {
        errors.push(Error::new(left.span(), "two inputs go to an operator\n  help: `(left, right) -> operator`, whose second input `#[operator(on_right = ..)]` names"));
    }
    fits
}

/// The aggregates that make one of what came of parts of their records.
const COMBINED: [&str; 6] = ["count", "sum", "min", "max", "average", "reduce"];

/// Checks that each `combine()` stands between an exchange and an aggregate that can be combined.
pub(super) fn combines(s: &Statement, errors: &mut Errors) -> bool {
    let mut fits = true;
    let builtin = |stage: Option<&Stage>| match stage {
        Some(Stage::Builtin(Builtin { word, .. })) => word.to_string(),
        _ => String::new(),
    };
    for (i, stage) in s.stages.iter().enumerate().filter(|(_, stage)| stage.is("combine")) {
        let before = i.checked_sub(1).and_then(|i| s.stages.get(i));
        let message = if !before.is_some_and(|stage| stage.is("key_by")) {
            "`combine` gathers records on their way to the worker of their key, so it stands right behind `key_by`\n  help: `.. -> key_by(|record| ..) -> combine() -> count()`; an aggregate in windows is combined without it".to_owned()
        } else {
            match builtin(s.stages.get(i + 1)) {
                next if COMBINED.contains(&&*next) => continue,
                // The second one is what is wrong.
                next if next == "combine" => continue,
                next if next == "window" => {
                    "aggregates in windows are combined without being asked\n  help: leave out `combine()`".to_owned()
                }
                _ => format!(
                    "`combine` gathers for the aggregate behind it, and there is none that can be combined\n  help: those are {}",
                    COMBINED.map(|name| format!("`{name}`")).join(", ")
                ),
            }
        };
        fits = false;
        errors.push(Error::new(stage.span(), message));
    }
    fits
}

pub(super) fn ids<'a>(
    pipeline: &Ident,
    statements: &'a [Statement],
    errors: &mut Errors,
) -> Vec<(String, Vec<String>)> {
    let mut taken: HashMap<String, Span> = HashMap::new();
    // Names that were chosen come first: the numbered ones give way.
    for s in statements {
        let of_head = match &s.head {
            Head::Source { alias: Some(alias), .. } | Head::Join(Join { alias: Some(alias), .. }) => {
                Some((alias.clone(), alias))
            }
            _ => None,
        };
        let chosen = |stage: &'a Stage| -> Option<(Ident, &'a Ident)> {
            match stage {
                Stage::Operator(op) => Some((op.id(), &op.path.segments.last()?.ident)),
                Stage::Builtin(Builtin { alias, word, .. }) => Some((alias.clone()?, word)),
            }
        };
        for (id, last) in of_head.into_iter().chain(s.stages.iter().filter_map(chosen)) {
            if taken.insert(id.to_string(), id.span()).is_some() {
                errors.push(Error::new(
                    id.span(),
                    format!("pipeline `{pipeline}` already has an operator `{id}`, and snapshots find state by that name\n  help: give this one its own: `{last} as {last}_2`"),
                ));
            }
        }
    }
    let mut number = |word: &str| {
        let mut id = word.to_owned();
        let mut n = 1;
        while taken.contains_key(&id) {
            n += 1;
            id = format!("{word}_{n}");
        }
        taken.insert(id.clone(), Span::call_site());
        id
    };
    let of = |s: &Statement| {
        let head = match &s.head {
            Head::Source { alias: Some(alias), .. } | Head::Join(Join { alias: Some(alias), .. }) => alias.to_string(),
            Head::Join(_) => number("join"),
            Head::Source { .. } => number("source"),
            Head::Union { .. } => number("union"),
            Head::Stream(_) | Head::Two(..) => String::new(),
        };
        let stages = s.stages.iter().map(|stage| match stage {
            Stage::Builtin(Builtin { word, alias: None, .. }) => number(&word.to_string()),
            named => named.label(),
        });
        (head, stages.collect())
    };
    statements.iter().map(of).collect()
}
