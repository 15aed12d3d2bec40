//! Says what is wrong with a row of CSV.
use csv::StringRecord;

/// What serde has against a row, with the column by name and the value it did not like.
#[cold]
pub(super) fn explain(error: &csv::Error, header: Option<&StringRecord>, row: &StringRecord) -> String {
    let csv::ErrorKind::Deserialize { err, .. } = error.kind() else { return error.to_string() };
    let Some(field) = err.field().and_then(|field| usize::try_from(field).ok()) else { return err.kind().to_string() };
    let value = row.get(field).unwrap_or_default();
    let shown: String = value.chars().take(40).collect();
    let dots = if shown.len() < value.len() { ".." } else { "" };
    format!("{}: `{shown}{dots}`: {}", column(header, field), err.kind())
}

/// A column by its name, or else by its place.
pub(super) fn column(header: Option<&StringRecord>, field: usize) -> String {
    match header.and_then(|names| names.get(field)) {
        Some(name) => format!("column `{name}`"),
        None => format!("field {}", field + 1),
    }
}

/// So many fields, in words.
pub(super) fn count(fields: usize) -> String {
    if fields == 1 { "1 field".into() } else { format!("{fields} fields") }
}
