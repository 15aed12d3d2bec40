//! What a path stands for.
#![allow(clippy::unwrap_used, clippy::panic)]
mod collected;
use collected::{chain, file};
use malstrom_core::Source;
use malstrom_core::connect::files;
use std::path::Path;

fn names(pattern: impl AsRef<Path>) -> Vec<String> {
    let splits = files::lines(pattern).splits().unwrap();
    let name = |path: &str| Path::new(path).file_name().unwrap().to_str().unwrap().to_owned();
    splits.iter().map(|split| name(&split.path)).collect()
}

fn directory_of(names: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for name in names {
        std::fs::write(directory.path().join(name), "x\n").unwrap();
    }
    std::fs::create_dir(directory.path().join("below.csv")).unwrap();
    std::fs::write(directory.path().join("below.csv/deep.csv"), "x\n").unwrap();
    directory
}

#[test]
fn a_path_may_be_of_any_usual_type() {
    let (_directory, path) = file("a.txt", "x");
    let text: String = path.to_str().unwrap().to_owned();
    files::lines(&path).splits().unwrap();
    files::lines(path.as_path()).splits().unwrap();
    files::lines(text.as_str()).splits().unwrap();
    files::lines(&text).splits().unwrap();
    files::lines(text).splits().unwrap();
    assert_eq!(files::lines(path.clone()).splits().unwrap()[0].path, path.to_str().unwrap());
}

#[test]
fn a_file_is_one_split_however_its_path_is_written() {
    let directory = directory_of(&["a.csv", "b.csv"]);
    let splits = |path: String| files::lines(path).splits().unwrap();
    let root = directory.path().to_str().unwrap();
    let expected = splits(root.to_owned());
    assert_eq!(expected[0].path, format!("{root}/a.csv"));
    for path in [format!("{root}/"), format!("{root}/."), format!("{root}//./"), format!("{root}/./*.csv")] {
        assert_eq!(splits(path.clone()), expected, "{path}");
    }
    let here = splits("src/lib.rs".into());
    assert_eq!(here[0].path, "src/lib.rs");
    assert_eq!(splits("./src/./lib.rs".into()), here);
    assert_eq!(splits("./src/li*.rs".into()), here);
    assert!(splits("./src".into()).contains(&here[0]));
}

#[test]
fn a_directory_is_its_files_sorted_without_hidden_ones() {
    let directory = directory_of(&["b.csv", "a.csv", ".hidden.csv", "_SUCCESS", "c.txt"]);
    assert_eq!(names(directory.path()), ["a.csv", "b.csv", "c.txt"]);
}

#[test]
fn a_glob_is_the_files_that_match_sorted_without_hidden_ones() {
    let directory = directory_of(&["b.csv", "a.csv", ".hidden.csv", "_c.csv", "c.txt"]);
    assert_eq!(names(directory.path().join("*.csv")), ["a.csv", "b.csv"]);
    assert_eq!(names(directory.path().join("_*.csv")), ["_c.csv"]);
    assert_eq!(names(directory.path().join(".*.csv")), [".hidden.csv"]);
    std::fs::create_dir(directory.path().join(".below")).unwrap();
    std::fs::write(directory.path().join(".below/hidden.csv"), "x").unwrap();
    assert_eq!(names(directory.path().join("*/*.csv")), ["deep.csv"]);
    assert_eq!(names(directory.path().join(".b*/*.csv")), ["hidden.csv"]);
}

#[test]
fn a_file_whose_name_looks_like_a_glob_is_that_file() {
    let directory = directory_of(&["a[1].csv", "a1.csv"]);
    assert_eq!(names(directory.path().join("a[1].csv")), ["a[1].csv"]);
}

#[test]
fn a_hidden_file_that_is_named_is_read() {
    let directory = directory_of(&[".hidden.csv"]);
    assert_eq!(names(directory.path().join(".hidden.csv")), [".hidden.csv"]);
}

#[test]
fn a_missing_file_is_an_error_that_says_where_it_looked() {
    let text = chain(files::lines("no/such.csv").splits());
    let here = std::env::current_dir().unwrap();
    let why = format!("there is no such file or directory (looked from `{}`)", here.display());
    assert_eq!(text, format!("cannot read `no/such.csv`\n  because: {why}"));
    let text = chain(files::csv::<String>("/no/such.csv").splits());
    assert_eq!(text, "cannot read `/no/such.csv`\n  because: there is no such file or directory");
    assert!(chain(files::lines("").splits()).contains("the path is empty"));
}

#[test]
fn a_file_as_a_directory_is_an_error() {
    let (_directory, path) = file("a.txt", "x");
    assert!(chain(files::jsonl::<u8>(path.join("b.txt")).splits()).contains("a.txt/b.txt"));
}

#[test]
fn a_glob_that_matches_nothing_is_an_error() {
    let directory = directory_of(&["a.csv"]);
    let pattern = directory.path().join("*.tsv");
    let text = chain(files::lines(&pattern).splits());
    assert_eq!(text, format!("cannot read `{}`\n  because: no file matches the pattern", pattern.display()));
}

#[test]
fn a_broken_glob_is_an_error() {
    let text = chain(files::lines("logs/[a-.csv").splits());
    assert!(text.starts_with("`logs/[a-.csv` is not a pattern for files: "), "{text}");
}

#[test]
fn a_directory_without_files_is_an_error() {
    let directory = directory_of(&["_SUCCESS"]);
    let text = chain(files::lines(directory.path()).splits());
    assert!(text.contains("the directory has no files to read"), "{text}");
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    let (_directory, path) = file("secret.csv", "x");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(&path).is_ok() {
        return; // Nothing is unreadable for root.
    }
    let text = chain(files::lines(&path).splits());
    assert!(text.starts_with(&format!("cannot open `{}`\n", path.display())), "{text}");
}

#[cfg(unix)]
#[test]
fn a_dangling_link_is_an_error_that_names_it() {
    let directory = directory_of(&["a.csv"]);
    std::os::unix::fs::symlink("nowhere", directory.path().join("b.csv")).unwrap();
    let text = chain(files::lines(directory.path()).splits());
    assert!(text.contains("b.csv"), "{text}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_not_utf8_is_an_error() {
    use std::os::unix::ffi::OsStrExt;
    let directory = directory_of(&[]);
    std::fs::write(directory.path().join(std::ffi::OsStr::from_bytes(b"a\xff.csv")), "x").unwrap();
    let text = chain(files::lines(directory.path()).splits());
    assert!(text.contains("its name is not UTF-8"), "{text}");
    std::fs::write(directory.path().join("b.csv"), "x").unwrap();
    assert!(names(directory.path().join("*.csv")).contains(&"b.csv".into()), "a glob passes over it");
}
