//! Runs the cases `ui/*/*.rs`, which must fail to compile with exactly the text beside them. What must compile is in `pass`: each
//! is a test of its own, since one program that is to be run makes all others be built one after the other.
//! `TRYBUILD=overwrite cargo test -p ui-tests --test ui` writes that text.

#[test]
fn ui() {
    trybuild::TestCases::new().compile_fail("tests/ui/*/*.rs");
}
