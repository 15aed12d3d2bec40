//! The macros of Malstrom: they parse, check and describe. What a pipeline does is in `malstrom-core`.
#![allow(missing_docs)]
mod errors;
#[cfg(test)]
mod expand_test;
mod operator;
mod pipeline;

use proc_macro::TokenStream;

/// Turns a function into a stage. The function itself stays as written.
#[proc_macro_attribute]
pub fn operator(args: TokenStream, item: TokenStream) -> TokenStream {
    or_keep(item.into(), |item| operator::expand(args.into(), item)).into()
}

/// Declares pipelines and fragments. Use it through the front door, `malstrom::pipeline!`.
#[proc_macro]
pub fn pipeline(input: TokenStream) -> TokenStream {
    pipeline::expand(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// On error, the item is kept so that the rest of the crate (and the IDE) still sees it.
fn or_keep(
    item: proc_macro2::TokenStream,
    expand: impl FnOnce(proc_macro2::TokenStream) -> syn::Result<proc_macro2::TokenStream>,
) -> proc_macro2::TokenStream {
    expand(item.clone()).unwrap_or_else(|error| {
        let error = error.into_compile_error();
        quote::quote!(#item #error)
    })
}
