//! Checks on a pipeline's edges: traits that exist to turn a type error into one sentence about the graph.
//!
//! A check is called as `Trait::pass(..)`, so that rustc reports the trait's own message at the call and quotes nothing
//! of ours. It returns the stream through its `Pass` projection: where a check fails, the stream's type is unknown, and
//! nothing that follows from the same mistake is reported again. Every blanket impl is `do_not_recommend`, so that
//! rustc does not explain the trait behind the sentence.
// What a check talks about stands in its types.
#![allow(clippy::type_complexity)]

pub mod aggregate;
pub mod arg;
pub mod arms;
pub mod ask;
pub mod ends;
pub mod failure;
pub mod field;
pub mod fragment;
pub mod fresh;
pub mod inputs;
pub mod keying;
pub mod migrate;
pub mod record;
pub mod shape;
pub mod share;
pub mod sink;
pub mod source;
pub mod time;
pub mod window;

use std::fmt;
use std::marker::PhantomData;

/// A stream on its way through a check. `Names` are the types that the check talks about.
pub struct Edge<Names, S>(pub(crate) S, PhantomData<fn(Names)>);
impl<Names, S> Edge<Names, S> {
    pub(crate) fn new(stream: S) -> Self {
        Edge(stream, PhantomData)
    }
}
impl<Names, S> fmt::Debug for Edge<Names, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Edge")
    }
}

/// Says which impl of a check applies: this one, if what it asks holds.
///
/// A check that asks for bounds (`T: Clone`) has a second impl that never applies. With one alone, rustc would take it
/// for granted, and complain about its bound wherever the stream occurs; with two it looks for one that holds.
#[derive(Debug)]
pub struct Holds;
/// The impl that never applies.
#[derive(Debug)]
pub struct Otherwise;
/// Is implemented for nothing.
pub trait Impossible {}

/// A check of one type that asks for bounds.
macro_rules! asks {
    ($(#[$doc:meta])* $name:ident <$($n:ident),*>: $($bound:tt)*) => {
        $(#[$doc])*
        pub trait $name<$($n,)* Via> {
            $crate::check::pass!($($n),*);
        }
        #[diagnostic::do_not_recommend]
        impl<T: $($bound)*, $($n),*> $name<$($n,)* $crate::check::Holds> for T {
            $crate::check::passes!($($n),*);
        }
        #[diagnostic::do_not_recommend]
        impl<T: $crate::check::Impossible, $($n),*> $name<$($n,)* $crate::check::Otherwise> for T {
            $crate::check::passes!($($n),*);
        }
    };
}

/// The items of a check trait.
macro_rules! pass {
    ($($names:ty),*) => {
        /// What was passed in, if the check holds.
        type Pass<Through>;
        /// Lets a stream through.
        fn pass<Through>(edge: $crate::check::Edge<(Self, $($names,)*), Through>) -> Self::Pass<Through>
        where
            Self: Sized;
    };
}
/// The items of a check that holds.
macro_rules! passes {
    ($($names:ty),*) => {
        type Pass<Through> = Through;
        #[inline(always)]
        fn pass<Through>(edge: $crate::check::Edge<(Self, $($names,)*), Through>) -> Through {
            edge.0
        }
    };
}
pub(crate) use {asks, pass, passes};
