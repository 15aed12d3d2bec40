//! The protocols under everything that may happen to them, and with a rule left out.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::sim::seeds::{self, Progress};
use std::ops::Range;

/// Runs these seeds, each twice, and adds up what they have survived.
#[track_caller]
fn survive(seeds: Range<u64>, setup: &Setup) -> Survived {
    let mut all = Survived::default();
    let mut progress = Progress::begin("the cluster", &seeds);
    for (done, seed) in seeds.enumerate() {
        let setup = Setup { seed, ..setup.clone() };
        let survived = run_twice(&setup).unwrap_or_else(|violation| panic!("{}", shrink(&setup, *violation)));
        all.add(&survived);
        progress.show(1 + done as u64);
    }
    all
}
fn calm() -> Menu {
    Menu {
        crashes: 0,
        pauses: 0,
        takeovers: 0,
        network: 0,
        jumps: 0,
        throttles: 0,
        targets: 0,
        moves: 0,
        savepoints: 0,
        store: 0,
        ..Menu::default()
    }
}

#[test]
fn nothing_goes_wrong_where_nothing_happens() {
    let survived = survive(0..10, &Setup { menu: calm(), ..Setup::default() });
    assert_eq!((survived.attempts, survived.faults, survived.dropped), (10, 0, 0));
}
/// The setting of the model that the protocol was found with: three splits, four groups, up to four workers, and a wish for
/// another layout again and again.
fn moving() -> Setup {
    let menu = Menu { nodes: (4, 1), targets: 8, moves: 20, within: Duration::from_millis(90), ..calm() };
    Setup { menu, splits: (3, 80), keys: (4, 8), ..Setup::default() }
}
#[test]
fn layouts_change_without_an_attempt_ending() {
    let (mut moves, mut steps) = (0, 0);
    for seed in 0..30 {
        let survived = survive(seed..seed + 1, &moving());
        assert_eq!(survived.attempts, 1, "of seed {seed}");
        (moves, steps) = (moves + survived.moves, steps + survived.steps);
    }
    assert!(moves > 50 && steps > moves + 5, "{moves} changes in {steps} steps");
}
#[test]
fn a_crash_while_the_layout_changes_is_survived() {
    let setup = moving();
    let survived = survive(0..60, &Setup { menu: Menu { crashes: 3, ..setup.menu.clone() }, ..setup });
    assert!(survived.moves > 100 && survived.attempts > 80, "{survived:?}");
}
/// One change from two workers to three, and back to one, with something that goes wrong meanwhile.
fn change(menu: &Menu, seed: u64, at: Duration, mishaps: impl IntoIterator<Item = What>) -> Survived {
    let wish = |at: u64, target| Fault { at: Duration::from_millis(at), what: What::Target(target) };
    let mut faults = vec![wish(9, 3), wish(22, 1)];
    faults.extend(mishaps.into_iter().map(|what| Fault { at, what }));
    faults.sort_by_key(|fault| fault.at);
    let setup = Setup { seed, menu: menu.clone(), faults: Some(faults), ..Setup::default() };
    run(&setup).unwrap_or_else(|violation| panic!("{}", shrink(&setup, *violation)))
}
/// A crash of each process at each of many moments.
#[test]
fn a_crash_at_any_step_of_a_change_is_survived() {
    let menu = Menu { nodes: (3, 1), ..calm() };
    let mut all = Survived::default();
    for (step, node) in (0..40).flat_map(|step| (0..4).map(move |node| (step, node))) {
        let at = Duration::from_micros(9_000 + 800 * step);
        all.add(&change(&menu, step, at, [What::Crash { node, down: Duration::from_millis(2) }]));
    }
    assert!(all.moves > 40 && all.steps > 2 * all.moves && all.attempts > 200, "{all:?}");
}
/// Another coordinator that takes over at each of many moments, while the one before does nothing or goes on.
#[test]
fn a_takeover_at_any_step_of_a_change_is_survived() {
    let menu = Menu { nodes: (3, 2), ..calm() };
    let mut all = Survived::default();
    for step in 0..80 {
        let at = Duration::from_micros(9_000 + 400 * step);
        let pause = (step % 2 == 0).then_some(What::Pause { node: 3, time: Duration::from_millis(8) });
        all.add(&change(&menu, step, at, std::iter::once(What::Takeover).chain(pause)));
    }
    assert!(all.moves > 30 && all.steps > 2 * all.moves && all.takeovers > 40, "{all:?}");
}
/// A coordinator that wakes up long after another has taken over, and has deleted what it had read.
fn sleepers() -> Menu {
    Menu { nodes: (2, 3), takeovers: 5, pauses: 8, ..calm() }
}
#[test]
fn coordinators_come_and_go() {
    let survived = survive(0..60, &Setup { menu: sleepers(), ..Setup::default() });
    assert!(survived.takeovers > 40, "{survived:?}");
}
#[test]
fn whatever_happens_the_answer_is_the_same() {
    let seeds = seeds::chosen(0..200).unwrap();
    let count = seeds.end - seeds.start;
    let survived = survive(seeds, &Setup::default());
    eprintln!("{survived:?}");
    if count >= 200 {
        let Survived { moves, attempts, takeovers, .. } = survived;
        assert!(3 * moves > count && 2 * attempts > 3 * count && 4 * takeovers > count, "{survived:?}");
    }
}

#[test]
fn each_rule_is_missed() {
    for breach in Breach::ALL {
        let menu = match breach {
            Breach::NotVerified => sleepers(),
            _ => Menu::default(),
        };
        let caught = (0..200).find_map(|seed| {
            let setup = Setup { seed, menu: menu.clone(), breach: Some(breach), ..Setup::default() };
            run(&setup).err().map(|violation| (seed, violation.wrong))
        });
        eprintln!("{breach:?}: {caught:?}");
        assert!(caught.is_some(), "nobody notices that {breach:?}");
    }
}
