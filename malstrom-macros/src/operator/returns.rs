//! The shape of an operator, read off the tokens of its return type.
use super::options::Options;
use super::signature::generic_args;
use crate::errors::error;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::visit::Visit;
use syn::{
    Error, GenericArgument, PathArguments, Result, ReturnType, Signature, Type, TypeParamBound, parse_quote_spanned,
    spanned::Spanned,
};

pub(crate) struct Returns {
    pub(crate) item: TokenStream,
    /// `NoFailure` or `Fails<E>`
    pub(crate) failure: TokenStream,
    pub(crate) shape: TokenStream,
    /// The whole type if it is what it is taken for, else an unknown one: where only the types can tell.
    pub(crate) checked: Option<TokenStream>,
}

pub(crate) fn read(sig: &Signature, options: &Options) -> Result<Returns> {
    let name = &sig.ident;
    let ty = match &sig.output {
        ReturnType::Type(_, ty) if !is_unit(ty) => &**ty,
        _ => {
            return match options.arms().next().map(|(_, arm)| arm) {
                // What it emits, its second function does.
                Some(arm) => Ok(Returns {
                    item: quote_spanned!(arm.span()=> <#arm as __m::Stage>::Out),
                    failure: quote!(__m::NoFailure),
                    shape: quote!(__m::shape::Nothing),
                    checked: None,
                }),
                None => Err(error(
                    name,
                    format!("operator `{name}` returns nothing"),
                    "return a value, or use `inspect(..)` for side effects",
                )),
            };
        }
    };
    let checked = checked(sig, ty, options);
    let known = checked.as_ref().map_or_else(|| ty.clone(), |_| parse_quote_spanned!(ty.span()=> __Returned));
    let (inner, error) = match fallible(ty, &known) {
        Some((inner, error)) => (inner, Some(error)),
        None => (Inner::Type(known), None),
    };
    let (item, shape) = shape(&inner, options)?;
    Ok(match error {
        None => Returns { item, failure: quote!(__m::NoFailure), shape, checked },
        Some(error) => {
            Returns { item, failure: quote!(__m::Fails<#error>), shape: quote!(__m::shape::Try<#shape>), checked }
        }
    })
}

/// What the constant `__Returned` is, for types that are not what they are taken for.
fn checked(sig: &Signature, ty: &Type, options: &Options) -> Option<TokenStream> {
    let alias = generic_args(ty, "Result").map(|args| args.len() != 2);
    let check = match (alias, &options.shape) {
        (Some(true), _) => quote_spanned!(ty.span()=> IsResult),
        (None, Some(shape)) if shape == "filter_map" => quote_spanned!(ty.span()=> IsOption),
        (None, Some(shape)) if shape == "flat_map" => quote_spanned!(ty.span()=> IsIterator),
        _ => return None,
    };
    let mut unnamed = Unnamed(false);
    unnamed.visit_type(ty);
    // Constants know no parameters.
    let concrete = sig.generics.params.is_empty() && !unnamed.0;
    concrete.then(|| quote_spanned!(ty.span()=> <__m::Checked<{ <#ty as __m::#check>::PASSED }> as __m::If<#ty>>::Is))
}
/// Finds an `impl Trait`.
struct Unnamed(bool);
impl Visit<'_> for Unnamed {
    fn visit_type_impl_trait(&mut self, _: &syn::TypeImplTrait) {
        self.0 = true;
    }
}

/// What is inside a `Result`: a type as written, or what an alias holds.
enum Inner {
    Type(Type),
    Alias(TokenStream),
}

/// What a `Result` holds and what it fails with. An alias is taken apart by projection.
fn fallible(ty: &Type, known: &Type) -> Option<(Inner, TokenStream)> {
    let args = generic_args(ty, "Result")?;
    if let [inner, error] = &args[..] {
        return Some((Inner::Type(inner.clone()), error.to_token_stream()));
    }
    // `impl Iterator` cannot stand in a projection, and the error does not depend on it.
    let mut plain = known.clone();
    if let Type::Path(path) = &mut plain
        && let Some(last) = path.path.segments.last_mut()
        && let PathArguments::AngleBracketed(args) = &mut last.arguments
        && let Some(GenericArgument::Type(first)) = args.args.first_mut()
        && matches!(first, Type::ImplTrait(_))
    {
        *first = syn::parse_quote!(());
    }
    let error = quote_spanned!(ty.span()=> <#plain as __m::shape::ResultType>::Err);
    Some(match args.into_iter().next() {
        Some(inner) => (Inner::Type(inner), error),
        None => (Inner::Alias(quote_spanned!(ty.span()=> <#known as __m::shape::ResultType>::Ok)), error),
    })
}

fn shape(inner: &Inner, options: &Options) -> Result<(TokenStream, TokenStream)> {
    let ty = match inner {
        Inner::Type(ty) => ty.to_token_stream(),
        Inner::Alias(ty) => ty.clone(),
    };
    if let Some(shape) = &options.shape {
        return Ok(if shape == "map" {
            (ty, quote!(__m::shape::Map))
        } else if shape == "filter_map" {
            (quote_spanned!(ty.span()=> <#ty as __m::shape::OptionType>::Some), quote!(__m::shape::FilterMap))
        } else {
            (quote_spanned!(ty.span()=> __m::shape::ItemOf<#ty>), quote!(__m::shape::FlatMap))
        });
    }
    let Inner::Type(inner) = inner else { return Ok((ty, quote!(__m::shape::Map))) };
    if let Some([item]) = generic_args(inner, "Option").as_deref() {
        return Ok((item.to_token_stream(), quote!(__m::shape::FilterMap)));
    }
    if let Type::ImplTrait(_) = inner {
        return match iterator_item(inner) {
            Some(Type::ImplTrait(item)) => {
                Err(Error::new_spanned(item, "the items of an operator need a type that can be named"))
            }
            Some(item) => Ok((item.to_token_stream(), quote!(__m::shape::FlatMap))),
            None => Err(error(
                inner,
                "an operator's records need a type that can be named",
                "for several records, write `impl Iterator<Item = Record>`",
            )),
        };
    }
    Ok((ty, quote!(__m::shape::Map)))
}

fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// `T` of `impl Iterator<Item = T>` and `impl IntoIterator<Item = T>`.
fn iterator_item(ty: &Type) -> Option<&Type> {
    let Type::ImplTrait(ty) = ty else { return None };
    ty.bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else { return None };
        let PathArguments::AngleBracketed(args) = &bound.path.segments.last()?.arguments else { return None };
        args.args.iter().find_map(|a| match a {
            GenericArgument::AssocType(a) if a.ident == "Item" => Some(&a.ty),
            _ => None,
        })
    })
}
