//! Sources that are opened at a position give what would have followed: the same rows and failures, with the same lines.
#![allow(clippy::unwrap_used, clippy::panic)]
mod collected;
use collected::{file, gz};
use malstrom_core::connect::{FromIter, files, memory};
use malstrom_core::{Emit, Read, Record, Source, SplitReader};
use proptest::prelude::*;
use std::fmt::Debug;

/// Rows and failures in the order in which they come.
struct Events<T, E>(Vec<Result<T, E>>);
impl<T, E> Emit<T, E> for Events<T, E> {
    fn emit(&mut self, record: T) {
        self.0.push(Ok(record));
    }
    fn fail(&mut self, error: E) {
        self.0.push(Err(error));
    }
}

/// What comes from a reader, in chunks of these sizes and then one by one, and its position before each chunk and at the end.
#[allow(clippy::type_complexity)]
fn drain<R: SplitReader>(
    reader: &mut R,
    chunks: &[usize],
) -> (Vec<Result<R::Out, R::Error>>, Vec<(usize, R::Position)>) {
    let mut events = Events(Vec::new());
    let mut positions = vec![(0, reader.position())];
    let mut chunks = chunks.iter().copied().chain(std::iter::repeat(1));
    while reader.read(chunks.next().unwrap(), &mut events).unwrap() != Read::End {
        positions.push((events.0.len(), reader.position()));
    }
    positions.push((events.0.len(), reader.position()));
    (events.0, positions)
}

/// For every prefix of the chunks, a source that is opened behind it gives the rest, and so does one that is opened behind a
/// part of that.
fn resumes<S: Source>(source: impl Fn() -> S, chunks: &[usize], again: &[usize]) -> Result<(), TestCaseError>
where
    S::Out: Debug + PartialEq,
    S::Error: Debug + PartialEq,
    S::Position: Debug + PartialEq,
{
    let open = |position: Option<&S::Position>| {
        let mut bytes = Vec::new();
        let mut source = source();
        let split = source.splits().unwrap().remove(0);
        // As it comes from a snapshot.
        let position = position.map(|position| {
            position.encode(&mut bytes).unwrap();
            S::Position::decode(&bytes).unwrap()
        });
        source.open(split, position).unwrap()
    };
    let (all, positions) = drain(&mut open(None), chunks);
    let end = &positions.last().unwrap().1;
    for (before, position) in &positions {
        let mut reader = open(Some(position));
        prop_assert_eq!(&reader.position(), position);
        let (rest, later) = drain(&mut reader, again);
        prop_assert_eq!(&rest[..], &all[*before..], "behind {:?}", position);
        prop_assert_eq!(&later.last().unwrap().1, end);
        let (between, position) = &later[later.len() / 2];
        let (rest, _) = drain(&mut open(Some(position)), chunks);
        prop_assert_eq!(&rest[..], &all[before + between..], "behind {:?}", position);
    }
    Ok(())
}

/// Text of which much is wrong: marks, blank lines, quotes that hold newlines or are never closed, rows of other widths, what is
/// no number, no UTF-8 or too long, either end of lines, and a last line without.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        4 => (0..1_000_u32).prop_map(|n| format!("{n},word\n").into_bytes()),
        1 => prop::sample::select(vec![
            &b"1,two\r\n"[..], b"\n", b"\r\n", b"  \n", b"3\n", b"x,y\n", b"4,5,6\n", b"\"7\",\"a\nb\r\nc\"\n", b"8,\"never\n",
            b"9,\xff\n", b"\xff\xfe\n", b"10,long long long long long long long long long\n", b"[1,\"a\"]\n", b"12\r\r\n", b"NA,b\n",
        ]).prop_map(<[u8]>::to_vec),
    ];
    let lines = prop::collection::vec(line, 0..20);
    let begin = prop::sample::select(vec![
        &b""[..],
        b"\xef\xbb\xbf",
        b"a,b\n",
        b"\xef\xbb\xbf\r\na,b\r\n",
        b"\n\na,b\n",
        b"b,c,a\n",
    ]);
    let end = prop::sample::select(vec![&b""[..], b"11,last", b"\r", b"\"", b"1\xff"]);
    (begin, lines, end).prop_map(|(begin, lines, end)| [begin, &lines.concat(), end].concat())
}
fn chunks() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1..6_usize, 0..8)
}
#[derive(Debug, PartialEq, serde::Deserialize)]
struct Pair {
    a: Option<u32>,
    b: String,
}

proptest! {
    #[test]
    fn csv_goes_on_at_every_position(text in text(), compressed: bool, header: bool, chunks in chunks(), again in chunks()) {
        let (name, contents) = if compressed { ("p.csv.gz", gz(&text)) } else { ("p.csv", text) };
        let (_directory, path) = file(name, contents);
        // Of a header that is wrong nothing can be read.
        let csv = || files::csv::<Pair>(&path).missing("NA").max_line(40);
        let read = |header: bool| if header { csv() } else { csv().no_header() };
        let mut source = read(header);
        let split = source.splits().unwrap().remove(0);
        prop_assume!(source.open(split, None).is_ok());
        resumes(|| read(header), &chunks, &again)?;
    }

    #[test]
    fn json_goes_on_at_every_position(text in text(), compressed: bool, chunks in chunks(), again in chunks()) {
        let (name, contents) = if compressed { ("p.jsonl.gz", gz(&text)) } else { ("p.jsonl", text) };
        let (_directory, path) = file(name, contents);
        resumes(|| files::jsonl::<(u32, String)>(&path).max_line(40), &chunks, &again)?;
    }

    #[test]
    fn lines_go_on_at_every_position(text in text(), compressed: bool, chunks in chunks(), again in chunks()) {
        let text = String::from_utf8_lossy(&text).into_owned();
        let (name, contents) = if compressed { ("p.txt.gz", gz(&text)) } else { ("p.txt", text.into_bytes()) };
        let (_directory, path) = file(name, contents);
        resumes(|| files::lines(&path), &chunks, &again)?;
    }

    #[test]
    fn iterators_go_on_at_every_position(n in 0..30_u32, chunks in chunks(), again in chunks()) {
        resumes(|| FromIter::new(0..n), &chunks, &again)?;
        resumes(|| memory::splits(1, move |_| (0..n).filter(|n| n % 3 > 0)), &chunks, &again)?;
    }
}

/// How many bytes this thread has read so far.
#[cfg(target_os = "linux")]
fn bytes_read() -> u64 {
    let counts = std::fs::read_to_string("/proc/thread-self/io").unwrap();
    counts.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_plain_file_is_not_read_again_up_to_its_position() {
    let text = format!("{}\ntwo\n", "one".repeat(10 << 20));
    let size = text.len() as u64;
    let (_directory, path) = file("a.txt", text);
    let at = files::FilePosition { byte: size - 4, line: 7, size };
    let mut source = files::lines(&path);
    let split = source.splits().unwrap().remove(0);
    let before = bytes_read();
    let (rest, positions) = drain(&mut source.open(split, Some(at)).unwrap(), &[]);
    let read = bytes_read() - before;
    assert!(read < 10_000, "{read} bytes");
    assert_eq!(rest, [Ok("two".to_owned())]);
    assert_eq!(positions.last().unwrap().1, files::FilePosition { byte: size, line: 8, size });
}
