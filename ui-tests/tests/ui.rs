//! Runs the cases: `pass/*.rs` must compile and run, `ui/*/*.rs` must fail with exactly the text beside them.
//! `TRYBUILD=overwrite cargo test -p ui-tests` writes that text.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/pass/*.rs");
    cases.compile_fail("tests/ui/*/*.rs");
}
