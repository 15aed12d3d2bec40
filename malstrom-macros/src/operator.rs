//! `#[operator]`: the function stays as written, and a type of the same name describes it.
//!
//! `fn score` lives in the value namespace and `struct score { .. }` in the type namespace, so both answer to one path
//! and `use ops::score` imports both.
mod broken;
mod emit;
mod options;
mod returns;
mod signature;
mod state;

use proc_macro2::TokenStream;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Result, Signature, Visibility};

use crate::errors::{Errors, error};
use signature::Roles;

/// A function whose body is not parsed: a syntax error inside it is rustc's to report, and the IDE keeps completing.
struct LazyFn {
    attrs: Vec<Attribute>,
    vis: Visibility,
    sig: Signature,
    body: TokenStream,
}
impl Parse for LazyFn {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        Ok(LazyFn {
            attrs: input.call(Attribute::parse_outer)?,
            vis: input.parse()?,
            sig: input.parse()?,
            body: input.parse()?,
        })
    }
}

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let func: LazyFn = syn::parse2(item)?;
    let mut errors = Errors::default();
    let options = options::parse(args, &mut errors);
    signature::reject(&func.sig, &mut errors);
    let roles = signature::roles(&func.sig, &mut errors);
    let returns = errors.keep(returns::read(&func.sig, &options));
    if let (Some(Roles { state: None, .. }), Some(close)) = (&roles, &options.on_close) {
        let message =
            format!("operator `{}` has `on_close`, but keeps no state that a window could hand over", func.sig.ident);
        errors.push(error(close, message, "take state first: `fn f(state: &mut State, record: Record, ..)`"));
    }
    if options.on_close.is_some() {
        let name = &func.sig.ident;
        if let Some(arm) = &options.on_right {
            let message = format!("operator `{name}` has two inputs, which have no windows for `on_close` to finish");
            errors.push(error(arm, message, "remove `on_right` or `on_close`"));
        }
        if let Some(arm) = &options.on_timer {
            let message = format!("operator `{name}` finishes windows (`on_close`), and windows have no timers");
            errors.push(error(arm, message, "remove `on_timer`: a window ends by itself"));
        }
    }
    let errors = match errors.finish() {
        Ok(()) => {
            // Without an error there are both.
            let whole = roles.zip(returns);
            return Ok(whole.map(|(roles, returns)| emit::emit(&func, &options, &roles, &returns)).unwrap_or_default());
        }
        Err(errors) => errors,
    };
    if cfg!(test) {
        return Err(errors);
    }
    Ok(broken::emit(func, errors, &options.krate.private()))
}

#[cfg(test)]
mod tests {
    use super::expand;
    use crate::expand_test::check;
    use quote::quote;

    fn operator(name: &str, args: proc_macro2::TokenStream, item: proc_macro2::TokenStream) {
        check(name, expand(args, item));
    }

    #[test]
    fn a_plain_function_becomes_a_map() {
        operator(
            "operator_map",
            quote!(),
            quote! {
                /// Cuts white space.
                pub fn trim(line: String) -> String {
                    line.trim().to_owned()
                }
            },
        );
    }

    #[test]
    fn state_arguments_extractors_and_failure_are_described() {
        operator(
            "operator_score",
            quote!(),
            quote! {
                fn score(p: &mut Profile, tx: Tx, key: Key<'_, u64>, odd: Output<'_, Tx>, #[arg] sigma: f64, #[arg] rules: &Rules) -> Result<Option<Alert>, Bad> {
                    todo!()
                }
            },
        );
    }

    #[test]
    fn a_second_input_and_generics_are_described() {
        operator(
            "operator_two",
            quote!(on_right = person),
            quote!(
                fn listing(s: &mut Option<Seen>, auction: Auction) {}
            ),
        );
        operator(
            "operator_generic",
            quote!(),
            quote!(
                fn parse<T: FromStr>(text: String) -> io::Result<T>
                where
                    T: 'static,
                {
                }
            ),
        );
    }

    #[test]
    fn timers_windows_and_what_runs_later_are_described() {
        operator(
            "operator_timers",
            quote!(on_timer = later::forget),
            quote!(
                fn score(p: &mut Profile, tx: Tx, at: EventTime<u64>, timers: Timers<'_, Forget>) -> Option<Alert> {}
            ),
        );
        operator(
            "operator_close",
            quote!(on_close = finish),
            quote!(
                fn visit(visit: &mut Option<Visit>, click: Click, window: Window) {}
            ),
        );
    }
}
