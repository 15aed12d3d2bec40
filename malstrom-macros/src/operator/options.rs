//! `#[operator(on_right = f, shape = filter_map, crate = path)]`
use crate::errors::Errors;
use proc_macro2::TokenStream;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Error, Ident, Path, Result, Token, ext::IdentExt, punctuated::Punctuated};

#[derive(Default)]
pub(crate) struct Options {
    pub(crate) on_right: Option<Path>,
    pub(crate) shape: Option<Ident>,
    pub(crate) krate: Option<Path>,
}

pub(crate) const SHAPES: [&str; 3] = ["map", "filter_map", "flat_map"];

struct Setting {
    name: Ident,
    value: Path,
}
impl Parse for Setting {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name = input.call(Ident::parse_any)?;
        input.parse::<Token![=]>()?;
        // `crate` is a path of one keyword.
        Ok(Setting { name, value: input.call(Path::parse_mod_style)? })
    }
}

pub(crate) fn parse(args: TokenStream, errors: &mut Errors) -> Options {
    let mut options = Options::default();
    let settings = Punctuated::<Setting, Token![,]>::parse_terminated.parse2(args);
    for Setting { name, value } in errors.take(settings).into_iter().flatten() {
        let text = name.to_string();
        let twice = match &*text {
            "on_right" => options.on_right.replace(value).is_some(),
            "crate" => options.krate.replace(value).is_some(),
            "shape" => match value.get_ident().filter(|shape| SHAPES.iter().any(|known| shape == known)) {
                Some(shape) => options.shape.replace(shape.clone()).is_some(),
                None => {
                    errors.push(Error::new_spanned(value, "a shape is `map`, `filter_map` or `flat_map`"));
                    false
                }
            },
            "on_timer" | "on_close" => {
                errors.push(Error::new(name.span(), format!("`{text}` is not supported yet: it comes with event time")));
                false
            }
            _ => {
                errors.push(Error::new(
                    name.span(),
                    format!("`#[operator]` has no option `{text}`\n  help: it has `on_right`, `on_timer`, `on_close`, `shape` and `crate`"),
                ));
                false
            }
        };
        if twice {
            errors.push(Error::new(name.span(), format!("option `{text}` is given twice")));
        }
    }
    options
}
