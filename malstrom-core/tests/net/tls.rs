//! TLS: who has no certificate of the job's authority is not talked to.
use super::refusals::link;
use super::*;
use malstrom_core::net::control::{ControlEvent, LinkEvent, SILENCE};
use malstrom_core::net::{Holder, Holders};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}
impl Authority {
    fn new() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // Each has a name of its own.
        params.distinguished_name.push(DnType::CommonName, format!("authority {:?}", key.public_key_raw()));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }
    /// Writes `cert.pem`, `key.pem` and `ca.pem`.
    fn write(&self, to: &Path, names: &[&str]) {
        let key = KeyPair::generate().unwrap();
        let (uris, names): (Vec<_>, Vec<_>) = names.iter().partition(|name| name.contains("://"));
        let mut params = CertificateParams::new(names.into_iter().map(str::to_owned).collect::<Vec<_>>()).unwrap();
        params.subject_alt_names.extend(uris.into_iter().map(|uri| SanType::URI(uri.try_into().unwrap())));
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(to.join("cert.pem"), cert.pem()).unwrap();
        fs::write(to.join("key.pem"), key.serialize_pem()).unwrap();
        fs::write(to.join("ca.pem"), &self.pem).unwrap();
    }
    fn tls(&self, names: &[&str]) -> Tls {
        let dir = TempDir::new().unwrap();
        self.write(dir.path(), names);
        load(dir.path()).unwrap()
    }
}
fn load(from: &Path) -> malstrom_core::Result<Tls> {
    Tls::load(&from.join("cert.pem"), &from.join("key.pem"), &from.join("ca.pem"))
}
const HERE: &[&str] = &["127.0.0.1", "localhost"];

/// For processes that trust each other.
pub(super) fn tls() -> Tls {
    Authority::new().tls(HERE)
}
fn config() -> Config {
    Config { grace: 500 * MS, ..MeshSettings::config() }
}
/// What process 0 says when it connects to process 1, if that fails; else both have had a megabyte.
fn attempt(ours: Option<Tls>, theirs: Option<Tls>) -> Result<(), String> {
    let (a, b) = (Process::with(0, identity(), ours), Process::with(1, identity(), theirs));
    let (_meshes, boxes) = pair(&a, &b, config(), None);
    for outbox in &boxes {
        for interval in 0..16 {
            outbox.put(message(interval, vec![interval as u8; 64 << 10]));
        }
    }
    let done = || a.count(1) == 16 && b.count(0) == 16;
    eventually(10 * SECOND, "it ends", || done() || !a.failures().is_empty());
    match a.failures().pop() {
        None => Ok(()),
        Some((_, why)) => {
            assert_eq!((a.count(1), b.count(0)), (0, 0));
            Err(why)
        }
    }
}

#[test]
fn who_has_a_certificate_of_the_authority_is_talked_to() {
    let authority = Authority::new();
    assert_eq!(attempt(Some(authority.tls(HERE)), Some(authority.tls(HERE))), Ok(()));
}

#[test]
fn who_has_none_or_that_of_another_is_not() {
    let authority = Authority::new();
    let stranger = || Some(Authority::new().tls(HERE));
    let ours = || Some(authority.tls(HERE));
    let why = attempt(ours(), stranger()).unwrap_err();
    assert!(why.contains("cannot use TLS with") && why.contains("UnknownIssuer"), "{why}");
    attempt(stranger(), ours()).unwrap_err();
    // One end without TLS at all.
    attempt(None, ours()).unwrap_err();
    attempt(ours(), None).unwrap_err();
    // A certificate for another host.
    let why = attempt(ours(), Some(authority.tls(&["elsewhere"]))).unwrap_err();
    assert!(why.contains("not valid for name") && why.contains("elsewhere"), "{why}");
    // One that trusts the authority, but has its own certificate from another.
    let dir = TempDir::new().unwrap();
    Authority::new().write(dir.path(), HERE);
    fs::write(dir.path().join("ca.pem"), &authority.pem).unwrap();
    let why = attempt(Some(load(dir.path()).unwrap()), ours()).unwrap_err();
    assert!(why.contains("received fatal alert"), "{why}");
}

#[test]
fn the_control_lane_is_protected_as_well() {
    let authority = Authority::new();
    let coordinator = Process::with(0, identity(), Some(authority.tls(HERE)));
    let worker = Process::new(1);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = heard.clone();
    let _control = coordinator.listener.control(SILENCE, Box::new(move |event| kept.lock().unwrap().push(event)));
    let address = format!("localhost:{}", coordinator.listener.local_addr().port());
    let (good, said) = link(&worker, identity(), address.clone(), Some(authority.tls(HERE)));
    eventually(5 * SECOND, "it is up", || said.lock().unwrap().contains(&LinkEvent::Up));
    good.send("x".into()).unwrap();
    eventually(5 * SECOND, "it arrives", || heard.lock().unwrap().len() == 2);
    for bad in [None, Some(Authority::new().tls(HERE))] {
        let (_bad, said) = link(&worker, identity(), address.clone(), bad);
        let down = |event: &LinkEvent| matches!(event, LinkEvent::Down(_) | LinkEvent::Refused(_));
        eventually(5 * SECOND, "it is not let in", || said.lock().unwrap().iter().any(down));
        assert!(!said.lock().unwrap().contains(&LinkEvent::Up));
    }
    assert_eq!(heard.lock().unwrap().len(), 2);
}

