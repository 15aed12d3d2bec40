//! What a simulated job is like, and what goes wrong in it: both follow from the seed.
use super::random::Random;
use super::store::{Mishap, lock};
use super::world::{Asked, AskedToMove, Event, World};
use crate::error::Error;
use crate::runtime::cluster::{crew, leader};
use crate::runtime::keeping;
use std::sync::mpsc::channel;
use std::time::Duration;

/// How the job is kept.
pub(super) fn keeping(rebalance: bool) -> keeping::Settings {
    // What is lost on its way is said again, and not waited for until it is too late.
    keeping::Settings {
        every: Duration::from_secs(1),
        timeout: Duration::from_secs(600),
        restarts: 1000,
        rebalance,
        key_groups: None,
    }
}
/// Something that happens.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// The leader dies after it has done so many things more.
    KillLeader {
        acts: u64,
    },
    /// The leader does nothing for a while. Another one may be started meanwhile in its place.
    FreezeLeader {
        lasts: Duration,
        replaced: bool,
    },
    /// One of the next writes of the leader goes wrong.
    Write(Mishap),
    /// The leader cannot reach the store for a while.
    LeaderAway {
        lasts: Duration,
    },
    LeaderBack {
        leader: usize,
    },
    /// The same for a process with workers.
    KillCrew {
        slot: usize,
        acts: u64,
    },
    FreezeCrew {
        slot: usize,
        lasts: Duration,
        replaced: bool,
    },
    Thaw {
        crew: usize,
    },
    CrewAway {
        slot: usize,
        lasts: Duration,
    },
    CrewBack {
        crew: usize,
    },
    /// It reaches no leader for a while.
    Apart {
        slot: usize,
        lasts: Duration,
    },
    /// Its connection is reset.
    Reset {
        slot: usize,
    },
    /// Two processes do not reach each other for a while.
    Cut {
        slots: (usize, usize),
        lasts: Duration,
    },
    Mend {
        processes: (u32, u32),
    },
    /// A process is told to go.
    Leave {
        slot: usize,
    },
    /// One more comes.
    Come {
        slot: usize,
    },
    /// One of its workers fails.
    Fail {
        slot: usize,
    },
    /// Somebody wants a savepoint.
    Savepoint {
        number: u64,
    },
    /// Somebody wants all workers to have as much to do as each other.
    Rebalance,
    /// The job is told to stop.
    Stop,
}
impl What {
    fn lasts(self) -> Duration {
        match self {
            What::FreezeLeader { lasts, .. }
            | What::LeaderAway { lasts }
            | What::FreezeCrew { lasts, .. }
            | What::CrewAway { lasts, .. }
            | What::Apart { lasts, .. }
            | What::Cut { lasts, .. } => lasts,
            _ => Duration::ZERO,
        }
    }
}
/// So many processes may come beside those that there are at first.
const MORE: usize = 2;
/// What may go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Menu {
    /// Whatever does not touch the processes with workers: nothing is to be restored then.
    Leader,
    Crews,
    All,
}
/// See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    /// How many processes with workers there are at first, and how many workers each has, and those that may come later.
    pub(super) processes: usize,
    pub(super) workers: Vec<usize>,
    pub(super) least: usize,
    /// Whether processes have numbers of their own, or are given some.
    pub(super) numbered: bool,
    /// One that leads, and maybe one that stands by.
    pub(super) leaders: usize,
    /// How many records each split has.
    pub(super) sizes: Vec<u64>,
    pub(super) faults: Vec<(Duration, What)>,
    /// One message in so many is lost, and its connection with it.
    pub(super) flaky: u64,
    /// How many bytes move at one barrier.
    pub(super) wave: u64,
    /// Whether some key groups are known to have more records than others.
    pub(super) skewed: bool,
    /// Whether key groups move by themselves.
    pub(super) rebalance: bool,
    /// Whether the job may have to be restored.
    pub(super) rolls_back: bool,
    /// When the job is to be over, if not two minutes after the last fault.
    pub(super) over_by: Option<Duration>,
}
impl Plan {
    pub(super) fn of(seed: u64, menu: Menu) -> Self {
        let mut random = Random::new(seed ^ 0x5eed);
        let processes = random.of(1..5) as usize;
        let workers = (0..processes + MORE).map(|_| random.of(1..3) as usize).collect();
        let sizes = (0..random.of(2..8)).map(|_| random.of(100..600)).collect();
        let (least, numbered) = (if random.one_in(2) { processes } else { 1 }, !random.one_in(3));
        let leaders = if random.one_in(3) { 2 } else { 1 };
        let mut faults: Vec<(Duration, What)> = (0..random.below(8))
            .map(|number| {
                (
                    random.ms(if menu == Menu::Leader { 4000..14_000 } else { 1000..14_000 }),
                    menu.draw(&mut random, processes, number),
                )
            })
            .collect();
        if menu == Menu::Leader {
            // Who is gone for long, if only by being reset again and again, is lost.
            let mut resets = 0..;
            faults.retain(|(_, what)| !matches!(what, What::Reset { .. }) || resets.next() == Some(0));
            // As many newcomers as there are to be processes may begin the job anew, if they come to the next coordinator before those
            // that go on with it.
            let mut come = 1..processes;
            faults.retain(|(_, what)| !matches!(what, What::Come { .. }) || come.next().is_some());
        }
        if menu == Menu::All && random.one_in(8) {
            faults.push((random.ms(3000..12_000), What::Stop));
        }
        let asked = if random.one_in(2) { 1 + random.below(3) } else { 0 };
        faults.extend((0..asked).map(|_| (random.ms(3000..14_000), What::Rebalance)));
        faults.sort_by_key(|(at, _)| *at);
        let flaky = if menu != Menu::Leader && random.one_in(2) { 100 } else { 0 };
        let rolls_back = menu != Menu::Leader;
        let (wave, over_by) = ([u64::MAX, 50, 20][random.below(3) as usize], None);
        let (skewed, rebalance) = (random.one_in(2), random.one_in(2));
        Plan {
            seed,
            processes,
            workers,
            least,
            numbered,
            leaders,
            sizes,
            faults,
            flaky,
            wave,
            skewed,
            rebalance,
            rolls_back,
            over_by,
        }
    }
    /// When the last of it is over.
    pub(super) fn calm(&self) -> Duration {
        self.faults.iter().map(|(at, what)| *at + what.lasts()).max().unwrap_or_default()
    }
}
impl Menu {
    fn draw(self, random: &mut Random, processes: usize, number: u64) -> What {
        if random.one_in(6) {
            return What::Come { slot: processes + random.below(MORE as u64) as usize };
        }
        let of_crews = self == Menu::Crews || self == Menu::All && random.one_in(2);
        if of_crews { crews(random, processes) } else { leaders(random, number, processes, self == Menu::Leader) }
    }
}
fn leaders(random: &mut Random, number: u64, processes: usize, gentle: bool) -> What {
    match random.below(8) {
        0..3 => What::KillLeader { acts: random.below(60) },
        3 => {
            let replaced = random.one_in(2);
            // A process that is gone for longer than that is lost to one that wakes up.
            let lasts = if gentle && !replaced { random.ms(100..4000) } else { random.ms(100..15_000) };
            What::FreezeLeader { lasts, replaced }
        }
        4 | 5 => What::Write(match random.below(3) {
            0 => Mishap::Refused,
            1 => Mishap::Unsaid,
            _ => Mishap::Slow(random.ms(100..7000)),
        }),
        6 => match random.one_in(2) {
            true => What::LeaderAway { lasts: random.ms(100..if gentle { 2000 } else { 8000 }) },
            false => What::Reset { slot: random.below(processes as u64) as usize },
        },
        _ => What::Savepoint { number },
    }
}
fn crews(random: &mut Random, processes: usize) -> What {
    let slot = random.below(processes as u64) as usize;
    match random.below(10) {
        0 | 1 => What::KillCrew { slot, acts: random.below(20) },
        2 => What::FreezeCrew { slot, lasts: random.ms(500..15_000), replaced: random.one_in(2) },
        3 => What::CrewAway { slot, lasts: random.ms(200..4000) },
        4 => What::Apart { slot, lasts: random.ms(200..12_000) },
        5 => What::Reset { slot },
        6 | 7 => {
            let other = random.below(processes as u64) as usize;
            What::Cut { slots: (slot, other), lasts: random.ms(500..20_000) }
        }
        8 => What::Leave { slot },
        _ => What::Fail { slot },
    }
}

