//! Collects errors, so that one mistake does not hide the next.
use proc_macro2::TokenStream;
use syn::Error;

/// The errors found so far.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            none => *none = Some(error),
        }
    }
    /// Notes the error, if there is one.
    pub(crate) fn take<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }
    /// `value`, if no error was found.
    pub(crate) fn or<T>(self, value: T) -> Result<T, Error> {
        match self.0 {
            Some(errors) => Err(errors),
            None => Ok(value),
        }
    }
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0.map(Error::into_compile_error).unwrap_or_default()
    }
}

/// An error that says what to write instead.
pub(crate) fn help(at: impl quote::ToTokens, message: impl std::fmt::Display, help: impl std::fmt::Display) -> Error {
    Error::new_spanned(at, format!("{message}\n  help: {help}"))
}
