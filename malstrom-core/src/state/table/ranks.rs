//! Which key groups a worker owns, and the bits of a hash that a table goes by.
use crate::contract::key::KeyGroups;
use crate::contract::snapshot::GroupSet;
use std::cell::RefCell;
use std::fmt;
use std::num::NonZeroU32;
use std::rc::{Rc, Weak};

/// The most key groups that there can be.
const MOST: usize = KeyGroups::MOST.count();
/// Of a group's number among as many as there can be, so many bits are above those of a tag.
const BEHIND: u32 = u64::BITS - 16;

/// Which key groups a worker owns, so that a table spends no slots on the others. A clone shares the table behind it.
///
/// ```
/// use malstrom_core::contract::key::KeyGroups;
/// use malstrom_core::state::table::Ranks;
///
/// assert_eq!(Ranks::all(KeyGroups::DEFAULT).owned(), 4096);
/// assert_eq!(Ranks::of(KeyGroups::new(8192)?, 0..1024).owned(), 1024);
/// # Ok::<(), malstrom_core::contract::key::KeyGroupsError>(())
/// ```
#[derive(Clone)]
pub struct Ranks {
    table: Rc<RankTable>,
    /// How many bits of a tag are behind those of the key group, and order the entries within it. Here, where a table has it at
    /// hand, as it is needed for every record.
    within: u32,
}

struct RankTable {
    key_groups: KeyGroups,
    /// The group less its rank among those that have slots, in 65536ths of all groups and modulo that. A group which has none shares the rank of a
    /// neighbour, so that its entries crowd there but are not lost. There is room for all groups that there can be, so that nobody
    /// has to look how many there are; what is behind those that there are is never touched.
    skipped: [u16; MOST],
    /// The groups that have slots, in the order of these: the owned ones, those given away since tables were laid out, and those to come.
    places: Rc<[u16]>,
    /// The owned groups, in order.
    groups: Rc<[u16]>,
    /// What the first table has gone over to that was laid out like this, so that the others share it.
    next: RefCell<Weak<RankTable>>,
}

impl Ranks {
    /// This worker owns every group of so many.
    pub fn all(key_groups: KeyGroups) -> Self {
        Self::of(key_groups, key_groups.all())
    }

