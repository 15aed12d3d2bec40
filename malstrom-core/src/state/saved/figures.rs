//! What belongs to no key.
use super::{Chapter, Draft, Layout, Owner};
use crate::contract::code::OfRecord;
use crate::contract::record::{CodecError, Record};
use crate::contract::snapshot::{Barrier, Loaded, NO_GROUP, Part, Task};

/// A record that each worker writes for an operator, such as how far time has come.
///
/// ```
/// use malstrom_core::contract::snapshot::{Barrier, Pen, Scope, Task};
/// use malstrom_core::state::saved::{Figures, Owner};
/// let owner = Owner { node: 3, operator: "sum".into(), seed: 0 };
/// let mut figures = Figures::new(owner);
/// figures.flip(Barrier { interval: 1, scope: Scope::Whole, last: false }, 42_u64);
/// let mut pen = Pen::new(100);
/// figures.persist(Task::Save(&mut pen));
/// assert_eq!(pen.finish().0.len(), 1);
/// ```
#[derive(Debug)]
pub struct Figures<T> {
    chapter: Chapter,
    /// As they were at the barrier.
    kept: Option<T>,
}
impl<T: Record> Figures<T> {
    /// Those of an operator.
    pub fn new(owner: Owner) -> Self {
        let layout = Layout::of(&OfRecord::<T>::new());
        Figures { chapter: Chapter::new(owner, Part::Time, layout), kept: None }
    }
    /// A barrier passes: this is what is to be written.
    pub fn flip(&mut self, barrier: Barrier, figures: T) {
        self.chapter.flip(barrier);
        self.kept = Some(figures);
    }
    /// Does something about them. When they are loaded, returns those of all workers.
    pub fn persist(&mut self, task: Task<'_, '_>) -> Vec<T> {
        match task {
            Task::Save(pen) => {
                self.chapter.tell(pen);
                if let Some(figures) = self.kept.take() {
                    let mut draft = Draft::default();
                    match draft.put(|_| Ok(()), |out| figures.encode(out)) {
                        Ok(()) => self.chapter.hand_in(pen, NO_GROUP, true, draft),
                        Err(error) => self.chapter.fail(pen, &error),
                    }
                }
            }
            Task::Settle(outcome) => self.chapter.settle(outcome),
            Task::Load(book) => {
                if let Some((_, chunks)) = self.chapter.open(book) {
                    match chunks.iter().map(read).collect() {
                        Ok(figures) => return figures,
                        Err(error) => self.chapter.refuse(book, None, error),
                    }
                }
            }
        }
        Vec::new()
    }
}
fn read<T: Record>(chunk: &Loaded) -> Result<T, CodecError> {
    let mut changes = super::Changes::of(&chunk.bytes);
    match (changes.next(), changes.next()) {
        (Some(Ok(super::Change::Put { value, .. })), None) => T::decode(value),
        _ => Err(CodecError::new("the chunk is not one record")),
    }
}
