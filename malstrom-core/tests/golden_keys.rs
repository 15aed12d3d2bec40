//! Where keys live is part of the data format: these bytes, hashes and groups never change.
use bytes::Bytes;
use malstrom_core::contract::key::KeyGroups;
use malstrom_core::contract::key::canonical;
use malstrom_core::state::key_group::KeyHasher;
use malstrom_core::{PartitionKey, Timestamp, Window};
use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// Canonical bytes; hash and group with seed 0; the same with seed 0x9E3779B97F4A7C15.
type Golden = (&'static str, u64, u16, u64, u16);

fn actual<K: PartitionKey>(key: &K) -> (String, u64, u16, u64, u16) {
    let bytes = canonical(key).iter().map(|byte| format!("{byte:02x}")).collect();
    let [plain, seeded] = [0, 0x9E37_79B9_7F4A_7C15].map(|seed| KeyHasher::new(seed).hash(key));
    (bytes, plain, KeyGroups::DEFAULT.of(plain), seeded, KeyGroups::DEFAULT.of(seeded))
}

macro_rules! golden {
    ($($name:ident: $key:expr => $golden:expr;)*) => {
        $(#[test]
        fn $name() {
            let golden: Golden = $golden;
            let (bytes, plain, group, seeded, seeded_group) = actual(&$key);
            assert_eq!((bytes.as_str(), plain, group, seeded, seeded_group), golden);
        })*
        /// Prints the table, for keys that are new.
        #[test]
        #[ignore = "a tool, not a test"]
        fn print() {
            $({
                let (bytes, plain, group, seeded, seeded_group) = actual(&$key);
                println!("    {}: {} => (\"{bytes}\", {plain:#018x}, {group}, {seeded:#018x}, {seeded_group});", stringify!($name), stringify!($key));
            })*
        }
    };
}

golden! {
    bool_true: true => ("01", 0xc977_24cc_c4dd_76ad, 3223, 0x3cd1_c004_220b_8e5d, 973);
    bool_false: false => ("00", 0x4d86_b7c2_6511_812b, 1240, 0xd802_56db_4071_0e0c, 3456);
    a_char: 'ß' => ("df000000", 0xfdd8_93a6_e487_e866, 4061, 0x3c27_3b27_1b39_3760, 962);
    u8_max: u8::MAX => ("ff", 0x4d2e_8f77_c761_cbf4, 1234, 0x137f_f294_c174_9a77, 311);
    u16_one: 1u16 => ("0100", 0x8b31_1400_5f3f_b15e, 2227, 0x9351_89ce_7c50_6fb4, 2357);
    u32_mixed: 0x0102_0304u32 => ("04030201", 0xfd72_904f_4c26_75ab, 4055, 0x3e36_8b47_4e7f_8fbb, 995);
    u64_zero: 0u64 => ("0000000000000000", 0x0814_4c6a_129d_0309, 129, 0x87ac_ab6c_5a35_3160, 2170);
    u64_one: 1u64 => ("0100000000000000", 0xee49_ba4a_ff9d_4151, 3812, 0xb844_42b9_3c11_2bd8, 2948);
    u64_mixed: 0x0102_0304_0506_0708u64 => ("0807060504030201", 0x0756_a773_087d_acef, 117, 0xaaf3_c6c8_1ecb_08ba, 2735);
    u64_max: u64::MAX => ("ffffffffffffffff", 0x1ef1_54ba_0905_5ac2, 495, 0x1576_addc_0313_71de, 343);
    u128_mixed: 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10u128 => ("100f0e0d0c0b0a090807060504030201", 0x2ea7_3c88_1471_bbaa, 746, 0x68df_bc75_3b05_0744, 1677);
    usize_seven: 7usize => ("0700000000000000", 0x8d5b_52d2_eb45_4bd7, 2261, 0x1002_1fcd_a806_8181, 256);
    i8_minus: -1i8 => ("ff", 0x4d2e_8f77_c761_cbf4, 1234, 0x137f_f294_c174_9a77, 311);
    i16_minus: -2i16 => ("feff", 0x8f25_9558_31c5_35ae, 2290, 0x2d54_697a_3135_c128, 725);
    i32_minus: -3i32 => ("fdffffff", 0x1c4d_684a_79a8_d453, 452, 0x77ba_db7f_2e27_e823, 1915);
    i64_minus: -4i64 => ("fcffffffffffffff", 0xc876_d558_c810_a1e2, 3207, 0x6315_84ce_c5f6_21ef, 1585);
    i128_minus: -5i128 => ("fbffffffffffffffffffffffffffffff", 0x2ca2_8926_de82_9ede, 714, 0xe918_6fd9_53d3_18b7, 3729);
    isize_minus: -6isize => ("faffffffffffffff", 0xfa74_8c9a_141a_493f, 4007, 0x0502_5be6_40a3_e3d2, 80);
    string_empty: String::new() => ("00000000", 0xbbf6_3af3_67ad_6c74, 3007, 0x228c_7b6b_2240_dc56, 552);
    string_short: "anna".to_owned() => ("04000000616e6e61", 0x88f9_9340_c4b3_2ced, 2191, 0x9aef_9b5e_9402_84f9, 2478);
    string_of_twelve: "twelve bytes".to_owned() => ("0c0000007477656c7665206279746573", 0x025e_df3a_5783_c22a, 37, 0xeb8e_25a4_1685_408f, 3768);
    string_of_thirteen: "thirteen byte".to_owned() => ("0d000000746869727465656e2062797465", 0x3bd5_9707_39e2_3fc8, 957, 0x4c14_9895_2794_1cf4, 1217);
    string_long: "The quick brown fox jumps over the lazy dog".to_owned() => ("2b00000054686520717569636b2062726f776e20666f78206a756d7073206f76657220746865206c617a7920646f67", 0x5921_23f2_5aee_f140, 1426, 0x5233_1da5_8caf_20d4, 1315);
    bytes_short: Bytes::from_static(b"\x00\xff") => ("0200000000ff", 0x4f5e_ab22_fe12_a155, 1269, 0xefe6_1905_24d2_d84f, 3838);
    vec_empty: Vec::<u64>::new() => ("00000000", 0xbbf6_3af3_67ad_6c74, 3007, 0x228c_7b6b_2240_dc56, 552);
    vec_short: vec![1u16, 2] => ("0200000001000200", 0xf8f1_5a5a_1375_4766, 3983, 0x72ea_28a4_a5c0_32c0, 1838);
    vec_long: vec![1u64, 2, 3] => ("03000000010000000000000002000000000000000300000000000000", 0x3660_9303_60aa_8e69, 870, 0xa03b_740f_ffdb_d2b4, 2563);
    vec_of_strings: vec!["a".to_owned(), "bc".to_owned()] => ("020000000100000061020000006263", 0x54c2_f5bb_fd3e_ea6b, 1356, 0xe06f_65f7_0ccc_68bc, 3590);
    option_none: None::<u64> => ("00", 0x4d86_b7c2_6511_812b, 1240, 0xd802_56db_4071_0e0c, 3456);
    option_some: Some(9u64) => ("010900000000000000", 0xff70_4100_21b4_bd37, 4087, 0x1081_5726_ae7e_88cb, 264);
    option_nested: Some(None::<u8>) => ("0100", 0x8b31_1400_5f3f_b15e, 2227, 0x9351_89ce_7c50_6fb4, 2357);
    a_box: Box::new(5u32) => ("05000000", 0x3eae_1445_acc4_470e, 1002, 0xc53b_31d3_738b_8125, 3155);
    an_arc: Arc::new("x".to_owned()) => ("0100000078", 0xe61a_fbf3_ebc7_3337, 3681, 0x4370_eb84_1d02_5bc4, 1079);
    array: [1u8, 2, 3] => ("010203", 0xf3f0_abc4_277f_77f7, 3903, 0x7acc_0c41_d984_0447, 1964);
    array_long: [1u64, 2, 3] => ("010000000000000002000000000000000300000000000000", 0x7c68_b490_6e7e_a780, 1990, 0x3d90_73b4_4c1b_54f6, 985);
    unit: () => ("", 0xd609_ce4a_3c26_d18a, 3424, 0x9cb4_7603_5ca3_23ac, 2507);
    phantom: PhantomData::<u64> => ("", 0xd609_ce4a_3c26_d18a, 3424, 0x9cb4_7603_5ca3_23ac, 2507);
    pair: (1u32, 2u32) => ("0100000002000000", 0x63be_c2e2_0875_d21b, 1595, 0xbc45_ee1d_b18b_97c0, 3012);
    pair_of_words: (1u64, 2u64) => ("01000000000000000200000000000000", 0xe364_23fb_d724_6ad0, 3638, 0x44da_5c2f_f156_b28d, 1101);
    triple: (1u8, "b".to_owned(), Some(true)) => ("0101000000620101", 0x87da_ed89_6c1c_0312, 2173, 0x6ebd_ea4c_a76d_4541, 1771);
    twelve: (1u8, 2u8, 3u8, 4u8, 5u8, 6u8, 7u8, 8u8, 9u8, 10u8, 11u8, 12u8) => ("0102030405060708090a0b0c", 0x949f_8351_9ba0_b6ae, 2377, 0xccd6_a5c9_5579_6210, 3277);
    map: BTreeMap::from([("a".to_owned(), 1u8), ("b".to_owned(), 2)]) => ("02000000010000006101010000006202", 0x4395_bbf4_e67a_a95c, 1081, 0xc47b_5364_5751_62fb, 3143);
    set: BTreeSet::from([3u32, 1, 2]) => ("03000000010000000200000003000000", 0x081f_e044_190e_aa0e, 129, 0x2973_78f3_3a6c_59c6, 663);
    duration: Duration::new(3, 500_000_000) => ("03000000000000000065cd1d", 0x34bb_ab43_cfcf_4e94, 843, 0xe0ce_6fbb_1709_e1e7, 3596);
    timestamp: Timestamp::from_micros(1_357_035_420_000_001) => ("011f286e37d20400", 0x7d85_2481_f1d0_f2e5, 2008, 0x3455_f564_96df_27eb, 837);
    timestamp_before_1970: Timestamp::from_micros(-2) => ("feffffffffffffff", 0x004d_2984_d317_31a5, 4, 0x0f2f_5693_ae59_f599, 242);
    window: Window::new(Timestamp::from_micros(-2), Timestamp::from_secs(3_600)) => ("feffffffffffffff00a493d600000000", 0xe881_0209_6b58_1cea, 3720, 0x88e2_ef6d_0975_28b8, 2190);
}
