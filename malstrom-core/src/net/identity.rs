//! The handshake: what both ends of a connection say before anything else, without IO.
//!
//! Each says `MALSTROM`, the version of the protocol, and a greeting. Who connects begins with its [identity](Identity) and the
//! [lane](Lane) that it wants. The other one answers with its own or refuses. Who connects then says that it is ready, or
//! refuses in its turn. A refusal is a sentence that reads the same at both ends.
use crate::exchange::session::Attempt;
use serde::{Deserialize, Serialize};
use std::fmt;

const MAGIC: [u8; 8] = *b"MALSTROM";
/// The version of all that is said between processes.
pub const VERSION: u16 = 1;
/// Magic, version, and the length of what follows.
pub(super) const PREFIX: usize = 12;
/// The longest greeting, in bytes.
pub const MOST: usize = 2 << 10;
/// The longest name of a job and the longest refusal, in bytes.
const LONGEST_NAME: usize = 512;
const LONGEST_REFUSAL: usize = 1 << 10;

/// What the processes of one job have in common.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The name of the job.
    pub job: String,
    /// The build of the program.
    pub build: u64,
    /// The fingerprint of the stages and the types of their records.
    pub pipeline: u64,
    /// The hash of a constant, in the format in which records are sent.
    pub probe: u64,
}
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity { job, build, pipeline, probe } = self;
        write!(f, "job {job:?}, build {build:016x}, pipeline {pipeline:016x}, probe {probe:016x}")
    }
}
impl Identity {
    /// What keeps processes with these identities from working together, if anything does.
    ///
    /// ```
    /// use malstrom_core::net::Identity;
    /// let ours = Identity { job: "a".into(), build: 1, pipeline: 2, probe: 3 };
    /// assert_eq!(ours.mismatch(&ours), None);
    /// let theirs = Identity { job: "b".into(), ..ours.clone() };
    /// assert!(ours.mismatch(&theirs).unwrap().starts_with(r#"the other process belongs to another job ("a" and "b")"#));
    /// ```
    pub fn mismatch(&self, other: &Identity) -> Option<String> {
        // In this order: another job has everything else different as well.
        Some(if self.job != other.job {
            format!(
                "the other process belongs to another job ({:?} and {:?}): check the addresses, or give all processes of a job the \
                 same name",
                self.job, other.job
            )
        } else if self.build != other.build {
            format!(
                "the other process runs another build of the program ({:016x} and {:016x}): start all processes of a job from the \
                 same executable",
                self.build, other.build
            )
        } else if self.pipeline != other.pipeline {
            format!(
                "the other process has other stages or records of other types in its pipeline ({:016x} and {:016x}): start all \
                 processes of a job with the same arguments and settings",
                self.pipeline, other.pipeline
            )
        } else if self.probe != other.probe {
            format!(
                "the other process writes records in another format ({:016x} and {:016x}): build the program for all processes \
                 with the same features of `rkyv`",
                self.probe, other.probe
            )
        } else {
            return None;
        })
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lane {
    /// What the workers of two processes send each other.
    Data {
        /// The process that connects.
        from: u32,
        /// The process that it connects to.
        to: u32,
        /// The [term](Attempt::term) of the attempt in which it does.
        term: u64,
        /// The [number](Attempt::attempt) of that attempt.
        attempt: u64,
    },
    /// Messages to and from the coordinator.
    Control,
}
impl Lane {
    pub(super) fn data(from: u32, to: u32, attempt: Attempt) -> Lane {
        Lane::Data { from, to, term: attempt.term, attempt: attempt.attempt }
    }
}

/// Why a connection is not wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Whether it may be wanted later.
    pub again: bool,
    /// Whether there is nothing wrong with it, and it only comes too early.
    pub early: bool,
    /// The reason, and what to do about it.
    pub reason: String,
}
impl Refusal {
    /// One whose cause may pass.
    pub(super) fn for_now(reason: impl Into<String>) -> Refusal {
        Refusal { again: true, early: false, reason: line(&reason.into()) }
    }
    /// One for ever.
    pub(super) fn for_good(reason: impl Into<String>) -> Refusal {
        Refusal { again: false, early: false, reason: line(&reason.into()) }
    }
    /// One that holds for a moment.
    pub(super) fn too_early(reason: impl Into<String>) -> Refusal {
        Refusal { early: true, ..Refusal::for_now(reason) }
    }
}
/// A text as it may stand in a refusal.
fn line(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text[..text.floor_char_boundary(LONGEST_REFUSAL)].to_owned()
}

/// One step of the handshake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Greeting {
    /// Who connects, and for what.
    Hello(Identity, Lane),
    /// Who is connected to, and takes it.
    Welcome(Identity),
    /// The connection can be used.
    Ready,
    /// It cannot.
    Refused(Refusal),
}

