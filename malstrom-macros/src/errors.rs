//! Errors, all of them.
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// What is wrong, and what to write instead.
pub(crate) fn error(at: impl ToTokens, message: impl std::fmt::Display, help: impl std::fmt::Display) -> syn::Error {
    syn::Error::new_spanned(at, text(message, help))
}

/// The same, at a span.
pub(crate) fn error_at(at: Span, message: impl std::fmt::Display, help: impl std::fmt::Display) -> syn::Error {
    syn::Error::new(at, text(message, help))
}

fn text(message: impl std::fmt::Display, help: impl std::fmt::Display) -> String {
    let help = help.to_string();
    if help.is_empty() { message.to_string() } else { format!("{message}\n  help: {help}") }
}

/// Collects errors, so that each is reported and none hides another.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            none => *none = Some(error),
        }
    }
    /// The value, or nothing and one error more.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }
    pub(crate) fn finish(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
    /// `compile_error!`s for all of them.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0.map(syn::Error::into_compile_error).unwrap_or_default()
    }
}
