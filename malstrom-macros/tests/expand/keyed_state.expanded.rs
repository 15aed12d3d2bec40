#[derive(::malstrom::__private::Record)]
#[record(__state)]
#[derive(Default)]
struct Count {
    n: u64,
}
#[allow(unused_imports, unused_qualifications)]
const _: () = {
    use ::malstrom::__private as __m;
    #[automatically_derived]
    impl __m::Names<__m::ItsKey> for Count {
        type Is = <__m::Checked<{ <u64 as __m::KeyField>::PASSED }> as __m::If<u64>>::Is;
    }
    #[automatically_derived]
    impl __m::KeyedState for Count {
        type Key = <Self as __m::Names<__m::ItsKey>>::Is;
        const NAME: &'static str = "Count";
        const VERSION: u32 = 1u32;
        const TTL: ::core::option::Option<__m::Duration> = ::core::option::Option::None;
        type Deadline = ();
    }
};
