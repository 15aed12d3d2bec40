//! A process that coordinates, or stands by to.
use super::Breach;
use super::job::Manifest;
use super::store::{Answer, Ask, Store};
use crate::contract::snapshot::{Barrier, Outcome, ROUNDS, Scope};
use crate::coordinator::{Action, Coordinator, Event, Origin, Policy, Purpose};
use crate::exchange::layout::Change;
use crate::snapshot::log::{Log, LogError, Record, Reply, Request};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// What it does with the log and the store, one after the other.
#[derive(Debug)]
enum Job {
    Claim,
    Store { barrier: Barrier, purpose: Purpose, change: Option<Arc<Change>> },
    Record { target: usize },
}
#[derive(Debug)]
enum Doing {
    /// Reads the log, or claims it if it has read it.
    Claiming {
        read: bool,
    },
    /// Stores the manifest, and then its entry.
    Storing {
        record: Record,
        manifest: Arc<Manifest>,
        whole: bool,
        writers: Vec<usize>,
        logging: bool,
    },
    Recording {
        target: usize,
    },
    Pruning,
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Leader {
    breach: Option<Breach>,
    pub(super) node: usize,
    /// `None` if it stands by.
    pub(super) coordinator: Option<Coordinator>,
    log: Option<Log>,
    jobs: VecDeque<Job>,
    doing: Option<Doing>,
    /// The newest snapshot, and the newest that others are relative to.
    newest: Option<Arc<Manifest>>,
    base: Option<Arc<Manifest>>,
    names: u64,
    nonces: u64,
    /// The interval of a snapshot that it holds for committed, and that is not on the chain.
    pub(super) mistaken: Option<u64>,
    /// The job is over.
    pub(super) has_ended: bool,
    /// It is told nothing of what the store answered to its former life.
    pub(super) life: u64,
}
/// What it wants done.
#[derive(Debug)]
pub(super) enum Want {
    Ask(Ask),
    /// Said to workers.
    Act(Action),
}
impl Leader {
    pub(super) fn new(node: usize, breach: Option<Breach>, life: u64) -> Self {
        Leader {
            breach,
            node,
            coordinator: None,
            log: None,
            jobs: VecDeque::new(),
            doing: None,
            newest: None,
            base: None,
            names: 0,
            // No two lives of any process draw the same.
            nonces: (node as u64) << 48 | life << 32,
            mistaken: None,
            has_ended: false,
            life,
        }
    }
    pub(super) fn is_leading(&self) -> bool {
        self.coordinator.as_ref().is_some_and(|coordinator| coordinator.term() > 0 && !coordinator.is_over())
    }
    /// Begins to coordinate.
    pub(super) fn start(&mut self, policy: Policy, wants: &mut Vec<Want>) {
        *self = Leader::new(self.node, self.breach, self.life + 1);
        let (coordinator, actions) = Coordinator::new(policy);
        self.coordinator = Some(coordinator);
        self.act(actions, wants);
    }
    pub(super) fn on(&mut self, now: Duration, event: Event, wants: &mut Vec<Want>) {
        let Some(coordinator) = &mut self.coordinator else { return };
        let actions = coordinator.on(now, event);
        self.act(actions, wants);
        self.proceed(wants);
    }
    fn act(&mut self, actions: Vec<Action>, wants: &mut Vec<Want>) {
        for action in actions {
            match action {
                // What was to be stored is of an attempt that is over, or is looked for in the log.
                Action::Claim => self.jobs = [Job::Claim].into(),
                Action::Store { barrier, purpose, change } => {
                    self.jobs.push_back(Job::Store { barrier, purpose, change })
                }
                Action::Record { target } => self.jobs.push_back(Job::Record { target }),
                Action::End => self.has_ended = true,
                Action::StepDown => *self = Leader::new(self.node, self.breach, self.life + 1),
                action => wants.push(Want::Act(action)),
            }
        }
        self.proceed(wants);
    }
    fn nonce(&mut self) -> u128 {
        self.nonces += 1;
        u128::from(self.nonces)
    }
    /// Begins the next job.
    fn proceed(&mut self, wants: &mut Vec<Want>) {
        // To claim, it need not wait for what it was doing.
        if matches!(self.jobs.front(), Some(Job::Claim)) {
            self.jobs.pop_front();
            self.life += 1;
            let (log, request) = Log::load();
            (self.log, self.doing) = (Some(log), Some(Doing::Claiming { read: false }));
            wants.push(Want::Ask(Ask::Log(request)));
        }
        if self.doing.is_some() {
            return;
        }
        let Some(job) = self.jobs.pop_front() else { return };
        let (Some(coordinator), Some(log)) = (&self.coordinator, &mut self.log) else { return };
        match job {
            Job::Claim => {}
            Job::Store { barrier, purpose, change } => {
                let writers = change.as_ref().map_or(coordinator.layout(), |change| &change.old).members().to_vec();
                let layout = change.map_or_else(|| coordinator.layout().clone(), |change| change.new.clone());
                let whole = barrier.scope == Scope::Whole;
                let is_base = purpose == Purpose::Recovery;
                self.names += 1;
                let name = format!("{}-{}-{}-{}", log.term(), self.life, barrier.interval, self.names);
                let manifest = Manifest {
                    interval: barrier.interval,
                    attempt: coordinator.attempt(),
                    parts: Vec::new(),
                    before: Vec::new(),
                    is_base,
                    round: barrier
                        .scope
                        .round()
                        .or(self.newest.as_ref().map(|newest| newest.round))
                        .unwrap_or_default(),
                    layout,
                    target: coordinator.target(),
                };
                let (interval, checksum) = (barrier.interval, 0);
                let record = match purpose {
                    Purpose::Recovery => Record::Snapshot { interval, manifest: name, checksum },
                    Purpose::Savepoint(save) => Record::Savepoint { name: save, interval, manifest: name, checksum },
                };
                self.doing =
                    Some(Doing::Storing { record, manifest: Arc::new(manifest), whole, writers, logging: false });
            }
            Job::Record { target } => {
                let nonce = self.nonce();
                let record = Record::Target { workers: u32::try_from(target).unwrap_or(u32::MAX) };
                self.doing = Some(Doing::Recording { target });
                let begun = self.log.as_mut().map(|log| log.append(record, nonce));
                if let Some(Ok(request)) = begun {
                    wants.push(Want::Ask(Ask::Log(request)));
                }
            }
        }
    }
    /// The manifest that is to be stored, with the parts that workers have written for it.
    pub(super) fn gather(&mut self, store: &Store) -> Option<Ask> {
        let attempt = self.coordinator.as_ref()?.attempt();
        let base = self.base.clone();
        let Some(Doing::Storing { record, manifest, whole, writers, logging: false }) = &mut self.doing else {
            return None;
        };
        let (Record::Snapshot { manifest: name, .. } | Record::Savepoint { manifest: name, .. }) = record else {
            return None;
        };
        let mut full = Manifest::clone(manifest);
        let part = |worker: &usize| Some((*worker, store.part(attempt, full.interval, *worker)?));
        full.parts = writers.iter().filter_map(part).collect();
        if !*whole {
            full.before = base.map(|base| base.chain()).unwrap_or_default();
        }
        *manifest = Arc::new(full);
        Some(Ask::Manifest { name: name.clone(), manifest: manifest.clone() })
    }
    /// Whether a manifest is to be gathered, and at which barrier.
    pub(super) fn is_storing(&self) -> Option<u64> {
        match &self.doing {
            Some(Doing::Storing { manifest, logging: false, .. }) if manifest.parts.is_empty() => {
                Some(manifest.interval)
            }
            _ => None,
        }
    }

