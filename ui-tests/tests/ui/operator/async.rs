#![allow(unused)]
use malstrom::prelude::*;

#[operator]
async fn fetch(url: String) -> String {
    url
}

fn main() {}
