//! Records as columns: what is nested in structs and tuples lies side by side in a row.
//!
//! A value does not tell its type, so a part takes its columns from its first record. The names of fields are known then, and
//! how many columns there are where a later record has `None`.
use serde::ser::{self, Impossible, Serialize, Serializer};
use std::collections::HashMap;
use std::fmt::{self, Display, Write};

/// Why a record has no columns.
#[derive(Debug)]
pub(super) struct NoColumns {
    message: String,
    /// The fields in which it is, the innermost first.
    within: Vec<&'static str>,
}
impl NoColumns {
    fn of(what: impl Display) -> Self {
        let message = format!("{what} has no form in a row");
        NoColumns { message, within: Vec::new() }
    }
    #[cold]
    fn within(mut self, field: &'static str) -> Self {
        self.within.push(field);
        self
    }
}
impl Display for NoColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((last, outer)) = self.within.split_first() {
            f.write_str("`")?;
            outer.iter().rev().try_for_each(|field| write!(f, "{field}."))?;
            write!(f, "{last}`: ")?;
        }
        f.write_str(&self.message)
    }
}
impl std::error::Error for NoColumns {}
impl ser::Error for NoColumns {
    fn custom<T: Display>(message: T) -> Self {
        NoColumns { message: message.to_string(), within: Vec::new() }
    }
}

/// A step from a value to one in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Field(&'static str),
    Place(usize),
}
impl Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Field(name) => f.write_str(name),
            Step::Place(at) => at.fmt(f),
        }
    }
}

/// Is shown the columns of a record.
pub(super) trait Look {
    /// A column.
    fn column(&mut self, text: &[u8]);
    /// `None`, which may be in the place of several columns.
    fn absent(&mut self);
    fn enter(&mut self, step: Step);
    fn leave(&mut self);
}

/// The columns of a part.
#[derive(Debug, Default)]
pub(super) struct Columns {
    paths: Vec<Vec<Step>>,
    path: Vec<Step>,
}
impl Look for Columns {
    fn column(&mut self, _: &[u8]) {
        self.paths.push(self.path.clone());
    }
    fn absent(&mut self) {
        self.paths.push(self.path.clone());
    }
    fn enter(&mut self, step: Step) {
        self.path.push(step);
    }
    fn leave(&mut self) {
        self.path.pop();
    }
}
impl Columns {
    /// Those of a record.
    pub(super) fn of<T: Serialize>(record: &T) -> Result<Self, NoColumns> {
        let mut walk = Walk { look: Columns::default(), text: String::new(), depth: 0 };
        record.serialize(&mut walk)?;
        Ok(walk.look)
    }
    pub(super) fn len(&self) -> usize {
        self.paths.len()
    }
    /// How many columns from `at` on belong to the value that lies `depth` steps deep.
    fn span(&self, at: usize, depth: usize) -> usize {
        let Some(within) = self.paths.get(at).and_then(|path| path.get(..depth)) else { return 1 };
        let same = |path: &&Vec<Step>| path.get(..depth) == Some(within);
        self.paths.iter().skip(at).take_while(same).count().max(1)
    }
    /// The names of the columns, if they all are fields of structs: the name of the field, and where two have the same, those
    /// of the fields around them before it.
    pub(super) fn names(&self) -> Option<Vec<String>> {
        let joined = |steps: &[Step]| steps.iter().map(Step::to_string).collect::<Vec<_>>().join("_");
        let is_field = |step: &Step| matches!(step, Step::Field(_));
        let short = |path: &Vec<Step>| path.iter().rposition(is_field).and_then(|last| Some(joined(path.get(last..)?)));
        let mut names = self.paths.iter().map(short).collect::<Option<Vec<String>>>()?;
        let mut times: HashMap<String, usize> = HashMap::new();
        names.iter().for_each(|name| *times.entry(name.clone()).or_default() += 1);
        for (name, path) in names.iter_mut().zip(&self.paths) {
            if times.get(name).is_some_and(|times| *times > 1) {
                *name = joined(path);
            }
        }
        (!names.is_empty()).then_some(names)
    }
}

/// Writes a record into a row.
pub(super) struct Row<'a, F> {
    pub(super) columns: &'a Columns,
    pub(super) field: F,
    written: usize,
    depth: usize,
}
impl<F: FnMut(&[u8])> Look for Row<'_, F> {
    #[inline]
    fn column(&mut self, text: &[u8]) {
        self.written += 1;
        (self.field)(text);
    }
    fn absent(&mut self) {
        for _ in 0..self.columns.span(self.written, self.depth) {
            self.column(b"");
        }
    }
    fn enter(&mut self, _: Step) {
        self.depth += 1;
    }
    fn leave(&mut self) {
        self.depth -= 1;
    }
}
/// Writes a record as the fields of a row. `text` is scratch.
pub(super) fn write<T: Serialize>(
    record: &T,
    columns: &Columns,
    text: &mut String,
    field: impl FnMut(&[u8]),
) -> Result<(), NoColumns> {
    let row = Row { columns, field, written: 0, depth: 0 };
    let mut walk = Walk { look: row, text: std::mem::take(text), depth: 0 };
    record.serialize(&mut walk)?;
    *text = walk.text;
    let (written, expected) = (walk.look.written, columns.len());
    if written != expected {
        let columns = if written == 1 { "column" } else { "columns" };
        let message = format!("it has {written} {columns} where the first record of the part has {expected}");
        return Err(NoColumns { message, within: Vec::new() });
    }
    Ok(())
}