    /// The store has answered.
    pub(super) fn answered(&mut self, now: Duration, answer: Answer, store: &Store, wants: &mut Vec<Want>) {
        match answer {
            Answer::Log(reply) => self.logged(now, reply, store, wants),
            Answer::Stored { interval } => {
                let nonce = self.nonce();
                if let (Some(Doing::Storing { record, manifest, logging, .. }), Some(log)) =
                    (&mut self.doing, &mut self.log)
                    && manifest.interval == interval
                {
                    *logging = true;
                    match log.append(record.clone(), nonce) {
                        Ok(request) => wants.push(Want::Ask(Ask::Log(request))),
                        Err(error) => self.lost(now, &error, wants),
                    }
                }
            }
            // What it does by now is something else.
            Answer::Failed(Ask::Manifest { .. }) if !matches!(self.doing, Some(Doing::Storing { .. })) => {}
            Answer::Failed(Ask::Prune(_)) | Answer::Pruned if !matches!(self.doing, Some(Doing::Pruning)) => {}
            Answer::Failed(Ask::Manifest { manifest, .. }) => {
                self.doing = None;
                self.on(now, Event::Failed { interval: manifest.interval }, wants);
            }
            Answer::Failed(Ask::Prune(_)) | Answer::Pruned => {
                self.doing = None;
                self.proceed(wants);
            }
            // To read can be tried again and again.
            Answer::Failed(ask) => wants.push(Want::Ask(ask)),
            Answer::Read(_) => {}
        }
    }
    fn logged(&mut self, now: Duration, reply: Reply, store: &Store, wants: &mut Vec<Want>) {
        let Some(log) = &mut self.log else { return };
        let mut next = log.on(reply);
        if self.breach == Some(Breach::NotVerified) && matches!(next, Ok(Some(Request::List { after })) if after > 0) {
            next = log.on(Reply::Listed(Vec::new()));
        }
        match next {
            Ok(Some(request)) => wants.push(Want::Ask(Ask::Log(request))),
            Ok(None) => self.log_done(now, store, wants),
            Err(error) => self.lost(now, &error, wants),
        }
    }
    fn log_done(&mut self, now: Duration, store: &Store, wants: &mut Vec<Want>) {
        match self.doing.take() {
            Some(Doing::Claiming { read: false }) => {
                let nonce = self.nonce();
                let id = format!("node {}", self.node);
                if let Some(Ok(request)) = self.log.as_mut().map(|log| log.claim("job", &id, nonce)) {
                    self.doing = Some(Doing::Claiming { read: true });
                    wants.push(Want::Ask(Ask::Log(request)));
                }
            }
            Some(Doing::Claiming { read: true }) => {
                let origin = self.origin(store);
                self.on(now, Event::Claimed(origin), wants);
            }
            Some(Doing::Storing { manifest, .. }) => {
                if !store.is_committed(&manifest) {
                    self.mistaken = Some(manifest.interval);
                }
                self.newest = Some(manifest.clone());
                if manifest.is_base {
                    self.base = Some(manifest.clone());
                }
                let prunable = self.log.as_ref().map_or(0, |log| log.prunable(1));
                self.doing = Some(Doing::Pruning);
                wants.push(Want::Ask(Ask::Prune(prunable)));
                self.on(now, Event::Committed { interval: manifest.interval }, wants);
            }
            Some(Doing::Recording { target }) => self.on(now, Event::Recorded { target }, wants),
            Some(Doing::Pruning) | None => {}
        }
    }
    fn lost(&mut self, now: Duration, error: &LogError, wants: &mut Vec<Want>) {
        let claiming = matches!(self.doing.take(), Some(Doing::Claiming { .. }));
        match error {
            LogError::Fenced { .. } => self.on(now, Event::Fenced, wants),
            // The log has changed while it was being claimed.
            _ if claiming => {
                self.jobs.push_front(Job::Claim);
                self.proceed(wants);
            }
            _ => self.on(now, Event::Uncertain, wants),
        }
    }
    /// Where the job goes on, by what was read.
    fn origin(&mut self, store: &Store) -> Origin {
        let Some(log) = &self.log else { return Origin::default() };
        let saved = |record: &Record| match record {
            Record::Snapshot { manifest, .. } | Record::Savepoint { manifest, .. } => store.manifest(manifest),
            _ => None,
        };
        let newest = log.entries().iter().find_map(|entry| Some((entry.term, saved(&entry.record)?)));
        let base = log.entries().iter().find_map(|entry| saved(&entry.record).filter(|manifest| manifest.is_base));
        let target = log.entries().iter().find_map(|entry| match entry.record {
            Record::Target { workers } => usize::try_from(workers).ok(),
            _ => None,
        });
        self.base = base;
        self.newest = newest.as_ref().map(|(_, manifest)| manifest.clone());
        let outcome = newest.as_ref().map(|(term, manifest)| {
            let (interval, term) = (manifest.interval, *term);
            if manifest.is_base { Outcome::Committed { interval, term } } else { Outcome::Saved { interval, term } }
        });
        let newest = newest.map(|(_, manifest)| manifest);
        Origin {
            term: log.term(),
            interval: newest.as_ref().map_or(0, |manifest| manifest.interval),
            round: newest.as_ref().filter(|manifest| manifest.is_base).map(|manifest| manifest.round % ROUNDS),
            layout: newest.as_ref().map(|manifest| manifest.layout.clone()),
            attempt: newest.as_ref().map_or(0, |manifest| manifest.attempt),
            target: target.or(newest.as_ref().map(|manifest| manifest.target)),
            outcome,
        }
    }
    /// Who asked for what, for people.
    pub(super) fn describe(&self) -> String {
        format!("coordinator {}: {:?}, doing {:?}, {} jobs", self.node, self.coordinator, self.doing, self.jobs.len())
    }
}
