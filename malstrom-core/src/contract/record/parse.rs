//! Reads descriptions back from the text that they are kept as.
use super::CodecError;
use super::describe::{Description, TypeRef, Variant};

/// How deep types may lie inside each other in a text; what is deeper is taken as the name of one type.
const DEPTH: usize = 64;

// No `FromStr`: it would turn up in what rustc says about that trait to the users of operators that ask for it.
impl Description {
    /// Reads what [`Display`](std::fmt::Display) has printed. To be compared, both should be read from texts: where serde
    /// writes a type, a text does not tell its name from its parts.
    ///
    /// ```
    /// use malstrom_core::contract::record::{Description, description};
    /// let text = description::<Vec<(u64, [Option<String>; 2])>>().to_string();
    /// assert_eq!(Description::parse(&text)?.to_string(), text);
    /// # Ok::<(), malstrom_core::CodecError>(())
    /// ```
    ///
    /// # Errors
    /// If the text describes nothing.
    pub fn parse(text: &str) -> Result<Self, CodecError> {
        let mut lines = text.lines();
        let root = parse_type(lines.next().unwrap_or_default(), 0);
        let types = lines.enumerate().map(|(index, line)| {
            named(index, line).ok_or_else(|| CodecError::new(format!("this describes no type: `{line}`")))
        });
        Ok(Description { root, types: types.collect::<Result<_, _>>()? })
    }
}

/// `#index name { field: type, }` or `#index name | variant { .. } | ..`
fn named(index: usize, line: &str) -> Option<(String, Vec<Variant>)> {
    let line = line.strip_prefix('#')?.strip_prefix(&index.to_string())?.strip_prefix(' ')?;
    let Some((head, mut rest)) = line.split_once(" {") else {
        return Some((line.to_owned(), Vec::new()));
    };
    let (name, mut variant) = head.split_once(" | ").unwrap_or((head, ""));
    let mut variants = Vec::new();
    loop {
        let (fields, behind) = fields(rest)?;
        variants.push((variant.to_owned(), fields));
        if behind.is_empty() {
            return Some((name.to_owned(), variants));
        }
        (variant, rest) = behind.strip_prefix(" | ")?.split_once(" {")?;
    }
}
/// The fields up to the brace that closes, and what stands behind it.
fn fields(mut text: &str) -> Option<(Vec<(String, TypeRef)>, &str)> {
    let mut fields = Vec::new();
    loop {
        text = text.strip_prefix(' ')?;
        if let Some(behind) = text.strip_prefix('}') {
            return Some((fields, behind));
        }
        let (field, rest) = text.split_once(": ")?;
        let ends = comma(rest)?;
        fields.push((field.to_owned(), parse_type(rest.get(..ends)?, 0)));
        text = rest.get(ends + 1..)?;
    }
}
/// Where the first comma is that no bracket encloses.
fn comma(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '<' | '(' | '[' => depth += 1,
            '>' | ')' | ']' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

fn parse_type(text: &str, depth: usize) -> TypeRef {
    structured(text, depth).unwrap_or_else(|| TypeRef::plain(text))
}
/// A type with parts, if it reads as one.
fn structured(text: &str, depth: usize) -> Option<TypeRef> {
    if depth >= DEPTH {
        return None;
    }
    if let Some(index) = text.strip_prefix('#') {
        // Nothing but what is printed: no sign, no zeros in front.
        let number = index.parse().ok()?;
        return (u32::to_string(&number) == index).then_some(TypeRef::Named(number));
    }
    if text == "()" {
        return None;
    }
    let list = |inside: &str| parts(inside, depth + 1);
    if let Some(inside) = text.strip_prefix('(') {
        return Some(TypeRef::of("", list(inside.strip_suffix(')')?)?));
    }
    if let Some(inside) = text.strip_prefix('[') {
        let (inside, length) = inside.strip_suffix(']')?.rsplit_once("; ")?;
        return Some(TypeRef::of(format!("[_; {length}]"), list(inside)?));
    }
    let (name, inside) = text.split_once('<')?;
    Some(TypeRef::of(name, list(inside.strip_suffix('>')?)?))
}
fn parts(mut text: &str, depth: usize) -> Option<Vec<TypeRef>> {
    let mut parts = Vec::new();
    while let Some(ends) = comma(text) {
        parts.push(parse_type(text.get(..ends)?, depth));
        text = text.get(ends + 1..)?.strip_prefix(' ')?;
    }
    parts.push(parse_type(text, depth));
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::record::{Record, description, difference};
    use proptest::prelude::*;
    use std::collections::{BTreeMap, HashMap};

    fn types() -> impl Strategy<Value = TypeRef> {
        let leaf = prop_oneof!["[a-zA-Z_][a-z0-9_]{0,6}".prop_map(TypeRef::plain), (0..4u32).prop_map(TypeRef::Named),];
        leaf.prop_recursive(4, 24, 3, |inner| {
            let of = |name: String, parts| TypeRef::of(name, parts);
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..3).prop_map(move |parts| of(String::new(), parts)),
                ("[A-Z][a-z]{0,4}", prop::collection::vec(inner.clone(), 1..3)).prop_map(move |(n, p)| of(n, p)),
                (0..300usize, inner).prop_map(move |(n, part)| of(format!("[_; {n}]"), vec![part])),
            ]
        })
    }
    fn descriptions() -> impl Strategy<Value = Description> {
        let fields = || prop::collection::vec(("[a-z0-9_]{1,4}", types()), 0..3);
        let variants = prop_oneof![
            fields().prop_map(|fields| vec![(String::new(), fields)]),
            prop::collection::vec(("[A-Z][a-z]{0,3}", fields()), 0..3),
        ];
        let named = ("[A-Z][a-z]{0,3}( \\(serde\\))?", variants);
        (types(), prop::collection::vec(named, 0..4)).prop_map(|(root, types)| Description { root, types })
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read(description in descriptions()) {
            prop_assert_eq!(Description::parse(&description.to_string()).unwrap(), description);
        }
        #[test]
        fn no_text_is_fatal(text in "[#0-9 |{}:,<>()\\[\\]a-cA-C;\n]{0,60}") {
            if let Ok(description) = Description::parse(&text) {
                drop(difference(&description, &description));
            }
        }
    }

    #[test]
    fn what_is_nested_too_deep_is_one_name() {
        let deep = format!("{}u8{}", "Vec<".repeat(10_000), ">".repeat(10_000));
        assert_eq!(Description::parse(&deep).unwrap().to_string(), deep);
    }

    #[test]
    fn real_types_are_read_and_compared() {
        fn read<T: Record>() -> Description {
            let text = description::<T>().to_string();
            let read = Description::parse(&text).unwrap();
            assert_eq!(read, description::<T>());
            read
        }
        read::<()>();
        read::<BTreeMap<String, Vec<Option<(u8, [bool; 3])>>>>();
        read::<Description>();
        let difference = difference(&read::<HashMap<u8, Description>>(), &read::<HashMap<u8, Vec<Description>>>());
        assert_eq!(
            difference.as_deref(),
            Some("the type was `Map<u8, Description>` and is `Map<u8, Vec<Description>>`")
        );
    }

    #[test]
    fn what_describes_nothing_is_refused() {
        for text in
            ["#0\n1 Card { }", "#0\n#1 Card { }", "#0\n#0 Card { a: u8 }", "#0\n#0 Card { a }", "#0\n#0 Card { } x"]
        {
            assert!(Description::parse(text).is_err(), "{text}");
        }
    }
}
