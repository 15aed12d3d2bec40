//! `#[derive(Record)]`: how to take a value apart and put it together again. How it is written is generic code in core.
mod fields;
mod item;
pub(crate) mod serde;

pub(crate) use fields::emit as emit_parts;
pub(crate) use item::{Field, Item, Kind, Variant};

use crate::errors::Errors;
use proc_macro2::TokenStream;

pub(crate) fn expand(input: TokenStream) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    let item = Item::read(Kind::Record, input, &mut errors)?;
    errors.finish()?;
    let body = if item.by_serde { serde::emit(&item) } else { emit_parts(&item) };
    Ok(item.krate.scope(body))
}

#[cfg(test)]
mod tests {
    use crate::expand_test::{check, check_error};
    use quote::quote;

    #[test]
    fn a_struct() {
        let item = quote! {
            struct Reading<T> where T: Copy { sensor: u64, value: T, #[record(skip)] cached: Option<String> }
        };
        check("record_struct", super::expand(item));
    }
    #[test]
    fn an_enum() {
        check(
            "record_enum",
            super::expand(quote!(
                enum Event {
                    Start,
                    Move(i32, i32),
                    Say { text: String },
                }
            )),
        );
    }
    #[test]
    fn by_serde() {
        let item = quote! {
            #[record(codec = serde, crate = ms)]
            struct Wrapped<T>(Option<T>, std::net::IpAddr);
        };
        check("record_serde", super::expand(item));
    }
    #[test]
    fn every_error_is_reported() {
        let item = quote! {
            #[record(codec = json, kodec = serde)]
            struct Bad<'a> { #[record(skip = 1)] a: &'a str, #[record(omit)] b: u8 }
        };
        let messages = check_error(super::expand(item));
        assert_eq!(messages.len(), 5, "{messages:#?}");
    }
}
