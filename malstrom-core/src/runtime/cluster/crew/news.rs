//! What the workers of a process have done, which their coordinator is told.
use super::storage::Part;
use super::{Crew, Done};
use crate::coordinator::Report;
use crate::coordinator::member::Member;
use crate::error::{Error, Result};
use crate::failpoint::{Failpoint, reach};
use crate::runtime::attempt::News;
use crate::runtime::cluster::words::{Failure, Word};
use crate::runtime::keeping::is_worth_a_restart;

impl Crew {
    pub(super) fn failed(&mut self, attempt: u64, error: &Error) {
        let (restart, config) = (is_worth_a_restart(error), matches!(error, Error::Config(_)));
        let failure = Failure { what: format!("{error:?}"), restart, config };
        let term = self.term();
        // Said again, in that it stands in no attempt, if this does not arrive.
        self.members.values_mut().for_each(Member::left);
        self.say(&Word::Failed { term, attempt, failure });
    }
    /// Workers have done something.
    pub(super) fn take(&mut self, news: News) {
        let term = self.term();
        let Some(running) = &mut self.running else { return };
        let attempt = running.number;
        match news {
            News::Loaded(_) => {
                running.loaded += 1;
                if running.loaded < running.workers.len() {
                    return;
                }
                if let Some(prepares) = running.prepares.take() {
                    return self.prepared(attempt, prepares);
                }
                let workers = running.workers.clone();
                let parts = running.work.claimed();
                self.say(&Word::Restored { term, attempt, parts });
                for worker in workers {
                    self.say(&Word::Report { term, worker, attempt, report: Report::Ready });
                }
            }
            News::Written(_, written) => {
                let interval = written.interval;
                let all = running.written.entry(interval).or_default();
                all.push(written);
                if all.len() < running.workers.len() {
                    return;
                }
                let all = running.written.remove(&interval).unwrap_or_default();
                if let Some((barrier, kind)) = running.kinds.get(&interval).cloned() {
                    let process = self.hello.process.unwrap_or_default();
                    let insists = running.changes.contains_key(&interval);
                    self.outside.store(Part { term, process, attempt, barrier, kind, insists, written: all });
                }
            }
            News::Installed(at, handed) => {
                let (Some(worker), interval) = (running.number_of(at), handed.interval) else { return };
                let (Some(member), Some(change)) = (self.members.get_mut(&worker), running.changes.get(&interval))
                else {
                    return;
                };
                member.passed(change);
                member.installed(interval);
                running.installed(worker, interval);
                let (bytes, stood) = (handed.taken, handed.stood);
                reach(Failpoint::Installed);
                self.say(&Word::Handed { term, attempt, bytes, stood });
                self.say(&Word::Report {
                    term,
                    worker,
                    attempt,
                    report: Report::Installed { interval, bytes: handed.taken },
                });
            }
            // All workers of a process leave together, and then the attempt has ended here.
            News::Left(_) | News::Rescale(..) | News::Rebalance(_) => {}
            News::Finished(at) => {
                let Some(worker) = running.number_of(at) else { return };
                let Some(member) = self.members.get_mut(&worker) else { return };
                member.finished();
                let version = member.standing().and_then(|standing| standing.finished).unwrap_or_default();
                self.say(&Word::Report { term, worker, attempt, report: Report::Finished(version) });
            }
            News::Ended => {
                let failure = running.work.failure();
                let (workers, released) = (running.workers.clone(), running.released);
                self.tell_figures();
                match failure {
                    Some(error) => self.failed(attempt, &error),
                    None => {
                        for worker in workers {
                            self.say(&Word::Report { term, worker, attempt, report: Report::Left });
                        }
                        if released {
                            // Others notice when it does not answer any more, so it does until they have heard.
                            self.members.values_mut().for_each(Member::left);
                        }
                    }
                }
            }
            News::Savepoint(..) | News::Stop => {}
        }
    }
    /// What this process is going to gain comes with the barrier, and it is there.
    pub(super) fn prepared(&mut self, attempt: u64, (plan, base): (u64, u64)) {
        let term = self.term();
        let workers: Vec<usize> = self.members.keys().copied().collect();
        for worker in workers {
            let report = Report::Followed { plan, base, bytes: 0 };
            self.say(&Word::Report { term, worker, attempt, report });
        }
    }
    pub(super) fn stored(&mut self, interval: u64, part: Result<Vec<u8>>) {
        let term = self.term();
        let Some(running) = &mut self.running else { return };
        let attempt = running.number;
        if !running.kinds.contains_key(&interval) {
            // It was given up in the meantime.
            return;
        }
        match part {
            Ok(part) => {
                running.parts.insert(interval, part.clone());
                for worker in &running.workers {
                    if let Some(member) = self.members.get_mut(worker) {
                        member.written(interval);
                    }
                }
                self.say(&Word::Written { term, attempt, interval, part });
            }
            Err(error) => {
                tracing::warn!(interval, cause = ?error, "a part of a snapshot could not be stored");
                running.unwritten.insert(interval, format!("{error:?}"));
                self.say_unwritten();
            }
        }
    }
    /// Says what could not be stored: until it is settled, the coordinator waits for it.
    pub(super) fn say_unwritten(&self) {
        let Some(running) = &self.running else { return };
        for (interval, why) in &running.unwritten {
            let (term, attempt) = (self.term(), running.number);
            self.say(&Word::Unwritten { term, attempt, interval: *interval, why: why.clone() });
        }
    }
    pub(super) fn tell_figures(&mut self) {
        let Some(running) = &self.running else { return };
        let (figures, progress) = running.work.done();
        let mut done = Done::of(running.number, &figures);
        done.splits = progress.into_iter().map(|progress| (progress.split, progress.done, progress.total)).collect();
        if self.told.as_ref() != Some(&done) {
            self.say(&Word::Did(done.clone()));
            self.told = Some(done);
        }
        // What is lost on its way is missed by nobody: more of them follow.
        let (attempt, samples) = (running.number, running.work.samples());
        if !samples.is_empty() {
            self.say(&Word::Loads { attempt, samples });
        }
    }
}
