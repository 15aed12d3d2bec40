use super::*;
use crate::contract::extract::time::Watermark;
use crate::contract::key::KeyGroups;
use crate::contract::snapshot::{Book, Chunk, GroupSet, Loaded, Part, Pen, Schema, Scope, Shelf};
use crate::state::saved::model::given;
use crate::state::table::Ranks;
use crate::stream::env::Saving;
use crate::stream::seen::Seen;
use crate::stream::signal::SplitNews::{Ends, Opens, Promises, Reads};
use crate::stream::timing::Progress;

type Root = Under<(), ()>;
type Timed = Under<(), i64>;

/// What all workers have written.
#[derive(Clone, Default)]
struct Written(Vec<Chunk>, Vec<Schema>);
impl Shelf for Written {
    fn schema(&self, _: usize, _: Part) -> Option<Schema> {
        self.1.first().cloned()
    }
    fn chunks(&self, _: usize, _: Part) -> crate::Result<Vec<Loaded>> {
        let loaded = |Chunk { head, bytes }: &Chunk| Loaded {
            group: head.group,
            full: head.full,
            entries: head.entries,
            bytes: bytes.clone().into(),
        };
        Ok(self.0.iter().map(loaded).collect())
    }
}

struct Stage {
    push: Box<dyn Push<Root, i64>>,
    seen: Seen<Timed, i64>,
}
const LAG: i64 = 10;
impl Stage {
    /// That of a worker, restored from what was written. The first one goes on writing what nobody reads.
    fn of(worker: usize, written: &Written) -> Stage {
        let saving = Some(Saving { term: 1, interval: 1, cleans: worker == 0 });
        let known = (vec!["times".into()], vec![], true);
        let env = Env::new((worker, 2), (0, 0), Ranks::all(KeyGroups::DEFAULT), known, saving, Rc::new(()));
        let stage =
            TimestampsStage { f: |x: &i64| *x, lag: LAG, idle: None, node: 0, time: PhantomData::<fn() -> i64> };
        let seen = Seen::default();
        let mut push = Box::new(Wrap::<Root, i64, Timed, i64>::wrap(stage, &env, seen.clone()));
        let mut book = Book::new(written);
        push.persist(Task::Load(&mut book));
        book.close().unwrap();
        Stage { push, seen }
    }
    fn fresh(worker: usize) -> Stage {
        Self::of(worker, &Written::default())
    }
    fn news(&mut self, split: u64, news: &[SplitNews]) -> &mut Self {
        news.iter().for_each(|news| self.push.signal(Signal::Split(split, *news)));
        self
    }
    fn records(&mut self, times: &[i64]) -> &mut Self {
        times.iter().for_each(|time| self.push.push(At { key: &(), hash: 0, stamp: () }, *time));
        self.push.settle(times.len() as u64);
        self
    }
    /// The watermarks since the last call.
    fn marks(&mut self) -> Vec<i64> {
        self.push.tick(Duration::ZERO);
        let mut progress = Progress::new(Default::default());
        let times = self.seen.marks.take().into_iter().map(|mark| {
            progress.note(Signal::Time(mark));
            assert!(matches!(progress.watermark, Watermark::At(_)), "{mark:?}");
            progress.time
        });
        times.collect()
    }
}
fn save(stages: &mut [Stage]) -> Written {
    let mut written = Written::default();
    for stage in stages {
        stage.push.signal(Signal::Barrier(Barrier { interval: 1, scope: Scope::Whole, last: false }));
        let mut pen = Pen::new(1_000);
        stage.push.persist(Task::Save(&mut pen));
        let (chunks, schemas) = pen.finish();
        written.0.extend(chunks);
        written.1.extend(schemas.into_iter().map(|(.., schema)| schema));
    }
    written
}

