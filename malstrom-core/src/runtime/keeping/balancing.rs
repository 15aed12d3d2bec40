//! Key groups move between the workers of a process, when some have more to do than others.
use super::Run;
use crate::error::Result;
use crate::runtime::attempt::Moved;
use std::sync::mpsc::Sender;

impl Run<'_> {
    /// Takes note of what was sent of each key group.
    pub(super) fn count(&mut self) {
        if let Some(attempt) = &self.attempt {
            self.balancing.note(&attempt.fabric().loads().take(self.job.plan().key_groups));
        }
    }
    /// Looks at what the workers have to do, if it is time for that.
    pub(super) fn look_at_loads(&mut self) {
        let now = self.now();
        if self.balancing.due() > now {
            return;
        }
        self.count();
        if let Some(event) = self.balancing.look(now, &self.coordinator) {
            self.on(event);
        }
    }
    /// Somebody wants all workers to have as much to do as each other.
    pub(super) fn rebalance(&mut self, reply: Sender<Result<Moved>>) {
        self.count();
        let now = self.now();
        if let Some(event) = self.balancing.ask(now, &self.coordinator, &mut self.scalers, reply) {
            self.on(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::connect::{FromIter, for_each};
    use crate::graph::{Graph, Pipeline, build, source};
    use crate::runtime::clock::Clock;
    use crate::runtime::job::Job;
    use crate::runtime::keeping::open;
    use crate::runtime::signals::Stop;
    use crate::runtime::{Runtime, Snapshots};
    use std::sync::Arc;
    use std::time::Duration;

    /// Every second record is of one key, so one of two workers has three quarters of all.
    fn skewed() -> Pipeline {
        let g = Graph::new("skewed");
        let s = source::source(g.clone(), "source", FromIter::new(0..u64::MAX));
        let s = build::key_by(g.clone(), "key_by", build::by(s, |n: &u64| n % 2 * n));
        build::sink(g.clone(), "sink", for_each(|_: u64| {}), s);
        g.finish()
    }

    /// It takes the job half a minute, and its clock is fast.
    #[test]
    fn key_groups_move_by_themselves_while_a_job_runs() {
        let runtime =
            Runtime::builder().workers(2).rebalance(true).snapshots("memory://skewed", Duration::from_secs(1));
        let runtime = runtime.build().expect("this can be");
        let mut plan = runtime.plan(Arc::new(skewed));
        plan.clock = Clock::fast(20);
        let Snapshots { location, restore, drop_state, keeping } = runtime.snapshots.clone().expect("it has a place");
        let keeping = open(&mut plan, location, &restore, drop_state, keeping).expect("there is nothing yet");
        let job = Job::start(plan, Some(keeping)).expect("there are threads to be had");
        let moves = || job.glance().survived.moves;
        for _ in 0..6000 {
            if moves().made > 0 || job.wait_for(Duration::from_millis(10)) {
                break;
            }
        }
        assert!(moves().groups > 100, "{:?}", moves());
        Stop::stop(&*job);
        job.wait();
    }
}
