//! One part of what one operator keeps.
use super::{Draft, Edition, Layout};
use crate::contract::key::PartitionKey;
use crate::contract::record::CodecError;
use crate::contract::snapshot::{Barrier, Book, GroupSet, Head, Loaded, NO_GROUP, Outcome, Part, Pen, Scope, Task};
use crate::error::Error;
use crate::state::key_group::KeyHasher;
use crate::state::table::StateTable;
use std::sync::Arc;

/// Whose state it is.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The operator, by its place in the plan.
    pub node: usize,
    /// Its id.
    pub operator: Arc<str>,
    /// What the hashes of keys are seeded with.
    pub seed: u64,
}

/// One part of what one operator keeps: what it is called in a snapshot, and what its entries are.
#[derive(Debug)]
pub struct Chapter {
    owner: Owner,
    part: Part,
    layout: Layout,
    /// No committed snapshot has all of it as it is laid out now, so that the next one must.
    whole: bool,
    /// The interval that was last cut, and whether all of it was written then.
    cut: Option<(u64, bool)>,
    told: bool,
}
impl Chapter {
    /// The part of its owner's state that is laid out like this.
    pub fn new(owner: Owner, part: Part, layout: Layout) -> Self {
        Chapter { owner, part, layout, whole: true, cut: None, told: false }
    }
    /// A barrier passes. Says what is to be written: everything as long as no committed snapshot has it.
    pub fn flip(&mut self, barrier: Barrier) -> Scope {
        let scope = if self.whole { Scope::Whole } else { barrier.scope };
        self.cut = Some((barrier.interval, scope == Scope::Whole));
        self.told = false;
        scope
    }
    /// Takes note of what became of a snapshot.
    pub fn settle(&mut self, outcome: Outcome) {
        if outcome.is_base() && self.cut == Some((outcome.interval(), true)) {
            self.whole = false;
        }
    }
    /// What has been written counts no more: the next snapshot has all that there is then.
    pub fn begin_anew(&mut self) {
        self.whole = true;
        self.cut = self.cut.map(|(interval, _)| (interval, false));
    }
    /// Says how entries are laid out, the first time after a flip.
    pub fn tell(&mut self, pen: &mut Pen) {
        if self.cut.is_some() && !std::mem::replace(&mut self.told, true) {
            self.describe(pen);
        }
    }
    /// Says how entries are laid out.
    pub fn describe(&self, pen: &mut Pen) {
        match self.layout.schema() {
            Ok(schema) => pen.schema(self.owner.node, self.part, schema),
            Err(error) => self.fail(pen, &error),
        }
    }
    /// Hands in what was written of a group. A delta without an entry is left out; a full chunk never is, since it says that
    /// those before it do not count any more.
    pub fn hand_in(&self, pen: &mut Pen, group: u16, full: bool, draft: Draft) {
        if full || !draft.is_empty() {
            let head = Head { node: self.owner.node, part: self.part, group, full, entries: draft.entries() };
            pen.add(head, draft.into_bytes());
        }
    }
    /// Something cannot be written.
    pub fn fail(&self, pen: &mut Pen, error: &CodecError) {
        pen.fail(self.owner.node, format!("{} of `{}`: {error}", self.part, self.owner.operator));
    }
    /// Opens the book here: what has written the chunks, and the chunks. `None` if there is nothing, or nothing that can be
    /// read, which ends the job.
    pub fn open(&mut self, book: &mut Book<'_>) -> Option<(Edition, Vec<Loaded>)> {
        let edition = self.edition(book)?;
        Some((edition, book.chunks(self.owner.node, self.part)))
    }
    /// What has written the chunks. `None` as for [`open`](Self::open).
    fn edition(&mut self, book: &mut Book<'_>) -> Option<Edition> {
        let schema = book.schema(self.owner.node, self.part)?;
        match self.layout.read(&schema) {
            Ok(edition) => {
                let edition = Edition { halvings: book.halvings(), ..edition };
                // Chunks of two layouts, or of groups that are not the same, must not stand in one row.
                self.whole = edition != self.layout.edition();
                Some(edition)
            }
            Err(error) => {
                self.refuse(book, None, error);
                None
            }
        }
    }
    /// Opens the book at what others give, which is of some of these groups and in full: what has written the chunks, and the
    /// chunks. None if nobody gives any, or if they cannot be used, which ends the job.
    pub fn receive(&mut self, book: &mut Book<'_>, groups: &GroupSet) -> (Edition, Vec<Loaded>) {
        let present = self.layout.edition();
        let Some(schema) = book.schema(self.owner.node, self.part) else { return (present, Vec::new()) };
        let edition = match self.layout.read(&schema) {
            Ok(edition) => edition,
            Err(error) => {
                self.refuse(book, None, error);
                return (present, Vec::new());
            }
        };
        if edition != present {
            // Chunks of two layouts must not stand in one row.
            self.begin_anew();
        } else if self.cut.is_none() {
            // Who has just come has nothing of its own that a snapshot should have, and what it is given is in one.
            self.whole = false;
        }
        let chunks = book.chunks(self.owner.node, self.part);
        let of_group = |chunk: &&Loaded| chunk.group != NO_GROUP;
        if let Some(chunk) = chunks.iter().filter(of_group).find(|chunk| !chunk.full || !groups.contains(chunk.group)) {
            let why = if chunk.full { "this worker was not to have it" } else { "it was not given in full" };
            self.refuse(book, Some(chunk.group), CodecError::new(why));
            return (present, Vec::new());
        }
        (edition, chunks)
    }
    /// What was read of a group cannot be used.
    pub fn refuse(&self, book: &mut Book<'_>, group: Option<u16>, error: CodecError) {
        let what = match group {
            Some(group) if group != NO_GROUP => format!("{} (key group {group})", self.part),
            _ => self.part.to_string(),
        };
        book.fail(Error::Restore { operator: self.owner.operator.to_string(), what, cause: Box::new(error) });
    }
    /// Hashes keys as this job does.
    pub fn hasher(&self) -> KeyHasher {
        KeyHasher::new(self.owner.seed)
    }

