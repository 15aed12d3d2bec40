//! What is written is read back, and what is broken is refused: never a panic, never memory without bound.
#![allow(clippy::unwrap_used)]
use malstrom_core::Record;
use malstrom_core::contract::record::MAX_EMPTY;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

fn round_trip<T: Record + PartialEq + Debug>(value: T) {
    let mut bytes = vec![7; 3];
    value.encode(&mut bytes).unwrap();
    assert_eq!(bytes[..3], [7; 3]);
    // At any alignment.
    for shift in [0, 1, 8] {
        let mut moved = vec![0; shift];
        moved.extend_from_slice(&bytes[3..]);
        assert_eq!(T::decode(&moved[shift..]).unwrap(), value, "shifted by {shift}");
    }
}

#[test]
fn built_in_types_round_trip() {
    round_trip((1u8, 2u16, 3u32, 4u64, 5u128, -1i8, -2i16, -3i32, -4i64, -5i128, 1.5f32, 2.5f64));
    round_trip((true, 'ß', usize::MAX, isize::MIN, (), "hello, world".to_owned(), Duration::new(3, 4)));
    round_trip(bytes::Bytes::from_static(b"some bytes"));
    round_trip((vec![Some(vec![1u64]), None], [Some(1u8), None], Box::new(3u64), Arc::new("x".to_owned())));
    round_trip(BTreeMap::from([("a".to_owned(), vec![1u8]), ("b".to_owned(), vec![])]));
    round_trip(HashMap::from([((1u8, true), 2u64), ((2, false), 3)]));
    round_trip((BTreeSet::from([3u64, 1]), HashSet::from(["x".to_owned()])));
    round_trip((vec![(); 1000], Vec::<String>::new(), BTreeMap::<u8, u8>::new()));
    round_trip(std::marker::PhantomData::<u64>);
}

#[test]
fn many_elements_without_bytes_are_refused() {
    let mut bytes = vec![1];
    assert!(vec![(); MAX_EMPTY + 1].encode(&mut bytes).is_err());
    assert_eq!(bytes, [1], "left as it was");

    bytes.clear();
    vec![(); 5].encode(&mut bytes).unwrap();
    let at = bytes.iter().position(|&byte| byte == 5).unwrap();
    bytes[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(Vec::<()>::decode(&bytes).is_err());
}

#[test]
fn a_set_with_an_element_twice_is_refused() {
    let mut bytes = Vec::new();
    vec![7u8, 7].encode(&mut bytes).unwrap();
    assert!(BTreeSet::<u8>::decode(&bytes).is_err());
    assert!(HashSet::<u8>::decode(&bytes).is_err());
}

type Mixed = (u8, Option<String>, Vec<(u64, Box<bool>)>, BTreeMap<String, Vec<char>>, HashMap<u16, Option<f64>>);

fn mixed() -> impl Strategy<Value = Mixed> {
    let list = proptest::collection::vec((any::<u64>(), any::<bool>().prop_map(Box::new)), 0..5);
    let word = || proptest::collection::vec(any::<char>(), 0..12).prop_map(String::from_iter);
    let names = proptest::collection::btree_map(word(), proptest::collection::vec(any::<char>(), 0..4), 0..4);
    let numbers = proptest::collection::hash_map(any::<u16>(), proptest::option::of(0.0f64..1.0), 0..4);
    (any::<u8>(), proptest::option::of(word()), list, names, numbers)
}

proptest! {
    #[test]
    fn any_value_round_trips(value in mixed()) {
        round_trip(value);
    }
    #[test]
    fn random_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Mixed::decode(&bytes);
        let _ = Vec::<Mixed>::decode(&bytes);
        let _ = String::decode(&bytes);
    }
    #[test]
    fn broken_bytes_do_not_panic(value in mixed(), flip in any::<(usize, u8)>(), cut in any::<usize>()) {
        let mut bytes = Vec::new();
        value.encode(&mut bytes).unwrap();
        let _ = Mixed::decode(&bytes[..cut % (bytes.len() + 1)]);
        let at = flip.0 % bytes.len();
        bytes[at] ^= 1 << (flip.1 % 8);
        let _ = Mixed::decode(&bytes);
    }
}
