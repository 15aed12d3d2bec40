#[allow(unused_imports, unused_qualifications)]
const _: () = {
    use ms::__private as __m;
    #[automatically_derived]
    impl<T: __m::PartitionKey> __m::Part<0usize, __m::OfKey> for Who<T> {
        type Is = <T as __m::KeyField>::Is;
    }
    #[automatically_derived]
    impl<T: __m::PartitionKey> __m::Part<1usize, __m::OfKey> for Who<T> {
        type Is = <__m::Checked<
            { <String as __m::KeyField>::PASSED },
        > as __m::If<String>>::Is;
    }
    #[automatically_derived]
    impl<T: __m::PartitionKey> __m::RecordOrKey for Who<T> {
        const NAME: &'static str = "Who";
        const VARIANTS: &'static [(&'static str, &'static [&'static str])] = &[
            ("Nobody", &[]),
            ("User", &["0"]),
            ("Group", &["name"]),
        ];
        type Fields = ::core::result::Result<
            (),
            ::core::result::Result<
                (__m::Own<<Self as __m::Part<0usize, __m::OfKey>>::Is>,),
                (__m::Own<<Self as __m::Part<1usize, __m::OfKey>>::Is>,),
            >,
        >;
        fn parts(&self) -> __m::Refs<'_, Self> {
            match self {
                Self::Nobody {} => ::core::result::Result::Ok(()),
                Self::User { 0: __field0 } => {
                    ::core::result::Result::Err(
                        ::core::result::Result::Ok((__m::Ref(__field0),)),
                    )
                }
                Self::Group { name: __field0 } => {
                    ::core::result::Result::Err(
                        ::core::result::Result::Err((__m::Ref(__field0),)),
                    )
                }
            }
        }
        fn build(__fields: Self::Fields) -> Self {
            match __fields {
                ::core::result::Result::Ok(()) => Self::Nobody {},
                ::core::result::Result::Err(
                    ::core::result::Result::Ok((__m::Own(__field0),)),
                ) => Self::User { 0: __field0 },
                ::core::result::Result::Err(
                    ::core::result::Result::Err((__m::Own(__field0),)),
                ) => Self::Group { name: __field0 },
            }
        }
    }
    #[automatically_derived]
    impl<T: __m::PartitionKey> __m::PartitionKey for Who<T> {
        #[inline(always)]
        fn write_key(&self, __out: &mut __m::KeyWriter<'_>) {
            match self {
                Self::Nobody {} => {
                    __out.word(0u64, 2);
                }
                Self::User { 0: __field0 } => {
                    __out.word(1u64, 2);
                    <<Self as __m::Part<
                        0usize,
                        __m::OfKey,
                    >>::Is as __m::PartitionKey>::write_key(__field0, __out);
                }
                Self::Group { name: __field0 } => {
                    __out.word(2u64, 2);
                    <<Self as __m::Part<
                        1usize,
                        __m::OfKey,
                    >>::Is as __m::PartitionKey>::write_key(__field0, __out);
                }
            }
        }
    }
};
