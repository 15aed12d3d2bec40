//! The tree of fields: tuples of at most twelve, and a `Result` for each halving of the variants.
use super::{Field, Item, Variant};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

pub(crate) fn emit(item: &Item) -> TokenStream {
    let Item { name, generics, variants, .. } = item;
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let text = super::item::unraw(name);
    let described = variants.iter().map(|variant| {
        let name = variant.text(item);
        let fields = variant.written().map(Field::text);
        quote!((#name, &[#(#fields),*]))
    });
    let types: Vec<_> = variants.iter().map(|variant| product(variant, |field| own(&field.part(item)))).collect();
    let (fields, checks) = (either(&types), item.checks());
    let lend = arms(variants, |variant, wrap| {
        let (pattern, lent) =
            (variant.pattern(item), product(variant, |Field { binding, .. }| quote!(__m::Ref(#binding))));
        let lent = wrap(lent);
        quote!(#pattern => #lent)
    });
    let build = arms(variants, |variant, wrap| {
        let taken = wrap(product(variant, |Field { binding, .. }| quote!(__m::Own(#binding))));
        let path = variant.path(item);
        let values = variant.fields.iter().map(|field| {
            let (member, value) = (&field.member, value(field));
            quote!(#member: #value)
        });
        quote!(#taken => #path { #(#values),* })
    });
    quote! {
        #checks
        #[automatically_derived]
        impl #impl_generics __m::RecordOrKey for #name #ty_generics #where_clause {
            const NAME: &'static str = #text;
            const VARIANTS: &'static [(&'static str, &'static [&'static str])] = &[#(#described),*];
            type Fields = #fields;
            fn parts(&self) -> __m::Refs<'_, Self> {
                match self { #(#lend,)* }
            }
            fn build(__fields: Self::Fields) -> Self {
                match __fields { #(#build,)* }
            }
        }
    }
}

fn own(ty: &TokenStream) -> TokenStream {
    quote!(__m::Own<#ty>)
}

fn value(field: &Field) -> TokenStream {
    let (ty, binding) = (&field.ty, &field.binding);
    if field.skip { quote_spanned!(ty.span()=> <#ty as __m::Skipped>::skipped()) } else { quote!(#binding) }
}

/// A tuple of the fields, or of tuples of at most twelve of them.
fn product(variant: &Variant, leaf: impl Fn(&Field) -> TokenStream) -> TokenStream {
    let mut parts: Vec<_> = variant.written().map(leaf).collect();
    while parts.len() > 12 {
        parts = parts.chunks(12).map(|chunk| quote!((#(#chunk,)*))).collect();
    }
    quote!((#(#parts,)*))
}

/// `Result<.., ..>` of the halves, down to one.
fn either(types: &[TokenStream]) -> TokenStream {
    match types {
        [one] => one.clone(),
        _ => {
            let (left, right) = types.split_at(types.len() / 2);
            let (left, right) = (either(left), either(right));
            quote!(::core::result::Result<#left, #right>)
        }
    }
}

/// One arm for each variant, which is given how to wrap its part.
fn arms(
    variants: &[Variant],
    arm: impl Fn(&Variant, &dyn Fn(TokenStream) -> TokenStream) -> TokenStream,
) -> Vec<TokenStream> {
    let wrap = |index: usize, part: TokenStream| {
        let (mut start, mut end, mut turns) = (0, variants.len(), Vec::new());
        while end - start > 1 {
            let middle = start + (end - start) / 2;
            turns.push(index < middle);
            if index < middle { end = middle } else { start = middle }
        }
        turns.into_iter().rev().fold(part, |part, left| {
            if left { quote!(::core::result::Result::Ok(#part)) } else { quote!(::core::result::Result::Err(#part)) }
        })
    };
    variants.iter().enumerate().map(|(index, variant)| arm(variant, &|part| wrap(index, part))).collect()
}
