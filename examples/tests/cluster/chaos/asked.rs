//! What a coordinator is asked for over HTTP, while it may be killed.
use crate::job::{Job, Process, ask_if_there};
use std::thread::JoinHandle;

/// The status and the body, if there was an answer.
type Answer = Option<(u16, String)>;
/// What was asked for, and what was answered.
#[derive(Default)]
pub(super) struct Asked {
    savepoints: Vec<(String, JoinHandle<Answer>)>,
}
impl Asked {
    /// Asks for so many workers.
    pub(super) fn target(&self, coordinator: &Process, workers: usize) {
        // Whether it is heeded is for who is there to take part.
        if let Some(address) = coordinator.answers_at() {
            std::thread::spawn(move || {
                ask_if_there(&address, "PUT", "/v1/target", &format!(r#"{{"workers": {workers}}}"#))
            });
        }
    }
    /// Asks for as much to do for each worker as for the others.
    pub(super) fn rebalance(&self, coordinator: &Process) {
        if let Some(address) = coordinator.answers_at() {
            std::thread::spawn(move || ask_if_there(&address, "POST", "/v1/rebalance", ""));
        }
    }
    /// Asks for a savepoint, which has this name.
    pub(super) fn savepoint(&mut self, coordinator: &Process) -> String {
        let name = format!("savepoint-{}", self.savepoints.len());
        let (address, body) = (coordinator.answers_at(), format!(r#"{{"name": "{name}"}}"#));
        let asked = std::thread::spawn(move || ask_if_there(&address?, "POST", "/v1/savepoint", &body));
        self.savepoints.push((name.clone(), asked));
        name
    }
    /// Whether all is there that was said to be.
    pub(super) fn is_there(&mut self, job: &Job) -> Result<(), String> {
        for (name, asked) in self.savepoints.drain(..) {
            let answer = asked.join().ok().flatten();
            let there = job.has_savepoint(&name);
            println!("  {name}: {answer:?}");
            match answer {
                Some((200, _)) if !there => return Err(format!("{name} was said to be there, and is not")),
                _ => {}
            }
        }
        Ok(())
    }
}
