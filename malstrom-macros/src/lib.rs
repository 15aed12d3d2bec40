//! The macros of Malstrom. They read and check what is written; behaviour lives in `malstrom-core`, which they reach
//! through `::malstrom::__private` or the path given as `crate = path`.
// Syntax trees are large, and few.
#![allow(clippy::large_enum_variant)]

use proc_macro::TokenStream;

mod debug;
mod errors;
#[cfg(test)]
mod expand_test;
mod key;
mod keyed_state;
mod krate;
mod operator;
mod options;
mod pipeline;
mod record;
mod sim_test;

/// Turns a function into a stage. Documented at `malstrom::operator`.
#[proc_macro_attribute]
pub fn operator(args: TokenStream, item: TokenStream) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    or_keep(item, |item| operator::expand(args.into(), item))
}

/// Declares pipelines and fragments. Documented at `malstrom::pipeline`, which is its front door.
#[proc_macro]
pub fn pipeline(input: TokenStream) -> TokenStream {
    let definitions = match pipeline::expand(input.into()) {
        Ok(definitions) => definitions,
        Err(error) => return error.into_compile_error().into(),
    };
    definitions.iter().for_each(|(name, tokens)| debug::dump(name, tokens));
    definitions.into_iter().map(|(_, tokens)| TokenStream::from(tokens)).collect()
}

/// Makes a type one whose values may leave their worker. Documented at `malstrom::Record`.
#[proc_macro_derive(Record, attributes(record))]
pub fn derive_record(item: TokenStream) -> TokenStream {
    finish(item.into(), record::expand)
}

/// Makes a type one that streams can be keyed by. Documented at `malstrom::Key`.
#[proc_macro_derive(Key, attributes(key, record))]
pub fn derive_key(item: TokenStream) -> TokenStream {
    finish(item.into(), key::expand)
}

/// Makes a type one that operators can keep per key. Documented at `malstrom::keyed_state`.
#[proc_macro_attribute]
pub fn keyed_state(args: TokenStream, item: TokenStream) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    or_keep(item, |item| keyed_state::expand(args.into(), item))
}

/// Makes a function that returns a pipeline a test that simulates it. Documented at `malstrom::sim_test`.
#[proc_macro_attribute]
pub fn sim_test(args: TokenStream, item: TokenStream) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    or_keep(item, |item| sim_test::expand(args.into(), item))
}

/// For derives: the item is there already.
fn finish(
    item: proc_macro2::TokenStream,
    expand: impl FnOnce(proc_macro2::TokenStream) -> syn::Result<proc_macro2::TokenStream>,
) -> TokenStream {
    let name = debug::name(&item);
    let tokens = expand(item).unwrap_or_else(syn::Error::into_compile_error);
    debug::dump(&name, &tokens);
    tokens.into()
}

/// For attributes: on an error the item is kept, so that the rest of the crate (and the editor) still sees it.
fn or_keep(
    item: proc_macro2::TokenStream,
    expand: impl FnOnce(proc_macro2::TokenStream) -> syn::Result<proc_macro2::TokenStream>,
) -> TokenStream {
    finish(item, |item| {
        Ok(expand(item.clone()).unwrap_or_else(|error| {
            let error = error.into_compile_error();
            quote::quote!(#item #error)
        }))
    })
}
