#[derive(::malstrom::__private::Record)]
#[record(__state)]
#[derive(Clone)]
struct Count<T> {
    n: T,
}
::core::compile_error! {
    "`keyed_state` has no option `kee`\n  help: did you mean `key`? (options: `key`, `ttl`, `version`, `migrate_from`, `name`, `crate`)"
}
::core::compile_error! {
    "`version` is given twice\n  help: remove one of them"
}
::core::compile_error! {
    "`3 weeks` is not a length of time\n  help: write a number and one of `d`, `h`, `m`, `s`, `ms`: `\"30d\"`"
}
::core::compile_error! {
    "`name`: expected string literal\n  help: write `name = \"card_profile\"`"
}
::core::compile_error! {
    "keyed state needs to know what it is kept per\n  help: write `#[keyed_state(key = u64)]`"
}
::core::compile_error! {
    "`migrate_from` needs `version = 2` or more: nothing is older than version 1\n  help: count `version` up"
}
::core::compile_error! {
    "`#[keyed_state]` makes the type a `Record` itself\n  help: remove it from the derives"
}
::core::compile_error! {
    "keyed state cannot be generic: snapshots find `Count` by its name\n  help: write a type for each use"
}
