#[derive(ms::__private::Record)]
#[record(__state, crate = ms)]
pub struct Count(u64);
#[allow(unused_imports, unused_qualifications)]
const _: () = {
    use ms::__private as __m;
    #[automatically_derived]
    impl __m::Names<__m::ItsKey> for Count {
        type Is = <__m::Checked<
            { <(u64, String) as __m::KeyField>::PASSED },
        > as __m::If<(u64, String)>>::Is;
    }
    #[automatically_derived]
    impl __m::Names<__m::ItsOld> for Count {
        type Is = <__m::Checked<
            { <v1::Count as __m::IsState>::PASSED },
        > as __m::If<v1::Count>>::Is;
    }
    const _: () = ::core::assert!(
        << Count as __m::Names < __m::ItsOld >> ::Is as __m::KeyedState > ::VERSION <
        2u32, "`migrate_from` must name an older version than 2"
    );
    #[automatically_derived]
    impl __m::KeyedState for Count {
        type Key = <Self as __m::Names<__m::ItsKey>>::Is;
        const NAME: &'static str = "count";
        const VERSION: u32 = 2u32;
        const TTL: ::core::option::Option<__m::Duration> = ::core::option::Option::None;
        type Deadline = ();
        fn decode_version(
            __version: u32,
            __bytes: &[u8],
        ) -> ::core::result::Result<Self, __m::CodecError> {
            <Self::Key as __m::KeepsKey<
                <<Self as __m::Names<__m::ItsOld>>::Is as __m::KeyedState>::Key,
            >>::same();
            if __version >= 2u32 {
                return __m::decode_same(__version, __bytes);
            }
            let __old = <<Self as __m::Names<
                __m::ItsOld,
            >>::Is as __m::KeyedState>::decode_version(__version, __bytes)?;
            ::core::result::Result::Ok(
                <Self as __m::MigratesFrom<
                    <Self as __m::Names<__m::ItsOld>>::Is,
                >>::migrate(__old),
            )
        }
        fn describe_version(__version: u32) -> ::core::option::Option<__m::Description> {
            if __version == 2u32 {
                __m::describe_same::<Self>()
            } else {
                <<Self as __m::Names<
                    __m::ItsOld,
                >>::Is as __m::KeyedState>::describe_version(__version)
            }
        }
    }
};
