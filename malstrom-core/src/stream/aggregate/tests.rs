use super::*;
use crate::contract::code::Code;
use proptest::prelude::*;
use std::fmt::Debug;

type Records = Vec<(u64, String)>;

/// What is kept of some records, read back from its bytes, goes on as what was never written: it shows, and closes to, the
/// same.
fn goes_on<A>(make: impl Fn() -> A, before: &Records, after: &Records)
where
    A: Aggregate<u64, (u64, String), Out: Debug, Closed: Debug>,
{
    let (mut there, mut here) = (make(), make());
    let mut kept = there.fresh();
    before.iter().for_each(|record| drop(there.update(&mut kept, &7, record.clone())));
    let mut bytes = Vec::new();
    there.codec().unwrap().encode(&kept, &mut bytes).unwrap();
    let mut read = here.codec().unwrap().decode(1, &bytes).unwrap();
    if let (Some(here), Some(there)) = (here.arrivals(), there.arrivals()) {
        *here = *there;
    }
    for record in after {
        let told = there.update(&mut kept, &7, record.clone());
        assert_eq!(format!("{:?}", here.update(&mut read, &7, record.clone())), format!("{told:?}"));
    }
    let window = Window::new(crate::Timestamp::UNIX_EPOCH, crate::Timestamp::MAX);
    let close = |mut aggregate: A, kept| {
        let mut all = Vec::new();
        Aggregate::<u64, (u64, String)>::close(&mut aggregate, kept, &7, window, |out| all.push(format!("{out:?}")));
        all
    };
    assert_eq!(close(here, read), close(there, kept));
}

proptest! {
    #[test]
    fn what_was_written_goes_on_as_if_it_had_not_been(
        before in prop::collection::vec((0..9u64, "[a-c]{0,3}"), 0..12),
        after in prop::collection::vec((0..9u64, "[a-c]{0,3}"), 0..12),
    ) {
        type Record = (u64, String);
        let number = |(n, _): &Record| *n;
        goes_on(|| Count, &before, &after);
        goes_on(|| Sum(number, Some(Code::of())), &before, &after);
        goes_on(|| Extreme(|r: &Record| r.1.clone(), |a: &String, b: &String| a < b, Some(Code::of())), &before, &after);
        goes_on(|| Average(number), &before, &after);
        goes_on(|| Reduce(|a: Record, b: Record| (a.0 * 31 % 97 + b.0, b.1), Some(Code::of())), &before, &after);
        let text = |a: String, (_, b): Record| a + &b;
        goes_on(|| Fold(String::new(), text, None, (Some(Code::of()), None)), &before, &after);
        goes_on(|| Top::new(3, number, Some(Code::of())), &before, &after);
        goes_on(|| Distinct::new(Some(Code::of())), &before, &after);
    }
}

#[test]
fn what_is_no_record_has_no_codec() {
    type Record = (u64, String);
    let none = |codec: bool| assert!(!codec);
    none(Aggregate::<u64, Record>::codec(&Sum(|r: &Record| r.0, None)).is_some());
    none(Aggregate::<u64, Record>::codec(&Extreme(|r: &Record| r.0, |a: &u64, b: &u64| a < b, None)).is_some());
    none(Aggregate::<u64, Record>::codec(&Reduce(|a: Record, _: Record| a, None)).is_some());
    none(Aggregate::<u64, Record>::codec(&Top::new(1, |r: &Record| r.0, None)).is_some());
    none(Aggregate::<u64, Record>::codec(&Distinct::<Record>::new(None)).is_some());
    let fold = Fold(0u64, |a: u64, _: Record| a, None, (None, Some(Code::of())));
    none(Aggregate::<u64, Record>::codec(&fold).is_some());
    assert!(Aggregate::<u64, Record>::record_code(&fold).is_some());
}

/// Numbers go on after those of before, so that what came first stays first.
#[test]
fn arrivals_go_on() {
    let mut top = Top::new(2, |_: &u64| 0, Some(Code::of()));
    let mut kept: Vec<(u64, u64)> = vec![(41, 1)];
    *Aggregate::<u64, u64>::arrivals(&mut top).unwrap() = 41;
    Aggregate::<u64, u64>::add(&mut top, &mut kept, 2);
    assert_eq!(kept, [(41, 1), (42, 2)]);
    assert_eq!(Aggregate::<u64, u64>::arrivals(&mut top), Some(&mut 42));
    let mut distinct = Distinct::<u64>::new(None);
    *Aggregate::<u64, u64>::arrivals(&mut distinct).unwrap() = 6;
    let mut kept = std::collections::HashMap::new();
    Aggregate::<u64, u64>::add(&mut distinct, &mut kept, 5);
    assert_eq!(kept[&5], (7, false));
    assert_eq!(Aggregate::<u64, u64>::arrivals(&mut distinct), Some(&mut 7));
    assert_eq!(Aggregate::<u64, u64>::arrivals(&mut Count), None);
}
