//! A stream may have the name of an operator, a type, a module or a function.
#![deny(unused, non_camel_case_types)]
#![allow(non_snake_case)]
use malstrom::prelude::*;

mod module {
    #[malstrom::operator]
    pub fn double(x: u64) -> u64 {
        2 * x
    }
}
#[operator]
fn trim(line: String) -> String {
    line
}
#[derive(Clone)]
pub struct Type {
    n: u64,
}
#[operator]
fn wrap(x: u64) -> Type {
    Type { n: x }
}
#[operator]
fn parse(line: String) -> Result<u64, std::num::ParseIntError> {
    line.parse()
}

pipeline! {
    fn p(lines: Vec<String>) {
        let trim = source(lines) -> trim -> parse else parse;
        let module = trim -> module::double;
        let wrap = module -> wrap;
        let Type = wrap -> filter(|x| x.n > 1);
        Type -> map(|Type { n }| n) -> sink(stdout());
        Type -> map(|x| Type { n: x.n + 1 }) -> map(|x| x.n) -> sink(stdout());
        parse -> map(|failure| failure.to_string()) -> sink(stdout());
    }
}

fn main() {
    let report =
        malstrom::Runtime::builder().workers(1).build().unwrap().run(|| p(vec!["1".into(), "x".into()])).unwrap();
    assert_eq!(report.operator("p/parse").map(|op| op.failed), Some(1));
}
