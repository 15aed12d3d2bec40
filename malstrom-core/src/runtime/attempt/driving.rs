//! What a worker does on its thread.
use super::{Attempt, Make, News, PUBLISH, SPIN, Sight, lock, nobodys_panic};
use crate::error::{Error, Result};
use crate::exchange::route::RouteTable;
use crate::runtime::clock::cores;
use crate::runtime::http::PlanView;
use crate::runtime::load::{Doing, Load};
use crate::runtime::report::Figures;
use crate::worker::{EmptyShelf, Scaling, Settings, Step, Worker, panic_message};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Duration;

fn doing(step: &Step, worker: &Worker) -> Doing {
    Doing { busy: *step == Step::Busy, held_back: worker.is_held_back() }
}

impl Attempt {
    /// Drives one worker to its end.
    pub(super) fn drive(&self, make: &Make, settings: &Settings) -> Result<()> {
        let pipeline = catch_unwind(AssertUnwindSafe(|| make())).map_err(|payload| Error::Panic {
            operator: "the pipeline function".into(),
            message: panic_message(&*payload),
        })?;
        lock(self.live(settings.worker)).figures = Figures::new(&pipeline);
        self.view.get_or_init(|| PlanView::new(pipeline.plan(), settings.saving.is_some()));
        let shelf = match self.beginning.as_ref().and_then(|beginning| beginning.shelves.as_ref()) {
            Some(shelves) if !matches!(settings.scaling, Scaling::Joins(_)) => {
                let groups: Vec<u16> =
                    RouteTable::even(settings.workers, settings.key_groups).groups_of(settings.worker).collect();
                shelves.shelf(&groups)?
            }
            _ => Box::new(EmptyShelf),
        };
        let mut worker = Worker::new(pipeline, settings, self.fabric.clone(), &*shelf)?;
        drop(shelf);
        self.loaded.fetch_add(1, Ordering::Relaxed);
        if let Some(beginning) = &self.beginning {
            (beginning.tell)(News::Loaded(settings.worker));
        }
        let result = catch_unwind(AssertUnwindSafe(|| {
            let mut load = Load::new(self.clock.now());
            let result = self.work(&mut worker, settings, &mut load);
            load.until(self.clock.now());
            load.does(Doing::default());
            self.publish(&worker, settings.worker, &load);
            result
        }));
        let result = result.unwrap_or_else(|payload| Err(worker.panicked(&*payload)));
        // A panic while it is dropped must not hide what went wrong before.
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(worker)));
        result.and(dropped.map_err(|payload| nobodys_panic(&*payload)))
    }

    fn work(&self, worker: &mut Worker, settings: &Settings, load: &mut Load) -> Result<()> {
        let me = settings.worker;
        // With more workers than cores, spinning takes the core from the one who is waited for.
        let (alone, cores) = (settings.workers == 1 && settings.scaling == Scaling::Fixed, cores());
        let mut published = Duration::ZERO;
        let mut busy_at = None;
        // Whether anything has happened since.
        let mut news = true;
        let mut finished = false;
        while !self.cancelled.load(Ordering::Relaxed) {
            let now = self.clock.now();
            load.until(now);
            if now.saturating_sub(published) >= PUBLISH {
                published = now;
                self.publish(worker, me, load);
            }
            let step = self.step(worker, me, now, &mut finished)?;
            news |= load.does(doing(&step, worker));
            match step {
                Step::Done => break,
                Step::Busy => {
                    busy_at = Some(now);
                    news = true;
                    continue;
                }
                Step::Idle(_)
                    if !alone && self.workers() <= cores && busy_at.is_some_and(|at| now.saturating_sub(at) < SPIN) =>
                {
                    std::hint::spin_loop();
                    continue;
                }
                Step::Idle(_) => busy_at = None,
            }
            self.beds.announce(me);
            // What came before the announcement woke nobody.
            let step = self.step(worker, me, self.clock.now(), &mut finished)?;
            news |= load.does(doing(&step, worker));
            match step {
                Step::Done => break,
                Step::Busy => {
                    news = true;
                    self.beds.stay_up(me);
                }
                Step::Idle(due) if !self.cancelled.load(Ordering::Relaxed) => {
                    // The figures are those of the last publication until something happens again.
                    if std::mem::take(&mut news) {
                        self.publish(worker, me, load);
                    }
                    let now = self.clock.now();
                    self.beds.sleep(me, due.map(|due| due.saturating_sub(now)));
                }
                Step::Idle(_) => {}
            }
        }
        Ok(())
    }
    /// Does what the worker is asked to, and a step of its own.
    fn step(&self, worker: &mut Worker, me: usize, now: Duration, finished: &mut bool) -> Result<Step> {
        let Some(beginning) = &self.beginning else { return worker.step(now) };
        let mail = &self.mail[me - self.here.start];
        if mail.any.load(Ordering::Acquire) {
            let commands = {
                let mut commands = lock(&mail.commands);
                mail.any.store(false, Ordering::Relaxed);
                std::mem::take(&mut *commands)
            };
            commands.into_iter().try_for_each(|command| worker.command(command))?;
        }
        let step = worker.step(now)?;
        if let Some(written) = worker.written() {
            (beginning.tell)(News::Written(me, written));
        }
        if worker.has_finished() && !std::mem::replace(finished, true) {
            (beginning.tell)(News::Finished(me));
        }
        if worker.installed().is_some() {
            // With what it has gained it may have something to do again.
            *finished = false;
            (beginning.tell)(News::Installed(me, worker.handed(self.clock.now())));
        }
        Ok(step)
    }
    fn publish(&self, worker: &Worker, me: usize, load: &Load) {
        let mut live = lock(self.live(me));
        live.figures.update(worker.counts(), worker.metrics());
        live.progress = worker.progress();
        // Workers that wait for each other do this often: nothing is allocated for it.
        let Sight { load: shown, watermarks, waiting } = &mut live.sight;
        *shown = *load;
        watermarks.clear();
        watermarks.extend(worker.watermarks());
        waiting.clear();
        worker.waiting(waiting);
    }
}
