#![allow(unused)]
use malstrom::prelude::*;

#[operator(ship = map)]
async fn fetch(url: &str) -> String {
    url.to_owned()
}

fn main() {}
