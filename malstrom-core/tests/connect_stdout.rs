//! Printing. The standard output of a test is shared, so each prints in a process of its own.
#![allow(clippy::unwrap_used, clippy::panic)]
use malstrom_core::connect::{Debugged, Stdout, output_closed};
use malstrom_core::{Error, Sink};
use std::io::Read;
use std::process::{Child, Command, Stdio};

const ROLE: &str = "MALSTROM_TEST_PRINTS";

/// Runs the test `printer` below in a new process.
fn printer(role: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "printer_for_the_other_tests", "--nocapture", "--quiet"]).env(ROLE, role);
    command.stdout(Stdio::piped()).spawn().unwrap()
}

#[test]
fn printer_for_the_other_tests() {
    match std::env::var(ROLE).as_deref() {
        Ok("display") => Stdout::new().write(&mut vec!["begin one", "two end"]).unwrap(),
        Ok("debug") => Debugged::new().write(&mut vec![Some("begin"), None]).unwrap(),
        Ok("endless") => {
            let mut sink = Stdout::new();
            let error = loop {
                if let Err(error) = sink.write(&mut vec!["a line"; 512]) {
                    break error;
                }
            };
            // The harness cannot print any more either.
            std::process::exit(if output_closed(&error.in_connector("sink")) { 42 } else { 1 });
        }
        _ => {}
    }
}

fn output_of(role: &str) -> String {
    let output = printer(role).wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn stdout_prints_a_line_per_record_by_display() {
    assert!(output_of("display").contains("begin one\ntwo end\n"));
}

#[test]
fn debug_prints_a_line_per_record_by_debug() {
    assert!(output_of("debug").contains("Some(\"begin\")\nNone\n"));
}

#[test]
fn a_reader_that_goes_away_is_an_error_of_its_own() {
    let mut child = printer("endless");
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut [0; 100]).unwrap();
    drop(output);
    assert_eq!(child.wait().unwrap().code(), Some(42));
}

#[test]
fn other_errors_do_not_mean_a_closed_output() {
    let pipe = Error::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
    assert!(!output_closed(&pipe), "a sink's own pipe may break too");
}

#[test]
fn a_record_that_refuses_to_be_printed_is_an_error() {
    struct Refuses;
    impl std::fmt::Display for Refuses {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            Err(std::fmt::Error)
        }
    }
    assert!(Stdout::new().write(&mut vec![Refuses]).is_err());
    Stdout::<u8>::new().write(&mut Vec::new()).unwrap();
}
