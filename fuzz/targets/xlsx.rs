//! A workbook of fuzzed parts; or, where the bytes are a ZIP archive themselves, these.
#![no_main]

use fristd_fuzz::{desk, law, workbook};

libfuzzer_sys::fuzz_target!(init: desk::open(), |bytes: &[u8]| {
    if bytes.starts_with(b"PK\x03\x04") {
        law::check(bytes);
    } else {
        law::check(&workbook::of_parts(bytes));
    }
});
