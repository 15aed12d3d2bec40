//! Moments at which a process can be told to die, so that tests reach those that a kill at a random time hardly ever hits.
//!
//! `MALSTROM_FAILPOINT=before-log:3` has a process abort when it comes to that moment for the third time. Without the feature
//! `failpoints`, which is for tests alone, there is nothing of it.

/// A moment in the life of a job of several processes, and which process has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failpoint {
    /// Workers: some inputs of a stage have brought a barrier, and others have not.
    Aligning,
    /// Workers: what they keep is about to be stored.
    Uploading,
    /// Workers: it is stored, and nobody has been told.
    Uploaded,
    /// Coordinator: the manifest of a snapshot is written, and the log does not have it.
    BeforeLog,
    /// Coordinator: the log has a snapshot, and nobody has been told.
    Logged,
    /// Workers: a sink is about to publish what was committed. Others may have done so.
    Publishing,
    /// Workers: a process has begun with what it needs to join.
    Preparing,
    /// Workers: the barrier of a change is about to begin.
    Cutting,
    /// Workers: a stage has given away what others gain.
    HandingOver,
    /// Workers: all that a worker gains has arrived, and nobody has been told.
    Installed,
    /// Coordinator: the log has the snapshot of a change, and nobody has been told.
    Sealed,
    /// Workers: they are about to read what they are restored from.
    Restoring,
}

/// The process has come to this moment.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub(crate) fn reach(_: Failpoint) {}

#[cfg(feature = "failpoints")]
pub(crate) use armed::{arm, reach};

#[cfg(feature = "failpoints")]
mod armed {
    use super::Failpoint;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// All of them, by the names they are set by.
    const ALL: [(&str, Failpoint); 12] = [
        ("aligning", Failpoint::Aligning),
        ("uploading", Failpoint::Uploading),
        ("uploaded", Failpoint::Uploaded),
        ("before-log", Failpoint::BeforeLog),
        ("logged", Failpoint::Logged),
        ("publishing", Failpoint::Publishing),
        ("preparing", Failpoint::Preparing),
        ("cutting", Failpoint::Cutting),
        ("handing-over", Failpoint::HandingOver),
        ("installed", Failpoint::Installed),
        ("sealed", Failpoint::Sealed),
        ("restoring", Failpoint::Restoring),
    ];
    /// The one that is set, and how often it is to be reached.
    #[derive(Debug)]
    struct Armed {
        name: &'static str,
        point: Failpoint,
        left: AtomicU32,
    }
    static ARMED: OnceLock<Armed> = OnceLock::new();

    /// Reads `name` or `name:times`.
    fn read(text: &str) -> Result<Armed, String> {
        let (name, times) = text.split_once(':').unwrap_or((text, "1"));
        let Some((name, point)) = ALL.iter().find(|(known, _)| *known == name) else {
            let names = ALL.map(|(name, _)| name).join(", ");
            return Err(format!("there is no failpoint `{name}`: there are {names}"));
        };
        let times = times.parse().ok().filter(|times| *times > 0);
        let times = times.ok_or_else(|| format!("`{text}` does not say how often it is to be reached: `{name}:1`"))?;
        Ok(Armed { name, point: *point, left: AtomicU32::new(times) })
    }
    /// Sets what `text` says, for as long as the process lives.
    ///
    /// # Errors
    /// If it says nothing that can be set.
    pub(crate) fn arm(text: &str) -> Result<(), String> {
        let armed = read(text)?;
        // What is set stays so: a process is told once.
        let _ = ARMED.set(armed);
        Ok(())
    }
    pub(crate) fn reach(point: Failpoint) {
        let Some(armed) = ARMED.get().filter(|armed| armed.point == point) else { return };
        if armed.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            use std::io::Write;
            // Nobody may be there to read it.
            let _ = writeln!(std::io::stderr(), "failpoint {}: this process dies", armed.name);
            std::process::abort();
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_failpoint_is_read_by_its_name_and_how_often_it_is_reached() {
            let read = |text| read(text).map(|armed| (armed.point, armed.left.into_inner()));
            assert_eq!(read("before-log"), Ok((Failpoint::BeforeLog, 1)));
            assert_eq!(read("aligning:3"), Ok((Failpoint::Aligning, 3)));
            assert!(read("nowhere").is_err_and(|why| why.contains("there are aligning, uploading")));
            assert!(read("aligning:0").is_err_and(|why| why.contains("`aligning:1`")));
            assert!(read("aligning:often").is_err());
        }
    }
}