impl World {
    /// Something goes wrong.
    pub(super) fn fault(&mut self, what: What) {
        self.note(|| format!("{what:?}"));
        if let Some(crew) = self.at_crew(what) {
            return self.crew_fault(crew, what);
        }
        let now = self.now;
        let leading = self.leaders.iter().rposition(|leader| leader.listens(now));
        match (what, leading) {
            (What::LeaderBack { leader }, _) => lock(&self.leaders[leader].fate).unreachable(false),
            (What::CrewBack { crew }, _) => lock(&self.crews[crew].fate).unreachable(false),
            (What::Thaw { crew }, _) => {
                let mut job = lock(&self.job);
                job.teams.iter_mut().filter(|team| team.crew == crew).for_each(|team| team.frozen = false);
            }
            (What::Mend { processes }, _) => drop(lock(&self.job).cuts.remove(&processes)),
            (What::KillLeader { acts }, Some(leader)) => lock(&self.leaders[leader].fate).dies_after(acts),
            (What::FreezeLeader { lasts, replaced }, Some(leader)) => {
                self.freeze_leader(leader, now + lasts);
                if replaced {
                    let delay = self.random.ms(100..3000);
                    self.after(delay, Event::StartLeader(0));
                }
            }
            (What::Write(mishap), Some(leader)) => lock(&self.leaders[leader].fate).will(mishap),
            (What::LeaderAway { lasts }, Some(leader)) => {
                lock(&self.leaders[leader].fate).unreachable(true);
                self.after(lasts, Event::Fault(What::LeaderBack { leader }));
            }
            (What::Savepoint { number }, Some(leader)) => {
                let (name, (reply, answer)) = (format!("s{number}"), channel());
                self.savepoints.push(Asked { name: name.clone(), leader, answer, passed: 0 });
                self.leader_hears(leader, leader::Input::Savepoint(name, reply));
            }
            (What::Rebalance, Some(leader)) => {
                let (reply, answer) = channel();
                self.rebalances.push(AskedToMove { leader, answer, passed: 0 });
                self.leader_hears(leader, leader::Input::Rebalance(reply));
            }
            (What::Come { slot }, _) => self.start_crew(slot),
            (What::Stop, Some(leader)) => {
                self.stopped = true;
                self.leader_hears(leader, leader::Input::Stop);
            }
            _ => {}
        }
    }
    /// The process with workers that is meant, if one is, and is there.
    fn at_crew(&self, what: What) -> Option<usize> {
        let slot = match what {
            What::KillCrew { slot, .. }
            | What::FreezeCrew { slot, .. }
            | What::CrewAway { slot, .. }
            | What::Apart { slot, .. }
            | What::Reset { slot }
            | What::Leave { slot }
            | What::Fail { slot } => slot,
            What::Cut { slots, .. } => slots.0,
            _ => return None,
        };
        self.crews.iter().rposition(|crew| crew.slot == slot && !crew.is_frozen(self.now))
    }
    fn crew_fault(&mut self, crew: usize, what: What) {
        let now = self.now;
        match what {
            What::KillCrew { acts, .. } => lock(&self.crews[crew].fate).dies_after(acts),
            What::FreezeCrew { slot, lasts, replaced } => {
                self.freeze_crew(crew, now + lasts);
                if replaced {
                    let delay = self.random.ms(500..8000);
                    self.after(delay, Event::StartCrew(slot));
                }
            }
            What::CrewAway { lasts, .. } => {
                lock(&self.crews[crew].fate).unreachable(true);
                self.after(lasts, Event::Fault(What::CrewBack { crew }));
            }
            What::Apart { lasts, .. } => {
                self.crews[crew].apart = now + lasts;
                self.hang_up(None, Some(crew));
            }
            What::Reset { .. } => self.crews[crew].connection.into_iter().for_each(|connection| self.reset(connection)),
            What::Cut { slots, lasts } => {
                let of = |slot: usize| self.crews.iter().rfind(|crew| crew.slot == slot)?.process();
                let (Some(one), Some(other)) = (of(slots.0), of(slots.1)) else { return };
                let processes = (one.min(other), one.max(other));
                if one != other {
                    lock(&self.job).cuts.insert(processes);
                    self.after(lasts, Event::Fault(What::Mend { processes }));
                }
            }
            What::Leave { .. } => self.crew_hears(crew, crew::Input::Leave),
            What::Fail { .. } => {
                let mut job = lock(&self.job);
                let team = job.teams.iter_mut().find(|team| team.crew == crew);
                team.into_iter().for_each(|team| team.failure = Some(Error::custom("a worker has failed")));
            }
            _ => {}
        }
    }
}