/// Why a handshake cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The other end is something else.
    #[error(
        "the other end does not speak the protocol of Malstrom; check the address, and that both ends use TLS or neither"
    )]
    Magic,
    /// The other end is of another version.
    #[error(
        "the other process speaks another version of the protocol ({VERSION} and {theirs}): build the program for all processes \
         with the same version of Malstrom"
    )]
    Version {
        /// Its version.
        theirs: u16,
    },
    /// The greeting is too long.
    #[error(
        "the other end greets with {bytes} bytes, and at most {MOST} are allowed; check what connects to this address"
    )]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The greeting makes no sense.
    #[error("the greeting of the other end cannot be read: {what}; check what connects to this address")]
    Malformed {
        /// What is wrong with it.
        what: String,
    },
    /// There is another greeting than should come now.
    #[error("the other end does not greet as it should now; check what connects to this address")]
    OutOfTurn,
}

impl Greeting {
    /// Its bytes.
    ///
    /// # Errors
    /// If the name of the job is too long.
    pub fn encode(&self) -> Result<Vec<u8>, IdentityError> {
        let malformed = |what: String| IdentityError::Malformed { what };
        self.check()?;
        let payload = postcard::to_stdvec(self).map_err(|error| malformed(error.to_string()))?;
        let len = u16::try_from(payload.len()).ok().filter(|len| usize::from(*len) <= MOST);
        let len = len.ok_or(IdentityError::TooLong { bytes: payload.len() })?;
        let mut bytes = Vec::with_capacity(PREFIX + payload.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(&payload);
        Ok(bytes)
    }
    /// How many bytes follow the prefix of a greeting.
    pub(super) fn length(prefix: &[u8; PREFIX]) -> Result<usize, IdentityError> {
        if prefix[..8] != MAGIC {
            return Err(IdentityError::Magic);
        }
        let theirs = u16::from_le_bytes([prefix[8], prefix[9]]);
        if theirs != VERSION {
            return Err(IdentityError::Version { theirs });
        }
        let bytes = usize::from(u16::from_le_bytes([prefix[10], prefix[11]]));
        if bytes > MOST { Err(IdentityError::TooLong { bytes }) } else { Ok(bytes) }
    }
    /// The greeting in what follows the prefix.
    pub(super) fn parse(payload: &[u8]) -> Result<Greeting, IdentityError> {
        let malformed = |what: String| IdentityError::Malformed { what };
        let (greeting, rest) =
            postcard::take_from_bytes::<Greeting>(payload).map_err(|error| malformed(error.to_string()))?;
        if !rest.is_empty() {
            return Err(malformed(format!("it is {} bytes too long", rest.len())));
        }
        greeting.check()?;
        Ok(greeting)
    }
    /// The greeting at the beginning of some bytes and how many it takes, if all of it is there.
    ///
    /// # Errors
    /// If there is none.
    ///
    /// ```
    /// use malstrom_core::net::identity::Greeting;
    /// let bytes = Greeting::Ready.encode()?;
    /// assert_eq!(Greeting::decode(&bytes[..10])?, None);
    /// assert_eq!(Greeting::decode(&bytes)?, Some((Greeting::Ready, bytes.len())));
    /// # Ok::<(), malstrom_core::net::identity::IdentityError>(())
    /// ```
    pub fn decode(bytes: &[u8]) -> Result<Option<(Greeting, usize)>, IdentityError> {
        let Some(prefix) = bytes.first_chunk::<PREFIX>() else { return Ok(None) };
        let end = PREFIX + Greeting::length(prefix)?;
        let Some(payload) = bytes.get(PREFIX..end) else { return Ok(None) };
        Ok(Some((Greeting::parse(payload)?, end)))
    }
    /// What is printed later is not longer than it should be, and in one line.
    fn check(&self) -> Result<(), IdentityError> {
        let (what, text, most) = match self {
            Greeting::Hello(identity, _) | Greeting::Welcome(identity) => {
                ("the name of the job", &identity.job, LONGEST_NAME)
            }
            Greeting::Refused(refusal) => ("the reason of a refusal", &refusal.reason, LONGEST_REFUSAL),
            Greeting::Ready => return Ok(()),
        };
        let wrong = if text.len() > most {
            format!("{what} has {} bytes, and at most {most} are allowed", text.len())
        } else if text.chars().any(char::is_control) {
            format!("{what} has control characters")
        } else {
            return Ok(());
        };
        Err(IdentityError::Malformed { what: wrong })
    }
}
