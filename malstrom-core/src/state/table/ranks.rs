//! Which key groups a worker owns, and the bits of a hash that a table goes by.
use super::GROUPS;
use std::fmt;
use std::num::NonZeroU32;
use std::rc::Rc;

/// A tag is the top 32 bits of a hash: the key group, then this many bits which order the entries within it.
pub(super) const WITHIN: u32 = 20;

/// Which key groups a worker owns, so that a table spends no slots on the others. A clone shares the table behind it.
///
/// ```
/// use malstrom_core::state::table::Ranks;
///
/// assert_eq!(Ranks::all().owned(), 4096);
/// assert_eq!(Ranks::of(0..1024).owned(), 1024);
/// ```
#[derive(Clone)]
pub struct Ranks(Rc<RankTable>);

struct RankTable {
    /// The group less its rank among the owned ones. A group which is not owned shares the rank of a neighbour, so that
    /// its entries crowd there but are not lost.
    skipped: [u16; GROUPS as usize],
    /// The owned groups, in order.
    groups: Box<[u16]>,
    owned: u16,
}

impl Ranks {
    /// This worker owns every group.
    pub fn all() -> Self {
        Self::of(0..GROUPS)
    }

    /// This worker owns these groups. Their order, repetitions, and numbers from [`GROUPS`] up do not matter.
    pub fn of(groups: impl IntoIterator<Item = u16>) -> Self {
        let mut is_owned = [false; GROUPS as usize];
        for group in groups {
            if let Some(is_owned) = is_owned.get_mut(usize::from(group)) {
                *is_owned = true;
            }
        }
        let owned = is_owned.iter().map(|is_owned| u16::from(*is_owned)).sum::<u16>();
        let (mut skipped, mut below) = ([0; GROUPS as usize], 0);
        for (group, (skipped, is_owned)) in (0..).zip(skipped.iter_mut().zip(is_owned)) {
            *skipped = group - below.min(owned.saturating_sub(1));
            below += u16::from(is_owned);
        }
        let groups = (0..GROUPS).zip(is_owned).filter(|(_, is_owned)| *is_owned).map(|(group, _)| group).collect();
        Self(Rc::new(RankTable { skipped, groups, owned }))
    }

    /// By how much the position of this tag is less than it would be if all groups were owned.
    #[inline(always)]
    pub(super) fn skipped(&self, tag: Tag) -> u64 {
        u64::from(self.0.skipped[usize::from(tag.group())]) << (32 + WITHIN)
    }
    /// Where a tag of this number lies among those of all owned groups, in fractions of 2^64 of all groups. The number may
    /// be that behind the last of the group.
    pub(super) fn position(&self, group: u16, number: u64) -> u64 {
        let skipped = u64::from(self.0.skipped[usize::from(group)]);
        (number << 32).wrapping_sub(skipped << (32 + WITHIN))
    }
    /// The number of a tag of this group that lies at a position.
    pub(super) fn number(&self, group: u16, position: u64) -> u64 {
        let skipped = u64::from(self.0.skipped[usize::from(group)]);
        (position >> 32) + (skipped << WITHIN)
    }
    /// The owned group of a rank.
    pub(super) fn group(&self, rank: u16) -> Option<u16> {
        self.0.groups.get(usize::from(rank)).copied()
    }
    /// The rank of the first owned group that has tags of this number or behind it.
    pub(super) fn rank_from(&self, number: u64) -> u16 {
        self.0.groups.partition_point(|group| Tag::first_of(group + 1) <= number) as u16
    }
    /// The owned groups, in order.
    pub(crate) fn groups(&self) -> &[u16] {
        &self.0.groups
    }

    /// How many groups this worker owns.
    pub fn owned(&self) -> u16 {
        self.0.owned
    }
}

impl fmt::Debug for Ranks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranks").field("owned", &self.0.owned).finish_non_exhaustive()
    }
}

/// The top 32 bits of the hash, but never zero: the spare value makes `Option<Entry>` as small as `Entry`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag(NonZeroU32);

impl Tag {
    #[inline(always)]
    pub(super) fn of(hash: u64) -> Self {
        Self(NonZeroU32::new((hash >> 32) as u32 | 1).unwrap_or(NonZeroU32::MIN))
    }

    #[inline(always)]
    pub(super) fn group(self) -> u16 {
        (self.0.get() >> WITHIN) as u16
    }

    /// The tag as a number.
    #[inline(always)]
    pub(super) fn number(self) -> u64 {
        u64::from(self.0.get())
    }

    /// No tag of this group has a lower number.
    pub(super) fn first_of(group: u16) -> u64 {
        u64::from(group) << WITHIN
    }

    /// A hash with this tag.
    #[inline(always)]
    pub(super) fn hash(self) -> u64 {
        u64::from(self.0.get()) << 32
    }
}