/// Goes through a record.
struct Walk<L> {
    look: L,
    /// Scratch.
    text: String,
    depth: usize,
}
impl<L: Look> Walk<L> {
    fn enter(&mut self, step: Step) {
        self.depth += 1;
        self.look.enter(step);
    }
    fn leave(&mut self) {
        self.depth -= 1;
        self.look.leave();
    }
    fn shown(&mut self, value: impl Display) -> Result<(), NoColumns> {
        self.text.clear();
        let Ok(()) = write!(self.text, "{value}") else { return Err(NoColumns::of("this value")) };
        self.look.column(self.text.as_bytes());
        Ok(())
    }
}
/// With a point or an exponent, so that it reads as what it is.
struct Float(f64);
impl Display for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
struct Float32(f32);
impl Display for Float32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

macro_rules! scalars {
    ($($method:ident($type:ty) |$value:ident| $shown:expr;)*) => {$(
        #[inline]
        fn $method(self, $value: $type) -> Result<(), NoColumns> {
            self.shown($shown)
        }
    )*};
}
impl<'a, L: Look> Serializer for &'a mut Walk<L> {
    type Ok = ();
    type Error = NoColumns;
    type SerializeSeq = Inside<'a, L>;
    type SerializeTuple = Inside<'a, L>;
    type SerializeTupleStruct = Inside<'a, L>;
    type SerializeTupleVariant = Impossible<(), NoColumns>;
    type SerializeMap = Impossible<(), NoColumns>;
    type SerializeStruct = Inside<'a, L>;
    type SerializeStructVariant = Impossible<(), NoColumns>;
    scalars! {
        serialize_bool(bool) |value| value;
        serialize_i8(i8) |value| value;
        serialize_i16(i16) |value| value;
        serialize_i32(i32) |value| value;
        serialize_i64(i64) |value| value;
        serialize_i128(i128) |value| value;
        serialize_u8(u8) |value| value;
        serialize_u16(u16) |value| value;
        serialize_u32(u32) |value| value;
        serialize_u64(u64) |value| value;
        serialize_u128(u128) |value| value;
        serialize_f32(f32) |value| Float32(value);
        serialize_f64(f64) |value| Float(value);
        serialize_char(char) |value| value;
    }
    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), NoColumns> {
        self.look.column(value.as_bytes());
        Ok(())
    }
    fn serialize_bytes(self, value: &[u8]) -> Result<(), NoColumns> {
        self.look.column(value);
        Ok(())
    }
    fn serialize_none(self) -> Result<(), NoColumns> {
        self.look.absent();
        Ok(())
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NoColumns> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), NoColumns> {
        self.serialize_str("")
    }
    fn serialize_unit_struct(self, name: &'static str) -> Result<(), NoColumns> {
        self.serialize_str(name)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), NoColumns> {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), NoColumns> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), NoColumns> {
        value.serialize(self)
    }
    /// A record that is a sequence is a row of its own length; one in a record would be of any length.
    fn serialize_seq(self, _: Option<usize>) -> Result<Inside<'a, L>, NoColumns> {
        if self.depth > 0 { Err(NoColumns::of("a sequence")) } else { Ok(Inside { walk: self, place: 0 }) }
    }
    fn serialize_tuple(self, _: usize) -> Result<Inside<'a, L>, NoColumns> {
        Ok(Inside { walk: self, place: 0 })
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Inside<'a, L>, NoColumns> {
        Ok(Inside { walk: self, place: 0 })
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, NoColumns> {
        Err(NoColumns::of(format_args!("the variant `{variant}`, which has fields,")))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, NoColumns> {
        Err(NoColumns::of("a map"))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Inside<'a, L>, NoColumns> {
        Ok(Inside { walk: self, place: 0 })
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, NoColumns> {
        Err(NoColumns::of(format_args!("the variant `{variant}`, which has fields,")))
    }
}

/// Goes through what is in a struct, a tuple or a sequence.
pub(super) struct Inside<'a, L> {
    walk: &'a mut Walk<L>,
    place: usize,
}
impl<L: Look> Inside<'_, L> {
    #[inline]
    fn next<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoColumns> {
        self.walk.enter(Step::Place(self.place));
        self.place += 1;
        value.serialize(&mut *self.walk)?;
        self.walk.leave();
        Ok(())
    }
}
macro_rules! inside {
    ($($trait:ident $method:ident;)*) => {$(
        impl<L: Look> ser::$trait for Inside<'_, L> {
            type Ok = ();
            type Error = NoColumns;
            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoColumns> {
                self.next(value)
            }
            fn end(self) -> Result<(), NoColumns> {
                Ok(())
            }
        }
    )*};
}
inside! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
}
impl<L: Look> ser::SerializeStruct for Inside<'_, L> {
    type Ok = ();
    type Error = NoColumns;
    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), NoColumns> {
        self.walk.enter(Step::Field(name));
        value.serialize(&mut *self.walk).map_err(|error| error.within(name))?;
        self.walk.leave();
        Ok(())
    }
    fn end(self) -> Result<(), NoColumns> {
        Ok(())
    }
}
