//! Lines of text files.
#![allow(clippy::unwrap_used, clippy::panic)]
mod collected;
use collected::{chain, file, gz, read, read_by, resumed};
use malstrom_core::connect::files::{self, FilePosition};
use malstrom_core::{Read, Source, SplitReader};

fn lines_of(contents: impl AsRef<[u8]>) -> Vec<String> {
    let (_directory, path) = file("a.txt", contents);
    read(files::lines(path)).unwrap().records
}

#[test]
fn lines_come_without_their_ends() {
    assert_eq!(lines_of("one\r\n\ntwo\rhalf\nthree"), ["one", "", "two\rhalf", "three"]);
}

#[test]
fn a_last_newline_adds_no_line() {
    assert_eq!(lines_of("one\n"), ["one"]);
}

#[test]
fn an_empty_file_has_no_lines() {
    assert!(lines_of("").is_empty());
    assert!(lines_of("\u{feff}").is_empty());
}

#[test]
fn a_byte_order_mark_is_skipped_once() {
    assert_eq!(lines_of("\u{feff}one\n\u{feff}two\n"), ["one", "\u{feff}two"]);
}

#[test]
fn no_more_is_read_than_asked_for() {
    let (_directory, path) = file("a.txt", "1\n2\n3\n");
    let mut source = files::lines(&path);
    let split = source.splits().unwrap().remove(0);
    let mut reader = source.open(split, None).unwrap();
    let mut out = collected::Collected::default();
    assert_eq!(reader.read(2, &mut out).unwrap(), Read::More);
    assert_eq!(out.records, ["1", "2"]);
    assert_eq!((reader.position().byte, reader.position().line), (4, 2));
    assert_eq!(read_by(files::lines(path), 1).unwrap().records.len(), 3);
}

#[test]
fn a_position_is_where_reading_goes_on() {
    let text: String = (0..1000).map(|n| format!("line {n}\r\n")).collect();
    let expected: Vec<_> = text.lines().map(str::to_owned).collect();
    for (name, contents) in [("a.txt", text.clone().into_bytes()), ("a.txt.GZ", gz(&text))] {
        let (_directory, path) = file(name, contents);
        for first in [0, 1, 500, 1000] {
            assert_eq!(resumed(|| files::lines(&path), first).unwrap().records, expected, "{name} after {first}");
        }
    }
}

#[test]
fn a_file_that_has_changed_is_not_read_on() {
    let plain = "1\n2\n3\n";
    let cases = [
        ("a.txt", b"1\n2\n".to_vec(), "it is shorter than when the job began to read it (4 bytes instead of 6)"),
        ("a.txt", b"1\n2\n3\n4\n".to_vec(), "it is longer than when the job began to read it (8 bytes instead of 6)"),
        ("a.txt", b"1\n2345".to_vec(), "it is not what it was: no line ends at byte 4, up to which it was read"),
        ("a.gz", gz("1\n"), "it is shorter than when"),
        ("a.gz", gz("1\n2\n3\n4\n5\n"), "it is longer than when"),
        ("a.gz", gz("1\n2345"), "no line ends at byte 4"),
    ];
    for (name, changed, why) in cases {
        let (_directory, path) = file(name, if name == "a.txt" { plain.into() } else { gz(plain) });
        let mut source = files::lines(&path);
        let split = source.splits().unwrap().remove(0);
        let mut reader = source.open(split.clone(), None).unwrap();
        reader.read(2, &mut collected::Collected::default()).unwrap();
        std::fs::write(&path, changed).unwrap();
        let text = chain(source.open(split, Some(reader.position())));
        assert!(text.contains(name) && text.contains(why) && text.contains("put this one back"), "{text}");
    }
}

