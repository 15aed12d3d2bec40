//! `#[keyed_state(key = K, ..)]`: a record that operators keep per key.
mod options;
mod ttl;

use crate::errors::{Errors, error};
use options::Options;
use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, DeriveInput};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    let options = Options::read(args, &mut errors);
    let (mut input, rest): (DeriveInput, TokenStream) = match syn::parse2(item.clone()) {
        Ok(input) => (input, TokenStream::new()),
        Err(_) => {
            let message = "`#[keyed_state]` goes on a struct or an enum";
            return Err(error(first(&item), message, "put the state's fields into a struct"));
        }
    };
    if let syn::Data::Union(data) = &input.data {
        errors.push(error(data.union_token, "`#[keyed_state]` goes on a struct or an enum", "use an enum"));
        let errors = errors.into_tokens();
        return Ok(quote!(#item #errors));
    }
    derives_record(&mut input.attrs, &mut errors);
    let generic = generic(&input, &mut errors);
    let name = &input.ident;
    let private = options.krate.private();
    let krate = options.path.iter();
    let state = match &options.key {
        Some(key) if !generic => options.krate.scope(emit(name, key, &options)),
        _ => TokenStream::new(),
    };
    let errors = errors.into_tokens();
    // The record is derived, not generated here: a derive sees the item without the fields that `#[cfg]` takes away.
    Ok(quote! {
        #[derive(#private::Record)]
        #[record(__state #(, crate = #krate)*)]
        #input
        #rest
        #state
        #errors
    })
}

fn first(item: &TokenStream) -> TokenStream {
    item.clone().into_iter().take(1).collect()
}

/// Snapshots find state by its name, of which there is one.
fn generic(input: &DeriveInput, errors: &mut Errors) -> bool {
    let generic = input.generics.params.first();
    if let Some(parameter) = generic {
        let message = format!("keyed state cannot be generic: snapshots find `{}` by its name", input.ident);
        errors.push(error(parameter, message, "write a type for each use"));
    }
    generic.is_some()
}

/// Refuses `#[derive(Record)]` and `#[derive(Key)]` beside this, and takes them away so that nothing is reported twice.
fn derives_record(attrs: &mut [Attribute], errors: &mut Errors) {
    for attr in attrs.iter_mut().filter(|attr| attr.path().is_ident("derive")) {
        let syn::Meta::List(list) = &mut attr.meta else { continue };
        let parse = syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated;
        let Ok(paths) = syn::parse::Parser::parse2(parse, list.tokens.clone()) else { continue };
        let doubled = |path: &syn::Path| path.segments.last().is_some_and(|s| s.ident == "Record" || s.ident == "Key");
        for path in paths.iter().filter(|path| doubled(path)) {
            let help = "remove it from the derives";
            errors.push(error(path, "`#[keyed_state]` makes the type a `Record` itself", help));
        }
        let kept = paths.iter().filter(|path| !doubled(path));
        list.tokens = quote!(#(#kept),*);
    }
}

fn emit(name: &Ident, key: &syn::Type, options: &Options) -> TokenStream {
    let named = names(name, key, "ItsKey", "KeyField");
    let (text, version) = (options.name.clone().unwrap_or_else(|| name.to_string()), options.version);
    let (old, chain) = options.migrate_from.as_ref().map(|old| migrate(name, old, version)).unwrap_or_default();
    let (ttl, deadline) = match options.ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)) {
        Some(millis) => (quote!(::core::option::Option::Some(__m::Duration::from_millis(#millis))), quote!((i64, i64))),
        None => (quote!(::core::option::Option::None), quote!(())),
    };
    quote! {
        #named
        #old
        #[automatically_derived]
        impl __m::KeyedState for #name {
            type Key = <Self as __m::Names<__m::ItsKey>>::Is;
            const NAME: &'static str = #text;
            const VERSION: u32 = #version;
            const TTL: ::core::option::Option<__m::Duration> = #ttl;
            type Deadline = #deadline;
            #chain
        }
    }
}

/// The impl that names a type and checks it. All tokens lie at the type, and so does the caret.
fn names(name: &Ident, ty: &syn::Type, what: &str, check: &str) -> TokenStream {
    let at = ty.span();
    let (what, check) = (Ident::new(what, at), Ident::new(check, at));
    let is = quote_spanned!(at=> type Is = <__m::Checked<{ <#ty as __m::#check>::PASSED }> as __m::If<#ty>>::Is;);
    quote! {
        #[automatically_derived]
        impl __m::Names<__m::#what> for #name {
            #is
        }
    }
}

/// What is older is read by the older type, which leads on to what is older still.
fn migrate(name: &Ident, old: &syn::Type, version: u32) -> (TokenStream, TokenStream) {
    let at = old.span();
    let older = quote!(<<Self as __m::Names<__m::ItsOld>>::Is as __m::KeyedState>);
    let message = format!("`migrate_from` must name an older version than {version}");
    let theirs = quote!(<<#name as __m::Names<__m::ItsOld>>::Is as __m::KeyedState>);
    // An item of its own, so that it is looked at where nothing is built, too.
    let is_older = quote_spanned!(at=> const _: () = ::core::assert!(#theirs::VERSION < #version, #message););
    let same_key = quote_spanned!(at=> <Self::Key as __m::KeepsKey<#older::Key>>::same());
    let migrate =
        quote_spanned!(at=> <Self as __m::MigratesFrom<<Self as __m::Names<__m::ItsOld>>::Is>>::migrate(__old));
    let chain = quote! {
        fn decode_version(__version: u32, __bytes: &[u8]) -> ::core::result::Result<Self, __m::CodecError> {
            #same_key;
            if __version >= #version {
                return __m::decode_same(__version, __bytes);
            }
            let __old = #older::decode_version(__version, __bytes)?;
            ::core::result::Result::Ok(#migrate)
        }
        fn describe_version(__version: u32) -> ::core::option::Option<__m::Description> {
            if __version == #version { __m::describe_same::<Self>() } else { #older::describe_version(__version) }
        }
    };
    let names = names(name, old, "ItsOld", "IsState");
    (quote!(#names #is_older), chain)
}

#[cfg(test)]
mod tests {
    use crate::expand_test::check;
    use quote::quote;

    #[test]
    fn the_shortest() {
        check(
            "keyed_state",
            super::expand(
                quote!(key = u64),
                quote!(
                    #[derive(Default)]
                    struct Count {
                        n: u64,
                    }
                ),
            ),
        );
    }
    #[test]
    fn a_second_version() {
        let args = quote!(key = (u64, String), version = 2, migrate_from = v1::Count, name = "count", crate = ms);
        check(
            "keyed_state_v2",
            super::expand(
                args,
                quote!(
                    pub struct Count(u64);
                ),
            ),
        );
    }
    #[test]
    fn every_error_is_reported_and_the_item_is_kept() {
        let args = quote!(kee = u64, version = 1, version = 2, migrate_from = Old, ttl = "3 weeks", name = 7);
        check(
            "keyed_state_errors",
            super::expand(
                args,
                quote!(
                    #[derive(Record, Clone)]
                    struct Count<T> {
                        n: T,
                    }
                ),
            ),
        );
    }
}
