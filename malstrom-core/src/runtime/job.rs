//! One run of a pipeline on the threads of this process.
use super::clock::{Clock, cores, unix_micros};
use super::parking::Dormitory;
use super::report::{Figures, Report};
use crate::contract::source::Progress;
use crate::error::{Error, Result};
use crate::exchange::fabric::{Fabric, Wake};
use crate::graph::Pipeline;
use crate::worker::{Settings, Step, Worker, panic_message};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Builds the pipeline on a worker.
pub(crate) type Make = Arc<dyn Fn() -> Pipeline + Send + Sync>;

/// How often a busy worker publishes its figures.
const PUBLISH: Duration = Duration::from_millis(100);
/// For how long a worker that has just been busy looks for more before it sleeps: waking it costs about as much.
const SPIN: Duration = Duration::from_micros(5);

#[derive(Debug)]
pub(crate) struct Job {
    fabric: Arc<Fabric>,
    beds: Arc<Dormitory>,
    clock: Clock,
    /// One of the workers has failed: the others give up.
    cancelled: AtomicBool,
    stopped: AtomicBool,
    /// What each worker last published.
    live: Vec<Mutex<Live>>,
    state: Mutex<State>,
    changed: Condvar,
}
#[derive(Debug, Default)]
struct Live {
    figures: Figures,
    progress: Vec<Progress>,
}
#[derive(Debug)]
struct State {
    running: usize,
    failure: Option<Error>,
    /// When the last worker ended.
    ended: Option<Duration>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What the mutexes here guard is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A panic outside of any operator's work: a source or sink that is dropped, for one.
fn nobodys_panic(payload: &(dyn std::any::Any + Send)) -> Error {
    Error::Panic { operator: "unknown".into(), message: panic_message(payload) }
}

impl Job {
    pub(crate) fn start(make: Make, workers: usize, linger: Duration, seed: u64) -> Result<Arc<Job>> {
        let beds = Arc::new(Dormitory::new(workers));
        let job = Arc::new(Job {
            fabric: Fabric::new(workers, beds.clone()),
            beds,
            clock: Clock::start(),
            cancelled: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            live: (0..workers).map(|_| Mutex::default()).collect(),
            state: Mutex::new(State { running: workers, failure: None, ended: None }),
            changed: Condvar::new(),
        });
        let started = unix_micros();
        tracing::info!(workers, "job starts");
        for worker in 0..workers {
            let settings = Settings { worker, workers, seed, started, linger, saves: false };
            let (mine, make) = (job.clone(), make.clone());
            let thread = std::thread::Builder::new().name(format!("malstrom-worker-{worker}"));
            let started = thread.spawn(move || {
                mine.beds.move_in(worker);
                // Whatever happens, the worker must be seen to leave: others wait for that.
                let result = catch_unwind(AssertUnwindSafe(|| mine.drive(&make, &settings)));
                mine.leave(result.unwrap_or_else(|payload| Err(nobodys_panic(&*payload))));
            });
            if let Err(cause) = started {
                job.leave(Err(Error::Runtime { doing: "start a worker thread", cause: cause.into() }));
                lock(&job.state).running -= workers - worker - 1;
                job.wait();
                return Err(job.outcome().err().unwrap_or_else(|| Error::custom("no thread could be started")));
            }
        }
        Ok(job)
    }

