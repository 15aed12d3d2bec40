use super::super::{Change, Layout};
use proptest::prelude::*;
use std::sync::Arc;

fn change(old: &Layout, new: &Layout) -> Change {
    Change::between(Arc::new(old.clone()), new.clone())
}
fn moved(old: &Layout, new: &Layout) -> usize {
    change(old, new).groups().count()
}
/// A layout in which anybody may have anything.
fn layout(owners: &[usize]) -> Layout {
    let moves: Vec<_> = owners.iter().copied().enumerate().collect();
    let layout = Layout::even(&[0, 1, 2, 3, 4, 5, 6, 7], owners.len(), 0).moved(&moves, &[]);
    let mut there: Vec<usize> = owners.to_vec();
    there.sort_unstable();
    there.dedup();
    Layout { members: there, ..layout }
}
/// Shares by every possible assignment: the least that the busiest can have, and how many groups must move for a busiest that has no
/// more, and an idlest that has no less, than these.
fn brute_force(owners: &[usize], members: &[usize], loads: &[u64], (least, most): (u64, u64)) -> (u64, Option<usize>) {
    let (mut best, mut fewest) = (u64::MAX, None::<usize>);
    for code in 0..members.len().pow(owners.len() as u32) {
        let digit = |group: usize| code / members.len().pow(group as u32) % members.len();
        let mut shares = vec![0; members.len()];
        (0..owners.len()).for_each(|group| shares[digit(group)] += loads[group]);
        let moves = (0..owners.len()).filter(|group| members[digit(*group)] != owners[*group]).count();
        let (low, high) = (*shares.iter().min().unwrap(), *shares.iter().max().unwrap());
        best = best.min(high);
        if low >= least && high <= most {
            fewest = Some(fewest.map_or(moves, |fewest| fewest.min(moves)));
        }
    }
    (best, fewest)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn small_cases_are_nearly_as_good_as_all_possible_ones(
        owned in prop::collection::vec((0usize..3, 1u64..40), 1..8), members in prop::collection::btree_set(0usize..4, 1..4),
    ) {
        let (owners, loads): (Vec<usize>, Vec<u64>) = owned.into_iter().unzip();
        let members: Vec<usize> = members.into_iter().collect();
        let old = layout(&owners);
        let new = old.spread_by_load(&members, &loads);
        prop_assert_eq!(new.members(), &members[..]);
        let shares = new.loads(&loads);
        prop_assert!(shares.keys().eq(&members), "only members have any: {:?}", shares);
        let (low, high) = (*shares.values().min().unwrap(), *shares.values().max().unwrap());
        let (best, fewest) = brute_force(&owners, &members, &loads, (low, high));
        prop_assert!(high * 2 <= best * 3, "{} at the busiest, which need have no more than {}", high, best);
        let moved = moved(&old, &new);
        prop_assert!(moved <= fewest.unwrap() + owners.len() / 2, "{} move, where {:?} would do", moved, fewest);
        prop_assert_eq!(self::moved(&new, &new.spread_by_load(&members, &loads)), 0, "it is done then");
    }
    #[test]
    fn many_groups_are_shared_out_evenly_and_few_move(
        seed: u64, skew in 0u32..3, before in prop::collection::btree_set(0usize..8, 1..6), after in prop::collection::btree_set(0usize..8, 1..6),
    ) {
        let (before, after): (Vec<usize>, Vec<usize>) = (before.into_iter().collect(), after.into_iter().collect());
        let mut random = seed | 1;
        let mut load = |_| {
            random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            let share = (random >> 40) as f64 / (1u64 << 24) as f64;
            // Few have much, and many have little.
            (1000.0 / (share + 0.002).powf(f64::from(skew) / 2.0)) as u64
        };
        let loads: Vec<u64> = (0..4096).map(&mut load).collect();
        let old = Layout::even(&before, 4096, 0);
        let new = old.spread_by_load(&after, &loads);
        let share = loads.iter().sum::<u64>() / after.len() as u64;
        let heaviest = *loads.iter().max().unwrap();
        let shares = new.loads(&loads);
        let moved = moved(&old, &new);
        if skew == 0 {
            prop_assert_eq!(&new, &old.spread(&after), "they are equal");
        } else if heaviest <= share / 20 {
            let (low, high) = (shares.values().min().unwrap(), shares.values().max().unwrap());
            prop_assert!(*low + share / 20 + 1 >= share && *high <= share + share / 20 + 1, "{:?}", shares);
        }
        let least = least_moves(&old, &after, &loads);
        prop_assert!(moved <= least + least / 10 + 4, "{} move, where {} have to", moved, least);
        prop_assert_eq!(self::moved(&new, &new.spread_by_load(&after, &loads)), 0, "it is done then");
    }
    /// It stays where it is, and what is beside it goes: then there is nothing more to be done.
    #[test]
    fn a_group_that_is_more_than_a_share_is_alone_and_does_not_move(
        workers in 2usize..7, hot in 0usize..64, times in 1u64..20, others in prop::collection::vec(0u64..100, 64),
    ) {
        let members: Vec<usize> = (0..workers).collect();
        let mut loads = others;
        loads[hot] = 0;
        let rest: u64 = loads.iter().sum();
        prop_assume!(rest > 0);
        loads[hot] = rest * times;
        let old = Layout::even(&members, 64, 0);
        let new = old.spread_by_load(&members, &loads);
        prop_assert_eq!(new.owner(hot), old.owner(hot));
        let beside = new.loads(&loads)[&new.owner(hot)] - loads[hot];
        prop_assert!(beside <= rest / (workers as u64 - 1) / 20 + 1, "{} beside it", beside);
        // The others are not made more equal than they need be.
        let owned = (0..64).filter(|group| old.owner(*group) == old.owner(hot)).count();
        prop_assert!(moved(&old, &new) <= owned + 3, "{} move, and {} were beside it", moved(&old, &new), owned);
        prop_assert_eq!(moved(&new, &new.spread_by_load(&members, &loads)), 0, "it is done then");
    }
}
#[test]
fn loads_of_nothing_are_equal() {
    let old = Layout::even(&[0, 1], 8, 2);
    for loads in [vec![], vec![0; 8], vec![5; 8]] {
        assert_eq!(old.spread_by_load(&[0, 1, 2], &loads), old.spread(&[0, 1, 2]));
    }
    // Whatever is not in the list has nothing to do.
    let next = old.spread_by_load(&[0, 1], &[4, 2, 2]);
    assert_eq!(next.loads(&[4, 2, 2]), [(0, 4), (1, 4)].into());
    let all_alike = old.spread_by_load(&[1], &[4, 2, 2]);
    assert!((0..8).all(|group| all_alike.owner(group) == 1));
}
/// So many groups must move, at least: all of those who leave, and of each other that has too much the heaviest until it has not. And
/// the heaviest of all, until those could have enough that have too little.
fn least_moves(old: &Layout, after: &[usize], loads: &[u64]) -> usize {
    let share = loads.iter().sum::<u64>() / after.len() as u64;
    let (least, most) = (share - share / 20 - 1, share + share / 20 + 1);
    let heaviest = |groups: &mut dyn Iterator<Item = usize>| {
        let mut loads: Vec<u64> = groups.map(|group| loads[group]).collect();
        loads.sort_unstable_by_key(|load| std::cmp::Reverse(*load));
        loads
    };
    let of = |worker: usize| (0..loads.len()).filter(move |group| old.owner(*group) == worker);
    let gives = |worker: &usize| {
        let mine = heaviest(&mut of(*worker));
        let mut left: u64 = mine.iter().sum();
        let must = |load: &u64| {
            let too_much = !after.contains(worker) || left > most;
            left -= load;
            too_much
        };
        mine.iter().copied().take_while(must).count()
    };
    let given = old.members().iter().map(gives).sum();
    let has = |worker: &usize| of(*worker).map(|group| loads[group]).sum::<u64>();
    let mut lacking: u64 = after.iter().map(|worker| least.saturating_sub(has(worker))).sum();
    let lacks = |load: &u64| {
        let too_little = lacking > 0;
        lacking = lacking.saturating_sub(*load);
        too_little
    };
    let gained = heaviest(&mut (0..loads.len())).iter().copied().take_while(lacks).count();
    usize::max(given, gained)
}
