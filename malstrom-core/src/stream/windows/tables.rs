//! The state of windows that have a table each.
use crate::contract::key::PartitionKey;
use crate::state::table::{Ranks, StateTable};

/// A table per window.
pub(crate) struct Tables<K, V> {
    ranks: Ranks,
    /// By number.
    tables: Vec<(i128, StateTable<K, V>)>,
}
impl<K: PartitionKey, V> Tables<K, V> {
    pub(crate) fn new(ranks: Ranks) -> Self {
        Tables { ranks, tables: Vec::new() }
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }
    /// The windows that have a table, in order.
    pub(crate) fn windows(&self) -> impl Iterator<Item = i128> {
        self.tables.iter().map(|(number, _)| *number)
    }
    fn search(&self, window: i128) -> Result<usize, usize> {
        self.tables.binary_search_by_key(&window, |(number, _)| *number)
    }
    /// The table of a window, which is new if there was none.
    pub(crate) fn entry(&mut self, window: i128) -> &mut StateTable<K, V> {
        let at = match self.search(window) {
            Ok(at) => at,
            Err(at) => {
                self.tables.insert(at, (window, StateTable::new(self.ranks.clone())));
                at
            }
        };
        &mut self.tables[at].1
    }
    /// The table of a window, if there is one.
    pub(crate) fn get(&mut self, window: i128) -> Option<&mut StateTable<K, V>> {
        let at = self.search(window).ok()?;
        self.tables.get_mut(at).map(|(_, table)| table)
    }
    /// Keeps the tables of those windows only.
    pub(crate) fn retain(&mut self, mut keeps: impl FnMut(i128) -> bool) {
        self.tables.retain(|(number, _)| keeps(*number));
    }
}
