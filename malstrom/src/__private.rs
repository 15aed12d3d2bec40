//! What the expansions of the macros need. No part of the interface: it changes without notice.

// Data.
pub use malstrom_core::check::field::{Checked, If, KeyField, OfKey, OfRecord, Part, RecordField, StateField};
pub use malstrom_core::check::fresh::{Fresh, Skipped};
pub use malstrom_core::check::migrate::{IsState, ItsKey, ItsOld, KeepsKey, MigratesFrom, Names};
pub use malstrom_core::contract::code::{Code, Probe, Unwritten};
pub use malstrom_core::contract::key::{KeyWriter, PartitionKey};
pub use malstrom_core::contract::record::archive::{Own, Ref};
pub use malstrom_core::contract::record::json::Json;
pub use malstrom_core::contract::record::serde::{AsBytes, BySerde, Opaque};
pub use malstrom_core::contract::record::tree::{RecordOrKey, Refs};
pub use malstrom_core::contract::record::{CodecError, Describe, Description, Record, TypeRef};
pub use malstrom_core::contract::state::{KeyedState, decode_same, describe_same};
pub use malstrom_core::reexport::serde;
pub use malstrom_macros::Record;
pub use std::time::Duration;
pub use std::vec::Vec;

// Tests.
#[cfg(feature = "sim")]
pub use malstrom_core::sim::{Finding, Sim};

// Operators.
pub use malstrom_core::check::arg::{ByValue, Configuration};
pub use malstrom_core::check::arms::{
    ArmByValue, ArmEmits, ArmEnds, ArmFails, ArmKeeps, ArmSetsNone, ArmTakes, ArmTimers, IsTimer, TimerIs,
    arm_by_value, arm_ends, arm_fails, arm_keeps, arm_of, arm_sets_none, arm_takes, arm_timers, timer_is,
};
pub use malstrom_core::check::ask::{Parameter, StateKeyIs};
pub use malstrom_core::check::shape::{IsIterator, IsOption, IsResult};
pub use malstrom_core::contract::asks::{Asking, Both, FragmentAsks, No, Yes};
pub use malstrom_core::contract::extract::time::TimerBuffer;
pub use malstrom_core::contract::extract::{Context, Extract, Output};
pub use malstrom_core::contract::keying::{
    AnyKeying, AsksKey, Carried, Keep, KeyedBy, PerKey, PerKeyOption, Stateless,
};
pub use malstrom_core::contract::shape;
pub use malstrom_core::contract::stage::{
    Beside, Branching, Emit, ErrorOf, Fails, NoFailure, Operator, Plain, SideBuffer, Stage, TimerOf, TwoInput, arm,
    arm_close,
};

pub use malstrom_core::contract::time::Timestamp;

// Pipelines.
pub use malstrom_core::check::aggregate::{Adds, Averages, Compares, Keeps, Ranks, TellsApart, initial, item, value};
pub use malstrom_core::check::ends::{
    ClosedUse, KeyedAlike, NamesOutputs, TakesTwo, TimedAlike, alike, behind, ends, outputs, takes_two, timed_alike,
};
pub use malstrom_core::check::failure::{CanFail, Explains, NeverFails, explained, failure, handled};
pub use malstrom_core::check::fragment::{
    LeavesKeyed, LeavesTimed, LeavesWindows, PortTime, Returns, left, left_timed, left_windows, returned,
};
pub use malstrom_core::check::inputs::{
    JoinsKeys, JoinsTimes, Pairs, PairsWithin, Unites, UnitesKeyed, UnitesTimed, joined_keys, joined_times, paired,
    pairs_within, united, united_keyed, united_timed,
};
pub use malstrom_core::check::keying::{
    AskedKey, Grouped, HasKey, IsKey, SameKey, Travels, WorksUnkeyed, asked, asked_key, grouped, is_key, keyed,
    same_key, travels,
};
pub use malstrom_core::check::record::{BoundsHold, FlowsInto, bounds, record, record_right};
pub use malstrom_core::check::share::{Shareable, copied};
pub use malstrom_core::check::sink::{
    DebugKeepsPromise, DrainsInto, Dumped, IsSink, KeepsPromise, Shown, StdoutKeepsPromise, drained, dumped, is_sink,
    promised, promised_debug, promised_stdout, shown,
};
pub use malstrom_core::check::source::{
    IntoSource, RepeatsLost, RowsExplain, RowsHandled, RowsMayFail, RowsNeverFail, given, repeated, rows,
    rows_explained, rows_of,
};
pub use malstrom_core::check::time::{
    HasTime, HasWindows, InWindows, KeepsWindow, SameTime, TimersFire, TimersHaveTime, asked_time, closes, fires,
    in_windows, keeps_window, same_time, timers,
};
pub use malstrom_core::check::window::{
    Corrects, Dealt, EntersWhole, HasLateness, IsIdle, IsLength, IsTime, IsWindow, NeverLate, NoTimersInWindows,
    TakesNoWindows, TimedFor, WindowsClosed, closed, corrected, dealt, dealt_to, enters_whole, idle, is_time,
    is_window, late, length, length_at, lenient, needs_time, seen, timers_in_windows, whole, window_length,
    window_time,
};
pub use malstrom_core::contract::crossing::Apart;
pub use malstrom_core::contract::form::{CarriedTime, Form, Formed};
pub use malstrom_core::contract::join::{Inner, Left, Outer, Right};
pub use malstrom_core::contract::typed::Typed;
pub use malstrom_core::contract::windows::Zero;
pub use malstrom_core::graph::aggregates::{
    average, count, distinct, fold, folded, folding, max, min, reduce, sum, top,
};
pub use malstrom_core::graph::build::{
    Graph, by, call, cut, filter, filter_map, flat_map, inspect, item_of, key_by, map, named, sink, value_of, written,
};
pub use malstrom_core::graph::combine::combine;
pub use malstrom_core::graph::fragment::{AnyTiming, Enters, EntersTimed, Wire, enter, leave, then};
pub use malstrom_core::graph::join::{call_two, union, union_of, union_with};
pub use malstrom_core::graph::join_streams::{join_window, join_within};
pub use malstrom_core::graph::names as stage;
pub use malstrom_core::graph::policy::{OrDrop, OrFail, Unfailing, or_else, rows_or_else};
pub use malstrom_core::graph::source::{source, source_or};
pub use malstrom_core::graph::split::{call_with_sides, share, split};
pub use malstrom_core::graph::windows::{LateDrops, LateFails, late_goes, timestamps, window, window_lenient};
pub use malstrom_core::stream::Stream;
pub use malstrom_macros::pipeline;
