//! Every shape of type can be a record, under strict lints and beside serde's derives.
#![deny(missing_docs, unused_qualifications, unreachable_pub, unused, clippy::all)]
#![forbid(unsafe_code)]
use malstrom::Record;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

/// A struct.
#[derive(Record, serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq)]
pub struct Plain {
    id: u64,
    /// Documented.
    pub name: String,
    #[record(skip)]
    cached: Option<u8>,
    r#type: u8,
}
/// A tuple struct.
#[derive(Record, Debug, PartialEq)]
pub struct Tuple(u64, pub Vec<Plain>);
/// A unit struct.
#[derive(Record, Debug, PartialEq)]
pub struct Unit;
/// An enum that contains itself.
#[derive(Record, Debug, PartialEq)]
pub enum Tree {
    /// Nothing.
    Empty,
    /// One.
    Leaf(u64, #[record(skip)] u8),
    /// Many.
    Node {
        /// Trees.
        children: Vec<Tree>,
        /// One more.
        last: Option<Box<Tree>>,
        /// Named ones.
        named: BTreeMap<String, Self>,
    },
    /// None.
    Odd {},
    /// None.
    Even(),
}
/// Two that contain each other.
#[derive(Record, Debug, PartialEq)]
pub struct Ping(Option<Box<Pong>>);
/// Two that contain each other.
#[derive(Record, Debug, PartialEq)]
pub struct Pong(Option<Box<Ping>>);
/// A generic one.
#[derive(Record, Debug, PartialEq)]
pub struct Pair<A, B: Copy = u8, const N: usize = 2>
where
    A: Clone,
{
    a: Vec<A>,
    b: [B; N],
    phantom: std::marker::PhantomData<A>,
}
/// A generic enum.
#[derive(Record, Debug, PartialEq)]
pub enum Either<L, R> {
    /// One.
    Left(L),
    /// Other.
    Right(R),
}
/// More fields than a tuple holds.
#[derive(Record, Debug, PartialEq, Default)]
#[rustfmt::skip]
pub struct Wide {
    a: u8, b: u16, c: u32, d: u64, e: u8, f: u8, g: u8, h: u8, i: u8, j: u8, k: u8, l: u8, m: u8,
    n: u8, o: u8, p: u8, q: u8, r: u8, s: u8, t: u8, u: u8, v: u8, w: u8, x: u8, y: u8, z: String,
}
/// A foreign type with serde's traits.
#[derive(Record, serde::Serialize, serde::Deserialize, Debug, PartialEq)]
#[record(codec = serde)]
pub struct Address<T>(std::net::IpAddr, Vec<T>);

macro_rules! define {
    ($name:ident { $($field:ident: $ty:ty),* }) => {
        /// Made by a macro.
        #[derive(Record, Debug, PartialEq)]
        pub struct $name { $($field: $ty),* }
    };
}
define!(Made { x: Vec<u8>, y: (u64, Either<u8, String>) });

fn same<T: Record + Debug + PartialEq>(value: T) {
    let mut bytes = Vec::new();
    value.encode(&mut bytes).unwrap();
    assert_eq!(T::decode(&bytes).unwrap(), value);
    for end in 0..bytes.len() {
        let _ = T::decode(&bytes[..end]);
    }
}

fn main() {
    let plain = || Plain { id: 7, name: "seven".into(), cached: None, r#type: 3 };
    same(plain());
    same(Tuple(1, vec![plain(), plain()]));
    same(Unit);
    same(vec![Unit, Unit]);
    same(Tree::Node {
        children: vec![Tree::Empty, Tree::Leaf(3, 0), Tree::Odd {}, Tree::Even()],
        last: Some(Box::new(Tree::Node { children: vec![], last: None, named: BTreeMap::new() })),
        named: BTreeMap::from([("x".to_owned(), Tree::Leaf(1, 0))]),
    });
    same(Ping(Some(Box::new(Pong(Some(Box::new(Ping(None))))))));
    same(Pair { a: vec!["x".to_owned()], b: [1u8, 2], phantom: std::marker::PhantomData });
    same(HashMap::from([(1u8, Either::<u64, String>::Left(4)), (2, Either::Right("r".to_owned()))]));
    same(Wide { z: "z".into(), m: 13, ..Wide::default() });
    same(Address("127.0.0.1".parse().unwrap(), vec![Some(1u8), None]));
    same(Made { x: vec![1], y: (2, Either::Left(3)) });

    let mut skipped = Vec::new();
    Plain { cached: Some(1), ..plain() }.encode(&mut skipped).unwrap();
    assert_eq!(Plain::decode(&skipped).unwrap(), plain());
}
