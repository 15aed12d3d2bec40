//! The roles of an operator's parameters, read by position and syntax.
use crate::errors::{Errors, error};
use quote::ToTokens;
use syn::visit::Visit;
use syn::{
    Attribute, Error, FnArg, GenericArgument, Generics, Ident, Lifetime, Pat, PathArguments, Result, Signature, Type,
    parse_quote_spanned, spanned::Spanned,
};

/// `[state,] record [, #[arg] name: T | , name: extractor]*`
pub(crate) struct Roles {
    pub(crate) state: Option<State>,
    pub(crate) record: Type,
    /// What follows the record, in order.
    pub(crate) rest: Vec<Rest>,
}
pub(crate) struct State {
    pub(crate) ty: Type,
    /// `&mut Option<S>`
    pub(crate) optional: bool,
}
pub(crate) enum Rest {
    /// `#[arg] name: T`
    ByValue(Ident, Type),
    /// `#[arg] name: &T`, with the type that is stored
    ByRef(Ident, Type),
    /// `Key<'_, K>`, with `K`
    Key(Type, Type),
    /// `Output<'_, T>`, with `T`
    Side(Type),
    /// `EventTime<T>`, with `T`
    Time(Type, Type),
    /// `Window`
    Window(Type),
    /// `Timers<'_, X>` or `ProcessingTimers<'_, X>`, with `X` and whether it is the former
    Timers(Type, Type, bool),
    /// Anything that implements `Extract`
    Extract(Type),
}

pub(crate) fn reject(sig: &Signature, errors: &mut Errors) {
    if let Some(token) = &sig.asyncness {
        errors.push(error(
            token,
            "operators are synchronous: they run inside the fused loop",
            "do I/O in a source or a sink",
        ));
    }
    if let syn::Safety::Unsafe(token) = &sig.safety {
        errors.push(error(
            token,
            "operators are safe functions",
            "put the unsafe code behind a safe function and call that",
        ));
    }
    if let Some(token) = &sig.constness {
        errors.push(Error::new_spanned(token, "operators run with the data, not at compile time: leave out `const`"));
    }
    if let Some(abi) = &sig.abi {
        errors.push(Error::new_spanned(abi, "operators are ordinary Rust functions: leave out `extern`"));
    }
    if let Some(variadic) = &sig.variadic {
        errors.push(Error::new_spanned(variadic, "an operator's parameters must be spelled out"));
    }
    if let Some(lifetime) = sig.generics.lifetimes().next() {
        errors.push(Error::new_spanned(
            lifetime,
            "operators own their records, so a lifetime parameter has nothing to borrow from\n  help: write `'_` in the types of extractors",
        ));
    } else {
        let mut named = NamedLifetimes(None);
        sig.inputs.iter().for_each(|input| named.visit_fn_arg(input));
        if let Some(lifetime) = named.0 {
            errors.push(error(lifetime, "operators have no lifetimes of their own", "write `'_`, or leave it out"));
        }
    }
}

/// Whether rustc refuses the type of a parameter too: it lacks its own parameters, or has a lifetime nobody declares.
pub(super) fn unknown(ty: &Type, generics: &Generics) -> bool {
    let mut named = NamedLifetimes(None);
    named.visit_type(ty);
    let undeclared = named.0.is_some_and(|lifetime| !generics.lifetimes().any(|param| param.lifetime == lifetime));
    let bare = ["Key", "Output", "Timers", "ProcessingTimers"]
        .iter()
        .any(|name| generic_args(ty, name).is_some_and(|args| args.is_empty()));
    undeclared || bare
}

/// Finds a lifetime that is neither `'_` nor `'static`.
struct NamedLifetimes(Option<Lifetime>);
impl Visit<'_> for NamedLifetimes {
    fn visit_lifetime(&mut self, lifetime: &Lifetime) {
        if lifetime.ident != "_" && lifetime.ident != "static" {
            self.0.get_or_insert_with(|| lifetime.clone());
        }
    }
}