#[test]
fn a_compressed_file_with_less_text_is_not_read_on() {
    let (_directory, path) = file("a.gz", gz("1\n2\n3\n"));
    let mut source = files::lines(&path);
    let split = source.splits().unwrap().remove(0);
    let mut reader = source.open(split.clone(), None).unwrap();
    reader.read(9, &mut collected::Collected::default()).unwrap();
    let position = FilePosition { byte: 7, ..reader.position() };
    let text = chain(source.open(split, Some(position)));
    assert!(text.contains("no line ends at byte 7"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_read_on() {
    let mut source = files::lines("/dev/null");
    let split = source.splits().unwrap().remove(0);
    let at = FilePosition { byte: 2, line: 1, size: 0 };
    assert!(chain(source.open(split, Some(at))).contains("it is not a file on disk"));
}

#[test]
fn a_line_that_is_not_utf8_fails_the_job() {
    let (_directory, path) = file("a.txt", b"fine\nb\xffd\n");
    let text = chain(read(files::lines(&path)));
    assert_eq!(text, format!("{}:2: not UTF-8 after byte 1 of the line", path.display()));
}

#[test]
fn a_line_that_is_too_long_fails_the_job() {
    for end in ["", "\n", "\r\n", "x", "xxxx\n"] {
        let (_directory, path) = file("a.txt", format!("ok\n1234{end}"));
        let result = read(files::lines(&path).max_line(4));
        if end.starts_with('x') {
            let text = format!("{}:2: longer than 4 bytes; `.max_line(n)` allows more", path.display());
            assert_eq!(chain(result), text);
        } else {
            assert_eq!(result.unwrap().records, ["ok", "1234"]);
        }
    }
}

#[test]
fn compressed_files_may_have_several_members() {
    let (_directory, path) = file("a.gz", [gz("one\ntw"), gz("o\n")].concat());
    assert_eq!(read(files::lines(path)).unwrap().records, ["one", "two"]);
}

#[test]
fn a_truncated_gz_fails_the_job() {
    let noise: String = (0..20_000_u64).map(|n| format!("{}\n", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    let whole = gz(&noise);
    for contents in [&whole[..whole.len() / 2], &whole[..whole.len() - 3], &whole[..5], &[]] {
        let (_directory, path) = file("a.txt.gz", contents);
        let text = chain(read(files::lines(&path)));
        assert!(text.starts_with(&format!("cannot read `{}`\n", path.display())), "{text}");
        assert!(text.contains("the compressed data is cut off"), "{text}");
    }
}

#[test]
fn a_corrupt_gz_fails_the_job() {
    let mut flipped = gz("a".repeat(10_000));
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    for contents in [flipped, b"this is text\n".repeat(3), [gz("one\n"), b"trailing rubbish".to_vec()].concat()] {
        let (_directory, path) = file("a.txt.gz", contents);
        let text = chain(read(files::lines(&path)));
        assert!(text.contains("a.txt.gz") && text.contains("it is not a gzip file, or it is damaged"), "{text}");
    }
}

#[test]
fn progress_counts_bytes_on_disk() {
    let text = "some line\n".repeat(200_000);
    for (name, contents) in [("a.txt", text.clone().into_bytes()), ("a.gz", gz(&text))] {
        let (_directory, path) = file(name, &contents);
        let mut source = files::lines(path);
        let split = source.splits().unwrap().remove(0);
        let mut reader = source.open(split, None).unwrap();
        let before = reader.progress().unwrap();
        assert_eq!((before.split.as_str(), before.total), (name, contents.len() as u64));
        assert!(before.done < 20, "only gzip's own header is read at once");
        let mut out = collected::Collected::default();
        while reader.read(512, &mut out).unwrap() != Read::End {}
        assert_eq!(reader.progress().unwrap().done, contents.len() as u64);
    }
}

#[test]
fn a_file_is_read_by_one_worker_at_a_time() {
    assert_eq!(files::lines("x").side_by_side(), 1);
    assert_eq!(files::csv::<String>("x").side_by_side(), 1);
    assert_eq!(files::jsonl::<String>("x").side_by_side(), 1);
}
