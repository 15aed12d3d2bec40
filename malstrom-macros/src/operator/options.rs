//! `#[operator(on_right = f, on_timer = f, on_close = f, shape = filter_map, crate = path)]`
use crate::errors::{Errors, error};
use crate::krate::Krate;
use crate::options::{read, value};
use proc_macro2::TokenStream;
use syn::{Ident, Path};

#[derive(Default)]
pub(crate) struct Options {
    pub(crate) on_right: Option<Path>,
    pub(crate) on_timer: Option<Path>,
    pub(crate) on_close: Option<Path>,
    pub(crate) shape: Option<Ident>,
    pub(crate) krate: Krate,
}

impl Options {
    /// The functions beside the operator, each with the name of its option.
    pub(crate) fn arms(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let all = [("on_right", &self.on_right), ("on_timer", &self.on_timer), ("on_close", &self.on_close)];
        all.into_iter().filter_map(|(name, path)| Some((name, path.as_ref()?)))
    }
}

const SHAPES: [&str; 3] = ["map", "filter_map", "flat_map"];

pub(crate) fn parse(args: TokenStream, errors: &mut Errors) -> Options {
    let mut options = Options::default();
    let known = ["on_right", "on_timer", "on_close", "shape", "crate"];
    read("#[operator]", &known, args, errors, |name, input| {
        match &*name.to_string() {
            "on_right" => options.on_right = Some(value(name, "function", input)?),
            "crate" => options.krate = Krate::new(value(name, "path::to::malstrom", input)?),
            "shape" => {
                let shape: Ident = value(name, "filter_map", input)?;
                if !SHAPES.iter().any(|known| shape == known) {
                    return Err(error(
                        &shape,
                        format!("there is no shape `{shape}`"),
                        "a shape is `map`, `filter_map` or `flat_map`",
                    ));
                }
                options.shape = Some(shape);
            }
            "on_timer" => options.on_timer = Some(value(name, "function", input)?),
            _ => options.on_close = Some(value(name, "function", input)?),
        }
        Ok(())
    });
    options
}
