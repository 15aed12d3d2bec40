//! Under which names a snapshot has what the operators of a program keep.
use crate::error::{Error, Result};
use crate::graph::picture::Plan;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The operators of a program, and what they were called.
#[derive(Clone, Debug)]
pub(crate) struct Operators {
    /// By their places in the plan.
    pub(crate) ids: Arc<[String]>,
    /// What they were called, where the pipeline says so.
    pub(crate) were: Vec<Option<String>>,
    /// Those whose state is dropped.
    pub(crate) dropped: Vec<String>,
}

impl Operators {
    /// Those of a plan.
    pub(crate) fn of(plan: &Plan, dropped: Vec<String>) -> Self {
        let ids = plan.ids().map(str::to_owned).collect();
        let were = plan.nodes.iter().map(|node| node.was.clone()).collect();
        Operators { ids, were, dropped }
    }
    /// What each operator was called, if it was called something else.
    fn renamed(&self) -> impl Iterator<Item = (&str, &str)> {
        let renamed = self.ids.iter().zip(&self.were).filter_map(|(id, was)| Some((id.as_str(), was.as_deref()?)));
        renamed.filter(|(id, was)| id != was)
    }
    /// Refuses old names that do not tell whose state it is.
    ///
    /// # Errors
    /// Which ones, and what to do.
    pub(crate) fn check(&self) -> Result<()> {
        let mut heirs = BTreeMap::new();
        for (id, was) in self.renamed() {
            if let Some(other) = heirs.insert(was, id) {
                return Err(Error::Config(format!(
                    "`{other}` and `{id}` both say that they were `{was}`, and only one of them can have its state: remove one `was`"
                )));
            }
        }
        // Each old name has one heir, so whoever follows them either comes to an end or back.
        for first in heirs.keys() {
            let mut at = heirs.get(first);
            while let Some(id) = at {
                if id == first {
                    return Err(Error::Config(format!(
                        "`{id}` and others have exchanged their names, and a snapshot does not tell whether it was taken before \
                         that: rename one of them to a new name first, and let the job take a snapshot"
                    )));
                }
                at = heirs.get(id);
            }
        }
        Ok(())
    }
    /// The name under which a snapshot has what each operator keeps, empty where it has none. `has` says of which operators
    /// it has something.
    ///
    /// An operator that is not there under its own name is there under the one that it had. An operator that has this name
    /// now is another one.
    pub(crate) fn names(&self, has: impl Fn(&str) -> bool) -> Arc<[String]> {
        let (mut inherited, mut taken) = (BTreeMap::new(), BTreeSet::new());
        let kept = |was: &str| has(was) && !self.dropped.iter().any(|dropped| dropped == was);
        while let Some((id, was)) = self
            .renamed()
            .find(|(id, was)| kept(was) && !inherited.contains_key(id) && (!has(id) || taken.contains(id)))
        {
            inherited.insert(id, was);
            taken.insert(was);
        }
        let name = |id: &String| match inherited.get(id.as_str()) {
            Some(was) => (*was).to_owned(),
            None if taken.contains(id.as_str()) => String::new(),
            None => id.clone(),
        };
        self.ids.iter().map(name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operators(all: &[(&str, Option<&str>)]) -> Operators {
        let ids = all.iter().map(|(id, _)| (*id).to_owned()).collect();
        Operators { ids, were: all.iter().map(|(_, was)| was.map(str::to_owned)).collect(), dropped: Vec::new() }
    }
    #[track_caller]
    fn check(all: &[(&str, Option<&str>)], snapshot: &[&str], expected: &[&str]) {
        assert_eq!(*operators(all).names(|id| snapshot.contains(&id)), *expected);
    }

    #[test]
    fn state_is_found_under_the_old_name_until_it_is_there_under_the_new_one() {
        check(&[("new", Some("old")), ("other", None)], &["old", "other"], &["old", "other"]);
        check(&[("new", Some("old"))], &["new"], &["new"]);
        check(&[("new", Some("old"))], &["new", "old"], &["new"]);
        check(&[("new", Some("old"))], &[], &["new"]);
        check(&[("same", Some("same"))], &["same"], &["same"]);
    }
    #[test]
    fn who_has_taken_over_a_name_does_not_get_the_state() {
        check(&[("new", Some("old")), ("old", None)], &["old"], &["old", ""]);
        check(&[("new", Some("old")), ("old", None)], &["old", "new"], &["new", "old"]);
        // Names that move on, whatever the order in which they are written.
        let chain = [("c", Some("b")), ("b", Some("a")), ("a", None)];
        check(&chain, &["a", "b"], &["b", "a", ""]);
        check(&[chain[2], chain[1], chain[0]], &["a", "b"], &["", "a", "b"]);
        check(&chain, &["a", "b", "c"], &["c", "b", "a"]);
    }
    #[test]
    fn what_is_dropped_is_not_inherited() {
        let mut operators = operators(&[("new", Some("old"))]);
        operators.dropped.push("old".to_owned());
        assert_eq!(*operators.names(|id| id == "old"), ["new"]);
    }
    #[test]
    fn names_that_do_not_tell_whose_state_it_is_are_refused() {
        let two = operators(&[("a", Some("x")), ("b", Some("x"))]).check().unwrap_err().to_string();
        assert!(two.contains("`a` and `b` both say that they were `x`"), "{two}");
        let exchanged = operators(&[("a", Some("b")), ("b", Some("c")), ("c", Some("a"))]).check().unwrap_err();
        assert!(exchanged.to_string().contains("exchanged their names"), "{exchanged}");
        assert!(operators(&[("a", Some("b")), ("b", Some("c")), ("d", Some("d"))]).check().is_ok());
    }
}
