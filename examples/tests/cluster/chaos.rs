//! Random faults at random times, for as long as one likes:
//!
//! ```sh
//! MALSTROM_CHAOS_SECONDS=1800 cargo test -p malstrom-examples --test cluster -- --ignored chaos --nocapture
//! ```
//! Each round is a job of its own, whose result is checked. `MALSTROM_CHAOS_SEED` repeats the faults of a run, and
//! `MALSTROM_CHAOS_PROGRAM` names another build of the program.
mod asked;
mod faults;
mod round;

use crate::job::Job;
use round::Round;
use std::time::{Duration, Instant, SystemTime};

/// With so many processes a job begins, and so many may come to take part.
const WORKERS: u32 = 3;
const MOST: u32 = 5;

/// splitmix64.
struct Random(u64);
impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut drawn = self.0;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        drawn ^ (drawn >> 31)
    }
    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }
    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least)
    }
    fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.between(least, most))
    }
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
#[ignore = "takes as long as one likes"]
fn chaos() {
    let seconds = Duration::from_secs(variable("MALSTROM_CHAOS_SECONDS").unwrap_or(60));
    let drawn = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros() as u64;
    let mut seed = variable("MALSTROM_CHAOS_SEED").unwrap_or_else(drawn);
    let (begun, mut rounds, mut wrong) = (Instant::now(), 0, 0);
    while rounds == 0 || begun.elapsed() < seconds {
        println!("round {rounds}: MALSTROM_CHAOS_SEED={seed}");
        let mut job = Job::of(WORKERS as usize, 10).least(1 + (seed % u64::from(WORKERS)) as usize);
        // A disk may fail several times before there is a snapshot.
        job = job.with(&["--restarts=100", "--http=127.0.0.1:0"]).on_a_disk();
        if seed % 2 == 1 {
            job = job.with(&["--hot"]);
        }
        if let Err(why) = job.with_clocks() {
            println!("  no clock jumps: {why}");
        }
        if let Ok(program) = std::env::var("MALSTROM_CHAOS_PROGRAM") {
            job.program = program;
        }
        let mut round = Round::new(job);
        let outcome = round.run(&mut Random(seed));
        println!(
            "  {:>7.3} s {}",
            round.begun.elapsed().as_secs_f64(),
            if outcome.is_ok() { "right" } else { "WRONG" }
        );
        if let Err(why) = outcome {
            wrong += 1;
            println!("{why}\nwhat is there is kept in {}", round.end().keep().display());
        }
        (rounds, seed) = (rounds + 1, Random(seed).next());
    }
    println!("{rounds} rounds, {wrong} of them wrong");
    assert_eq!(wrong, 0);
}
