//! What must be right before a job that is kept begins.
use super::stored::{Nonces, Stored};
use super::{Found, Keeping, Operators, Restore, Settings, Vault};
use crate::contract::key::KeyGroups;
use crate::contract::snapshot::Guarantee;
use crate::error::{Error, Result};
use crate::graph::Pipeline;
use crate::graph::picture::{NodeKind, Plan as Stages};
use crate::runtime::attempt::Plan;
use crate::runtime::clock;
use crate::snapshot::Location;
use crate::worker::panic_message;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A pipeline that can be kept.
pub(crate) struct Kept {
    pub(crate) pipeline: Pipeline,
    pub(crate) operators: Operators,
}
impl Kept {
    /// Builds the pipeline of `plan`.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub(crate) fn of(plan: &Plan, dropped: Vec<String>) -> Result<Kept> {
        let pipeline = catch_unwind(AssertUnwindSafe(|| (plan.make)())).map_err(|payload| Error::Panic {
            operator: "the pipeline function".into(),
            message: panic_message(&*payload),
        })?;
        check_names(pipeline.plan())?;
        let operators = Operators::of(pipeline.plan(), dropped);
        operators.check()?;
        Ok(Kept { pipeline, operators })
    }
}
/// Claims the place where the job of this name is kept, and finds what it is restored from; with that it is known how many key groups it
/// has, whatever is asked for. If an entry of the log is given, the place
/// is claimed only while there is none behind it.
///
/// # Errors
/// If the place cannot be had, or what lies there not be used.
pub(crate) fn claim(
    (name, operators): (&str, &Operators),
    plan: &mut Plan,
    location: Location,
    restore: &Restore,
    key_groups: Option<KeyGroups>,
    behind: Option<u64>,
) -> Result<(Stored, Option<Found>)> {
    let claim = (behind, Arc::new(clock::nonce) as Nonces);
    let mut vault = Stored::open(location, name, operators.clone(), (plan.seed, key_groups), claim)?;
    let found = vault.find(restore)?;
    if let Some(found) = &found {
        plan.seed = found.seed;
    }
    plan.key_groups = vault.key_groups();
    Ok((vault, found))
}
/// Claims the place where the job of `plan` is kept, and finds what it is restored from.
///
/// # Errors
/// If the pipeline cannot be kept, the place not be had, or what lies there not be used.
pub(crate) fn open(
    plan: &mut Plan,
    location: Location,
    restore: &Restore,
    dropped: Vec<String>,
    settings: Settings,
) -> Result<Keeping> {
    let Kept { pipeline, operators } = Kept::of(plan, dropped)?;
    let (vault, found) = claim((pipeline.name(), &operators), plan, location, restore, settings.key_groups, None)?;
    if let Some(found) = &found {
        tracing::info!(snapshot = found.interval, "job is restored");
    }
    Ok(Keeping { settings, vault: Box::new(vault), found, restore: restore.clone() })
}

/// Refuses a pipeline in which two stages that keep something are told apart by a number only: the numbers shift when one is
/// added.
pub(crate) fn check_names(stages: &Stages) -> Result<()> {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for node in &stages.nodes {
        let keeps = match node.kind {
            NodeKind::Source | NodeKind::Stateful => true,
            NodeKind::Sink => node.guarantee == Some(Guarantee::ExactlyOnce),
            NodeKind::Stage | NodeKind::Exchange => false,
        };
        let Some(kind) = unnamed(&node.id).filter(|_| keeps) else { continue };
        if let Some(other) = seen.insert(kind, &node.id) {
            return Err(Error::Config(format!(
                "`{other}` and `{}` have no names of their own, and snapshots find by name what they keep: add `as` and a name \
                 to each of them in the pipeline",
                node.id
            )));
        }
    }
    Ok(())
}
/// The stages that are numbered where they have no name.
const NUMBERED: [&str; 13] =
    ["source", "sink", "window", "join", "count", "sum", "min", "max", "average", "reduce", "fold", "top", "distinct"];
/// The id of a stage without its number, if it has no name.
fn unnamed(id: &str) -> Option<&str> {
    let base = match id.rsplit_once('_') {
        Some((base, number)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => base,
        _ => id,
    };
    NUMBERED.contains(&base.rsplit('/').next()?).then_some(base)
}

#[cfg(test)]
mod tests {
    use super::unnamed;

    #[test]
    fn a_number_is_no_name() {
        assert_eq!(unnamed("p/count_2"), Some("p/count"));
        assert_eq!(unnamed("p/part/count"), Some("p/part/count"));
        assert_eq!(unnamed("p/per_card"), None);
        assert_eq!(unnamed("p/count_all"), None);
    }
}