    /// This worker owns these groups. Their order, repetitions, and numbers that no group has do not matter.
    pub fn of(key_groups: KeyGroups, groups: impl IntoIterator<Item = u16>) -> Self {
        let mut is_owned = vec![false; key_groups.count()];
        for group in groups {
            if let Some(is_owned) = is_owned.get_mut(usize::from(group)) {
                *is_owned = true;
            }
        }
        let owned = key_groups.all().zip(&is_owned).filter(|(_, is_owned)| **is_owned);
        let groups: Rc<[u16]> = owned.map(|(group, _)| group).collect();
        Self::placed(key_groups, groups.clone(), groups)
    }
    fn new(table: RankTable) -> Self {
        Self::sharing(Rc::new(table))
    }
    fn sharing(table: Rc<RankTable>) -> Self {
        Ranks { within: u32::BITS - table.key_groups.bits(), table }
    }
    /// This worker owns `groups`, which have slots as all groups in `places` have, in the order of these.
    fn placed(key_groups: KeyGroups, places: Rc<[u16]>, groups: Rc<[u16]>) -> Self {
        let mut ranks = vec![None; key_groups.count()];
        for (rank, group) in (0..).zip(places.iter()) {
            ranks[usize::from(*group)] = Some(rank);
        }
        let mut skipped = [0; MOST];
        let mut next: u16 = ranks.iter().rev().find_map(|rank| *rank).unwrap_or(0);
        for group in key_groups.all().rev() {
            next = ranks[usize::from(group)].unwrap_or(next);
            skipped[usize::from(group)] = group.wrapping_sub(next) << (16 - key_groups.bits());
        }
        Self::new(RankTable { key_groups, skipped, places, groups, next: RefCell::default() })
    }
    /// These groups, of which some may be owned already and others not. Those have slots too that come [soon](GroupSet::soon), so that
    /// tables need not be laid out anew when they do.
    ///
    /// ```
    /// use malstrom_core::contract::key::KeyGroups;
    /// use malstrom_core::contract::snapshot::GroupSet;
    /// use malstrom_core::state::table::Ranks;
    ///
    /// let before = Ranks::of(KeyGroups::DEFAULT, 0..1024);
    /// let given: GroupSet = (512..1024).collect();
    /// assert_eq!(before.without(&given).owned(), 512);
    /// let after: GroupSet = (256..768).collect();
    /// assert_eq!(before.moved(&after).owned(), 512);
    /// ```
    #[must_use]
    pub fn moved(&self, groups: &GroupSet) -> Self {
        let is_so = |table: &RankTable| is_of(&table.places, groups.soon()) && is_of(&table.groups, groups);
        let all = self.key_groups();
        let of = |set: &GroupSet| set.iter().filter(|group| all.all().contains(group)).collect();
        self.follow(is_so, || Self::placed(all, of(groups.soon()), of(groups)))
    }
    /// The same as [`moved`](Self::moved), for a table that is laid out anew [as groups come](super::laying), in their order: those
    /// that are there lie between them, as many before each as behind it, and that first which was last. Where all that comes has its
    /// place already, it stays.
    pub(super) fn taking(&self, groups: &GroupSet) -> Self {
        let all = self.key_groups();
        let of = |set: &GroupSet| set.iter().filter(|group| all.all().contains(group)).collect::<Vec<u16>>();
        let places: Rc<[u16]> = if is_of(&self.table.places, groups.soon()) {
            self.table.places.clone()
        } else {
            let is_there = |group: &u16| self.groups().binary_search(group).is_ok();
            let stays = |group: &&u16| is_there(group) && groups.soon().contains(**group);
            let there: Vec<u16> = self.table.places.iter().rev().filter(stays).copied().collect();
            let coming: Vec<u16> = of(groups.soon()).into_iter().filter(|group| !is_there(group)).collect();
            spread_among(&there, &coming).into()
        };
        let is_so = |table: &RankTable| table.places == places && is_of(&table.groups, groups);
        self.follow(is_so, || Self::placed(all, places.clone(), of(groups).into()))
    }
    /// The same without these groups, which keep their places until tables are laid out anew.
    #[must_use]
    pub fn without(&self, groups: &GroupSet) -> Self {
        let left: Rc<[u16]> = self.groups().iter().copied().filter(|group| !groups.contains(*group)).collect();
        let is_so = |table: &RankTable| table.places == self.table.places && table.groups == left;
        let make = || {
            let RankTable { key_groups, skipped, places, .. } = &*self.table;
            let (places, groups, next) = (places.clone(), left.clone(), RefCell::default());
            Self::new(RankTable { key_groups: *key_groups, skipped: *skipped, places, groups, next })
        };
        self.follow(is_so, make)
    }
    fn follow(&self, is_so: impl Fn(&RankTable) -> bool, make: impl FnOnce() -> Self) -> Self {
        if is_so(&self.table) {
            return self.clone();
        }
        let known = self.table.next.borrow().upgrade().filter(|next| is_so(next));
        let next = known.map_or_else(make, Self::sharing);
        *self.table.next.borrow_mut() = Rc::downgrade(&next.table);
        next
    }
    /// Whether both have the same places, so that a table need not be laid out anew.
    pub(super) fn is_laid_out_like(&self, other: &Self) -> bool {
        self.table.places == other.table.places
    }

