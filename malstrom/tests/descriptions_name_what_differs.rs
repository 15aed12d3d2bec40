//! The description of a record, its fingerprint, and the sentence that says in what two of them differ.
#![allow(unreachable_pub)]
use malstrom::Record;
use malstrom::record::{description, difference, fingerprint};

#[derive(Record)]
enum Tree {
    Leaf(u64),
    Node { children: Vec<Tree>, value: Pair<u8> },
}
#[derive(Record)]
struct Pair<T> {
    a: T,
    b: Option<[T; 2]>,
}

#[test]
fn each_named_type_is_described_once() {
    let text = description::<(Tree, Pair<u16>)>().to_string();
    assert_eq!(
        text,
        "(#0, #2)\n\
         #0 Tree | Leaf { 0: u64, } | Node { children: Vec<#0>, value: #1, }\n\
         #1 Pair { a: u8, b: Option<[u8; 2]>, }\n\
         #2 Pair { a: u16, b: Option<[u16; 2]>, }"
    );
}

#[test]
fn fingerprints_do_not_change() {
    assert_eq!(fingerprint::<u64>(), 11_693_619_057_167_577_075);
    assert_eq!(fingerprint::<Tree>(), 13_231_271_121_825_805_885);
}

#[test]
fn a_description_is_a_record() {
    let description = description::<Tree>();
    let mut bytes = Vec::new();
    description.encode(&mut bytes).unwrap();
    assert_eq!(Record::decode(&bytes), Ok(description));
}

macro_rules! differs {
    ($($name:ident: $old:item => $new:item => $sentence:expr;)*) => {$(
        #[test]
        fn $name() {
            mod old {
                #[allow(unused)]
                #[derive(malstrom::Record)]
                $old
            }
            mod new {
                #[allow(unused)]
                #[derive(malstrom::Record)]
                $new
            }
            let (old, new) = (description::<Vec<old::State>>(), description::<Vec<new::State>>());
            assert_eq!(difference(&old, &new).as_deref(), $sentence);
            assert_eq!(old.fingerprint() == new.fingerprint(), $sentence.is_none());
            assert_eq!(difference(&new, &new), None);
        }
    )*};
}
differs! {
    nothing: pub struct State { a: u8 } => pub struct State { a: u8 } => None::<&str>;
    a_type: pub struct State { a: u8, b: f64 } => pub struct State { a: u8, b: f32 }
        => Some("`State.b` was `f64` and is `f32`");
    a_part: pub struct State { a: Vec<Option<u8>> } => pub struct State { a: Vec<Option<i8>> }
        => Some("`State.a` was `Vec<Option<u8>>` and is `Vec<Option<i8>>`");
    a_new_field: pub struct State { a: u8 } => pub struct State { a: u8, b: Option<String> }
        => Some("`State` has a new field `b: Option<String>`");
    a_lost_field: pub struct State { a: u8, b: [u8; 3] } => pub struct State { a: u8 }
        => Some("`State` has lost its field `b: [u8; 3]`");
    another_order: pub struct State { a: u8, b: u8 } => pub struct State { b: u8, a: u8 }
        => Some("the fields of `State` are in another order");
    a_new_variant: pub enum State { A } => pub enum State { A, B } => Some("`State` has a new variant `B`");
    a_lost_variant: pub enum State { A, B } => pub enum State { B } => Some("`State` has lost its variant `A`");
    another_order_of_variants: pub enum State { A, B } => pub enum State { B, A }
        => Some("the variants of `State` are in another order");
    inside_a_variant: pub enum State { A { n: u8, next: Box<State> } } => pub enum State { A { n: u16, next: Box<State> } }
        => Some("`State::A.n` was `u8` and is `u16`");
    a_tuple: pub struct State((u8, u16)); => pub struct State((u8, u32));
        => Some("`State.0` was `(u8, u16)` and is `(u8, u32)`");
}

#[test]
fn a_type_of_the_same_name_is_looked_into() {
    mod old {
        #[derive(malstrom::Record)]
        pub struct State(Vec<Inner>);
        #[derive(malstrom::Record)]
        pub struct Inner(u8);
    }
    mod new {
        #[derive(malstrom::Record)]
        pub struct State(Vec<Inner>);
        #[derive(malstrom::Record)]
        pub struct Inner(u16);
    }
    let sentence = difference(&description::<old::State>(), &description::<new::State>());
    assert_eq!(sentence.as_deref(), Some("`Inner.0` was `u8` and is `u16`"));
}
