//! A process dies at each of the moments that a kill at a random time hardly ever hits: they have names, and are told to.
use crate::DEMO;
use crate::command_line::{command, finish, run};
use crate::job::{Job, Process, all_end};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const VARIABLE: &str = "MALSTROM_FAILPOINT";
/// So many jobs run at a time: they wait more than they compute.
const AT_A_TIME: usize = 4;

/// Which process dies, and what else happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dies {
    Coordinator,
    Worker,
    /// A worker that was killed before, and is restored.
    Restored,
    /// A worker that was there before another one joins, or that one.
    Member,
    Joiner,
    /// The coordinator, while another worker joins.
    Rescaling,
}
/// Where, for the how manieth time, and who.
const POINTS: [(&str, u32, Dies); 13] = [
    ("aligning", 5, Dies::Worker),
    ("uploading", 3, Dies::Worker),
    ("uploaded", 3, Dies::Worker),
    ("publishing", 4, Dies::Worker),
    ("before-log", 3, Dies::Coordinator),
    ("logged", 3, Dies::Coordinator),
    ("restoring", 1, Dies::Restored),
    ("preparing", 1, Dies::Joiner),
    ("cutting", 1, Dies::Member),
    ("handing-over", 1, Dies::Member),
    ("handing-over", 2, Dies::Member),
    ("installed", 1, Dies::Joiner),
    ("sealed", 1, Dies::Rescaling),
];

/// Waits for the end of a process that is to die at a failpoint.
fn dies(process: &mut Process, name: &str) -> Result<(), String> {
    let code = process.end();
    let log = process.log();
    match code {
        // By a signal.
        None if log.contains(&format!("failpoint {name}: this process dies")) => Ok(()),
        _ => Err(format!("it has ended with {code:?} and has not died there:\n{log}")),
    }
}
/// Runs a job in which a process dies at a failpoint, to its right end.
fn walk((name, times, who): (&str, u32, Dies)) -> Result<(), String> {
    let joins = matches!(who, Dies::Member | Dies::Joiner | Dies::Rescaling);
    let job = Job::of(2, if joins { 10 } else { 5 });
    let there = format!("{VARIABLE}={name}:{times}");
    let armed = |dies: bool| if dies { vec![there.clone()] } else { Vec::new() };
    let mut coordinator = job.coordinator_armed(&armed(matches!(who, Dies::Coordinator | Dies::Rescaling)));
    let mut workers = vec![job.worker(0), job.worker_armed(1, &armed(matches!(who, Dies::Worker | Dies::Member)))];
    match who {
        Dies::Coordinator => {
            dies(&mut coordinator, name)?;
            coordinator = job.coordinator();
        }
        Dies::Worker => {
            dies(&mut workers[1], name)?;
            workers[1] = job.worker(1);
        }
        Dies::Restored => {
            job.goes_on();
            workers[1].kill();
            workers[1] = job.worker_armed(1, &armed(true));
            dies(&mut workers[1], name)?;
            workers[1] = job.worker(1);
        }
        Dies::Member | Dies::Joiner | Dies::Rescaling => {
            coordinator.until_it_logs("attempt begins");
            workers.push(job.worker_armed(2, &armed(who == Dies::Joiner)));
            match who {
                Dies::Rescaling => {
                    dies(&mut coordinator, name)?;
                    coordinator = job.coordinator();
                }
                who => {
                    let worker = if who == Dies::Member { 1 } else { 2 };
                    dies(&mut workers[worker], name)?;
                    workers[worker] = job.worker(worker as u32);
                }
            }
        }
    }
    let restarts = coordinator.is_right();
    all_end(&mut workers);
    match (who, restarts) {
        (Dies::Coordinator | Dies::Rescaling, 1..) => Err(format!("the next one went back:\n{}", coordinator.log())),
        _ => Ok(()),
    }
}

#[test]
fn a_process_may_die_at_any_failpoint() {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(point) = POINTS.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let walked = std::panic::catch_unwind(|| walk(*point));
                    let walked = walked.unwrap_or_else(|_| Err("it has panicked, which is said above".into()));
                    if let Err(why) = walked {
                        wrong.lock().unwrap().push(format!("{point:?}: {why}"));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
#[test]
fn every_failpoint_is_walked_and_others_are_refused() {
    let job = Job::of(1, 1);
    let arguments = job.arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = finish(command(DEMO, &arguments).env(VARIABLE, "nowhere").spawn().unwrap());
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    let (_, names) = ended.stderr.trim().split_once("there is no failpoint `nowhere`: there are ").unwrap();
    let known: BTreeSet<&str> = names.split(", ").collect();
    assert_eq!(known, POINTS.iter().map(|(name, ..)| *name).collect::<BTreeSet<_>>());
    // Whoever is told nothing dies nowhere.
    run(DEMO, &arguments).succeeded();
}
/// A coordinator that dies each time at the same place would do so for ever.
#[test]
fn a_local_cluster_whose_coordinator_dies_again_and_again_gives_up() {
    let job = Job::of(2, 60);
    for (name, who) in [("before-log", "coordinator"), ("uploading", "worker")] {
        let there = format!("{VARIABLE}={name}");
        let mut parent = job.start_armed("cluster", &["--processes=2"], &[there]);
        parent.ends_with(1);
        let log = parent.log();
        let last = log.lines().find(|line| line.starts_with("error: ")).unwrap_or_else(|| panic!("{log}"));
        assert!(last.contains(who) && last.contains("has ended 6 times with no snapshot in between"), "{last}");
        assert_eq!(super::local::running(&job.dir().display().to_string()), Vec::<u32>::new());
    }
}
