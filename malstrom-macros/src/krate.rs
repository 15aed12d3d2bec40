//! Where generated code finds ours: `::malstrom`, or the path given as `crate = path`.
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

#[derive(Default)]
pub(crate) struct Krate(Option<syn::Path>);

impl Krate {
    pub(crate) fn new(path: syn::Path) -> Self {
        Krate(Some(path))
    }
    /// The hidden module with what expansions need.
    pub(crate) fn private(&self) -> TokenStream {
        match &self.0 {
            Some(path) => quote!(#path::__private),
            None => quote!(::malstrom::__private),
        }
    }
    /// `body` in a scope of its own, where that module is `__m`.
    pub(crate) fn scope(&self, body: impl ToTokens) -> TokenStream {
        let private = self.private();
        quote! {
            #[allow(unused_imports, unused_qualifications)]
            const _: () = {
                use #private as __m;
                #body
            };
        }
    }
}
