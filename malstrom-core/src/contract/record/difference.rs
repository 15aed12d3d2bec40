//! In what two descriptions differ, in a sentence.
use super::describe::{Description, TypeRef, Variant};
use std::collections::HashSet;

/// The first difference between a type as it was and as it is, or `None`.
///
/// ```
/// use malstrom_core::contract::record::{description, difference};
/// let (old, new) = (description::<(u64, f64)>(), description::<(u64, f32)>());
/// assert_eq!(difference(&old, &new), Some("the type was `(u64, f64)` and is `(u64, f32)`".to_owned()));
/// assert_eq!(difference(&new, &new), None);
/// ```
pub fn difference(old: &Description, new: &Description) -> Option<String> {
    let mut compare = Compare { old, new, seen: HashSet::new() };
    compare.types(&old.root, &new.root, &|| "the type".to_owned())
}

struct Compare<'a> {
    old: &'a Description,
    new: &'a Description,
    seen: HashSet<(u32, u32)>,
}
impl Compare<'_> {
    fn types(&mut self, old: &TypeRef, new: &TypeRef, place: &dyn Fn() -> String) -> Option<String> {
        let changed = || Some(format!("{} was `{}` and is `{}`", place(), self.old.show(old), self.new.show(new)));
        match (old, new) {
            (TypeRef::Named(was), TypeRef::Named(is)) => {
                let was_is = self.old.types.get(*was as usize).zip(self.new.types.get(*is as usize));
                match was_is {
                    Some(((was, _), (is, _))) if was != is => changed(),
                    Some(((_, old), (name, new))) => {
                        if self.seen.insert((*was, *is)) {
                            self.variants(name, old, new)
                        } else {
                            None
                        }
                    }
                    None => Some(format!("{} has no description", place())),
                }
            }
            (TypeRef::Of(was, olds), TypeRef::Of(is, news)) if was == is && olds.len() == news.len() => {
                // The whole container is shown, unless it reads the same and a type of its own has changed inside.
                if self.old.show(old) != self.new.show(new) {
                    return changed();
                }
                olds.iter().zip(news).find_map(|(old, new)| self.types(old, new, place))
            }
            (old, new) if matches!(old, TypeRef::Plain(_)) && old == new => None,
            _ => changed(),
        }
    }

    fn variants(&mut self, name: &str, old: &[Variant], new: &[Variant]) -> Option<String> {
        let names = |variants: &[Variant]| variants.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let (was, is) = (names(old), names(new));
        if let Some(added) = is.iter().find(|v| !was.contains(v)) {
            return Some(format!("`{name}` has a new variant `{added}`"));
        }
        if let Some(lost) = was.iter().find(|v| !is.contains(v)) {
            return Some(format!("`{name}` has lost its variant `{lost}`"));
        }
        if was != is {
            return Some(format!("the variants of `{name}` are in another order"));
        }
        old.iter().zip(new).find_map(|((variant, old), (_, new))| {
            let name = if variant.is_empty() { name.to_owned() } else { format!("{name}::{variant}") };
            self.fields(&name, old, new)
        })
    }

    fn fields(&mut self, name: &str, old: &[(String, TypeRef)], new: &[(String, TypeRef)]) -> Option<String> {
        let has = |fields: &[(String, TypeRef)], name: &str| fields.iter().any(|(field, _)| field == name);
        if let Some((field, ty)) = new.iter().find(|(field, _)| !has(old, field)) {
            return Some(format!("`{name}` has a new field `{field}: {}`", self.new.show(ty)));
        }
        if let Some((field, ty)) = old.iter().find(|(field, _)| !has(new, field)) {
            return Some(format!("`{name}` has lost its field `{field}: {}`", self.old.show(ty)));
        }
        if old.iter().zip(new).any(|((a, _), (b, _))| a != b) {
            return Some(format!("the fields of `{name}` are in another order"));
        }
        old.iter().zip(new).find_map(|((field, old), (_, new))| self.types(old, new, &|| format!("`{name}.{field}`")))
    }
}
