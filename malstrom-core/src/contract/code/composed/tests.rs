use super::*;
use crate::contract::code::{Code, OfRecord};
use proptest::prelude::*;
use std::fmt::Debug;

type Ranked = OfList<OfPair<OfRecord<u64>, Code<String>>>;
type Told = OfMap<Code<String>, OfRecord<(u64, bool)>>;
fn ranked() -> Ranked {
    OfList(OfPair(OfRecord::new(), Code::of()))
}
fn told() -> Told {
    OfMap(Code::of(), OfRecord::new())
}
fn written<V>(codec: &impl Codec<V>, value: &V) -> Vec<u8> {
    let mut out = vec![7];
    codec.encode(value, &mut out).unwrap();
    assert_eq!(out.remove(0), 7, "what stood before stays");
    out
}

/// Whatever becomes of the bytes, reading them ends in a value or an error.
fn withstands<V: Debug + PartialEq>(codec: &impl Codec<V>, value: &V) {
    let bytes = written(codec, value);
    assert_eq!(codec.decode(1, &bytes).as_ref(), Ok(value));
    for length in 0..bytes.len() {
        assert_ne!(codec.decode(1, &bytes[..length]).as_ref(), Ok(value), "cut to {length}");
    }
    for at in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        drop(codec.decode(1, &flipped));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_written_is_read_and_nothing_else_is_fatal(
        ranked_values in prop::collection::vec((any::<u64>(), ".{0,12}"), 0..6),
        told_values in prop::collection::hash_map(".{0,12}", (any::<u64>(), any::<bool>()), 0..6),
        best in any::<Option<u32>>(),
        noise in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        withstands(&ranked(), &ranked_values);
        withstands(&told(), &told_values);
        withstands(&OfOption(Code::<u32>::of()), &best);
        drop(ranked().decode(1, &noise));
        drop(told().decode(1, &noise));
        drop(OfOption(ranked()).decode(1, &noise));
    }
}

#[test]
fn the_layout_is_fixed() {
    assert_eq!(written(&OfOption(Code::<u8>::of()), &None), [0]);
    assert_eq!(written(&OfOption(Code::<u8>::of()), &Some(9)), [1, 9]);
    let two = written(&OfList(OfPair(Code::<u8>::of(), Code::<u8>::of())), &vec![(1, 2), (3, 4)]);
    assert_eq!(two, [2, 0, 0, 0, 6, 0, 0, 0, 1, 0, 0, 0, 1, 2, 6, 0, 0, 0, 1, 0, 0, 0, 3, 4]);
    let map = written(&OfMap(Code::<u8>::of(), Code::<u8>::of()), &HashMap::from([(5, 6), (3, 4)]));
    assert_eq!(map, [2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 0, 0, 0, 4, 1, 0, 0, 0, 5, 1, 0, 0, 0, 6]);
}

#[test]
fn equal_maps_are_written_alike() {
    let entries = || (0..100u64).map(|n| (n.to_string(), (n, n % 2 == 0)));
    let (a, b): (HashMap<_, _>, HashMap<_, _>) = (entries().collect(), entries().rev().collect());
    assert_eq!(written(&told(), &a), written(&told(), &b));
}

#[test]
fn a_number_that_lies_takes_no_memory() {
    let codec = OfList(Code::<[u64; 1024]>::of());
    assert!(codec.decode(1, &[255; 4]).is_err());
    assert!(OfMap(Code::<[u64; 1024]>::of(), Code::<u8>::of()).decode(1, &[255; 8]).is_err());
}

#[test]
fn bytes_that_no_value_has_are_refused() {
    assert!(OfOption(Code::<u8>::of()).decode(1, &[0, 1]).is_err());
    assert!(OfOption(Code::<u8>::of()).decode(1, &[2, 1]).is_err());
    assert!(OfOption(Code::<u8>::of()).decode(1, &[]).is_err());
    let list = OfList(Code::<u8>::of());
    assert!(list.decode(1, &[1, 0, 0, 0, 1, 0, 0, 0, 9]).is_ok());
    assert!(list.decode(1, &[1, 0, 0, 0, 1, 0, 0, 0, 9, 9]).is_err());
    let twice = [2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 0, 0, 0, 4, 1, 0, 0, 0, 3, 1, 0, 0, 0, 6];
    assert!(OfMap(Code::<u8>::of(), Code::<u8>::of()).decode(1, &twice).is_err());
    let mut behind = written(&told(), &HashMap::from([("a".to_owned(), (1, true))]));
    behind.push(0);
    assert!(told().decode(1, &behind).is_err());
}

/// Fails at the second value.
#[derive(Clone)]
struct Picky;
impl Codec<u8> for Picky {
    fn describe(&self, _: &mut Describe) -> TypeRef {
        TypeRef::plain("u8")
    }
    fn encode(&self, value: &u8, out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.push(*value);
        if *value == 2 { Err(CodecError::new("two")) } else { Ok(()) }
    }
    fn decode(&self, _: u32, bytes: &[u8]) -> Result<u8, CodecError> {
        bytes.first().copied().ok_or_else(cut_short)
    }
}
#[test]
fn what_cannot_be_written_leaves_nothing_behind() {
    let mut out = vec![1, 2, 3];
    assert!(OfList(Picky).encode(&vec![1, 2], &mut out).is_err());
    assert!(OfPair(Picky, Picky).encode(&(1, 2), &mut out).is_err());
    assert!(OfOption(Picky).encode(&Some(2), &mut out).is_err());
    assert!(OfMap(Picky, Picky).encode(&HashMap::from([(1, 2)]), &mut out).is_err());
    assert_eq!(out, [1, 2, 3]);
}

#[test]
fn descriptions_read_as_the_types_do() {
    fn text<V>(codec: &impl Codec<V>) -> String {
        let mut d = Describe::default();
        let root = codec.describe(&mut d);
        d.description(root).to_string()
    }
    assert_eq!(text(&ranked()), "Vec<(u64, String)>");
    assert_eq!(text(&told()), "Map<String, (u64, bool)>");
    assert_eq!(text(&OfOption(Code::<u64>::of())), "Option<u64>");
}
