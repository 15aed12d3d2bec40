//! What stands in the parentheses of `#[keyed_state(..)]`.
use super::ttl;
use crate::errors::{Errors, error, error_at};
use crate::krate::Krate;
use crate::options;
use proc_macro2::{Ident, Span, TokenStream};
use std::time::Duration;
use syn::{LitInt, LitStr, Path, Type};

const KNOWN: [&str; 6] = ["key", "ttl", "version", "migrate_from", "name", "crate"];

pub(super) struct Options {
    pub(super) key: Option<Type>,
    pub(super) version: u32,
    pub(super) migrate_from: Option<Type>,
    pub(super) name: Option<String>,
    pub(super) ttl: Option<Duration>,
    pub(super) krate: Krate,
    pub(super) path: Option<Path>,
}

impl Options {
    pub(super) fn read(args: TokenStream, errors: &mut Errors) -> Self {
        let mut read = Options {
            key: None,
            version: 1,
            migrate_from: None,
            name: None,
            ttl: None,
            krate: Krate::default(),
            path: None,
        };
        let (mut key_named, mut migrate_at, mut versioned) = (false, None, true);
        options::read("keyed_state", &KNOWN, args, errors, |name, input| {
            match name.to_string().as_str() {
                "key" => {
                    key_named = true;
                    read.key = Some(options::value(name, "u64", input)?);
                }
                "version" => {
                    versioned = false;
                    read.version = version(&options::value(name, "2", input)?)?;
                    versioned = true;
                }
                "migrate_from" => {
                    migrate_at = Some(name.clone());
                    read.migrate_from = Some(options::value(name, "v1::State", input)?);
                }
                "name" => read.name = Some(state_name(&options::value(name, "\"card_profile\"", input)?)?),
                "crate" => {
                    let path: Path = options::value(name, "malstrom", input)?;
                    read.path = Some(path.clone());
                    read.krate = Krate::new(path);
                }
                _ => {
                    let literal: LitStr = options::value(name, "\"30d\"", input)?;
                    read.ttl = Some(ttl::parse(&literal)?);
                }
            }
            Ok(())
        });
        if !key_named {
            let message = "keyed state needs to know what it is kept per";
            errors.push(error_at(Span::call_site(), message, "write `#[keyed_state(key = u64)]`"));
        }
        if let Some(name) = migrate_at.filter(|_| versioned && read.version == 1) {
            errors.push(nothing_older(&name));
            read.migrate_from = None;
        }
        read
    }
}

fn nothing_older(name: &Ident) -> syn::Error {
    error(name, "`migrate_from` needs `version = 2` or more: nothing is older than version 1", "count `version` up")
}

fn version(literal: &LitInt) -> syn::Result<u32> {
    let version: u32 = literal.base10_parse()?;
    if version == 0 {
        return Err(error(literal, "versions count from 1", "write `version = 1`, or leave it out"));
    }
    Ok(version)
}

fn state_name(literal: &LitStr) -> syn::Result<String> {
    let name = literal.value();
    if name.is_empty() {
        return Err(error(literal, "the name of state cannot be empty", "leave `name` out for the name of the type"));
    }
    Ok(name)
}