#[test]
fn certificates_can_be_renewed_while_a_job_runs() {
    let (old, new) = (Authority::new(), Authority::new());
    let dir = TempDir::new().unwrap();
    old.write(dir.path(), HERE);
    let kept = load(dir.path()).unwrap();
    assert_eq!(attempt(Some(kept.clone()), Some(old.tls(HERE))), Ok(()));
    attempt(Some(kept.clone()), Some(new.tls(HERE))).unwrap_err();
    new.write(dir.path(), HERE);
    assert_eq!(attempt(Some(kept.clone()), Some(new.tls(HERE))), Ok(()));
    assert_eq!(attempt(Some(new.tls(HERE)), Some(kept.clone())), Ok(()));
    // Half of a change is none.
    fs::write(dir.path().join("cert.pem"), "").unwrap();
    assert_eq!(attempt(Some(kept), Some(new.tls(HERE))), Ok(()));
}

#[test]
fn a_file_that_cannot_be_used_is_named_and_its_contents_are_not() {
    let authority = Authority::new();
    let broken = |file: &str, contents: Option<&str>| {
        let dir = TempDir::new().unwrap();
        authority.write(dir.path(), HERE);
        let path = dir.path().join(file);
        match contents {
            Some(contents) => fs::write(&path, contents).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let error = format!("{:?}", load(dir.path()).unwrap_err());
        assert!(error.contains(path.to_str().unwrap()), "{error}");
        error
    };
    for file in ["cert.pem", "key.pem", "ca.pem"] {
        let error = broken(file, None);
        assert!(error.starts_with("cannot read `") && error.contains("No such file"), "{error}");
        let error = broken(file, Some("secret"));
        assert!(error.contains("in PEM in it") && !error.contains("secret"), "{error}");
    }
    // The key of another certificate.
    let other = KeyPair::generate().unwrap().serialize_pem();
    assert!(broken("key.pem", Some(&other)).contains("with the key"));
}

/// A certificate for this host and for somebody.
fn named(authority: &Authority, name: &str) -> Option<Tls> {
    Some(authority.tls(&[HERE, &[name]].concat()))
}

#[test]
fn a_certificate_for_a_process_is_good_for_that_one_only() {
    let authority = Authority::new();
    let any = || Some(authority.tls(HERE));
    // It is process 0 that connects to process 1.
    assert_eq!(attempt(named(&authority, "process-0.job"), named(&authority, "malstrom://process/1")), Ok(()));
    assert_eq!(attempt(any(), named(&authority, "process-1.job")), Ok(()));
    assert_eq!(attempt(named(&authority, "elsewhere.job"), any()), Ok(()));
    for stolen in ["process-1.job", "malstrom://process/7", "coordinator.job"] {
        let why = attempt(named(&authority, stolen), any()).unwrap_err();
        assert!(why.contains("refuses this process: its certificate is for"), "{why}");
        assert!(why.contains("and it is to be that of process 0"), "{why}");
    }
    let why = attempt(any(), named(&authority, "process-0.job")).unwrap_err();
    assert!(why.contains("this process refuses") && why.contains("that of process 1"), "{why}");
}

#[test]
fn a_coordinator_is_told_whom_a_certificate_is_for_and_shows_one_of_its_own() {
    let authority = Authority::new();
    let worker = Process::new(1);
    let connect = |theirs: Option<Tls>, ours: Option<Tls>| {
        let coordinator = Process::with(0, identity(), theirs);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = heard.clone();
        let _control = coordinator.listener.control(SILENCE, Box::new(move |event| kept.lock().unwrap().push(event)));
        let address = format!("localhost:{}", coordinator.listener.local_addr().port());
        let (_link, said) = link(&worker, identity(), address, ours);
        eventually(5 * SECOND, "it is up, or is not wanted", || !said.lock().unwrap().is_empty());
        let said = said.lock().unwrap()[0].clone();
        eventually(5 * SECOND, "it is there", || said != LinkEvent::Up || !heard.lock().unwrap().is_empty());
        let holders = heard.lock().unwrap().iter().find_map(|event| match event {
            ControlEvent::Opened(.., holders) => Some(holders.clone()),
            _ => None,
        });
        (said, holders)
    };
    let (said, holders) = connect(named(&authority, "coordinator.job"), named(&authority, "process-3.job"));
    assert_eq!(said, LinkEvent::Up);
    let holders = holders.unwrap();
    assert_eq!(holders.process(None), Ok(Some(3)));
    assert!(holders.check(Holder::Process(4)).is_err());
    let (said, holders) = connect(Some(authority.tls(HERE)), Some(authority.tls(HERE)));
    assert_eq!((said, holders), (LinkEvent::Up, Some(Holders::default())));
    // Whoever has the certificate of a process is no coordinator.
    let (said, holders) = connect(named(&authority, "process-3.job"), Some(authority.tls(HERE)));
    assert!(matches!(&said, LinkEvent::Refused(why) if why.contains("that of the coordinator")), "{said:?}");
    assert_eq!(holders, None);
}
