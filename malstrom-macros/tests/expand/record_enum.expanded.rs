#[allow(unused_imports, unused_qualifications)]
const _: () = {
    use ::malstrom::__private as __m;
    #[automatically_derived]
    impl __m::Part<0usize, __m::OfRecord> for Event {
        type Is = <__m::Checked<
            { <i32 as __m::RecordField>::PASSED },
        > as __m::If<i32>>::Is;
    }
    #[automatically_derived]
    impl __m::Part<1usize, __m::OfRecord> for Event {
        type Is = <__m::Checked<
            { <i32 as __m::RecordField>::PASSED },
        > as __m::If<i32>>::Is;
    }
    #[automatically_derived]
    impl __m::Part<2usize, __m::OfRecord> for Event {
        type Is = <__m::Checked<
            { <String as __m::RecordField>::PASSED },
        > as __m::If<String>>::Is;
    }
    #[automatically_derived]
    impl __m::RecordOrKey for Event {
        const NAME: &'static str = "Event";
        const VARIANTS: &'static [(&'static str, &'static [&'static str])] = &[
            ("Start", &[]),
            ("Move", &["0", "1"]),
            ("Say", &["text"]),
        ];
        type Fields = ::core::result::Result<
            (),
            ::core::result::Result<
                (
                    __m::Own<<Self as __m::Part<0usize, __m::OfRecord>>::Is>,
                    __m::Own<<Self as __m::Part<1usize, __m::OfRecord>>::Is>,
                ),
                (__m::Own<<Self as __m::Part<2usize, __m::OfRecord>>::Is>,),
            >,
        >;
        fn parts(&self) -> __m::Refs<'_, Self> {
            match self {
                Self::Start {} => ::core::result::Result::Ok(()),
                Self::Move { 0: __field0, 1: __field1 } => {
                    ::core::result::Result::Err(
                        ::core::result::Result::Ok((
                            __m::Ref(__field0),
                            __m::Ref(__field1),
                        )),
                    )
                }
                Self::Say { text: __field0 } => {
                    ::core::result::Result::Err(
                        ::core::result::Result::Err((__m::Ref(__field0),)),
                    )
                }
            }
        }
        fn build(__fields: Self::Fields) -> Self {
            match __fields {
                ::core::result::Result::Ok(()) => Self::Start {},
                ::core::result::Result::Err(
                    ::core::result::Result::Ok((__m::Own(__field0), __m::Own(__field1))),
                ) => {
                    Self::Move {
                        0: __field0,
                        1: __field1,
                    }
                }
                ::core::result::Result::Err(
                    ::core::result::Result::Err((__m::Own(__field0),)),
                ) => Self::Say { text: __field0 },
            }
        }
    }
};
