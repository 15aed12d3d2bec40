//! draft
mod archive;
mod commit;
mod format;
mod ledger;
mod location;
pub mod log;
mod manifest;
mod probe;
mod restore;
mod retention;
mod scrub;
mod segment;
mod store;
mod vault;
mod writer;

pub use archive::{Archive, KEPT};
pub use commit::{Committed, Draft};
pub use location::Location;
pub use manifest::{Kind, Layout, Manifest, Saved};
pub use restore::{Groups, Restore, WorkerShelf};
pub use retention::Swept;
pub use scrub::{Checked, Damage};
pub use vault::{Job, Vault};
pub use writer::{Chunks, SegmentWriter, Written};