    /// How many key groups there are, whoever owns them.
    pub fn key_groups(&self) -> KeyGroups {
        self.table.key_groups
    }
    /// How many bits of a tag are behind those of its group.
    #[inline(always)]
    pub(super) fn within(&self) -> u32 {
        self.within
    }
    /// The group of a tag.
    #[inline(always)]
    pub(super) fn group_of(&self, tag: Tag) -> u16 {
        (tag.number() >> self.within) as u16
    }
    /// No tag of this group has a lower number. The group may be the one behind the last.
    pub(super) fn first_of(&self, group: u16) -> u64 {
        u64::from(group) << self.within
    }
    /// By how much the position of this tag is less than it would be if all groups were owned.
    #[inline(always)]
    pub(super) fn skipped(&self, tag: Tag) -> u64 {
        u64::from(self.table.skipped[usize::from(self.group_of(tag)) % MOST]) << BEHIND
    }
    /// Where a tag of this number lies among those of all owned groups, in fractions of 2^64 of all groups. The number may
    /// be that behind the last of the group.
    pub(super) fn position(&self, group: u16, number: u64) -> u64 {
        let skipped = u64::from(self.table.skipped[usize::from(group)]);
        (number << 32).wrapping_sub(skipped << BEHIND)
    }
    /// The number of a tag of this group that lies at a position.
    pub(super) fn number(&self, group: u16, position: u64) -> u64 {
        let skipped = u64::from(self.table.skipped[usize::from(group)]);
        ((position >> 32) + (skipped << (BEHIND - 32))) & u64::from(u32::MAX)
    }
    /// How many groups have slots.
    pub(super) fn places(&self) -> u16 {
        self.table.places.len() as u16
    }
    /// The group that has the slots of this rank.
    pub(super) fn place(&self, rank: u32) -> Option<u16> {
        self.table.places.get(rank as usize).copied()
    }
    /// The rank of a group among those that have slots.
    pub(super) fn rank(&self, group: u16) -> u32 {
        let behind = 16 - self.key_groups().bits();
        u32::from((group << behind).wrapping_sub(self.table.skipped[usize::from(group) % MOST]) >> behind)
    }
    /// The owned groups that have tags of this number or behind it, in order.
    pub(super) fn groups_from(&self, number: u64) -> &[u16] {
        let groups = self.groups();
        &groups[groups.partition_point(|group| self.first_of(group + 1) <= number)..]
    }
    /// The owned groups, in order.
    pub(crate) fn groups(&self) -> &[u16] {
        &self.table.groups
    }

    /// How many entries there would be if all groups that have slots had as many as those that are owned.
    pub(super) fn in_all_places(&self, entries: usize) -> usize {
        let (places, owned) = (self.table.places.len(), self.table.groups.len().max(1));
        if places <= owned { entries } else { (entries as u128 * places as u128 / owned as u128) as usize }
    }

    /// How many groups this worker owns.
    pub fn owned(&self) -> u16 {
        self.table.groups.len() as u16
    }
}

/// These groups with those that come between them, evenly.
fn spread_among(there: &[u16], coming: &[u16]) -> Vec<u16> {
    let (mut all, mut told) = (Vec::with_capacity(there.len() + coming.len()), 0);
    for (at, group) in coming.iter().enumerate() {
        let before = (there.len() * (2 * at + 1) + coming.len()) / (2 * coming.len());
        all.extend(&there[told..before]);
        all.push(*group);
        told = before;
    }
    all.extend(&there[told..]);
    all
}
/// Whether these are all groups of the set.
fn is_of(groups: &[u16], set: &GroupSet) -> bool {
    groups.len() == set.len() && groups.iter().all(|group| set.contains(*group))
}

impl fmt::Debug for Ranks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranks").field("owned", &self.owned()).field("of", &self.key_groups()).finish_non_exhaustive()
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

    /// The tag as a number.
    #[inline(always)]
    pub(super) fn number(self) -> u64 {
        u64::from(self.0.get())
    }

    /// A hash with this tag.
    #[inline(always)]
    pub(super) fn hash(self) -> u64 {
        u64::from(self.0.get()) << 32
    }
}
