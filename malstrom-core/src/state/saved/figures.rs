//! What belongs to no key.
use super::{Chapter, Draft, Layout, Owner};
use crate::contract::code::OfRecord;
use crate::contract::record::{CodecError, Record};
use crate::contract::snapshot::{Barrier, Book, Loaded, NO_GROUP, Part, Pen, Task};

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
    /// The same, written.
    written: Draft,
}
impl<T: Record> Figures<T> {
    /// Those of an operator.
    pub fn new(owner: Owner) -> Self {
        let layout = Layout::of(&OfRecord::<T>::new());
        Figures { chapter: Chapter::new(owner, Part::Time, layout), kept: None, written: Draft::default() }
    }
    /// A barrier passes: this is what is to be written.
    pub fn flip(&mut self, barrier: Barrier, figures: T) {
        self.chapter.flip(barrier);
        self.kept = Some(figures);
    }
    /// Does something about them. When they are loaded, returns those of all workers, and when they come from others, those of
    /// these. They are given as they were at the barrier.
    pub fn persist(&mut self, task: Task<'_, '_>) -> Vec<T> {
        match task {
            Task::Save(pen) => {
                self.chapter.tell(pen);
                if self.kept.is_some() {
                    self.write(pen);
                    self.chapter.hand_in(pen, NO_GROUP, true, self.written.clone());
                }
            }
            Task::Give(pen, _) => {
                self.chapter.describe(pen);
                self.write(pen);
                if !self.written.is_empty() {
                    self.chapter.hand_in(pen, NO_GROUP, true, self.written.clone());
                }
            }
            Task::Settle(outcome) => self.chapter.settle(outcome),
            Task::Load(book) => {
                if let Some((_, chunks)) = self.chapter.open(book) {
                    return self.read(book, &chunks);
                }
            }
            Task::Take(book, groups) => {
                let (_, chunks) = self.chapter.receive(book, groups);
                return self.read(book, &chunks);
            }
        }
        Vec::new()
    }
    /// Writes what was kept at the last barrier, the first time.
    fn write(&mut self, pen: &mut Pen) {
        if let Some(figures) = self.kept.take() {
            self.written = Draft::default();
            if let Err(error) = self.written.put(|_| Ok(()), |out| figures.encode(out)) {
                self.chapter.fail(pen, &error);
            }
        }
    }
    fn read(&self, book: &mut Book<'_>, chunks: &[Loaded]) -> Vec<T> {
        chunks.iter().map(read).collect::<Result<_, _>>().unwrap_or_else(|error| {
            self.chapter.refuse(book, None, error);
            Vec::new()
        })
    }
}
fn read<T: Record>(chunk: &Loaded) -> Result<T, CodecError> {
    let mut changes = super::Changes::of(&chunk.bytes);
    match (changes.next(), changes.next()) {
        (Some(Ok(super::Change::Put { value, .. })), None) => T::decode(value),
        _ => Err(CodecError::new("the chunk is not one record")),
    }
}
