#[derive(::malstrom::__private::Record)]
#[record(__state)]
#[derive(Default)]
struct Count {
    n: u64,
}
const _: () = {
    #[allow(unused_imports)]
    use ::malstrom::__private as __m;
    #[automatically_derived]
    impl __m::KeyedState for Count {
        type Key = <u64 as __m::KeyField>::Is;
        const NAME: &'static str = "Count";
        const VERSION: u32 = 1u32;
        const TTL: ::core::option::Option<__m::Duration> = ::core::option::Option::None;
    }
};
