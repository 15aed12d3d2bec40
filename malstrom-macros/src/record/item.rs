//! Reads the item of a derive.
use crate::errors::{Errors, error};
use crate::krate::Krate;
use crate::options;
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Fields, Generics, Member, Type};

/// What is derived, which decides what its fields must be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Record,
    State,
    Key,
}
impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Record => "#[derive(Record)]",
            Kind::State => "#[keyed_state]",
            Kind::Key => "#[derive(Key)]",
        }
    }
}

/// A struct or an enum.
pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) krate: Krate,
    pub(crate) by_serde: bool,
    pub(crate) name: Ident,
    /// With the bound that the derive adds to every type parameter.
    pub(crate) generics: Generics,
    pub(crate) is_enum: bool,
    /// A struct has one.
    pub(crate) variants: Vec<Variant>,
}

pub(crate) struct Variant {
    pub(crate) name: Ident,
    pub(crate) fields: Vec<Field>,
}

pub(crate) struct Field {
    pub(crate) member: Member,
    pub(crate) ty: Type,
    pub(crate) skip: bool,
    /// Its place in the item.
    pub(crate) index: usize,
    /// What it is bound to.
    pub(crate) binding: Ident,
}

impl Item {
    pub(crate) fn read(mut kind: Kind, input: TokenStream, errors: &mut Errors) -> syn::Result<Self> {
        let input: DeriveInput = syn::parse2(input)?;
        if kind != Kind::State
            && let Some(attr) =
                input.attrs.iter().find(|attr| attr.path().segments.last().is_some_and(|s| s.ident == "keyed_state"))
        {
            let derived = if kind == Kind::Key { "Key" } else { "Record" };
            let message = format!("`#[keyed_state]` makes `{}` a `Record` itself", input.ident);
            return Err(error(attr.path(), message, format!("remove `{derived}` from its derives")));
        }
        let (mut krate, mut by_serde) = (Krate::default(), false);
        let (attribute, known): (&str, &[&str]) = match kind {
            Kind::Key => ("key", &["crate"]),
            _ => ("record", &["codec", "crate"]),
        };
        for_options(&input.attrs, attribute, known, errors, |name, input| {
            if name == "crate" {
                krate = Krate::new(options::value(name, "malstrom", input)?);
            } else if name == "__state" {
                kind = Kind::State;
            } else {
                let codec: Ident = options::value(name, "serde", input)?;
                if codec != "serde" {
                    let help = "write `codec = serde`, or nothing for the usual one";
                    return Err(error(&codec, format!("there is no codec `{codec}`"), help));
                }
                by_serde = true;
            }
            Ok(())
        });
        if let Some(lifetime) = input.generics.lifetimes().next() {
            let message = "a record owns what it carries, so there is nothing to borrow from";
            errors.push(error(&lifetime.lifetime, message, "own the data: `String` for `&str`, `Vec<T>` for `&[T]`"));
        }
        let name = input.ident.clone();
        let is_enum = matches!(input.data, Data::Enum(_));
        let (mut variants, mut count) = (Vec::new(), 0);
        let mut read = |name: Ident, fields: &Fields| {
            variants.push(Variant { name, fields: read_fields(kind, by_serde, count, fields, errors) });
            count += fields.len();
        };
        match &input.data {
            Data::Struct(data) => read(name.clone(), &data.fields),
            Data::Enum(data) => data.variants.iter().for_each(|variant| read(variant.ident.clone(), &variant.fields)),
            Data::Union(data) => {
                let message = format!(
                    "`{}` goes on a struct or an enum, for nobody knows which field of a union counts",
                    kind.name()
                );
                return Err(error(data.union_token, message, "use an enum"));
            }
        }
        if variants.is_empty() {
            let message = format!("`{name}` has no variants, so there is no value to write");
            return Err(error(&name, message, ""));
        }
        let bound = match kind {
            Kind::Key => quote!(__m::PartitionKey),
            _ if by_serde => {
                quote!(__m::serde::Serialize + __m::serde::de::DeserializeOwned + ::core::marker::Send + 'static)
            }
            _ => quote!(__m::Record),
        };
        let mut generics = input.generics;
        for param in generics.type_params_mut() {
            let parse = syn::punctuated::Punctuated::<syn::TypeParamBound, syn::Token![+]>::parse_terminated;
            param.bounds.extend(syn::parse::Parser::parse2(parse, bound.clone())?);
        }
        Ok(Item { kind, krate, by_serde, name, generics, is_enum, variants })
    }
}

impl Item {
    /// The type that says why [`Field::check`]s are there: a type that derives both must not get them twice.
    fn why(&self) -> TokenStream {
        if self.kind == Kind::Key { quote!(__m::OfKey) } else { quote!(__m::OfRecord) }
    }
    /// The checks of all fields that are written.
    pub(crate) fn checks(&self) -> TokenStream {
        self.variants.iter().flat_map(Variant::written).map(|field| field.check(self)).collect()
    }
}

/// The options in all attributes of that name.
fn for_options(
    attrs: &[Attribute],
    attribute: &str,
    known: &[&str],
    errors: &mut Errors,
    mut read: impl FnMut(&Ident, syn::parse::ParseStream<'_>) -> syn::Result<()>,
) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident(attribute)) {
        match &attr.meta {
            syn::Meta::List(list) => options::read(attribute, known, list.tokens.clone(), errors, &mut read),
            other => {
                let help = format!("write `#[{attribute}({})]`", known.join(" | "));
                errors.push(error(other, format!("`{attribute}` needs an option in parentheses"), &help));
            }
        }
    }
}

