#[allow(unused_imports, unused_qualifications)]
const _: () = {
    use ::malstrom::__private as __m;
    #[automatically_derived]
    impl __m::Part<0usize, __m::OfKey> for Id {
        type Is = <__m::Checked<{ <u16 as __m::KeyField>::PASSED }> as __m::If<u16>>::Is;
    }
    #[automatically_derived]
    impl __m::Part<1usize, __m::OfKey> for Id {
        type Is = <__m::Checked<{ <u64 as __m::KeyField>::PASSED }> as __m::If<u64>>::Is;
    }
    #[automatically_derived]
    impl __m::RecordOrKey for Id {
        const NAME: &'static str = "Id";
        const VARIANTS: &'static [(&'static str, &'static [&'static str])] = &[
            ("", &["region", "number"]),
        ];
        type Fields = (
            __m::Own<<Self as __m::Part<0usize, __m::OfKey>>::Is>,
            __m::Own<<Self as __m::Part<1usize, __m::OfKey>>::Is>,
        );
        fn parts(&self) -> __m::Refs<'_, Self> {
            match self {
                Self { region: __field0, number: __field1 } => {
                    (__m::Ref(__field0), __m::Ref(__field1))
                }
            }
        }
        fn build(__fields: Self::Fields) -> Self {
            match __fields {
                (__m::Own(__field0), __m::Own(__field1)) => {
                    Self {
                        region: __field0,
                        number: __field1,
                    }
                }
            }
        }
    }
    #[automatically_derived]
    impl __m::PartitionKey for Id {
        #[inline(always)]
        fn write_key(&self, __out: &mut __m::KeyWriter<'_>) {
            match self {
                Self { region: __field0, number: __field1 } => {
                    <<Self as __m::Part<
                        0usize,
                        __m::OfKey,
                    >>::Is as __m::PartitionKey>::write_key(__field0, __out);
                    <<Self as __m::Part<
                        1usize,
                        __m::OfKey,
                    >>::Is as __m::PartitionKey>::write_key(__field1, __out);
                }
            }
        }
    }
};
