//! The types that appear in the compiler's messages about a pipeline.
pub use malstrom_core::check::Holds;
pub use malstrom_core::check::aggregate::{Adds, Averages, Compares, Keeps, Ranks, TellsApart};
pub use malstrom_core::check::arg::{ByValue, Configuration};
pub use malstrom_core::check::arms::*;
pub use malstrom_core::check::ask::{Parameter, StateKeyIs};
pub use malstrom_core::check::ends::{ClosedUse, KeyedAlike, NamesOutputs, TakesTwo, TimedAlike};
pub use malstrom_core::check::failure::{CanFail, Explains, NeverFails};
pub use malstrom_core::check::field::{KeyField, RecordField, StateField};
pub use malstrom_core::check::fragment::*;
pub use malstrom_core::check::fresh::{Fresh, Skipped};
pub use malstrom_core::check::inputs::*;
pub use malstrom_core::check::keying::{AskedKey, Grouped, HasKey, IsKey, NoKey, SameKey, Travels, WorksUnkeyed};
pub use malstrom_core::check::migrate::{IsState, KeepsKey, MigratesFrom};
pub use malstrom_core::check::record::{BoundsHold, FlowsInto};
pub use malstrom_core::check::shape::{IsIterator, IsOption, IsResult};
pub use malstrom_core::check::share::{Copies, Shareable};
pub use malstrom_core::check::sink::{
    DebugKeepsPromise, DrainsInto, Dumped, IsSink, KeepsPromise, Shown, StdoutKeepsPromise,
};
pub use malstrom_core::check::source::{IntoSource, RepeatsLost, RowsExplain, RowsHandled, RowsNeverFail, TheyCannot};
pub use malstrom_core::check::time::*;
pub use malstrom_core::check::window::*;
pub use malstrom_core::connect::print::names::*;
pub use malstrom_core::contract::asks::*;
pub use malstrom_core::contract::form::*;
pub use malstrom_core::contract::keying::{AnyKey, Carried, KeyedBy, PerKey, PerKeyOption, Stateless, Unkeyed};
pub use malstrom_core::contract::never::Never;
pub use malstrom_core::contract::stage::{Branching, Fails, NoFailure, Plain};
pub use malstrom_core::contract::windows::*;
pub use malstrom_core::graph::names::*;