    /// A barrier passes a table that is all there is to this chapter.
    pub fn flip_table<K, V>(&mut self, table: &mut StateTable<K, V>, barrier: Barrier) {
        let scope = self.flip(barrier);
        table.flip(barrier.interval, if table.is_mostly_changed() { Scope::Whole } else { scope });
    }
    /// Does something about a table that is all there is to this chapter. Returns the groups that have come in.
    pub fn persist_table<K: PartitionKey, V>(&mut self, table: &mut StateTable<K, V>, task: Task<'_, '_>) -> Vec<u16> {
        let (book, mut groups, loaded): (_, Vec<u16>, _) = match task {
            Task::Save(pen) => {
                self.tell(pen);
                match table.write(pen, |pen, group, full, draft| self.hand_in(pen, group, full, draft)) {
                    Ok(true) => pen.postpone(),
                    Ok(false) => {}
                    Err(error) => self.fail(pen, &error),
                }
                return Vec::new();
            }
            Task::Settle(outcome) => {
                self.settle(outcome);
                table.settle(outcome);
                return Vec::new();
            }
            Task::Give(pen, groups) => {
                self.describe(pen);
                if let Err(error) = table.give(groups, |group, draft| self.hand_in(pen, group, true, draft)) {
                    self.fail(pen, &error);
                }
                return Vec::new();
            }
            Task::Load(book) => {
                let Some(edition) = self.edition(book) else { return Vec::new() };
                let (mut hasher, mut groups, mut begun, mut refused) = (self.hasher(), Vec::new(), false, None);
                book.each(self.owner.node, self.part, |extent, chunk| {
                    if !std::mem::replace(&mut begun, true) {
                        table.expect(extent);
                    }
                    groups.push(chunk.group);
                    refused = table.load(edition, &chunk, &mut hasher).err().map(|error| (chunk.group, error));
                    refused.is_none()
                });
                (book, groups, refused.map_or(Ok(()), Err))
            }
            Task::Take(book, groups) => {
                let (edition, chunks) = self.receive(book, groups);
                let taken = table.take(groups, edition, &chunks, &mut self.hasher());
                (book, chunks.iter().map(|chunk| chunk.group).collect(), taken)
            }
        };
        if let Err((group, error)) = loaded {
            self.refuse(book, Some(group), error);
        }
        groups.dedup();
        groups
    }
}