pub(crate) fn roles(sig: &Signature, errors: &mut Errors) -> Option<Roles> {
    let name = sig.ident.clone();
    let (mut state, mut record, mut rest) = (None, None, Vec::new());
    for input in &sig.inputs {
        let FnArg::Typed(input) = input else {
            errors.push(error(
                input,
                "`#[operator]` goes on a free function",
                "pass configuration as `#[arg]` parameters",
            ));
            return None;
        };
        let is_arg = input.attrs.iter().any(is_arg);
        if let Type::ImplTrait(ty) = &*input.ty {
            errors.push(error(
                ty,
                "an operator's parameters need types that can be named",
                "use a type parameter: `fn f<T: ..>(record: T)`",
            ));
            return None;
        }
        match &*input.ty {
            ty if is_arg => rest.extend(errors.keep(arg(&input.pat, ty))),
            Type::Reference(r) if r.mutability.is_some() => match (&state, &record) {
                (None, None) => {
                    let optional = generic_args(&r.elem, "Option").filter(|args| args.len() == 1);
                    state = Some(match optional {
                        Some(args) => State { ty: args[0].clone(), optional: true },
                        None => State { ty: (*r.elem).clone(), optional: false },
                    });
                }
                (Some(_), None) => {
                    errors.push(error(r, format!("operator `{name}` keeps two states"), "put both into one struct"))
                }
                (_, Some(_)) => errors.push(error(
                    r,
                    format!("operator `{name}` takes its state after its record"),
                    "state goes first: `fn f(state: &mut State, record: Record, ..)`",
                )),
            },
            Type::Reference(r) if record.is_none() => {
                let owned = if is_str(&r.elem) { "String".into() } else { r.elem.to_token_stream().to_string() };
                errors.push(error(
                    r,
                    format!("operator `{name}` must take its record by value"),
                    format!("write `{owned}` (state goes first, as `&mut State`)"),
                ));
                record = Some(owned_type(&r.elem));
            }
            ty if record.is_none() => record = Some(ty.clone()),
            ty => {
                let asked = errors.keep(extractor(ty));
                if let Some(Rest::Key(ty, _)) = &asked
                    && rest.iter().any(|rest| matches!(rest, Rest::Key(..)))
                {
                    errors.push(error(
                        ty,
                        format!("operator `{name}` asks for its key twice"),
                        "one `Key<'_, _>` will do",
                    ));
                }
                if let Some(Rest::Time(ty, _)) = &asked
                    && rest.iter().any(|rest| matches!(rest, Rest::Time(..)))
                {
                    let message = format!("operator `{name}` asks for its event time twice");
                    errors.push(error(ty, message, "one `EventTime` will do"));
                }
                if let Some(Rest::Timers(ty, timer, _)) = &asked
                    && rest.iter().any(|rest| matches!(rest, Rest::Timers(_, other, _) if other != timer))
                {
                    let message = format!("operator `{name}` sets timers of two types");
                    errors.push(error(ty, message, "put both into one enum: one function runs for all of them"));
                }
                rest.extend(asked);
            }
        }
    }
    if record.is_none() {
        errors.push(error(
            &name,
            format!("operator `{name}` takes no record"),
            "its first parameter is the record, or the second behind a state",
        ));
    }
    Some(Roles { state, record: record?, rest })
}

/// `#[arg]`
pub(super) fn is_arg(attr: &Attribute) -> bool {
    attr.path().is_ident("arg")
}

fn arg(pat: &Pat, ty: &Type) -> Result<Rest> {
    let Pat::Ident(pat) = pat else {
        return Err(Error::new_spanned(pat, "an `#[arg]` parameter needs a plain name"));
    };
    let name = pat.ident.clone();
    Ok(match ty {
        Type::Reference(r) if r.mutability.is_some() => {
            return Err(error(
                ty,
                "configuration cannot change while the job runs",
                "keep what changes in keyed state",
            ));
        }
        // What lives for ever is a value.
        Type::Reference(r) if r.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static") => {
            Rest::ByValue(name, ty.clone())
        }
        Type::Reference(r) => Rest::ByRef(name, owned_type(&r.elem)),
        ty => Rest::ByValue(name, ty.clone()),
    })
}

fn is_str(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("str"))
}

/// What is stored for a parameter that borrows `ty`.
fn owned_type(ty: &Type) -> Type {
    match ty {
        ty if is_str(ty) => syn::parse_quote!(::std::string::String),
        Type::Slice(slice) => {
            let elem = &slice.elem;
            syn::parse_quote!(::std::vec::Vec<#elem>)
        }
        ty => ty.clone(),
    }
}

fn extractor(ty: &Type) -> Result<Rest> {
    let Type::Path(path) = ty else { return Ok(Rest::Extract(ty.clone())) };
    let Some(last) = path.path.segments.last() else { return Ok(Rest::Extract(ty.clone())) };
    let name = last.ident.to_string();
    match &*name {
        "EventTime" => {
            let time = type_args(&last.arguments).pop();
            Ok(Rest::Time(ty.clone(), time.unwrap_or_else(|| parse_quote_spanned!(ty.span()=> __m::Timestamp))))
        }
        "Window" => Ok(Rest::Window(ty.clone())),
        "Timers" | "ProcessingTimers" => match type_args(&last.arguments).pop() {
            Some(timer) => Ok(Rest::Timers(ty.clone(), timer, name == "Timers")),
            None => Err(error(ty, "timers name the type of what they hold", format!("write `{name}<'_, Reminder>`"))),
        },
        "Output" => match type_args(&last.arguments).pop() {
            Some(side) => Ok(Rest::Side(side)),
            None => Err(error(ty, "a side output names its record type", "write `Output<'_, Record>`")),
        },
        "Key" => match type_args(&last.arguments).pop() {
            Some(key) => Ok(Rest::Key(ty.clone(), key)),
            None => Err(error(ty, "`Key` names the type of the key", "write `Key<'_, u64>`")),
        },
        _ => Ok(Rest::Extract(ty.clone())),
    }
}

fn type_args(args: &PathArguments) -> Vec<Type> {
    let PathArguments::AngleBracketed(args) = args else { return Vec::new() };
    args.args.iter().filter_map(|a| if let GenericArgument::Type(t) = a { Some(t.clone()) } else { None }).collect()
}

/// The type arguments of a path that ends in `name`.
pub(crate) fn generic_args(ty: &Type, name: &str) -> Option<Vec<Type>> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|s| s.ident == name)?;
    Some(type_args(&last.arguments))
}
