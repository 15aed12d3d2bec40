//! `#[record(codec = serde)]`: serde writes it, so its fields are known by the text of their types.
use super::Item;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};

pub(crate) fn emit(item: &Item) -> TokenStream {
    let Item { name, generics, variants, .. } = item;
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let text = super::item::unraw(name);
    let variants = variants.iter().map(|variant| {
        let name = variant.text(item);
        let fields = variant.fields.iter().map(|field| (field.text(), type_text(&field.ty)));
        let fields = fields.map(|(name, ty)| quote!((#name, #ty)));
        quote!((#name, &[#(#fields),*]))
    });
    let by_serde = quote_spanned!(name.span()=> <Self as __m::BySerde>);
    quote! {
        #[automatically_derived]
        impl #impl_generics __m::Opaque for #name #ty_generics #where_clause {
            fn to_bytes(&self) -> ::core::result::Result<__m::Vec<u8>, __m::CodecError> {
                #by_serde::write(self)
            }
            fn from_bytes(__bytes: &[u8]) -> ::core::result::Result<Self, __m::CodecError> {
                #by_serde::read(__bytes)
            }
        }
        #[automatically_derived]
        impl #impl_generics __m::Record for #name #ty_generics #where_clause {
            type As = __m::AsBytes;
            fn describe(__d: &mut __m::Describe) -> __m::TypeRef {
                __d.by_serde::<Self>(#text, &[#(#variants),*])
            }
            fn to_json(&self) -> __m::Json {
                #by_serde::json(self)
            }
        }
    }
}

/// The type as written, with spaces only where two words would run together.
fn type_text(ty: &syn::Type) -> String {
    let spaced = ty.to_token_stream().to_string();
    let word = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    let mut text = String::new();
    let mut letters = spaced.chars().peekable();
    while let Some(letter) = letters.next() {
        let between = letter.is_whitespace() && word(text.chars().last()) && word(letters.peek().copied());
        if between || !letter.is_whitespace() {
            text.push(if between { ' ' } else { letter });
        }
    }
    text
}
