//! `#[sim_test(..)]`: a function that returns a pipeline becomes a test that simulates it.
use crate::errors::{Errors, error};
use crate::krate::Krate;
use crate::options;
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, ExprLit, ExprRange, ItemFn, Lit, LitInt, RangeLimits};

const KNOWN: [&str; 9] =
    ["workers", "crashes", "rescales", "seeds", "pauses", "savepoints", "store_faults", "clock_jumps", "crate"];

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    let mut krate = Krate::default();
    let mut calls = Vec::new();
    options::read("sim_test", &KNOWN, args, &mut errors, |name, input| {
        match name.to_string().as_str() {
            "crate" => krate = Krate::new(options::value(name, "malstrom", input)?),
            "seeds" => {
                let seeds = seeds(&options::value(name, "200", input)?)?;
                calls.push(quote_spanned!(name.span()=> .#name(#seeds)));
            }
            _ => {
                let number: LitInt = options::value(name, "3", input)?;
                let number = LitInt::new(&number.base10_parse::<usize>()?.to_string(), number.span());
                calls.push(quote_spanned!(name.span()=> .#name(#number)));
            }
        }
        Ok(())
    });
    let Ok(mut function) = syn::parse2::<ItemFn>(item.clone()) else {
        let first: TokenStream = item.into_iter().take(1).collect();
        return Err(error(
            first,
            "`#[sim_test]` goes on a function that returns a pipeline",
            "write `fn name() -> malstrom::Pipeline`",
        ));
    };
    check(&function, &mut errors);
    errors.finish()?;
    let private = krate.private();
    let attributes = std::mem::take(&mut function.attrs);
    let name: &Ident = &function.sig.ident;
    let span = name.span();
    let simulate = quote_spanned! {span=>
        #private::Sim::new(#name) #(#calls)* .run().map(|_| ())
    };
    Ok(quote! {
        #[test]
        #(#attributes)*
        fn #name() -> ::core::result::Result<(), #private::Finding> {
            #function
            #simulate
        }
    })
}
/// Nobody can call it with anything.
fn check(function: &ItemFn, errors: &mut Errors) {
    let signature = &function.sig;
    if let Some(input) = signature.inputs.first() {
        let message = "a function with `#[sim_test]` has no parameters";
        errors.push(error(input, message, "give the pipeline its input in the body"));
    }
    if let Some(parameter) = signature.generics.params.first() {
        let message = "a function with `#[sim_test]` cannot be generic";
        errors.push(error(parameter, message, "write a function for each use"));
    }
    if let Some(word) = &signature.asyncness {
        let message = "a function with `#[sim_test]` cannot be `async`";
        errors.push(error(word, message, "remove `async`: it only makes the pipeline, and the simulator runs it"));
    }
    if matches!(signature.output, syn::ReturnType::Default) {
        let message = "a function with `#[sim_test]` returns the pipeline that is simulated";
        errors.push(error(&signature.ident, message, "write `-> malstrom::Pipeline`"));
    }
}
/// A number of seeds, or which ones.
fn seeds(value: &Expr) -> syn::Result<TokenStream> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => {
            let number = number.base10_parse::<u64>()?;
            Ok(quote!(0..#number))
        }
        Expr::Range(ExprRange { start: Some(_), limits: RangeLimits::HalfOpen(_), end: Some(_), .. }) => {
            Ok(value.to_token_stream())
        }
        other => Err(error(
            other,
            "`seeds` is a number of seeds, or a range of them",
            "write `seeds = 200`, or `seeds = 17..18` for one of them",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expand_test::{check, check_error};

    #[test]
    fn the_test_calls_the_simulator() {
        let args = quote!(workers = 4, crashes = 3, rescales = 2, seeds = 200);
        let item = quote! {
            /// Totals survive.
            fn totals() -> Pipeline {
                pipeline(output())
            }
        };
        check("sim_test", expand(args, item));
    }
    #[test]
    fn a_function_that_nobody_can_call_is_refused() {
        let errors = check_error(expand(
            quote!(),
            quote!(
                async fn f<T>(x: u64) {}
            ),
        ));
        assert_eq!(errors.len(), 4, "{errors:?}");
    }
}
