#[derive(ms::__private::Record)]
#[record(__state, crate = ms)]
pub struct Count(u64);
const _: () = {
    #[allow(unused_imports)]
    use ms::__private as __m;
    #[automatically_derived]
    impl __m::KeyedState for Count {
        type Key = <(u64, String) as __m::KeyField>::Is;
        const NAME: &'static str = "count";
        const VERSION: u32 = 2u32;
        const TTL: ::core::option::Option<__m::Duration> = ::core::option::Option::None;
        fn decode_version(
            __version: u32,
            __bytes: &[u8],
        ) -> ::core::result::Result<Self, __m::CodecError> {
            const {
                ::core::assert!(
                    < v1::Count as __m::KeyedState > ::VERSION < 2u32,
                    "`migrate_from` must name an older version than 2"
                )
            }
            if __version >= 2u32 {
                return __m::decode_same(__version, __bytes);
            }
            <<(
                u64,
                String,
            ) as __m::KeyField>::Is as __m::SameKey<
                <v1::Count as __m::KeyedState>::Key,
            >>::same();
            ::core::result::Result::map(
                <v1::Count as __m::KeyedState>::decode_version(__version, __bytes),
                <Self as __m::MigratesFrom<v1::Count>>::migrate,
            )
        }
        fn describe_version(__version: u32) -> ::core::option::Option<__m::Description> {
            if __version == 2u32 {
                __m::describe_same::<Self>()
            } else {
                <v1::Count as __m::KeyedState>::describe_version(__version)
            }
        }
    }
};
