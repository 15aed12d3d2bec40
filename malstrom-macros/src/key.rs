//! `#[derive(Key)]`: a `Record` whose fields, in order, make its canonical bytes.
use crate::errors::Errors;
use crate::record::{Field, Item, Kind, emit_parts};
use proc_macro2::TokenStream;
use quote::quote;

pub(crate) fn expand(input: TokenStream) -> syn::Result<TokenStream> {
    let mut errors = Errors::default();
    let item = Item::read(Kind::Key, input, &mut errors)?;
    errors.finish()?;
    let (record, key) = (emit_parts(&item), emit(&item));
    Ok(item.krate.scope(quote!(#record #key)))
}

fn emit(item: &Item) -> TokenStream {
    let Item { name, generics, variants, .. } = item;
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let arms = variants.iter().enumerate().map(|(index, variant)| {
        let pattern = variant.pattern(item);
        let index = item.is_enum.then(|| {
            let index = index as u64;
            quote!(__out.word(#index, 2);)
        });
        let fields = variant.written().map(|field| {
            let (ty, Field { binding, .. }) = (field.part(item), field);
            quote!(<#ty as __m::PartitionKey>::write_key(#binding, __out);)
        });
        quote!(#pattern => { #index #(#fields)* })
    });
    quote! {
        #[automatically_derived]
        impl #impl_generics __m::PartitionKey for #name #ty_generics #where_clause {
            #[inline(always)]
            fn write_key(&self, __out: &mut __m::KeyWriter<'_>) {
                match self { #(#arms)* }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::expand_test::{check, check_error};
    use quote::quote;

    #[test]
    fn a_struct() {
        check(
            "key_struct",
            super::expand(quote!(
                struct Id {
                    region: u16,
                    number: u64,
                }
            )),
        );
    }
    #[test]
    fn an_enum() {
        check(
            "key_enum",
            super::expand(quote!(
                #[key(crate = ms)]
                enum Who<T> {
                    Nobody,
                    User(T),
                    Group { name: String },
                }
            )),
        );
    }
    #[test]
    fn nothing_is_skipped() {
        let messages = check_error(super::expand(quote!(
            struct Id {
                #[record(skip)]
                a: u8,
            }
        )));
        assert!(messages[0].starts_with("no field of a key can be skipped"), "{messages:?}");
    }
}
