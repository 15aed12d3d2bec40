//! A migration from what is not state.
#![allow(unused)]
use malstrom::keyed_state;
struct Old { n: u64 }
#[keyed_state(key = u64, version = 2, migrate_from = Old)]
struct Bad { n: u64 }
impl From<Old> for Bad {
    fn from(old: Old) -> Self { Bad { n: old.n } }
}
fn main() {}