fn read_fields(kind: Kind, by_serde: bool, first: usize, fields: &Fields, errors: &mut Errors) -> Vec<Field> {
    let mut read = |index: usize, field: &syn::Field, member| {
        let mut skip = false;
        for_options(&field.attrs, "record", &["skip"], errors, |name, input| {
            if input.peek(syn::Token![=]) {
                return Err(error(name, "`skip` takes no value", "write `#[record(skip)]`"));
            }
            if kind == Kind::Key {
                let message = "no field of a key can be skipped: equal keys must have equal bytes";
                return Err(error(name, message, "leave the field out of the type"));
            }
            if by_serde {
                let message = "with `codec = serde`, serde decides what is written";
                return Err(error(name, message, "write `#[serde(skip)]`"));
            }
            skip = true;
            Ok(())
        });
        let binding = format_ident!("__field{index}", span = Span::mixed_site());
        Field { member, ty: field.ty.clone(), skip, index: first + index, binding }
    };
    fields.iter().zip(fields.members()).enumerate().map(|(index, (field, member))| read(index, field, member)).collect()
}

impl Variant {
    /// Fields that are written.
    pub(crate) fn written(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| !field.skip)
    }
    /// How to name it in a pattern or an expression.
    pub(crate) fn path(&self, item: &Item) -> TokenStream {
        let name = &self.name;
        if item.is_enum { quote!(Self::#name) } else { quote!(Self) }
    }
    /// What it is called in the description: nothing for a struct.
    pub(crate) fn text(&self, item: &Item) -> String {
        if item.is_enum { unraw(&self.name) } else { String::new() }
    }
    /// A pattern that binds the fields that are written.
    pub(crate) fn pattern(&self, item: &Item) -> TokenStream {
        let path = self.path(item);
        let fields = self.written().map(|Field { member, binding, .. }| quote!(#member: #binding));
        let rest = self.fields.iter().any(|field| field.skip).then(|| quote!(..));
        quote!(#path { #(#fields,)* #rest })
    }
}

impl Field {
    pub(crate) fn text(&self) -> String {
        match &self.member {
            Member::Named(name) => unraw(name),
            Member::Unnamed(index) => index.index.to_string(),
        }
    }
    /// Its type, as the rest of the expansion names it.
    pub(crate) fn part(&self, item: &Item) -> TokenStream {
        let (index, why) = (self.index, item.why());
        quote!(<Self as __m::Part<#index, #why>>::Is)
    }
    /// The impl that names its type and checks it. All tokens lie at the type, and so does the caret.
    pub(crate) fn check(&self, item: &Item) -> TokenStream {
        let Field { ty, index, .. } = self;
        let Item { name, generics, .. } = item;
        let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
        let (why, at) = (item.why(), ty.span());
        let check = match item.kind {
            Kind::Record => "RecordField",
            Kind::State => "StateField",
            Kind::Key => "KeyField",
        };
        let check = Ident::new(check, at);
        // A constant cannot depend on parameters.
        let is = if depends_on_parameters(ty, generics) {
            quote_spanned!(at=> <#ty as __m::#check>::Is)
        } else {
            quote_spanned!(at=> <__m::Checked<{ <#ty as __m::#check>::PASSED }> as __m::If<#ty>>::Is)
        };
        let is = quote_spanned!(at=> type Is = #is;);
        quote! {
            #[automatically_derived]
            impl #impl_generics __m::Part<#index, #why> for #name #ty_generics #where_clause {
                #is
            }
        }
    }
}

/// Whether a type says the name of a parameter, or `Self` where there are some.
fn depends_on_parameters(ty: &Type, generics: &Generics) -> bool {
    fn says(tokens: TokenStream, names: &[String]) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Group(group) => says(group.stream(), names),
            TokenTree::Ident(name) => names.contains(&name.to_string()),
            _ => false,
        })
    }
    let types = generics.type_params().map(|param| param.ident.to_string());
    let constants = generics.const_params().map(|param| param.ident.to_string());
    let names: Vec<_> = types.chain(constants).collect();
    !names.is_empty() && (says(ty.to_token_stream(), &names) || says(ty.to_token_stream(), &["Self".to_owned()]))
}

pub(super) fn unraw(name: &Ident) -> String {
    name.to_token_stream().to_string().trim_start_matches("r#").to_owned()
}
