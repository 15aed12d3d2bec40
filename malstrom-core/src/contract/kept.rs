//! What a stage keeps per key, as the plan says it. Nothing runs for that, and nothing is described until it is asked for.
use super::code::{Codec, OfList, OfOption, OfPair, OfRecord, OfState, Shown};
use super::keying::Keep;
use super::record::json::Json;
use super::record::{CodecError, Describe, Description, Record, TypeRef, description};
use super::stage::{Operator, TimerSet};
use super::state::KeyedState;
use std::any::TypeId;
use std::fmt;
use std::rc::Rc;

/// What a stage keeps.
#[derive(Clone)]
pub struct Kept {
    name: &'static str,
    version: u32,
    key: fn() -> Description,
    state: Rc<dyn Fn() -> Option<Description>>,
    former: fn(u32) -> Option<Description>,
    timers: fn() -> Option<Description>,
    show_key: fn(&[u8]) -> Result<Json, CodecError>,
    /// How what is kept in each entry is shown.
    shown: Option<Shown>,
    held: fn() -> Option<Shown>,
}
impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({})", self.name)
    }
}
/// Over what state is kept beside its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// Nothing: there are no windows.
    Key,
    /// Windows that are aligned.
    Window,
    /// Sessions.
    Session,
    /// Windows of so many records.
    Count,
}
impl Per {
    /// What lies in each of them.
    fn of(self, state: TypeRef) -> TypeRef {
        match self {
            Per::Key => state,
            Per::Window => TypeRef::of("PerWindow", [state]),
            Per::Session => TypeRef::of("PerSession", [state]),
            Per::Count => TypeRef::of("PerCount", [state]),
        }
    }
    fn describe(self, describe: impl FnOnce(&mut Describe) -> TypeRef) -> Description {
        let mut d = Describe::default();
        let root = self.of(describe(&mut d));
        d.description(root)
    }
}
impl Kept {
    /// Keyed state of an operator.
    pub(crate) fn state<S: KeyedState, Op: Operator>(per: Per) -> Self {
        Kept {
            name: S::NAME,
            version: S::VERSION,
            key: description::<S::Key>,
            state: Rc::new(move || Some(per.describe(S::describe))),
            former: match per {
                Per::Key => S::describe_version,
                // Windows are kept for a while only, but a version that changes while they are is brought along too.
                Per::Window => |version| in_each(Per::Window, S::describe_version(version)?),
                Per::Session => |version| in_each(Per::Session, S::describe_version(version)?),
                Per::Count => |version| in_each(Per::Count, S::describe_version(version)?),
            },
            timers: Op::Timers::description,
            show_key: show::<S::Key>,
            shown: match per {
                Per::Key => Some(Shown::by(OfState::<S>::new())),
                // In a window there is an entry for a key whose state has been dropped, too.
                Per::Window if TypeId::of::<<Op::Keep as Keep>::State>() == TypeId::of::<Option<S>>() => {
                    Some(Shown::by(OfOption(OfState::<S>::new())))
                }
                Per::Window => Some(Shown::by(OfState::<S>::new())),
                Per::Session | Per::Count => None,
            },
            held: Op::Timers::shown,
        }
    }
    /// The records that operators in sessions keep until they close, each with its time.
    pub(crate) fn records<K: Record, Op: Operator>() -> Self {
        let codec = Op::code().map(|code| OfList(OfPair(OfRecord::<i64>::new(), code)));
        Kept::by_codec::<K, Vec<(i64, Op::In)>, _>("records", codec, Per::Session)
    }
    /// What is written by a codec, if there is one, under a name that says what it is.
    pub(crate) fn by_codec<K: Record, V: 'static, C: Codec<V>>(name: &'static str, codec: Option<C>, per: Per) -> Self {
        Kept {
            name,
            version: codec.as_ref().map_or(1, Codec::version),
            key: description::<K>,
            show_key: show::<K>,
            shown: match per {
                Per::Key | Per::Window => codec.clone().map(Shown::by),
                Per::Session | Per::Count => None,
            },
            held: || None,
            state: Rc::new(move || codec.as_ref().map(|codec| per.describe(|d| codec.describe(d)))),
            former: |_| None,
            timers: || None,
        }
    }
    /// What it is called in snapshots.
    pub fn name(&self) -> &'static str {
        self.name
    }
    /// Its version.
    pub fn version(&self) -> u32 {
        self.version
    }
    /// What it is kept per.
    pub fn key(&self) -> Description {
        (self.key)()
    }
    /// What is kept. `None` if it cannot be written: a job with snapshots refuses it.
    pub fn description(&self) -> Option<Description> {
        (self.state)()
    }
    /// What a former version was, if a migration leads from it.
    pub fn former(&self, version: u32) -> Option<Description> {
        (self.former)(version)
    }
    /// A key for people to look at.
    ///
    /// # Errors
    /// If the bytes are not those of a key.
    pub fn show_key(&self, bytes: &[u8]) -> Result<Json, CodecError> {
        (self.show_key)(bytes)
    }
    /// How what is kept is shown. `None` if it cannot be: it cannot be written, or lies in sessions or counted windows.
    pub fn shown(&self) -> Option<&Shown> {
        self.shown.as_ref()
    }
    /// How what its timers hold is shown, if it sets any.
    pub fn held(&self) -> Option<Shown> {
        (self.held)()
    }
    /// What its timers hold, if it sets any.
    pub fn timers(&self) -> Option<Description> {
        (self.timers)()
    }
}
fn show<K: Record>(bytes: &[u8]) -> Result<Json, CodecError> {
    K::decode(bytes).map(|key| key.to_json())
}
fn in_each(per: Per, Description { root, types }: Description) -> Option<Description> {
    Some(Description { root: per.of(root), types })
}