#[test]
fn a_split_goes_on_where_it_was_on_whichever_worker() {
    let mut stages = [Stage::fresh(0), Stage::fresh(1)];
    stages[0].news(1, &[Opens, Reads]).records(&[100, 90]);
    stages[1].news(2, &[Opens, Reads]).records(&[50]);
    assert_eq!(stages[0].marks(), [89]);
    let written = save(&mut stages);
    // It is known before any record comes.
    let mut other = Stage::of(1, &written);
    assert_eq!(other.news(1, &[Opens]).marks(), [89]);
    assert_eq!(other.news(1, &[Reads]).records(&[95]).marks(), [0; 0], "time does not go back");
    assert_eq!(other.records(&[101]).marks(), [90]);
    let mut both = Stage::of(0, &written);
    assert_eq!(both.news(2, &[Opens]).news(1, &[Opens]).marks(), [39]);
    assert_eq!(both.news(3, &[Opens]).news(2, &[Ends]).marks(), [0; 0], "nothing is known of the third");
}
#[test]
fn a_split_that_waits_to_be_opened_again_is_not_forgotten() {
    let mut stages = [Stage::fresh(0), Stage::fresh(1)];
    stages[1].news(2, &[Opens, Reads]).records(&[50]);
    let mut written = save(&mut stages);
    for _ in 0..3 {
        written = save(&mut [Stage::of(1, &written), Stage::of(0, &written)]);
    }
    let mut stages = [Stage::of(0, &written), Stage::of(1, &written)];
    assert_eq!(stages[1].news(2, &[Opens, Reads]).marks(), [39]);
    // What a worker says that reads it comes before what is remembered, whoever is read first.
    stages[1].records(&[70]);
    for order in [[0, 1], [1, 0]] {
        let Written(chunks, schemas) = save(&mut stages);
        let written = Written(order.map(|at| chunks[at].clone()).to_vec(), schemas);
        assert_eq!(Stage::of(0, &written).news(2, &[Opens]).marks(), [59]);
    }
    stages[1].news(2, &[Ends]);
    assert_eq!(Stage::of(0, &save(&mut stages[1..])).news(2, &[Opens]).marks(), [0; 0], "it has ended");
}
#[test]
fn what_a_source_has_promised_stands() {
    let mut stages = [Stage::fresh(0)];
    stages[0].news(1, &[Opens, Reads, Promises(70)]).records(&[1_000]);
    assert_eq!(stages[0].marks(), [70]);
    let mut stage = Stage::of(0, &save(&mut stages));
    assert_eq!(stage.news(1, &[Opens, Reads]).records(&[2_000]).marks(), [70], "its records promise nothing");
    assert_eq!(stage.news(1, &[Promises(60), Promises(80)]).marks(), [80]);
    let mut twice = Stage::of(0, &save(&mut [stage]));
    assert_eq!(twice.news(1, &[Opens, Promises(75)]).marks(), [80]);
}
#[test]
fn what_comes_from_nowhere_known_goes_on_where_the_slowest_was() {
    let mut stages = [Stage::fresh(0), Stage::fresh(1)];
    stages[0].records(&[100]);
    assert_eq!(Stage::of(0, &save(&mut stages)).marks(), [0; 0], "the other has promised nothing");
    stages[1].records(&[40]);
    let mut stages = [Stage::of(0, &save(&mut stages)), Stage::of(1, &save(&mut stages))];
    assert_eq!(stages.each_mut().map(Stage::marks), [[29], [29]]);
    assert_eq!(stages[1].records(&[35, 42]).marks(), [31]);
    assert_eq!(Stage::of(0, &save(&mut stages)).marks(), [29], "the other has brought nothing since");
    // What was pushed and not settled when the barrier came.
    stages.iter_mut().for_each(|stage| stage.push.push(At { key: &(), hash: 0, stamp: () }, 60));
    assert_eq!(Stage::of(0, &save(&mut stages)).marks(), [49]);
}
#[test]
fn a_split_that_has_ended_holds_no_time_back() {
    let mut stages = [Stage::fresh(0)];
    stages[0].news(1, &[Opens, Reads]).records(&[100]).news(1, &[Ends]);
    let mut written = save(&mut stages);
    for _ in 0..2 {
        let mut stage = Stage::of(0, &written);
        assert_eq!(stage.news(2, &[Opens, Reads]).records(&[300]).marks(), [289]);
        written = save(&mut [stage]);
    }
}
#[test]
fn a_split_that_moves_goes_on_where_it_was_at_the_barrier() {
    let (mut giver, mut taker) = (Stage::fresh(0), Stage::fresh(1));
    giver.news(3, &[Opens, Reads]).records(&[20]).news(1, &[Opens, Reads]).records(&[100]);
    assert_eq!(taker.news(2, &[Opens, Reads]).records(&[50]).marks(), [39]);
    save(std::slice::from_mut(&mut giver));
    // No group needs to move with it.
    let gift = given(&GroupSet::new(), |task| giver.push.persist(task));
    gift.to(&(0..4096).collect(), |task| taker.push.persist(task));
    assert_eq!(taker.marks(), [0; 0], "what another has promised is not promised here");
    assert_eq!(taker.news(1, &[Opens]).news(2, &[Ends]).marks(), [89], "it is known before any record comes");
    assert_eq!(taker.news(1, &[Reads]).records(&[95, 120]).marks(), [109]);
    // Its new reader says how far it is, and says no more of those that it does not read.
    let mut other = Stage::of(0, &save(&mut [taker]));
    assert_eq!(other.news(1, &[Opens]).marks(), [109]);
    assert_eq!(other.news(3, &[Opens]).news(1, &[Ends]).marks(), [0; 0]);
}
