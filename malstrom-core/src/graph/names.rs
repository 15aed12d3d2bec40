//! Names of built-in stages in messages.
macro_rules! names {
    ($($name:ident)*) => { $(
        #[doc = concat!("`", stringify!($name), "`")]
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy, Debug)]
        pub struct $name;
    )* };
}
names!(on_right on_timer on_close);
names!(one two three four five many);
names!(source map filter_map flat_map union join window timestamps combine count sum min max average reduce fold top distinct);
