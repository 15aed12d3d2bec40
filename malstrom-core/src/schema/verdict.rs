//! What has become of what an operator keeps.
use super::lock::Block;
use crate::contract::record::{Description, difference};
use std::fmt;

/// What has become of what an operator keeps.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Unchanged,
    /// From this version to that.
    Migrates(u32, u32),
    /// Nothing is there to be read, for this part of it or for all.
    New(Option<String>),
    Orphaned,
    Incompatible(String),
    Unwritten,
}
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Unchanged => f.write_str("unchanged"),
            Verdict::Migrates(from, to) => write!(f, "migrates: from version {from} to {to}"),
            Verdict::New(None) => f.write_str("new"),
            Verdict::New(Some(what)) => write!(f, "new: {what}"),
            Verdict::Orphaned => f.write_str("orphaned: the lock has it, and the pipeline has not"),
            Verdict::Incompatible(why) => write!(f, "incompatible: {why}"),
            Verdict::Unwritten => f.write_str(
                "cannot be written: it keeps values that are no `Record`, and a job with snapshots refuses it; derive `Record` for them",
            ),
        }
    }
}

/// Compares what the lock says with what the code keeps. `former` knows older versions, if a migration leads from them.
pub(super) fn compare(was: &Block, is: &Block, former: impl FnOnce(u32) -> Option<Description>) -> Verdict {
    let incompatible = Verdict::Incompatible;
    if was.state != is.state {
        return incompatible(format!("the state was `{}` and is `{}`", was.state, is.state));
    }
    if was.key != is.key {
        return incompatible(format!("in its key, {}", differ(&was.key, &is.key)));
    }
    let (before, now) = (was.version, is.version);
    let state = if now == before {
        if was.keeps != is.keeps {
            let differ = differ(&was.keeps, &is.keeps);
            return incompatible(format!("{differ}, and the version is still {now}"));
        }
        Verdict::Unchanged
    } else if now < before {
        return incompatible(format!("the version was {before} and is {now}, and nothing leads back"));
    } else {
        match former(before).map(|former| former.to_string()) {
            None => return incompatible(format!("no migration leads from version {before} to {now}")),
            Some(former) if former != was.keeps => {
                let differ = differ(&was.keeps, &former);
                return incompatible(format!("the migration begins at another version {before}: {differ}"));
            }
            Some(_) => Verdict::Migrates(before, now),
        }
    };
    match (&was.timers, &is.timers) {
        (Some(_), None) => incompatible("it had timers and has none, so nobody could fire them".into()),
        (Some(was), Some(is)) if was != is => incompatible(format!("in its timers, {}", differ(was, is))),
        (None, Some(_)) if state == Verdict::Unchanged => Verdict::New(Some("its timers".into())),
        _ => state,
    }
}

/// In what two descriptions differ, which are not the same text.
fn differ(was: &str, is: &str) -> String {
    let difference = match (Description::parse(was), Description::parse(is)) {
        (Ok(was), Ok(is)) => difference(&was, &is),
        _ => None,
    };
    difference.unwrap_or_else(|| "what it is made of has changed".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::record::{Record, description};

    fn text<T: Record>() -> String {
        description::<T>().to_string()
    }
    fn block() -> Block {
        Block { state: "card".into(), version: 1, key: text::<u64>(), keeps: text::<(u32, f64)>(), timers: None }
    }
    /// What is said if the lock has `was` and the code `is`, and nothing is known of older versions.
    fn said(was: Block, is: Block) -> String {
        compare(&was, &is, |_| None).to_string()
    }

    #[test]
    fn another_key_or_another_state_cannot_be_read() {
        let key = Block { key: text::<String>(), ..block() };
        assert_eq!(said(block(), key), "incompatible: in its key, the type was `u64` and is `String`");
        let state = Block { state: "sum".into(), ..block() };
        assert_eq!(said(block(), state), "incompatible: the state was `card` and is `sum`");
        assert_eq!(said(block(), block()), "unchanged");
    }

    #[test]
    fn timers_must_be_fired_by_somebody() {
        let timers = |timers: String| Block { timers: Some(timers), ..block() };
        let (bytes, texts) = (|| timers(text::<u8>()), || timers(text::<String>()));
        assert_eq!(said(bytes(), bytes()), "unchanged");
        assert_eq!(said(bytes(), texts()), "incompatible: in its timers, the type was `u8` and is `String`");
        assert_eq!(said(bytes(), block()), "incompatible: it had timers and has none, so nobody could fire them");
        assert_eq!(said(block(), bytes()), "new: its timers");
    }

    #[test]
    fn windows_are_part_of_what_is_kept() {
        let windowed = Block { keeps: "PerWindow<(u32, f64)>".into(), ..block() };
        assert_eq!(
            said(block(), windowed),
            "incompatible: the type was `(u32, f64)` and is `PerWindow<(u32, f64)>`, and the version is still 1"
        );
    }
}
