//! A job whose processes know each other by certificates.
use crate::job::{Job, all_end};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::fs;
use std::path::Path;

/// Writes a certificate for this machine by an authority of this name, and returns the flags for it.
fn write(at: &Path, authority: &Issuer<'_, KeyPair>, ca: &str, name: &str) -> [String; 3] {
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned(), format!("{name}.job")];
    let cert = CertificateParams::new(names).unwrap().signed_by(&key, authority).unwrap();
    [("cert", cert.pem()), ("key", key.serialize_pem()), ("ca", ca.to_owned())].map(|(what, pem)| {
        let path = at.join(format!("{name}-{what}.pem"));
        fs::write(&path, pem).unwrap();
        format!("--tls-{what}={}", path.display())
    })
}
fn authority(name: &str) -> (Issuer<'static, KeyPair>, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    (Issuer::new(params, key), pem)
}

#[test]
fn only_who_has_a_certificate_of_the_authority_takes_part() {
    let job = Job::of(2, 3);
    let (ours, ca) = authority("ours");
    let flags = write(job.dir(), &ours, &ca, "good");
    let (theirs, their_ca) = authority("theirs");
    let bad = write(job.dir(), &theirs, &their_ca, "bad");
    let job = job.with(&flags.each_ref().map(String::as_str));

    let mut coordinator = job.coordinator();
    let mut first = vec![job.worker(0)];
    let mut stranger = job.worker_with(1, &bad.each_ref().map(String::as_str));
    stranger.until_it_logs("cannot use TLS with");
    coordinator.until_it_logs("a process is there");
    assert_eq!(stranger.code(), None);
    assert_eq!(coordinator.count("a process is there"), 1, "{}", coordinator.log());
    stranger.signal("TERM");
    stranger.ends_with(0);

    // One without any.
    let mut open = Job::of(2, 3);
    open.port = job.port;
    let stranger = open.worker(1);
    stranger.until_it_logs("the coordinator is out of reach");
    drop(stranger);

    first.push(job.worker(1));
    assert_eq!(coordinator.is_right(), 0);
    all_end(&mut first);
}

#[test]
fn a_certificate_that_names_a_process_is_good_for_that_one_only() {
    let job = Job::of(2, 3);
    let (ours, ca) = authority("ours");
    let flags = |name: &str| write(job.dir(), &ours, &ca, name);
    let [first, second, lead] = ["process-0", "process-1", "coordinator"].map(flags);

    let listen = format!("--listen={}", job.address());
    let mut own: Vec<&str> = vec!["--role=coordinator", "--processes=2", &listen];
    own.extend(lead.iter().map(String::as_str));
    let mut coordinator = job.start("coordinator", &own);
    coordinator.until_it_logs("coordinator is there");
    let mut workers = vec![job.worker_with(0, &first.each_ref().map(String::as_str))];
    coordinator.until_it_logs("a process is there");

    let mut thief = job.worker_with(0, &second.each_ref().map(String::as_str));
    thief.is_refused("its certificate is for process 1, and it is to be that of process 0");
    assert_eq!(coordinator.count("a process has been replaced"), 0, "{}", coordinator.log());

    // It need not say which one it is.
    let join = format!("--join={}", job.address());
    let mut own: Vec<&str> = vec!["--role=worker", &join];
    own.extend(second.iter().map(String::as_str));
    workers.push(job.start("worker1", &own));
    workers[1].until_it_logs("this process has a number process=1");
    assert_eq!(coordinator.is_right(), 0);
    all_end(&mut workers);
}