    /// Drives one worker to its end.
    fn drive(&self, make: &Make, settings: &Settings) -> Result<()> {
        let pipeline = catch_unwind(AssertUnwindSafe(|| make())).map_err(|payload| Error::Panic {
            operator: "the pipeline function".into(),
            message: panic_message(&*payload),
        })?;
        lock(&self.live[settings.worker]).figures = Figures::new(&pipeline);
        let mut worker = Worker::new(pipeline, settings, self.fabric.clone())?;
        let result = catch_unwind(AssertUnwindSafe(|| {
            let result = self.work(&mut worker, settings);
            self.publish(&worker, settings.worker);
            result
        }));
        let result = result.unwrap_or_else(|payload| Err(worker.panicked(&*payload)));
        // A panic while it is dropped must not hide what went wrong before.
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(worker)));
        result.and(dropped.map_err(|payload| nobodys_panic(&*payload)))
    }

    fn work(&self, worker: &mut Worker, settings: &Settings) -> Result<()> {
        let me = settings.worker;
        // With more workers than cores, spinning takes the core from the one who is waited for.
        let may_spin = settings.workers > 1 && settings.workers <= cores();
        let mut published = Duration::ZERO;
        let mut busy_at = None;
        // Whether anything has happened since.
        let mut news = true;
        while !self.cancelled.load(Ordering::Relaxed) {
            let now = self.clock.now();
            if now.saturating_sub(published) >= PUBLISH {
                published = now;
                self.publish(worker, me);
            }
            match worker.step(now)? {
                Step::Done => break,
                Step::Busy => {
                    busy_at = Some(now);
                    news = true;
                    continue;
                }
                Step::Idle(_) if may_spin && busy_at.is_some_and(|at| now.saturating_sub(at) < SPIN) => {
                    std::hint::spin_loop();
                    continue;
                }
                Step::Idle(_) => busy_at = None,
            }
            self.beds.announce(me);
            // What came before the announcement woke nobody.
            match worker.step(self.clock.now())? {
                Step::Done => break,
                Step::Busy => {
                    news = true;
                    self.beds.stay_up(me);
                }
                Step::Idle(due) if !self.cancelled.load(Ordering::Relaxed) => {
                    // The figures are those of the last publication until something happens again.
                    if std::mem::take(&mut news) {
                        self.publish(worker, me);
                    }
                    let now = self.clock.now();
                    self.beds.sleep(me, due.map(|due| due.saturating_sub(now)));
                }
                Step::Idle(_) => {}
            }
        }
        Ok(())
    }

    fn publish(&self, worker: &Worker, me: usize) {
        let mut live = lock(&self.live[me]);
        live.figures.update(worker.counts(), worker.metrics());
        live.progress = worker.progress();
    }

    /// A worker has ended.
    fn leave(&self, result: Result<()>) {
        let failed = result.is_err();
        let mut state = lock(&self.state);
        if let Err(error) = result {
            // The first failure is the cause of the others.
            state.failure.get_or_insert(error);
        }
        state.running -= 1;
        if state.running == 0 {
            state.ended = Some(self.clock.now());
        }
        drop(state);
        self.changed.notify_all();
        if failed {
            self.cancelled.store(true, Ordering::SeqCst);
            (0..self.live.len()).for_each(|worker| self.beds.wake(worker));
        }
    }

    pub(crate) fn stop(&self) {
        if !self.stopped.swap(true, Ordering::SeqCst) {
            tracing::info!("job is stopping");
            self.fabric.stop();
        }
    }
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
    /// Waits until all workers have ended.
    pub(crate) fn wait(&self) {
        let mut state = lock(&self.state);
        while state.running > 0 {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
    /// Waits for `at_most`; `true` if all workers have ended.
    pub(crate) fn wait_for(&self, at_most: Duration) -> bool {
        let state = lock(&self.state);
        let waited = self.changed.wait_timeout_while(state, at_most, |state| state.running > 0);
        waited.unwrap_or_else(PoisonError::into_inner).0.running == 0
    }
    /// What came of the job, once it has ended.
    pub(crate) fn outcome(&self) -> Result<Report> {
        // Told here and not by the workers: a subscriber that panics must leave nobody waiting for one of them.
        let failure = lock(&self.state).failure.take();
        match failure {
            Some(failure) => {
                // No more than `info`: the program gets the failure, and so it is for the program to report it.
                tracing::info!(cause = %failure, "job fails");
                Err(failure)
            }
            None => {
                tracing::info!("job ends");
                Ok(self.report())
            }
        }
    }
    pub(crate) fn report(&self) -> Report {
        let ended = lock(&self.state).ended;
        let mut figures = Figures::default();
        self.live.iter().for_each(|live| figures.merge(&lock(live).figures));
        let stopped = self.stopped.load(Ordering::Relaxed);
        Report::new(figures, self.live.len(), ended.unwrap_or_else(|| self.clock.now()), stopped)
    }
    /// The splits that are being read.
    pub(crate) fn progress(&self) -> Vec<Progress> {
        self.live.iter().flat_map(|live| lock(live).progress.clone()).collect()
    }
}
