#[allow(unused_imports, unused_qualifications)]
const _: () = {
    use ::malstrom::__private as __m;
    #[automatically_derived]
    impl<T: __m::Record> __m::Part<0usize, __m::OfRecord> for Reading<T>
    where
        T: Copy,
    {
        type Is = <__m::Checked<
            { <u64 as __m::RecordField>::PASSED },
        > as __m::If<u64>>::Is;
    }
    #[automatically_derived]
    impl<T: __m::Record> __m::Part<1usize, __m::OfRecord> for Reading<T>
    where
        T: Copy,
    {
        type Is = <T as __m::RecordField>::Is;
    }
    #[automatically_derived]
    impl<T: __m::Record> __m::RecordOrKey for Reading<T>
    where
        T: Copy,
    {
        const NAME: &'static str = "Reading";
        const VARIANTS: &'static [(&'static str, &'static [&'static str])] = &[
            ("", &["sensor", "value"]),
        ];
        type Fields = (
            __m::Own<<Self as __m::Part<0usize, __m::OfRecord>>::Is>,
            __m::Own<<Self as __m::Part<1usize, __m::OfRecord>>::Is>,
        );
        fn parts(&self) -> __m::Refs<'_, Self> {
            match self {
                Self { sensor: __field0, value: __field1, .. } => {
                    (__m::Ref(__field0), __m::Ref(__field1))
                }
            }
        }
        fn build(__fields: Self::Fields) -> Self {
            match __fields {
                (__m::Own(__field0), __m::Own(__field1)) => {
                    Self {
                        sensor: __field0,
                        value: __field1,
                        cached: <Option<String> as __m::Skipped>::skipped(),
                    }
                }
            }
        }
    }
};
