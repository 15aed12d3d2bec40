//! Splits lines of CSV into fields, by the rules of the csv crate (RFC 4180, and lenient beyond it).
//!
//! The crate's own reader is not used because it counts lines loosely (blank lines, `\r\n`), and reads a row whose quote
//! is never closed to the end of the file into memory.
use super::text::without_end;
use csv::{ByteRecord, StringRecord};

/// The fields of one row, collected line by line.
pub(super) struct Fields {
    delimiter: u8,
    /// What stands for a missing value.
    missing: Option<Vec<u8>>,
    /// Always there, except while it is lent.
    row: Option<ByteRecord>,
    /// The field that is being read, if it began with a quote.
    field: Vec<u8>,
    mode: Mode,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// At the beginning of a field.
    Start,
    /// In a field, or in what follows its closing quote.
    Plain,
    /// Between quotes, where a line may end.
    Quoted,
    /// Just after a quote between quotes: it closes the field, or is half of a doubled one.
    Quote,
}

impl Fields {
    pub(super) fn new(delimiter: u8, missing: Option<Vec<u8>>) -> Self {
        Fields { delimiter, missing, row: Some(ByteRecord::new()), field: Vec::new(), mode: Mode::Start }
    }

    /// Forgets the row.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.row.get_or_insert_default().clear();
        self.field.clear();
        self.mode = Mode::Start;
    }

    /// Takes a line, and says whether the row ends with it.
    #[inline]
    pub(super) fn feed(&mut self, line: &[u8]) -> bool {
        if self.mode == Mode::Start && !line.contains(&b'"') {
            self.plain(without_end(line));
            true
        } else {
            self.quoted(line)
        }
    }

    fn plain(&mut self, line: &[u8]) {
        let delimiter = self.delimiter;
        let fields = line.split(|byte| *byte == delimiter);
        let row = self.row.get_or_insert_default();
        match &self.missing {
            None => fields.for_each(|field| row.push_field(field)),
            Some(missing) => fields.for_each(|field| row.push_field(if field == missing { b"" } else { field })),
        }
    }

    fn quoted(&mut self, line: &[u8]) -> bool {
        let body = without_end(line);
        for &byte in body {
            self.mode = match (self.mode, byte) {
                (Mode::Start, b'"') => Mode::Quoted,
                (Mode::Quoted, b'"') => Mode::Quote,
                (Mode::Start | Mode::Plain | Mode::Quote, byte) if byte == self.delimiter => {
                    self.push_collected();
                    Mode::Start
                }
                (Mode::Quoted | Mode::Quote, byte) => {
                    self.field.push(byte);
                    if self.mode == Mode::Quoted || byte == b'"' { Mode::Quoted } else { Mode::Plain }
                }
                (Mode::Start | Mode::Plain, byte) => {
                    self.field.push(byte);
                    Mode::Plain
                }
            };
        }
        if self.mode == Mode::Quoted {
            self.field.extend_from_slice(&line[body.len()..]);
            return false;
        }
        self.push_collected();
        self.mode = Mode::Start;
        true
    }

    fn push_collected(&mut self) {
        let field = std::mem::take(&mut self.field);
        self.push(&field);
        self.field = field;
        self.field.clear();
    }

    #[inline]
    fn push(&mut self, field: &[u8]) {
        let missing = self.missing.as_ref().is_some_and(|missing| missing == field);
        self.row.get_or_insert_default().push_field(if missing { b"" } else { field });
    }

    /// Lends the row as text, or says which of its fields is not.
    #[inline]
    pub(super) fn with_row<R>(&mut self, with: impl FnOnce(&StringRecord) -> R) -> Result<R, NotText> {
        let row = self.row.take().unwrap_or_default();
        match StringRecord::from_byte_record(row) {
            Ok(row) => {
                let result = with(&row);
                self.row = Some(row.into_byte_record());
                Ok(result)
            }
            Err(error) => {
                let field = error.utf8_error().field();
                self.row = Some(error.into_byte_record());
                Err(NotText { field })
            }
        }
    }
}

/// A field that is not UTF-8, counted from 0.
pub(super) struct NotText {
    pub(super) field: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ours(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut fields = Fields::new(b',', None);
        let mut rows = Vec::new();
        let mut whole = true;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            if whole && without_end(line).is_empty() {
                continue;
            }
            whole = fields.feed(line);
            if whole {
                rows.push(fields.row.iter().flatten().map(<[u8]>::to_vec).collect());
                fields.clear();
            }
        }
        rows
    }

    fn theirs(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
        reader.byte_records().map(|row| row.unwrap().iter().map(<[u8]>::to_vec).collect()).collect()
    }

    proptest! {
        #[test]
        fn rows_are_those_of_the_csv_crate(text in "([a,\"]|,|\"\"|\n|\r\n){0,40}") {
            // A quote that is still open at the end is refused here and accepted there.
            let closed = text + "\"\n";
            let (ours, theirs) = (ours(closed.as_bytes()), theirs(closed.as_bytes()));
            prop_assert_eq!(&ours[..], &theirs[..ours.len()]);
            prop_assert!(theirs.len() <= ours.len() + 1);
        }
    }
}
