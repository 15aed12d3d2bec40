//! What is left of an operator with an error: the function, so that what calls it still compiles, and a stage of
//! unknown type, so that nothing is said about the pipelines that use it.
use super::LazyFn;
use super::signature::{self, is_arg};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, FnArg};

/// `private` is the module with what expansions need.
pub(super) fn emit(mut func: LazyFn, errors: Error, private: &TokenStream) -> TokenStream {
    // What is refused is refused once. And rustc says an error once, though it stands here twice: as an item, so that
    // names that are missing are not reported, and in a constant, so that a type which depends on it is unknown.
    func.sig.variadic = None;
    func.sig.asyncness = None;
    let mut args = 0usize;
    let mut method = false;
    for input in &mut func.sig.inputs {
        match input {
            FnArg::Typed(input) => {
                args += usize::from(input.attrs.iter().any(is_arg));
                input.attrs.retain(|attr| !is_arg(attr));
                if signature::unknown(&input.ty, &func.sig.generics) {
                    *input.ty = syn::parse_quote!(impl Sized);
                }
            }
            FnArg::Receiver(_) => method = true,
        }
    }
    let LazyFn { attrs, vis, sig, body } = &func;
    let mut errors = errors.into_iter();
    let Some(first) = errors.next() else { return TokenStream::new() };
    let others = errors.map(Error::into_compile_error);
    let first = first.into_compile_error();
    let function = quote!(#(#attrs)* #vis #sig #body);
    if method {
        // Inside an `impl` no type can be declared.
        return quote!(#function #first #(#others)*);
    }
    let name = &sig.ident;
    let unknown = quote!(<#private::Checked<{ #first }> as #private::If<()>>::Is);
    if sig.generics.params.is_empty() {
        return quote! {
            #function
            #first
            #(#others)*
            #[doc(hidden)]
            #[allow(non_camel_case_types, dead_code)]
            #vis type #name = #unknown;
        };
    }
    let mut generics = sig.generics.clone();
    generics.where_clause = None;
    generics.params = generics.params.into_iter().filter(|p| !matches!(p, syn::GenericParam::Lifetime(_))).collect();
    generics.type_params_mut().for_each(|param| {
        param.bounds.clear();
        param.colon_token = None;
    });
    let params: Vec<_> = generics.type_params().map(|param| &param.ident).collect();
    let (_, ty_generics, _) = generics.split_for_impl();
    let args = (0..args).map(|_| quote!(_: impl Sized));
    quote! {
        #function
        #first
        #(#others)*
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code)]
        #vis struct #name #generics {
            __generics: ::core::marker::PhantomData<fn() -> (#(#params,)*)>,
        }
        #[allow(non_camel_case_types, dead_code)]
        impl #generics #name #ty_generics {
            #[doc(hidden)]
            #vis fn __op(#(#args),*) -> #unknown {
                loop {}
            }
        }
    }
}
