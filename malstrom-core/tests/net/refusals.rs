//! Who does not belong together.
use super::*;
use malstrom_core::net::control::{LinkEvent, LinkSettings, SILENCE};

#[test]
fn processes_that_do_not_fit_tell_each_other_why() {
    let cases = [
        (
            Identity { job: "other".into(), ..identity() },
            r#"belongs to another job ("job" and "other"): check the addresses"#,
        ),
        (
            Identity { build: 9, ..identity() },
            "runs another build of the program (0000000000000001 and 0000000000000009): start",
        ),
        (Identity { pipeline: 9, ..identity() }, "has other stages or records of other types in its pipeline"),
        (Identity { probe: 9, ..identity() }, "writes records in another format"),
    ];
    for (theirs, expected) in cases {
        let (a, b) = (Process::with(0, theirs.clone(), None), Process::new(1));
        let config = Config { grace: 200 * MS, ..MeshSettings::config() };
        let (_meshes, _boxes) = pair(&a, &b, config, None);
        eventually(5 * SECOND, "it is refused", || !a.failures().is_empty());
        let why = a.failures()[0].1.clone();
        assert!(why.contains(&format!("refuses this process: the other process {expected}")), "{why}");
        assert_eq!((a.count(1), b.count(0)), (0, 0));
        // The control lane as well.
        let _control = b.listener.control(SILENCE, Box::new(|_| {}));
        let said = link(&a, theirs, b.address(), None);
        eventually(5 * SECOND, "it is refused", || !said.1.lock().unwrap().is_empty());
        let said = said.1.lock().unwrap()[0].clone();
        assert!(matches!(&said, LinkEvent::Refused(why) if why.contains(expected)), "{said:?}");
    }
}

#[test]
fn a_connection_of_an_older_attempt_is_refused() {
    let (a, b) = (Process::new(0), Process::new(1));
    let second = Attempt { term: 2, attempt: 0 };
    let _b = b.mesh(second, MeshSettings::config(), vec![peer(0, a.address())]);
    let _a = a.mesh(FIRST, MeshSettings::config(), vec![peer(1, b.address())]);
    eventually(SECOND, "it is refused", || !a.failures().is_empty());
    let why = a.failures()[0].1.clone();
    assert!(
        why.ends_with(
            "process 0 takes part in attempt 1 of term 1, but process 1 has begun attempt 0 of term 2 by now"
        ),
        "{why}"
    );
    assert_eq!(b.failures(), []);
}

#[test]
fn a_wrong_address_is_said_to_be_one() {
    let (a, c) = (Process::new(0), Process::new(2));
    let config = Config { grace: 300 * MS, ..MeshSettings::config() };
    let _c = c.mesh(FIRST, config, vec![peer(0, a.address())]);
    let _a = a.mesh(FIRST, config, vec![peer(1, c.address())]);
    eventually(5 * SECOND, "it is refused", || !a.failures().is_empty());
    let why = a.failures()[0].1.clone();
    assert!(why.contains("process 0 looks for process 1, but this address is of process 2"), "{why}");
}

#[test]
fn a_process_that_nobody_comes_to_expect_is_refused() {
    let (a, b) = (Process::new(0), Process::new(1));
    // It may be about to join, so it is held for a while.
    let config = Config { grace: 3 * SECOND, ..MeshSettings::config() };
    let _b = b.mesh(FIRST, config, vec![peer(2, a.address())]);
    let _a = a.mesh(FIRST, config, vec![peer(1, b.address())]);
    eventually(10 * SECOND, "it is refused", || !a.failures().is_empty());
    let why = a.failures()[0].1.clone();
    assert!(why.contains("process 1 expects no connection from process 0"), "{why}");
}

#[test]
fn who_listens_nowhere_is_said_not_to_be_reached() {
    let a = Process::new(0);
    let free = Process::new(1).address();
    let _a = a.mesh(FIRST, Config { grace: 200 * MS, ..MeshSettings::config() }, vec![peer(1, &free)]);
    eventually(5 * SECOND, "it is noticed", || !a.failures().is_empty());
    let why = a.failures()[0].1.clone();
    assert!(why.contains(&format!("(at last: cannot connect to `{free}`: Connection refused")), "{why}");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let a = Process::new(0);
    let error = io().listen(&a.address(), identity(), None).unwrap_err();
    let text = format!("{error:?}");
    assert!(text.starts_with(&format!("cannot listen at `{}`; choose another", a.address())), "{text}");
    assert!(text.contains("in use"), "{text}");
    assert!(io().listen("nowhere", identity(), None).is_err());
    let long = Identity { job: "x".repeat(1000), ..identity() };
    let error = io().listen("127.0.0.1:0", long, None).unwrap_err().to_string();
    assert!(error.contains("the name of the job has 1000 bytes, and at most 512"), "{error}");
}

type Said = Arc<Mutex<Vec<LinkEvent>>>;
pub(super) fn link(
    process: &Process,
    identity: Identity,
    address: String,
    tls: Option<Tls>,
) -> (malstrom_core::net::control::Link, Said) {
    let said = Said::default();
    let kept = said.clone();
    let settings =
        LinkSettings { addresses: Arc::new(move || vec![address.clone()]), identity, tls, silence: SILENCE, seed: 1 };
    let link = malstrom_core::net::control::Link::start(
        &process.io,
        settings,
        Box::new(move |event| kept.lock().unwrap().push(event)),
    );
    (link, said)
}

#[test]
fn who_connects_looks_at_who_answers_as_well() {
    use malstrom_core::net::identity::Greeting;
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (_link, said) = link(&Process::new(1), identity(), address, None);
    let (mut stream, _) = listener.accept().unwrap();
    let hear = |stream: &mut std::net::TcpStream| {
        let mut bytes = Vec::new();
        loop {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            bytes.push(byte[0]);
            if let Some((greeting, _)) = Greeting::decode(&bytes).unwrap() {
                return greeting;
            }
        }
    };
    assert!(matches!(hear(&mut stream), Greeting::Hello(..)));
    let theirs = Identity { build: 9, ..identity() };
    stream.write_all(&Greeting::Welcome(theirs).encode().unwrap()).unwrap();
    let expected = "the other process runs another build of the program";
    let answer = hear(&mut stream);
    assert!(matches!(&answer, Greeting::Refused(refusal) if refusal.reason.starts_with(expected)), "{answer:?}");
    eventually(5 * SECOND, "it is told", || !said.lock().unwrap().is_empty());
    let said = said.lock().unwrap()[0].clone();
    assert!(matches!(&said, LinkEvent::Refused(why) if why.contains(expected)), "{said:?}");
}

#[test]
fn who_comes_before_there_is_a_coordinator_tries_again() {
    let (early, late) = (Process::new(1), Process::new(0));
    let (_link, said) = link(&early, identity(), late.address(), None);
    // It is held for two seconds, in which there might be one.
    eventually(10 * SECOND, "it is told", || !said.lock().unwrap().is_empty());
    let first = said.lock().unwrap()[0].clone();
    assert!(
        matches!(&first, LinkEvent::Down(why) if why.contains("there is no coordinator at this address")),
        "{first:?}"
    );
    let _control = late.listener.control(SILENCE, Box::new(|_| {}));
    eventually(5 * SECOND, "it is up", || said.lock().unwrap().contains(&LinkEvent::Up));
}
