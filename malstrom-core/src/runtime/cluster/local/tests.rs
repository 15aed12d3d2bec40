use super::*;

#[test]
fn a_part_is_read_as_it_was_written() {
    let parts = [
        Part::Coordinator { port: 7070, again: false },
        Part::Coordinator { port: 1, again: true },
        Part::Worker { number: 3, port: 65535 },
    ];
    for part in parts {
        assert_eq!(Part::read(&part.write()), Some(part));
    }
    assert_eq!(Part::read("worker x 1"), None);
}
const COORDINATOR: Part = Part::Coordinator { port: 1, again: false };
#[cfg(unix)]
fn exited(code: i32) -> ExitStatus {
    std::os::unix::process::ExitStatusExt::from_raw(code << 8)
}
#[cfg(unix)]
#[test]
fn a_program_that_panics_when_the_job_is_over_is_not_started_again() {
    let second = Duration::from_secs(1);
    let (mut one, said) = (fresh(COORDINATOR), Said::of(1));
    assert_eq!(one.ended(exited(101), second, &said), None);
    assert_eq!(one.again, Some(second), "the job goes on with another coordinator");
    show(SAYS_OVER.as_bytes(), "coordinator", &said);
    assert_eq!(one.ended(exited(101), second, &said).map(|over| over.code), Some(101));
}
#[cfg(unix)]
#[test]
fn who_dies_again_and_again_with_no_snapshot_in_between_is_given_up() {
    for part in [COORDINATOR, Part::Worker { number: 0, port: 1 }] {
        let (mut one, said) = (fresh(part), Said::of(1));
        let mut dies = || one.ended(exited(101), Duration::from_secs(60), &said);
        assert!((1..DEATHS).all(|_| dies().is_none()));
        show(format!("{SAYS_COMMITTED}\n").as_bytes(), "coordinator", &said);
        assert!((1..DEATHS).all(|_| dies().is_none()), "the job goes on");
        assert_eq!(dies(), Some(Over { code: 1, patience: Duration::ZERO }));
    }
}
#[test]
fn the_coordinator_answers_at_the_address_that_is_given() {
    let (coordinator, worker) = (Part::Coordinator { port: 1, again: true }, Part::Worker { number: 0, port: 1 });
    for (given, beside) in [("127.0.0.1:8080", "127.0.0.1:0"), ("[::1]:80", "[::1]:0"), ("nowhere", "nowhere")] {
        assert_eq!(coordinator.serves(given.into()), given);
        assert_eq!(worker.serves(given.into()), beside);
    }
}
