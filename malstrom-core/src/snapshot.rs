//! draft
mod archive;
mod commit;
mod format;
mod ledger;
mod location;
pub mod log;
mod manifest;
mod probe;
mod requests;
mod restore;
mod retention;
mod scrub;
mod segment;
mod store;
mod vault;
mod writer;

pub use archive::Archive;
pub use commit::{Committed, Draft, KEPT};
pub use location::Location;
pub use manifest::{Kind, Manifest, Saved};
pub use requests::{Request, Requests};
pub use restore::{Groups, Restore, WorkerShelf};
pub use retention::Swept;
pub use scrub::{Checked, Damage};
pub use vault::{Job, Vault};
pub use writer::{Chunks, SegmentWriter, Written};
