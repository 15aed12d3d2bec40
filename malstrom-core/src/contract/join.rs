//! Joins: which records are emitted, and how.

/// A record of one of the two inputs of a join.
#[derive(Clone, Debug)]
pub enum Side<A, B> {
    /// Of the first one.
    Left(A),
    /// Of the second one.
    Right(B),
}

/// Which records a join emits: `kind = inner`, `left`, `right` or `outer`.
pub trait JoinKind<A, B>: Copy + 'static {
    /// A pair, with `Option` on the sides that may be missing.
    type Out: 'static;
    /// Whether records without a partner are emitted, of the left and of the right input.
    const ALONE: (bool, bool);
    /// Two records that belong together.
    fn pair(left: A, right: B) -> Self::Out;
    /// A record without a partner.
    fn alone(side: Side<A, B>) -> Option<Self::Out>;
}
/// Only pairs.
#[derive(Clone, Copy, Debug)]
pub struct Inner;
/// Pairs, and left records without a partner.
#[derive(Clone, Copy, Debug)]
pub struct Left;
/// Pairs, and right records without a partner.
#[derive(Clone, Copy, Debug)]
pub struct Right;
/// Pairs, and all records without a partner.
#[derive(Clone, Copy, Debug)]
pub struct Outer;
impl<A: 'static, B: 'static> JoinKind<A, B> for Inner {
    type Out = (A, B);
    const ALONE: (bool, bool) = (false, false);
    fn pair(left: A, right: B) -> (A, B) {
        (left, right)
    }
    fn alone(_: Side<A, B>) -> Option<(A, B)> {
        None
    }
}
impl<A: 'static, B: 'static> JoinKind<A, B> for Left {
    type Out = (A, Option<B>);
    const ALONE: (bool, bool) = (true, false);
    fn pair(left: A, right: B) -> Self::Out {
        (left, Some(right))
    }
    fn alone(side: Side<A, B>) -> Option<Self::Out> {
        match side {
            Side::Left(left) => Some((left, None)),
            Side::Right(_) => None,
        }
    }
}
impl<A: 'static, B: 'static> JoinKind<A, B> for Right {
    type Out = (Option<A>, B);
    const ALONE: (bool, bool) = (false, true);
    fn pair(left: A, right: B) -> Self::Out {
        (Some(left), right)
    }
    fn alone(side: Side<A, B>) -> Option<Self::Out> {
        match side {
            Side::Left(_) => None,
            Side::Right(right) => Some((None, right)),
        }
    }
}
impl<A: 'static, B: 'static> JoinKind<A, B> for Outer {
    type Out = (Option<A>, Option<B>);
    const ALONE: (bool, bool) = (true, true);
    fn pair(left: A, right: B) -> Self::Out {
        (Some(left), Some(right))
    }
    fn alone(side: Side<A, B>) -> Option<Self::Out> {
        Some(match side {
            Side::Left(left) => (Some(left), None),
            Side::Right(right) => (None, Some(right)),
        })
    }
}
