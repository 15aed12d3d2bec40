//! Shares of key groups that are equal by what the groups have to do, and not by how many they are.
//!
//! As few groups as possible are to move, so those go first that have most to do. This is a matter of packing boxes, which nobody solves
//! exactly for thousands of groups; where no group has more than a twentieth of a share to do, it ends within a twentieth of equal shares,
//! and otherwise where no move of a single group between two workers would make the greater of the two smaller.
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Shares may differ from equal ones by one in so many.
const TOLERANCE: u64 = 20;

/// Who owns each group next, of these members.
pub(super) fn shared_out(owners: &[u16], members: &[usize], loads: &[u64]) -> Vec<u16> {
    let mut shares = Shares::new(owners, members, loads);
    shares.pin();
    shares.place();
    shares.even_out();
    shares.owners
}

struct Shares<'a> {
    owners: Vec<u16>,
    loads: &'a [u64],
    /// What each member has to do that shares what can be shared out.
    pool: BTreeMap<u16, u64>,
    /// The groups of each of them, those that have least to do first.
    groups: BTreeMap<u16, Vec<usize>>,
    /// Those that have one group that is more than a share, and are to have nothing else.
    pinned: BTreeMap<u16, usize>,
}
impl<'a> Shares<'a> {
    fn new(owners: &[u16], members: &[usize], loads: &'a [u64]) -> Self {
        let members = members.iter().map(|member| *member as u16);
        let mut pool: BTreeMap<u16, u64> = members.map(|member| (member, 0)).collect();
        for (owner, load) in owners.iter().zip(loads) {
            pool.entry(*owner).and_modify(|all| *all += load);
        }
        Shares { owners: owners.to_vec(), loads, pool, groups: BTreeMap::new(), pinned: BTreeMap::new() }
    }
    fn load(&self, group: usize) -> u64 {
        self.loads.get(group).copied().unwrap_or(0)
    }
    /// What is to be shared out.
    fn total(&self) -> u64 {
        let pinned = self.pinned.values().map(|group| self.load(*group)).sum();
        (0..self.owners.len()).map(|group| self.load(group)).sum::<u64>().saturating_sub(pinned)
    }
    /// An equal share of it.
    fn share(&self) -> u64 {
        self.total().div_ceil(self.pool.len().max(1) as u64)
    }
    /// Who has least to do.
    fn idlest(&self) -> Option<u16> {
        self.pool.iter().min_by_key(|(_, load)| **load).map(|(member, _)| *member)
    }
    /// A group that is more than a share is all that its owner has: moving it about would only make somebody else have too much.
    fn pin(&mut self) {
        let mut heaviest: Vec<usize> = (0..self.owners.len()).collect();
        heaviest.sort_by_key(|group| (Reverse(self.load(*group)), *group));
        for group in heaviest {
            let share = self.share();
            if self.pool.len() < 2 || self.load(group) <= share + share / TOLERANCE {
                break;
            }
            let owner = Some(self.owners[group]).filter(|owner| self.pool.contains_key(owner));
            let Some(owner) = owner.or_else(|| self.idlest()) else { break };
            self.owners[group] = owner;
            self.pool.remove(&owner);
            self.pinned.insert(owner, group);
        }
    }
    /// Gives those groups to members that have none, or one that has to be alone.
    fn place(&mut self) {
        let crumbs = self.share() / TOLERANCE;
        let mut homeless = Vec::new();
        let mut beside: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
        for (group, owner) in self.owners.iter().copied().enumerate() {
            if self.pool.contains_key(&owner) {
                self.groups.entry(owner).or_default().push(group);
            } else if let Some(pinned) = self.pinned.get(&owner) {
                beside.entry(owner).or_default().extend((*pinned != group).then_some(group));
            } else {
                homeless.push(group);
            }
        }
        for mut beside in beside.into_values() {
            beside.sort_by_key(|group| (Reverse(self.load(*group)), *group));
            let mut left: u64 = beside.iter().map(|group| self.load(*group)).sum();
            for group in beside {
                if left <= crumbs {
                    break;
                }
                left -= self.load(group);
                homeless.push(group);
            }
        }
        homeless.sort_by_key(|group| (Reverse(self.load(*group)), *group));
        for group in homeless {
            let to = self.idlest().or_else(|| self.pinned.keys().next().copied());
            to.into_iter().for_each(|to| self.give(group, to));
        }
        let loads = self.loads;
        let load = |group: &usize| loads.get(*group).copied().unwrap_or(0);
        self.groups.values_mut().for_each(|groups| groups.sort_by_key(|group| (load(group), Reverse(*group))));
    }
    fn give(&mut self, group: usize, to: u16) {
        self.owners[group] = to;
        let load = self.load(group);
        if let Some(all) = self.pool.get_mut(&to) {
            *all += load;
            self.groups.entry(to).or_default().push(group);
        }
    }
    /// Moves groups from those that have too much to those that have too little. Each move makes the greater of two shares smaller, so
    /// that it comes to an end.
    fn even_out(&mut self) {
        let share = self.share();
        let (least, most) = (share - share / TOLERANCE, share + share / TOLERANCE);
        while let Some((place, from, to)) = self.next_move(least, most) {
            let Some(groups) = self.groups.get_mut(&from) else { return };
            let group = groups.remove(place);
            let load = self.load(group);
            self.owners[group] = to;
            if let Some(of_from) = self.pool.get_mut(&from) {
                *of_from -= load;
            }
            if let Some(of_to) = self.pool.get_mut(&to) {
                *of_to += load;
            }
            let key = (load, Reverse(group));
            let loads = self.loads;
            let groups = self.groups.entry(to).or_default();
            let at = groups.partition_point(|other| (loads.get(*other).copied().unwrap_or(0), Reverse(*other)) < key);
            groups.insert(at, group);
        }
    }
    /// The best move: which of its groups whoever has too much gives to whom.
    fn next_move(&self, least: u64, most: u64) -> Option<(usize, u16, u16)> {
        let to = self.idlest()?;
        let of_to = self.pool.get(&to).copied()?;
        let mut busiest: Vec<(u64, u16)> = self.pool.iter().map(|(member, load)| (*load, *member)).collect();
        busiest.sort_by_key(|(load, member)| (Reverse(*load), *member));
        for (of_from, from) in busiest {
            if of_from <= most && of_to >= least {
                return None;
            }
            let Some(groups) = self.groups.get(&from) else { continue };
            // Both are to be within bounds afterwards, if that can be.
            let room = of_from.saturating_sub(least).min(most.saturating_sub(of_to));
            let behind = groups.partition_point(|group| self.load(*group) <= room);
            let fits = behind.checked_sub(1).filter(|place| self.load(groups[*place]) > 0);
            let place = fits.or_else(|| (behind < groups.len()).then_some(behind));
            if let Some(place) = place.filter(|place| self.load(groups[*place]) < of_from - of_to) {
                return Some((place, from, to));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
