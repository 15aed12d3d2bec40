//! What a derived type writes is read back; what is broken, too deep or too long is refused without a panic.
#![allow(clippy::unwrap_used)]
use malstrom::record::{MAX_DEPTH, MAX_EMPTY};
use malstrom::{Key, Record};
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};

#[derive(Record, Clone, Debug, PartialEq)]
enum Tree {
    Leaf(Id, Option<String>),
    Node { children: Vec<Tree>, named: BTreeMap<String, Box<Tree>> },
    Nothing,
}

#[derive(Key, Clone, Debug, PartialEq, Eq, Hash)]
enum Id {
    Number(u64),
    Name { first: String, last: String },
    Nobody,
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Wide<T> {
    ids: HashMap<Id, (u8, Option<T>)>,
    pair: [T; 2],
    foreign: Foreign,
}

#[derive(Record, serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq)]
#[record(codec = serde)]
enum Foreign {
    Address(std::net::IpAddr),
    List(Vec<Foreign>),
    Map { named: BTreeMap<String, Option<f64>>, next: Option<Box<Foreign>> },
}

fn name() -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<char>(), 0..12).prop_map(String::from_iter)
}
fn id() -> impl Strategy<Value = Id> {
    let names = (name(), name()).prop_map(|(first, last)| Id::Name { first, last });
    prop_oneof![any::<u64>().prop_map(Id::Number), names, Just(Id::Nobody)]
}
fn tree() -> impl Strategy<Value = Tree> {
    let leaf = (id(), proptest::option::of(name())).prop_map(|(id, name)| Tree::Leaf(id, name));
    prop_oneof![leaf, Just(Tree::Nothing)].prop_recursive(4, 20, 3, |inner| {
        let children = proptest::collection::vec(inner.clone(), 0..3);
        let named = proptest::collection::btree_map(name(), inner.prop_map(Box::new), 0..3);
        (children, named).prop_map(|(children, named)| Tree::Node { children, named })
    })
}
fn foreign() -> impl Strategy<Value = Foreign> {
    let leaf = any::<u32>().prop_map(|bits| Foreign::Address(std::net::Ipv4Addr::from(bits).into()));
    leaf.prop_recursive(3, 12, 3, |inner| {
        let named = proptest::collection::btree_map(name(), proptest::option::of(0.0f64..1.0), 0..3);
        let map = (named, proptest::option::of(inner.clone().prop_map(Box::new)));
        prop_oneof![
            proptest::collection::vec(inner, 0..3).prop_map(Foreign::List),
            map.prop_map(|(named, next)| Foreign::Map { named, next }),
        ]
    })
}
fn wide() -> impl Strategy<Value = Wide<Tree>> {
    let ids = proptest::collection::hash_map(id(), (any::<u8>(), proptest::option::of(tree())), 0..3);
    (ids, [tree(), tree()], foreign()).prop_map(|(ids, pair, foreign)| Wide { ids, pair, foreign })
}

fn encoded(value: &impl Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes).unwrap();
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_value(value in wide()) {
        prop_assert_eq!(Wide::decode(&encoded(&value)).unwrap(), value);
    }
    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Wide::<Tree>::decode(&bytes);
        let _ = Tree::decode(&bytes);
        let _ = Foreign::decode(&bytes);
        let _ = Id::decode(&bytes);
    }
    #[test]
    fn cut_bytes_and_flipped_bits(value in wide(), flips in proptest::collection::vec(any::<(usize, u8)>(), 1..4), cut in any::<usize>()) {
        let mut bytes = encoded(&value);
        let _ = Wide::<Tree>::decode(&bytes[..cut % bytes.len()]);
        for (at, bit) in flips {
            let at = at % bytes.len();
            bytes[at] ^= 1 << (bit % 8);
        }
        let _ = Wide::<Tree>::decode(&bytes);
    }
}

fn nested(levels: usize) -> Tree {
    let mut tree = Tree::Nothing;
    for _ in 0..levels {
        tree = Tree::Node { children: vec![tree], named: BTreeMap::new() };
    }
    tree
}

#[test]
fn what_can_be_written_can_be_read_and_the_rest_is_refused() {
    let deepest = (1..400).take_while(|&levels| nested(levels).encode(&mut Vec::new()).is_ok()).last().unwrap();
    assert!(deepest >= MAX_DEPTH - 2, "{deepest}");
    for levels in [1, deepest / 2, deepest] {
        let tree = nested(levels);
        assert_eq!(Tree::decode(&encoded(&tree)).unwrap(), tree);
    }
    let error = nested(deepest + 1).encode(&mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "the value is nested more than 128 levels deep");
}

#[derive(Record, Debug, PartialEq)]
struct Loop(Vec<Loop>);

#[test]
fn bytes_that_point_to_themselves_are_refused() {
    let mut bytes = encoded(&Loop(vec![Loop(vec![])]));
    // The root is an offset to its elements and their number: let it be its own element.
    let root = bytes.len() - 8;
    bytes[root..root + 4].copy_from_slice(&0i32.to_le_bytes());
    assert!(Loop::decode(&bytes).is_err());
}

#[derive(Record, serde::Serialize, serde::Deserialize, Debug)]
#[record(codec = serde)]
enum Chain {
    End,
    Link(Box<Chain>),
    Empty(Vec<()>),
}

#[test]
fn serde_is_kept_within_limits() {
    // What serde has written lies there like a vector of bytes.
    let opaque = |inner: Vec<u8>| encoded(&inner);
    assert!(matches!(Chain::decode(&opaque(vec![1, 1, 0])), Ok(Chain::Link(_))));
    assert!(Chain::decode(&opaque(vec![1; 1_000_000])).is_err(), "too deep");
    assert!(Chain::decode(&opaque(vec![0, 0])).is_err(), "left over");
    let endless = [2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    assert!(Chain::decode(&opaque(endless.to_vec())).is_err(), "elements without bytes");
    let many = Chain::Empty(vec![(); MAX_EMPTY / 2]);
    assert!(Chain::decode(&encoded(&many)).is_ok());
}
